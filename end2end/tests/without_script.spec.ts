// Every page as plain HTML: forms and links, before the browser half has arrived or without it.

import { expect, test } from "../helpers/app";
import { alert, Chat, chatList, logIn, logOut } from "../helpers/chat";

test.use({ javaScriptEnabled: false });

/** Looks again until the last reply reads so. */
async function expectReply(chat: Chat, text: string): Promise<void> {
  await expect(async () => {
    await chat.page.goto(chat.path);
    await expect(chat.lastReply).toHaveText(text, { timeout: 200 });
  }).toPass();
}

test("the first account is made, with errors said on the way", async ({ page, startServer, faults }) => {
  faults.allow(/status of 403/);
  const server = await startServer();
  await page.goto(await server.setupLink());
  await page.getByLabel("Email").fill("first@example.org");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(alert(page)).toHaveText("The password needs at least 8 characters.");
  await page.getByLabel("Email").fill("first@example.org");
  await page.getByLabel("Password").fill("striped like a sardonyx");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${server.url}/chats`);
  await logOut(page);
  await page.goto(await server.setupLink());
  await expect(alert(page)).toHaveText("This set-up link is not valid, or was already used.");
});

test("what is not there says so", async ({ alice, bob, faults }) => {
  faults.allow(/status of 404/);
  const path = await alice.addChat();
  for (const address of [path, "/chats/nonsense", "/nowhere"]) {
    expect((await bob.page.goto(address))?.status()).toBe(404);
    await expect(bob.page.getByText("This does not exist, or it is not yours.")).toBeVisible();
  }
  await bob.page.getByRole("link", { name: "Go to your chats" }).click();
  await expect(bob.page).toHaveURL("/chats");
});

test("one logs in, at the second try, and out again", async ({ page, alice }) => {
  const path = await alice.addChat();
  await page.goto(path);
  await logIn(page, alice.account.email, "not her password");
  await expect(alert(page)).toHaveText("E-mail or password is not right.");
  await logIn(page, alice.account.email, alice.account.password);
  await expect(page).toHaveURL(path);

  await logOut(page);
  await expect(page).toHaveURL(/\/login\?reason=logged_out/);
  await expect(page.getByText("You are logged out.")).toBeVisible();
  await page.goto(path);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
});

test("one makes a chat, sends a message, and reads the reply", async ({ alice, provider }) => {
  await alice.page.goto("/chats");
  const chat = await Chat.new(alice.page);
  await chat.field.fill("Without a script");
  await chat.sendButton.click();
  await expect(chat.mine).toHaveText(/Without a script/);
  const reply = await provider.asked("Without a script");
  reply.push("Still ");
  await expectReply(chat, "Still");
  await expect(chat.stopButton).toBeVisible();
  reply.finish("works.");
  const look = alice.page.getByRole("link", { name: "Look whether there is more" });
  await expect(async () => {
    if (await look.isVisible()) await look.click();
    await expect(chat.lastReply).toHaveText("Still works.", { timeout: 200 });
    await expect(chat.sendButton).toBeVisible({ timeout: 200 });
  }).toPass();
  await expect(chat.mine).toHaveCount(1);
  await expect(chatList(alice.page).getByRole("link", { name: "Without a script" })).toBeVisible();
});

test("one stops a reply and asks for it again", async ({ alice, provider }) => {
  await alice.page.goto(await alice.addChat());
  const chat = new Chat(alice.page);
  await chat.field.fill("Go on for ever");
  await chat.sendButton.click();
  const reply = await provider.asked("Go on for ever");
  reply.push("And on ");
  await expectReply(chat, "And on");
  await chat.stopButton.click();
  await reply.abandoned;
  await expect(async () => {
    await alice.page.goto(chat.path);
    await expect(chat.replies.getByText("Stopped")).toBeVisible({ timeout: 200 });
  }).toPass();
  await expect(chat.lastReply).toHaveText("And on");
  await chat.retryButton.click();
  (await provider.asked("Go on for ever")).finish("No.");
  await expectReply(chat, "No.");
  await expect(chat.replies).toHaveCount(1);
});

test("a failed reply says why and can be asked for again", async ({ alice, provider }) => {
  await alice.page.goto(await alice.addChat());
  const chat = new Chat(alice.page);
  await chat.field.fill("Hello");
  await chat.sendButton.click();
  (await provider.asked("Hello")).fail(500);
  await expect(async () => {
    await alice.page.goto(chat.path);
    await expect(chat.replies.getByRole("alert")).toContainText("reported an error", { timeout: 200 });
  }).toPass();
  await chat.retryButton.click();
  (await provider.asked("Hello")).finish("Hello again.");
  await expectReply(chat, "Hello again.");
});

test("an empty message is refused with a word", async ({ alice }) => {
  const path = await alice.addChat();
  await alice.page.goto(path);
  const chat = new Chat(alice.page);
  await chat.field.fill("   ");
  await chat.sendButton.click();
  await expect(alert(alice.page)).toHaveText("The message is empty.");
  await expect(chat.mine).toHaveCount(0);
});

test("the model is chosen in the form", async ({ alice, provider }) => {
  await alice.page.goto(await alice.addChat());
  const chat = new Chat(alice.page);
  await chat.modelPicker.selectOption("scripted-two");
  await chat.field.fill("Who are you?");
  await chat.sendButton.click();
  const reply = await provider.asked("Who are you?");
  expect(reply.model).toBe("scripted-two");
  reply.finish("The second.");
  await expectReply(chat, "The second.");
  await expect(chat.modelPicker).toHaveValue("openai/scripted-two");
});

test("older messages and older chats are a link away", async ({ alice, provider }) => {
  provider.answer = (question) => question.replace(/^.*Question/s, "Answer");
  const path = await alice.addChat();
  for (let count = 1; count <= 30; count++) await alice.send(path, `Question ${count}.`);
  for (let count = 1; count <= 60; count++) await alice.addChat();
  await alice.page.goto(path);
  const chat = new Chat(alice.page);
  await expect(chat.log.getByRole("article")).toHaveCount(50);
  await chat.olderLink.click();
  await expect(chat.log.getByRole("article")).toHaveCount(10);
  await expect(chat.mine.first()).toContainText("Question 1.");
  await expect(chat.olderLink).toHaveCount(0);

  await alice.page.goto("/chats");
  await expect(chatList(alice.page).getByRole("listitem")).toHaveCount(60);
  await chatList(alice.page).getByRole("link", { name: "Older chats" }).click();
  await chatList(alice.page).getByRole("link", { name: "Question 1." }).click();
  await expect(alice.page).toHaveURL(path);
});

test("files are uploaded, found, downloaded and deleted by forms and links", async ({ alice }) => {
  const { page } = alice;
  await page.goto("/chats");
  await page.getByRole("link", { name: "Files" }).click();
  const file = (name: string, text: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
  await page.getByLabel("Upload files").setInputFiles([file("one.txt", "1"), file("two.txt", "2"), file("three.md", "3")]);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(page).toHaveURL("/files");
  const rows = page.locator(".files .file");
  await expect(rows).toHaveCount(3);
  await expect(page.getByLabel("All on this page")).toBeHidden();
  await page.getByRole("button", { name: "Ask about selected" }).click();
  await expect(alert(page)).toHaveText("Choose a file first.");
  await page.goto("/files");

  await page.getByLabel("Search names and text").fill("TXT");
  await page.getByLabel("Order").selectOption("Name");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(rows).toHaveText([/one\.txt/, /two\.txt/]);
  const list = page.url();
  await page.getByRole("link", { name: "two.txt" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "two.txt" })).toBeVisible();
  const original = page.getByRole("link", { name: "Download the original" });
  const [download] = await Promise.all([page.waitForEvent("download"), original.click()]);
  expect(download.suggestedFilename()).toBe("two.txt");
  await page.goto(list);

  await page.getByLabel("Select one.txt").check();
  await page.getByLabel("Select two.txt").check();
  await page.getByText("Delete selected …").click();
  await page.getByRole("button", { name: "Delete what is selected" }).click();
  await expect(page.getByText("No file has this in its name.")).toBeVisible();
  await page.goto("/files");
  await expect(rows).toHaveText([/three\.md/]);

  await page.getByLabel("Upload files").setInputFiles(file("empty.txt", ""));
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(alert(page)).toHaveText("The file is empty.");
});
