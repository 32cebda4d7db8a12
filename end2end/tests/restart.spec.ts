// The server goes away in the middle, and comes back.

import { expect, test } from "../helpers/app";
import { alert, Chat, chatList } from "../helpers/chat";
import { NO_CONNECTION } from "../helpers/faults";

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`after ${signal} in the middle of a reply, the page reconnects, says so, and Retry works`, async ({
    startServer,
    join,
    provider,
    faults,
  }) => {
    const server = await startServer();
    const alice = await join(server, "alice");
    const path = await alice.addChat();
    const chat = await Chat.open(alice.page, path);
    await chat.send("Will you last?");
    const reply = await provider.asked("Will you last?");
    reply.push("A whole paragraph.\n\n", "I hope ");
    await expect(chat.lastReply).toContainText("I hope");

    faults.allow(NO_CONNECTION);
    await server.stop(signal);
    await reply.abandoned;
    const reconnecting = alice.page.getByRole("status").getByText("Reconnecting…");
    await expect(reconnecting).toBeVisible();
    await expect(chat.lastReply).toContainText("I hope");
    await server.start();
    await expect(reconnecting).toHaveCount(0, { timeout: 20_000 });
    await expect(chat.replies.getByRole("alert")).toContainText("The server restarted before this reply was complete.");
    await expect(chat.sendButton).toBeVisible();

    await chat.retryButton.click();
    const again = await provider.asked("Will you last?");
    again.push("Once more: ");
    await expect(chat.lastReply).toHaveText("Once more:");
    again.finish("yes.");
    await expect(chat.lastReply).toHaveText("Once more: yes.");
    await chat.replyIsComplete();
    await expect(chat.replies).toHaveCount(1);
    await expect(alert(alice.page)).toHaveCount(0);
  });
}

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
