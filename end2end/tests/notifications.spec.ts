import { expectNoViolations, tabTo } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { Chat, chatList, hydrated, open } from "../helpers/chat";

test("a reply elsewhere is told in every tab, until one of them looks at its chat", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Tell me later");
  const reply = await provider.asked("Tell me later");
  const other = await alice.context.newPage();
  const elsewhere = await Chat.open(other, await alice.addChat());
  await open(alice.page, "/chats");
  reply.finish("Now.");
  for (const tab of [alice.page, other]) {
    await expect(tab.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible();
    await expect(tab).toHaveTitle(/^\(1\) /);
    await expect(chatList(tab).getByRole("link", { name: "Tell me later (unread)" })).toBeVisible();
  }
  // Nothing takes the focus from where one writes.
  await expect(other.getByRole("status").getByText("Reply ready: Tell me later")).toBeVisible();
  await expect(elsewhere.log).toBeVisible();
  await expectNoViolations(other);
  await other.setViewportSize({ width: 1280, height: 800 });

  await tabTo(alice.page, chatList(alice.page).getByRole("link", { name: "Tell me later (unread)" }));
  await alice.page.keyboard.press("Enter");
  await expect(chat.lastReply).toHaveText("Now.");
  for (const tab of [alice.page, other]) {
    await expect(tab.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
    await expect(tab).not.toHaveTitle(/^\(/);
    await expect(chatList(tab).getByRole("link", { name: "Tell me later", exact: true })).toBeVisible();
  }
  await expect(other.getByText("Reply ready: Tell me later")).toHaveCount(0);
});

test("all are read at once, by keyboard, in every tab", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Something to read");
  const reply = await provider.asked("Something to read");
  await open(alice.page, "/notifications");
  await expect(alice.page.getByText("Nothing yet.")).toBeVisible();
  reply.finish("Here.");
  await expect(alice.page.getByRole("main").getByRole("link", { name: "Reply ready: Something to read" })).toBeVisible();
  await expectNoViolations(alice.page);
  await alice.page.setViewportSize({ width: 1280, height: 800 });
  const other = await alice.context.newPage();
  await open(other, "/chats");
  await expect(other.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible();
  await tabTo(alice.page, alice.page.getByRole("button", { name: "Mark all as read" }));
  await alice.page.keyboard.press("Enter");
  for (const tab of [alice.page, other]) {
    await expect(tab.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
  }
  await expect(alice.page.getByRole("button", { name: "Mark all as read" })).toBeDisabled();
  await hydrated(other);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("what was told is read and noted as read", async ({ alice, provider }) => {
    const path = await alice.addChat();
    await alice.page.goto(path);
    await alice.page.getByLabel("Message").fill("Plainly");
    await alice.page.getByRole("button", { name: "Send" }).click();
    const reply = await provider.asked("Plainly");
    reply.finish("So.");
    await expect(async () => {
      await alice.page.goto("/notifications");
      await expect(alice.page.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible({ timeout: 200 });
    }).toPass();
    await expect(alice.page.getByRole("link", { name: "Reply ready: Plainly" })).toBeVisible();
    await alice.page.getByRole("button", { name: "Mark all as read" }).click();
    await expect(alice.page).toHaveURL(/\/notifications$/);
    await expect(alice.page.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
  });
});
