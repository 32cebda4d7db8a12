// Logging in and out.

import { expect, test } from "../helpers/app";
import { alert, Chat, chatList, hydrated, logIn, logOut, open } from "../helpers/chat";

test("a wrong password is refused with an alert, and the e-mail stays", async ({ page, alice, faults }) => {
  faults.allow(/status of 401/);
  await open(page, "/login");
  await expect(page.getByLabel("Email")).toBeFocused();
  await logIn(page, alice.account.email, "not her password");
  await expect(alert(page)).toHaveText("E-mail or password is not right.");
  await expect(page.getByLabel("Email")).toHaveValue(alice.account.email);

  await logIn(page, alice.account.email, alice.account.password);
  await expect(page).toHaveURL("/chats");
  await expect(page.getByRole("button", { name: "Account" })).toBeVisible();
});

test("an unknown address reads the same as a wrong password", async ({ page, faults }) => {
  faults.allow(/status of 401/);
  await open(page, "/login");
  await logIn(page, "nobody@example.org", "not her password");
  await expect(alert(page)).toHaveText("E-mail or password is not right.");
});

test("the log-in leads to the page that was asked for", async ({ page, alice }) => {
  const path = await alice.addChat();
  await open(page, path);
  await expect(page).toHaveURL(/\/login\?next=/);
  await logIn(page, alice.account.email, alice.account.password);
  await expect(page).toHaveURL(path);
  await expect(new Chat(page).field).toBeVisible();
});

test("the log-in never leads to another site", async ({ page, alice }) => {
  await open(page, "/login?next=https://example.com/");
  await logIn(page, alice.account.email, alice.account.password);
  await expect(page).toHaveURL("/chats");
});

test("somebody who is logged in is led past the log-in page", async ({ alice }) => {
  const path = await alice.addChat();
  await alice.page.goto(`/login?next=${path}`);
  await expect(alice.page).toHaveURL(path);
});

test("logging out ends the session in every tab, and going back shows nothing", async ({ alice, provider }) => {
  provider.answer = () => "A secret reply.";
  await open(alice.page, "/chats");
  const chat = await Chat.new(alice.page);
  await chat.send("A secret question");
  await expect(chat.lastReply).toHaveText("A secret reply.");
  const path = chat.path;
  const otherTab = await alice.context.newPage();
  await open(otherTab, path);
  await expect(otherTab.getByText("A secret reply.")).toBeVisible();

  await logOut(alice.page);
  await expect(alice.page).toHaveURL(/\/login\?reason=logged_out/);
  await expect(alice.page.getByRole("status")).toHaveText("You are logged out.");
  await expect(otherTab).toHaveURL(/\/login\?reason=logged_out/);
  await expect(otherTab.getByText("A secret reply.")).toHaveCount(0);

  for (const page of [alice.page, otherTab]) {
    await page.goBack();
    await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
    await expect(page.getByText(/secret/)).toHaveCount(0);
  }
});

test("the next person in the same browser finds nothing of the one before", async ({ alice, bob, provider }) => {
  provider.answer = () => "For Alice only.";
  await open(alice.page, "/chats");
  const chat = await Chat.new(alice.page);
  await chat.send("Something of Alice's");
  await expect(chat.lastReply).toHaveText("For Alice only.");
  await chat.field.fill("An unsent thought of Alice's");
  await logOut(alice.page);
  await expect(alice.page).toHaveURL(/\/login/);
  await hydrated(alice.page);
  await logIn(alice.page, bob.account.email, bob.account.password);
  await expect(alice.page).toHaveURL("/chats");
  await expect(chatList(alice.page)).toHaveText("No chats yet.");
  await expect(alice.page.getByText(/Alice/)).toHaveCount(0);
});
