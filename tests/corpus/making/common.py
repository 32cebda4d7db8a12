"""What all parts of the corpus maker share: the folders, running programs, the list of what has been made."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
FILES = HERE / "files"
DOCUMENTS = HERE / "documents"
# Everything that is needed on the way lies here and may be thrown away afterwards.
WORK = Path(os.environ.get("CORPUS_WORK") or tempfile.mkdtemp(prefix="corpus-"))
WORK.mkdir(parents=True, exist_ok=True)

# The files made so far: one entry per file, in the shape of `expected.json`, but without places.
MADE = []


def run(*command, stdin=None, cwd=None, env=None):
    """Run a program, give its output; stop with its messages if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=cwd or WORK,
        env={**os.environ, **(env or {})},
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-2000:]}\n{command}")
    return done.stdout


def target(file):
    """The path of a file in the corpus, its folder made."""
    path = FILES / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def made(file, by, phrases=(), **more):
    """Note that a file has been made: by which program, what one reads in it, what one must not read in it."""
    path = FILES / file
    if not path.is_file() or not path.stat().st_size:
        raise SystemExit(f"{file} has not been made")
    MADE[:] = [entry for entry in MADE if entry["file"] != file]
    MADE.append({"file": file, "kind": file.split("/")[0], "made_by": by, "phrases": list(phrases), **more})


def document(name):
    """The source of one of the twenty documents."""
    return DOCUMENTS / f"{name}.md"


def soffice(source, to, out, filters="", reads=""):
    """Convert with LibreOffice; `to` is an ending with an optional filter, `out` the wanted path."""
    folder = Path(tempfile.mkdtemp(dir=WORK))
    command = ["soffice", f"-env:UserInstallation=file://{WORK}/libreoffice", "--headless"]
    if reads:
        command.append(f"--infilter={reads}")
    run(*command, "--convert-to", to + (f":{filters}" if filters else ""), "--outdir", folder, source)
    results = list(folder.iterdir())
    if len(results) != 1:
        raise SystemExit(f"LibreOffice made {results} of {source}")
    shutil.move(results[0], out)


def node(script, *arguments, stdin=None):
    """Run one of the scripts for Node that lie beside this file."""
    script = Path(__file__).parent / script
    # Node looks for packages beside the script, so the script is run from the folder that has them.
    place = Path(os.environ.get("CORPUS_NODE", WORK)) / script.name
    shutil.copy(script, place)
    return run("node", place, *arguments, stdin=stdin)


def by(name):
    """The name of a program with its version, as it stands in `made_by`."""
    commands = {
        "LibreOffice": ["soffice", "--version"],
        "pandoc": ["pandoc", "--version"],
        "Ghostscript": ["gs", "--version"],
        "groff": ["groff", "--version"],
        "Chromium": ["chromium", "--version"],
        "qpdf": ["qpdf", "--version"],
        "ImageMagick": ["convert-im6.q16", "-version"],
        "Gnumeric": ["ssconvert", "--version"],
        "Pango": ["pango-view", "--version"],
        "enscript": ["dpkg-query", "-W", "-f", "${Version}", "enscript"],
        "cwebp": ["cwebp", "-version"],
        "cjpeg": ["dpkg-query", "-W", "-f", "${Version}", "libjpeg-turbo-progs"],
        "pdfTeX": ["pdftex", "--version"],
        "mutt": ["mutt", "-v"],
        "sqlite3": ["sqlite3", "--version"],
        "iconv": ["iconv", "--version"],
        "Node.js": ["node", "--version"],
    }
    if name in commands:
        text = run(*commands[name]).decode()
        found = re.search(r"\d+(\.\d+)+", text)
        return f"{name} {found[0]}" if found else name
    packages = Path(os.environ.get("CORPUS_NODE", WORK)) / "node_modules"
    if (packages / name / "package.json").is_file():
        return f"{name} {json.loads((packages / name / 'package.json').read_text())['version']} (npm)"
    return f"{name} {metadata.version(name)} (PyPI)"
