"""Hostile books (EPUB)."""

from archive import parts_zip
from packed import pack
from parts import XML, epub, page
from registry import METADATA, PASSWD, PHRASE, SECRET, chance, hostile


def item(name, href, kind="application/xhtml+xml"):
    return f'<item id="{name}" href="{href}" media-type="{kind}"/>'


def reference(name):
    return f'<itemref idref="{name}"/>'


@hostile("spine_repeats.epub", "F9", "any")
def spine_repeats():
    """A spine that names one chapter 50,000 times."""
    return parts_zip(epub(spine=reference("c1") * 50_000))


@hostile("spine_many_items.epub", "F9", "any")
def spine_many_items():
    """50,000 items of the spine, all of them the same chapter under other names."""
    numbers = range(50_000)
    manifest = "".join(item(f"i{number}", "c1.xhtml") for number in numbers)
    return parts_zip(epub(manifest=manifest, spine="".join(reference(f"i{number}") for number in numbers)))


@hostile("spine_amplified.epub", "F9", "any")
def spine_amplified():
    """A chapter of 4 MiB that the spine names 50,000 times: 200 GiB in all."""
    head, tail = page("#").encode().split(b"#")
    return parts_zip(
        epub(spine=reference("c1") * 50_000) | {"OEBPS/c1.xhtml": pack(head, (b"word " * 1024, 820), tail)}
    )


@hostile("spine_cycle.epub", "F12", "any")
def spine_cycle():
    """The spine names the package itself and the container; chapters include each other."""
    manifest = item("self", "book.opf") + item("up", "../META-INF/container.xml") + item("c2", "c2.xhtml")
    spine = "".join(reference(name) for name in ("self", "up", "c1", "c2", "c1", "nav"))
    parts = epub(f'<p>{PHRASE}</p><iframe src="c2.xhtml"/><a href="c2.xhtml">2</a>', manifest, spine)
    return parts_zip(parts | {"OEBPS/c2.xhtml": page('<iframe src="c1.xhtml"/><a href="c1.xhtml">1</a>')})


@hostile("fallback_cycle.epub", "F12", "any")
def fallback_cycle():
    """Items that fall back to each other in a circle."""
    ring = "".join(
        f'<item id="{name}" href="{name}.bin" media-type="x/y" fallback="{back}"/>' for name, back in ("ab", "ba", "dd")
    )
    return parts_zip(epub(manifest=ring, spine="".join(map(reference, ("a", "b", "d", "c1")))))


@hostile("contents_cycle.epub", "F12", "any")
def contents_cycle():
    """A table of contents nested 50,000 levels deep that points to itself."""
    head, tail = page('<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc">#</nav>').encode().split(b"#")
    start, end = b'<ol><li><a href="nav.xhtml">n</a>' * 100, b"</li></ol>" * 100
    return parts_zip(epub() | {"OEBPS/nav.xhtml": pack(head, (start, 500), (end, 500), tail)})


@hostile("package_is_container.epub", "F12", "any")
def package_is_container():
    """The container names itself as the package."""
    parts = epub()
    container = parts["META-INF/container.xml"].replace("OEBPS/book.opf", "META-INF/container.xml")
    return parts_zip(parts | {"META-INF/container.xml": container})


@hostile("outside.epub", "F16", "any", absent=PASSWD)
def outside():
    """Items that are files and addresses outside of the book."""
    places = ("file:///etc/passwd", "/etc/passwd", "../../../../../etc/passwd", METADATA, "%2e%2e/%2e%2e/etc/passwd")
    manifest = "".join(item(f"o{number}", place) for number, place in enumerate(places))
    spine = "".join(reference(f"o{number}") for number in range(len(places)))
    return parts_zip(epub(manifest=manifest, spine=spine + reference("c1")))


@hostile("package_outside.epub", "F16", "any", absent=PASSWD)
def package_outside():
    """The container says that the package is /etc/passwd."""
    parts = epub()
    container = parts["META-INF/container.xml"].replace("OEBPS/book.opf", "../../../../etc/passwd")
    return parts_zip(parts | {"META-INF/container.xml": container})


@hostile("scripts.epub", "F3", "ready", text=PHRASE, absent=SECRET)
def scripts():
    """A chapter with scripts, styles and event handlers."""
    body = (
        f'<script>alert("{SECRET}")</script><style>p {{ background: url({METADATA}{SECRET}) }}</style>'
        f'<p onclick="{SECRET}()">{PHRASE}</p><img src="x" onerror="{SECRET}()"/><!-- {SECRET} -->'
    )
    return parts_zip(epub(body) | {"OEBPS/x.js": SECRET})


@hostile("encrypted.epub", "F9", "failed")
def encrypted():
    """A book whose chapters are encrypted for one reader (DRM)."""
    parts = epub() | {"META-INF/rights.xml": "<rights/>"}
    parts["META-INF/encryption.xml"] = encryption(
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "OEBPS/c1.xhtml", "OEBPS/nav.xhtml"
    )
    for name in ("OEBPS/c1.xhtml", "OEBPS/nav.xhtml"):
        parts[name] = chance(name).randbytes(1600)
    return parts_zip(parts)


@hostile("encrypted_font.epub", "none", "ready", text=PHRASE)
def encrypted_font():
    """A book in which only a font is made unreadable, as many have it: innocent."""
    noise = chance("font").randbytes(1600)
    rule = encryption("http://www.idpf.org/2008/embedding", "OEBPS/f.otf")
    parts = epub(manifest=item("f", "f.otf", "font/otf"))
    return parts_zip(parts | {"META-INF/encryption.xml": rule, "OEBPS/f.otf": noise})


def encryption(method, *names):
    """The list of what is encrypted in a book."""
    data = "".join(
        f'<e:EncryptedData><e:EncryptionMethod Algorithm="{method}"/><e:CipherData><e:CipherReference URI="{name}"/>'
        "</e:CipherData></e:EncryptedData>"
        for name in names
    )
    names = 'xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:e="http://www.w3.org/2001/04/xmlenc#"'
    return f"{XML}<encryption {names}>{data}</encryption>"


@hostile("chapter_missing.epub", "F9", "any")
def chapter_missing():
    """A spine that names chapters that are not there, and items that are not listed."""
    spine = "".join(map(reference, ("c9", "x", "", "c1")))
    return parts_zip(epub(manifest=item("c9", "c9.xhtml") + item("", ""), spine=spine))


@hostile("pictures_only.epub", "F9", "any")
def pictures_only():
    """A book of pictures, without any text but its title."""
    return parts_zip(epub('<p><img src="p.png" alt=""/></p>', item("p", "p.png", "image/png")))


@hostile("no_spine.epub", "F9", "any")
def no_spine():
    """A book with an empty spine."""
    return parts_zip(epub(spine=""))


@hostile("entities.epub", "F10", "any")
def entities():
    """A chapter with entities of HTML that XML does not know."""
    return parts_zip(epub(f"<p>{PHRASE}&nbsp;&eacute;&hellip;&nosuch;&</p>"))


@hostile("tag_soup.epub", "F9", "any")
def tag_soup():
    """A chapter that is HTML with open and crossed elements."""
    return parts_zip(epub(f"<p><b><i>{PHRASE}</b><br><p><table><td></i><li>"))
