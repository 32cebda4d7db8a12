#!/usr/bin/env python3
"""Has a program read hostile files, as the server has it, and writes down what became of it and what it took.

Run as `python3 measure.py PROGRAM FOLDER NAME...`; writes a line of JSON for each file: `file`, `outcome` (`ready`, `failed` or
`died`), `reason`, `peak_kib` (most memory at a time), `seconds`, `text`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# What the ends of names stand for, where it is not the kind itself.
KINDS = {"txt": "text", "md": "markdown", "jpg": "jpeg", "svg": "code", "xml": "code", "rs": "code", "py": "code", "js": "code"}
KINDS |= {"yaml": "code", "xhtml": "html"}


def read(program, path):
    ending = path.suffix[1:]
    started = time.monotonic()
    with open(path, "rb") as content:
        process = subprocess.Popen(
            [program, "extract", KINDS.get(ending, ending)],
            stdin=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"MALLOC_ARENA_MAX": "1"},
        )
        said = [json.loads(line) for line in process.stdout]
        process.stdout.close()
        _, status, used = os.wait4(process.pid, 0)
    last = said[-1] if said else {}
    outcome = {"done": "ready", "failed": "failed"}.get(last.get("said"), "died")
    reason = last.get("failure", "")
    if outcome == "died":
        reason = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else str(os.WEXITSTATUS(status))
    text = "".join(part["text"] for part in said if part["said"] == "chunk")
    return {
        "file": path.name,
        "outcome": outcome,
        "reason": reason,
        "peak_kib": used.ru_maxrss,
        "seconds": time.monotonic() - started,
        "text": text,
    }


if __name__ == "__main__":
    program, folder, names = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(lambda name: read(program, folder / name), names):
            print(json.dumps(line))
