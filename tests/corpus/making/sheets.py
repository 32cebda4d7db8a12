"""Spreadsheets: xlsx, xls and ods."""

import datetime as dt
import json

from .common import WORK, by, made, node, run, soffice, target

BOATS = [("Boat", "Built", "Length (m)", "Price a day", "State"),
         ("Sandpiper", dt.date(1998, 5, 2), 6.4, 75, "leaks a little at the stern"),
         ("Old Moss", dt.date(1987, 3, 19), 8.1, 110.5, "engine overhauled in winter"),
         ("Dorothea", dt.date(2012, 7, 30), 5.2, 60, "sails need two people"),
         ("Kleiner Onkel", dt.date(2021, 9, 1), 4.0, 38.25, "nur für geübte Ruderer")]
BOAT_PHRASES = ["leaks a little at the stern", "engine overhauled in winter", "sails need two people", "nur für geübte Ruderer"]


def openpyxl_boats():
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font
    book = Workbook()
    sheet = book.active
    sheet.title = "Boats for hire"
    sheet.merge_cells("A1:E1")
    sheet["A1"] = "Boats of the rowing club, summer price list"
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=14), Alignment(horizontal="center")
    for row in BOATS:
        sheet.append(row)
    for row in range(3, 7):
        sheet[f"B{row}"].number_format = "DD.MM.YYYY"
        sheet[f"D{row}"].number_format = '#,##0.00 "€"'
    sheet["E4"].comment = Comment("Ask Henrike for the second key", "Henrike")
    sheet.freeze_panes = "A3"
    rules = book.create_sheet("Rules & deposits")
    for line in ("Return the boat before the evening bell", "Life vests are worn by everybody", "",
                 "The deposit is given back in cash", "Who loses an oar buys a new oar"):
        rules.append([line])
    times = book.create_sheet("Opening")
    times.append(["Day", "From", "To", "Share"])
    times.append(["Saturday and Sunday only", dt.time(9, 30), dt.time(18, 0), 0.85])
    times["D2"].number_format = "0 %"
    hidden = book.create_sheet("Archive 2019")
    hidden.append(["prices before the new jetty"])
    hidden.sheet_state = "hidden"
    book.save(target("xlsx/boats.xlsx"))
    made("xlsx/boats.xlsx", by("openpyxl"), [
        "Boats of the rowing club, summer price list", *BOAT_PHRASES, "Return the boat before the evening bell",
        "Who loses an oar buys a new oar", "Saturday and Sunday only"])


def xlsxwriter_energy():
    import xlsxwriter
    book = xlsxwriter.Workbook(target("xlsx/energy.xlsx"))
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00 [$€-407]"})
    date, percent = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "0.0%"})
    sheet = book.add_worksheet("Readings")
    sheet.write_row(0, 0, ["Date", "Kilowatt-hours", "Cost", "Verdict"], bold)
    values = [(dt.date(2025, 1, 31), 812.4, 243.72), (dt.date(2025, 2, 28), 745.0, 223.5), (dt.date(2025, 3, 31), 502.9, 150.87)]
    for row, (day, amount, cost) in enumerate(values, 1):
        sheet.write_datetime(row, 0, dt.datetime.combine(day, dt.time()), date)
        sheet.write_number(row, 1, amount)
        sheet.write_formula(row, 2, f"=B{row + 1}*0.3", money, cost)
        verdict = "far above the limit" if amount > 800 else "well within the limit"
        sheet.write_formula(row, 3, f'=IF(B{row + 1}>800,"far above the limit","well within the limit")', None, verdict)
    sheet.write(4, 0, "Sum of the quarter")
    sheet.write_formula(4, 1, "=SUM(B2:B4)", None, 2060.3)
    sheet.write_rich_string(6, 0, "Heated with ", bold, "wood chips", " from the forest of the town")
    sheet.merge_range("A9:D9", "Readings are taken by the caretaker at noon", bold)
    sheet.write_comment("B2", "The meter was changed in January")
    chart = book.add_chart({"type": "column"})
    chart.add_series({"categories": "=Readings!$A$2:$A$4", "values": "=Readings!$B$2:$B$4"})
    chart.set_title({"name": "Consumption of the boiler house"})
    sheet.insert_chart("F2", chart)
    notes = book.add_worksheet("Notes 日本語")
    notes.write(2, 1, "暖房は午後九時に止まります")
    notes.write(200, 7, "a remark far away from everything")
    notes.write(3, 1, 0.125, percent)
    book.close()
    made("xlsx/energy.xlsx", by("xlsxwriter"), [
        "far above the limit", "Sum of the quarter", "Heated with wood chips from the forest",
        "Readings are taken by the caretaker", "暖房は午後九時に止まります", "a remark far away from everything"])


def xlsxwriter_stock():
    """Many rows, written row by row with the strings inside the cells."""
    import xlsxwriter
    book = xlsxwriter.Workbook(target("xlsx/stock.xlsx"), {"constant_memory": True})
    sheet = book.add_worksheet("Stock")
    things = ["hex bolt", "lock washer", "brake cable", "inner tube", "spoke nipple", "cable tie", "rim tape"]
    places = ["drawer under the window", "box on the ladder", "shelf behind the lathe", "tin with the ship"]
    sheet.write_row(0, 0, ["Number", "Thing", "Place", "Count"])
    for row in range(1, 801):
        sheet.write_row(row, 0, [f"S-{4000 + row}", f"{things[row % 7]}, size {row % 23}, lot {row}", places[row % 4], row * 37 % 501])
    sheet.write(801, 1, "end of the stock list, counted twice")
    book.close()
    made("xlsx/stock.xlsx", by("xlsxwriter") + ", inline strings", [
        "lock washer, size 8, lot 8", "inner tube, size 6, lot 213", "spoke nipple, size 13, lot 634", "end of the stock list, counted twice"])


def source_ods():
    """A sheet made with odfpy; it is also what LibreOffice and Gnumeric convert to their formats."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import CoveredTableCell, Table, TableCell, TableRow
    from odf.text import P
    book = OpenDocumentSpreadsheet()

    def add(name, rows):
        sheet = Table(name=name)
        for row in rows:
            line = TableRow()
            for value in row:
                more = {}
                if isinstance(value, tuple):
                    value, more = value
                if value is None:
                    line.addElement(CoveredTableCell())
                    continue
                if isinstance(value, dt.date):
                    cell = TableCell(valuetype="date", datevalue=value.isoformat())
                elif isinstance(value, (int, float)):
                    cell = TableCell(valuetype="float", value=value, **more)
                else:
                    cell = TableCell(valuetype="string", **more)
                cell.addElement(P(text=str(value)))
                line.addElement(cell)
            sheet.addElement(line)
        book.spreadsheet.addElement(sheet)

    add("Orchard", [[("Apple trees of the school orchard", {"numbercolumnsspanned": 4}), None, None, None],
                    ["Tree", "Planted", "Harvest (kg)", "Taste"],
                    ["Row 1, tree 4", dt.date(2004, 11, 13), 61.5, "sour until the first frost"],
                    ["Row 2, tree 1", dt.date(2009, 4, 2), 88, "sweet, but falls early"],
                    ["Row 2, tree 9", dt.date(2017, 10, 28), 12.25, "nobody knows the name"],
                    ["Sum of all trees", "", (161.75, {"formula": "of:=SUM([.C3:.C5])"}), ""]])
    add("Pressing", [["Date", "Litres", "Remark"], [dt.date(2025, 9, 27), 140, "borrowed press from Velden"],
                     [dt.date(2025, 10, 11), 95, "cloudier than last year's juice"],
                     [dt.date(2025, 10, 18), 20, "Saft für das Sommerfest zurückgelegt"]])
    path = WORK / "orchard.ods"
    book.save(path)
    return path


ORCHARD = ["Apple trees of the school orchard", "sour until the first frost", "nobody knows the name", "Sum of all trees",
           "borrowed press from Velden", "cloudier than last year", "Saft für das Sommerfest zurückgelegt"]


def sheetjs(files):
    """Workbooks written by SheetJS and ExcelJS."""
    node("sheets.js", stdin=json.dumps(files))


LIGHTS = {"Lamps": [["Lamp", "Watts", "Where"], ["A-1", 4, "over the coat hooks"], ["A-2", 7, "in the room without windows"],
                    ["B-1", 11, "flickers when it rains"]],
          "Batteries": [["Size", "Count"], ["AA, rechargeable, green wrapper", 48], ["button cell for the scale", 6],
                        ["die große für die Taschenlampe", 2]]}
LIGHT_PHRASES = ["in the room without windows", "flickers when it rains", "AA, rechargeable, green wrapper",
                 "button cell for the scale", "die große für die Taschenlampe"]


def make_xlsx():
    openpyxl_boats()
    xlsxwriter_energy()
    xlsxwriter_stock()
    source = source_ods()
    soffice(source, "xlsx", target("xlsx/orchard_libreoffice.xlsx"), "Calc MS Excel 2007 XML")
    made("xlsx/orchard_libreoffice.xlsx", by("LibreOffice"), ORCHARD)
    run("ssconvert", source, target("xlsx/orchard_gnumeric.xlsx"))
    made("xlsx/orchard_gnumeric.xlsx", by("Gnumeric"), ORCHARD)
    sheetjs([{"with": "sheetjs", "file": str(target("xlsx/lamps_sheetjs.xlsx")), "type": "xlsx", "sheets": LIGHTS}])
    made("xlsx/lamps_sheetjs.xlsx", by("xlsx"), LIGHT_PHRASES)
    sheetjs([{"with": "exceljs", "file": str(target("xlsx/marathon_exceljs.xlsx")), "sheets": {}}])
    made("xlsx/marathon_exceljs.xlsx", by("exceljs"), [
        "Results of the towpath run", "finished in rubber boots", "carried a pumpkin all the way", "start numbers are returned",
        "Tea at kilometre nine"])


def make_xls():
    import xlwt
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Kiln")
    bold, date = xlwt.easyxf("font: bold on"), xlwt.easyxf(num_format_str="DD.MM.YYYY")
    sheet.write_merge(0, 0, 0, 3, "Firings of the pottery kiln", bold)
    rows = [(dt.date(2025, 1, 11), 960, "glaze ran down the shelves"), (dt.date(2025, 2, 8), 1240, "two cups stuck together"),
            (dt.date(2025, 3, 8), 1180, "the blue came out green"), (dt.date(2025, 4, 12), 1220, "żółty jak słońce – at last")]
    for row, (day, heat, remark) in enumerate(rows, 2):
        sheet.write(row, 0, day, date)
        sheet.write(row, 1, heat)
        sheet.write(row, 2, remark)
    sheet.write(7, 0, "Mean temperature in degrees")
    sheet.write(7, 1, xlwt.Formula("AVERAGE(B3:B6)"))
    other = book.add_sheet("Clay in the cellar")
    other.write(4, 3, "forty kilograms of white stoneware")
    other.write(9, 0, "the door must stay closed in frost")
    book.save(str(target("xls/kiln_xlwt.xls")))
    made("xls/kiln_xlwt.xls", by("xlwt"), [
        "Firings of the pottery kiln", "glaze ran down the shelves", "the blue came out green", "żółty jak słońce – at last",
        "Mean temperature in degrees", "forty kilograms of white stoneware", "the door must stay closed in frost"])

    source = source_ods()
    soffice(source, "xls", target("xls/orchard_libreoffice.xls"), "MS Excel 97")
    made("xls/orchard_libreoffice.xls", by("LibreOffice"), ORCHARD)
    run("ssconvert", "--export-type=Gnumeric_Excel:excel_biff8", source, target("xls/orchard_gnumeric.xls"))
    made("xls/orchard_gnumeric.xls", by("Gnumeric"), ORCHARD)
    run("ssconvert", "--export-type=Gnumeric_Excel:excel_biff7", source, target("xls/orchard_excel95.xls"))
    made("xls/orchard_excel95.xls", by("Gnumeric") + ", as Excel 95", ORCHARD)
    sheetjs([{"with": "sheetjs", "file": str(target("xls/lamps_sheetjs.xls")), "type": "biff8", "sheets": LIGHTS}])
    made("xls/lamps_sheetjs.xls", by("xlsx"), LIGHT_PHRASES)


def make_ods():
    target("ods/orchard_odfpy.ods").write_bytes(source_ods().read_bytes())
    made("ods/orchard_odfpy.ods", by("odfpy"), ORCHARD)

    from openpyxl import load_workbook
    boats = WORK / "boats.xlsx"
    openpyxl_source = target("xlsx/boats.xlsx")
    if not openpyxl_source.exists():
        openpyxl_boats()
    book = load_workbook(openpyxl_source)
    book.save(boats)
    soffice(boats, "ods", target("ods/boats_libreoffice.ods"))
    made("ods/boats_libreoffice.ods", by("LibreOffice"), [
        "Boats of the rowing club, summer price list", *BOAT_PHRASES, "Return the boat before the evening bell",
        "Saturday and Sunday only"])

    from pyexcel_ods3 import save_data
    save_data(str(target("ods/lamps_pyexcel.ods")), LIGHTS)
    made("ods/lamps_pyexcel.ods", by("pyexcel-ods3"), LIGHT_PHRASES)
    csv = WORK / "quiz.csv"
    csv.write_text("Round,Question,Answer\n1,Which bird sleeps while it flies?,the common swift\n"
                   "1,What did sailors hang in the rigging?,a lemon in a net\n2,How deep is the lock?,four metres and a half\n"
                   "2,Wie heißt der Fährmann?,er heißt immer Klaas\n")
    run("ssconvert", "--export-type=Gnumeric_OpenCalc:odf", csv, target("ods/quiz_gnumeric.ods"))
    made("ods/quiz_gnumeric.ods", by("Gnumeric"), [
        "Which bird sleeps while it flies?", "the common swift", "hang in the rigging", "four metres and a half",
        "er heißt immer Klaas"])
