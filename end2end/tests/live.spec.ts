// A reply is followed from everywhere: other tabs, after a reload, on another server.

import { expect, test } from "../helpers/app";
import { Chat, chatList, open, reload } from "../helpers/chat";
import type { Locator } from "@playwright/test";

/** A reply's HTML block by block, without what the framework keeps around it. */
function blocks(reply: Locator): Promise<string[]> {
  return reply
    .locator(".block > *")
    .evaluateAll((all) => all.map((block) => block.outerHTML.replaceAll("<!---->", "")));
}

test("another tab follows a reply live, whether it was open before or is opened in the middle", async ({
  alice,
  provider,
}) => {
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  const second = await Chat.open(await alice.context.newPage(), path);
  await chat.send("Tell us");
  const reply = await provider.asked("Tell us");
  await expect(second.mine).toHaveText(/Tell us/);
  reply.push("One, ");
  await expect(chat.lastReply).toHaveText("One,");
  await expect(second.lastReply).toHaveText("One,");

  const third = await Chat.open(await alice.context.newPage(), path);
  await expect(third.lastReply).toHaveText("One,");
  reply.push("two, ");
  for (const tab of [chat, second, third]) await expect(tab.lastReply).toHaveText("One, two,");
  reply.finish("three.");
  for (const tab of [chat, second, third]) {
    await expect(tab.lastReply).toHaveText("One, two, three.");
    await tab.replyIsComplete();
    await expect(tab.mine).toHaveCount(1);
    await expect(tab.replies).toHaveCount(1);
  }
});

test("Stop and Retry work from another tab", async ({ alice, provider }) => {
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  const second = await Chat.open(await alice.context.newPage(), path);
  await chat.send("Go on for ever");
  const reply = await provider.asked("Go on for ever");
  reply.push("And on ");
  await expect(second.lastReply).toHaveText("And on");
  await second.stopButton.click();
  await reply.abandoned;
  await expect(chat.replies.getByText("Stopped")).toBeVisible();
  await second.retryButton.click();
  (await provider.asked("Go on for ever")).finish("No.");
  for (const tab of [chat, second]) {
    await expect(tab.lastReply).toHaveText("No.");
    await expect(tab.replies).toHaveCount(1);
    await expect(tab.retryButton).toHaveCount(0);
  }
});

test("a reload in the middle of a reply goes on with it, and what was live equals what is kept", async ({
  alice,
  provider,
}) => {
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  await chat.send("Tell me of stones");
  const reply = await provider.asked("Tell me of stones");
  reply.push("# Stones\n\nThere are *many", "* of them:\n\n- agate\n- on");
  await expect(chat.lastReply.getByText("agate")).toBeVisible();
  await reload(alice.page);
  await expect(chat.lastReply.getByText("agate")).toBeVisible();
  await expect(chat.stopButton).toBeVisible();
  reply.push("yx\n\n```rust\nfn main() {\n");
  await expect(chat.lastReply.getByText("fn main()")).toBeVisible();
  reply.push('    println!("🪨");\n}\n``', "`\n\n| name | hardness |\n|---|--:|\n| sardonyx | 7 |\n\n");
  await expect(chat.lastReply.getByRole("cell", { name: "sardonyx" })).toBeVisible();
  reply.finish("That is **all** there is.");
  await expect(chat.lastReply.getByText("That is all there is.")).toBeVisible();
  await chat.replyIsComplete();
  const live = await blocks(chat.lastReply);
  await reload(alice.page);
  expect(await blocks(chat.lastReply)).toEqual(live);
  expect(live).toHaveLength(6);
});

test("whoever is on a link of a reply stays there when the reply ends", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Where is it written?");
  const reply = await provider.asked("Where is it written?");
  reply.push("Once.\n\nAnd twice, in [the manual](https://example.org/manual).");
  const link = chat.lastReply.getByRole("link", { name: "the manual" });
  await link.focus();
  reply.finish();
  await chat.replyIsComplete();
  await expect(link).toBeFocused();
  await expect(chat.lastReply.getByRole("paragraph")).toHaveText(["Once.", "And twice, in the manual."]);
});

test("a reply goes on while nobody looks", async ({ alice, provider }) => {
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  await chat.send("Do not hurry");
  const reply = await provider.asked("Do not hurry");
  reply.push("I ");
  await expect(chat.lastReply).toHaveText("I");
  await alice.page.close();
  reply.finish("do not.");
  const later = await Chat.open(await alice.context.newPage(), path);
  await expect(later.lastReply).toHaveText("I do not.");
  await later.replyIsComplete();
});

test("two replies in two chats do not mix", async ({ alice, provider }) => {
  const [first, second] = [await alice.addChat(), await alice.addChat()];
  const chat = await Chat.open(alice.page, first);
  await chat.send("First chat");
  const firstReply = await provider.asked("First chat");
  firstReply.push("To the first ");
  await expect(chat.lastReply).toHaveText("To the first");
  await chatList(alice.page).locator(`a[href="${second}"]`).click();
  await expect(chat.mine).toHaveCount(0);
  await chat.send("Second chat");
  const secondReply = await provider.asked("Second chat");
  secondReply.push("To the second ");
  firstReply.push("alone");
  await expect(chat.lastReply).toHaveText("To the second");
  secondReply.finish("alone.");
  await expect(chat.lastReply).toHaveText("To the second alone.");
  await chatList(alice.page).getByRole("link", { name: "First chat" }).click();
  await expect(chat.lastReply).toHaveText("To the first alone");
  firstReply.finish(".");
  await expect(chat.lastReply).toHaveText("To the first alone.");
});

test("without the live connection a reply still arrives, and the page says what is missing", async ({
  alice,
  provider,
  faults,
}) => {
  faults.allow(/WebSocket connection to .* failed|net::ERR_FAILED/);
  await alice.page.routeWebSocket("**/ws", (socket) => void socket.close());
  await alice.page.route(/\/live\?id=/, (route) => route.abort());
  const chat = await Chat.open(alice.page, await alice.addChat());
  await expect(alice.page.getByRole("status").getByText("Reconnecting…")).toBeVisible();
  await chat.send("Are you there?");
  const reply = await provider.asked("Are you there?");
  reply.push("Yes, ");
  await expect(chat.lastReply).toHaveText("Yes,");
  reply.finish("slowly.");
  await expect(chat.lastReply).toHaveText("Yes, slowly.");
  await chat.replyIsComplete();
  await expect(chat.mine).toHaveCount(1);
});

test.describe("two servers with the same Postgres and Redis", () => {
  test("a tab on the other server follows live and can stop", async ({ startServer, join, shared, provider }) => {
    const [a, b] = [await startServer({ shared }), await startServer({ shared })];
    const alice = await join(a, "alice");
    const path = await alice.addChat();
    const here = await Chat.open(alice.page, path);
    // The cookie is the host's, whatever the port: the session begun at one server is known to the other.
    const there = await Chat.open(await alice.context.newPage(), b.url + path);
    await here.send("Can you hear me?");
    const reply = await provider.asked("Can you hear me?");
    await expect(there.mine).toHaveText(/Can you hear me/);
    reply.push("Loud ");
    await expect(there.lastReply).toHaveText("Loud");
    reply.push("and ");
    await expect(there.lastReply).toHaveText("Loud and");
    reply.finish("clear.");
    for (const tab of [here, there]) {
      await expect(tab.lastReply).toHaveText("Loud and clear.");
      await tab.replyIsComplete();
    }

    await there.send("And from there?");
    const second = await provider.asked("And from there?");
    second.push("Also ");
    await expect(here.lastReply).toHaveText("Also");
    await here.stopButton.click();
    await second.abandoned;
    await expect(there.replies.getByText("Stopped")).toBeVisible();
  });

  test("logging out at one ends the tabs at the other", async ({ startServer, join, shared }) => {
    const [a, b] = [await startServer({ shared }), await startServer({ shared })];
    const alice = await join(a, "alice");
    await open(alice.page, "/chats");
    const there = await alice.context.newPage();
    await open(there, `${b.url}/chats`);
    await expect(there.getByRole("button", { name: "Account" })).toBeVisible();
    await alice.page.getByRole("button", { name: "Account" }).click();
    await alice.page.getByRole("button", { name: "Log out" }).click();
    await expect(alice.page).toHaveURL(/\/login\?reason=logged_out/);
    await expect(there).toHaveURL(/\/login\?reason=logged_out/);
  });

  test("when one is killed in the middle of a reply, the other goes on with it", async ({
    startServer,
    join,
    shared,
    provider,
    faults,
  }) => {
    provider.continues = true;
    const [a, b] = [await startServer({ shared }), await startServer({ shared })];
    const alice = await join(a, "alice");
    const path = await alice.addChat();
    const there = await Chat.open(alice.page, b.url + path);
    await alice.send(path, "Will you last?");
    const reply = await provider.asked("Will you last?");
    reply.push("I hope that I will ");
    await expect(there.lastReply).toHaveText("I hope that I will");
    const headers = { origin: b.url };
    const kept = async () => (await alice.context.request.get(`${b.url}/api/v1${path}/messages`, { headers })).text();
    await expect.poll(kept).toContain("I hope that I will");
    await a.stop("SIGKILL");
    faults.allow(/net::ERR/);
    // Within the lease and a sweep.
    const again = await provider.asked("Will you last?");
    expect(again.begun).toBe("I hope that I will ");
    again.finish("and I did.");
    await expect(there.lastReply).toHaveText("I hope that I will and I did.");
    await there.replyIsComplete();
  });
});
