// An authenticator app.

import { createHmac } from "node:crypto";
import { expect, type Page } from "@playwright/test";

/** What an authenticator shows so many steps from now (RFC 6238). */
export function code(secret: string, stepsLater = 0): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + stepsLater));
  const digest = createHmac("sha1", key).update(counter).digest();
  const offset = digest[19] & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Switches it on, on its page. */
export async function setUpSecondFactor(page: Page, password: string): Promise<{ secret: string; recovery: string }> {
  await page.getByRole("button", { name: "Set it up" }).click();
  await expect(page.getByRole("img", { name: "The key as a QR code" })).toBeVisible();
  const secret = (await page.locator(".one-time-link").textContent()) ?? "";
  const recovery = (await page.locator(".recovery-codes code").first().textContent()) ?? "";
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Code from").fill(code(secret));
  await page.getByRole("button", { name: "Switch it on" }).click();
  await expect(page.getByText("Two-factor log-in is on.")).toBeVisible();
  return { secret, recovery };
}
