// A server as its operator runs it: the program, a port, a folder. It is started, stopped, killed and started again on
// the same port and data.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";

const START_SECONDS_MAX = 60;
const STOP_SECONDS_MAX = 20;

export interface ServerOptions {
  /** Where its model is. */
  providerUrl: string;
  /** A Postgres database and Redis, to be shared with other servers; SQLite and nothing else without it. */
  shared?: SharedServices;
  /** Further settings, as environment variables. */
  settings?: Record<string, string>;
}

/** What several servers side by side share. */
export interface SharedServices {
  databaseUrl: string;
  redisUrl: string;
}

export type Role = "admin" | "member";

export interface Account {
  email: string;
  password: string;
}

export class Server {
  readonly url: string;
  /** Everything that the server has said so far. */
  said = "";
  private child?: ChildProcess;
  private ended?: Promise<void>;

  private constructor(
    port: number,
    private readonly folder: string,
    private readonly options: ServerOptions,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts a server with data of its own. */
  static async start(options: ServerOptions): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "sardonyx-end2end-"));
    const server = new Server(await freePort(), folder, options);
    await server.start();
    return server;
  }

  /** The same server, as it is reached by way of a proxy. */
  behind(url: string): Server {
    return Object.create(this, { url: { value: url } }) as Server;
  }

  /** Starts it, again or for the first time, and waits until it can serve. */
  async start(): Promise<void> {
    // Tied to this process: however it ends, no server stays behind.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", program()], {
      cwd: this.folder,
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    this.ended = new Promise((resolve) => child.once("exit", () => resolve()));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    }
    const saidBefore = this.said.length;
    // What it says counts, too: somebody else's server might answer on its port.
    await this.until("the server starts", async () => {
      if (child.exitCode !== null) throw new Error(`the server ended; it said:\n${this.said}`);
      return this.said.includes("listening", saidBefore) && (await this.isReady());
    });
  }

  /** Ends it as an operator would, or with SIGKILL as an accident would. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (!this.child || !this.ended) return;
    this.child.kill(signal);
    const isEnded = await Promise.race([
      this.ended.then(() => true),
      wait(STOP_SECONDS_MAX * 1000, false, { ref: false }),
    ]);
    if (!isEnded) {
      this.child.kill("SIGKILL");
      throw new Error(`the server does not end on ${signal}; it said:\n${this.said}`);
    }
    this.child = undefined;
  }

  /** Ends it for good. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The link to the first account, as the server prints it while there is none. */
  async setupLink(): Promise<string> {
    const link = /http:\/\/\S+\/setup\?token=\S+(?=\s)/;
    await this.until("the server prints a set-up link", () => link.test(this.said));
    return link.exec(this.said)?.[0] ?? "";
  }

  async addAccount(name: string, role: Role = "member"): Promise<Account> {
    const account = { email: `${name}@example.org`, password: `${name} likes striped stones` };
    await this.manageUsers(["add", account.email, "--role", role, "--password-stdin"], account.password);
    return account;
  }

  /** Ends all sessions of an account, too. */
  async disableAccount(account: Account): Promise<void> {
    await this.manageUsers(["disable", account.email]);
  }

  private async manageUsers(args: string[], input = ""): Promise<void> {
    const running = promisify(execFile)(program(), ["user", ...args], { cwd: this.folder, env: this.environment() });
    running.child.stdin?.end(input);
    await running;
  }

  private async until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_SECONDS_MAX * 1000;
    while (!(await isTrue())) {
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}; it said:\n${this.said}`);
      await wait(20);
    }
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  /** Its settings and nothing of ours: a key or a database in the developer's environment must not be used. */
  private environment(): NodeJS.ProcessEnv {
    const { providerUrl, shared, settings } = this.options;
    return {
      PATH: process.env.PATH,
      SARDONYX_ADDR: this.url.slice("http://".length),
      SARDONYX_DATA: this.folder,
      DATABASE_URL: shared?.databaseUrl ?? `sqlite://${this.folder}/sardonyx.db`,
      ...(shared && { REDIS_URL: shared.redisUrl }),
      OPENAI_BASE_URL: providerUrl,
      // A server that is told to stop interrupts what it is writing at once.
      SARDONYX_DRAIN_SECONDS: "0",
      // A test sends in a moment what a person sends in an hour.
      SARDONYX_MESSAGES_PER_MINUTE: "1000",
      // What a model's server refuses is seen at once.
      SARDONYX_RETRIES: "0",
      ...settings,
    };
  }
}

/** A fresh database on the Postgres that the tests were given, and their Redis. */
export async function shareServices(): Promise<SharedServices & { remove: () => Promise<void> }> {
  const postgres = needed("SARDONYX_TEST_POSTGRES");
  const name = `end2end_${process.pid}_${Date.now()}`;
  const url = (database: string) => Object.assign(new URL(postgres), { pathname: `/${database}` }).href;
  const run = (sql: string) => promisify(execFile)("psql", ["--quiet", "--command", sql, url("postgres")]);
  await run(`CREATE DATABASE ${name}`);
  return {
    databaseUrl: url(name),
    redisUrl: needed("SARDONYX_TEST_REDIS"),
    remove: async () => void (await run(`DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

function program(): string {
  return needed("SARDONYX_BIN");
}

export function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test --only browser\``);
  return value;
}

/** A port that nobody listens on now, nor soon: below those that the kernel gives to whoever connects. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 30_000);
    const listener = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      listener.once("error", () => resolve(false));
      listener.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => listener.close(resolve));
    return port;
  }
}
