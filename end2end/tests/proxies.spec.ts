// The site behind proxies with the README's settings, as its own self-test finds it, and as somebody uses it.

import { randomBytes } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, test as base } from "../helpers/app";
import { Chat, open } from "../helpers/chat";
import { Proxy } from "../helpers/proxy";
import { freePort, type Server } from "../helpers/server";

/** Puts a proxy in front of a server that expects it; gives the server as it is reached then. */
type Front = (start: (port: number, server: Server) => Promise<Proxy>) => Promise<Server>;

const test = base.extend<{ front: Front }>({
  front: async ({ startServer }, use) => {
    const proxies: Proxy[] = [];
    await use(async (start) => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const settings = { SARDONYX_PUBLIC_URL: url, SARDONYX_TRUSTED_PROXIES: "127.0.0.1" };
      const server = await startServer({ settings });
      proxies.push(await start(port, server));
      return server.behind(url);
    });
    for (const proxy of proxies) await proxy.stop();
  },
});

/** Uploads a file, and looks whether it is the same that comes back. */
async function upload(page: Page): Promise<void> {
  const content = randomBytes(5_000_000);
  await open(page, "/files");
  const chosen = { name: "large.bin", mimeType: "application/octet-stream", buffer: content };
  await page.getByLabel("Upload files").setInputFiles([chosen]);
  const link = page.locator(".files .file").getByRole("link", { name: "large.bin" });
  await expect(link).toBeVisible({ timeout: 60_000 });
  const path = await link.getAttribute("href");
  const response = await page.request.get(new URL(`${path}/content`, page.url()).href);
  expect((await response.body()).equals(content)).toBe(true);
}

const finding = (page: Page, name: string) =>
  page.getByRole("listitem").filter({ hasText: new RegExp(`(OK|Fails|…)\\s*${name}:`) });
const GOOD = [
  "Public address",
  "Host",
  "Your address",
  "WebSocket",
  "Events",
  "Events one by one",
  "Large requests",
];

for (const kind of ["nginx", "caddy"] as const) {
  test(`everything gets through ${kind}`, async ({ front, join, provider }) => {
    const alice = await join(await front(Proxy[kind]), "alice");
    await open(alice.page, "/settings/connection");
    for (const name of GOOD) {
      const found = finding(alice.page, name);
      await expect(found.first()).toContainText("✓ OK");
      await expect(found.filter({ hasText: "✗" })).toHaveCount(0);
    }
    await expect(alice.page.getByText("connected by a WebSocket")).toBeVisible();
    const chat = await Chat.open(alice.page, await alice.addChat());
    await chat.send("Through a proxy");
    const reply = await provider.asked("Through a proxy");
    reply.push("Word");
    await expect(chat.lastReply).toHaveText("Word");
    reply.finish(" by word.");
    await expect(chat.lastReply).toHaveText("Word by word.");
    await upload(alice.page);
  });
}

test("a proxy that takes no large requests is sent a file in small ones", async ({ front, join, faults }) => {
  faults.allow(/Failed to load resource: the server responded with a status of 413/);
  const without = (settings: string) => settings.replace(/client_max_body_size .*\n/, "");
  const alice = await join(await front((port, server) => Proxy.nginx(port, server, without)), "alice");
  await upload(alice.page);
});

test("what a proxy keeps back is named, and replies come all the same", async ({ front, join, provider, faults }) => {
  faults.allow(/WebSocket|Failed to load resource/);
  const without = (settings: string) => settings.replaceAll(/proxy_set_header (Upgrade|Connection) .*\n/g, "");
  const alice = await join(await front((port, server) => Proxy.nginx(port, server, without)), "alice");
  await open(alice.page, "/settings/connection");
  await expect(finding(alice.page, "WebSocket")).toContainText("let the proxy pass on Upgrade and Connection");
  await expect(finding(alice.page, "Events")).toContainText("✓ OK");
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Without a socket");
  const reply = await provider.asked("Without a socket");
  reply.push("Word");
  await expect(chat.lastReply).toHaveText("Word");
  reply.finish(" by word.");
  await expect(chat.lastReply).toHaveText("Word by word.");
});
