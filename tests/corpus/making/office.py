"""Documents of word processors and slides, and books: docx, odt, pptx, epub."""

import json

from .blocks import blocks
from .common import WORK, by, document, made, node, run, soffice, target

# Footnotes, comments and changes as pandoc writes them.
CONTRACT = """\
---
title: Contract about the use of the boat shed
author: Housing society "Am Mühlbach"
---

# Object

The society leaves the shed beside the lock to the tenant.^[The shed is number 14 on the plan of the site.] It has
[two]{.deletion author="Vera Lund" date="2025-04-02T10:00:00Z"}[three]{.insertion author="Vera Lund" date="2025-04-02T10:00:00Z"}
windows and a stove.

# Rent

The rent of 85 euros is due on the fifth working day.[Should we not say the third?]{.comment-start id="0"
author="Piet Vos" date="2025-04-03T08:00:00Z"} It includes water.[]{.comment-end id="0"}

| Period  | Rent     | Remark                     |
|---------|----------|----------------------------|
| Summer  | 85 euros | boats may stay outside     |
| Winter  | 60 euros | the stove may be lit daily |

# Duties

1. The tenant sweeps the chimney once a year.
2. The tenant keeps
    a. the gutter free of leaves,
    b. the path free of ice.

[Dogs are strictly forbidden here.]{.deletion author="Vera Lund" date="2025-04-02T10:05:00Z"} The key is handed back on the last
day.^[A lost key costs forty euros, and the lock as well.]
"""


def docx_from_blocks(name, file):
    """A document made with python-docx, with a header, a footer and real tables."""
    from docx import Document
    book = Document()
    section = book.sections[0]
    section.header.paragraphs[0].text = "For internal use only"
    section.footer.paragraphs[0].text = "Marlow & Fink Cycles"
    styles = {"p": None, "ul": "List Bullet", "ol": "List Number"}
    for kind, content in blocks(name):
        if kind == "table":
            table = book.add_table(rows=0, cols=len(content[0]), style="Light Grid Accent 1")
            for row in content:
                for cell, text in zip(table.add_row().cells, row):
                    cell.text = text
        elif kind in styles:
            book.add_paragraph(content, style=styles[kind])
        else:
            book.add_heading(content, level=int(kind[1]))
    book.save(target(file))


def letter():
    """A letter with merged cells, a nested table, a break of the page, a link between runs, fields in the footer."""
    from docx import Document
    from docx.enum.text import WD_BREAK
    from docx.shared import Pt
    book = Document()
    book.sections[0].header.paragraphs[0].text = "Ferry Company of Reed Island"
    book.sections[0].footer.paragraphs[0].text = "Registered under HRB 5529 in Velden"
    paragraph = book.add_paragraph("Dear Mrs ")
    paragraph.add_run("Okafor").bold = True
    paragraph.add_run(", thank you for your com")
    paragraph.add_run("plaint about the").italic = True
    paragraph.add_run(" horn.").font.size = Pt(12)
    book.add_paragraph("It is blown three times in fog", style="List Bullet")
    book.add_paragraph("and once for every wedding", style="List Bullet")
    table = book.add_table(rows=3, cols=3, style="Table Grid")
    table.cell(0, 0).merge(table.cell(0, 2)).text = "How loud the horn was measured"
    for column, text in enumerate(("at the pier", "104 decibels", "window closed")):
        table.cell(1, column).text = text
    table.cell(2, 0).text = "on the hill"
    inner = table.cell(2, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "61 in the morning", "58 after sunset"
    book.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    book.add_heading("What we promise", level=2)
    book.add_paragraph("From July on, the captain uses the small horn.\tYours sincerely,\nÅse Thorsen")
    book.core_properties.title, book.core_properties.author = "Answer about the horn", "Åse Thorsen"
    book.save(target("docx/letter_horn.docx"))
    made("docx/letter_horn.docx", by("python-docx"), [
        "thank you for your complaint about the horn", "blown three times in fog", "How loud the horn was measured",
        "61 in the morning", "58 after sunset", "What we promise", "the captain uses the small horn",
        {"text": "Ferry Company of Reed Island", "part": "header"},
        {"text": "Registered under HRB 5529 in Velden", "part": "footer"}])


# A text for Writer in its flat form: frame, footnote, endnote, section with columns, header, tracked change.
FLAT = """\
<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"
 office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text">
<office:automatic-styles><style:page-layout style:name="pm"><style:page-layout-properties fo:page-width="21cm"
 fo:page-height="29.7cm" fo:margin="2cm"/><style:header-style/></style:page-layout></office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="pm"><style:header>
<text:p>Chronicle of the fire brigade, sheet nine</text:p></style:header></style:master-page></office:master-styles>
<office:body><office:text>
<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><office:change-info><dc:creator>Vera</dc:creator>
<dc:date>2025-02-01T09:00:00</dc:date></office:change-info><text:p>with the old rusty hose</text:p></text:deletion>
</text:changed-region></text:tracked-changes>
<text:h text:outline-level="1">The night of the two alarms</text:h>
<text:p>At ten past two the siren howled for the first time.<text:note text:note-class="footnote"><text:note-citation>1
</text:note-citation><text:note-body><text:p>The siren dates from 1958 and is still loud.</text:p></text:note-body></text:note>
 The straw burned <text:change text:change-id="c1"/>behind the dairy.</text:p>
<text:p><draw:frame svg:width="6cm" svg:height="2cm" text:anchor-type="paragraph"><draw:text-box>
<text:p>Nobody was hurt, not even the geese</text:p></draw:text-box></draw:frame>The second alarm came from the
<text:s text:c="1"/>school,<text:line-break/>where a pupil had baked pizza.</text:p>
<text:list><text:list-item><text:p>Water from the pond: eleven thousand litres</text:p></text:list-item>
<text:list-item><text:p>Sausages afterwards: sixty-four</text:p></text:list-item></text:list>
<table:table table:name="T"><table:table-column table:number-columns-repeated="2"/>
<table:table-row><table:table-cell><text:p>Engine two</text:p></table:table-cell>
<table:table-cell><text:p>stuck in the mud for an hour</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell><text:p>Ladder</text:p></table:table-cell>
<table:table-cell><text:p>lent to the theatre since Easter</text:p></table:table-cell></table:table-row></table:table>
<text:p>Geschrieben von Hauptbrandmeister Örs, am Tag danach.</text:p>
</office:text></office:body></office:document>
"""
BRIGADE = ["The night of the two alarms", "the siren howled for the first time", "where a pupil had baked pizza",
           "Nobody was hurt, not even the geese", "eleven thousand litres", "stuck in the mud for an hour",
           "lent to the theatre since Easter", "Geschrieben von Hauptbrandmeister Örs",
           {"text": "The siren dates from 1958", "part": "footnote"},
           {"text": "Chronicle of the fire brigade, sheet nine", "part": "header"}]


def flat():
    path = WORK / "brigade.fodt"
    path.write_text(FLAT)
    return path


def make_docx():
    run("pandoc", "-f", "gfm", document("employee_handbook"), "-o", target("docx/employee_handbook.docx"))
    made("docx/employee_handbook.docx", by("pandoc"), document="employee_handbook")

    between = WORK / "travel_policy.odt"
    run("pandoc", "-f", "gfm", document("travel_policy"), "-o", between)
    soffice(between, "docx", target("docx/travel_policy.docx"), "MS Word 2007 XML")
    made("docx/travel_policy.docx", by("LibreOffice"), document="travel_policy")

    docx_from_blocks("onboarding_guide", "docx/onboarding_guide.docx")
    made("docx/onboarding_guide.docx", by("python-docx"), document="onboarding_guide")

    node("document.js", target("docx/budget_report.docx"), stdin=json.dumps(blocks("budget_report")))
    made("docx/budget_report.docx", by("docx"), document="budget_report")

    letter()
    contract = WORK / "contract.md"
    contract.write_text(CONTRACT)
    # Changes are kept as changes only if pandoc reads them from spans with these classes.
    run("pandoc", "-f", "markdown", contract, "-o", target("docx/contract_changes.docx"))
    made("docx/contract_changes.docx", by("pandoc"), [
        "Contract about the use of the boat shed", "leaves the shed beside the lock", "three windows and a stove",
        "boats may stay outside", "sweeps the chimney once a year", "the path free of ice",
        "handed back on the last day",
        {"text": "number 14 on the plan of the site", "part": "footnote"},
        {"text": "the lock as well", "part": "footnote"},
        {"text": "Should we not say the third?", "part": "comment"}],
        absent=["Dogs are strictly forbidden here"])

    soffice(flat(), "docx", target("docx/fire_brigade.docx"), "MS Word 2007 XML")
    made("docx/fire_brigade.docx", by("LibreOffice"), BRIGADE, absent=["with the old rusty hose"])

    node("multilingual.js", target("docx/multilingual.docx"))
    made("docx/multilingual.docx", by("docx"), [
        "Welcome to the reading room", "Bitte leise sprechen und Schuhe ausziehen", "一冊ずつ元の棚に戻してください",
        "يرجى إعادة الكتب قبل المساء", "Prière de ne pas nourrir le chat 🐈", "Opened by the mayor in person",
        "Thursday until nine in the evening", {"text": "The cat has lived here since 2016", "part": "footnote"},
        {"text": "Reading room rules, leaflet 3", "part": "header"}])


def make_odt():
    run("pandoc", "-f", "gfm", document("meeting_minutes"), "-o", target("odt/meeting_minutes.odt"))
    made("odt/meeting_minutes.odt", by("pandoc"), document="meeting_minutes")

    soffice(flat(), "odt", target("odt/fire_brigade.odt"))
    made("odt/fire_brigade.odt", by("LibreOffice"), BRIGADE, absent=["with the old rusty hose"])

    from odf.opendocument import OpenDocumentText
    from odf.style import Style, TextProperties
    from odf.text import A, H, List, ListItem, P, Span, Tab
    book = OpenDocumentText()
    strong = Style(name="Strong", family="text")
    strong.addElement(TextProperties(fontweight="bold"))
    book.automaticstyles.addElement(strong)
    book.text.addElement(H(outlinelevel=1, text="How to winter a beehive"))
    paragraph = P(text="Close the ")
    paragraph.addElement(Span(stylename=strong, text="lower"))
    paragraph.addText(" entrance before the first frost.")
    book.text.addElement(paragraph)
    steps = List()
    for text in ("Weigh the hive from behind", "Feed sugar water until September", "Put a mouse guard in front"):
        item = ListItem()
        item.addElement(P(text=text))
        steps.addElement(item)
    book.text.addElement(steps)
    paragraph = P(text="Tel.")
    paragraph.addElement(Tab())
    paragraph.addText("0555 0199, ")
    paragraph.addElement(A(href="https://bees.example.org", text="advice of the beekeepers' guild"))
    book.text.addElement(paragraph)
    book.text.addElement(P(text="Im Januar nur horchen, niemals öffnen."))
    book.save(target("odt/beehive_odfpy.odt"))
    made("odt/beehive_odfpy.odt", by("odfpy"), [
        "How to winter a beehive", "Close the lower entrance before", "Weigh the hive from behind", "Put a mouse guard in front",
        "advice of the beekeepers' guild", "nur horchen, niemals öffnen"])

    source = WORK / "puppets.html"
    source.write_text("<html><body><h1>The puppet theatre moves</h1><p>All <u>forty-one puppets</u> travel in the tram.</p>"
                      "<table border=1><tr><td colspan=2>Crates and their keepers</td></tr><tr><td>Crate 1</td><td>kings and "
                      "crocodiles</td></tr><tr><td>Crate 2</td><td>thunder sheet and moon</td></tr></table><ol><li>Strings are tied "
                      "in a plait</li><li>Le rideau se plie en huit</li></ol><p>The last tram leaves at half past eleven.</p>"
                      "</body></html>")
    soffice(source, "odt", target("odt/puppets_from_html.odt"), "writer8", reads="HTML (StarWriter)")
    made("odt/puppets_from_html.odt", by("LibreOffice"), [
        "The puppet theatre moves", "travel in the tram", "Crates and their keepers", "kings and crocodiles",
        "thunder sheet and moon", "Le rideau se plie en huit", "leaves at half past eleven"])


def make_pptx():
    run("pandoc", "-f", "gfm", "--slide-level", "2", document("museum_guide"), "-o", target("pptx/museum_guide.pptx"))
    made("pptx/museum_guide.pptx", by("pandoc"), document="museum_guide")

    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[0])
    slide.shapes.title.text, slide.placeholders[1].text = "A bridge for hedgehogs", "Project of class 6b, spring 2025"
    slide.notes_slide.notes_text_frame.text = "Wait until the door is closed"
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Why they cross the road"
    frame = slide.placeholders[1].text_frame
    frame.text = "Beetles live on the other side"
    deeper = frame.add_paragraph()
    deeper.text, deeper.level = "the lamps attract them at night", 1
    slide.notes_slide.notes_text_frame.text = "Show the photograph of the squashed traffic cone"
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Counted in April"
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(8), Inches(2)).table
    for row, texts in enumerate((("Place", "Hedgehogs", "Remark"), ("Mill Lane", "14", "two of them in a hurry"),
                                 ("Cemetery", "9", "very calm, as expected"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    slide = show.slides.add_slide(show.slide_layouts[6])
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1)).text_frame.text = "Planks from the old stage"
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(Inches(1), Inches(3), Inches(4), Inches(1)).text_frame.text = "Danke an die Schreinerei Köhler"
    data = CategoryChartData()
    data.categories = ["March", "April"]
    data.add_series("Crossings per night", (3, 11))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(5), Inches(1), Inches(4), Inches(3), data)
    show.save(target("pptx/hedgehogs.pptx"))
    made("pptx/hedgehogs.pptx", by("python-pptx"), [
        "A bridge for hedgehogs", "Project of class 6b, spring 2025", "Beetles live on the other side",
        "the lamps attract them at night", "two of them in a hurry", "very calm, as expected", "Planks from the old stage",
        "Danke an die Schreinerei Köhler",
        {"text": "Wait until the door is closed", "part": "notes"},
        {"text": "photograph of the squashed traffic cone", "part": "notes"}])

    node("slides.js", target("pptx/tide_power.pptx"))
    made("pptx/tide_power.pptx", by("pptxgenjs"), [
        "Power from the tide mill", "enough for sixty households", "turbine built by apprentices", "潮の力で電気を作る",
        "Questions are welcome, cake is outside", {"text": "Mention the eels before somebody asks", "part": "notes"}])

    # The same slides after a journey through LibreOffice, which writes everything differently.
    soffice(target("pptx/tide_power.pptx"), "odp", WORK / "tide_power.odp")
    soffice(WORK / "tide_power.odp", "pptx", target("pptx/tide_power_libreoffice.pptx"), "Impress MS PowerPoint 2007 XML")
    made("pptx/tide_power_libreoffice.pptx", by("LibreOffice"), [
        "Power from the tide mill", "enough for sixty households", "turbine built by apprentices", "潮の力で電気を作る",
        "Questions are welcome, cake is outside"])

    # More than nine slides, whose names do not sort as their numbers, and one of them moved to the front.
    show = Presentation()
    for number, text in enumerate(("mast and boom", "mainsail and jib", "sheets and halyards", "rudder and tiller", "keel or centreboard",
                                   "anchor with chain", "compass and chart", "bucket and sponge", "flares and whistle",
                                   "sandwiches and tea", "ein Lied zum Schluss"), 1):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = f"Lesson {number} of the sailing course"
        slide.placeholders[1].text = f"Today we learn about {text}" if number < 11 else "Zum Ende singen wir ein Lied"
    order = show.slides._sldIdLst
    order.insert(0, order[10])
    show.save(target("pptx/sailing_course.pptx"))
    made("pptx/sailing_course.pptx", by("python-pptx"), [
        "Zum Ende singen wir ein Lied", "learn about mast and boom", "learn about sheets and halyards",
        "learn about flares and whistle", "learn about sandwiches and tea"])


STORY = ["The kite that stayed", "a kite was caught in the weathercock", "nobody owned a ladder long enough",
         "The baker paid for the rope", "it still points to the north"]


def make_epub():
    run("pandoc", "-f", "gfm", "-t", "epub3", "--metadata", "title=Looking After Your Heron", "--metadata", "lang=en",
        document("bicycle_maintenance"), "-o", target("epub/bicycle_maintenance.epub"))
    made("epub/bicycle_maintenance.epub", by("pandoc"), document="bicycle_maintenance")

    from ebooklib import epub
    book = epub.EpubBook()
    book.set_identifier("kite-2025")
    book.set_title("The kite that stayed")
    book.set_language("en")
    book.add_author("Henrike Vos")
    chapters = []
    for number, (title, text) in enumerate((
            ("Wind", "<p>One morning a kite was caught in the <i>weathercock</i> of the chapel.</p><p>It was red, and nobody owned a "
                     "ladder long enough.</p>"),
            ("Rope", "<p>The baker paid for the rope, the smith for the hook.</p><blockquote>Wer zieht, der fliegt.</blockquote>"),
            ("Snow", "<p>In winter the kite was white, yet it still points to the north.<sup><a href='#n'>1</a></sup></p>"
                     "<aside id='n'>1. Sailors steer by it, although they deny it.</aside>")), 1):
        chapter = epub.EpubHtml(title=title, file_name=f"part{number}.xhtml", lang="en")
        chapter.content = f"<h1>{title}</h1>{text}"
        book.add_item(chapter)
        chapters.append(chapter)
    # The spine has another order than the names.
    book.toc, book.spine = chapters, ["nav", *chapters]
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    epub.write_epub(target("epub/kite_ebooklib.epub"), book)
    made("epub/kite_ebooklib.epub", by("EbookLib"), [
        "a kite was caught in the weathercock", "ladder long enough", "The baker paid for the rope", "Wer zieht, der fliegt",
        "it still points to the north", "Sailors steer by it, although they deny it"])

    source = WORK / "soup.md"
    source.write_text("% Soups of the islands\n% Åse Thorsen\n\n# Kelp and barley\n\nThe kelp is cut with scissors, never with a knife.[^k]\n\n"
                      "| Guests | Barley | Kelp |\n|---|---|---|\n| four | two cups | one wet handful |\n\n[^k]: A knife offends the sea.\n\n"
                      "# Mussels in cider\n\nOpen windows first. *Les moules ouvertes se mangent chaudes.*\n\n# かきの味噌汁\n\n"
                      "味噌は火を止めてから溶かします。\n\nServe in the bowls of the grandmother.\n")
    run("pandoc", source, "-t", "epub2", "-o", target("epub/soups_epub2.epub"))
    made("epub/soups_epub2.epub", by("pandoc"), [
        "cut with scissors, never with a knife", "one wet handful", "A knife offends the sea", "Les moules ouvertes se mangent",
        "味噌は火を止めてから溶かします", "Serve in the bowls of the grandmother"])

    between = WORK / "stars.odt"
    run("pandoc", "-o", between, stdin="# Names of the stars\n\nThe **fourth star** of the plough is the faintest.\n\n# Getting used to "
        "the dark\n\nTwenty minutes without a lamp are needed.\n\n- red light does no harm\n- talking does no harm either\n\n# Am Ende\n\n"
        "Die Decke wird ausgeschüttelt und gefaltet.\n")
    soffice(between, "epub", target("epub/stars_libreoffice.epub"))
    made("epub/stars_libreoffice.epub", by("LibreOffice"), [
        "Names of the stars", "of the plough is the faintest", "Twenty minutes without a lamp", "talking does no harm either",
        "Die Decke wird ausgeschüttelt"])
