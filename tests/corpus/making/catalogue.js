// A catalogue of twelve pages with headers, page numbers and outlines, made with PDFKit.
const fs = require('node:fs');
const PDFDocument = require('pdfkit');

const lamps = [
  ['Skerry light', 'It stands on a rock that is dry for six hours a day.', 'In the entrance hangs a fishing net with glass floats.'],
  ['Old Widow', 'The tower was built by prisoners of war in 1916.', 'Its lamp was carried up in eleven parts.'],
  ['Lamp of the Flats', 'A wooden tower on five legs, visible for nine miles.', 'Storms have moved it by two metres to the east.'],
  ['Heather Point', 'The only light on this coast whose keeper wrote poems.', 'Some of them can be read on the railing.'],
  ['Double Lamp', 'Two fires, one above the other, show the narrow fairway.', 'The lower one is fuelled with rapeseed oil.'],
  ['Gull Rock', 'Since 1931 the fog horn needs compressed air from the valley.', 'Before that, a cannon was fired each quarter of an hour.'],
  ['Harbour Mole', 'A small iron tower, cast in Velden and bolted on site.', 'Anglers are tolerated on its southern side only.'],
  ['Abbey Light', 'The monks kept a fire here until the river changed its bed.', 'The house was sold to a dentist in 1974.'],
  ['Red Lady', 'White at first, and painted red after the collision of two ferries.', 'The bell weighs as much as a horse.'],
  ['Long Tom', 'The highest of all: the stairs have 203 steps and no landing.', 'Visitors are requested to start with the left foot.'],
  ['Sand Lamp', 'It has been dug out of the dune three times.', 'Foxes live between the foundation and the oil cellar.'],
  ['Last Light', 'Behind it there is only water, says the inscription.', 'Ende des Verzeichnisses, gute Heimfahrt.'],
];
const filler = 'The measurements of the tower, of the lantern and of the dwelling were taken by the surveyor in dry weather and are given '
  + 'in metres. The colours follow the chart of the pilots. The opening hours depend on the tide, and groups should announce their visit. ';

const pdf = new PDFDocument({ size: 'A5', bufferPages: true, autoFirstPage: false, info: { Title: 'Twelve lamps of the coast' } });
pdf.pipe(fs.createWriteStream(process.argv[2]));
lamps.forEach(([name, first, last], index) => {
  pdf.addPage();
  pdf.outline.addItem(name);
  if (index === 0) pdf.font('Times-Bold').fontSize(20).text('Twelve lamps of the coast').moveDown();
  pdf.font('Helvetica-Bold').fontSize(15).text(`Number ${index + 1}: ${name}`).moveDown();
  pdf.font('Times-Roman').fontSize(11).text(first).moveDown().text(filler.repeat(2), { columns: 2, height: 200 });
  // Columns leave the pen at the end of the last one, so the last line gets a place of its own.
  pdf.text(last, 72, 460);
});
const { count } = pdf.bufferedPageRange();
for (let page = 0; page < count; page += 1) {
  pdf.switchToPage(page);
  pdf.fontSize(9).text(`Page ${page + 1} of ${count}`, 72, pdf.page.height - 60, { lineBreak: false });
}
pdf.end();
