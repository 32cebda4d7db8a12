// The chat list.

import { expect, test } from "../helpers/app";
import { Chat, chatList, open, reload } from "../helpers/chat";

test("a new chat takes one click and is ready to write in", async ({ alice }) => {
  await open(alice.page, "/chats");
  await expect(chatList(alice.page)).toHaveText("No chats yet.");
  const chat = await Chat.new(alice.page);
  await expect(chat.field).toBeFocused();
  await expect(chatList(alice.page).getByRole("link", { name: "New chat" })).toHaveAttribute("aria-current", "page");
});

test("a chat is named after its first message, in every tab", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  await open(alice.page, "/chats");
  const otherTab = await alice.context.newPage();
  await open(otherTab, "/chats");
  const chat = await Chat.new(alice.page);
  await expect(chatList(otherTab).getByRole("link", { name: "New chat" })).toBeVisible();

  await chat.send("Is agate striped?\n\nI wonder.");
  for (const page of [alice.page, otherTab]) {
    await expect(chatList(page).getByRole("link", { name: "Is agate striped?" })).toBeVisible();
  }
  await expect(alice.page.getByRole("heading", { name: "Is agate striped?" })).toBeVisible();
  await expect(alice.page).toHaveTitle("Is agate striped? · Sardonyx");
});

test("the chat that was last written in comes first", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  const first = await alice.addChat();
  await alice.send(first, "First chat");
  const second = await alice.addChat();
  await alice.send(second, "Second chat");
  const chat = await Chat.open(alice.page, first);
  const links = chatList(alice.page).getByRole("link");
  await expect(links).toHaveText([/^Second chat/, /^First chat/]);
  await chat.send("More");
  await expect(links).toHaveText([/^First chat/, /^Second chat/]);
  await reload(alice.page);
  await expect(links).toHaveText([/^First chat/, /^Second chat/]);
});

test("what is typed in a chat stays there while one looks at others", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  const [first, second] = [await alice.addChat(), await alice.addChat()];
  await alice.send(first, "First chat");
  await alice.send(second, "Second chat");
  const chat = await Chat.open(alice.page, first);
  await chat.field.fill("for the first");
  await chatList(alice.page).getByRole("link", { name: "Second chat" }).click();
  await expect(alice.page).toHaveURL(second);
  await expect(chat.field).toHaveValue("");
  await chat.field.fill("for the second");
  await chatList(alice.page).getByRole("link", { name: "First chat" }).click();
  await expect(alice.page).toHaveURL(first);
  await expect(chat.field).toHaveValue("for the first");
  await alice.page.goBack();
  await expect(chat.field).toHaveValue("for the second");
});

test("older chats come when one scrolls to them", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  await alice.send(await alice.addChat(), "The oldest of all");
  for (let count = 1; count < 130; count++) await alice.addChat();
  await open(alice.page, "/chats");
  const links = chatList(alice.page).getByRole("listitem");
  await expect(links).toHaveCount(60);
  const oldest = chatList(alice.page).getByRole("link", { name: "The oldest of all" });
  await expect(async () => {
    await links.last().scrollIntoViewIfNeeded();
    await expect(oldest).toBeInViewport({ timeout: 500 });
  }).toPass();
  await expect(links).toHaveCount(130);
  await expect(chatList(alice.page).getByRole("link", { name: "Older chats" })).toHaveCount(0);
  await oldest.click();
  await expect(alice.page.getByRole("heading", { name: "The oldest of all" })).toBeVisible();
});

test("an address that is no page says so and leads back", async ({ alice, faults }) => {
  faults.allow(/status of 404/);
  await open(alice.page, "/nowhere");
  await expect(alice.page.getByRole("heading", { name: "Not found" })).toBeVisible();
  await alice.page.getByRole("link", { name: "Go to your chats" }).click();
  await expect(alice.page).toHaveURL("/chats");
  await expect(alice.page.getByRole("button", { name: "New chat" }).first()).toBeVisible();
});
