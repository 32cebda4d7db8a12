// What must hold of every page, whoever reads it and however.

import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";

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

/** Presses Tab until this is reached; whatever has the focus on the way shows it. */
export async function tabTo(page: Page, target: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  for (let steps = 0; steps < 40; steps++) {
    await page.keyboard.press(key);
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return "nothing";
      const ring = (around: Element | null): boolean =>
        !!around &&
        ((getComputedStyle(around).outlineStyle !== "none" && getComputedStyle(around).outlineWidth !== "0px") ||
          ring(around.parentElement));
      const { width, height } = element.getBoundingClientRect();
      return element.matches(":focus-visible") && ring(element) && width > 1 && height > 1
        ? "shown"
        : element.outerHTML;
    });
    expect(["shown", "nothing"], "the focus can be seen").toContain(focus);
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} cannot be reached by ${key}`);
}
