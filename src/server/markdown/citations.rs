//! Numbers in a reply that lead to its sources, and the lists of files that belong to messages. Names of files are escaped
//! here, and what comes out has gone through ammonia, too.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock},
};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark_escape::escape_html;
use uuid::Uuid;

use crate::domain::{
    message::SafeHtml,
    next::{FILES_PATH, file_path, passage_path},
    source::{FileUse, FilesSearched, MessageFile},
};

/// Numbers in one pair of brackets that are looked at.
const NUMBERS_MAX: usize = 10;

/// Where the numbers in a reply lead.
#[derive(Clone, Debug, Default)]
pub struct Citations(Arc<BTreeMap<u32, Citation>>);

#[derive(Clone, Debug, Hash)]
struct Citation {
    path: String,
    title: String,
}

impl Citations {
    /// Of a reply that was given these; of deleted ones there are none.
    pub fn of(sources: &[MessageFile]) -> Self {
        let known = sources.iter().filter_map(|source| Some((source.number, to_citation(source)?)));
        Self(Arc::new(known.collect()))
    }

    /// A number that is another one whenever they lead elsewhere.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether what stands in brackets names sources.
    pub(super) fn knows(&self, label: &str) -> bool {
        !self.0.is_empty() && self.links(label).is_some()
    }

    /// What stands in brackets as links; none when it is something else, or leads nowhere.
    pub(super) fn links(&self, label: &str) -> Option<String> {
        let numbers = label.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let of_word = label[..label.len() - numbers.len()].trim().to_ascii_lowercase();
        if !["", "source", "sources"].contains(&of_word.as_str()) {
            return None;
        }
        let numbers: Vec<u32> =
            numbers.split(',').take(NUMBERS_MAX + 1).map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
        let known: Vec<&Citation> = numbers.iter().map(|number| self.0.get(number)).collect::<Option<_>>()?;
        (known.len() <= NUMBERS_MAX)
            .then(|| numbers.iter().zip(known).map(|(number, citation)| link(*number, citation)).collect())
    }
}

fn to_citation(source: &MessageFile) -> Option<Citation> {
    let id = source.file_id?;
    let name = source.name.as_str();
    match &source.used_as {
        FileUse::Piece { seq, place } => {
            Some(Citation { path: passage_path(id, *seq), title: format!("{name}, {place}") })
        }
        FileUse::Picture => Some(Citation { path: file_path(id), title: name.to_owned() }),
        FileUse::Attached | FileUse::Left(_) => None,
    }
}

fn link(number: u32, citation: &Citation) -> String {
    let Citation { path, title } = citation;
    format!("<a class=\"citation\" href=\"{path}\" title=\"{}\">{number}</a>", escaped(title))
}

/// An address of our own that may stand in a reply: a file, or a piece of its text.
pub(super) fn own_address(url: &str) -> Option<Cow<'_, str>> {
    let rest = url.strip_prefix(FILES_PATH)?.strip_prefix('/')?;
    let (id, piece) = rest.split_once('?').unwrap_or((rest, ""));
    let is_id = Uuid::try_parse(id).is_ok_and(|parsed| parsed.to_string() == id);
    let is_piece = |piece: &str| {
        let numbers = piece.strip_prefix("at=").and_then(|piece| piece.split_once("#chunk-"));
        numbers.is_some_and(|(at, chunk)| at == chunk && at.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (is_id && (piece.is_empty() || is_piece(piece))).then_some(Cow::Borrowed(url))
}

/// The files that came with a message.
pub fn attached_html(files: &[MessageFile]) -> SafeHtml {
    if files.is_empty() {
        return SafeHtml::default();
    }
    let mut html = String::from("<ul class=\"message-files\" aria-label=\"Files\">");
    for file in files {
        let name = name_html(file);
        html.push_str(&format!("<li>{name}</li>"));
    }
    html.push_str("</ul>");
    clean(&html)
}

/// What a reply was given: its sources, file by file, and what there is to say of the search.
pub fn sources_html(sources: &[MessageFile], searched: Option<FilesSearched>) -> SafeHtml {
    let mut html = String::new();
    let is_given = |source: &MessageFile| matches!(source.used_as, FileUse::Piece { .. } | FileUse::Picture);
    let given = sources.iter().filter(|source| is_given(source)).count();
    if !sources.is_empty() {
        html.push_str(&format!("<details class=\"sources\"><summary>{}</summary><ul>", count_text(given)));
        // Sources of one file stand together.
        let mut files: Vec<Vec<&MessageFile>> = Vec::new();
        let mut places: HashMap<_, usize> = HashMap::new();
        for source in sources {
            let key = source.file_id.map_or_else(|| Err(source.name.as_str()), Ok);
            let place = *places.entry(key).or_insert_with(|| {
                files.push(Vec::new());
                files.len() - 1
            });
            files[place].push(source);
        }
        for group in files {
            html.push_str("<li>");
            html.push_str(&name_html(group[0]));
            for source in group {
                html.push(' ');
                match (&source.used_as, to_citation(source)) {
                    (FileUse::Left(why), _) => html.push_str(why.text()),
                    (_, Some(citation)) => html.push_str(&link(source.number, &citation)),
                    (_, None) => html.push_str(&format!("[{}]", source.number)),
                }
            }
            html.push_str("</li>");
        }
        html.push_str("</ul></details>");
    }
    let note = match searched {
        Some(_) if given == 0 => Some("Nothing that fits was found in your files."),
        Some(FilesSearched::Words) => Some("Your files were searched by their words only, not by their meaning."),
        _ => None,
    };
    if let Some(note) = note {
        // Writing into a text cannot fail.
        let _ = write!(html, "<p class=\"sources-note\">{note}</p>");
    }
    if html.is_empty() { SafeHtml::default() } else { clean(&html) }
}

fn count_text(given: usize) -> String {
    match given {
        0 => "No sources".to_owned(),
        1 => "1 source".to_owned(),
        count => format!("{count} sources"),
    }
}

fn name_html(file: &MessageFile) -> String {
    let name = escaped(file.name.as_str());
    match file.file_id {
        Some(id) => format!("<a class=\"message-file\" href=\"{}\">{name}</a>", file_path(id)),
        None => format!("<span class=\"message-file\">{name} <em>(deleted file)</em></span>"),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing into a text cannot fail.
    let _ = escape_html(&mut escaped, text);
    escaped
}

#[expect(clippy::disallowed_methods, reason = "this is the sanitizer")]
fn clean(html: &str) -> SafeHtml {
    SafeHtml::from_sanitizer(LISTS.clean(html).to_string())
}

static LISTS: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(["a", "details", "em", "li", "p", "span", "summary", "ul"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title", "class"])),
            ("details", HashSet::from(["class"])),
            ("p", HashSet::from(["class"])),
            ("span", HashSet::from(["class"])),
            ("ul", HashSet::from(["class", "aria-label"])),
        ]))
        .url_relative(UrlRelative::Custom(Box::new(own_address)))
        .url_schemes(HashSet::new())
        .link_rel(None);
    builder
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{file::FileName, ids::FileId, place::Place};

    fn piece(number: u32, is_there: bool) -> MessageFile {
        let name = FileName::parse("\"><img src=x onerror=a>.pdf").unwrap();
        let used_as = FileUse::Piece { seq: 4, place: Place::Page { page: 2 } };
        MessageFile { number, file_id: is_there.then(|| FileId(Uuid::nil())), name, used_as }
    }

    #[test]
    fn numbers_in_brackets_lead_to_their_sources() {
        let citations = Citations::of(&[piece(1, true), piece(2, true), piece(3, false)]);
        let count = |label| citations.links(label).map(|html| html.matches("<a ").count());
        assert_eq!(count("1"), Some(1));
        assert_eq!(count("1, 2"), Some(2));
        assert_eq!(count("source 2"), Some(1));
        for label in ["3", "4", "x", "1x", "", "1, 3", "note 1"] {
            assert_eq!(count(label), None, "{label}");
        }
    }

    #[test]
    fn only_addresses_of_files_are_our_own() {
        let id = Uuid::nil();
        for url in [format!("/files/{id}"), format!("/files/{id}?at=3#chunk-3")] {
            assert!(own_address(&url).is_some(), "{url}");
        }
        for url in
            ["/admin", "//evil", "/files/../admin", "/files/x", &format!("/files/{id}?at=3#chunk-4"), "javascript:1"]
        {
            assert!(own_address(url).is_none(), "{url}");
        }
    }

    #[test]
    fn f27_a_files_name_is_text_wherever_it_stands() {
        let files = [piece(1, true), piece(2, false)];
        for html in [attached_html(&files), sources_html(&files, Some(FilesSearched::Words))] {
            assert!(!html.as_str().contains("<img"), "{}", html.as_str());
            assert!(html.as_str().contains("deleted file"), "{}", html.as_str());
        }
        assert!(!Citations::of(&files).links("1").unwrap().contains("<img"));
    }
}
