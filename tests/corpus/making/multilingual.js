// A leaflet in five languages with a header, a footnote and a table, made with the package docx.
const fs = require('node:fs');
const {
  Document, FootnoteReferenceRun, Header, HeadingLevel, Packer, Paragraph, Table, TableCell, TableRow, TextRun,
} = require('docx');

const cell = (text) => new TableCell({ children: [new Paragraph(text)] });
const made = new Document({
  creator: 'Reading room',
  footnotes: { 1: { children: [new Paragraph('The cat has lived here since 2016.')] } },
  sections: [{
    headers: { default: new Header({ children: [new Paragraph('Reading room rules, leaflet 3')] }) },
    children: [
      new Paragraph({ text: 'Welcome to the reading room', heading: HeadingLevel.HEADING_1 }),
      new Paragraph({ children: [new TextRun('Bitte '), new TextRun({ text: 'leise', bold: true }),
        new TextRun(' sprechen und Schuhe ausziehen.')] }),
      new Paragraph('本は一冊ずつ元の棚に戻してください。'),
      new Paragraph({ bidirectional: true, children: [new TextRun({ text: 'يرجى إعادة الكتب قبل المساء', rightToLeft: true })] }),
      new Paragraph({ children: [new TextRun('Prière de ne pas nourrir le chat 🐈'), new FootnoteReferenceRun(1), new TextRun('.')] }),
      new Table({ rows: [
        new TableRow({ children: [cell('East wing'), cell('Opened by the mayor in person')] }),
        new TableRow({ children: [cell('Hours'), cell('Thursday until nine in the evening')] }),
      ] }),
    ],
  }],
});
Packer.toBuffer(made).then((buffer) => fs.writeFileSync(process.argv[2], buffer));
