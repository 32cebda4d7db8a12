"""E-mails: eml."""

import base64
import json
import sys
from email import policy
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime
import datetime as dt

from .common import WORK, by, document, made, node, run, target

PYTHON = f"email module of Python {sys.version_info[0]}.{sys.version_info[1]}"


def start(sender, to, subject, day):
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = format_datetime(dt.datetime(2025, *day, 9, 30, tzinfo=dt.timezone.utc))
    mail["Message-ID"] = f"<{subject.encode().hex()[:16]}@example.org>"
    return mail


def make_eml():
    plain = run("pandoc", "-f", "gfm", "-t", "plain", "--columns=76", document("trip_report")).decode()
    page = run("pandoc", "-f", "gfm", "-t", "html5", "-s", "--metadata", "pagetitle=Trip report", document("trip_report")).decode()
    mail = start("Leila Brandt <leila@example.org>", "everybody@example.org", "Trip report: Lyon, Brno und Utrecht – très bien", (6, 2))
    mail.set_content(plain, cte="quoted-printable")
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    target("eml/trip_report.eml").write_bytes(bytes(mail))
    made("eml/trip_report.eml", PYTHON, ["Lyon, Brno und Utrecht – très bien"], document="trip_report")

    mail = start("Jörg Ähle <joerg@example.org>", "Büro <buero@example.org>", "Schlüssel für den Übungsraum", (3, 4))
    mail.set_content("Hallo zusammen,\n\nder Schlüssel für den Übungsraum liegt jetzt beim Bäcker gegenüber.\n"
                     "Wer ihn holt, trägt sich bitte in das grüne Heft ein.\n\nAm Donnerstag fällt die Probe der Bläser aus.\n\n"
                     "Schöne Grüße\nJörg\n", charset="iso-8859-1", cte="quoted-printable")
    target("eml/schluessel_latin1.eml").write_bytes(bytes(mail))
    made("eml/schluessel_latin1.eml", PYTHON, [
        "Schlüssel für den Übungsraum", "liegt jetzt beim Bäcker gegenüber", "trägt sich bitte in das grüne Heft",
        "fällt die Probe der Bläser aus"])

    mail = start("板橋 花 <hana@example.org>", "nao@example.org", "来週の水曜日の練習について", (5, 14))
    mail.set_content("直さん、\n\n来週の練習は体育館の二階で行います。\n新しい楽譜を忘れないでください。\n\n"
                     "P.S. The piano tuner comes an hour earlier.\n花\n", charset="iso-2022-jp", cte="7bit")
    target("eml/rehearsal_iso2022jp.eml").write_bytes(bytes(mail))
    made("eml/rehearsal_iso2022jp.eml", PYTHON, [
        "来週の水曜日の練習について", "来週の練習は体育館の二階で", "新しい楽譜を忘れないでください", "The piano tuner comes an hour earlier"])

    inner = start("warden@example.org", "club@example.org", "Level of the canal", (4, 1))
    inner.set_content("The canal will be lowered by forty centimetres from Monday on.\nMove your boats to the eastern quay.\n")
    mail = start("Club <club@example.org>", "members@example.org", "Fwd: Level of the canal", (4, 2))
    mail.set_content("Dear members,\n\nplease read what the warden writes below. Ropes are in the shed,\nand Piet has a ladder.\n")
    mail.add_attachment(inner)
    target("eml/forwarded.eml").write_bytes(bytes(mail))
    made("eml/forwarded.eml", PYTHON, ["Level of the canal", "please read what the warden writes", "and Piet has a ladder",
        {"text": "Move your boats to the eastern quay", "part": "attachment"}])

    mail = start("news@example.org", "readers@example.org", "Newsletter of the observatory, June", (6, 1))
    mail.set_content(
        "<html><head><style>.x{color:red} .preview{display:none}</style></head><body><h1>Newsletter of the observatory</h1>"
        "<p>The dome is open on every clear Friday&nbsp;night.</p><table><tr><td>Saturn</td><td>low above the brewery</td></tr>"
        "<tr><td>Perseids</td><td>bring a blanket and cocoa</td></tr></table><p>Unsubscribe? <a href='https://stars.example.org/u'>"
        "Click where nobody is offended</a>.</p></body></html>", subtype="html", cte="base64")
    target("eml/newsletter_html.eml").write_bytes(bytes(mail))
    made("eml/newsletter_html.eml", PYTHON, [
        "Newsletter of the observatory, June", "open on every clear Friday night", "low above the brewery",
        "bring a blanket and cocoa", "Click where nobody is offended"])

    # Old style: the lines folded, the names of headers in odd case, a body in two encodings, put together by hand.
    part = MIMEPart(policy=policy.SMTP)
    part.set_content("number;name\n1;rope with a loop\n", filename="list.csv", disposition="attachment")
    raw = ("from: =?ISO-8859-1?Q?Andr=E9_Lefebvre?= <andre@example.org>\r\nTO: stage@example.org\r\n"
           "subject: =?utf-8?B?" + base64.b64encode("Répétition générale".encode()).decode() + "?=\r\n"
           " =?utf-8?Q?_=E2=80=93_nouvelle_heure?=\r\nDate: Sat, 03 May 2025 18:22:01 +0200\r\nMIME-Version: 1.0\r\n"
           "Content-Type: multipart/mixed;\r\n\tboundary=\"=_next part\"\r\n\r\nThis is a message with several parts.\r\n"
           "--=_next part\r\nContent-Type: text/plain; charset=windows-1252; format=flowed\r\n"
           "Content-Transfer-Encoding: 8bit\r\n\r\n").encode()
    raw += "On commence à vingt heures précises, côté cour.\r\nLe décor n’est pas encore sec – prudence !\r\n".encode("cp1252")
    raw += b"--=_next part\r\n" + bytes(part) + b"\r\n--=_next part--\r\n"
    target("eml/repetition.eml").write_bytes(raw)
    made("eml/repetition.eml", "written by hand", [
        "Répétition générale – nouvelle heure", "On commence à vingt heures précises", "Le décor n’est pas encore", "encore sec – prudence !"])

    node("mail.js", target("eml/invoice_nodemailer.eml"))
    made("eml/invoice_nodemailer.eml", by("nodemailer"), [
        "Invoice 2025-118 for the dance floor", "payable within three weeks", "floor will be laid on Thursday",
        "mit freundlichem Gruß 🎺"])

    # Mutt hands the finished mail to what it takes for sendmail: a script that keeps it.
    keep = WORK / "keep-mail"
    keep.write_text(f"#!/bin/sh\ncat > '{target('eml/mutt_attachment.eml')}'\n")
    keep.chmod(0o755)
    note = WORK / "packing list.txt"
    note.write_text("tarpaulin, hammer, eleven pegs\n")
    settings = WORK / "muttrc"
    settings.write_text(f"set sendmail='{keep}'\nset from='Mirek Novák <mirek@example.org>'\nset use_from=yes\nset copy=no\n"
                        "set charset='utf-8'\nset send_charset='us-ascii:utf-8'\nset hostname='example.org'\nset user_agent=no\n")
    run("mutt", "-F", settings, "-s", "Tábor u řeky – camp by the river", "-a", note, "--", "scouts@example.org",
        stdin="Hello,\n\nthe camp by the river begins a day later, on Saturday.\nEach tent needs a grown-up who can cook.\n"
              "The bus stops at the chapel, not at the bridge.\n\nAhoj\nMirek\n",
        env={"HOME": str(WORK), "LC_ALL": "C.UTF-8"})
    made("eml/mutt_attachment.eml", by("mutt"), [
        "Tábor u řeky – camp by the river", "begins a day later, on Saturday", "a grown-up who can cook",
        "The bus stops at the chapel", {"text": "tarpaulin, hammer, eleven pegs", "part": "attachment"}])
