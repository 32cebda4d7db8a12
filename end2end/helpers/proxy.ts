// A proxy in front of a server, with the settings that the README gives for it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { needed, type Server } from "./server";

const START_SECONDS_MAX = 10;
/** Where the README's settings look for the server, and what they call the site. */
const SERVER = "127.0.0.1:3000";
const SITE = "chat.example.org";

export class Proxy {
  private said = "";

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    }
  }

  /** With what the README says of nginx, or a change of it. */
  static async nginx(port: number, server: Server, change = (settings: string) => settings): Promise<Proxy> {
    const settings = await settingsFor("nginx");
    return Proxy.start(port, server, "nginx.conf", (folder) => {
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${folder}/${of};`);
      const site = replaced(change(settings), "listen 443 ssl;", `listen 127.0.0.1:${port};`);
      return `${process.getuid?.() === 0 ? "user root;" : ""} daemon off; pid ${folder}/pid; error_log stderr;
        events {} http { access_log off; ${paths.join(" ")} ${site} }`;
    }, (file) => [needed("NGINX"), "-c", file, "-e", "stderr"]);
  }

  /** With what the README says of Caddy. */
  static async caddy(port: number, server: Server): Promise<Proxy> {
    const settings = await settingsFor("Caddy");
    return Proxy.start(port, server, "Caddyfile", () => {
      return `{\n admin off\n auto_https off\n}\n${replaced(settings, SITE, `http://127.0.0.1:${port}`)}`;
    }, (file) => [needed("CADDY"), "run", "--adapter", "caddyfile", "--config", file]);
  }

  private static async start(
    port: number,
    server: Server,
    file: string,
    settings: (folder: string) => string,
    command: (file: string) => string[],
  ): Promise<Proxy> {
    const folder = await mkdtemp(join(tmpdir(), "sardonyx-proxy-"));
    await writeFile(join(folder, file), replaced(settings(folder), SERVER, new URL(server.url).host));
    const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", ...command(join(folder, file))], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const proxy = new Proxy(`http://127.0.0.1:${port}`, folder, child);
    const deadline = Date.now() + START_SECONDS_MAX * 1000;
    while (!(await answers(port))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the proxy does not start: ${proxy.said}`);
      await wait(20);
    }
    return proxy;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The first block of settings after the README's word for a proxy. */
async function settingsFor(name: string): Promise<string> {
  const readme = await readFile("../README.md", "utf8");
  const settings = new RegExp(`^${name}[:,][^]*?\`\`\`\n([^]*?)\`\`\``, "m").exec(readme)?.[1];
  if (!settings) throw new Error(`the README has no settings for ${name}`);
  return settings;
}

function replaced(settings: string, one: string, other: string): string {
  if (!settings.includes(one)) throw new Error(`the README's settings have no ${one}`);
  return settings.replaceAll(one, other);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
