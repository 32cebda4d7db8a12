// Sending a message and reading the reply to it.

import { expect, test } from "../helpers/app";
import { alert, Chat, chatList, holdBack, open, reload } from "../helpers/chat";

test("a message sent by Enter is shown at once, and its reply streams in piece by piece and stays", async ({
  alice,
  provider,
}) => {
  await open(alice.page, "/chats");
  const chat = await Chat.new(alice.page);
  await chat.send("What is sardonyx?");
  await expect(chat.mine).toHaveText(/What is sardonyx\?/);
  await expect(chat.field).toHaveValue("");
  await expect(chat.field).toBeFocused();

  const reply = await provider.asked("What is sardonyx?");
  reply.push("A striped ");
  await expect(chat.lastReply).toHaveText("A striped");
  reply.push("stone ");
  await expect(chat.lastReply).toHaveText("A striped stone");
  await expect(chat.stopButton).toBeVisible();
  await expect(chat.replies).toHaveAttribute("aria-busy", "true");
  reply.finish("of quartz.");
  await expect(chat.lastReply).toHaveText("A striped stone of quartz.");
  await chat.replyIsComplete();
  await expect(chatList(alice.page).getByRole("link", { name: "What is sardonyx?" })).toBeVisible();

  await reload(alice.page);
  await expect(chat.mine).toHaveText(/What is sardonyx\?/);
  await expect(chat.lastReply).toHaveText("A striped stone of quartz.");
});

test("the model is told the whole conversation", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("First question");
  (await provider.asked("First question")).finish("First answer");
  await chat.replyIsComplete();
  await chat.send("Second question");
  const reply = await provider.asked("Second question");
  expect(reply.lines.map(({ role, content }) => `${role}: ${content}`).slice(-3)).toEqual([
    "user: First question",
    "assistant: First answer",
    "user: Second question",
  ]);
  reply.finish("Second answer");
  await expect(chat.replies).toHaveCount(2);
  await expect(chat.lastReply).toHaveText("Second answer");
});

test("Shift+Enter breaks the line, and the message keeps its lines", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.field.pressSequentially("one");
  await chat.field.press("Shift+Enter");
  await chat.field.pressSequentially("two");
  await expect(chat.field).toHaveValue("one\ntwo");
  await expect(chat.mine).toHaveCount(0);
  await chat.field.press("Enter");
  await expect(chat.mine.getByText("one\ntwo")).toHaveCSS("white-space-collapse", "preserve");
  await expect.poll(() => chat.mine.locator("p").innerText()).toBe("one\ntwo");
});

test("an empty message cannot be sent", async ({ alice }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await expect(chat.sendButton).toBeDisabled();
  await chat.field.fill("   ");
  await chat.field.press("Enter");
  await expect(chat.mine).toHaveCount(0);
  await chat.field.fill("x");
  await expect(chat.sendButton).toBeEnabled();
});

test("a message that is too long is refused with its limit and stays in the field", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.field.fill("x".repeat(32_001));
  await chat.field.press("Enter");
  await expect(alert(alice.page)).toHaveText("The message can have at most 32000 characters.");
  await expect(chat.mine).toHaveCount(0);
  await chat.send("x".repeat(32_000));
  await expect(chat.lastReply).toHaveText("Yes.");
  await expect(alert(alice.page)).toHaveCount(0);
});

test("Stop keeps the text as it was seen and closes the connection to the model", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Tell me everything");
  const reply = await provider.asked("Tell me everything");
  reply.push("It all began ");
  await expect(chat.lastReply).toHaveText("It all began");
  await chat.stopButton.click();
  await reply.abandoned;
  await expect(chat.replies.getByText("Stopped")).toBeVisible();
  await expect(chat.sendButton).toBeVisible();
  await expect(chat.lastReply).toHaveText("It all began");
  await reload(alice.page);
  await expect(chat.lastReply).toHaveText("It all began");

  await chat.retryButton.click();
  (await provider.asked("Tell me everything")).finish("with a stone.");
  await expect(chat.lastReply).toHaveText("with a stone.");
  await expect(chat.replies).toHaveCount(1);
  await expect(chat.mine).toHaveCount(1);
});

test("Stop works before the first word", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Tell me something");
  const reply = await provider.asked("Tell me something");
  await chat.stopButton.click();
  await reply.abandoned;
  await expect(chat.replies.getByText("Stopped")).toBeVisible();
});

test("a message is shown while it is on its way, and never twice", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  let letGo = () => {};
  const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
  await alice.page.route("**/api/send_message", async (route) => {
    await isLetGo;
    await route.continue();
  });
  await chat.send("Only once");
  await chat.field.press("Enter");
  await expect(chat.mine).toHaveCount(1);
  await expect(chat.sendButton).toBeDisabled();
  letGo();
  const reply = await provider.asked("Only once");
  reply.push("Yes");
  await expect(chat.lastReply).toHaveText("Yes");
  await expect(chat.mine).toHaveCount(1);
  reply.finish(".");
  await chat.replyIsComplete();
  await expect(chat.mine).toHaveCount(1);
  await reload(alice.page);
  await expect(chat.mine).toHaveCount(1);
  await expect(chat.replies).toHaveCount(1);
});

test("a message whose answer was lost is the same message when it is sent again", async ({
  alice,
  provider,
  faults,
}) => {
  faults.allow(/net::ERR_FAILED/);
  const chat = await Chat.open(alice.page, await alice.addChat());
  await alice.page.route(
    "**/api/send_message",
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await chat.send("Said once");
  await expect(alert(alice.page)).toContainText("cannot be reached");
  await expect(chat.field).toHaveValue("Said once");
  (await provider.asked("Said once")).finish("Heard once.");
  await chat.replyIsComplete();
  await chat.field.press("Enter");
  await expect(chat.field).toHaveValue("");
  await expect(alert(alice.page)).toHaveCount(0);
  await expect(chat.lastReply).toHaveText("Heard once.");
  await expect(chat.mine).toHaveCount(1);
  await reload(alice.page);
  await expect(chat.mine).toHaveCount(1);
  await expect(chat.replies).toHaveCount(1);
});

test("what is typed before the browser half has arrived is kept and can be sent", async ({ alice, provider }) => {
  provider.answer = () => "Yes.";
  const letGo = await holdBack(alice.page);
  await alice.page.goto(await alice.addChat());
  const chat = new Chat(alice.page);
  await chat.field.fill("Typed early");
  await letGo();
  await expect(chat.field).toHaveValue("Typed early");
  await chat.field.press("Enter");
  await expect(chat.mine).toHaveText(/Typed early/);
  await expect(chat.lastReply).toHaveText("Yes.");
});

test("the model that is chosen is the one that is asked, and stays chosen", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  const offered = chat.modelPicker.locator("optgroup[label=openai] > option");
  await expect(offered).toHaveText(["scripted-one", "scripted-two"]);
  await expect(chat.modelPicker).toHaveValue("openai/scripted-one");
  await chat.modelPicker.selectOption("scripted-two");
  await chat.send("Who are you?");
  const reply = await provider.asked("Who are you?");
  expect(reply.model).toBe("scripted-two");
  reply.finish("The second.");
  await expect(chat.log.getByRole("article", { name: "scripted-two" })).toContainText("The second.");
  await reload(alice.page);
  await expect(chat.modelPicker).toHaveValue("openai/scripted-two");
  await expect(chat.log.getByRole("article", { name: "scripted-two" })).toContainText("The second.");
});

test("older messages come when one scrolls up, and what one reads stays in its place", async ({ alice, provider }) => {
  provider.answer = (question) => question.replace(/^.*Question/s, "Answer");
  const path = await alice.addChat();
  for (let count = 1; count <= 60; count++) await alice.send(path, `Question ${count}.`);
  const chat = await Chat.open(alice.page, path);
  const articles = chat.log.getByRole("article");
  await expect(articles).toHaveCount(50);
  await expect(chat.log.getByText("Answer 60.")).toBeInViewport();

  const top = (element: Element) => element.getBoundingClientRect().top;
  const seen = chat.log.getByText("Question 40.");
  const before = await seen.evaluate((element) => {
    element.closest("[role=log]")!.scrollTop = 200;
    return element.getBoundingClientRect().top;
  });
  await expect(articles).not.toHaveCount(50);
  const moved = async () => Math.abs((await seen.evaluate(top)) - before);
  await expect.poll(moved, { timeout: 1_000 }).toBeLessThan(2);

  await chat.log.hover();
  await expect(async () => {
    await alice.page.mouse.wheel(0, -20_000);
    await expect(chat.log.getByText("Question 1.")).toBeInViewport({ timeout: 500 });
  }).toPass();
  await expect(articles).toHaveCount(120);
  await expect(chat.olderLink).toHaveCount(0);
  await expect(chat.mine.first()).toContainText("Question 1.");
});

test("a growing reply stays in sight until one scrolls up", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Count");
  const reply = await provider.asked("Count");
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => `Number ${from + at}.\n\n`).join("");
  reply.push(lines(1, 60));
  await expect(chat.log.getByText("Number 59.")).toBeInViewport();
  reply.push(lines(60, 100));
  await expect(chat.log.getByText("Number 99.")).toBeInViewport();

  const top = await chat.log.evaluate((log) => (log.scrollTop -= 600));
  const jump = alice.page.getByRole("button", { name: "Jump to latest" });
  await expect(jump).toBeVisible();
  reply.push(lines(100, 140));
  await expect(chat.log.getByText("Number 139.")).toBeAttached();
  expect(Math.abs((await chat.log.evaluate((log) => log.scrollTop)) - top)).toBeLessThan(2);
  await jump.click();
  await expect(chat.log.getByText("Number 139.")).toBeInViewport();
  reply.finish(lines(140, 180));
  await expect(chat.log.getByText("Number 179.")).toBeInViewport();
  await expect(jump).toHaveCount(0);
});
