import { expectNoViolations } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { Chat, holdNews, hydrated, reload } from "../helpers/chat";

test("a reply is had again, and one goes back and forth between both, in every tab", async ({ alice, provider }) => {
  provider.answer = () => "The first answer.";
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("A question");
  await expect(chat.lastReply).toHaveText("The first answer.");
  const other = await Chat.open(await alice.context.newPage(), chat.path);
  provider.answer = () => "The second answer.";
  await chat.log.getByRole("button", { name: "Regenerate" }).click();
  for (const tab of [chat, other]) {
    await expect(tab.lastReply).toHaveText("The second answer.");
    await expect(tab.replies).toHaveCount(1);
    await expect(tab.log.getByRole("group", { name: "Versions" })).toHaveText(/2 \/ 2/);
  }
  await expectNoViolations(alice.page);
  await chat.log.getByRole("button", { name: "Previous version" }).click();
  for (const tab of [chat, other]) {
    await expect(tab.lastReply).toHaveText("The first answer.");
    await expect(tab.log.getByRole("group", { name: "Versions" })).toHaveText(/1 \/ 2/);
  }
  await reload(other.page);
  await expect(other.lastReply).toHaveText("The first answer.");
  await other.log.getByRole("button", { name: "Next version" }).click();
  await expect(chat.lastReply).toHaveText("The second answer.");
});

test("a message is said otherwise with the keyboard", async ({ alice, provider }) => {
  provider.answer = (asked) => `About ${asked}.`;
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("cats");
  await expect(chat.lastReply).toHaveText("About cats.");
  const edit = chat.mine.getByRole("button", { name: "Edit" });
  await edit.focus();
  await alice.page.keyboard.press("Enter");
  const field = chat.log.getByRole("textbox", { name: "Edit message" });
  await expect(field).toBeFocused();
  await expect(field).toHaveValue("cats");
  await expectNoViolations(alice.page);
  await field.press("Escape");
  await expect(field).toHaveCount(0);
  await edit.click();
  await field.fill("dogs");
  await field.press("Enter");
  await expect(chat.lastReply).toHaveText("About dogs.");
  await expect(chat.mine.locator(".message-text")).toHaveText(["dogs"]);
  await chat.mine.getByRole("button", { name: "Previous version" }).click();
  await expect(chat.lastReply).toHaveText("About cats.");
});

test("a message is said otherwise before news of it comes", async ({ alice, provider }) => {
  provider.answer = (asked) => `About ${asked}.`;
  const news = await holdNews(alice.page);
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("cats");
  await expect(chat.lastReply).toHaveText("About cats.");
  await chat.mine.getByRole("button", { name: "Edit" }).click();
  const field = chat.log.getByRole("textbox", { name: "Edit message" });
  await field.fill("dogs");
  await news.hold();
  await field.press("Enter");
  await expect(field).toHaveCount(0);
  await expect(chat.mine.locator(".message-text")).toHaveText(["cats"]);
  news.release();
  await expect(chat.mine.locator(".message-text")).toHaveText(["dogs"]);
  await expect(chat.lastReply).toHaveText("About dogs.");
});

test("a reply is copied as markdown", async ({ alice, provider }) => {
  await alice.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  provider.answer = () => "# A *heading*";
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Write");
  await expect(chat.lastReply).toHaveText("A heading");
  // It says so for a moment only.
  await Promise.all([
    chat.replies.last().getByRole("button", { name: "Copied" }).waitFor(),
    chat.replies.last().getByRole("button", { name: "Copy", exact: true }).last().click(),
  ]);
  expect(await alice.page.evaluate(() => navigator.clipboard.readText())).toBe("# A *heading*");
});

test("a chat is forked from a message", async ({ alice, provider }) => {
  provider.answer = (asked) => `About ${asked}.`;
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("cats");
  await expect(chat.lastReply).toHaveText("About cats.");
  await chat.send("dogs");
  await expect(chat.lastReply).toHaveText("About dogs.");
  const path = chat.path;
  await chat.replies.first().getByRole("button", { name: "Fork" }).click();
  await expect.poll(() => chat.path).not.toBe(path);
  await hydrated(alice.page);
  await expect(chat.replies).toHaveCount(1);
  await expect(chat.lastReply).toHaveText("About cats.");
  await chat.send("birds");
  await expect(chat.lastReply).toHaveText("About birds.");
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("versions and forks are forms", async ({ alice, provider }) => {
    provider.answer = () => "The first answer.";
    await alice.page.goto(await alice.addChat());
    const chat = new Chat(alice.page);
    await chat.field.fill("A question");
    await chat.sendButton.click();
    await expect(async () => {
      await alice.page.reload();
      await expect(chat.lastReply).toHaveText("The first answer.", { timeout: 500 });
    }).toPass();
    await expect(chat.log.getByRole("button", { name: "Edit" })).toBeHidden();
    provider.answer = () => "The second answer.";
    await chat.log.getByRole("button", { name: "Regenerate" }).click();
    await expect(async () => {
      await alice.page.reload();
      await expect(chat.lastReply).toHaveText("The second answer.", { timeout: 500 });
    }).toPass();
    await chat.log.getByRole("button", { name: "Previous version" }).click();
    await expect(chat.lastReply).toHaveText("The first answer.");
    const path = chat.path;
    await chat.replies.last().getByRole("button", { name: "Fork" }).click();
    await expect(chat.lastReply).toHaveText("The first answer.");
    expect(chat.path).not.toBe(path);
  });
});
