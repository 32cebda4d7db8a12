import { expectNoViolations } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { Chat } from "../helpers/chat";

test("what is sent while a reply runs waits, is shown so in every tab, and is answered after it", async ({
  alice,
  provider,
}) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("one");
  const first = await provider.asked("one");
  first.push("The first");
  await expect(chat.lastReply).toHaveText("The first");
  await chat.send("two");
  const waits = "Waits for the reply before it";
  await expect(chat.log.getByText(waits)).toBeVisible();
  const other = await Chat.open(await alice.context.newPage(), chat.path);
  await expect(other.log.getByText(waits)).toBeVisible();
  await expectNoViolations(alice.page);
  first.finish(" answer.");
  const second = await provider.asked("two");
  for (const tab of [chat, other]) {
    await expect(tab.log.getByText(waits)).toHaveCount(0);
  }
  second.finish("The second answer.");
  for (const tab of [chat, other]) {
    await expect(tab.replies).toHaveText([/The first answer\./, /The second answer\./]);
  }
});

test("what waits is given up with the keyboard", async ({ alice, provider }) => {
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("one");
  const first = await provider.asked("one");
  await chat.send("two");
  const cancel = chat.log.getByRole("button", { name: "Cancel" });
  await cancel.focus();
  await alice.page.keyboard.press("Enter");
  await expect(cancel).toHaveCount(0);
  await expect(chat.replies.last().getByText("Stopped")).toBeVisible();
  first.finish("Done.");
  await expect(chat.replies.first().locator(".markdown")).toHaveText("Done.");
  await expect(chat.retryButton).toBeVisible();
});
