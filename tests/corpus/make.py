#!/usr/bin/env python3
"""Make the corpus: `make.py make [KIND ...]`, then `make.py expect`, then `make.py check`.

`make` writes the files (all kinds, or those named), `expect` finds the places of their phrases and writes `expected.json`, `check`
verifies `expected.json` and `questions.json` against the files. `make.sh` does all three after installing what they need."""

import json
import shutil
import sys

from making import expect, images, mails, office, pdfs, sheets, text
from making.common import FILES, MADE, WORK

MAKERS = {
    "txt": text.make_txt, "markdown": text.make_markdown, "code": text.make_code, "html": text.make_html, "csv": text.make_csv,
    "tsv": text.make_tsv, "json": text.make_json, "xlsx": sheets.make_xlsx, "xls": sheets.make_xls, "ods": sheets.make_ods,
    "docx": office.make_docx, "odt": office.make_odt, "pptx": office.make_pptx, "epub": office.make_epub, "pdf": pdfs.make_pdf,
    "eml": mails.make_eml, "png": images.make_png, "jpeg": images.make_jpeg, "webp": images.make_webp,
}
# What has been made, kind by kind, so that one kind can be made anew without the others.
NOTES = WORK / "made"


def make(kinds):
    NOTES.mkdir(exist_ok=True)
    for kind in kinds or MAKERS:
        print(f"making {kind}", flush=True)
        MADE.clear()
        shutil.rmtree(FILES / kind, ignore_errors=True)
        MAKERS[kind]()
        (NOTES / f"{kind}.json").write_text(json.dumps([entry for entry in MADE if entry["kind"] == kind]))


def main():
    command, *rest = sys.argv[1:] or [""]
    if command == "make":
        make(rest)
    elif command == "expect":
        MADE[:] = [entry for kind in MAKERS for entry in json.loads((NOTES / f"{kind}.json").read_text())]
        expect.expect()
    elif command == "check":
        expect.check()
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
