// A document out of blocks (JSON on the standard input) with the package docx.
const fs = require('node:fs');
const { Document, HeadingLevel, Packer, Paragraph, Table, TableCell, TableRow, WidthType } = require('docx');

const levels = { h1: HeadingLevel.TITLE, h2: HeadingLevel.HEADING_1, h3: HeadingLevel.HEADING_2 };
const children = JSON.parse(fs.readFileSync(0, 'utf8')).map(([kind, content]) => {
  if (kind === 'table') {
    return new Table({
      width: { size: 100, type: WidthType.PERCENTAGE },
      rows: content.map((row) => new TableRow({ children: row.map((text) => new TableCell({ children: [new Paragraph(text)] })) })),
    });
  }
  if (kind === 'ul') return new Paragraph({ text: content, bullet: { level: 0 } });
  if (kind === 'ol') return new Paragraph({ text: content, numbering: { reference: 'steps', level: 0 } });
  return new Paragraph({ text: content, heading: levels[kind] });
});
const numbering = { config: [{ reference: 'steps', levels: [{ level: 0, format: 'decimal', text: '%1.', alignment: 'start' }] }] };
const made = new Document({ creator: 'Odile Carrard', numbering, sections: [{ children }] });
Packer.toBuffer(made).then((buffer) => fs.writeFileSync(process.argv[2], buffer));
