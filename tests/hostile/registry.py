"""The one list of all files that are made."""

import random
from collections.abc import Callable
from dataclasses import dataclass

# What is written in every file that can be read.
PHRASE = "pomegranate lighthouse"
# What stands where no reader of text may look: in scripts, embedded files, entries beside the document.
SECRET = "zzsecretzz"
# How the file begins that outside references name.
PASSWD = "root:x:0:0"
# A service that clouds offer inside of themselves, and that no upload may reach.
METADATA = "http://169.254.169.254/latest/meta-data/"

FILES = []


@dataclass(frozen=True)
class Made:
    file: str
    threat: str
    about: str
    expect: str
    content: Callable
    text: str | None
    absent: str | None

    def line(self):
        """What the manifest says of it."""
        line = {"file": self.file, "threat": self.threat, "about": self.about, "expect": self.expect}
        return line | {key: value for key in ("text", "absent") if (value := getattr(self, key)) is not None}


def add(file, threat, expect, about, content, text=None, absent=None):
    """Puts a file into the list."""
    assert expect in ("failed", "ready", "any"), file
    assert all(made.file != file for made in FILES), file
    FILES.append(Made(file, threat, about, expect, content, text, absent))


def hostile(file, threat, expect, text=None, absent=None):
    """Puts the file that a function makes into the list."""

    def put(content):
        about = " ".join(content.__doc__.split("\n\n")[0].split())
        add(file, threat, expect, about, content, text, absent)
        return content

    return put


def chance(name):
    """Random numbers that are the same each time."""
    return random.Random(f"hostile {name}")
