// The API for programs: a token from the page, and a client that is generated from the description.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expectNoViolations } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { alert, open } from "../helpers/chat";

const run = promisify(execFile);

test("a token is made, shown once, used and revoked, with no accessibility violations", async ({ alice, faults }) => {
  faults.allow(/status of 422/);
  const page = alice.page;
  await open(page, "/settings/tokens");
  await expectNoViolations(page);
  await page.getByRole("button", { name: "Make a token" }).click();
  await expect(alert(page)).toBeVisible();

  await page.getByLabel("Name").fill("My script");
  await page.getByLabel("Ends after").selectOption("30 days");
  await page.getByLabel("Read chats and messages").check();
  await page.keyboard.press("Enter");
  const token = page.locator(".new-token");
  await expect(token).toHaveText(/^sdx_/);
  const text = (await token.textContent()) ?? "";
  const me = () => page.request.get("/api/v1/me", { headers: { authorization: `Bearer ${text}` } });
  expect((await me()).status()).toBe(200);
  await expectNoViolations(page);

  await page.reload();
  await expect(page.getByText("My script")).toBeVisible();
  await expect(token).toHaveCount(0);
  await page.getByRole("button", { name: "Revoke: My script" }).click();
  await expect(page.getByText("My script")).toHaveCount(0);
  expect((await me()).status()).toBe(401);
});

test("a client that is generated from the description sends a message and reads it back", async ({
  alice,
  provider,
}, info) => {
  const description = await alice.page.request.get("/api/v1/openapi.json");
  const [file, folder] = [info.outputPath("openapi.json"), info.outputPath("client")];
  await writeFile(file, await description.body());
  await run("node_modules/.bin/openapi-ts", ["-i", file, "-o", folder, "-c", "@hey-api/client-fetch"]);
  const options = ["--strict", "--target", "es2022", "--module", "commonjs", "--lib", "es2022,dom,dom.iterable"];
  await run("node_modules/.bin/tsc", [`${folder}/index.ts`, `${folder}/client.gen.ts`, ...options, "--skipLibCheck"]);
  const api = await import(`${folder}/sdk.gen.js`);
  const { client } = await import(`${folder}/client.gen.js`);
  client.setConfig({ baseUrl: alice.server.url });

  const { email, password } = alice.account;
  const { data: token } = await api.createToken({ body: { email, password, name: "Generated" } });
  client.setConfig({ baseUrl: alice.server.url, auth: token.access_token });
  expect((await api.findMe()).data).toMatchObject({ email });

  const { data: chat } = await api.createChat({ body: {} });
  const sending = api.sendMessage({ path: { id: chat.id }, body: { text: "What is a sardonyx?" } });
  (await provider.asked("What is a sardonyx?")).finish("A banded stone.");
  expect((await sending).data).toMatchObject({ state: "complete", text: "A banded stone." });
  const { data: page } = await api.listMessages({ path: { id: chat.id } });
  expect(page.messages.map((message: { text: string }) => message.text)).toEqual([
    "What is a sardonyx?",
    "A banded stone.",
  ]);
  expect((await api.findChat({ path: { id: crypto.randomUUID() } })).error).toMatchObject({ code: "not_found" });
});
