// What must hold of every page, whoever reads it and however.

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

export const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

/** At these sizes, light and dark: nothing that axe finds, and nothing to scroll sideways for. */
export async function expectNoViolations(page: Page, sizes = SIZES): Promise<void> {
  for (const size of sizes) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await transitionsEnd(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(
        ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`,
      );
      expect(found, `${page.url()} at ${size.width}×${size.height}, ${colorScheme}`).toEqual([]);
    }
    const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(isTooWide, `${page.url()} at ${size.width}×${size.height}`).toBe(false);
  }
}

/** Colours are what they stay: a button fades from light to dark, and half-way is neither. */
async function transitionsEnd(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
    await Promise.allSettled(transitions.map((transition) => transition.finished));
  });
}
