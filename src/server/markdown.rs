//! A reply's markdown as safe HTML, block by block.
//!
//! Markdown's blocks are decided line by line, and a top-level block that is followed by another never changes again. So a
//! growing text is rendered as *finished blocks*, each once, and an *open tail*, again and again: the cost of a token does
//! not grow with the reply. The same is done with a text that is complete, so that a reply looks alike live and reloaded.
//!
//! Raw HTML in a reply is shown as text. Images are shown as links: nothing is fetched from another host because a model
//! wrote its address. What comes out has gone through ammonia last; nothing is rendered after that.

mod citations;
mod highlight;

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::Builder;
use pulldown_cmark::{Alignment, BrokenLink, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use pulldown_cmark_escape::escape_href;
use reqwest::Url;

pub use self::citations::{Citations, attached_html, sources_html};
use crate::domain::message::SafeHtml;

/// Elements within each other; what is deeper is shown without them.
const NESTING_MAX: usize = 48;

/// Renders a text that grows.
#[derive(Default)]
pub struct Renderer {
    /// Bytes of the text that are in finished blocks.
    finished_bytes: usize,
    finished_blocks: usize,
    citations: Citations,
}

/// What changed since the last time.
pub struct Rendered {
    /// Place of the first of `blocks` among all.
    pub first_block: usize,
    pub blocks: Vec<SafeHtml>,
    pub tail: SafeHtml,
}

impl Renderer {
    /// For a reply whose numbers in brackets lead to these.
    pub fn new(citations: Citations) -> Self {
        Self { citations, ..Self::default() }
    }

    /// Bytes of the text that are rendered again each time.
    pub fn open_bytes(&self, text: &str) -> usize {
        text.len() - self.finished_bytes
    }

    /// Renders what is new of `text`, which begins with what it was last time.
    pub fn render(&mut self, text: &str) -> Rendered {
        let open = &text[self.finished_bytes..];
        // Only whole lines decide: half a line may still turn into anything.
        let whole_lines = open.rfind('\n').map_or(0, |at| at + 1);
        let starts = block_starts(&open[..whole_lines]);
        let first_block = self.finished_blocks;
        let mut blocks = Vec::new();
        // All but the last block are finished.
        for bounds in starts.windows(2) {
            blocks.push(render_block(&open[bounds[0]..bounds[1]], true, &self.citations));
        }
        let tail_start = starts.last().copied().unwrap_or(0);
        self.finished_bytes += if blocks.is_empty() { 0 } else { tail_start };
        self.finished_blocks += blocks.len();
        let tail = render_block(&text[self.finished_bytes..], false, &self.citations);
        Rendered { first_block, blocks, tail }
    }
}

/// Renders a text that will not change: all of its blocks are finished.
pub fn render_all(text: &str) -> Vec<SafeHtml> {
    render_reply(text, &Citations::default())
}

/// The same of a reply with sources.
pub fn render_reply(text: &str, citations: &Citations) -> Vec<SafeHtml> {
    let mut starts = block_starts(text);
    starts.push(text.len());
    starts
        .windows(2)
        .map(|bounds| render_block(&text[bounds[0]..bounds[1]], true, citations))
        .filter(|html| !html.is_empty())
        .collect()
}

/// Where the top-level blocks begin; the first one at 0, whatever stands before it.
fn block_starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(_) => {
                if depth == 0 {
                    starts.push(line_start(text, range.start));
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ if depth == 0 => starts.push(line_start(text, range.start)),
            _ => {}
        }
    }
    starts.dedup();
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
    starts
}

/// An indented block begins with its indentation, which the parser leaves out.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

fn render_block(markdown: &str, is_finished: bool, citations: &Citations) -> SafeHtml {
    // A number in brackets is a link that is defined nowhere.
    let known = |link: BrokenLink| {
        let is_ours =
            matches!(link.link_type, LinkType::Shortcut | LinkType::Reference) && citations.knows(&link.reference);
        is_ours.then(|| (CowStr::from(link.reference.to_string()), CowStr::from("")))
    };
    // The first number of two that stand together is taken for the text of a link to the second.
    let mut cited: Option<(LinkType, String)> = None;
    let mut code: Option<(String, String)> = None;
    let mut columns = Columns::default();
    let parser = Parser::new_with_broken_link_callback(markdown, options(), Some(known));
    let events = shallow(parser).filter_map(|event| match (event, &mut code) {
        (Event::Start(Tag::CodeBlock(kind)), _) => {
            let language = match kind {
                CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default().to_owned(),
                CodeBlockKind::Indented => String::new(),
            };
            code = Some((language, String::new()));
            None
        }
        (Event::Text(text), Some((_, source))) => {
            source.push_str(&text);
            None
        }
        (Event::End(TagEnd::CodeBlock), _) => {
            let (language, source) = code.take().unwrap_or_default();
            // A block that still grows is highlighted when it is whole: doing it for each token would cost its square.
            Some(Event::Html(highlight::code_block(&language, &source, is_finished).into()))
        }
        (
            Event::Start(Tag::Link {
                link_type: link_type @ (LinkType::ShortcutUnknown | LinkType::ReferenceUnknown),
                dest_url,
                ..
            }),
            _,
        ) => {
            cited = Some((link_type, citations.links(&dest_url).unwrap_or_default()));
            None
        }
        (Event::End(TagEnd::Link), _) if cited.is_some() => cited.take().map(|(_, links)| Event::Html(links.into())),
        (Event::Text(text), None) if cited.is_some() => match &cited {
            Some((LinkType::ReferenceUnknown, _)) => Some(match citations.links(&text) {
                Some(links) => Event::Html(links.into()),
                None => Event::Text(format!("[{text}]").into()),
            }),
            _ => None,
        },
        (Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }), _) if leads_nowhere(&dest_url) => {
            Some(Event::Html("<a>".into()))
        }
        (Event::Start(Tag::Table(alignments)), _) => {
            columns = Columns { alignments, next: 0, cell: "th" };
            Some(Event::Start(Tag::Table(Vec::new())))
        }
        (Event::Start(Tag::TableRow), _) => {
            (columns.next, columns.cell) = (0, "td");
            Some(Event::Start(Tag::TableRow))
        }
        (Event::Start(Tag::TableCell), _) => Some(Event::Html(columns.open_cell().into())),
        (Event::End(TagEnd::TableCell), _) => Some(Event::Html(format!("</{}>", columns.cell).into())),
        // Raw HTML is text, a block of it a paragraph; images are links.
        (Event::Start(Tag::HtmlBlock), _) => Some(Event::Start(Tag::Paragraph)),
        (Event::End(TagEnd::HtmlBlock), _) => Some(Event::End(TagEnd::Paragraph)),
        (Event::Html(html) | Event::InlineHtml(html), _) => Some(Event::Text(html)),
        (Event::Start(Tag::Image { dest_url, title, id, .. }), _) => {
            Some(Event::Start(Tag::Link { link_type: pulldown_cmark::LinkType::Inline, dest_url, title, id }))
        }
        (Event::End(TagEnd::Image), _) => Some(Event::End(TagEnd::Link)),
        // A task's box is a character: an input would need a label of its own.
        (Event::TaskListMarker(is_done), _) => {
            Some(Event::Text(CowStr::Borrowed(if is_done { "☑ " } else { "☐ " })))
        }
        // A single line break in a reply is meant as one.
        (Event::SoftBreak, _) => Some(Event::Text(CowStr::Borrowed("\n"))),
        (event, _) => Some(event),
    });
    let mut html = String::with_capacity(markdown.len() * 2);
    pulldown_cmark::html::push_html(&mut html, events);
    sanitize(&html)
}

/// Whether an address is no whole one, and none of our own.
fn leads_nowhere(address: &str) -> bool {
    let mut written = String::new();
    // As it will stand in the element; writing into a text cannot fail.
    let _ = escape_href(&mut written, address);
    Url::parse(&written).is_err() && citations::own_address(&written).is_none()
}

/// How the columns of a table are aligned. The library writes a style of its own, which the content policy forbids.
#[derive(Default)]
struct Columns {
    alignments: Vec<Alignment>,
    next: usize,
    /// The element of a cell: `th` in the head, else `td`.
    cell: &'static str,
}

impl Columns {
    fn open_cell(&mut self) -> String {
        let alignment = self.alignments.get(self.next).copied().unwrap_or(Alignment::None);
        self.next += 1;
        let cell = self.cell;
        match alignment {
            Alignment::None => format!("<{cell}>"),
            Alignment::Left => format!("<{cell} align=\"left\">"),
            Alignment::Center => format!("<{cell} align=\"center\">"),
            Alignment::Right => format!("<{cell} align=\"right\">"),
        }
    }
}

/// Leaves out what is nested more deeply than anybody reads, but not its text: the sanitizer's time grows with the square of
/// the depth.
fn shallow<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut depth = 0_usize;
    events.filter(move |event| match event {
        Event::Start(Tag::CodeBlock(_)) | Event::End(TagEnd::CodeBlock) => true,
        Event::Start(_) => {
            depth += 1;
            depth <= NESTING_MAX
        }
        Event::End(_) => {
            depth -= 1;
            depth < NESTING_MAX
        }
        _ => true,
    })
}

#[expect(clippy::disallowed_methods, reason = "this is the sanitizer")]
fn sanitize(html: &str) -> SafeHtml {
    SafeHtml::from_sanitizer(SANITIZER.clean(html).to_string().trim_end().to_owned())
}

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "span",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title", "class"])),
            ("ol", HashSet::from(["start"])),
            ("code", HashSet::from(["class"])),
            ("pre", HashSet::from(["class", "tabindex"])),
            ("span", HashSet::from(["class"])),
            ("td", HashSet::from(["align"])),
            ("th", HashSet::from(["align"])),
        ]))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("a", "class") if value != "citation" => None,
            ("code" | "pre" | "span", "class") if !value.split(' ').all(is_own_class) => None,
            _ => Some(value.into()),
        })
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Custom(Box::new(citations::own_address)))
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        // A wide table scrolls sideways, by keyboard, too.
        .set_tag_attribute_value("table", "tabindex", "0")
        .strip_comments(true);
    builder
});

/// Classes that our own renderer writes.
fn is_own_class(class: &str) -> bool {
    class == "code"
        || class.strip_prefix("hl-").or_else(|| class.strip_prefix("language-")).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+#.".contains(&byte))
        })
}

#[cfg(test)]
mod tests;
