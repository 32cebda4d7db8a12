// The model's server fails: a clear text, the message kept, and a way to try again.

import { expect, test } from "../helpers/app";
import { alert, Chat, reload } from "../helpers/chat";
import type { ScriptedReply } from "../helpers/provider";

const REFUSALS: Array<[status: number, text: string]> = [
  [401, "The model's server refused the access key."],
  [404, "The model's server does not know this model."],
  [429, "The model's server is receiving too many requests."],
  [500, "The model's server reported an error."],
];

for (const [status, text] of REFUSALS) {
  test(`a model that answers ${status} is explained, and Retry works`, async ({ alice, provider }) => {
    const chat = await Chat.open(alice.page, await alice.addChat());
    await chat.send("Hello");
    (await provider.asked("Hello")).fail(status);
    await expect(chat.replies.getByRole("alert")).toContainText(text);
    await expect(chat.mine).toHaveText(/Hello/);
    await expect(chat.sendButton).toBeVisible();
    await reload(alice.page);
    await expect(chat.replies.getByRole("alert")).toContainText(text);

    await chat.retryButton.click();
    (await provider.asked("Hello")).finish("Hello again.");
    await expect(chat.lastReply).toHaveText("Hello again.");
    await expect(alert(alice.page)).toHaveCount(0);
    await expect(chat.retryButton).toHaveCount(0);
    await expect(chat.mine).toHaveCount(1);
    await expect(chat.replies).toHaveCount(1);
  });
}

test("a model that cannot be reached is explained, and Retry works once it can", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await provider.close();
  await chat.send("Is anybody there?");
  await expect(chat.replies.getByRole("alert")).toContainText("The model's server could not be reached.");
  await provider.listen();
  await chat.retryButton.click();
  (await provider.asked("Is anybody there?")).finish("Now I am.");
  await expect(chat.lastReply).toHaveText("Now I am.");
  await expect(alert(alice.page)).toHaveCount(0);
});

const HALVES: Array<[how: string, end: (reply: ScriptedReply) => void, text: string]> = [
  ["breaks off", (reply) => reply.cut(), "The connection to the model broke before its reply was complete."],
  ["reports an error", (reply) => reply.error(), "The model's server reported an error."],
];

for (const [how, end, text] of HALVES) {
  test(`a reply that ${how} in the middle keeps its text, is explained, and Retry works`, async ({
    alice,
    provider,
  }) => {
    const chat = await Chat.open(alice.page, await alice.addChat());
    await chat.send("Tell me a story");
    const reply = await provider.asked("Tell me a story");
    reply.push("Once upon ");
    await expect(chat.lastReply).toHaveText("Once upon");
    end(reply);
    await expect(chat.replies.getByRole("alert")).toContainText(text);
    await expect(chat.lastReply).toHaveText("Once upon");
    await reload(alice.page);
    await expect(chat.lastReply).toHaveText("Once upon");

    await chat.retryButton.click();
    (await provider.asked("Tell me a story")).finish("The end.");
    await expect(chat.lastReply).toHaveText("The end.");
    await expect(chat.replies).toHaveCount(1);
    await expect(alert(alice.page)).toHaveCount(0);
  });
}

test("a failed reply can be tried again with another model", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Hello");
  (await provider.asked("Hello")).fail(500);
  await expect(chat.retryButton).toBeVisible();
  await chat.modelPicker.selectOption("scripted-two");
  await chat.retryButton.click();
  const reply = await provider.asked("Hello");
  expect(reply.model).toBe("scripted-two");
  reply.finish("Hello from the second.");
  await expect(chat.lastReply).toHaveText("Hello from the second.");
});

test("instead of trying again one can just go on", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("Hello");
  (await provider.asked("Hello")).fail(500);
  await expect(chat.retryButton).toBeVisible();
  await chat.send("Never mind");
  (await provider.asked("Never mind")).finish("All right.");
  await expect(chat.lastReply).toHaveText("All right.");
  await expect(chat.mine).toHaveCount(2);
  await expect(chat.retryButton).toHaveCount(0);
});
