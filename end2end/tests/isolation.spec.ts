// Nobody sees anything of anybody else.

import { expect, test } from "../helpers/app";
import { Chat, chatList, liveConnection, open } from "../helpers/chat";

test("somebody else's chat is not there, exactly like one that never was", async ({ alice, bob, provider, faults }) => {
  faults.allow(/status of 404/);
  provider.answer = () => "For Alice only.";
  const path = await alice.addChat();
  await alice.send(path, "A secret of Alice's");
  const chat = await Chat.open(alice.page, path);
  await expect(chat.lastReply).toHaveText("For Alice only.");

  const shown = [];
  for (const address of [path, "/chats/00000000-0000-7000-8000-000000000000", "/chats/nonsense"]) {
    const isConnected = liveConnection(bob.page);
    const response = await bob.page.goto(address);
    expect(response?.status()).toBe(404);
    await expect(bob.page.getByRole("main").getByText("This does not exist, or it is not yours.")).toBeVisible();
    await expect(bob.page.getByText(/Alice/)).toHaveCount(0);
    await expect(bob.page).toHaveTitle("Not found · Sardonyx");
    // Connected, it says nothing of connecting.
    await isConnected();
    await expect(bob.page.getByText("Reconnecting…")).toHaveCount(0);
    shown.push(await bob.page.getByRole("main").innerHTML());
  }
  expect(new Set(shown).size).toBe(1);
  await bob.page.getByRole("link", { name: "Go to your chats" }).click();
  await expect(bob.page).toHaveURL("/chats");
  await expect(chatList(bob.page)).toHaveText("No chats yet.");
});

test("what somebody writes is announced to nobody else", async ({ alice, bob, provider }) => {
  const told: string[] = [];
  bob.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => told.push(payload.toString())));
  await open(bob.page, "/chats");
  await expect.poll(() => told.length).toBeGreaterThan(0);
  const bobsChat = await Chat.new(bob.page);
  const chat = await Chat.open(alice.page, await alice.addChat());
  await chat.send("A secret of Alice's");
  (await provider.asked("A secret of Alice's")).finish("For Alice only.");
  await expect(chat.lastReply).toHaveText("For Alice only.");

  await bobsChat.send("Anything new?");
  (await provider.asked("Anything new?")).finish("Nothing.");
  await expect(bobsChat.lastReply).toHaveText("Nothing.");
  await expect(chatList(bob.page).getByRole("link")).toHaveText(["Anything new?"]);
  expect(told.join("\n")).toContain("Nothing.");
  expect(told.join("\n")).not.toContain("Alice");
});
