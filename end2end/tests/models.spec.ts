// Connecting models, and what holds for everybody.

import { expectNoViolations } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { alert, Chat, open } from "../helpers/chat";
import type { Locator, Page } from "@playwright/test";

/** The row of a provider. */
function row(page: Page, name: string): Locator {
  return page.locator("main li.session").filter({ has: page.getByRole("heading", { name, exact: true }) });
}

/** The form of another provider; that of one that is there has no name to fill in. */
function newForm(page: Page): Locator {
  return page.locator("main form.settings-form").filter({ has: page.getByLabel("Name, for example ollama") });
}

test("a provider is tested wrong and right, connected by keyboard, and a model of it hidden", async ({
  join,
  startServer,
  provider,
  faults,
}) => {
  faults.allow(/status of 409/);
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const alice = await join(server, "alice");
  const page = admin.page;
  await open(page, "/admin");
  await page.getByRole("link", { name: "Models" }).click();
  await expect(page).toHaveURL("/admin/models");
  await expect(row(page, "openai")).toContainText("set where the server is started");
  // These tests are without it.
  await expect(page.getByText("all-minilm-l6-v2 is not connected")).toBeVisible();
  const form = newForm(page);
  await form.getByLabel("Name").fill("second");
  await form.getByLabel("Address").fill("http://127.0.0.1:1/v1");
  await form.getByRole("button", { name: "Test" }).click();
  await expect(page.getByRole("status").filter({ hasText: "It cannot be reached." })).toBeVisible();
  // What was typed is still there.
  await expect(form.getByLabel("Name")).toHaveValue("second");
  await form.getByLabel("Address").fill(provider.url);
  await form.getByLabel("Key").fill("sk-0123456789-wxyz");
  await form.getByRole("button", { name: "Test" }).click();
  await expect(page.getByRole("status").filter({ hasText: "It works, and offers 2 models." })).toBeVisible();
  // Enter saves; it does not test.
  await form.getByLabel("Key").press("Enter");
  await expect(row(page, "second")).toContainText("key …wxyz");
  await expect(row(page, "second")).toContainText("2 of 2 models offered");
  expect(await page.content()).not.toContain("0123456789");

  // Another server is not shown the key.
  await row(page, "second").getByText("Manage").click();
  await row(page, "second").getByLabel("Address").fill(provider.url.replace("127.0.0.1", "localhost"));
  await row(page, "second").getByRole("button", { name: "Save", exact: true }).click();
  await expect(alert(page)).toContainText("Type the key again");

  await row(page, "second").getByText("Models", { exact: true }).click();
  const hide = row(page, "second").getByRole("button", { name: "Hide: second/scripted-one" });
  await hide.focus();
  await page.keyboard.press("Enter");
  await expect(row(page, "second")).toContainText("1 of 2 models offered");
  await open(alice.page, await alice.addChat());
  const chat = new Chat(alice.page);
  await expect(chat.modelPicker.locator('option[value="second/scripted-two"]')).toHaveCount(1);
  await expect(chat.modelPicker.locator('option[value="second/scripted-one"]')).toHaveCount(0);
});

test("the site's name and its notice reach open tabs, and the notice is dismissed", async ({ join, startServer }) => {
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const alice = await join(server, "alice");
  await open(alice.page, "/chats");
  await open(admin.page, "/admin/site");
  await admin.page.getByLabel("Name of the site").fill("Acme & Sons");
  await admin.page.getByLabel("Notice to everybody").fill("Closed on Friday.");
  await admin.page.getByRole("button", { name: "Save" }).click();
  await expect(admin.page.getByRole("status").filter({ hasText: "Saved." })).toBeVisible();
  await expect(alice.page.getByText("Closed on Friday.")).toBeVisible();
  await expect(alice.page).toHaveTitle(/· Acme & Sons$/);
  await expect(alice.page.locator(".logo-name").first()).toHaveText("Acme & Sons");
  await alice.page.getByRole("button", { name: "Dismiss: notice" }).click();
  await expect(alice.page.getByText("Closed on Friday.")).toHaveCount(0);
  await open(alice.page, "/chats");
  await expect(alice.page.getByText("Closed on Friday.")).toHaveCount(0);
});

test("the pages have no accessibility violations and fit a small screen, in light and dark", async ({
  join,
  startServer,
  provider,
}) => {
  const server = await startServer();
  const admin = await join(server, "admin", "admin");
  const name = "a".repeat(32);
  await admin.call("save_provider", { name, base_url: `${provider.url}/${"x".repeat(300)}`, key: "" });
  await admin.call("save_site", {
    name: "N".repeat(40),
    default_model: "",
    notice: "W".repeat(500),
    invitation_days: "7",
    members_make_tokens: "1",
  });
  for (const path of ["/admin/models", "/admin/site"]) {
    await open(admin.page, path);
    for (const summary of await admin.page.locator("main summary").all()) {
      if (await summary.isVisible()) await summary.click();
    }
    await expectNoViolations(admin.page);
  }
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a provider is connected, tested and removed, a model hidden, and the site named", async ({
    join,
    startServer,
    provider,
    faults,
  }) => {
    const server = await startServer();
    const admin = await join(server, "admin", "admin");
    const page = admin.page;
    await page.goto("/admin/models");
    await newForm(page).getByLabel("Name").fill("second");
    await newForm(page).getByLabel("Address").fill(provider.url);
    await newForm(page).getByRole("button", { name: "Save" }).click();
    await expect(row(page, "second")).toContainText("2 of 2 models offered");
    await row(page, "second").getByText("Manage").click();
    await row(page, "second").getByRole("button", { name: "Test as saved: second" }).click();
    await expect(page.getByText("It works, and offers 2 models.")).toBeVisible();
    await row(page, "second").getByText("Models", { exact: true }).click();
    await row(page, "second").getByRole("button", { name: "Hide: second/scripted-one" }).click();
    await expect(row(page, "second")).toContainText("1 of 2 models offered");
    await row(page, "second").getByText("Manage").click();
    await row(page, "second").getByText("Remove …").click();
    await row(page, "second").getByRole("button", { name: "Remove for good: second" }).click();
    await expect(row(page, "second")).toHaveCount(0);
    await page.getByRole("link", { name: "Site", exact: true }).click();
    await page.getByLabel("Name of the site").fill("Acme");
    await page.getByLabel("Notice to everybody").fill("Hello.");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Saved.")).toBeVisible();
    await expect(page).toHaveTitle(/Site · Acme$/);
    await page.getByRole("button", { name: "Dismiss: notice" }).click();
    await expect(page.locator(".site-notice")).toHaveCount(0);
  });
});
