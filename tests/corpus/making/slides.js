// Four slides with a table, a chart and notes, made with PptxGenJS.
const PptxGenJS = require('pptxgenjs');

const show = new PptxGenJS();
show.title = 'Tide power';
const first = show.addSlide();
first.addText('Power from the tide mill', { x: 1, y: 1, w: 8, fontSize: 36, bold: true });
first.addNotes('Mention the eels before somebody asks');
const second = show.addSlide();
second.addText([{ text: 'A wheel of nine metres', options: { bullet: true, breakLine: true } },
  { text: 'enough for sixty households', options: { bullet: true } }], { x: 1, y: 1, w: 8, h: 2 });
second.addTable([['Year', 'Part'], ['1796', 'dam of oak piles'], ['2024', 'turbine built by apprentices']], { x: 1, y: 3.5, w: 8 });
const third = show.addSlide();
third.addText('潮の力で電気を作る', { x: 1, y: 0.5, w: 8, fontFace: 'IPAGothic' });
third.addChart(show.ChartType.bar, [{ name: 'Output', labels: ['Ebb', 'Flood'], values: [41, 37] }], { x: 1, y: 1.5, w: 6, h: 3 });
show.addSlide().addText('Questions are welcome, cake is outside', { x: 1, y: 2, w: 8 });
show.writeFile({ fileName: process.argv[2] });
