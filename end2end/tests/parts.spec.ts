// Parts of the browser half that are loaded with the first page that needs them.

import { expect, test } from "../helpers/app";
import { alert, open } from "../helpers/chat";

const PART = "**/split_settings.wasm";

test("a part is loaded with the first page that needs it, and once", async ({ alice }) => {
  const loaded: string[] = [];
  alice.page.on("request", (request) => {
    if (request.url().includes("split_")) loaded.push(request.url());
  });
  await open(alice.page, "/chats");
  expect(loaded).toEqual([]);
  await alice.page.getByRole("button", { name: "Account" }).click();
  await alice.page.getByRole("link", { name: "Settings" }).click();
  await expect(alice.page.getByRole("heading", { name: "Preferences" })).toBeVisible();
  await alice.page.getByRole("link", { name: "Password" }).click();
  await expect(alice.page.getByRole("heading", { name: "Password" })).toBeVisible();
  expect(loaded).toHaveLength(1);
});

test("what a page preloads is what it uses: nothing is fetched twice", async ({ alice }) => {
  const loaded: string[] = [];
  alice.page.on("request", (request) => {
    if (/\.(js|wasm|css)$/.test(request.url())) loaded.push(request.url());
  });
  await open(alice.page, "/settings");
  expect(loaded.filter((url) => url.includes("split_"))).toHaveLength(1);
  expect(loaded.toSorted()).toEqual([...new Set(loaded)].toSorted());
});

test("a part that cannot be loaded is said, and can be asked for again", async ({ alice, faults }) => {
  faults.allow(/Failed to load resource|Failed to fetch/);
  await open(alice.page, "/chats");
  await alice.page.route(PART, (route) => route.abort());
  await alice.page.getByRole("button", { name: "Account" }).click();
  await alice.page.getByRole("link", { name: "Settings" }).click();
  await expect(alert(alice.page)).toContainText("The server cannot be reached.");

  await alice.page.unroute(PART);
  await alice.page.getByRole("link", { name: "Try again" }).click();
  await expect(alice.page.getByRole("heading", { name: "Preferences" })).toBeVisible();
});

test("a page whose part cannot be loaded is still the server's page, and its forms work", async ({ alice, faults }) => {
  faults.allow(/Failed to load resource|Failed to fetch/);
  await alice.page.route(PART, (route) => route.abort());
  await alice.page.goto("/settings");
  const name = alice.page.getByRole("textbox", { name: "Name" });
  await name.fill("Alice in plain HTML");
  await alice.page.getByRole("button", { name: "Save" }).first().click();
  await expect(name).toHaveValue("Alice in plain HTML");
  await alice.page.goto("/settings");
  await expect(name).toHaveValue("Alice in plain HTML");
});
