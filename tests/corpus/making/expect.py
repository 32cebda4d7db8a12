"""Write `expected.json`, and check it and both sets of questions against the files."""

import json
import re

from .blocks import blocks
from .common import DOCUMENTS, FILES, HERE, MADE
from .reading import even, read, size

EXPECTED, QUESTIONS, HELD_OUT = (HERE / f"{name}.json" for name in ("expected", "questions", "questions_held_out"))
LIMIT = 2_300_000


def read_questions(*paths):
    return [question for path in paths for question in json.loads(path.read_text())["questions"]]


def where(units, phrase):
    """The one place of a phrase, or nothing if it has none or several."""
    words, part, places = even(phrase["text"]), phrase.get("part"), []
    for place, text in units:
        if words in even(text) and (part is None or place.get("part", part) == part):
            place = {key: value for key, value in place.items() if key != "part"}
            if place not in places:
                places.append(place)
    return places[0] if len(places) == 1 else None


def long_enough(text):
    """Three to ten words; scripts without spaces are measured in letters."""
    return 3 <= len(text.split()) <= 10 or (len(text) >= 4 and bool(re.search("[\u3040-\u30ff\u4e00-\u9fff]", text)))


def sample(name, count):
    """Phrases of five words out of a document, spread evenly, the last ones included; many to choose from for each place."""
    texts = []
    for kind, content in blocks(name):
        texts += [cell for row in content for cell in row] if kind == "table" else [content]
    windows = []
    for text in texts:
        words = text.split()
        for start in range(max(0, len(words) - 4)):
            window = " ".join(words[start:start + 5])
            if re.fullmatch(r"[\w ,;:.%()ß-]+", window):
                windows.append(window.strip(" ,;:.()"))
    step = (len(windows) - 1) / count
    for number in range(count + 1):
        at = round(number * step)
        # From the wanted place on; for the last one, backwards.
        yield windows[at:at + 40] if number < count else windows[:-40:-1]


def expect():
    """Find the place of each phrase; stop if one cannot be found in the file by an independent program."""
    questions, result, wrong = read_questions(QUESTIONS), [], []
    for entry in sorted(MADE, key=lambda entry: (entry["kind"], entry["file"])):
        path = FILES / entry["file"]
        if "width" in entry:
            if size(path) != {"width": entry["width"], "height": entry["height"]}:
                wrong.append(f"{entry['file']}: {size(path)}")
            entry.pop("phrases")
        elif "fails" in entry:
            entry.pop("phrases")
        else:
            units, found = read(path), []
            for phrase in entry["phrases"]:
                phrase = {"text": phrase} if isinstance(phrase, str) else phrase
                place = where(units, phrase)
                if place is None:
                    wrong.append(f"{entry['file']}: {phrase['text']!r} is not found in exactly one place")
                else:
                    found.append({**phrase, **place})
            name = entry.pop("document", None)
            if name:
                # The passages of the questions that stand within one line or page, and samples of the whole text.
                passages = [{"text": q["passage"]} for q in questions
                            if q["file"] == entry["file"] and long_enough(q["passage"])]
                found += [{**phrase, **place} for phrase in passages if (place := where(units, phrase)) is not None]
                for choice in sample(name, 9 - len(found)):
                    hit = next(((text, place) for text in choice if (place := where(units, {"text": text})) is not None), None)
                    if hit is None:
                        wrong.append(f"{entry['file']}: none of {choice[:3]} found")
                    elif all(hit[0] != phrase["text"] for phrase in found):
                        found.append({"text": hit[0], **hit[1]})
            for text in entry.get("absent", []):
                if any(even(text) in even(unit) for _, unit in units):
                    wrong.append(f"{entry['file']}: {text!r} should not be found")
            entry["phrases"] = found
        result.append(entry)
    if wrong:
        raise SystemExit("\n".join(wrong))
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in result)
    EXPECTED.write_text(f'{{"files":[\n{lines}\n]}}\n')


def check():
    """Everything that can be checked without making the files anew."""
    wrong, words = [], {}
    entries = json.loads(EXPECTED.read_text())["files"]
    present = {str(path.relative_to(FILES)) for path in FILES.rglob("*") if path.is_file()}
    wrong += [f"{file}: listed on one side only" for file in present ^ {entry["file"] for entry in entries}]
    for entry in entries:
        path = FILES / entry["file"]
        if "width" in entry:
            if size(path) != {"width": entry["width"], "height": entry["height"]}:
                wrong.append(f"{entry['file']}: another size")
        elif "fails" not in entry:
            units = read(path)
            words[entry["file"]] = even(" ".join(text for _, text in units))
            for phrase in entry["phrases"]:
                place = {key: value for key, value in phrase.items() if key not in {"text", "part"}}
                here = [unit for unit in units if place.items() <= unit[0].items()]
                if where(here, phrase) is None:
                    wrong.append(f"{entry['file']}: {phrase} not found")
                if not long_enough(phrase["text"]):
                    wrong.append(f"{entry['file']}: {phrase['text']!r} is too short or too long")
            if not 4 <= len(entry["phrases"]) <= 10:
                wrong.append(f"{entry['file']}: {len(entry['phrases'])} phrases")
            wrong += [f"{entry['file']}: {text!r} found" for text in entry.get("absent", []) if even(text) in words[entry["file"]]]
    total = sum(path.stat().st_size for path in FILES.rglob("*") if path.is_file())
    if total > LIMIT:
        wrong.append(f"{total} bytes are more than {LIMIT}")

    sources = {path.stem: even(re.sub("[*`]", "", path.read_text())) for path in DOCUMENTS.glob("*.md")}
    questions = read_questions(QUESTIONS, HELD_OUT)
    for question in questions:
        passage, stem = even(question["passage"]), question["file"].split("/")[1].rsplit(".", 1)[0]
        if not 5 <= len(passage.split()) <= 12:
            wrong.append(f"{passage!r} is too short or too long")
        if [name for name, text in sources.items() if passage in text] != [stem] or sources[stem].count(passage) != 1:
            wrong.append(f"{passage!r} does not stand exactly once in {stem}")
        if [file for file, text in words.items() if passage in text] != [question["file"]]:
            wrong.append(f"{passage!r} does not stand in {question['file']} alone")
    asked = {question["file"].split("/")[1].rsplit(".", 1)[0] for question in questions}
    wrong += [f"{name}: no question" for name in set(sources) - asked]
    if wrong:
        raise SystemExit("\n".join(wrong))
    kinds = {}
    for entry in entries:
        kinds[entry["kind"]] = kinds.get(entry["kind"], 0) + 1
    phrases = sum(len(entry.get("phrases", [])) for entry in entries)
    print(f"{len(entries)} files, {total} bytes, {phrases} phrases, {len(questions)} questions about {len(sources)} documents")
    print(", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
