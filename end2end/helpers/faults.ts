// What must never happen in any test: an error or a warning in the console (a hydration that does not fit the server's
// HTML is one), an error that nobody caught, a breach of the content security policy, a request to another host, a
// panic of the server. A test that provokes such a thing on purpose says so with `allow`.

import type { BrowserContext } from "@playwright/test";
import type { Server } from "./server";

/** What Chromium says when a server cannot be reached, which is no fault of the page. */
export const NO_CONNECTION =
  /net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|INCOMPLETE_CHUNKED_ENCODING)|WebSocket connection to .* failed/;

/** What Chromium says of what a page preloads when it is slow to use it, or has no script to do so. */
const SLOW = /was preloaded using link preload but not used/;

export class Faults {
  private readonly found: string[] = [];
  private readonly allowed: RegExp[] = [SLOW];
  private readonly servers = new Set<Server>();

  /** Watches everything that happens in a browser context. */
  async watch(context: BrowserContext): Promise<void> {
    context.on("console", (message) => {
      if (["error", "warning", "assert"].includes(message.type())) {
        this.found.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on("weberror", (error) => this.found.push(`uncaught: ${error.error().stack ?? error.error().message}`));
    context.on("dialog", (dialog) => {
      const isLeaving = dialog.type() === "beforeunload";
      this.found.push(`dialog: ${isLeaving ? "beforeunload" : dialog.message()}`);
      // A page that is to be left is left.
      void (isLeaving ? dialog.accept() : dialog.dismiss());
    });
    context.on("request", (request) => this.checkHost(request.url()));
    context.on("page", (page) => page.on("websocket", (socket) => this.checkHost(socket.url())));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy breach: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
  }

  /** Requests to this server are no fault; a panic of it is. */
  watchServer(server: Server): void {
    this.servers.add(server);
  }

  /** Expects that something of this kind may happen in this test. */
  allow(kind: RegExp): void {
    this.allowed.push(kind);
  }

  /** Everything that happened and was not expected. */
  unexpected(): string[] {
    const panics = [...this.servers].flatMap((server) => server.said.match(/^.*panicked at.*$/gm) ?? []);
    const faults = this.found.filter((fault) => !this.allowed.some((kind) => kind.test(fault)));
    return [...faults, ...panics.map((line) => `server: ${line}`)];
  }

  private checkHost(address: string): void {
    const url = new URL(address);
    const isOurs = [...this.servers].some((server) => new URL(server.url).host === url.host);
    if (/^(http|ws)s?:$/.test(url.protocol) && !isOurs) this.found.push(`request to another host: ${address}`);
  }
}
