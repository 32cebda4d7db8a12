// The pages as a person finds their way on them: by roles and names.

import { expect, type Locator, type Page } from "@playwright/test";

/** Raised in the page once the browser half has taken over. */
declare global {
  interface Window {
    sardonyxIsHydrated?: boolean;
  }
}

/**
 * Lets `hydrated` know when the browser half has taken over: it does so as soon as its code is there, and that of the part
 * that the page belongs to, which the first asks for at once.
 */
export const TELL_WHEN_HYDRATED = () => {
  const instantiate = WebAssembly.instantiateStreaming;
  let underWay = 0;
  WebAssembly.instantiateStreaming = async (...args: Parameters<typeof instantiate>) => {
    underWay++;
    const instance = await instantiate(...args);
    underWay--;
    setTimeout(() => {
      if (underWay === 0) window.sardonyxIsHydrated = true;
    });
    return instance;
  };
};

/** Waits until the browser half has taken over; before that, forms and links are the browser's own. */
export async function hydrated(page: Page): Promise<void> {
  await page.waitForFunction(() => window.sardonyxIsHydrated);
}

/** Gives what waits for a live connection that a page makes from now on; also in a context of its own. */
export function liveConnection(page: Page): () => Promise<void> {
  let heard = false;
  page.on("websocket", (socket) => socket.on("framereceived", () => (heard = true)));
  return () => expect.poll(() => heard).toBe(true);
}

/** Keeps the browser half from arriving; gives what lets it go, and waits until it has taken over. */
export async function holdBack(page: Page): Promise<() => Promise<void>> {
  let letGo = () => {};
  const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
  await page.route("**/*.wasm", async (route) => {
    await isLetGo;
    await route.continue();
  });
  return async () => {
    letGo();
    await hydrated(page);
  };
}

/** Opens a page of the site and waits for its browser half. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await hydrated(page);
}

export async function reload(page: Page): Promise<void> {
  await page.reload();
  await hydrated(page);
}

/** Between the server's news and a page that is opened afterwards: keeps them back while it is told to. */
export async function holdNews(page: Page): Promise<{ hold: () => Promise<void>; release: () => void }> {
  let held: (() => void)[] | null = null;
  let begin = () => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  await page.routeWebSocket("**/ws", (socket) => {
    socket.connectToServer().onMessage((message) => {
      begin();
      return held ? held.push(() => socket.send(message)) : socket.send(message);
    });
  });
  return {
    hold: async () => {
      await begun;
      held = [];
    },
    release: () => {
      for (const send of held ?? []) send();
      held = null;
    },
  };
}

/** Fills in and sends the log-in form. */
export async function logIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

export async function logOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
}

/** The list of chats. */
export function chatList(page: Page): Locator {
  return page.getByRole("navigation", { name: "Chats" });
}

export function alert(page: Page): Locator {
  return page.getByRole("alert");
}

/** The open chat. */
export class Chat {
  readonly log: Locator;
  /** What the person wrote. */
  readonly mine: Locator;
  /** What models wrote. */
  readonly replies: Locator;
  readonly field: Locator;
  readonly sendButton: Locator;
  readonly stopButton: Locator;
  readonly retryButton: Locator;
  readonly modelPicker: Locator;
  readonly olderLink: Locator;

  constructor(readonly page: Page) {
    this.log = page.getByRole("log", { name: "Conversation" });
    this.mine = this.log.getByRole("article", { name: "You", exact: true });
    this.replies = this.log.getByRole("article", { name: /^scripted-/ });
    this.field = page.getByRole("textbox", { name: "Message" });
    this.sendButton = page.getByRole("button", { name: "Send" });
    this.stopButton = page.getByRole("button", { name: "Stop" });
    this.retryButton = page.getByRole("button", { name: "Retry" });
    this.modelPicker = page.getByRole("combobox", { name: "Model" });
    this.olderLink = page.getByRole("link", { name: "Older messages" });
  }

  /** Makes a chat by the button, and waits until one can write in it. */
  static async new(page: Page): Promise<Chat> {
    await page.getByRole("button", { name: "New chat" }).first().click();
    await page.waitForURL(/\/chats\/[0-9a-f-]{36}$/);
    const chat = new Chat(page);
    await expect(chat.field).toBeVisible();
    return chat;
  }

  /** Opens a chat at its address. */
  static async open(page: Page, path: string): Promise<Chat> {
    await open(page, path);
    return new Chat(page);
  }

  get path(): string {
    return new URL(this.page.url()).pathname;
  }

  /** Writes a message and sends it by Enter, once the one before is taken. */
  async send(text: string): Promise<void> {
    await this.field.fill(text);
    await expect(this.sendButton).toBeEnabled();
    await this.field.press("Enter");
  }

  /** The text of the last reply, without its name and time. */
  get lastReply(): Locator {
    return this.replies.last().locator(".markdown");
  }

  /** Waits until the last reply is complete. */
  async replyIsComplete(): Promise<void> {
    await expect(this.stopButton).toHaveCount(0);
    await expect(this.replies.last()).not.toHaveAttribute("aria-busy", "true");
  }
}
