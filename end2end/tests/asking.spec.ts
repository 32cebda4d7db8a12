// Files in chats: attached by button, drop and paste, given to the model, cited, and gone when they are deleted.

import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expectNoViolations, SIZES, tabTo } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { Chat, open, reload } from "../helpers/chat";
import { ASKED_BEFORE_LEAVING, give, throttle } from "../helpers/files";

const TERMS = "A refund is paid within fourteen days.\n";
const file = (name: string, text: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
const attached = (page: Page) => page.getByRole("list", { name: "Attached files" }).getByRole("listitem");

test("a file is attached, answered from, cited at its passage in every tab, and deleted", async ({ alice, provider, faults }) => {
  // A tab that shows the file while it is deleted looks for it once more.
  faults.allow(/status of 404/);
  provider.answer = (question) => (question.includes(TERMS.trim()) ? "Within fourteen days [1]." : "I do not know.");
  await open(alice.page, "/chats");
  const chat = await Chat.new(alice.page);
  const other = await Chat.open(await alice.context.newPage(), chat.path);
  await alice.page.getByLabel("Attach").setInputFiles(file("terms.txt", TERMS));
  await expect(attached(alice.page)).toHaveText(/terms\.txt/);
  await give(alice.page, ".conversation-log", "drop", "dropped.txt", "Dropped.");
  await give(alice.page, ".message-field", "paste", "pasted.txt", "Pasted.");
  // Beside the chat it is taken by nobody: not by the browser either, which would show it in the app's place.
  expect(await give(alice.page, ".sidebar", "drop", "beside.txt", "Beside.")).toBe(false);
  await expect(attached(alice.page)).toHaveCount(3);
  await alice.page.getByRole("button", { name: "Remove dropped.txt" }).click();
  await expect(attached(alice.page)).toHaveCount(2);
  await expect(chat.sendButton).toBeDisabled();
  // What is here already is so after a reload, too.
  await expect(alice.page.getByText("2 of 2 files attached")).toBeAttached();
  await reload(alice.page);
  await expect(attached(alice.page)).toHaveText([/terms\.txt/, /pasted\.txt/]);
  // Of a table, programs copy a picture beside the text.
  await give(alice.page, ".message-field", "paste", "table.png", "Not a picture.", "a\tb");
  await expect(attached(alice.page)).toHaveCount(2);
  await chat.field.fill("When is a refund paid?");
  await expect(chat.sendButton).toBeEnabled();
  await reload(other.page);
  await expect(attached(other.page)).toHaveCount(2);
  await chat.sendButton.click();
  await expect(attached(alice.page)).toHaveCount(0);
  await expect(attached(other.page)).toHaveCount(0);

  for (const { mine, replies, lastReply } of [chat, other]) {
    await expect(lastReply).toHaveText("Within fourteen days 1.");
    await expect(mine.getByRole("listitem")).toHaveText(["terms.txt", "pasted.txt"]);
    await replies.last().getByText("2 sources").click();
    await expect(replies.last().getByRole("link", { name: "terms.txt" })).toBeVisible();
  }
  await expectNoViolations(chat.page);
  const [passage] = await Promise.all([
    alice.context.waitForEvent("page"),
    chat.lastReply.getByRole("link", { name: "1" }).click(),
  ]);
  await expect(passage.getByRole("heading", { level: 1, name: "terms.txt" })).toBeVisible();
  await expect(passage.locator(":focus")).toContainText("A refund is paid");
  await expect(passage.getByText("Used in")).toContainText("When is a refund paid?");
  await expectNoViolations(passage);

  await open(alice.page, "/files");
  await alice.page.getByLabel("Select terms.txt").check();
  await alice.page.getByText("Delete selected …").click();
  await alice.page.getByRole("button", { name: "Delete 1 file" }).click();
  await expect(alice.page.getByRole("link", { name: "terms.txt" })).toHaveCount(0);
  await reload(other.page);
  await expect(other.mine.getByRole("listitem").first()).toHaveText("terms.txt (deleted file)");
  await expect(other.lastReply).toHaveText("Within fourteen days [1].");
});

test("what was to come with a message and is cancelled or deleted elsewhere does not hold it up", async ({ alice, provider }) => {
  provider.answer = () => "Hello.";
  const { page } = alice;
  await open(page, "/chats");
  const chat = await Chat.new(page);
  const { path } = chat;
  const files = page.getByRole("link", { name: "Files", exact: true }).first();
  const back = page.getByRole("link", { name: "New chat" }).last();
  const speed = await throttle(page, 50_000);
  await page.getByLabel("Attach").setInputFiles(file("large.txt", "x".repeat(2_000_000)));
  await expect(attached(page)).toContainText(/a second · \d+ s left/);
  await files.click();
  await page.getByRole("button", { name: "Cancel the upload of large.txt" }).click();
  await expect(page.getByLabel("Upload files")).toBeFocused();
  await back.click();
  await expect(page).toHaveURL(path);
  await expect(attached(page)).toHaveCount(0);
  await speed(-1);
  await chat.field.fill("Without a file");
  await expect(chat.sendButton).toBeEnabled();
  await page.getByLabel("Attach").setInputFiles(file("small.txt", "Small."));
  await expect(page.getByText("1 of 1 files attached")).toBeAttached();

  await files.click();
  await page.getByLabel("Select small.txt").check();
  await page.getByText("Delete selected …").click();
  await page.getByRole("button", { name: "Delete 1 file" }).click();
  await expect(page.getByText("No files yet.")).toBeVisible();
  await back.click();
  await expect(page.getByText("Not there any more: small.txt")).toBeVisible();
  await expect(chat.field).toHaveValue("Without a file");
  await chat.sendButton.click();
  await expect(chat.mine).toHaveText(/Without a file/);
  await expect(chat.lastReply).toHaveText("Hello.");
  await expect(page.getByText("Not there any more")).toHaveCount(0);
});

test("what is attached says how far it is, and what did not come whole says how it goes on", async ({
  alice,
  faults,
}, testInfo) => {
  faults.allow(ASKED_BEFORE_LEAVING);
  await open(alice.page, "/chats");
  await Chat.new(alice.page);
  const { page } = alice;
  const attach = page.getByLabel("Attach", { exact: true });
  await attach.setInputFiles({ name: "data.bin", mimeType: "application/octet-stream", buffer: randomBytes(2_000) });
  await expect(attached(page).getByRole("alert")).toHaveText("This kind of file is kept, but not read.");
  for (const size of SIZES) await expectNoViolations(page, [size]);
  await page.getByRole("button", { name: "Remove data.bin" }).click();

  // On the disk, for by its moment there it is known again.
  const chosen = testInfo.outputPath("large.bin");
  await writeFile(chosen, randomBytes(30_000_000));
  const speed = await throttle(page, 2_000_000);
  await attach.setInputFiles(chosen);
  // So much is kept, whatever is still under way: a piece.
  await expect(attached(page)).toHaveText(/[12]\d MB of 30 MB/);
  await reload(page);
  await expect(page.getByText("Not whole yet: large.bin. Attach again what is to go on from here.")).toBeVisible();
  await speed(-1);
  const [went] = await Promise.all([
    page.waitForRequest((request) => request.method() === "PATCH"),
    attach.setInputFiles(chosen),
  ]);
  expect(Number(await went.headerValue("upload-offset"))).toBeGreaterThan(4_000_000);
  await expect(page.getByText("1 of 1 files attached")).toBeAttached();
  await expect(page.getByText("Not whole yet")).toHaveCount(0);
});

test("the only file that was to come with a message is left out while it is on its way", async ({ alice }) => {
  const { page } = alice;
  await open(page, "/chats");
  await Chat.new(page);
  const speed = await throttle(page, 50_000);
  await page.getByLabel("Attach").setInputFiles(file("large.txt", "x".repeat(2_000_000)));
  await expect(attached(page)).toContainText(/a second · \d+ s left/);
  await page.getByRole("button", { name: "Remove large.txt" }).click();
  await expect(attached(page)).toHaveCount(0);
  await speed(-1);
  await page.getByLabel("Attach").setInputFiles(file("small.txt", "Small."));
  await expect(page.getByText("1 of 1 files attached")).toBeAttached();
});

test("a chat has files of its own, or all of them, and is deleted with what came with it", async ({ alice, provider }) => {
  provider.answer = (question) => (question.includes("every evening") ? "Every evening [1]." : "I do not know.");
  await open(alice.page, "/files");
  await alice.page.getByLabel("Upload files").setInputFiles(file("garden.txt", "Tomatoes want water every evening."));
  await alice.page.getByRole("link", { name: "garden.txt" }).click();
  await alice.page.getByRole("button", { name: "Ask about it" }).click();
  const chat = new Chat(alice.page);
  await expect(alice.page.getByText("Ask anything about garden.txt.")).toBeVisible();
  await chat.send("How often do tomatoes want water?");
  await expect(chat.lastReply).toHaveText("Every evening 1.");

  const settings = () => alice.page.getByRole("link", { name: "Files and settings of this chat" }).click();
  await settings();
  const own = alice.page.getByRole("list", { name: "Files of this chat" });
  await expect(own.getByRole("link")).toHaveText(["garden.txt"]);
  for (const size of SIZES) await expectNoViolations(alice.page, [size]);
  await alice.page.getByRole("button", { name: "Remove garden.txt" }).click();
  await expect(alice.page.getByText("This chat has no files of its own yet.")).toBeVisible();
  await alice.page.getByLabel("Upload files for this chat").setInputFiles(file("orchard.txt", "Cherries want none."));
  await expect(own.getByRole("link")).toHaveText(["orchard.txt"]);
  await expect(alice.page).toHaveURL(/\/settings$/);
  // A row that is focused stays what it is when one above it goes.
  const elsewherePage = await alice.context.newPage();
  await open(elsewherePage, alice.page.url());
  await alice.page.getByLabel("Upload files for this chat").setInputFiles(file("meadow.txt", "Grass."));
  await expect(own.getByRole("link")).toHaveCount(2);
  const removeLast = own.getByRole("button").last();
  const name = (await removeLast.getAttribute("aria-label")) ?? "";
  await removeLast.focus();
  await elsewherePage.getByRole("list", { name: "Files of this chat" }).getByRole("button").first().click();
  await expect(own.getByRole("link")).toHaveCount(1);
  await expect(own.getByRole("button", { name })).toBeFocused();
  await elsewherePage.close();
  await alice.page.getByRole("button", { name: "Search all my files" }).click();
  await expect(alice.page.getByText("All of your files are searched for each reply in this chat.")).toBeVisible();
  await alice.page.getByRole("link", { name: "How often do tomatoes" }).last().click();
  await chat.send("Tell me again how often tomatoes want water");
  await expect(chat.lastReply).toHaveText("Every evening 1.");

  const elsewhere = await Chat.open(await alice.context.newPage(), chat.path);
  await expect(elsewhere.replies).toHaveCount(2);
  await settings();
  await alice.page.getByText("Delete this chat …").click();
  await alice.page.getByRole("button", { name: "Delete this chat" }).click();
  await expect(alice.page).toHaveURL("/chats");
  await expect(elsewhere.page).toHaveURL("/chats");
  await expect(elsewhere.page.getByText("No chats yet.")).toBeVisible();
});

test("one attaches, asks, follows a citation and deletes by keyboard alone, on a small screen", async ({ alice, provider }) => {
  provider.answer = (question) => (question.includes(TERMS.trim()) ? "Within fourteen days [1]." : "I do not know.");
  const { page } = alice;
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page, "/chats");
  await tabTo(page, page.getByRole("button", { name: "New chat" }).first());
  await page.keyboard.press("Enter");
  const chat = new Chat(page);
  await expect(chat.field).toBeFocused();
  // Listened for well before: what the browser is told meanwhile may overtake that it is to tell of choosers.
  const choosing = page.waitForEvent("filechooser");
  await tabTo(page, page.getByLabel("Attach"));
  await page.keyboard.press("Space");
  await (await choosing).setFiles(file("terms.txt", TERMS));
  await expect(attached(page)).toHaveText(/terms\.txt/);
  await tabTo(page, chat.field, "Shift+Tab");
  await page.keyboard.type("When is a refund paid?");
  await expect(chat.sendButton).toBeEnabled();
  await page.keyboard.press("Enter");
  await expect(chat.lastReply).toHaveText("Within fourteen days 1.");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await tabTo(page, chat.lastReply.getByRole("link", { name: "1" }), "Shift+Tab");
  const [passage] = await Promise.all([alice.context.waitForEvent("page"), page.keyboard.press("Enter")]);
  await expect(passage.locator(":focus")).toContainText("A refund is paid");
  await passage.close();

  await open(page, "/files");
  await tabTo(page, page.getByLabel("Select terms.txt"));
  await page.keyboard.press("Space");
  await tabTo(page, page.getByText("Delete selected …"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Delete 1 file" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("No files yet.")).toBeVisible();
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a chat is given a file by a form, and its citation is a link", async ({ alice, provider }) => {
    provider.answer = (question) => (question.includes(TERMS.trim()) ? "Within fourteen days [1]." : "I do not know.");
    const { page } = alice;
    await page.goto("/chats");
    await page.getByRole("button", { name: "New chat" }).first().click();
    await page.getByRole("link", { name: "Files and settings of this chat" }).click();
    await page.getByLabel("Upload files for this chat").setInputFiles(file("terms.txt", TERMS));
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await expect(page.getByRole("list", { name: "Files of this chat" })).toContainText("terms.txt");
    await page.getByRole("link", { name: "New chat" }).last().click();
    await page.getByRole("textbox", { name: "Message" }).fill("When is a refund paid?");
    await page.getByRole("button", { name: "Send" }).click();
    const chat = new Chat(page);
    await expect(async () => {
      await page.reload();
      await expect(chat.lastReply).toHaveText("Within fourteen days 1.", { timeout: 500 });
    }).toPass();
    await expect(chat.lastReply.getByRole("link", { name: "1" })).toHaveAttribute("href", /\?at=0#chunk-0$/);
  });
});
