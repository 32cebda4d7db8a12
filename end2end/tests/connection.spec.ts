// Where no WebSocket gets through, everything is live all the same; and a page that tells what gets through.

import { expect, test } from "../helpers/app";
import { Chat, open } from "../helpers/chat";

test("where WebSockets are refused, a reply is followed over events", async ({ alice, provider, faults }) => {
  faults.allow(/WebSocket|Failed to load resource/);
  await alice.page.routeWebSocket("**/ws", (socket) => socket.close({ code: 1011 }));
  await alice.page.addInitScript(() => {
    // As behind a proxy that knows nothing of them: closed before it was open.
    class Refused extends EventTarget {
      constructor() {
        super();
        setTimeout(() => this.dispatchEvent(new Event("close")), 5);
      }
      send() {}
      close() {}
    }
    Object.assign(window, { WebSocket: Refused });
  });
  const path = await alice.addChat();
  const stream = alice.page.waitForRequest(/\/live\?id=/);
  const chat = await Chat.open(alice.page, path);
  await stream;
  await chat.send("Tell me");
  const reply = await provider.asked("Tell me");
  reply.push("One, ");
  await expect(chat.lastReply).toHaveText("One,");
  reply.push("two, ");
  await expect(chat.lastReply).toHaveText("One, two,");
  reply.finish("three.");
  await expect(chat.lastReply).toHaveText("One, two, three.");
  await chat.replyIsComplete();
  await expect(alice.page.getByText("Reconnecting…")).toHaveCount(0);
});

test("a tab without a network says so, and is back at once", async ({ alice, faults }) => {
  faults.allow(/net::ERR_INTERNET_DISCONNECTED|WebSocket|Failed to load resource|Failed to fetch/);
  await open(alice.page, "/chats");
  await alice.context.setOffline(true);
  await alice.page.evaluate(() => dispatchEvent(new Event("offline")));
  await alice.context.setOffline(false);
  await alice.page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(alice.page.getByText("You are offline")).toHaveCount(0);
});

test("the self-test finds that everything gets through", async ({ alice }) => {
  await open(alice.page, "/settings/connection");
  const line = (name: string) => alice.page.getByRole("listitem").filter({ hasText: `${name}:` });
  for (const name of ["WebSocket: It opens", "Events: They come", "Events one by one: Each comes at once"]) {
    await expect(alice.page.getByRole("listitem").filter({ hasText: name })).toContainText("✓ OK");
  }
  await expect(line("Large requests")).toContainText("✓ OK");
  await expect(line("Host")).toContainText("✓ OK");
  await expect(alice.page.getByText("connected by a WebSocket")).toBeVisible();
  await alice.page.getByRole("button", { name: "Test again" }).focus();
  await alice.page.keyboard.press("Enter");
  await expect(line("Large requests")).toContainText("✓ OK");
});

test("without a script the self-test shows what the server sees", async ({ alice, browser, server }) => {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    storageState: await alice.context.storageState(),
  });
  const page = await context.newPage();
  await page.goto(`${server.url}/settings/connection`);
  await expect(page.getByText("This needs JavaScript.").first()).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Host:" })).toContainText("✓ OK");
  await context.close();
});
