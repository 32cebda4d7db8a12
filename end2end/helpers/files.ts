// Files as somebody gives them to a page.

import type { Page } from "@playwright/test";

/** What `Faults` notes when the browser asks whether to leave a page, as it does while something is uploaded. */
export const ASKED_BEFORE_LEAVING = /^dialog: beforeunload/;

/** Gives a file to an element as a drop or a paste does; tells whether the browser does with it what it always does. */
export async function give(
  page: Page,
  selector: string,
  kind: "drop" | "paste",
  name: string,
  text: string,
  beside = "",
): Promise<boolean> {
  return page.locator(selector).evaluate(
    (element, { kind, name, text, beside }) => {
      const data = new DataTransfer();
      if (beside) data.setData("text/plain", beside);
      data.items.add(new File([text], name, { type: "text/plain" }));
      const init = { bubbles: true, cancelable: true };
      const event =
        kind === "drop"
          ? new DragEvent("drop", { ...init, dataTransfer: data })
          : new ClipboardEvent("paste", { ...init, clipboardData: data });
      return element.dispatchEvent(event);
    },
    { kind, name, text, beside },
  );
}

/** Has the page send at this speed; gives what sets it to another, or to none with -1. */
export async function throttle(page: Page, bytesPerSecond: number): Promise<(bytesPerSecond: number) => Promise<void>> {
  const devtools = await page.context().newCDPSession(page);
  const set = async (uploadThroughput: number): Promise<void> => {
    const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput };
    await devtools.send("Network.emulateNetworkConditions", conditions);
  };
  await devtools.send("Network.enable");
  await set(bytesPerSecond);
  return set;
}
