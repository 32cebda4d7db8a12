import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expectNoViolations } from "../helpers/accessibility";
import { expect, test } from "../helpers/app";
import { holdBack, hydrated, open } from "../helpers/chat";
import { NO_CONNECTION } from "../helpers/faults";
import { ASKED_BEFORE_LEAVING, give, throttle } from "../helpers/files";

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
  faults.allow(ASKED_BEFORE_LEAVING);
  const server = await startServer();
  const alice = await join(server, "alice");
  const content = randomBytes(9_000_000);
  // On the disk, for by its moment there it is known again.
  const chosen = testInfo.outputPath("large.bin");
  await writeFile(chosen, content);
  await alice.page.goto(`${alice.server.url}/files`);
  const speed = await throttle(alice.page, 500_000);
  const input = alice.page.getByLabel("Upload files");
  await input.setInputFiles(chosen);
  const row = alice.page.locator(".upload-row");
  await expect(row.getByText(/a second · \d+ s left/)).toBeVisible();
  await server.stop("SIGKILL");
  await expect(row.getByText("interrupted, goes on by itself")).toBeVisible();
  await server.start();
  await expect(row.getByText(/a second · \d+ s left/)).toBeVisible({ timeout: 40_000 });

  await alice.page.reload();
  await expect(alice.page.getByText(/Not complete: \d+ % are here/)).toBeVisible();
  await speed(-1);
  await input.setInputFiles(chosen);
  await expect(rows(alice.page).getByRole("link", { name: "large.bin" })).toBeVisible();
  const response = await alice.page.request.get(await downloadUrl(alice.page, "large.bin"));
  expect((await response.body()).equals(content)).toBe(true);
});

test("an upload can be cancelled, and one that is refused says why", async ({ alice }) => {
  await alice.page.goto(`${alice.server.url}/files`);
  await throttle(alice.page, 100_000);
  await alice.page.getByLabel("Upload files").setInputFiles([file("a.bin", randomBytes(5_000_000)), file("empty.txt", Buffer.alloc(0))]);
  await expect(alice.page.locator(".upload-row").getByText("The file is empty.")).toBeVisible();
  await alice.page.getByRole("button", { name: "Cancel the upload of a.bin" }).click();
  await alice.page.getByRole("button", { name: "Cancel the upload of empty.txt" }).click();
  await expect(alice.page.locator(".upload-row")).toHaveCount(0);
  await expect(rows(alice.page)).toHaveCount(0);
});

test("an upload goes on while one searches, and the browser asks before the page is left", async ({ alice }) => {
  const { page } = alice;
  const listed = page.locator(".file", { has: page.getByRole("checkbox") });
  const isAsked = () => page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
  await open(page, "/files");
  await page.getByLabel("Upload files").setInputFiles([file("note.txt", Buffer.from("hello"))]);
  await expect(rows(page)).toHaveCount(1);
  const speed = await throttle(page, 50_000);
  await page.getByLabel("Upload files").setInputFiles(file("large.bin", randomBytes(3_000_000)));
  const row = page.locator(".upload-row");
  await expect(row.getByText(/a second · \d+ s left/)).toBeVisible();
  await page.getByLabel("Search names and text").fill("large");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL("/files?search=large&order=newest");
  await expect(listed).toHaveText([/large\.bin.*Being uploaded from here/]);
  await expect(row.getByText(/a second · \d+ s left/)).toBeVisible();
  expect(await isAsked()).toBe(true);
  // Beside its place, a file is not gone to.
  const isKept = await page.locator("h1").evaluate((element) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["text"], "missed.txt"));
    return !element.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
  });
  expect(isKept).toBe(true);
  await speed(-1);
  await expect(listed.getByRole("link", { name: "large.bin" })).toBeVisible();
  await expect(row).toHaveCount(0);
  expect(await isAsked()).toBe(false);
  await page.goBack();
  await expect(listed).toHaveCount(2);
  await expect(page.getByLabel("Search names and text")).toHaveValue("");
});

test("a file that was changed since it was chosen says so, and the others go on", async ({ alice }, testInfo) => {
  const { page } = alice;
  await open(page, "/files");
  const speed = await throttle(page, 50_000);
  const names = ["1.bin", "2.bin", "3.bin", "changed.bin", "last.bin"];
  const paths = names.map((name) => testInfo.outputPath(name));
  for (const path of paths) await writeFile(path, randomBytes(300_000));
  await page.getByLabel("Upload files").setInputFiles(paths);
  const row = page.locator(".upload-row", { hasText: "changed.bin" });
  await expect(row.getByText("Waits for its turn")).toBeVisible();
  await writeFile(testInfo.outputPath("changed.bin"), "Another content.");
  await speed(-1);
  await expect(row.getByRole("alert")).toContainText("This cannot be read on your device");
  await expect(rows(page).getByRole("link")).toHaveCount(4);
  await row.getByRole("button", { name: "Cancel the upload of changed.bin" }).click();
  await expect(page.locator(".upload-row")).toHaveCount(0);
  await expect(rows(page)).toHaveCount(4);
});

test("files are dropped, and what is chosen stays so, with the focus, while others come and go", async ({ alice }) => {
  const { page } = alice;
  await open(page, "/files");
  for (const name of ["one.txt", "two.txt"]) await give(page, ".upload", "drop", name, name);
  await expect(rows(page)).toHaveCount(2);
  await expect(page.getByRole("button", { name: "Ask about selected" })).toBeDisabled();
  const one = page.getByLabel("Select one.txt");
  await one.check();
  const other = await alice.context.newPage();
  await open(other, "/files");
  await give(other, ".upload", "drop", "three.txt", "three");
  await expect(rows(page).getByText("three.txt")).toBeVisible();
  await expect(one).toBeChecked();
  await expect(one).toBeFocused();
  await other.getByLabel("Select two.txt").check();
  await other.getByText("Delete selected …").click();
  await other.getByRole("button", { name: "Delete 1 file" }).click();
  await expect(rows(page)).toHaveText([/three\.txt/, /one\.txt/]);
  await expect(one).toBeChecked();
  await expect(one).toBeFocused();

  await page.getByText("Delete selected …").click();
  await page.getByRole("button", { name: "Delete 1 file" }).click();
  await expect(rows(page)).toHaveText([/three\.txt/]);
  await expect(page.getByRole("heading", { name: "Your files" })).toBeFocused();
  // The next deletion is confirmed anew.
  const confirmation = page.getByRole("button", { name: "Delete what is selected" });
  await expect(confirmation).toBeHidden();
  await page.getByText("Delete selected …").click();
  await expect(confirmation).toBeDisabled();
});

test("a file is deleted on its page", async ({ alice }) => {
  const { page } = alice;
  await open(page, "/files");
  await page.getByLabel("Upload files").setInputFiles(file("note.txt", Buffer.from("hello")));
  await page.getByRole("link", { name: "note.txt" }).click();
  await expect(page.locator(".file-text")).toContainText("hello");
  await page.getByText("Delete this file …").click();
  await page.getByRole("button", { name: "Delete this file" }).click();
  await expect(page).toHaveURL("/files");
  await expect(page.getByText("No files yet.")).toBeVisible();
});

test("a file that could not be read is tried again when one asks", async ({ alice }) => {
  const { page } = alice;
  await open(page, "/files");
  await page.getByLabel("Upload files").setInputFiles(file("half.png", PICTURE.subarray(0, 40)));
  const failure = rows(page).getByText("It is damaged and could not be read.");
  await expect(failure).toBeVisible();
  const [answer] = await Promise.all([
    page.waitForResponse("**/api/retry_file"),
    page.getByRole("button", { name: "Read half.png again" }).click(),
  ]);
  expect(answer.status()).toBe(200);
  await expect(page.getByLabel("Select half.png")).toBeFocused();
  await expect(failure).toBeVisible();
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
  await hydrated(alice.page);
  await alice.page.getByRole("link", { name: "More text" }).click();
  await expect(alice.page.locator(".file-text")).not.toContainText("Line 1 of a long report.");
  // One goes on reading where it begins.
  await expect(alice.page.locator(".file-text")).toBeFocused();
  await expect(alice.page.locator(".file-lines").first()).toBeInViewport();
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

test("a hundred small files at once are all read and shown, and the page stays whole", async ({ alice }) => {
  test.slow();
  const { page } = alice;
  await open(page, "/files?search=turtle");
  const other = await alice.context.newPage();
  await open(other, "/files");
  const refused: number[] = [];
  for (const each of [page, other]) each.on("response", (response) => response.status() >= 400 && refused.push(response.status()));
  const many = Array.from({ length: 100 }, (_, n) => file(`turtle ${n + 1}.txt`, Buffer.from(`Turtle number ${n + 1}.`)));
  await page.getByLabel("Upload files").setInputFiles(many);
  await expect(page.getByText(/of 10 GB used · 100 files/)).toBeVisible({ timeout: 60_000 });
  for (const each of [page, other]) {
    await expect(each.getByText(/· (Waiting|Reading|Indexing)/)).toHaveCount(0, { timeout: 60_000 });
    await expect(each.getByText("Not complete")).toHaveCount(0);
    await expect(each.locator(".file", { has: each.getByRole("checkbox") })).toHaveCount(50);
  }
  await expect(page.getByRole("region", { name: "In the text of your files" }).getByRole("link")).toHaveCount(10);
  expect(refused).toEqual([]);
  await other.getByRole("link", { name: "More files" }).click();
  await expect(other.getByRole("link", { name: "turtle 1.txt" })).toBeAttached();
  await expect(other.getByRole("heading", { name: "Your files" })).toBeFocused();
  await expect(other.getByRole("link", { name: /turtle/ }).first()).toBeInViewport();
});

test("what is chosen before the browser half has arrived is not lost", async ({ alice }) => {
  const { page } = alice;
  await open(page, "/files");
  await page.getByLabel("Upload files").setInputFiles([file("one.txt", Buffer.from("1")), file("two.txt", Buffer.from("2"))]);
  await expect(rows(page)).toHaveCount(2);
  const chat = await alice.addChat();
  const letGo = await holdBack(page);
  await page.goto("/files");
  await page.getByLabel("Select one.txt").check();
  await letGo();
  // What the form says without a script goes then, and what is below moves up.
  await expect(page.getByText("Or drop them here.")).toBeVisible();
  await expect(page.getByLabel("Select one.txt")).toBeChecked();
  await page.getByText("Delete selected …").click();
  await expect(page.getByRole("button", { name: "Delete 1 file" })).toBeEnabled();

  const letGoAgain = await holdBack(page);
  await page.goto(chat);
  await page.getByLabel("Attach", { exact: true }).setInputFiles(file("early.txt", Buffer.from("early")));
  await letGoAgain();
  await expect(page.getByRole("list", { name: "Attached files" }).getByText("early.txt")).toBeVisible();
});

test("one sees what is stored about oneself, and what was made of uploads, on any screen", async ({ alice }) => {
  const { page } = alice;
  const chat_id = (await alice.addChat()).slice("/chats/".length);
  await alice.call("save_draft", { chat_id, text: "Not sent yet", client_message_id: randomUUID(), draft_ms: "0" });
  await open(page, "/files");
  await page.getByLabel("Upload files").setInputFiles([file("note.txt", Buffer.from("hello")), file("dot.png", PICTURE)]);
  await expect(rows(page).locator(".file-thumbnail")).toHaveCount(1);
  await page.getByRole("link", { name: "note.txt" }).click();
  await expect(page.locator(".file-text")).toContainText("hello");

  await open(page, "/settings/data");
  const table = page.getByRole("table", { name: "What is stored about you" });
  for (const [what, ...figures] of [
    ["Chats", "1", ""],
    ["Drafts, typed and not yet sent", "1", "12 bytes"],
    ["Summaries of long chats", "0", "0 bytes"],
    ["Files", "2", `${PICTURE.length + "hello".length} bytes`],
    ["Pieces of text read in files (not counted: the index of their words)", "1", "6 bytes"],
    ["Pictures made of images, small and larger", "2", /^[\d.]+ (bytes|kB)$/],
  ] as const) {
    const row = table.getByRole("row").filter({ has: page.getByRole("rowheader", { name: what, exact: true }) });
    await expect(row.getByRole("cell"), what).toHaveText(figures);
  }
  await expectNoViolations(page);
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
  const takesOver = "app.alert(1); document.title = 'taken over'";
  const pdf =
    `%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(${takesOver})>>>>endobj\n` +
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n" +
    "4 0 obj<</Length 40>>stream\nBT /F 12 Tf 20 100 Td (a page) Tj ET      \nendstream endobj\n" +
    "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF";
  const sheet =
    '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#x"?><x:stylesheet id="x" version="1.0" ' +
    `xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/"><html>${script}</html></x:template></x:stylesheet>`;
  const contents = {
    "a.html": script,
    "b.svg": script,
    "c.xhtml": script,
    "d.txt": script,
    "e.png": script,
    "f.mht": script,
    "g.xml": sheet,
    "h.pdf": pdf,
    "i.gif": "GIF89a/*\x01\x00\x01\x00*/=1;document.title='taken over'",
    "j.md": `${script}\n\n[x](javascript:document.title='taken%20over') <img src=x onerror="document.title='taken over'">`,
    "k.csv": `name,value\n"${script.replaceAll('"', '""')}",=cmd()`,
  };
  const names = Object.keys(contents);
  const given = Object.entries(contents).map(([name, content]) => file(name, Buffer.from(content, "latin1")));
  await alice.page.getByLabel("Upload files").setInputFiles(given);
  await expect(rows(alice.page)).toHaveCount(names.length);
  for (const name of names) {
    const tab = await alice.context.newPage();
    const download = tab.waitForEvent("download");
    // A download is no page to go to, which the browser calls an error.
    await tab.goto(await downloadUrl(alice.page, name)).catch(() => {});
    expect((await download).suggestedFilename()).toBe(name);
    // Nor in what is shown of it.
    await tab.goto(new URL((await pageOf(alice.page, name)) ?? "", alice.page.url()).href);
    await expect(tab.getByRole("heading", { name, level: 1 })).toBeVisible();
    await expect(tab.locator(".file-state")).not.toHaveText(/Waiting|Reading|Indexing/);
    expect(await tab.title()).toContain(name);
    await tab.close();
  }
});

async function pageOf(page: Page, name: string): Promise<string | null> {
  return page.getByRole("link", { name }).getAttribute("href");
}

async function downloadUrl(page: Page, name: string): Promise<string> {
  const path = await pageOf(page, name);
  return new URL(`${path}/content`, page.url()).href;
}
