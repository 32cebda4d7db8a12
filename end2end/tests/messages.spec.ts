// Sending a message and reading the reply to it.

import { expect, test } from "../helpers/app";
import { Chat, chatList, open, reload } from "../helpers/chat";

test("a message sent by Enter is shown at once, and its reply is streamed piece by piece and kept", async ({ alice, provider }) => {
  await open(alice.page, "/chats");
  const chat = await Chat.new(alice.page);
  await chat.send("What is sardonyx?");
  await expect(chat.mine).toHaveText(/What is sardonyx\?/);
  await expect(chat.field).toHaveValue("");

  const reply = await provider.asked("What is sardonyx?");
  reply.push("A striped ");
  await expect(chat.lastReply).toHaveText("A striped");
  reply.push("stone ");
  await expect(chat.lastReply).toHaveText("A striped stone");
  await expect(chat.stopButton).toBeVisible();
  reply.finish("of quartz.");
  await expect(chat.lastReply).toHaveText("A striped stone of quartz.");
  await chat.replyIsComplete();
  await expect(chatList(alice.page).getByRole("link", { name: "What is sardonyx?" })).toBeVisible();

  await reload(alice.page);
  await expect(chat.mine).toHaveText(/What is sardonyx\?/);
  await expect(chat.lastReply).toHaveText("A striped stone of quartz.");
});
