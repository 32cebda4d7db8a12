// What every test begins with: `import { expect, test } from "../helpers/app"`.
//
// Each worker has one server with SQLite and one scripted model, shared by its tests; each test has people of its own,
// so that tests do not see each other. A test that stops its server, or needs a fresh one, starts one with `startServer`.

import { test as base, expect as baseExpect, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { randomUUID } from "node:crypto";
import { TELL_WHEN_HYDRATED } from "./chat";
import { Faults } from "./faults";
import { ScriptedProvider } from "./provider";
import { type Account, type Role, Server, type ServerOptions, shareServices, type SharedServices } from "./server";

export const expect = baseExpect;

interface WorkerFixtures {
  provider: ScriptedProvider;
  server: Server;
  /** Postgres and Redis, for servers side by side. */
  shared: SharedServices;
}

interface TestFixtures {
  faults: Faults;
  /** Makes an account, logs it in, and gives it a browser of its own. */
  join: (server: Server, name: string, role?: Role) => Promise<Person>;
  alice: Person;
  bob: Person;
  /** Starts another server, which ends with the test. */
  startServer: (options?: Partial<ServerOptions>) => Promise<Server>;
}

/** Somebody with an account, logged in. */
export class Person {
  constructor(
    readonly account: Account,
    readonly server: Server,
    readonly context: BrowserContext,
    /** Their first tab. */
    readonly page: Page,
  ) {}

  /** Logs in without the page, in every tab of this browser. */
  async logIn(): Promise<void> {
    await this.call("log_in", { ...this.account });
  }

  /** Calls a server function, as the page would. */
  async call<T>(name: string, args: Record<string, string> = {}): Promise<T> {
    const response = await this.context.request.post(`${this.server.url}/api/${name}`, {
      headers: { "content-type": "application/x-www-form-urlencoded", origin: this.server.url },
      data: new URLSearchParams(args).toString(),
    });
    if (!response.ok()) throw new Error(`${name} answered ${response.status()}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Makes a chat without the page; gives its path. */
  async addChat(): Promise<string> {
    const { id } = await this.call<{ id: string }>("create_chat");
    return `/chats/${id}`;
  }

  /** Sends a message without the page. */
  async send(chatPath: string, text: string): Promise<void> {
    const chat_id = chatPath.slice("/chats/".length);
    await this.call("send_message", { chat_id, text, client_message_id: randomUUID() });
  }
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  provider: [
    async ({}, use) => {
      const provider = await ScriptedProvider.start();
      await use(provider);
      await provider.close();
    },
    { scope: "worker" },
  ],

  server: [
    async ({ provider }, use) => {
      const server = await Server.start({ providerUrl: provider.url });
      await use(server);
      await server.remove();
    },
    { scope: "worker" },
  ],

  shared: [
    async ({}, use) => {
      const { remove, ...shared } = await shareServices();
      await use(shared);
      await remove();
    },
    { scope: "worker" },
  ],

  faults: [
    async ({ provider }, use) => {
      const faults = new Faults();
      await use(faults);
      await provider.reset();
      expect(faults.unexpected(), "nothing went wrong on the side").toEqual([]);
    },
    { auto: true },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  // Browsers are closed before servers end, so that no page sees its server go: hence the dependency on `startServer`.
  context: async ({ startServer: _, faults, server, context }, use) => {
    faults.watchServer(server);
    await prepare(context, faults);
    await use(context);
  },

  join: async ({ startServer: _, faults, browser }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (server, name, role) => {
      faults.watchServer(server);
      const person = await join(browser, server, name, faults, role);
      contexts.push(person.context);
      return person;
    });
    for (const context of contexts) await context.close();
  },

  alice: async ({ join, server }, use) => use(await join(server, "alice")),
  bob: async ({ join, server }, use) => use(await join(server, "bob")),

  startServer: async ({ provider, faults }, use) => {
    const servers: Server[] = [];
    await use(async (options) => {
      const server = await Server.start({ providerUrl: provider.url, ...options });
      servers.push(server);
      faults.watchServer(server);
      return server;
    });
    for (const server of servers) await server.remove();
  },
});

async function join(
  browser: Browser,
  server: Server,
  name: string,
  faults: Faults,
  role?: Role,
): Promise<Person> {
  const account = await server.addAccount(`${name}-${randomUUID().slice(0, 8)}`, role);
  const context = await browser.newContext({ baseURL: server.url });
  await prepare(context, faults);
  const person = new Person(account, server, context, await context.newPage());
  await person.logIn();
  return person;
}

async function prepare(context: BrowserContext, faults: Faults): Promise<void> {
  await faults.watch(context);
  await context.addInitScript(TELL_WHEN_HYDRATED);
}
