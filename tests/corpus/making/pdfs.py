"""PDF files: as many different programs as possible."""

import shutil
from pathlib import Path

from .blocks import blocks
from .common import WORK, by, document, made, node, run, soffice, target

PASSWORD = "kingfisher"


def chromium(page, out):
    run("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={WORK}/chromium", "--no-pdf-header-footer",
        f"--print-to-pdf={out}", Path(page).as_uri())


def page_of(name):
    path = WORK / f"{name}.html"
    path.write_bytes(run("pandoc", "-f", "gfm", "-t", "html5", "-s", "--metadata", f"pagetitle={name}", document(name)))
    return path


def latex(name, text):
    folder = WORK / "latex"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.tex").write_text(text)
    for _ in range(2):
        run("pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex", cwd=folder)
    return folder / f"{name}.pdf"


# ---------------------------------------------------------------- the five documents

def coffee_machine_manual():
    between = WORK / "coffee_machine_manual.odt"
    run("pandoc", "-f", "gfm", document("coffee_machine_manual"), "-o", between)
    soffice(between, "pdf", target("pdf/coffee_machine_manual.pdf"), "writer_pdf_Export")
    made("pdf/coffee_machine_manual.pdf", by("LibreOffice"), document="coffee_machine_manual")


def incident_report():
    chromium(page_of("incident_report"), target("pdf/incident_report.pdf"))
    made("pdf/incident_report.pdf", by("Chromium"), document="incident_report")


def rental_contract():
    from weasyprint import CSS, HTML
    style = CSS(string="@page { size: A4; margin: 2cm; @bottom-center { content: counter(page) ' / ' counter(pages) } }"
                       "body { font-family: 'Gentium Book Basic', serif } table { border-collapse: collapse }"
                       "td, th { border: 1px solid; padding: 2px 6px }")
    HTML(page_of("rental_contract")).write_pdf(target("pdf/rental_contract.pdf"), stylesheets=[style])
    made("pdf/rental_contract.pdf", by("weasyprint"), document="rental_contract")


def safety_instructions():
    # Two columns; words are not split, so that every phrase of the questions stands in one piece.
    body = run("pandoc", "-f", "gfm", "-t", "latex", document("safety_instructions")).decode()
    path = latex("safety_instructions", r"""\documentclass[a4paper,twocolumn,10pt]{article}
\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{lmodern}\usepackage[margin=2cm]{geometry}
\usepackage{hyperref}\providecommand{\tightlist}{}\hyphenpenalty=10000\sloppy
\begin{document}
""" + body + r"\end{document}")
    shutil.copy(path, target("pdf/safety_instructions.pdf"))
    made("pdf/safety_instructions.pdf", by("pdfTeX") + ", pandoc", document="safety_instructions")


def warranty_terms():
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table
    styles, story = getSampleStyleSheet(), []
    for kind, content in blocks("warranty_terms"):
        if kind == "table":
            story.append(Table(content, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")], hAlign="LEFT"))
        else:
            style = {"h1": "Title", "h2": "Heading2", "ul": "Bullet", "ol": "Bullet"}.get(kind, "BodyText")
            text = content.replace("&", "&amp;")
            story.append(Paragraph(f"• {text}" if style == "Bullet" else text, styles[style]))
        story.append(Spacer(1, 4))
    SimpleDocTemplate(str(target("pdf/warranty_terms.pdf")), pagesize=A4, title="Warranty Terms").build(story)
    made("pdf/warranty_terms.pdf", by("reportlab"), document="warranty_terms")


# ---------------------------------------------------------------- others

PAPER = r"""\documentclass[twocolumn,10pt]{article}
\usepackage{multicol}
\title{On the Efficient Shuffling of Offcuts}
\author{F. Fjeldsted \and O. Griffiths}
\date{May 2025}
\begin{document}
\maketitle
\begin{abstract}
We find that five shelves suffice. The difference between fluffy and stiff offcuts is defined, and a first office trial is
reflected upon.
\end{abstract}
\section{Introduction}
Every workshop is afflicted with a flood of offcuts. Filing them by size is difficult; filing them by flavour is baffling. The
affluent workshop buys a second shelf, but the efficient one shuffles. Earlier work on chopping firewood confirmed that
fifty-five flat boxes are sufficient for almost everything that an unprofessional craftsperson characteristically accumulates
throughout an entire lifetime of uninterrupted handicraft.
\section{Method}
Offcuts were fed to the shuffler from the left. A flag was raised whenever a fifth piece of the same colour arrived. The
inflow was restricted to twenty-three pieces a minute, because the officer in charge of the hydraulic counterbalance had to
acknowledge them individually.\footnote{The officer fluently speaks Finnish, which was of no significance.}
\begin{table}[h]
\centering
\begin{tabular}{lrl}
Shelf & Pieces & Finding\\\hline
First & 310 & mostly fir and flax\\
Second & 288 & coffee stains everywhere\\
Fifth & 12 & a fluffy kitten
\end{tabular}
\caption{Offcuts after the final shuffle}
\end{table}
\section{Results}
The effort fell by a factor of $\alpha = 2.5$, and $x^2 + y^2 < r^2$ held for all flat pieces. The flow was never interrupted,
except for the afternoon on which the shelf caught fire and the firefighters reshuffled everything in their own fashion. It is
conceivable that unsupervised experimentation would have been considerably more straightforward under laboratory circumstances.
\section{Conclusion}
Shuffling is better than filing. Further offcuts are welcome at the office on the first floor. We thank the staff of the
Griffin for coffee, and the fishmonger for refraining from comment.
\end{document}
"""


def paper():
    shutil.copy(latex("paper", PAPER), target("pdf/paper_two_columns.pdf"))
    made("pdf/paper_two_columns.pdf", by("pdfTeX"), [
        "On the Efficient Shuffling of Offcuts", "find that five shelves suffice", "afflicted with a flood of offcuts",
        "coffee stains everywhere", "a fluffy kitten", "The officer fluently speaks Finnish", "Offcuts after the final shuffle",
        "Shuffling is better than filing", "the first floor"])


def catalogue():
    node("catalogue.js", target("pdf/catalogue_twelve_pages.pdf"))
    made("pdf/catalogue_twelve_pages.pdf", by("pdfkit"), [
        "Twelve lamps of the coast", "a fishing net with glass floats", "built by prisoners of war", "whose keeper wrote poems",
        "the fog horn needs compressed air", "sold to a dentist in 1974", "painted red after the collision",
        "the stairs have 203 steps", "Ende des Verzeichnisses"])


def form():
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfgen import canvas
    pdf = canvas.Canvas(str(target("pdf/form_membership.pdf")), pagesize=A5)
    pdf.setFont("Helvetica-Bold", 14)
    pdf.drawString(40, 540, "Application to the swimming club")
    pdf.setFont("Times-Roman", 11)
    for y, label, value in ((490, "Name of the swimmer", "Ingrid Aalto"), (450, "Strokes already mastered", "breast and butterfly")):
        pdf.drawString(40, y, label)
        pdf.acroForm.textfield(name=label, value=value, x=190, y=y - 6, width=180, height=20, fontSize=10)
    pdf.drawString(40, 410, "I bring my own towel")
    pdf.acroForm.checkbox(name="towel", checked=True, x=190, y=406, size=14)
    pdf.drawString(40, 80, "The fee is due before the first lesson.")
    pdf.save()
    made("pdf/form_membership.pdf", by("reportlab"), [
        "Application to the swimming club", "Name of the swimmer", "Strokes already mastered", "I bring my own towel",
        "The fee is due before the first lesson", {"text": "breast and butterfly", "part": "form field"}])


def price_table():
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import PageBreak, SimpleDocTemplate, Table
    rows = [["Article", "Name of the seed", "Sow in", "Price"]]
    plants = ("purple carrot", "winter lettuce", "climbing bean", "bitter cress", "black radish", "sea kale", "sugar pea")
    months = ("late February", "early March", "mid April", "the week of the Ice Saints")
    rows += [[f"Q-{300 + n}", f"{plants[n % 7]} number {n}", months[n % 4], f"{1 + n % 9 / 10:.2f} €"] for n in range(1, 76)]
    rows.append(["Q-999", "surprise bag of the gardener", "whenever you like", "0.50 €"])
    grid = [("GRID", (0, 0), (-1, -1), 0.25, "grey"), ("BACKGROUND", (0, 0), (-1, 0), "lightgrey")]
    SimpleDocTemplate(str(target("pdf/seed_prices.pdf")), pagesize=landscape(A4)).build(
        [Table(rows, style=grid, repeatRows=1), PageBreak(), Table([["Orders by post until the end of May"]])])
    made("pdf/seed_prices.pdf", by("reportlab"), [
        "whenever you like", "purple carrot number 14", "climbing bean number 44", "bitter cress number 73",
        "surprise bag of the gardener", "Orders by post until the end"])


def scripts():
    text = ("港の図書館からのお知らせ\n\n図書館は月曜日が休みです。\n新しい地図が二階に入りました。\n\n"
            "مكتبة الميناء\nالخرائط الجديدة في الطابق الثاني\n\nБиблиотека у гавани\nКарты лежат на втором этаже.\n\n"
            "Η βιβλιοθήκη του λιμανιού\n\nThe maps may be copied but not folded.\n")
    source = WORK / "scripts.txt"
    source.write_text(text)
    # pango-view needs no screen with these options; the PDF comes from Cairo.
    run("pango-view", "--no-display", "--backend=cairo", "--font=Amiri, IPAGothic, DejaVu Sans 14", "-o",
        target("pdf/library_scripts.pdf"), source, env={"LC_ALL": "C.UTF-8"})
    made("pdf/library_scripts.pdf", by("Pango") + ", Cairo", [
        "港の図書館からのお知らせ", "図書館は月曜日が休みです", "新しい地図が二階に入りました", "Библиотека у гавани", "лежат на втором этаже",
        "Η βιβλιοθήκη του λιμανιού", "The maps may be copied but not folded"])

    page = WORK / "scripts.html"
    page.write_text("<meta charset=utf-8><title>Signs</title><style>body{font:18px 'Gentium Book Basic','IPAGothic','Amiri',serif}"
                    ".two{columns:2}</style><h1>Signs for the swimming pool</h1><p lang=ja>プールサイドを走らないでください。</p>"
                    "<p dir=rtl lang=ar>يرجى الاستحمام قبل السباحة</p><p lang=el>Απαγορεύεται η κατάδυση</p><p lang=de>Große Flaschen "
                    "bleiben draußen, Öl auch.</p><div class=two><p>The shallow pool is warm enough for toddlers.</p><p>The deep pool "
                    "is cold, and five flags warn of the first step.</p></div><div style='page-break-before:always'><svg width=300 "
                    "height=60><text x=5 y=40 font-size=22>Lockers open with a coin</text></svg><p>Letzte Runde: zwanzig Uhr "
                    "dreißig.</p></div>")
    chromium(page, target("pdf/pool_signs.pdf"))
    made("pdf/pool_signs.pdf", by("Chromium"), [
        "Signs for the swimming pool", "プールサイドを走らないでください", "Große Flaschen bleiben draußen, Öl auch",
        "warm enough for toddlers", "five flags warn of the first step", "Lockers open with a coin",
        "Letzte Runde: zwanzig Uhr dreißig"])


def enscript():
    source = WORK / "recipe.txt"
    lines = [f"Step {number:02}: {text}" for number, text in enumerate(
        ("weigh the goose fat", "melt it at sixty degrees", "add lye with a wooden spoon", "never use aluminium pots",
         "stir until the spoon leaves a trace", "pour into the herring box", "cover with the old blanket",
         "cut after two days", "turn the bars once a week", "die Seife reift sechs Wochen, für Gäste länger") * 8, 1)]
    source.write_bytes("\n".join(lines).encode("latin-1"))
    run("enscript", "-q", "-X", "latin1", "-2", "-r", "-M", "A4", "--header=Soap of the lock keeper|page $%", "-o", WORK / "recipe.ps", source)
    run("ps2pdf", "-sPAPERSIZE=a4", WORK / "recipe.ps", target("pdf/soap_enscript.pdf"))
    made("pdf/soap_enscript.pdf", by("enscript") + ", " + by("Ghostscript"), [
        "Step 01: weigh the goose fat", "Step 14: never use aluminium pots", "Step 38: cut after two days",
        "Step 66: pour into the herring box", "Step 80: die Seife reift sechs Wochen, für Gäste länger"])


GROFF = """\
.TL
Rules for the Night Train
.AU
Railway Workers' Choir
.2C
.NH
Before departure
.LP
Instruments travel in the last carriage, except for the flute, which finds room in any pocket.
The first bell is for the singers, the second for their relatives.
Office clerks with tickets of the fifth class may sit on the baffled stove.
.NH
During the journey
.LP
Nobody rehearses between the river and the tunnel.
.IP \\(bu
The conductor wears a reflective sash.
.IP \\(bu
Coffee is poured only in stations.
.TS
box;
l l.
Carriage 1\tsopranos and one dog
Carriage 2\tbasses near the luggage
.TE
.NH
Arrival
.LP
On arrival we sing the hymn of the signal box, softly, as the town is asleep.
.FS
The hymn has eleven verses, of which two are polite.
.FE
Whoever oversleeps pays for the return of the whole carriage.
"""


def groff():
    target("pdf/night_train_groff.pdf").write_bytes(run("groff", "-t", "-ms", "-Tpdf", "-dpaper=a4", "-P-pa4", stdin=GROFF))
    phrases = ["Rules for the Night Train", "which finds room in any pocket", "between the river and the tunnel",
               "wears a reflective sash", "sopranos and one dog", "of which two are polite", "pays for the return of the whole"]
    made("pdf/night_train_groff.pdf", by("groff"), phrases)
    postscript = WORK / "train.ps"
    postscript.write_bytes(run("groff", "-t", "-ms", "-Tps", "-P-pa4", stdin=GROFF))
    run("ps2pdf", "-sPAPERSIZE=a4", "-dCompatibilityLevel=1.4", postscript, target("pdf/night_train_ghostscript.pdf"))
    made("pdf/night_train_ghostscript.pdf", by("groff") + ", " + by("Ghostscript"), phrases)


TYPST = """\
#set page(paper: "a5", numbering: "1")
#set text(font: "Libertinus Serif", lang: "en")
= Notes on a Flat Roof
The roof of the boat house is flat, and five gulls have found it.#footnote[A sixth one only comes for the fish.]
#table(columns: 3, [Gull], [Habit], [Remedy], [Olaf], [steals clothes pegs], [a tin of buttons], [Fiffi], [shouts before four], [none so far])
#pagebreak()
== What was tried
+ An owl made of plastic, ignored at first sight.
+ A flute, played from the office below.
$ "noise" = sum_(i=1)^5 g_i $
#columns(2)[The left column deals with the spring and its nests. #colbreak() The right column is about autumn, when all is quiet.]
*Das Dach bleibt also bewohnt.*
"""


def typst():
    import typst as compiler
    source = WORK / "roof.typ"
    source.write_text(TYPST)
    compiler.compile(str(source), output=str(target("pdf/flat_roof_typst.pdf")))
    made("pdf/flat_roof_typst.pdf", by("typst"), [
        "Notes on a Flat Roof", "five gulls have found it", "steals clothes pegs", "shouts before four", "only comes for the fish",
        "ignored at first sight", "played from the office below", "about autumn, when all is quiet", "Das Dach bleibt also bewohnt"])


def archive():
    """PDF/A out of LibreOffice, then the same pages linearised, rotated and locked by qpdf."""
    between = WORK / "archive.odt"
    run("pandoc", "-o", between, stdin="# Files of the harbour office\n\nThe first file is about the flood of 1953 and its five "
        "officers.\n\n| File | Content | Remark |\n|---|---|---|\n| 118 | letters of the dredger crew | partly eaten by mice |\n"
        "| 119 | plans of the swing bridge | coloured by a child |\n\n" + "\n\n".join(
            f"{number}. Sheet {number} has been copied and compared with the original by two persons, who found no difference in "
            f"the seal, the signature or the date of the {number}th day." for number in range(4, 40))
        + "\n\nAm Ende liegt ein gepresstes Veilchen zwischen den Blättern.\n")
    soffice(between, "pdf", target("pdf/archive_pdfa.pdf"),
            'writer_pdf_Export:{"SelectPdfVersion":{"type":"long","value":"2"},"ExportBookmarks":{"type":"boolean","value":"true"}}')
    phrases = ["Files of the harbour office", "letters of the dredger crew", "partly eaten by mice", "coloured by a child",
               "Sheet 17 has been copied", "the date of the 38th day", "liegt ein gepresstes Veilchen"]
    made("pdf/archive_pdfa.pdf", by("LibreOffice") + ", PDF/A-2", phrases)

    plain = WORK / "archive.pdf"
    soffice(between, "pdf", plain, "writer_pdf_Export")
    run("qpdf", "--linearize", "--object-streams=generate", "--compress-streams=y", plain, target("pdf/archive_linearised.pdf"))
    made("pdf/archive_linearised.pdf", by("LibreOffice") + ", " + by("qpdf"), phrases)
    run("qpdf", "--rotate=+90:2", "--qdf", "--object-streams=disable", plain, WORK / "rotated.pdf")
    run("qpdf", "--object-streams=disable", WORK / "rotated.pdf", target("pdf/archive_rotated.pdf"))
    made("pdf/archive_rotated.pdf", by("LibreOffice") + ", " + by("qpdf"), phrases)
    run("qpdf", "--encrypt", PASSWORD, "owner-" + PASSWORD, "256", "--", plain, target("pdf/archive_locked.pdf"))
    made("pdf/archive_locked.pdf", by("LibreOffice") + ", " + by("qpdf"), fails="encrypted")
    # Only what may be done with it is restricted: everybody may open and read it.
    run("qpdf", "--encrypt", "", "owner-" + PASSWORD, "128", "--use-aes=y", "--extract=n", "--", plain, target("pdf/archive_restricted.pdf"))
    made("pdf/archive_restricted.pdf", by("LibreOffice") + ", " + by("qpdf"), phrases)


def scanned():
    import img2pdf
    run("pdftoppm", "-r", "75", "-gray", "-png", target("pdf/night_train_groff.pdf"), WORK / "scan")
    pages = []
    for number, picture in enumerate(sorted(WORK.glob("scan-*.png")) * 2, 1):
        page = WORK / f"scanned-{number}.jpg"
        run("convert-im6.q16", picture, "-rotate", "0.7", "-attenuate", "0.2", "+noise", "Gaussian", "-resize", "560x", "-quality", "35",
            "-strip", page)
        pages.append(str(page))
    target("pdf/scanned.pdf").write_bytes(img2pdf.convert(pages))
    made("pdf/scanned.pdf", by("img2pdf"), fails="no_text")


def partly_scanned():
    """A letter with text, what was enclosed with it scanned, and at the end the letter's empty back."""
    import img2pdf
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen import canvas
    letter, enclosures = WORK / "letter.pdf", WORK / "enclosures.pdf"
    pdf = canvas.Canvas(str(letter), pagesize=A4)
    pdf.setFont("Times-Roman", 12)
    for line, text in enumerate((
            "To the stationmaster of Lower Pebbleton", "The choir encloses its rules for the journey, signed twice.",
            "Our tuba needs a window seat and a blanket.", "Please return the second copy before the clocks change.",
            "Mit verschnupften Grüßen, der zweite Tenor")):
        pdf.drawString(72, 740 - 30 * line, text)
    pdf.showPage()
    pdf.showPage()
    pdf.save()
    run("pdftoppm", "-r", "75", "-mono", target("pdf/night_train_groff.pdf"), WORK / "enclosure")
    page = next(WORK.glob("enclosure-*.pbm"))
    enclosures.write_bytes(img2pdf.convert([str(page)] * 2))
    run("qpdf", "--empty", "--pages", letter, "1", enclosures, "1-2", letter, "2", "--", target("pdf/partly_scanned.pdf"))
    made("pdf/partly_scanned.pdf", ", ".join(by(name) for name in ("reportlab", "img2pdf", "qpdf")), [
        "stationmaster of Lower Pebbleton", "encloses its rules for the journey", "needs a window seat and a blanket",
        "before the clocks change", "Mit verschnupften Grüßen"], pages=4, unread_pages=2)


def others():
    from fpdf import FPDF
    fonts = run("fc-match", "-f", "%{file}", "DejaVu Sans").decode()
    pdf = FPDF(format="A5")
    pdf.add_font("DejaVu", fname=fonts)
    pdf.set_font("DejaVu", size=12)
    pdf.add_page()
    pdf.multi_cell(0, 8, "Меню корабельной кухни\nСуп из крапивы, хлеб и огурцы.\nŽádné ryby v pátek – kapitán nemá rád kosti.")
    with pdf.table(first_row_as_headings=False) as table:
        for row in (("Tag", "Gericht"), ("Montag", "Grünkohl ohne Wurst"), ("Dienstag", "Pfannkuchen für alle Wachen")):
            line = table.row()
            for cell in row:
                line.cell(cell)
    pdf.add_page()
    pdf.multi_cell(0, 8, "The cook rings twice: once for soup and once for fire.")
    pdf.output(str(target("pdf/galley_fpdf2.pdf")))
    made("pdf/galley_fpdf2.pdf", by("fpdf2"), [
        "Меню корабельной кухни", "Суп из крапивы, хлеб и огурцы", "Žádné ryby v pátek", "Grünkohl ohne Wurst",
        "Pfannkuchen für alle Wachen", "once for soup and once for fire"])

    node("certificate.js", target("pdf/certificate_pdflib.pdf"))
    made("pdf/certificate_pdflib.pdf", by("pdf-lib"), [
        "Certificate of the knitting course", "has finished five socks", "without dropping a single stitch",
        "Überreicht am längsten Tag", "valid for life and afterwards"])


def make_pdf():
    for step in (coffee_machine_manual, incident_report, rental_contract, safety_instructions, warranty_terms, paper, catalogue, form,
                 price_table, scripts, enscript, groff, typst, archive, scanned, partly_scanned, others):
        step()
