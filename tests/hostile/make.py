#!/usr/bin/env python3
"""Makes hostile files, and a list of them, for the tests of what reads uploaded files.

Run as `python3 make.py OUT_FOLDER`. It needs Python 3.11 and nothing else, and makes the same files each time.

`OUT_FOLDER/manifest.json` is `{"files": [{"file", "threat", "about", "expect", "text"?, "absent"?}]}`:

- `threat`: the number of the threat; `none` for an innocent file, which tests the test.
- `expect`: `failed` must be refused with a reason, `ready` must be read, `any` may be either if nothing breaks.
- `text`: is in what was read of a `ready` file.
- `absent`: is never in what was read of a file, whether it is expected to be `ready` or may be.

To add a file, write a function that returns its content (or yields it in pieces) in the module of its kind, and put
`@hostile(...)` on it: the first sentence of its description goes into the list.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

# Each of them puts its files into the one list in `registry`.
MODULES = (
    "innocent",
    "zips",
    "office",
    "sheets",
    "slides",
    "opendocument",
    "books",
    "compound",
    "pdf_structure",
    "pdf_content",
    "pictures",
    "plain",
    "markup",
    "mail",
    "noise",
)


def main(folder):
    sys.dont_write_bytecode = True
    for name in MODULES:
        import_module(name)
    registry = import_module("registry")
    folder.mkdir(parents=True, exist_ok=True)
    for made in registry.FILES:
        with open(folder / made.file, "wb") as out:
            for piece in pieces(made.content()):
                out.write(piece)
    manifest = {"files": [made.line() for made in registry.FILES]}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=True) + "\n")


def pieces(content):
    return [content] if isinstance(content, bytes) else content


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make.py OUT_FOLDER")
    main(Path(sys.argv[1]))
