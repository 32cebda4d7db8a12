// The set-up link of a fresh site.

import { expect, test } from "../helpers/app";
import { alert, logOut, open } from "../helpers/chat";
import type { Page } from "@playwright/test";

async function createAccount(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
}

test("the set-up link makes the first account, logs it in, and works once", async ({ page, startServer, faults }) => {
  const server = await startServer();
  const link = await server.setupLink();
  await open(page, link);
  await createAccount(page, "first@example.org", "striped like a sardonyx");
  await expect(page).toHaveURL(`${server.url}/chats`);
  await page.getByRole("button", { name: "Account" }).click();
  await expect(page.getByText("first@example.org")).toBeVisible();
  await page.keyboard.press("Escape");

  await logOut(page);
  await expect(page).toHaveURL(/\/login/);
  faults.allow(/status of 403/);
  await page.goto(link);
  await expect(alert(page)).toHaveText("This set-up link is not valid, or was already used.");
  await expect(page.getByLabel("Email")).toHaveCount(0);
});

test("a wrong set-up link says so", async ({ page, startServer, faults }) => {
  const server = await startServer();
  faults.allow(/status of 403/);
  for (const link of ["/setup?token=wrong", "/setup"]) {
    await page.goto(server.url + link);
    await expect(alert(page)).toHaveText("This set-up link is not valid, or was already used.");
    await expect(page.getByRole("button", { name: "Create account" })).toHaveCount(0);
  }
});

test("what is wrong with the first account's address or password is said, and what was typed stays", async ({
  page,
  startServer,
  faults,
}) => {
  const server = await startServer();
  faults.allow(/status of 422/);
  await open(page, await server.setupLink());
  await createAccount(page, "first@example.org", "short");
  await expect(alert(page)).toHaveText("The password needs at least 8 characters.");
  await expect(page.getByLabel("Email")).toHaveValue("first@example.org");
  await createAccount(page, "no address", "striped like a sardonyx");
  await expect(alert(page)).toContainText("This is not an e-mail address");
  await createAccount(page, "first@example.org", "password");
  await expect(alert(page)).toContainText("among the most used");
  await createAccount(page, "first@example.org", "striped like a sardonyx");
  await expect(page).toHaveURL(`${server.url}/chats`);
});
