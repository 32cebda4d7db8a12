// A session's life in the browser: seen, ended from elsewhere, over in the middle of something, and gone on with.

import { expect, type Person, test } from "../helpers/app";
import { alert, Chat, hydrated, liveConnection, open } from "../helpers/chat";
import { expectTold } from "../helpers/sessions";
import type { Browser, Locator, Page } from "@playwright/test";

/** The log-in over the page. */
function dialog(page: Page): Locator {
  return page.getByRole("dialog", { name: "Log in again" });
}

async function logInAgain(person: Person, password = person.account.password): Promise<void> {
  await dialog(person.page).getByLabel("Password").fill(password);
  await person.page.keyboard.press("Enter");
}

/** The same person in another browser. */
async function elsewhere(browser: Browser, person: Person, userAgent: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: person.server.url, userAgent });
  const { email, password } = person.account;
  const response = await context.request.post("/api/log_in", {
    headers: { origin: person.server.url },
    form: { email, password },
  });
  expect(response.ok()).toBe(true);
  return context.newPage();
}

const PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

test("a session that ends in the middle of a draft and a reply goes on after the next log-in", async ({
  startServer,
  join,
  provider,
  faults,
}) => {
  faults.allow(/status of 401/);
  const server = await startServer({ settings: { SARDONYX_SESSION_SECONDS: "15" } });
  const alice = await join(server, "alice");
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Tell me a long story");
  const reply = await provider.asked("Tell me a long story");
  reply.push("Once upon a time");
  await expect(chat.lastReply).toHaveText("Once upon a time");
  await chat.field.fill("Not to be lost");

  await expect(dialog(alice.page)).toBeVisible({ timeout: 30_000 });
  await expect(dialog(alice.page).getByRole("status")).toContainText("Your session has ended.");
  await expect(dialog(alice.page).getByLabel("Password")).toBeFocused();
  // Nothing else can be reached, and Escape does not lead around it.
  await alice.page.keyboard.press("Escape");
  await alice.page.keyboard.press("Escape");
  await expect(dialog(alice.page)).toBeVisible();
  reply.push(" there was a stone");

  await logInAgain(alice, "not her password");
  await expect(dialog(alice.page).getByRole("alert")).toHaveText("E-mail or password is not right.");
  await logInAgain(alice);
  await expect(dialog(alice.page)).toBeHidden();
  await expect(chat.field).toHaveValue("Not to be lost");
  await expect(chat.lastReply).toHaveText("Once upon a time there was a stone");
  reply.finish(" with stripes.");
  await expect(chat.lastReply).toHaveText("Once upon a time there was a stone with stripes.");
  await chat.replyIsComplete();
  await chat.field.press("Enter");
  await expect(chat.mine.last()).toContainText("Not to be lost");
});

test("shortly before the end one can stay, in every tab", async ({ startServer, join }) => {
  const server = await startServer({ settings: { SARDONYX_SESSION_SECONDS: "300" } });
  const alice = await join(server, "alice");
  await open(alice.page, "/chats");
  const banner = alice.page.getByRole("region", { name: "Session" });
  await expect(banner.getByRole("status")).toHaveText("Your session ends in a few minutes.");
  await banner.getByRole("button", { name: "Stay logged in" }).click();
  await expect(banner.getByLabel("Password")).toBeFocused();
  const before = await alice.call<{ id: string; expires_at_ms: number }>("current_session");
  await banner.getByLabel("Password").fill(alice.account.password);
  await alice.page.keyboard.press("Enter");
  await expect(banner.getByLabel("Password")).toBeHidden();
  const after = await alice.call<{ id: string; expires_at_ms: number }>("current_session");
  expect(after.id).toBe(before.id);
  expect(after.expires_at_ms).toBeGreaterThan(before.expires_at_ms);
  // The tab is connected again, under the new cookie.
  await alice.addChat();
  await expect(alice.page.getByRole("link", { name: "New chat" })).toBeVisible();
});

test("active sessions are seen and ended, and the other tab says why within a second", async ({
  alice,
  browser,
  faults,
}) => {
  faults.allow(/status of 401/);
  const phone = await elsewhere(browser, alice, PHONE);
  const isConnected = liveConnection(phone);
  await phone.goto("/chats");
  await isConnected();
  await open(alice.page, "/chats");
  await alice.page.getByRole("button", { name: "Account" }).click();
  await alice.page.getByRole("link", { name: "Settings" }).click();
  await expect(alice.page).toHaveURL("/settings");
  // She was told of it, too.
  await expect(alice.page.getByText("New log-in to your account: Firefox on Android, from 127.0.0.1")).toBeVisible();
  await alice.page.getByRole("button", { name: /^Dismiss/ }).click();
  await expect(alice.page.getByText("New log-in to your account")).toHaveCount(0);
  await alice.page.getByRole("link", { name: "Sessions", exact: true }).click();
  await expect(alice.page).toHaveURL("/settings/sessions");
  const items = alice.page.getByRole("main").getByRole("listitem");
  await expect(items).toHaveCount(2);
  await expect(items.first()).toContainText("this one");
  await expect(items.last()).toContainText("Firefox on Android");
  await expect(items.last()).toContainText("127.0.0.1");

  const end = () => alice.page.getByRole("button", { name: "End the session of Firefox on Android" }).click();
  await expectTold(alice.page, "/api/end_session", end, phone, "This session was ended from another device.");
  await expect(dialog(phone)).toBeVisible();
  await expect(items).toHaveCount(1);
  await expect(alice.page.getByRole("button", { name: "End all other sessions" })).toHaveCount(0);

  // The list follows: a log-in elsewhere appears by itself.
  const tablet = await elsewhere(browser, alice, PHONE);
  await expect(items).toHaveCount(2);
  await alice.page.getByRole("button", { name: "End all other sessions" }).click();
  await expect(items).toHaveCount(1);
  await tablet.goto("/chats");
  await expect(tablet).toHaveURL(/\/login\?next=.*&reason=session_revoked/);
  await expect(tablet.getByRole("status")).toContainText("This session was ended from another device.");
  await phone.context().close();
  await tablet.context().close();
});

test("a new password ends the other sessions at once and keeps this one", async ({ alice, browser, faults }) => {
  faults.allow(/status of 401/);
  const phone = await elsewhere(browser, alice, PHONE);
  const isConnected = liveConnection(phone);
  await phone.goto("/chats");
  await isConnected();
  const page = alice.page;
  await open(page, "/settings/password");
  await page.getByLabel("Current password").fill("not her password");
  await page.getByLabel("New password").fill("granite kettle 42");
  await page.keyboard.press("Enter");
  await expect(alert(page)).toHaveText("E-mail or password is not right.");
  await page.getByLabel("Current password").fill(alice.account.password);
  const end = () => page.keyboard.press("Enter");
  await expectTold(page, "/api/change_password", end, phone, "Your password was changed");
  await expect(page.getByText("The password is changed. All other sessions have ended.")).toBeVisible();
  await expect(page.getByLabel("Current password")).toHaveValue("");
  await alice.addChat();
  await expect(page.getByRole("link", { name: "New chat" })).toBeVisible();
  await phone.context().close();
});

test("a disabled account is out, and the page says who did it", async ({ alice, faults }) => {
  faults.allow(/status of 401|HTTP Authentication failed/);
  await open(alice.page, "/chats");
  await alice.server.disableAccount(alice.account);
  // Whatever one does next; the page may know by itself before.
  await alice.page.evaluate(() => document.querySelector<HTMLFormElement>(".new-chat form")?.requestSubmit());
  await expect(dialog(alice.page)).toContainText("An administrator ended this session.");
  await logInAgain(alice);
  await expect(dialog(alice.page).getByRole("alert")).toHaveText("E-mail or password is not right.");
  await dialog(alice.page).getByRole("button", { name: "Log in as somebody else" }).click();
  await expect(alice.page).toHaveURL("/login");
});

test("somebody else who logs in over the page finds nothing of the one before", async ({
  alice,
  bob,
  provider,
  faults,
}) => {
  faults.allow(/status of (401|404)/);
  provider.answer = () => "For Alice only.";
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Something of Alice's");
  await expect(chat.lastReply).toHaveText("For Alice only.");
  await alice.context.clearCookies();
  await chat.send("One more of Alice's");
  await expect(dialog(alice.page)).toBeVisible();
  // Another tab of the same browser, another person.
  const otherTab = await alice.context.newPage();
  await open(otherTab, "/login");
  await otherTab.getByLabel("Email").fill(bob.account.email);
  await otherTab.getByLabel("Password").fill(bob.account.password);
  await otherTab.keyboard.press("Enter");
  await expect(otherTab).toHaveURL("/chats");
  await alice.page.reload();
  await hydrated(alice.page);
  await expect(alice.page.getByText(/Alice/)).toHaveCount(0);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("sessions are seen and ended, and the password is changed", async ({ alice, browser }) => {
    const phone = await elsewhere(browser, alice, PHONE);
    const page = alice.page;
    await page.goto("/settings/sessions");
    const items = page.getByRole("main").getByRole("listitem");
    await expect(items).toHaveCount(2);
    await page.getByRole("button", { name: "End the session of Firefox on Android" }).click();
    await expect(page).toHaveURL("/settings/sessions");
    await expect(items).toHaveCount(1);
    await page.getByRole("link", { name: "Password" }).click();
    await page.getByLabel("Current password").fill("not her password");
    await page.getByLabel("New password").fill("granite kettle 42");
    await page.getByRole("button", { name: "Change password" }).click();
    await expect(alert(page)).toHaveText("E-mail or password is not right.");
    await page.getByLabel("Current password").fill(alice.account.password);
    await page.getByLabel("New password").fill("granite kettle 42");
    await page.getByRole("button", { name: "Change password" }).click();
    await expect(page.getByText("The password is changed.")).toBeVisible();
    await phone.context().close();
  });
});
