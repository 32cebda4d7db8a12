// Read a spreadsheet with SheetJS or a mail with mailparser; print pairs of a place and a text as JSON.
const fs = require('node:fs');

const [kind, path] = process.argv.slice(2);

function sheet() {
  const XLSX = require('xlsx');
  const book = XLSX.readFile(path);
  const units = [];
  for (const name of book.SheetNames) {
    const { s: { r: top } } = XLSX.utils.decode_range(book.Sheets[name]['!ref']);
    XLSX.utils.sheet_to_json(book.Sheets[name], { header: 1, raw: false, blankrows: true }).forEach((row, index) => {
      for (const cell of row) if (cell) units.push([{ sheet: name, row: top + index + 1 }, String(cell)]);
    });
  }
  return units;
}

async function mail() {
  const { simpleParser } = require('mailparser');
  const found = await simpleParser(fs.readFileSync(path));
  const attached = [];
  for (const { contentType, content } of found.attachments) {
    if (contentType === 'message/rfc822') attached.push((await simpleParser(content)).text);
    else if (contentType.startsWith('text/')) attached.push(content.toString());
  }
  const body = [found.subject, found.text, found.html && found.html.replace(/<style.*?<\/style>/gs, '').replace(/<[^>]*>/g, ' '),
    ...[found.from, found.to].map((people) => people && people.text)].filter(Boolean);
  return [...body.map((text) => [{}, text]), ...attached.map((text) => [{ part: 'attachment' }, text])];
}

(async () => process.stdout.write(JSON.stringify(kind === 'sheet' ? sheet() : await mail())))();
