"""Hostile slides of PowerPoint."""

from archive import parts_zip
from packed import pack
from parts import DRAWING, SLIDE, XML, pptx, presentation, relationships, slide
from registry import METADATA, PASSWD, PHRASE, SECRET, hostile


def deck(slides, links):
    """A valid deck with another order of slides, and other places of them."""
    return pptx() | {"ppt/presentation.xml": presentation(slides), "ppt/_rels/presentation.xml.rels": links}


def slide_id(number, link=1):
    return f'<p:sldId id="{number}" r:id="rId{link}"/>'


@hostile("one_slide_many_times.pptx", "F9", "any")
def one_slide_many_times():
    """100,000 references to one and the same slide."""
    slides = "".join(slide_id(256 + number) for number in range(100_000))
    return parts_zip(deck(slides, relationships(("slide", "slides/slide1.xml"))))


@hostile("large_slide_many_times.pptx", "F9", "any")
def large_slide_many_times():
    """50,000 references to one slide of 4 MiB: 200 GiB in all."""
    head, tail = slide("#").encode().split(b"#")
    slides = "".join(slide_id(256 + number) for number in range(50_000))
    large = {"ppt/slides/slide1.xml": pack(head, (b"word " * 1024, 820), tail)}
    return parts_zip(deck(slides, relationships(("slide", "slides/slide1.xml"))) | large)


@hostile("slide_missing.pptx", "F9", "any")
def slide_missing():
    """References to slides that do not exist, beside one that does."""
    return parts_zip(deck(slide_id(256, 9) + slide_id(257), relationships(("slide", "slides/slide1.xml"))))


@hostile("slide_is_presentation.pptx", "F12", "any")
def slide_is_presentation():
    """Its slides are the presentation itself, and its list of relationships."""
    links = relationships(("slide", "presentation.xml"), ("slide", "_rels/presentation.xml.rels"))
    return parts_zip(deck(slide_id(256) + slide_id(257, 2), links))


@hostile("slide_outside.pptx", "F16", "any", absent=PASSWD)
def slide_outside():
    """Its slides are said to be /etc/passwd, an address, and far above."""
    outside = 'TargetMode="External"'
    links = relationships(
        ("slide", "file:///etc/passwd", outside), ("slide", METADATA, outside), ("slide", "../../../../../etc/passwd")
    )
    return parts_zip(deck("".join(slide_id(256 + number, number) for number in (1, 2, 3)), links))


@hostile("relationship_cycle.pptx", "F12", "ready", text=PHRASE)
def relationship_cycle():
    """Slide, layout, master and notes point to each other in a circle."""
    ring = ("slides/slide1", "slideLayouts/slideLayout1", "slideMasters/slideMaster1", "notesSlides/notesSlide1")
    kinds = ("slide", "slideLayout", "slideMaster", "notesSlide")
    links = relationships(*((kind, f"../{name}.xml") for kind, name in zip(kinds, ring)))
    parts = pptx() | {f"ppt/{name}.xml": slide("") for name in ring[1:]}
    for name in ring:
        folder, file = name.split("/")
        parts[f"ppt/{folder}/_rels/{file}.xml.rels"] = links
    return parts_zip(parts)


@hostile("notes_shared.pptx", "F9", "any")
def notes_shared():
    """150 slides that share notes of 8 MiB: 1.2 GiB in all."""
    notes = XML + f'<p:notes xmlns:p="{SLIDE}" xmlns:a="{DRAWING}"><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>'
    end = "</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:notes>"
    links = relationships(*(("slide", f"slides/slide{number}.xml") for number in range(1, 151)))
    parts = deck("".join(slide_id(255 + number, number) for number in range(1, 151)), links)
    for number in range(1, 151):
        parts[f"ppt/slides/slide{number}.xml"] = slide(f"s{number}")
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relationships(("notesSlide", "../notesSlides/n.xml"))
    return parts_zip(parts | {"ppt/notesSlides/n.xml": pack(notes.encode(), (b"word" * 65_536, 32), end.encode())})


@hostile("slide_link_without_id.pptx", "F9", "any")
def slide_link_without_id():
    """References to slides without a number, with a wrong one, and in another namespace."""
    wrong = '<p:sldId/><p:sldId id="-1" r:id=""/><p:sldId id="99999999999999999999" r:id="rId1"/>'
    wrong += '<p:sldId x:id="rId1" xmlns:x="u"/>'
    return parts_zip(deck(wrong, relationships(("slide", "slides/slide1.xml"))))


@hostile("smart_art_cycle.pptx", "F12", "any")
def smart_art_cycle():
    """A slide with a chart and a drawing that are the slide itself."""
    chart = '<c:chart xmlns:c="u" r:id="rId1"/>'
    data = f'<a:graphic><a:graphicData uri="{DRAWING}/chart">{chart}</a:graphicData></a:graphic>'
    text = slide(PHRASE).replace("</p:spTree>", f"<p:graphicFrame>{data}</p:graphicFrame></p:spTree>")
    links = relationships(("chart", "slide1.xml"), ("diagramData", "slide1.xml"), ("slide", "slide1.xml"))
    return parts_zip(pptx() | {"ppt/slides/slide1.xml": text, "ppt/slides/_rels/slide1.xml.rels": links})


@hostile("media.pptx", "F3", "ready", text=PHRASE, absent=SECRET)
def media():
    """A slide with an action that runs a program, and media that are scripts."""
    click = '<a:hlinkClick r:id="rId1" action="ppaction://program"/>'
    text = slide(PHRASE).replace('name="Title"/>', f'name="Title">{click}</p:cNvPr>')
    links = relationships(("hyperlink", "file:///c:/windows/x.exe", 'TargetMode="External"'))
    more = {"ppt/media/media1.mp4": f"<script>{SECRET}</script>", "ppt/slides/_rels/slide1.xml.rels": links}
    return parts_zip(pptx() | {"ppt/slides/slide1.xml": text} | more)


@hostile("empty.pptx", "F9", "failed")
def empty():
    """A deck without slides."""
    parts = deck("", relationships())
    del parts["ppt/slides/slide1.xml"]
    return parts_zip(parts)


@hostile("empty_slide.pptx", "F9", "failed")
def empty_slide():
    """A deck with one slide without text."""
    return parts_zip(pptx(""))
