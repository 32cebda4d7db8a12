// Everybody can use it: by keyboard, with a screen reader, on a small screen, zoomed in, in the dark, with less motion.

import { expectNoViolations, SIZES, tabTo } from "../helpers/accessibility";
import { expect, type Person, test } from "../helpers/app";
import { alert, Chat, chatList, open } from "../helpers/chat";
import type { Page } from "@playwright/test";
import type { ScriptedProvider } from "../helpers/provider";

const RICH = [
  "## A heading",
  "Some text with [a link](https://example.org), `code`, and **more**.",
  "- one\n- two\n\n1. first\n2. second",
  "| a column | another | a third | a fourth with a long heading |\n|---|---|--:|---|\n| a cell | a cell | 1234567890 | a cell with a longer text in it |",
  "```rust\n// A comment\npub fn a_function_with_a_long_name(argument: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> { Ok(vec![]) }\n```",
  "```diff\n- removed\n+ added\n```",
  "> A quotation",
  "- [x] done\n- [ ] not done",
  `An${"unbreakable".repeat(20)}word.`,
].join("\n\n");

/** A person with several chats; gives the path of one that has everything in it: text, code, a failed reply. */
async function furnish(person: Person, provider: ScriptedProvider): Promise<string> {
  // By the question: one that was sent may be asked only after the next line here.
  provider.answer = (question) => (question.includes("fail") ? undefined : RICH);
  for (const title of ["Stones", `A${"very".repeat(20)}long title`]) await person.send(await person.addChat(), title);
  const path = await person.addChat();
  await person.send(path, `Show me everything\n\nand a${"n unbreakable".repeat(3)}${"word".repeat(30)}`);
  await person.send(path, "And now fail");
  (await provider.asked("And now fail")).fail(500);
  return path;
}

test("the log-in page has no accessibility violations", async ({ page, faults }) => {
  faults.allow(/status of 401/);
  await open(page, "/login?reason=session_expired");
  await expectNoViolations(page);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(alert(page)).toBeVisible();
  await expectNoViolations(page, [SIZES[0]]);
});

test("the set-up page has no accessibility violations", async ({ page, startServer }) => {
  const server = await startServer();
  await open(page, await server.setupLink());
  await expectNoViolations(page);
});

test("the chat list has no accessibility violations", async ({ alice, provider }) => {
  await open(alice.page, "/chats");
  await expectNoViolations(alice.page);
  await furnish(alice, provider);
  await open(alice.page, "/chats");
  await expect(chatList(alice.page).getByRole("listitem")).toHaveCount(3);
  await expectNoViolations(alice.page);
  await alice.page.getByRole("button", { name: "Account" }).click();
  await expect(alice.page.getByRole("button", { name: "Log out" })).toBeVisible();
  await expectNoViolations(alice.page, [SIZES[1]]);
});

test("the settings have no accessibility violations", async ({ alice }) => {
  for (const path of ["/settings/sessions", "/settings/password", "/settings/tokens", "/settings/connection"]) {
    await open(alice.page, path);
    await expect(alice.page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoViolations(alice.page);
  }
});

test("the files have no accessibility violations", async ({ alice }) => {
  await open(alice.page, "/files");
  await expect(alice.page.getByText("No files yet.")).toBeVisible();
  await expectNoViolations(alice.page);
  const names = ["a note.txt", `A${"very".repeat(40)}long name.pdf`, "empty.bin"];
  const content = (name: string) => Buffer.from(name.startsWith("empty") ? "" : "some text");
  const files = names.map((name) => ({ name, mimeType: "text/plain", buffer: content(name) }));
  await alice.page.getByLabel("Upload files").setInputFiles(files);
  await expect(alice.page.locator(".files .file")).toHaveCount(2);
  await expect(alice.page.getByText("The file is empty.")).toBeVisible();
  await alice.page.getByText("Delete selected …").click();
  await expectNoViolations(alice.page);

  const table = { name: "costs.csv", mimeType: "text/csv", buffer: Buffer.from("Item,Price\nTea,3.50\n") };
  await alice.page.getByLabel("Upload files").setInputFiles(table);
  for (const name of ["costs.csv", "a note.txt"]) {
    await alice.page.getByRole("link", { name }).click();
    await expect(alice.page.locator(".file-text")).toBeVisible();
    await expectNoViolations(alice.page);
    await open(alice.page, "/files");
  }
});

test("a chat has no accessibility violations", async ({ alice, provider }) => {
  const path = await furnish(alice, provider);
  const chat = await Chat.open(alice.page, path);
  await expect(chat.retryButton).toBeVisible();
  await expectNoViolations(alice.page);

  await chat.send("Go on");
  (await provider.asked("Go on")).push("A reply under way");
  await expect(chat.lastReply).toHaveText("A reply under way");
  await expectNoViolations(alice.page, [SIZES[1]]);
});

test("a page that is not there has no accessibility violations", async ({ alice, faults }) => {
  faults.allow(/status of 404/);
  await open(alice.page, "/nowhere");
  await expectNoViolations(alice.page, [SIZES[1]]);
  await open(alice.page, "/chats/nonsense");
  await expectNoViolations(alice.page, [SIZES[1]]);
});

/** A phone; and what a window of 1280×800 is at 200 %. */
const NARROW = [
  { width: 390, height: 844 },
  { width: 640, height: 400 },
  { width: 320, height: 568 },
];

test("no page is wider than a small screen, or than a window at 200 %", async ({
  page,
  alice,
  provider,
  startServer,
}) => {
  const path = await furnish(alice, provider);
  const server = await startServer();
  for (const size of NARROW) {
    await page.setViewportSize(size);
    await alice.page.setViewportSize(size);
    for (const [tab, address] of [
      [page, "/login"],
      [page, await server.setupLink()],
      [alice.page, "/chats"],
      [alice.page, "/files"],
      [alice.page, path],
    ] as const) {
      await open(tab, address);
      const { wanted, there, sticking } = await tab.evaluate(() => ({
        wanted: document.documentElement.scrollWidth,
        there: document.documentElement.clientWidth,
        // Whatever leaves the screen and cannot be scrolled to.
        sticking: [...document.querySelectorAll("body *")]
          .filter(
            (element) =>
              element.getBoundingClientRect().right > innerWidth + 1 && !element.closest("pre, table, .markdown"),
          )
          .filter((element) => !element.closest(".visually-hidden"))
          .map((element) => element.outerHTML.slice(0, 100)),
      }));
      expect(wanted, `${address} at ${size.width}`).toBeLessThanOrEqual(there);
      expect(sticking, `${address} at ${size.width}`).toEqual([]);
    }
    const chat = new Chat(alice.page);
    await expect(chat.field).toBeInViewport({ ratio: 1 });
    await expect(chat.sendButton).toBeInViewport({ ratio: 1 });
    await expect(chat.retryButton).toBeInViewport();
  }
});

test("on a small screen the list and the chat are a step apart", async ({ alice, provider }) => {
  await furnish(alice, provider);
  await alice.page.setViewportSize(SIZES[1]);
  await open(alice.page, "/chats");
  await chatList(alice.page).getByRole("link", { name: "Stones" }).click();
  const chat = new Chat(alice.page);
  await expect(chat.mine).toBeVisible();
  await expect(chatList(alice.page)).toBeHidden();
  await alice.page.getByRole("link", { name: "Chats", exact: true }).click();
  await expect(chatList(alice.page)).toBeVisible();
  await expect(chat.field).toHaveCount(0);
});

test("nothing moves for those who want less motion", async ({ alice, provider }) => {
  const moving = () => alice.page.evaluate(() => document.getAnimations().length);
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Go on");
  (await provider.asked("Go on")).push("A reply under way");
  await expect(chat.lastReply).toHaveText("A reply under way");
  expect(await moving()).toBeGreaterThan(0);
  await alice.page.emulateMedia({ reducedMotion: "reduce" });
  expect(await moving()).toBe(0);
  await expect(chat.lastReply).toHaveText("A reply under way");
});

test("everything can be done by keyboard alone", async ({ page, alice, provider }) => {
  await open(page, "/login");
  const keyboard = page.keyboard;
  await expect(page.getByLabel("Email")).toBeFocused();
  await keyboard.type(alice.account.email);
  await tabTo(page, page.getByLabel("Password"));
  await keyboard.type(alice.account.password);
  await tabTo(page, page.getByRole("button", { name: "Log in" }));
  await keyboard.press("Enter");
  await expect(page).toHaveURL("/chats");

  await page.waitForFunction(() => window.sardonyxIsHydrated);
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await tabTo(page, skip);
  await expect(skip).toBeInViewport({ ratio: 1 });
  await tabTo(page, page.getByRole("button", { name: "New chat" }));
  await keyboard.press("Enter");
  const chat = new Chat(page);
  await expect(chat.field).toBeFocused();
  await keyboard.type("By keyboard");
  await keyboard.press("Enter");
  const reply = await provider.asked("By keyboard");
  reply.push("Click ");
  await expect(chat.lastReply).toHaveText("Click");
  await tabTo(page, chat.stopButton);
  await keyboard.press("Enter");
  await reply.abandoned;
  await expect(chat.replies.getByText("Stopped")).toBeVisible();
  await tabTo(page, chat.retryButton, "Shift+Tab");
  await keyboard.press("Enter");
  (await provider.asked("By keyboard")).finish("Clack.");
  await expect(chat.lastReply).toHaveText("Clack.");

  await tabTo(page, chat.modelPicker);
  await keyboard.press("ArrowDown");
  await expect(chat.modelPicker).toHaveValue("openai/scripted-two");
  await tabTo(page, chatList(page).getByRole("link", { name: "By keyboard" }), "Shift+Tab");
  await tabTo(page, page.getByRole("button", { name: "Account" }));
  await keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Log out" })).toBeVisible();
  await keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Log out" })).toBeHidden();
  await keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Log out" }));
  await keyboard.press("Enter");
  await expect(page).toHaveURL(/\/login\?reason=logged_out/);
});

test("the skip link leads past the list of chats", async ({ alice, provider }) => {
  const path = await furnish(alice, provider);
  const chat = await Chat.open(alice.page, path);
  await tabTo(alice.page, alice.page.getByRole("link", { name: "Skip to the content" }));
  await alice.page.keyboard.press("Enter");
  await alice.page.keyboard.press("Tab");
  await expect(alice.page.getByRole("link", { name: "Files and settings of this chat" })).toBeFocused();
  await alice.page.keyboard.press("Tab");
  await expect(chat.log).toBeFocused();
});

test("a reply is busy until it is finished, so that it is read out as a whole", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Hello");
  const reply = await provider.asked("Hello");
  reply.push("Good ");
  await expect(chat.lastReply).toHaveText("Good");
  await expect(chat.replies).toHaveAttribute("aria-busy", "true");
  reply.finish("day.");
  await expect(chat.replies).not.toHaveAttribute("aria-busy", "true");
});
