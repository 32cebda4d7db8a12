import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, test } from "../helpers/app";
import { NO_CONNECTION } from "../helpers/faults";

/** A file as somebody chooses it. */
const file = (name: string, buffer: Buffer) => ({ name, mimeType: "application/octet-stream", buffer });
/** Two by two points. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGM4IWcDRAwQCgAh9gSJHoU67gAAAABJRU5ErkJggg==",
  "base64",
);
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
  await alice.page.getByRole("link", { name: "Ein Bericht.bin" }).click();
  await expect(alice.page.getByText("This kind of file is kept, but not read.")).toBeVisible();
  const [download] = await Promise.all([
    alice.page.waitForEvent("download"),
    alice.page.getByRole("link", { name: "Download the original" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("Ein Bericht.bin");
  expect((await readFile(await download.path())).equals(content)).toBe(true);

  await alice.page.getByRole("link", { name: "Files", exact: true }).first().click();
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

test("what is read in a file is shown as it suits its kind, while it is read", async ({ alice }) => {
  await alice.page.goto(`${alice.server.url}/files`);
  const many = Array.from({ length: 3_000 }, (_, line) => `Line ${line + 1} of a long report.`).join("\n");
  await alice.page.getByLabel("Upload files").setInputFiles([
    file("notes.md", Buffer.from("# Plan\n\nWe **go** on.\n")),
    file("costs.csv", Buffer.from("Item,Price\nTea,3.50\nCake,4.20\n")),
    file("report.txt", Buffer.from(many)),
    file("dot.png", PICTURE),
    file("fake.docx", Buffer.from("MZ\x90\0")),
  ]);
  await expect(rows(alice.page).locator(".file-thumbnail")).toHaveCount(1);
  await expect(alice.page.getByText("Its content is not what its name says.")).toBeVisible();

  const open = async (name: string) => {
    await alice.page.goto(`${alice.server.url}/files`);
    await alice.page.getByRole("link", { name }).click();
    await expect(alice.page.getByRole("heading", { level: 1, name })).toBeVisible();
  };
  await open("notes.md");
  await expect(alice.page.getByRole("heading", { name: "Plan" })).toBeVisible();
  await expect(alice.page.locator(".file-text strong")).toHaveText("go");
  await open("costs.csv");
  await expect(alice.page.getByRole("row", { name: "3 Cake 4.20" })).toBeVisible();
  await open("dot.png");
  await expect(alice.page.getByText("2 × 2 pixels")).toBeVisible();
  await expect(alice.page.getByRole("img", { name: "The image dot.png" })).toBeVisible();
  await open("report.txt");
  await expect(alice.page.locator(".file-text")).toContainText("Line 1 of a long report.");
  await alice.page.getByRole("link", { name: "More text" }).click();
  await expect(alice.page.locator(".file-text")).not.toContainText("Line 1 of a long report.");
  await alice.page.getByRole("link", { name: "Earlier text" }).click();
  await expect(alice.page.locator(".file-text")).toContainText("Line 1 of a long report.");
  // The place that somebody was sent to is marked.
  await alice.page.goto(`${alice.page.url().split("?")[0]}?at=3#chunk-3`);
  await expect(alice.page.locator(".file-wanted")).toHaveAttribute("id", "chunk-3");
});

test("what is in files is found, and opened where it stands", async ({ alice, bob }) => {
  const lines = Array.from({ length: 200 }, (_, line) => `Ordinary line number ${line}.`);
  lines[150] = "Deposits for the Heron are refunded within fourteen days.";
  await alice.page.goto(`${alice.server.url}/files`);
  await alice.page.getByLabel("Upload files").setInputFiles(file("terms.txt", Buffer.from(lines.join("\n"))));
  await expect(rows(alice.page).getByRole("link", { name: "terms.txt" })).toBeVisible();
  const search = async (page: Page, text: string) => {
    await page.getByLabel("Search names and text").fill(text);
    await page.getByRole("button", { name: "Search", exact: true }).click();
  };
  await search(alice.page, "When are deposits refunded?");
  const found = alice.page.getByRole("region", { name: "In the text of your files" });
  await found.getByRole("link", { name: "terms.txt" }).first().click();
  await expect(alice.page.locator(".file-wanted")).toContainText("within fourteen days");
  await expect(alice.page.locator(".file-wanted")).toBeInViewport();

  await alice.page.goto(`${alice.server.url}/files`);
  await search(alice.page, "zeppelin hangars");
  await expect(alice.page.getByText("Nothing in the text of your files has to do with this.")).toBeVisible();
  await bob.page.goto(`${bob.server.url}/files?search=deposits`);
  await expect(bob.page.getByText("Nothing in the text of your files has to do with this.")).toBeVisible();
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
  return new URL(`${path}/content`, page.url()).href;
}
