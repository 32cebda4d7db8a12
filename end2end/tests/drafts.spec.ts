// What is typed and not yet sent follows its person, and goes with its message.

import { expectNoViolations } from "../helpers/accessibility";
import { expect, type Person, test } from "../helpers/app";
import { Chat, reload, TELL_WHEN_HYDRATED } from "../helpers/chat";
import type { Browser, Page } from "@playwright/test";

/** A tab in another browser of the same person. */
async function otherDevice(browser: Browser, person: Person): Promise<Page> {
  const context = await browser.newContext({
    baseURL: person.server.url,
    storageState: await person.context.storageState(),
  });
  await context.addInitScript(TELL_WHEN_HYDRATED);
  return context.newPage();
}

/** Waits until the server has this as the chat's draft. */
async function isKept(person: Person, path: string, text: string): Promise<void> {
  const chat_id = path.slice("/chats/".length);
  const kept = async () => (await person.call<{ draft: { text: string } }>("open_chat", { chat_id })).draft.text;
  await expect.poll(kept).toBe(text);
}

test("a draft follows its person to another device and back, and goes with its message", async ({
  alice,
  browser,
  provider,
}) => {
  const path = await alice.addChat();
  const desk = await Chat.open(alice.page, path);
  const phone = await Chat.open(await otherDevice(browser, alice), path);
  await expect(phone.field).toBeFocused();
  await phone.field.blur();
  await desk.field.pressSequentially("Begun at the desk");
  await expect(phone.field).toHaveValue("Begun at the desk");
  await desk.field.blur();
  await phone.field.press("End");
  await phone.field.pressSequentially(", ended on the phone");
  await expect(desk.field).toHaveValue("Begun at the desk, ended on the phone");

  await phone.field.press("Enter");
  (await provider.asked("ended on the phone")).finish("Well done.");
  for (const tab of [desk, phone]) {
    await expect(tab.field).toHaveValue("");
    await expect(tab.mine).toHaveText(/Begun at the desk, ended on the phone/);
  }
  await reload(desk.page);
  await expect(desk.lastReply).toHaveText("Well done.");
  await expect(desk.field).toHaveValue("");
  await phone.page.context().close();
});

test("a reload keeps what was typed, also right after the last letter", async ({ alice }) => {
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  await chat.field.pressSequentially("Kept");
  await isKept(alice, path, "Kept");
  await reload(alice.page);
  await expect(chat.field).toHaveValue("Kept");
  await chat.field.press("End");
  await chat.field.pressSequentially(" to the last letter");
  await reload(alice.page);
  await isKept(alice, path, "Kept to the last letter");
  await reload(alice.page);
  await expect(chat.field).toHaveValue("Kept to the last letter");
  // What is deleted stays so.
  await chat.field.fill("");
  await isKept(alice, path, "");
  await reload(alice.page);
  await expect(chat.field).toHaveValue("");
});

test("what is sent right after a reload does not come back as a draft", async ({ alice, provider }) => {
  const path = await alice.addChat();
  const chat = await Chat.open(alice.page, path);
  await chat.field.pressSequentially("Almost don");
  await isKept(alice, path, "Almost don");
  await reload(alice.page);
  await expect(chat.field).toHaveValue("Almost don");
  await chat.field.press("End");
  await chat.field.pressSequentially("e");
  await chat.field.press("Enter");
  (await provider.asked("Almost done")).finish("Yes.");
  await expect(chat.lastReply).toHaveText("Yes.");
  await isKept(alice, path, "");
  await reload(alice.page);
  await expect(chat.field).toHaveValue("");
});

test("one text does not push away another that is being typed", async ({ alice, browser }) => {
  const path = await alice.addChat();
  const desk = await Chat.open(alice.page, path);
  const phone = await Chat.open(await otherDevice(browser, alice), path);
  await desk.field.pressSequentially("Mine");
  await phone.field.pressSequentially("Other");
  await expect(desk.field).toHaveValue("Mine");
  await expect(phone.field).toHaveValue(/Other$/);
  await phone.page.context().close();
});

test("typing shows on the other device and goes", async ({ alice, browser }) => {
  const path = await alice.addChat();
  const desk = await Chat.open(alice.page, path);
  const phone = await Chat.open(await otherDevice(browser, alice), path);
  const typing = (chat: Chat) => chat.page.getByRole("status").filter({ hasText: "Typing on another device" });
  await expect(typing(desk)).toHaveCount(0);
  // It takes a moment until a page is connected, and is shown for a moment only.
  await expect(async () => {
    await phone.field.pressSequentially("on ");
    await expect(typing(desk)).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await expect(typing(phone)).toHaveCount(0);
  await expect(desk.field).toHaveValue(/on /);
  await phone.field.pressSequentially("on ");
  await expect(typing(desk)).toBeVisible();
  await expectNoViolations(desk.page);
  await expect(typing(desk)).toHaveCount(0, { timeout: 10_000 });
  await phone.page.context().close();
});
