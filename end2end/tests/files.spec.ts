import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, test } from "../helpers/app";
import { NO_CONNECTION } from "../helpers/faults";

/** A file as somebody chooses it. */
const file = (name: string, buffer: Buffer) => ({ name, mimeType: "application/octet-stream", buffer });
const rows = (page: Page) => page.locator(".files .file");

test("files are uploaded, listed in every tab, downloaded and deleted", async ({ alice }) => {
  const content = randomBytes(3_000_000);
  await alice.page.goto(`${alice.server.url}/files`);
  await expect(alice.page.getByText("No files yet.")).toBeVisible();
  const other = await alice.context.newPage();
  await other.goto(`${alice.server.url}/files`);

  await alice.page.getByLabel("Upload files").setInputFiles([file("Ein Bericht.bin", content), file("note.txt", Buffer.from("hello"))]);
  for (const page of [alice.page, other]) {
    await expect(rows(page)).toHaveCount(2);
    await expect(page.getByText("3.0 MB of 10 GB used · 2 files")).toBeVisible();
  }
  await expect(alice.page.getByText("Not complete")).toHaveCount(0);
  const [download] = await Promise.all([
    alice.page.waitForEvent("download"),
    alice.page.getByRole("link", { name: "Ein Bericht.bin" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("Ein Bericht.bin");
  expect((await readFile(await download.path())).equals(content)).toBe(true);

  await alice.page.getByLabel("Select note.txt").check();
  await alice.page.getByText("Delete selected …").click();
  await alice.page.getByRole("button", { name: "Delete 1 file" }).click();
  for (const page of [alice.page, other]) await expect(rows(page)).toHaveCount(1);
});

test("an upload that is cut off goes on by itself, and after a reload with the same file", async ({
  startServer,
  join,
  faults,
}, testInfo) => {
  faults.allow(NO_CONNECTION);
  const server = await startServer();
  const alice = await join(server, "alice");
  const content = randomBytes(9_000_000);
  // On the disk, for by its moment there it is known again.
  const chosen = testInfo.outputPath("large.bin");
  await writeFile(chosen, content);
  const devtools = await alice.context.newCDPSession(alice.page);
  const speed = (uploadThroughput: number) =>
    devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await alice.page.goto(`${alice.server.url}/files`);
  await devtools.send("Network.enable");
  await speed(2_000_000);
  const input = alice.page.getByLabel("Upload files");
  await input.setInputFiles(chosen);
  const row = alice.page.locator(".upload-row");
  await expect(row.getByText(/a second · \d+ s left/)).toBeVisible();
  await server.stop("SIGKILL");
  await expect(row.getByText("interrupted, goes on by itself")).toBeVisible();
  await server.start();
  await expect(row.getByText(/a second · \d+ s left/)).toBeVisible();

  await alice.page.reload();
  await expect(alice.page.getByText(/Not complete: \d+ % are here/)).toBeVisible();
  await speed(-1);
  await input.setInputFiles(chosen);
  await expect(rows(alice.page).getByRole("link", { name: "large.bin" })).toBeVisible();
  const response = await alice.page.request.get(await downloadUrl(alice.page, "large.bin"));
  expect((await response.body()).equals(content)).toBe(true);
});

test("an upload can be cancelled, and one that is refused says why", async ({ alice }) => {
  const devtools = await alice.context.newCDPSession(alice.page);
  await alice.page.goto(`${alice.server.url}/files`);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 500_000 });
  await alice.page.getByLabel("Upload files").setInputFiles([file("a.bin", randomBytes(5_000_000)), file("empty.txt", Buffer.alloc(0))]);
  await expect(alice.page.locator(".upload-row").getByText("The file is empty.")).toBeVisible();
  await alice.page.getByRole("button", { name: "Cancel the upload of a.bin" }).click();
  await alice.page.getByRole("button", { name: "Cancel the upload of empty.txt" }).click();
  await expect(alice.page.locator(".upload-row")).toHaveCount(0);
  await expect(rows(alice.page)).toHaveCount(0);
});

test("nobody sees the files of somebody else", async ({ alice, bob }) => {
  await alice.page.goto(`${alice.server.url}/files`);
  await alice.page.getByLabel("Upload files").setInputFiles(file("secret.txt", Buffer.from("a secret")));
  await expect(rows(alice.page)).toHaveCount(1);
  const url = await downloadUrl(alice.page, "secret.txt");
  await bob.page.goto(`${bob.server.url}/files`);
  await expect(bob.page.getByText("No files yet.")).toBeVisible();
  expect((await bob.page.request.get(url)).status()).toBe(404);
});

test("what is uploaded runs nowhere on this site", async ({ alice }) => {
  await alice.page.goto(`${alice.server.url}/files`);
  const script = "<script>document.title = 'taken over'</script><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
  const names = ["a.html", "b.svg", "c.xhtml", "d.txt", "e.png", "f.mht"];
  await alice.page.getByLabel("Upload files").setInputFiles(names.map((name) => file(name, Buffer.from(script))));
  await expect(rows(alice.page)).toHaveCount(names.length);
  for (const name of names) {
    const tab = await alice.context.newPage();
    const download = tab.waitForEvent("download");
    // A download is no page to go to, which the browser calls an error.
    await tab.goto(await downloadUrl(alice.page, name)).catch(() => {});
    expect((await download).suggestedFilename()).toBe(name);
    await tab.close();
  }
});

async function downloadUrl(page: Page, name: string): Promise<string> {
  const path = await page.getByRole("link", { name }).getAttribute("href");
  return new URL(path ?? "", page.url()).href;
}
