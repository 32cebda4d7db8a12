//! Real files, made by real programs: how much of their text is found, and where. `tests/corpus/README.md` says what they are.

use std::{collections::BTreeMap, path::Path};

use sardonyx::domain::ids::FileId;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::support::{Setup, TestApp};

crate::once![the_text_of_real_files_is_found_where_it_stands];

/// Of the phrases of each kind of files, so many of a hundred at least.
const FOUND_PERCENT_MIN: usize = 95;

#[derive(Deserialize)]
struct Expected {
    files: Vec<ExpectedFile>,
}

#[derive(Deserialize)]
struct ExpectedFile {
    file: String,
    kind: String,
    #[serde(default)]
    phrases: Vec<Phrase>,
    /// Why it cannot be read.
    fails: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    pages: Option<i64>,
    /// Those that show something, but no text.
    unread_pages: Option<i64>,
}

/// Words that stand in a file, and where.
#[derive(Deserialize)]
struct Phrase {
    text: String,
    page: Option<i64>,
    slide: Option<i64>,
    sheet: Option<String>,
    row: Option<i64>,
    line: Option<i64>,
}

/// A piece of a file's text, as it is kept.
#[derive(Debug)]
struct Piece {
    place: String,
    number: i64,
    name: String,
    text: String,
}

pub fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

async fn the_text_of_real_files_is_found_where_it_stands(setup: Setup) {
    let app = TestApp::start(setup).await;
    let alice = app.alice().await;
    let expected: Expected = serde_json::from_slice(&std::fs::read(corpus().join("expected.json")).unwrap()).unwrap();
    let mut files: Vec<(FileId, ExpectedFile)> = Vec::new();
    for expected in expected.files {
        let content = std::fs::read(corpus().join("files").join(&expected.file)).unwrap();
        let name = expected.file.rsplit('/').next().unwrap();
        files.push((alice.upload(name, content).await, expected));
    }
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for (id, expected) in files {
        let (state, failure) = app.database.until_read(id).await;
        let count = kinds.entry(expected.kind.clone()).or_default();
        count.0 += 1;
        if let Some(wanted) = &expected.fails {
            assert_eq!((state.as_str(), &failure), ("failed", wanted), "{}", expected.file);
            continue;
        }
        assert_eq!(state, "ready", "{}: {failure}", expected.file);
        if let (Some(width), Some(height)) = (expected.width, expected.height) {
            let pixels = format!("SELECT width * 100000 + height FROM user_file WHERE id = {}", app.database.id(id.0));
            assert_eq!(app.database.number(&pixels).await, width * 100_000 + height, "{}", expected.file);
        }
        if let (Some(all), Some(unread)) = (expected.pages, expected.unread_pages) {
            let row = format!("FROM user_file WHERE id = {}", app.database.id(id.0));
            let pages = format!("SELECT pages * 100000 + unread_pages {row}");
            assert_eq!(app.database.number(&pages).await, all * 100_000 + unread, "{}", expected.file);
        }
        let pieces = pieces(&app, id).await;
        for phrase in &expected.phrases {
            count.1 += 1;
            match phrase.is_in(&pieces) {
                Ok(()) => count.2 += 1,
                Err(reason) => println!("{}: “{}” {reason}", expected.file, phrase.text),
            }
        }
    }
    for (kind, (files, phrases, found)) in &kinds {
        println!("{kind}: {files} files, {found} of {phrases} phrases");
    }
    for (kind, (_, phrases, found)) in kinds {
        assert!(found * 100 >= phrases * FOUND_PERCENT_MIN, "{kind}: {found} of {phrases}");
    }
}

async fn pieces(app: &TestApp, id: FileId) -> Vec<Piece> {
    let column = |column: &str| {
        format!("SELECT {column} FROM file_chunk WHERE file_id = {} ORDER BY seq", app.database.id(id.0))
    };
    let places = app.database.texts(&column("place")).await;
    let numbers = app.database.texts(&column("CAST(COALESCE(place_number, 0) AS text)")).await;
    let names = app.database.texts(&column("COALESCE(place_name, '')")).await;
    let texts = app.database.texts(&column("text")).await;
    let rest = places.into_iter().zip(numbers).zip(names).zip(texts);
    rest.map(|(((place, number), name), text)| Piece { place, number: number.parse().unwrap(), name, text }).collect()
}

impl Phrase {
    /// Whether it is in the text, and where it is expected.
    fn is_in(&self, pieces: &[Piece]) -> Result<(), String> {
        let wanted = plain(&self.text);
        // Text of one page, slide or sheet may be parted anywhere.
        let here: String =
            pieces.iter().filter(|piece| self.may_be_in(piece)).map(|piece| piece.text.as_str()).collect();
        if !plain(&here).contains(&wanted) {
            let all: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            let is_elsewhere = plain(&all).contains(&wanted);
            return Err(if is_elsewhere { "is not where it is expected" } else { "is not found" }.to_owned());
        }
        match self.line.or(self.row) {
            Some(number) => self.has_number(pieces, number, &wanted),
            None => Ok(()),
        }
    }

    fn may_be_in(&self, piece: &Piece) -> bool {
        self.page.is_none_or(|page| piece.place == "page" && piece.number == page)
            && self.slide.is_none_or(|slide| piece.place == "slide" && piece.number == slide)
            && self.sheet.as_ref().is_none_or(|sheet| piece.place == "row" && piece.name == *sheet)
    }

    /// Whether the piece that has this line or row has the phrase's first words there.
    fn has_number(&self, pieces: &[Piece], number: i64, wanted: &str) -> Result<(), String> {
        let lines = pieces
            .iter()
            .filter(|piece| self.may_be_in(piece))
            .flat_map(|piece| piece.text.lines().enumerate().map(|(place, line)| (piece.number + place as i64, line)));
        let line: String = lines.filter(|(found, _)| *found == number).map(|(_, line)| line).collect();
        let first = wanted.split(' ').next().unwrap_or_default();
        if plain(&line).contains(first) { Ok(()) } else { Err(format!("is not in {number}, there is “{line}”")) }
    }
}

/// A text without what is only layout.
fn plain(text: &str) -> String {
    let text: String = text.nfkc().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
