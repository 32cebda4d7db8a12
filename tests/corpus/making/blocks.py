"""The documents as blocks, for the programs that cannot read markdown themselves."""

import re

from .common import document


def plain(text):
    """A line without the marks of markdown."""
    return re.sub(r"\*\*|[*`]", "", text)


def blocks(name):
    """Pairs of a kind and its content: h1, h2, h3, p, ol, ul, table (rows of cells)."""
    result, rows = [], []
    for line in [*document(name).read_text().splitlines(), ""]:
        if line.startswith("|"):
            cells = [plain(cell.strip()) for cell in line.strip("|").split("|")]
            if not all(set(cell) <= {"-", ":"} for cell in cells):
                rows.append(cells)
            continue
        if rows:
            result.append(("table", rows))
            rows = []
        if heading := re.match(r"(#+) (.*)", line):
            result.append((f"h{len(heading[1])}", plain(heading[2])))
        elif item := re.match(r"- (.*)", line):
            result.append(("ul", plain(item[1])))
        elif item := re.match(r"\d+\. (.*)", line):
            result.append(("ol", plain(item[1])))
        elif line:
            result.append(("p", plain(line)))
    return result
