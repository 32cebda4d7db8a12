// Chats that are longer than what their model can read: where it begins, on every screen.

import { expectNoViolations } from "../helpers/accessibility";
import { expect, type Person, test } from "../helpers/app";
import { Chat, reload } from "../helpers/chat";

const SUMMARISED = "The model has a summary of what is above";
const SUMMARY = "They spoke of <b>foxes</b>.";
const LONG = " the quick brown fox jumps over the dog".repeat(12);
const SETTINGS = {
  settings: {
    SARDONYX_CONTEXT_TOKENS: "1024",
    SARDONYX_MESSAGES_PER_MINUTE: "10000",
    SARDONYX_REQUESTS_PER_MINUTE: "10000",
  },
};

test.beforeEach(({ provider }) => {
  provider.answer = (asked) => (asked.includes("Summarise the conversation") ? SUMMARY : "Yes.");
});

interface Opened {
  messages: {
    messages: { id: string; seq: number; state: unknown }[];
    context: { from_id: string } | null;
  };
}

/** Sends a message without the page, and waits for its reply. */
async function say(person: Person, path: string, text: string): Promise<Opened["messages"]> {
  await person.send(path, text);
  const look = () => person.call<Opened>("open_chat", { chat_id: path.slice("/chats/".length) });
  await expect.poll(async () => (await look()).messages.messages.at(-1)?.state, { intervals: [30] }).toBe("complete");
  return (await look()).messages;
}

test("every tab sees where the model begins to read, and the summary of the rest", async ({ startServer, join }) => {
  const alice = await join(await startServer(SETTINGS), "alice");
  const path = await alice.addChat();
  const tabs = [await Chat.open(alice.page, path), await Chat.open(await alice.context.newPage(), path)];
  for (let n = 1; n <= 6; n++) {
    await tabs[0].send(`Message ${n}:${LONG}`);
    await expect(tabs[0].replies).toHaveCount(n);
    await tabs[0].replyIsComplete();
  }
  for (const tab of tabs) {
    await expect(tab.replies).toHaveCount(6);
    await tab.replyIsComplete();
    const mark = tab.log.getByText(SUMMARISED);
    await expect(mark).toHaveCount(1);
    await expect(tab.log.getByText(SUMMARY)).toBeHidden();
    await mark.click();
    await expect(tab.log.getByText(SUMMARY)).toBeVisible();
    // Above something that the person said, and not above all of it.
    await expect(tab.log.locator(".context-mark + .message-from-you")).toHaveCount(1);
    await expect(tab.log.locator(".message-from-you ~ .context-mark")).toHaveCount(1);
  }
  await expectNoViolations(alice.page);
  await reload(alice.page);
  await expect(tabs[0].log.getByText(SUMMARISED)).toHaveCount(1);
});

test("it is seen when older messages are fetched, with and without a script", async ({ startServer, join, browser }) => {
  const server = await startServer(SETTINGS);
  const alice = await join(server, "alice");
  const path = await alice.addChat();
  let page = await say(alice, path, `Message 0:${LONG}`);
  for (let n = 1; !page.context; n++) page = await say(alice, path, `Message ${n}:${LONG}`);
  // Until the model reads more than a page.
  while (page.messages.some(({ id }) => id === page.context?.from_id)) page = await say(alice, path, "a");
  const chat = await Chat.open(alice.page, path);
  await expect(chat.log.getByText(SUMMARISED)).toHaveCount(0);
  await chat.olderLink.scrollIntoViewIfNeeded();
  await expect(chat.log.getByText(SUMMARISED)).toHaveCount(1);

  const state = await alice.context.storageState();
  const plain = await browser.newContext({ javaScriptEnabled: false, baseURL: server.url, storageState: state });
  const older = await plain.newPage();
  await older.goto(`${path}?before_seq=${page.messages[0].seq}`);
  await expect(older.getByText(SUMMARISED)).toHaveCount(1);
  await older.getByText(SUMMARISED).click();
  await expect(older.getByText(SUMMARY)).toBeVisible();
  await plain.close();
});
