// How a session that ends is told in its tabs.

import { expect, type Page } from "@playwright/test";

/** Longest time from a session's end until its tab says why. */
const SECONDS_TO_TELL_MAX = 1;

/** Ends a session in one tab, by a request to this path, and expects the tab of the session to say why in time. */
export async function expectTold(by: Page, path: string, end: () => Promise<void>, tab: Page, why: string): Promise<void> {
  // With every frame: `expect` looks once a second after the first few times.
  const told = tab
    .waitForFunction((why) => document.querySelector("dialog[open]")?.textContent?.includes(why), why)
    .then(() => Date.now());
  // It has ended when whoever ended it is answered.
  const ended = by.waitForResponse((response) => response.ok() && response.url().endsWith(path)).then(() => Date.now());
  await end();
  expect(((await told) - (await ended)) / 1000).toBeLessThan(SECONDS_TO_TELL_MAX);
}
