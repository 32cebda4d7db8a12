"""Hostile mails."""

import base64

from archive import parts_zip
from parts import docx, paragraph
from registry import METADATA, PHRASE, SECRET, chance, hostile

DATE = "Date: Mon, 1 Jan 2026 00:00:00 +0000\r\n"
HEAD = f"From: a@example.org\r\nTo: b@example.org\r\nSubject: Mail\r\n{DATE}MIME-Version: 1.0\r\n"
TEXT = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
PART = f"{TEXT}{PHRASE}\r\n"


def mail(content, head=HEAD):
    return (head + content).encode("utf-8", "surrogateescape")


def multipart(parts, boundary="b", kind="mixed", end=True):
    """The header and body of parts."""
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{body}' + (
        f"--{boundary}--\r\n" if end else ""
    )


@hostile("many_parts.eml", "F9", "any")
def many_parts():
    """A mail of 10,000 parts."""
    return mail(multipart(["\r\nx"] * 10_000 + [PART]))


@hostile("deep_parts.eml", "F9", "any")
def deep_parts():
    """Parts in parts, 10,000 levels deep."""
    starts = (f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n' for level in range(10_000))
    return mail("".join(starts) + PART)


@hostile("deep_parts_one_boundary.eml", "F12", "any")
def deep_parts_one_boundary():
    """Parts in parts, 2,000 levels deep, all with the same boundary."""
    return mail('Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' * 2_000 + PART)


@hostile("deep_mails.eml", "F9", "any")
def deep_mails():
    """Mails in mails, 1,000 levels deep."""
    return mail("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nMIME-Version: 1.0\r\n" * 1000 + PART)


@hostile("deep_mails_encoded.eml", "F12", "any")
def deep_mails_encoded():
    """Mails in mails, each in base64 inside of the other, 15 levels deep."""
    inner = mail(PART)
    for _ in range(15):
        text = base64.encodebytes(inner).decode().replace("\n", "\r\n")
        inner = mail(f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}")
    return inner


@hostile("huge_header.eml", "F9", "any")
def huge_header():
    """A header of 5 MB."""
    yield b"X-Long: "
    for _ in range(50):
        yield b"a" * 100_000
    yield b"\r\n" + mail(PART)


@hostile("folded_header.eml", "F12", "any")
def folded_header():
    """A subject of 50,000 lines."""
    return mail(PART, "Subject: a" + "\r\n a" * 50_000 + "\r\n" + HEAD)


@hostile("many_headers.eml", "F9", "any")
def many_headers():
    """10,000 headers."""
    return mail(PART, "".join(f"X-{number}: a\r\n" for number in range(10_000)) + HEAD)


@hostile("encoded_words.eml", "F12", "any")
def encoded_words():
    """A subject of 4,000 encoded words: with unknown charsets, broken base64, and words in words."""
    words = "=?utf-8?B?w6Q=?= =?x-klingon?Q?=E4?= =?utf-8?B?!!!?= =?utf-8?Q?=?utf-8?Q?a?=?= =?=?="
    return mail(PART, "Subject: " + f"{words}\r\n " * 800 + "\r\n" + HEAD)


@hostile("many_addresses.eml", "F9", "any")
def many_addresses():
    """100,000 people to whom it goes."""
    return mail(PART, "Cc: " + ",".join(f"u{number}@a" for number in range(100_000)) + "\r\n" + HEAD)


@hostile("deep_comments.eml", "F9", "any")
def deep_comments():
    """An address with 100,000 comments in each other."""
    return mail(
        PART, "To: " + "(" * 100_000 + "a@example.org" + "\r\nReply-To: " + "<" * 100_000 + '"' * 9999 + "\r\n" + HEAD
    )


@hostile("many_parameters.eml", "F12", "any")
def many_parameters():
    """A content type with 4,000 pieces of one parameter, in no order."""
    pieces = "".join(f";\r\n name*{number * 7919 % 4_000}*=utf-8''%41" for number in range(4_000))
    return mail(f"Content-Type: text/plain; charset=utf-8{pieces};\r\n name*4294967295=x\r\n\r\n{PHRASE}\r\n")


@hostile("base64_garbage.eml", "F14", "any")
def base64_garbage():
    """A part in base64 with letters that are none, and ends in its middle."""
    garbage = "QUJD=QUJD====\r\n\u00e4\u00f6!!!\r\nQ\r\n" * 500
    bad = f"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{garbage}"
    return mail(multipart([PART, bad]))


@hostile("quoted_garbage.eml", "F14", "any", absent="\0")
def quoted_garbage():
    """A text with escapes that are none, and NUL."""
    return mail(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        f"{PHRASE} =ZZ =4 =00=FF=\r\n="
    )


@hostile("uuencoded.eml", "F14", "any")
def uuencoded():
    """Parts that are packed in ways that are old, or do not exist."""
    ways = ("x-uuencode", "x-gzip64", "binary", "7bit, base64", "")
    return mail(
        multipart([PART, *(f"Content-Transfer-Encoding: {way}\r\n\r\nbegin 644 x\r\n#0V%T\r\n" for way in ways)])
    )


@hostile("boundary_prefix.eml", "F14", "any")
def boundary_prefix():
    """A boundary that is the beginning of an inner one."""
    inner = multipart([PART], "outer-inner")
    return mail(multipart([inner, f"{TEXT}after\r\n"], "outer"))


@hostile("boundary_strange.eml", "F14", "any")
def boundary_strange():
    """Boundaries that are empty, blank, only hyphens, or 10,000 letters."""
    strange = ("", " ", "--", "-" * 70, "a" * 10_000, "\u00e4", "a\tb")
    parts = [multipart([PART], boundary) for boundary in strange]
    return mail(multipart(parts, "b"))


@hostile("boundary_missing.eml", "F14", "any")
def boundary_missing():
    """Parts without a boundary."""
    return mail(f"Content-Type: multipart/mixed\r\n\r\n--b\r\n{PART}--b--\r\n")


@hostile("boundaries_many.eml", "F12", "any")
def boundaries_many():
    """100 KB of lines that are almost the boundary."""
    boundary = "-" * 60 + "b"
    return mail(multipart([PART + ("-" * 62 + "\r\n") * 1_500], boundary))


@hostile("missing_end.eml", "F14", "any")
def missing_end():
    """The last boundary is missing."""
    return mail(multipart([PART], end=False))


@hostile("charset_unknown.eml", "F14", "ready", text=PHRASE)
def charset_unknown():
    """A text in a charset that does not exist."""
    return mail(f'Content-Type: text/plain; charset="x-no-such-charset"\r\n\r\n{PHRASE}\r\n')


@hostile("charset_wrong.eml", "F14", "any")
def charset_wrong():
    """Texts that say UTF-16, UTF-7, EBCDIC and a name of 10,000 letters, and are ASCII."""
    names = ("utf-16", "utf-7", "cp037", "x" * 10_000, "utf-8'; drop", "\u00e4")
    return mail(multipart([f"Content-Type: text/plain; charset={name}\r\n\r\n{PHRASE}\r\n" for name in names]))


@hostile("page.eml", "F3", "ready", text=PHRASE, absent=SECRET)
def page():
    """A web page as mail, with a script, a form and pictures from elsewhere."""
    hidden = f"<script>{SECRET}()</script><style>{SECRET}</style>"
    html = f'<html><body>{hidden}<p>{PHRASE}</p><img src="{METADATA}"></body></html>'
    return mail(f"Content-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n")


@hostile("page_deep.eml", "F9", "any")
def page_deep():
    """A web page as mail, with 20,000 elements that do not end."""
    return mail(f"Content-Type: text/html; charset=utf-8\r\n\r\n<p>{PHRASE}</p>{'<div>' * 20_000}")


@hostile("attachments.eml", "F16", "ready", text=PHRASE)
def attachments():
    """Attachments whose names are paths, and are programs."""
    names = ("../../../etc/cron.d/x", "C:\\\\x.exe", "/etc/passwd", "a\u202efdp.exe", "=?utf-8?B?Li4vLi4veA==?=")
    parts = (
        f'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\nMZ\r\n'
        for name in names
    )
    return mail(multipart([PART, *parts]))


@hostile("attached_documents.eml", "F9", "any")
def attached_documents():
    """100 documents of Word in one mail."""
    data = base64.encodebytes(parts_zip(docx(paragraph("inner")))).decode().replace("\n", "\r\n")
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    part = f'Content-Type: {kind}; name="x.docx"\r\nContent-Transfer-Encoding: base64\r\n\r\n{data}'
    return mail(multipart([PART] + [part] * 100))


@hostile("outside_body.eml", "F10", "ready", text=PHRASE)
def outside_body():
    """A part that is said to be a file elsewhere."""
    kinds = ('local-file; name="/etc/passwd"', f'url; url="{METADATA}"', 'anon-ftp; site="169.254.169.254"; name="x"')
    parts = (
        f"Content-Type: message/external-body; access-type={kind}\r\n\r\nContent-Type: text/plain\r\n\r\n"
        for kind in kinds
    )
    return mail(multipart([PART, *parts]))


@hostile("partial.eml", "F9", "any")
def partial():
    """A mail that says that it is part one of two billion."""
    return mail(f'Content-Type: message/partial; id="x"; number=1; total=2147483647\r\n\r\n{PHRASE}\r\n')


@hostile("headers_only.eml", "F14", "any")
def headers_only():
    """A mail without a body."""
    return mail("")


@hostile("empty_body.eml", "F14", "any")
def empty_body():
    """A mail of empty parts."""
    return mail(multipart(["\r\n"] * 100))


@hostile("line_ends.eml", "F14", "any")
def line_ends():
    """A mail whose lines end with a carriage return alone, or with two."""
    return mail(multipart([PART])).replace(b"\r\n", b"\r") + mail(PART).replace(b"\r\n", b"\r\r\n")


@hostile("dates.eml", "F14", "ready", text=PHRASE)
def dates():
    """Dates that are none, or beyond all bounds."""
    wrong = ("99 Foo 99999999999999999999 99:99:99 +9999", "", "0", "Mon, 30 Feb -1 00:00:60 -0000", "\u00e4")
    return mail(PART, HEAD.replace(DATE, "".join(f"Date: {date}\r\n" for date in wrong)))


@hostile("encrypted.eml", "F14", "any")
def encrypted():
    """A mail that is encrypted (S/MIME)."""
    data = base64.encodebytes(chance("smime").randbytes(2000)).decode().replace("\n", "\r\n")
    return mail(
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{data}"
    )
