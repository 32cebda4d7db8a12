// Spreadsheets made with SheetJS and ExcelJS; what to make comes as JSON on the standard input.
const fs = require('node:fs');

const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));

function withSheetJs({ file, type, sheets }) {
  const XLSX = require('xlsx');
  const book = XLSX.utils.book_new();
  for (const [name, rows] of Object.entries(sheets)) {
    XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet(rows), name);
  }
  XLSX.writeFile(book, file, { bookType: type, bookSST: type === 'xlsx', compression: true });
}

async function withExcelJs({ file }) {
  const ExcelJS = require('exceljs');
  const book = new ExcelJS.Workbook();
  const sheet = book.addWorksheet('Run', { views: [{ state: 'frozen', ySplit: 2 }] });
  sheet.mergeCells('A1:D1');
  sheet.getCell('A1').value = { richText: [{ text: 'Results of the ' }, { font: { bold: true }, text: 'towpath run' }] };
  sheet.addRow(['Place', 'Name', 'Time', 'Remark']);
  sheet.addRow([1, 'Runa Isaksen', new Date(Date.UTC(1899, 11, 30, 1, 2, 33)), 'finished in rubber boots']);
  sheet.addRow([2, 'Piet Oosterhuis', new Date(Date.UTC(1899, 11, 30, 1, 4, 8)), 'carried a pumpkin all the way']);
  sheet.addRow([3, { text: 'Zoë Brand', hyperlink: 'https://run.example.org/zoe' }, new Date(Date.UTC(1899, 11, 30, 1, 9, 51)), '']);
  sheet.getColumn(3).numFmt = 'h:mm:ss';
  sheet.getCell('A7').value = { formula: 'COUNTA(B3:B5)&" runners, start numbers are returned"',
    result: '3 runners, start numbers are returned' };
  const course = book.addWorksheet('Course');
  course.addTable({ name: 'Stops', ref: 'B3', headerRow: true, columns: [{ name: 'Kilometre' }, { name: 'Stop' }],
    rows: [[3, 'Water, but no cups'], [9, 'Tea at kilometre nine']] });
  await book.xlsx.writeFile(file);
}

(async () => {
  for (const job of jobs) {
    if (job.with === 'exceljs') await withExcelJs(job);
    else withSheetJs(job);
  }
})();
