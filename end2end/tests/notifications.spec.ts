import { expectNoViolations, tabTo } from "../helpers/accessibility";
import type { Page } from "@playwright/test";
import { expect, test } from "../helpers/app";
import { Chat, chatList, holdNews, hydrated, open } from "../helpers/chat";

test("a reply elsewhere is told in every tab, until one of them looks at its chat", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Tell me later");
  const reply = await provider.asked("Tell me later");
  const other = await alice.context.newPage();
  const elsewhere = await Chat.open(other, await alice.addChat());
  await open(alice.page, "/chats");
  reply.finish("Now.");
  for (const tab of [alice.page, other]) {
    await expect(tab.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible();
    await expect(tab).toHaveTitle(/^\(1\) /);
    await expect(chatList(tab).getByRole("link", { name: "Tell me later (unread)" })).toBeVisible();
  }
  // Nothing takes the focus from where one writes.
  await expect(other.getByRole("status").getByText("Reply ready: Tell me later")).toBeVisible();
  await expect(elsewhere.log).toBeVisible();
  await expectNoViolations(other);
  await other.setViewportSize({ width: 1280, height: 800 });

  await tabTo(alice.page, chatList(alice.page).getByRole("link", { name: "Tell me later (unread)" }));
  await alice.page.keyboard.press("Enter");
  await expect(chat.lastReply).toHaveText("Now.");
  for (const tab of [alice.page, other]) {
    await expect(tab.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
    await expect(tab).not.toHaveTitle(/^\(/);
    await expect(chatList(tab).getByRole("link", { name: "Tell me later", exact: true })).toBeVisible();
  }
  await expect(other.getByText("Reply ready: Tell me later")).toHaveCount(0);
});

test("a reply is told in every tab when the one that shows its chat hears nothing, until it does", async ({
  alice,
  provider,
}) => {
  const news = await holdNews(alice.page);
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Seen at once");
  (await provider.asked("Seen at once")).finish("Yes.");
  await chat.replyIsComplete();
  await chat.send("Not seen");
  const reply = await provider.asked("Not seen");
  const other = await alice.context.newPage();
  await open(other, "/chats");
  await news.hold();
  reply.finish("No.");
  await expect(chatList(other).getByRole("link", { name: "Seen at once (unread)" })).toBeVisible();
  await expect(other.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible();
  news.release();
  await expect(chat.lastReply).toHaveText("No.");
  await expect(other.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
  await expect(chatList(other).getByRole("link", { name: "Seen at once", exact: true })).toBeVisible();
});

test("a tab in front says that it shows how a reply ended", async ({ alice, provider }) => {
  const said: string[] = [];
  alice.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => said.push(payload.toString())));
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Do you see it?");
  const reply = await provider.asked("Do you see it?");
  expect(said.filter((command) => command.includes("visibility"))).toEqual([]);
  reply.finish("Yes.");
  await chat.replyIsComplete();
  await expect.poll(() => said).toContain('{"type":"visibility","is_visible":true}');
});

test("all are read at once, by keyboard, in every tab", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Something to read");
  const reply = await provider.asked("Something to read");
  await open(alice.page, "/notifications");
  await expect(alice.page.getByText("Nothing yet.")).toBeVisible();
  reply.finish("Here.");
  await expect(alice.page.getByRole("main").getByRole("link", { name: "Reply ready: Something to read" })).toBeVisible();
  await expectNoViolations(alice.page);
  await alice.page.setViewportSize({ width: 1280, height: 800 });
  const other = await alice.context.newPage();
  await open(other, "/chats");
  await expect(other.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible();
  await tabTo(alice.page, alice.page.getByRole("button", { name: "Mark all as read" }));
  await alice.page.keyboard.press("Enter");
  for (const tab of [alice.page, other]) {
    await expect(tab.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
  }
  await expect(alice.page.getByRole("button", { name: "Mark all as read" })).toBeDisabled();
  await hydrated(other);
});

test("the browser shows what is new while no tab is in front, once that is turned on", async ({ alice, provider }) => {
  const shown: string[] = [];
  await alice.context.exposeFunction("noteShown", (text: string) => shown.push(text));
  // The browser's own dialogue and its notifications are outside of any page; so is which tab is in front.
  await alice.context.addInitScript(() => {
    const note = (globalThis as unknown as { noteShown(text: string): void }).noteShown;
    class Shown extends EventTarget {
      // Its name stays with a tab.
      static get permission(): NotificationPermission {
        return window.name === "granted" ? "granted" : "default";
      }
      static async requestPermission() {
        return (window.name = "granted");
      }
      constructor(title: string, options: NotificationOptions) {
        super();
        note(`${title}: ${options.body}`);
      }
      close() {}
    }
    const heard: unknown[] = [];
    new BroadcastChannel("sardonyx.front").onmessage = ({ data }) => heard.push(data);
    Object.assign(globalThis, { Notification: Shown, heard });
    Object.defineProperty(document, "hidden", { get: () => "behind" in globalThis });
  });
  const move = (page: Page, isBehind: boolean) =>
    page.evaluate((isBehind) => {
      if (isBehind) Object.assign(globalThis, { behind: true });
      else delete (globalThis as { behind?: boolean }).behind;
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, isBehind);

  await open(alice.page, "/settings");
  await expectNoViolations(alice.page);
  await alice.page.setViewportSize({ width: 1280, height: 800 });
  await tabTo(alice.page, alice.page.getByRole("button", { name: "Turn on in this browser" }));
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.getByText("You are told by this browser")).toBeVisible();

  const chat = await Chat.open(alice.page, await alice.addChat());
  const other = await alice.context.newPage();
  await open(other, "/chats");
  await move(alice.page, true);
  await chat.send("While a tab is in front");
  (await provider.asked("While a tab is in front")).finish("Seen there.");
  await expect(chatList(other).getByRole("link", { name: "While a tab is in front (unread)" })).toBeVisible();
  await chat.replyIsComplete();
  // Before that, nobody has asked which tab is in front.
  await alice.page.waitForFunction(() => (globalThis as unknown as { heard: unknown[] }).heard.includes("this one"));

  await move(other, true);
  await chat.send("While none is");
  (await provider.asked("While none is")).finish("Here.");
  await expect.poll(() => shown).toContain("Reply ready: While a tab is in front");
  expect(shown).toEqual(["Reply ready: While a tab is in front"]);

  await move(alice.page, false);
  await expect(chatList(other).getByRole("link", { name: "While a tab is in front", exact: true })).toBeVisible();
  await expect(alice.page).not.toHaveTitle(/^\(/);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("what was told is read and noted as read", async ({ alice, provider }) => {
    const path = await alice.addChat();
    await alice.page.goto(path);
    await alice.page.getByLabel("Message").fill("Plainly");
    await alice.page.getByRole("button", { name: "Send" }).click();
    const reply = await provider.asked("Plainly");
    reply.finish("So.");
    await expect(async () => {
      await alice.page.goto("/notifications");
      await expect(alice.page.getByRole("link", { name: "Notifications, 1 unread" })).toBeVisible({ timeout: 200 });
    }).toPass();
    await expect(alice.page.getByRole("link", { name: "Reply ready: Plainly" })).toBeVisible();
    await alice.page.getByRole("button", { name: "Mark all as read" }).click();
    await expect(alice.page).toHaveURL(/\/notifications$/);
    await expect(alice.page.getByRole("link", { name: "Notifications", exact: true })).toBeVisible();
  });
});
