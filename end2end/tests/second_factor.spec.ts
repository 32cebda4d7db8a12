// Codes from an authenticator beside the password.

import { expectNoViolations } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { alert, hydrated, logIn, logOut, open } from "../helpers/chat";
import { code, setUpSecondFactor } from "../helpers/second_factor";
import type { Page } from "@playwright/test";

async function use(page: Page, email: string, password: string, hasScript: boolean): Promise<void> {
  await page.goto("/settings/second-factor");
  const { secret, recovery } = await setUpSecondFactor(page, password);
  await logOut(page);
  await expect(page).toHaveURL(/\/login/);
  // Without one the form comes back empty.
  if (hasScript) await hydrated(page);
  await logIn(page, email, password);
  await expect(alert(page)).toHaveText("Now the code from your authenticator, too.");
  if (hasScript) {
    await page.getByLabel("Code from").fill("000000");
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(alert(page)).toContainText("This code is not right");
  }
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Code from").fill(code(secret, 1));
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL("/chats");
  await page.goto("/settings/second-factor");
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Code from").fill(recovery);
  await page.getByRole("button", { name: "Switch it off" }).click();
  await expect(page.getByRole("button", { name: "Set it up" })).toBeVisible();
}

test("a second factor is set up, asked for, and switched off by a recovery code", async ({ alice, faults }) => {
  faults.allow(/status of 401/);
  await open(alice.page, "/settings/second-factor");
  await use(alice.page, alice.account.email, alice.account.password, true);
});

test("setting it up has no accessibility violations and fits a small screen", async ({ alice }) => {
  const { page } = alice;
  await open(page, "/settings/second-factor");
  await page.getByRole("button", { name: "Set it up" }).click();
  await expect(page.getByRole("img", { name: "The key as a QR code" })).toBeVisible();
  await expectNoViolations(page);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a second factor works by plain forms", async ({ join, server }) => {
    const carol = await join(server, "carol");
    // A browser without a script, too.
    await use(carol.page, carol.account.email, carol.account.password, false);
  });
});
