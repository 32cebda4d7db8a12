// The server goes away in the middle, and comes back.

import { expect, test } from "../helpers/app";
import { alert, Chat, chatList } from "../helpers/chat";
import { NO_CONNECTION } from "../helpers/faults";

for (const [signal, continues] of [
  ["SIGTERM", true],
  ["SIGKILL", true],
  ["SIGKILL", false],
] as const) {
  const how = continues ? "goes on" : "is written anew";
  test(`after ${signal} in the middle of a reply, the page reconnects and the reply ${how}`, async ({
    startServer,
    join,
    provider,
    faults,
  }) => {
    provider.continues = continues;
    const server = await startServer();
    const alice = await join(server, "alice");
    const path = await alice.addChat();
    const chat = await Chat.open(alice.page, path);
    await chat.send("Will you last?");
    const reply = await provider.asked("Will you last?");
    reply.push("A whole paragraph.\n\n", "I hope ");
    await expect(chat.lastReply).toContainText("I hope");
    // About every second what is there is kept.
    const kept = { url: `${server.url}/api/v1${path}/messages`, headers: { origin: server.url } };
    const text = async () => (await alice.context.request.get(kept.url, { headers: kept.headers })).text();
    await expect.poll(text).toContain("I hope ");

    faults.allow(NO_CONNECTION);
    await server.stop(signal);
    await reply.abandoned;
    const reconnecting = alice.page.getByRole("status").getByText("Reconnecting…");
    await expect(reconnecting).toBeVisible();
    await expect(chat.lastReply).toContainText("I hope");
    await server.start();
    const again = await provider.asked("Will you last?");
    expect(again.begun).toBe(continues ? "A whole paragraph.\n\nI hope " : undefined);
    await expect(reconnecting).toHaveCount(0, { timeout: 60_000 });
    await expect(chat.lastReply).toContainText("I hope");
    if (continues) {
      again.finish("so.");
      await expect(chat.lastReply).toHaveText(/A whole paragraph\.\s*I hope so\./);
    } else {
      again.push("Another paragraph.\n\n");
      again.finish("Which is longer.");
      await expect(chat.lastReply).toHaveText(/Another paragraph\.\s*Which is longer\./);
    }
    await chat.replyIsComplete();
    await expect(chat.replies).toHaveCount(1);
    await expect(alert(alice.page)).toHaveCount(0);
  });
}

test("a reply that was stopped goes on when asked", async ({ alice, provider }) => {
  provider.continues = true;
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("How far?");
  (await provider.asked("How far?")).push("As far as the eye ");
  await expect(chat.lastReply).toContainText("the eye");
  await chat.stopButton.click();
  await alice.page.getByRole("button", { name: "Continue" }).click();
  const again = await provider.asked("How far?");
  expect(again.begun).toBe("As far as the eye ");
  await expect(chat.lastReply).toContainText("the eye");
  again.finish("can see.");
  await expect(chat.lastReply).toHaveText("As far as the eye can see.");
  await chat.replyIsComplete();
  await expect(chat.replies).toHaveCount(1);
});

test("a message that cannot be sent stays in the field and is sent once the server is back", async ({
  startServer,
  join,
  provider,
  faults,
}) => {
  provider.answer = () => "At last.";
  const server = await startServer();
  const alice = await join(server, "alice");
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  faults.allow(NO_CONNECTION);
  await server.stop();
  await chat.send("Important words");
  await expect(alert(alice.page)).toHaveText("The server cannot be reached. Check your connection, then try again.");
  await expect(chat.field).toHaveValue("Important words");
  await expect(chat.mine).toHaveCount(0);

  await server.start();
  await chat.field.press("Enter");
  await expect(chat.lastReply).toHaveText("At last.");
  await expect(alert(alice.page)).toHaveCount(0);
  await expect(chat.mine).toHaveCount(1);
  await expect(chat.field).toHaveValue("");
});

test("a chat that is opened while the server is away says so and can be tried again", async ({
  startServer,
  join,
  provider,
  faults,
}) => {
  provider.answer = () => "Yes.";
  const server = await startServer();
  const alice = await join(server, "alice");
  const [first, second] = [await alice.addChat(), await alice.addChat()];
  await alice.send(first, "First chat");
  await alice.send(second, "Second chat");
  const chat = await Chat.open(alice.page, first);
  await chat.field.fill("a thought");
  faults.allow(NO_CONNECTION);
  await server.stop();
  await chatList(alice.page).getByRole("link", { name: "Second chat" }).click();
  await expect(alert(alice.page)).toHaveText("The server cannot be reached. Check your connection, then try again.");
  await server.start();
  await chatList(alice.page).getByRole("link", { name: "First chat" }).click();
  await expect(chat.field).toHaveValue("a thought");
  await chatList(alice.page).getByRole("link", { name: "Second chat" }).click();
  await expect(chat.mine).toHaveText(/Second chat/);
});
