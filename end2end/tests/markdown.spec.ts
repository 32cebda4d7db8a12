// What a model writes becomes a readable page, and never anything more.

import { expect, test } from "../helpers/app";
import { Chat, chatList, open, reload } from "../helpers/chat";
import type { Page } from "@playwright/test";

test("tables, lists, code and links look like what they are", async ({ alice, provider }) => {
  provider.answer = () =>
    [
      "## Stones",
      "1. agate\n2. onyx\n   - black\n   - white",
      "| name | hardness |\n|---|--:|\n| sardonyx | 7 |",
      '```rust\nfn main() { println!("hi"); }\n```',
      "> A quotation",
      "See [the manual](https://example.org/manual) or `inline code`. **Bold**, *slanted*, ~~struck~~.",
    ].join("\n\n");
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Show me");
  await chat.replyIsComplete();

  const check = async () => {
    const reply = chat.lastReply;
    await expect(reply.getByRole("heading", { name: "Stones" })).toBeVisible();
    await expect(reply.getByRole("list").first().getByRole("listitem").first()).toHaveText("agate");
    await expect(reply.getByRole("list")).toHaveCount(2);
    await expect(reply.getByRole("columnheader")).toHaveText(["name", "hardness"]);
    await expect(reply.getByRole("cell")).toHaveText(["sardonyx", "7"]);
    const code = reply.locator("pre code");
    await expect(code).toHaveText('fn main() { println!("hi"); }');
    // Highlighted: not all of it has the same colour.
    const colours = code.locator("span").evaluateAll((spans) => spans.map((span) => getComputedStyle(span).color));
    expect(new Set(await colours).size).toBeGreaterThan(1);
    await expect(reply.getByRole("blockquote")).toHaveText("A quotation");
    const link = reply.getByRole("link", { name: "the manual" });
    await expect(link).toHaveAttribute("href", "https://example.org/manual");
    await expect(link).toHaveAttribute("rel", /noopener/);
    await expect(link).toHaveAttribute("rel", /noreferrer/);
    await expect(link).toHaveAttribute("target", "_blank");
    await expect(reply.getByRole("strong")).toHaveText("Bold");
    await expect(reply.getByRole("emphasis")).toHaveText("slanted");
    await expect(reply.getByRole("deletion")).toHaveText("struck");
  };
  await check();
  await reload(alice.page);
  await check();
});

const HOSTILE = [
  `<img src=x onerror="window.pwned = 1">`,
  `</script><script>window.pwned = 1</script>`,
  `</textarea><script>window.pwned = 1</script>`,
  `</title><script>window.pwned = 1</script>`,
  `<svg onload="window.pwned = 1"></svg>`,
  `<iframe srcdoc="<script>parent.pwned = 1</script>"></iframe>`,
  `<form action="https://evil.example/"><button>Log in</button></form>`,
  `<style>@import "https://evil.example/x.css"; * { background: url(https://evil.example/y) }</style>`,
  `[a link](javascript:window.pwned=1) [another](data:text/html,<script>opener.pwned=1</script>) [third](//evil.example/x)`,
  `![a picture](https://evil.example/pixel.png) <img src="https://evil.example/pixel.png">`,
  '```html\n</code></pre><img src=x onerror="window.pwned = 1">\n```',
  '```"><img/src=x/onerror=window.pwned=1>\nx\n```',
  `<a href="https://evil.example" style="position:fixed;inset:0">cover</a>`,
  `<!--<img src="--><img src=x onerror=window.pwned=1//">`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.pwned=1&gt;">`,
];

async function expectHarmless(page: Page): Promise<void> {
  const chat = new Chat(page);
  const forbidden = "script, style, iframe, object, embed, svg, math, img, [style], [id]";
  await expect(chat.log.locator(forbidden)).toHaveCount(0);
  await expect(chat.log.locator(":is(.markdown, .message-text) :is(form, button, input)")).toHaveCount(0);
  const attributes = await chat.log
    .locator(".markdown *, .message-text *")
    .evaluateAll((all) =>
      all.flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith("on")),
    );
  expect(attributes).toEqual([]);
  const targets = await chat.log
    .getByRole("link")
    .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol));
  expect(targets.filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol))).toEqual([]);
  expect(await page.evaluate(() => "pwned" in window)).toBe(false);
}

test("hostile text is shown as text, as a message and as a reply, live and after a reload", async ({
  alice,
  provider,
}) => {
  provider.answer = (question) => `Reply to:\n\n${question}`;
  const chat = await Chat.open(alice.page, await alice.addChat());
  for (const [at, text] of HOSTILE.entries()) {
    await chat.send(text);
    await expect(chat.replies).toHaveCount(at + 1);
    await chat.replyIsComplete();
    await expectHarmless(alice.page);
  }
  await reload(alice.page);
  await expectHarmless(alice.page);
  expect(await chat.mine.locator(".message-text").allTextContents()).toEqual(HOSTILE);
});

test("hostile text is text in titles, too", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  for (const text of HOSTILE) await alice.send(await alice.addChat(), text);
  await open(alice.page, "/chats");
  const links = chatList(alice.page).getByRole("link");
  await expect(links).toHaveCount(HOSTILE.length);
  for (const at of HOSTILE.keys()) {
    const title = (await links.nth(at).innerText()).replace(/\s*\(unread\)\s*$/, "");
    await links.nth(at).click();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(title);
    // Without the count of what is unread.
    await expect.poll(async () => (await alice.page.title()).replace(/^\(\d+\) /, "")).toBe(`${title} · Sardonyx`);
    await expectHarmless(alice.page);
  }
  await chatList(alice.page).getByRole("link", { name: "</title>" }).click();
  await expect(alice.page).toHaveTitle(/^<\/title><script>/);
  await reload(alice.page);
  await expect(alice.page).toHaveTitle(/^<\/title><script>/);
  await expectHarmless(alice.page);
});

test("hostile text is text while it is being streamed, however it is cut", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Attack me");
  const reply = await provider.asked("Attack me");
  for (const text of HOSTILE) {
    for (let at = 0; at < text.length; at += 7) reply.push(text.slice(at, at + 7));
    reply.push("\n\n");
    await expectHarmless(alice.page);
  }
  reply.finish("That was all.");
  await expect(chat.lastReply).toContainText("That was all.");
  await expectHarmless(alice.page);
});

test("hostile text in the field survives moving between chats as text", async ({ alice }) => {
  const [first, second] = [await alice.addChat(), await alice.addChat()];
  const chat = await Chat.open(alice.page, first);
  await chat.field.fill(HOSTILE.join("\n"));
  await alice.page.locator(`a[href="${second}"]`).first().click();
  await expect(chat.field).toHaveValue("");
  await alice.page.goBack();
  await expect(chat.field).toHaveValue(HOSTILE.join("\n"));
  await expectHarmless(alice.page);
});

test("hostile addresses of our own pages do nothing", async ({ page, alice, faults }) => {
  faults.allow(/status of (403|404)/);
  const code = encodeURIComponent(`"><script>window.pwned = 1</script><img src=x onerror=window.pwned=1>`);
  const addresses = [
    `/login?next=javascript:window.pwned=1`,
    `/login?reason=${code}&error=${code}&next=${code}&__err=${code}&__path=/api/log_in`,
    `/setup?token=${code}&error=${code}`,
    `/${code}`,
  ];
  for (const address of addresses) {
    await page.goto(address);
    expect(await page.evaluate(() => "pwned" in window)).toBe(false);
    await expect(page.locator("img[src=x]")).toHaveCount(0);
  }
  for (const address of [`/chats?error=${code}&before_ms=${code}&before_id=${code}`, `/chats/${code}?error=${code}`]) {
    await alice.page.goto(address);
    expect(await alice.page.evaluate(() => "pwned" in window)).toBe(false);
  }
});
