// Running the site: people, sessions, the audit log, and the links that bring people in.

import { expectNoViolations, tabTo } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { alert, hydrated, liveConnection, logIn, open } from "../helpers/chat";
import { setUpSecondFactor } from "../helpers/second_factor";
import { expectTold } from "../helpers/sessions";
import type { Page } from "@playwright/test";

/** The button in the row of somebody. */
async function manage(page: Page, email: string, button: string): Promise<void> {
  const row = page.getByRole("listitem").filter({ hasText: email });
  await row.getByText("Manage").click();
  await row.getByRole("button", { name: `${button}: ${email}` }).click();
}

test("somebody is invited, joins, is disabled and deleted", async ({ join, startServer, browser, faults }) => {
  faults.allow(/status of (401|403)/);
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const page = admin.page;
  await open(page, "/chats");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("link", { name: "Administration" }).click();
  await expect(page).toHaveURL("/admin");
  await page.getByLabel("Invite by email address").fill("carol@example.org");
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = (await page.locator(".one-time-link").textContent()) ?? "";

  const context = await browser.newContext({ baseURL: server.url });
  const carol = await context.newPage();
  await carol.goto(link);
  await expect(carol.getByLabel("Email")).toHaveValue("carol@example.org");
  await carol.getByLabel("New password").fill("granite kettle 42");
  const isConnected = liveConnection(carol);
  await carol.getByRole("button", { name: "Continue" }).click();
  await expect(carol).toHaveURL("/chats");
  await isConnected();

  await page.getByLabel("Search").fill("carol");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/search=carol/);
  await hydrated(page);
  await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(1);
  const end = () => manage(page, "carol@example.org", "Disable");
  await expectTold(page, "/api/change_account", end, carol, "An administrator ended this session.");
  await expect(page.getByText("disabled", { exact: true })).toBeVisible();
  const row = page.getByRole("listitem").filter({ hasText: "carol@example.org" });
  // What was opened stays open.
  await row.getByText("Delete …").click();
  await row.getByRole("button", { name: "Delete for good: carol@example.org" }).click();
  await expect(page.getByText("Nobody is found.")).toBeVisible();
  await carol.goto(link);
  await expect(carol.getByRole("alert")).toContainText("This link is not valid");
  await context.close();
});

test("the last administrator stays one, and a member is told that this is not for them", async ({
  join,
  startServer,
  faults,
}) => {
  faults.allow(/status of (403|409)/);
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  await open(admin.page, "/admin");
  await manage(admin.page, admin.account.email, "Make a member");
  await expect(alert(admin.page)).toContainText("This would leave the site without an administrator.");
  const alice = await join(server, "alice");
  await alice.page.goto("/admin");
  await expect(alice.page.getByRole("alert")).toHaveText("This is for administrators.");
});

test("sessions and the audit log are seen, filtered and exported", async ({ join, startServer }) => {
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const alice = await join(server, "alice");
  const page = admin.page;
  await open(page, "/admin/sessions");
  await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(2);
  await page.getByRole("button", { name: new RegExp(`^End: ${alice.account.email}`) }).click();
  await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(1);
  await page.getByRole("link", { name: "Audit log" }).click();
  const rows = page.getByRole("main").getByRole("row");
  await expect(rows.nth(1)).toContainText("sessions ended");
  await page.getByLabel("Who").fill(alice.account.email);
  await page.getByLabel("What").selectOption("log_in");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(rows).toHaveCount(2);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export as CSV" }).click();
  expect((await download).suggestedFilename()).toBe("sardonyx-audit.csv");
});

test("preferences are applied in every tab at once, and after a reload", async ({ alice }) => {
  const other = await alice.context.newPage();
  await open(other, "/chats");
  await open(alice.page, "/settings");
  await alice.page.getByLabel("Name").fill("Ada");
  await alice.page.getByLabel("Appearance").selectOption("Dark");
  await alice.page.getByRole("button", { name: "Save" }).click();
  await expect(alice.page.getByRole("status").filter({ hasText: "Saved." })).toBeVisible();
  for (const page of [alice.page, other]) await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const ground = await other.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await other.reload();
  expect(await other.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(ground);
  await expect(alice.page.getByLabel("Name")).toHaveValue("Ada");
});

test("who lost their second factor logs in by password alone once it is removed", async ({
  join,
  startServer,
  faults,
}) => {
  faults.allow(/status of 401/);
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const alice = await join(server, "alice");
  await open(alice.page, "/settings/second-factor");
  await setUpSecondFactor(alice.page, alice.account.password);
  await open(admin.page, "/admin");
  const row = admin.page.getByRole("listitem").filter({ hasText: alice.account.email });
  await expect(row).toContainText("second factor");
  await row.getByText("Manage").click();
  await row.getByText("Second factor lost …").click();
  await row.getByRole("button", { name: `Remove second factor: ${alice.account.email}` }).click();
  await expect(row.locator(".session-mark")).toHaveCount(0);
  await expect(alice.page.getByRole("dialog")).toContainText("An administrator ended this session.");
  await open(alice.page, "/login");
  await logIn(alice.page, alice.account.email, alice.account.password);
  await expect(alice.page).toHaveURL("/chats");
});

test("the site is run by keyboard alone", async ({ join, startServer }) => {
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const [alice, bob] = [await join(server, "alice"), await join(server, "bob")];
  const { page } = admin;
  const { keyboard } = page;
  const pages = page.getByRole("navigation", { name: "Administration" });
  await open(page, "/admin");
  await tabTo(page, page.getByLabel("Invite by email address"));
  await keyboard.type("carol@example.org");
  await keyboard.press("Enter");
  await expect(page.locator(".one-time-link")).toContainText("/welcome?token=");
  const row = page.getByRole("listitem").filter({ hasText: alice.account.email });
  await tabTo(page, row.locator("summary", { hasText: "Manage" }));
  await keyboard.press("Enter");
  await tabTo(page, row.getByRole("button", { name: `Disable: ${alice.account.email}` }));
  await keyboard.press("Enter");
  await expect(row.getByText("disabled", { exact: true })).toBeVisible();

  await tabTo(page, pages.getByRole("link", { name: "Sessions" }), "Shift+Tab");
  await keyboard.press("Enter");
  await expect(page).toHaveURL("/admin/sessions");
  await tabTo(page, page.getByRole("button", { name: new RegExp(`^End: ${bob.account.email}`) }));
  await keyboard.press("Enter");
  await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(1);

  await tabTo(page, pages.getByRole("link", { name: "Audit log" }), "Shift+Tab");
  await keyboard.press("Enter");
  await expect(page).toHaveURL("/admin/audit");
  await tabTo(page, page.getByLabel("Who"));
  await keyboard.type(alice.account.email);
  await keyboard.press("Enter");
  await expect(page).toHaveURL(/who=alice/);
  await expect(page.getByRole("main").getByRole("row").nth(1)).toContainText("disabled");

  await tabTo(page, pages.getByRole("link", { name: "Site" }), "Shift+Tab");
  await keyboard.press("Enter");
  await expect(page).toHaveURL("/admin/site");
  await tabTo(page, page.getByLabel("Name of the site"));
  await keyboard.press("Control+A");
  await keyboard.type("Acme");
  await keyboard.press("Enter");
  await expect(page).toHaveTitle("Site · Acme");
});

test("the pages of administration have no accessibility violations and fit a small screen", async ({
  join,
  startServer,
}) => {
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  for (const path of ["/admin", "/admin/sessions", "/admin/audit", "/settings"]) {
    await open(admin.page, path);
    await expect(admin.page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoViolations(admin.page);
  }
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("people are invited and managed, and preferences saved", async ({ join, startServer }) => {
    const server = await startServer();
    const admin = await join(server, "admin", "admin");
    const alice = await join(server, "alice");
    const page = admin.page;
    await page.goto("/admin");
    await page.getByLabel("Invite by email address").fill("carol@example.org");
    await page.getByRole("button", { name: "Make a link" }).click();
    await expect(page.locator(".one-time-link")).toContainText("/welcome?token=");
    await manage(page, alice.account.email, "Make an administrator");
    await expect(page).toHaveURL("/admin");
    await expect(page.getByText("administrator", { exact: true })).toHaveCount(2);
    await page.goto("/settings");
    await page.getByLabel("Appearance").selectOption("Dark");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Saved.")).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  });
});
