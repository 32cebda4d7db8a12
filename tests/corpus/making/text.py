"""Plain text, markdown, code, HTML, CSV, TSV and JSON."""

import csv
import io
import json
import shutil

from .common import WORK, by, document, made, run, soffice, target

HAND = "written by hand"


def put(file, text, encoding="utf-8", newline="\n"):
    """Write a text file in some encoding, with some line ends."""
    target(file).write_bytes(text.replace("\n", newline).encode(encoding))


def iconv(file, text, encoding, bom=b"", newline="\n"):
    """Write a text file that the program iconv has brought into some encoding."""
    raw = run("iconv", "-f", "UTF-8", "-t", encoding, stdin=text.replace("\n", newline))
    target(file).write_bytes(bom + raw)


# ---------------------------------------------------------------- txt

FERRY = """\
FERRY TIMETABLE, LINE 7

Halmstedt – Velden – Reed Island
Valid from 4 May to 27 September 2025

The first boat leaves the north pier at 6:20 on weekdays.
On Sundays the first boat leaves at 8:05 instead.

Bicycles are loaded before cars, and cargo bicycles stand at the bow.
A day ticket costs 7.40 €; children under six travel without one.

Reed Island is a request stop: wave the yellow flag on the jetty.
In fog the crossing takes 25 minutes longer. Café on board: crêpes, jus de pomme.

Lost on board? Call 0555 0121 and name the voyage, for example “7-118”.
"""

LETTER = """\
Liebe Mieterinnen und Mieter,

ab Montag, dem 3. März, wird im Hinterhaus die Heizung ausgetauscht.
Die Arbeiten dauern voraussichtlich bis zum Freitag derselben Woche.

Bitte räumen Sie die Kellerräume Nr. 4 bis 9 bis zum 28. Februar.
Für größere Möbel stellen wir einen Container im Hof bereit.

Warmes Wasser gibt es täglich zwischen 18 und 20 Uhr.
Die Kosten betragen etwa 85 € je Wohnung und werden über drei Jahre verteilt.

Rückfragen bitte an Frau Özdemir, Büro im Erdgeschoß.

Mit freundlichen Grüßen
Ihre Hausverwaltung „Am Mühlbach“
"""

FRENCH = """\
Compte rendu du comité de quartier

La réunion a commencé à dix-neuf heures dans la salle de l'école.
Le marché du samedi sera déplacé vers la place de l'Hôtel.
Trois marchands ont déjà accepté les nouveaux emplacements.

La fontaine sera réparée avant la fête de la musique.
Le coût est estimé à 4 300 euros, dont la moitié est prise en charge.

Prochaine réunion : le 11 septembre, même heure, même endroit.
Chacun apporte une chaise et, si possible, un gâteau.
"""

JAPANESE = """\
自転車教室のお知らせ

日時：六月十四日（土）午前十時から
場所：港の広場、赤い倉庫の前

持ち物は水筒と帽子です。
雨の場合は翌週の土曜日に行います。
参加費は一人三百円、小学生は無料です。

Contact: the yellow desk beside the pier
申し込みは五月三十日までにお願いします。
"""

LOG = """\
2025-06-03 05:58:12 INFO  station 04 woke up, battery 96 %
2025-06-03 05:58:13 INFO  station 04 reports 11 free docks
2025-06-03 06:14:40 WARN  dock 3 answers slowly (1840 ms)
2025-06-03 06:14:41 INFO  second attempt on dock 3 was successful
2025-06-03 07:02:09 ERROR card reader returned code 0x5A: chip not readable
2025-06-03 07:02:31 INFO  customer was sent to the desk
2025-06-03 07:45:00 INFO  morning report: 23 departures, 4 arrivals
2025-06-03 09:00:00 INFO  clock set, drift was 312 ms
2025-06-03 12:30:55 WARN  sun on the display, brightness raised to maximum
2025-06-03 21:59:59 INFO  good night, going to sleep until dawn
"""

MAN = """\
.TH TIDEPLAN 1 "2025-05-20" "tideplan 2.6" "User Commands"
.SH NAME
tideplan \\- plan crossings by the height of the water
.SH SYNOPSIS
.B tideplan
[\\fB\\-d\\fR \\fIdays\\fR] [\\fB\\-u\\fR \\fIunit\\fR] \\fIharbour\\fR
.SH DESCRIPTION
The program reads the table of a harbour and prints the hours in which a boat of given draught may pass the bar.
Times are local unless the option \\fB\\-z\\fR asks for universal time.
.SH OPTIONS
.TP
.BI \\-d " days"
Look ahead for this number of days; the default is three.
.TP
.BI \\-u " unit"
Print heights in metres or in feet.
.TP
.B \\-q
Say nothing, and only set the exit status.
.SH EXIT STATUS
Zero if there is a passage, one if there is none, and two after wrong usage.
.SH FILES
.I /usr/share/tideplan/harbours.tab
.SH BUGS
The sinking of the jetty in 2019 is not taken into account.
"""


def make_txt():
    plain = run("pandoc", "-f", "gfm", "-t", "plain", "--columns=78", document("garden_club_rules"))
    target("txt/garden_club_rules.txt").write_bytes(plain)
    made("txt/garden_club_rules.txt", by("pandoc"), document="garden_club_rules")

    put("txt/ferry_timetable.txt", FERRY, "utf-8-sig", "\r\n")
    made("txt/ferry_timetable.txt", HAND, [
        "FERRY TIMETABLE, LINE 7", "leaves the north pier at 6:20", "cargo bicycles stand at the bow",
        "A day ticket costs 7.40 €", "wave the yellow flag", "crêpes, jus de pomme", "name the voyage, for example “7-118”"])

    iconv("txt/letter_to_tenants.txt", LETTER, "WINDOWS-1252", newline="\r\n")
    made("txt/letter_to_tenants.txt", by("iconv"), [
        "Liebe Mieterinnen und Mieter", "ab Montag, dem 3. März", "Für größere Möbel stellen wir",
        "etwa 85 € je Wohnung", "Büro im Erdgeschoß", "Ihre Hausverwaltung „Am Mühlbach“"])

    iconv("txt/comite_de_quartier.txt", FRENCH, "ISO-8859-1")
    made("txt/comite_de_quartier.txt", by("iconv"), [
        "La réunion a commencé à dix-neuf heures", "Le marché du samedi sera déplacé", "La fontaine sera réparée",
        "Le coût est estimé", "le 11 septembre, même heure", "si possible, un gâteau"])

    iconv("txt/cycling_class.txt", JAPANESE, "SHIFT_JIS", newline="\r\n")
    made("txt/cycling_class.txt", by("iconv"), [
        "自転車教室のお知らせ", "港の広場、赤い倉庫の前", "持ち物は水筒と帽子です", "雨の場合は翌週の土曜日に行います",
        "the yellow desk beside the pier", "申し込みは五月三十日までに"])

    iconv("txt/station_log.txt", LOG, "UTF-16LE", bom=b"\xff\xfe", newline="\r\n")
    made("txt/station_log.txt", by("iconv"), [
        "station 04 woke up", "dock 3 answers slowly", "chip not readable", "customer was sent to the desk",
        "clock set, drift was 312 ms", "going to sleep until dawn"])

    manual = run("groff", "-man", "-Tutf8", "-P-c", "-P-b", "-P-o", "-P-u", stdin=MAN)
    target("txt/tideplan_manual.txt").write_bytes(manual)
    made("txt/tideplan_manual.txt", by("groff"), [
        "plan crossings by the height of the water", "reads the table of a harbour", "Look ahead for this number of days",
        "Print heights in metres or in feet", "Zero if there is a passage", "The sinking of the jetty in 2019"])


# ---------------------------------------------------------------- markdown

README_MD = """\
---
title: "Sluice: a small water gauge"
tags: [hardware, water]
license: MIT
---

Sluice: a small water gauge
===========================

Sluice measures the height of a canal with an **ultrasonic eye** and shows it on a
paper display[^display]. It lives on two AA cells for about fourteen months.

Parts
-----

| Part              | Count | Price | Remark                      |
|:------------------|------:|------:|-----------------------------|
| Eye `US-42`       |     1 |  6.90 | waterproof, with cable      |
| Paper display     |     1 | 11.50 | 2.1 inches, black and white |
| Board "Minnow"    |     1 |  8.00 | sleeps at nine microamperes |
| Plastic lunch box |     1 |  1.20 | any colour but transparent  |

Building it
-----------

1. Drill two holes of 16 mm, *side by side*.
2. Glue the eye in, but not with superglue.
3. Flash the program:

   ```sh
   sluice flash --port /dev/ttyUSB0 --speed 115200
   ```

4. Hang it under the bridge, at least one metre above the highest tide.

> Neighbours may ask questions. Show them the display; it helps.

- [x] tested in rain
- [ ] tested in ice
- [ ] tested with ducks 🦆

See also [the wiring plan](docs/wiring.svg) and <https://sluice.example.org/faq>.

[^display]: It keeps the last number even when the cells are empty.
"""

ADR_MD = """\
# 12. Keep pictures out of the database

Date: 2025-03-11

## Status

Accepted, replaces number 7.

## Context

The table of damage photos has grown to 41 gigabytes. A backup takes more than
three hours, and restoring one was never tried with the new size.

## Decision

Pictures are written as files, named after the hash of their content. The table
keeps only the name, the width and the height.

## Consequences

* Backups of the table shrink to about 600 megabytes.
* Two copies of the same picture take the room of one.
* Deleting needs a second step, which runs every night at 3:30.
* Nobody can read a picture with a query any longer.
"""


def make_markdown():
    # Two of the four as they are, one wrapped by pandoc, one with the line ends of Windows.
    for name in ("release_notes", "hiring_guide"):
        shutil.copy(document(name), target(f"markdown/{name}.md"))
        made(f"markdown/{name}.md", HAND, document=name)
    wrapped = run("pandoc", "-f", "gfm", "-t", "gfm", "--columns=80", document("api_reference"))
    target("markdown/api_reference.md").write_bytes(wrapped)
    made("markdown/api_reference.md", by("pandoc"), document="api_reference")
    put("markdown/glossary.md", document("glossary").read_text(), newline="\r\n")
    made("markdown/glossary.md", HAND, document="glossary")

    put("markdown/sluice_readme.md", README_MD)
    made("markdown/sluice_readme.md", HAND, [
        "measures the height of a canal", "two AA cells for about fourteen months", "sleeps at nine microamperes",
        "any colour but transparent", "at least one metre above the highest tide", "Show them the display; it helps",
        "It keeps the last number even when"])
    put("markdown/0012-pictures-out-of-database.md", ADR_MD)
    made("markdown/0012-pictures-out-of-database.md", HAND, [
        "Keep pictures out of the database", "Accepted, replaces number 7", "has grown to 41 gigabytes",
        "named after the hash of their content", "which runs every night at 3:30", "read a picture with a query"])

    html = WORK / "minutes.html"
    html.write_text("<h2>Choir rehearsal</h2><p>We begin with the <b>third verse</b> of the shanty.</p>"
                    "<ul><li>Altos stand on the left this time</li><li>Nobody claps before bar twenty</li></ul>"
                    "<table><tr><th>Song</th><th>Pitch</th></tr><tr><td>Leave her, Johnny</td><td>in G minor</td></tr>"
                    "<tr><td>Wenn die bunten Fahnen</td><td>a tone lower than usual</td></tr></table>"
                    "<p>Concert: <i>Saturday after the regatta</i>, in the old salt store.</p>")
    result = run("pandoc", "-f", "html", "-t", "markdown", "--columns=60", html)
    target("markdown/choir.md").write_bytes(result)
    made("markdown/choir.md", by("pandoc"), [
        "Altos stand on the left this time", "Nobody claps before bar twenty", "a tone lower than usual",
        "Saturday after the regatta"])


# ---------------------------------------------------------------- code

CODE = {
    "tide_table.rs": ('''\
//! Heights of the water at the pier, read from the table of the harbour office.

use std::collections::BTreeMap;

/// One line of the table: minutes after midnight, and centimetres above chart datum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub minute: u16,
    pub height: i16,
}

/// Why a table was refused.
#[derive(Debug)]
pub enum Refused {
    /// The line has a wrong number of columns.
    Columns { line: usize, found: usize },
    /// A height was not a number.
    Height(String),
}

/// Read a whole table; marks of the same minute overwrite each other.
pub fn read(text: &str) -> Result<BTreeMap<u16, Mark>, Refused> {
    let mut marks = BTreeMap::new();
    for (line, content) in text.lines().enumerate() {
        let columns: Vec<&str> = content.split('\\t').collect();
        let [minute, height] = columns[..] else {
            return Err(Refused::Columns { line, found: columns.len() });
        };
        let height = height.parse().map_err(|_| Refused::Height(height.to_owned()))?;
        let minute = minute.parse().unwrap_or(0);
        marks.insert(minute, Mark { minute, height });
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_has_no_marks() {
        assert!(read("").unwrap().is_empty(), "nothing comes of nothing");
    }
}
''', ["read from the table of the harbour office", "minutes after midnight, and centimetres", "pub struct Mark",
      "marks of the same minute overwrite each other", "nothing comes of nothing"]),
    "loaf_planner.py": ('''\
#!/usr/bin/env python3
"""Work out when the dough has to be kneaded so that bread is ready at noon."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

STEPS = {"knead": 12, "rest": 180, "shape": 20, "prove": 600, "bake": 45}


@dataclass
class Plan:
    ready: datetime
    notes: list[str] = field(default_factory=list)

    def backwards(self):
        """Walk from the finished loaf to the first grain of flour."""
        moment = self.ready
        for step, minutes in reversed(STEPS.items()):
            moment -= timedelta(minutes=minutes)
            yield step, moment


def main(argv=None):
    plan = Plan(datetime(2025, 6, 12, 12, 0))
    for step, moment in plan.backwards():
        print(f"{step:>8} at {moment:%H:%M on %A}")
    # The oven needs half an hour more in winter – nobody knows why.
    if plan.ready.month in (12, 1, 2):
        plan.notes.append("light the oven earlier than usual")


if __name__ == "__main__":
    main()
''', ["when the dough has to be kneaded", "from the finished loaf to the first grain", "for step, minutes in reversed",
      "The oven needs half an hour more", "light the oven earlier than usual"]),
    "wind_rose.js": ('''\
import { readFile } from 'node:fs/promises';

const NAMES = ['north', 'east', 'south', 'west'];

/**
 * Count how often the wind came from each quarter.
 * Calm minutes (below 0.3 m/s) are left out of the count.
 */
export async function windRose(path, { calm = 0.3 } = {}) {
  const rows = JSON.parse(await readFile(path, 'utf8'));
  const rose = Object.fromEntries(NAMES.map((name) => [name, 0]));
  for (const { degrees, speed } of rows) {
    if (speed < calm) continue;
    rose[NAMES[Math.round(degrees / 90) % 4]] += 1;
  }
  return rose;
}

export function describe(rose) {
  const [best] = Object.entries(rose).sort((a, b) => b[1] - a[1]);
  return best ? `mostly from the ${best[0]}, hold on to your hat` : 'no wind at all today';
}
''', ["Count how often the wind came", "are left out of the count", "export async function windRose",
      "hold on to your hat", "no wind at all today"]),
    "bell.c": ('''\
/* bell.c - ring the bell of the lock keeper over a serial line */
#include <stdio.h>
#include <string.h>

#define MAX_STROKES 8 /* more than eight would wake the whole village */

static const char *names[] = { "none", "boat waiting", "gate open", "fire" };

static int strokes_for(const char *reason)
{
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], reason) == 0)
            return (int)i * 2;
    return -1; /* an unknown reason is never rung */
}

int main(int argc, char **argv)
{
    int strokes = argc > 1 ? strokes_for(argv[1]) : 0;

    if (strokes < 0 || strokes > MAX_STROKES) {
        fprintf(stderr, "bell: this is no reason to ring\\n");
        return 2;
    }
    while (strokes-- > 0)
        putchar('\\a');
    return 0;
}
''', ["ring the bell of the lock keeper", "would wake the whole village", "an unknown reason is never rung",
      "this is no reason to ring"]),
    "queue.go": ('''\
// Package queue keeps parcels in the order in which a rider can deliver them.
package queue

import (
\t"errors"
\t"sort"
\t"time"
)

// ErrFull is returned when the box of the bicycle can take no more.
var ErrFull = errors.New("queue: the box is full to the brim")

// Parcel is something that somebody waits for.
type Parcel struct {
\tAddress string
\tLitres  float64
\tDue     time.Time
}

// Queue sorts by the time at which a parcel is due, not by distance.
type Queue struct {
\tparcels []Parcel
\troom    float64
}

// Add puts a parcel into the box if there is room left for it.
func (q *Queue) Add(p Parcel) error {
\tif p.Litres > q.room {
\t\treturn ErrFull
\t}
\tq.room -= p.Litres
\tq.parcels = append(q.parcels, p)
\tsort.SliceStable(q.parcels, func(i, j int) bool {
\t\treturn q.parcels[i].Due.Before(q.parcels[j].Due)
\t})
\treturn nil
}
''', ["keeps parcels in the order in which", "the box is full to the brim", "something that somebody waits for",
      "if there is room left for it", "func (q *Queue) Add"]),
    "library.sql": ('''\
-- The lending library of tools: who has the drill, and since when?
CREATE TABLE tool (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE,
    deposit  NUMERIC NOT NULL CHECK (deposit >= 0)
);

CREATE TABLE loan (
    tool_id  INTEGER NOT NULL REFERENCES tool (id) ON DELETE RESTRICT,
    member   TEXT    NOT NULL,
    lent_at  DATE    NOT NULL,
    back_at  DATE
);

INSERT INTO tool VALUES
    (1, 'hammer drill with two batteries', 30),
    (2, 'wallpaper table', 5),
    (3, 'sewing machine for sailcloth', 60);

-- Everything that has been out for longer than three weeks.
CREATE VIEW overdue AS
SELECT tool.name, loan.member, julianday('now') - julianday(loan.lent_at) AS days
FROM loan
JOIN tool ON tool.id = loan.tool_id
WHERE loan.back_at IS NULL
  AND julianday('now') - julianday(loan.lent_at) > 21
ORDER BY days DESC; -- the worst sinner comes first
''', ["who has the drill, and since when", "hammer drill with two batteries", "sewing machine for sailcloth",
      "out for longer than three weeks", "the worst sinner comes first"]),
    "station.toml": ('''\
# Settings of a docking station. Restart it after each change.
[station]
name = "Lighthouse Square"
docks = 14
opened = 2023-04-29

[display]
brightness = 0.7
greeting = "Good morning, where shall we go?"

[[maintenance]]
every_days = 30
task = "brush the contacts of all docks"

[[maintenance]]
every_days = 365
task = "replace the seal of the roof hatch"
''', ["Settings of a docking station", "name = \"Lighthouse Square\"", "Good morning, where shall we go?",
      "brush the contacts of all docks", "replace the seal of the roof hatch"]),
    "pipeline.yaml": ('''\
# What happens when somebody pushes to the repository of the website
name: website
on:
  push:
    branches: [main]
jobs:
  build:
    runs-on: debian-12
    steps:
      - name: Fetch the pictures of the week
        run: ./scripts/fetch-pictures --since monday
      - name: Build all pages twice and compare
        run: |
          make pages OUT=first
          make pages OUT=second
          diff -r first second
      - name: Send the result to the harbour server
        if: success()
        run: rsync -a first/ harbour.example.org:/srv/www/
  tell:
    needs: build
    runs-on: debian-12
    steps:
      - run: echo "the tide has turned, pages are fresh"
''', ["when somebody pushes to the repository", "Fetch the pictures of the week", "Build all pages twice and compare",
      "Send the result to the harbour server", "the tide has turned, pages are fresh"]),
    "backup.sh": ('''\
#!/bin/sh
# Copy the photo archive to the disk in the cellar, at most once a day.
set -eu

from=${1:?which folder shall be copied}
to=/media/cellar/photos
stamp=$to/.last-copy

if [ -e "$stamp" ] && [ -z "$(find "$stamp" -mtime +0)" ]; then
    echo "already copied today, nothing to do" >&2
    exit 0
fi

rsync --archive --delete-delay --exclude='*.tmp' "$from/" "$to/"
date > "$stamp"
echo "copied $(find "$to" -type f | wc -l) files, sleep well"
''', ["the disk in the cellar, at most once", "which folder shall be copied", "already copied today, nothing to do",
      "files, sleep well"]),
    "Kettle.java": ('''\
package org.example.kitchen;

/** A kettle that refuses to boil without water. */
public final class Kettle {
    private double litres;

    public void fill(double more) {
        if (more < 0) {
            throw new IllegalArgumentException("a kettle cannot be filled with less than nothing");
        }
        litres = Math.min(1.7, litres + more);
    }

    /** Minutes until the water sings; depends on nothing but the amount. */
    public double minutesToBoil() {
        if (litres == 0) {
            throw new IllegalStateException("the kettle is dry");
        }
        return 1.2 + litres * 2.1;
    }
}
''', ["A kettle that refuses to boil", "cannot be filled with less than nothing", "Minutes until the water sings",
      "public double minutesToBoil", "the kettle is dry"]),
    "night.css": ('''\
/* Colours for the night shift: no white surface anywhere. */
:root {
  --paper: #14181f;
  --ink: #e6dfcf;
}

body {
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.6 "Gentium Book Basic", serif;
}

/* The lamp in the corner glows while somebody is on call. */
.lamp[data-state="on"]::after {
  content: "on call until seven";
  color: #ffb347;
}
''', ["Colours for the night shift", "no white surface anywhere", "The lamp in the corner glows", "on call until seven"]),
    "gauge.ts": ('''\
/** A reading of the water gauge under the bridge. */
export interface Reading {
  readonly at: Date;
  readonly centimetres: number;
  readonly trusted: boolean;
}

type Trend = "rising" | "falling" | "standing still";

/** Compare the mean of the last three readings with the three before. */
export function trend(readings: readonly Reading[]): Trend {
  const trusted = readings.filter((reading) => reading.trusted);
  const mean = (part: readonly Reading[]): number =>
    part.reduce((sum, { centimetres }) => sum + centimetres, 0) / part.length;
  const change = mean(trusted.slice(-3)) - mean(trusted.slice(-6, -3));
  // Ripples of a passing barge must not count as a flood.
  if (Math.abs(change) < 4) return "standing still";
  return change > 0 ? "rising" : "falling";
}
''', ["A reading of the water gauge", "export interface Reading", "the mean of the last three readings",
      "must not count as a flood"]),
}


def make_code():
    for name, (text, phrases) in CODE.items():
        put(f"code/{name}", text)
        made(f"code/{name}", HAND, phrases)


# ---------------------------------------------------------------- html

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Repair café: how it works</title>
<style>body{font-family:sans-serif} .secret{display:none} nav a{color:teal}</style>
<script>window.settings = {"theme": "invisible machine words"};</script>
</head>
<body>
<!-- remark for editors, never shown -->
<nav><a href="/">Home</a> <a href="/dates">Dates</a> <a href="/contact">Contact</a></nav>
<main>
<h1>How the repair café works</h1>
<p>Bring what is broken: toasters, trousers, trumpets. Our volunteers look at it <em>together with you</em>&nbsp;&ndash; you
hold the torch.</p>
<h2>Rules</h2>
<ol><li>One object per visit, please.<li>No microwaves &amp; no televisions with a tube.<li>Whoever takes something apart
also puts it together again.</ol>
<table>
<caption>What we repaired last year</caption>
<thead><tr><th>Kind</th><th>Brought</th><th>Saved</th></tr></thead>
<tbody><tr><td>Lamps</td><td>112</td><td>ninety-eight of them</td></tr>
<tr><td>Coffee machines</td><td>47</td><td>just about half</td></tr></tbody>
</table>
<details><summary>And if it cannot be saved?</summary><p>Then we keep the screws and you keep the story.</p></details>
<img src="team.jpg" alt="Six people around a sewing machine">
<p>Caf&#233; cr&egrave;me &amp; cake: <data value="2.5">2&frac12; euros</data>. &#x1F9F5;</p>
<noscript>This page needs no script.</noscript>
</main>
<footer>Last changed on the day after the flea market</footer>
<script>document.title += " (machine words again)";</script>
</body>
</html>
"""

LATIN_PAGE = """\
<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1252">
<title>Gästebuch der Berghütte</title></head>
<body bgcolor="#ffffff"><font face="Arial"><h1>Gästebuch der Berghütte</h1>
<p>„Schöner Aufstieg, aber die Brücke über den Gletscherbach fehlt noch immer.“<br>– Familie Grünwald, 9. August</p>
<p>Der Käsekuchen war größer als mein Rucksack. Preis: 3,80 €<br>– Jörg &amp; Mäxchen</p>
<center><b>Nächste Übernachtung erst ab Fronleichnam möglich</b></center>
</font></body></html>
"""

JAPANESE_PAGE = """\
<!DOCTYPE html><html lang="ja"><head><meta charset="Shift_JIS"><title>図書室の案内</title></head><body>
<h1>図書室の案内</h1><p>開館時間は午前九時から午後五時までです。</p>
<ul><li>本は一度に五冊まで借りられます。</li><li>窓際の席は予約できません。</li></ul>
<p>傘は入口の箱に入れてください。</p></body></html>
"""

SCRIPTED = """\
<!DOCTYPE html><meta charset="utf-8"><title>Regatta</title><body><h1>Results of the rowing regatta</h1><table id="t"></table>
<p id="p"></p><script>
const rows = [["1", "Old Heron", "7 minutes 41"], ["2", "Wet Socks", "7 minutes 58"], ["3", "Die Bummler", "9 minutes 3"]];
for (const row of rows) {
  const line = document.getElementById("t").insertRow();
  for (const cell of row) line.insertCell().textContent = cell;
}
document.getElementById("p").textContent = "The prize for the slowest boat was a smoked eel.";
</script></body>
"""

MS = """\
.TL
Tuning an Accordion
.AU
Henrike Vos
.AB
A short lesson for people with patience and a small file.
.AE
.NH
The reeds
.PP
Each note has two reeds, one for pushing and one for pulling.
Scratch the tip and the note rises; scratch the base and it falls.
.NH
The order
.IP 1.
Begin with the middle octave, which everybody hears.
.IP 2.
Wait a night before the second round.
.PP
Wax of bees is warmed to sixty degrees, never more.
"""


def make_html():
    head = ["pandoc", "-f", "gfm", "-t", "html5", "-s", "--metadata", "lang=en"]
    target("html/canteen_recipes.html").write_bytes(
        run(*head, "--metadata", "pagetitle=Canteen Recipes", document("canteen_recipes")))
    made("html/canteen_recipes.html", by("pandoc"), document="canteen_recipes")
    target("html/faq.html").write_bytes(
        run(*head, "--toc", "--section-divs", "--metadata", "pagetitle=FAQ", document("faq")))
    made("html/faq.html", by("pandoc"), document="faq")

    put("html/repair_cafe.html", PAGE)
    made("html/repair_cafe.html", HAND, [
        "How the repair café works", "toasters, trousers, trumpets", "together with you – you hold the torch",
        "No microwaves & no televisions with a tube", "ninety-eight of them", "we keep the screws and you keep",
        "Café crème & cake: 2½ euros", "the day after the flea market"],
        absent=["invisible machine words", "remark for editors", "machine words again"])

    iconv("html/gaestebuch.html", LATIN_PAGE, "WINDOWS-1252", newline="\r\n")
    made("html/gaestebuch.html", by("iconv"), [
        "Gästebuch der Berghütte", "die Brücke über den Gletscherbach", "Der Käsekuchen war größer als mein Rucksack",
        "Preis: 3,80 €", "Nächste Übernachtung erst ab Fronleichnam möglich"])

    iconv("html/library_japanese.html", JAPANESE_PAGE, "SHIFT_JIS")
    made("html/library_japanese.html", by("iconv"), [
        "図書室の案内", "開館時間は午前九時から", "本は一度に五冊まで借りられます", "傘は入口の箱に入れてください"])

    page = WORK / "regatta.html"
    page.write_text(SCRIPTED)
    target("html/regatta_results.html").write_bytes(
        run("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={WORK}/chromium", "--dump-dom",
            page.as_uri()))
    made("html/regatta_results.html", by("Chromium"), [
        "Results of the rowing regatta", "7 minutes 41", "9 minutes 3", "The prize for the slowest boat", "was a smoked eel"],
        absent=["insertCell"])

    target("html/accordion.html").write_bytes(run("groff", "-ms", "-Thtml", "-P-l", stdin=MS))
    made("html/accordion.html", by("groff"), [
        "Tuning an Accordion", "patience and a small file", "one for pushing and one for pulling",
        "which everybody hears", "warmed to sixty degrees, never more"])

    source = WORK / "lighthouse.md"
    source.write_text("# Keeping the lighthouse\n\nThe lamp turns *once in nine seconds* and may not be stopped.\n\n"
                      "| Month | Oil | Remark |\n|---|---|---|\n| May | 40 l | gulls nest on the gallery |\n"
                      "| June | 31 l | shortest nights of the year |\n\n- polish the lens with chamois\n- count the passing "
                      "ships at dusk\n\nThe keeper's cat is called Fresnel.\n")
    odt = WORK / "lighthouse.odt"
    run("pandoc", "-f", "gfm", source, "-o", odt)
    soffice(odt, "html", target("html/lighthouse.html"))
    made("html/lighthouse.html", by("LibreOffice"), [
        "Keeping the lighthouse", "once in nine seconds", "gulls nest on the gallery", "shortest nights of the year",
        "count the passing ships at dusk", "cat is called Fresnel"])


# ---------------------------------------------------------------- csv, tsv, json

MEMBERS = [
    ["id", "name", "joined", "fee", "remark"],
    ["1", "Ásta Jónsdóttir", "2019-03-02", "48.00", "grows angelica, needs two buckets"],
    ["2", "Wouter van Dam", "2020-11-15", "48.00", 'says "never again" every autumn'],
    ["3", "Nao Fujii", "2022-05-01", "15.00", "pays in March,\nalways in coins"],
    ["4", "Éloïse Petit", "2023-08-20", "24.00", "joined in the second half of the year"],
    ["5", "Mahmoud Safi", "2024-02-09", "48.00", "keeper of the key to the shed"],
]
MEMBER_PHRASES = ["grows angelica, needs two buckets", "Wouter van Dam", "always in coins", "joined in the second half",
                  "keeper of the key to the shed"]


def table(rows, **how):
    buffer = io.StringIO()
    csv.writer(buffer, **how).writerows(rows)
    return buffer.getvalue()


def make_csv():
    target("csv/members.csv").write_text(table(MEMBERS), newline="")
    made("csv/members.csv", "csv module of Python", MEMBER_PHRASES)

    german = [["Straße", "Zähler", "Verbrauch (kWh)", "Bemerkung"],
              ["Mühlgasse 3", "Z-10041", "1.204,50", "Zähler hängt hinter der Tür"],
              ["Am Äußeren Tor 12", "Z-10042", "987,00", "Schlüssel bei Frau Böhm"],
              ["Kößlerweg 8", "Z-10043", "2.310,75", "Wärmepumpe; läuft nachts"],
              ["Hafenstraße 21", "Z-10050", "415,20", "Ablesung erst im März möglich"]]
    target("csv/zaehlerstaende.csv").write_bytes(table(german, delimiter=";").encode("cp1252"))
    made("csv/zaehlerstaende.csv", "csv module of Python", [
        "Zähler hängt hinter der Tür", "Am Äußeren Tor 12", "Schlüssel bei Frau Böhm", "Wärmepumpe; läuft nachts",
        "Ablesung erst im März möglich"])

    ods = WORK / "buoys.fods"
    rows = [("Buoy", "Colour", "Last seen", "Keeper's note"), ("B-01", "green", "2025-04-30", "bell cracked in the April gale"),
            ("B-02", "red", "2025-05-02", "seal family lives on it"), ("B-07", "yellow", "2025-05-02", "drifts when the dam opens"),
            ("B-09", "white", "2025-05-11", "paint touched up by the scouts")]
    cells = "".join("<table:table-row>" + "".join(
        f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row)
        + "</table:table-row>" for row in rows)
    ods.write_text('<?xml version="1.0" encoding="UTF-8"?><office:document '
                   'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
                   'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
                   'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2" '
                   'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body><office:spreadsheet>'
                   f'<table:table table:name="Buoys">{cells}</table:table></office:spreadsheet></office:body></office:document>')
    # Field separator, text delimiter, character set 76 (UTF-8), first line.
    soffice(ods, "csv", target("csv/buoys.csv"), "Text - txt - csv (StarCalc):44,34,76,1")
    made("csv/buoys.csv", by("LibreOffice"), [
        "bell cracked in the April gale", "seal family lives on it", "drifts when the dam opens", "touched up by the scouts"])

    sql = ("CREATE TABLE t(station, day, departures, weather);"
           "INSERT INTO t VALUES('Lighthouse Square','2025-05-01',211,'fair, light wind from the sea'),"
           "('Old Mill','2025-05-01',64,'the same, but dusty'),('Harbour Gate','2025-05-02',148,'rain until the early evening'),"
           "('University, east door','2025-05-02',305,'indoors, so who can tell');")
    target("csv/departures.csv").write_bytes(
        b"\xef\xbb\xbf" + run("sqlite3", "-header", "-csv", ":memory:", sql + "SELECT * FROM t;"))
    made("csv/departures.csv", by("sqlite3"), [
        "light wind from the sea", "the same, but dusty", "rain until the early evening", "University, east door",
        "so who can tell"])

    import pandas
    frame = pandas.DataFrame({"recipe": ["Nettle soup", "Rye crackers", "Pear chutney", "Œufs mimosa"],
                              "minutes": [35, 50, 140, 25],
                              "judgement": ["greener than it tastes", "gone before they were cold",
                                            "keeps until the next harvest", "très bon, says the jury"]})
    frame.to_csv(target("csv/tasting.csv"), index=True)
    made("csv/tasting.csv", by("pandas"), [
        "greener than it tastes", "gone before they were cold", "keeps until the next harvest", "très bon, says the jury"])


def make_tsv():
    rows = [["term", "Deutsch", "français", "日本語"], ["tide mill", "die Gezeitenmühle", "le moulin à marée", "潮汐水車"],
            ["low water", "das Niedrigwasser", "la basse mer", "干潮"],
            ["the tide turns", "die Flut kippt gerade", "la marée se renverse", "潮が変わる"],
            ["spring tide at full moon", "die Springflut bei Vollmond", "la grande marée", "大潮"]]
    phrases = ["le moulin à marée", "la grande marée", "die Flut kippt gerade", "spring tide at full moon", "潮が変わる"]
    target("tsv/sea_words.tsv").write_text(table(rows, dialect="excel-tab"), newline="")
    made("tsv/sea_words.tsv", "csv module of Python", phrases)

    other = [["box", "content", "shelf"], ["K-1", "ropes, more than thirty metres", "below the stairs"],
             ["K-2", "flags of countries that no longer exist", "attic, left"],
             ["K-3", "charts with coffee stains", "attic, right"], ["K-4", "letters nobody has sorted", "captain's bunk"]]
    # What a spreadsheet calls "Unicode text": UTF-16 with a mark at the beginning.
    target("tsv/boxes.tsv").write_bytes(b"\xff\xfe" + table(other, dialect="excel-tab").encode("utf-16-le"))
    made("tsv/boxes.tsv", "csv module of Python", [
        "more than thirty metres", "flags of countries that no longer exist", "charts with coffee stains",
        "letters nobody has sorted"])

    sql = ("CREATE TABLE bird(ring, species, seen, remark);INSERT INTO bird VALUES"
           "('DK-5521','whimbrel','2025-04-19','limps a little on the left'),('NL-0937','avocet','2025-04-19','fourth year in a row'),"
           "('H-1180','dunlin','2025-05-03','chased by a very small dog'),('H-1181','plover','2025-05-04','two eggs beside the footpath');")
    target("tsv/birds.tsv").write_bytes(run("sqlite3", "-header", "-tabs", ":memory:", sql + "SELECT * FROM bird;"))
    made("tsv/birds.tsv", by("sqlite3"), [
        "limps a little on the left", "fourth year in a row", "chased by a very small dog", "two eggs beside the footpath"])


def make_json():
    thing = {"name": "Harbour sauna", "open": True, "temperature": 86.5,
             "rules": ["no phones beyond the curtain", "towels under the whole body", "silence during the third round"],
             "staff": [{"name": "Ylva Lindqvist", "duty": "pours water and tells stories"},
                       {"name": "Çağla Demir", "duty": "keeps the stove from smoking"}],
             "note": "Le bain froid est obligatoire pour les courageux – \"for the others there is tea\".", "empty": None}
    put("json/sauna.json", json.dumps(thing, indent=2, ensure_ascii=False) + "\n")
    made("json/sauna.json", "json module of Python", [
        "no phones beyond the curtain", "silence during the third round", "pours water and tells stories",
        "keeps the stove from smoking", "Le bain froid est obligatoire"])

    put("json/escaped.json", json.dumps({
        "title": "Fähre nach Übersee", "entries": [
            {"de": "Rettungswesten liegen unter den Sitzen", "ja": "救命胴衣は座席の下にあります", "ar": "سترات النجاة تحت المقاعد"},
            {"de": "Bitte nicht füttern", "ja": "餌を与えないでください", "en": "the gulls bite 🐦 and never forget"}]}))
    made("json/escaped.json", "json module of Python", [
        "Fähre nach Übersee", "Rettungswesten liegen unter den Sitzen", "救命胴衣は座席の下にあります", "سترات النجاة تحت المقاعد",
        "the gulls bite 🐦 and never forget"])

    script = ("const places=[['Pier of the pilots',8.211,53.87,'deep enough for the old tug'],['Eel steps',8.219,53.874,"
              "'slippery from October to April'],['Salt store',8.224,53.869,'choir on Saturday evenings']];"
              "process.stdout.write(JSON.stringify({type:'FeatureCollection',features:places.map(([name,x,y,hint])=>({type:'Feature',"
              "properties:{name,hint},geometry:{type:'Point',coordinates:[x,y]}}))}))")
    target("json/places.geojson.json").write_bytes(run("node", "-e", script))
    made("json/places.geojson.json", by("Node.js"), [
        "Pier of the pilots", "deep enough for the old tug", "slippery from October to April", "choir on Saturday evenings"])

    target("json/syntax_tree.json").write_bytes(run("pandoc", "-f", "markdown", "-t", "json", stdin=(
        "# Lanterns\n\nA `lantern of red paper` needs *wick*, oil, and a `child who is awake`.\n\n```\nwe meet at the pump\n```\n\n[walk](https://lanterns.example.org/november 'in fog and rain')\n")))
    made("json/syntax_tree.json", by("pandoc"), [
        "lantern of red paper", "child who is awake", "we meet at the pump", "in fog and rain"])
