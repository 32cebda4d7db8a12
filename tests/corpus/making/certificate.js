// A certificate of one page with the standard fonts, made with pdf-lib, the text written piece by piece.
const fs = require('node:fs');
const { PDFDocument, StandardFonts, degrees, rgb } = require('pdf-lib');

(async () => {
  const pdf = await PDFDocument.create();
  const serif = await pdf.embedFont(StandardFonts.TimesRomanItalic);
  const bold = await pdf.embedFont(StandardFonts.HelveticaBold);
  const page = pdf.addPage([595, 420]);
  page.drawText('Certificate of the knitting course', { x: 60, y: 340, size: 24, font: bold });
  page.drawText('Marta Quist has finished five socks', { x: 60, y: 280, size: 16, font: serif });
  page.drawText('without dropping a single stitch.', { x: 60, y: 258, size: 16, font: serif });
  page.drawText('Überreicht am längsten Tag des Jahres', { x: 60, y: 200, size: 14, font: serif });
  page.drawRectangle({ x: 60, y: 150, width: 200, height: 2, color: rgb(0.6, 0.1, 0.1) });
  page.drawText('valid for life and afterwards', { x: 60, y: 120, size: 10, font: bold });
  page.drawText('Original', { x: 480, y: 60, size: 12, font: bold, rotate: degrees(45) });
  fs.writeFileSync(process.argv[2], await pdf.save());
})();
