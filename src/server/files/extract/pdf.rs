//! PDF (ISO 32000): the letters that its pages show, in the order in which they are drawn, put together to lines.

use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask,
    font::{Glyph, GlyphRun},
    hayro_cmap::BfString,
    hayro_syntax::{LoadPdfError, Pdf},
    interpret_page,
    kurbo::{Affine, BezPath, Point, Rect},
};

use super::{Outcome, findings::Findings};
use crate::domain::{file_state::FileFailure, limits};

/// A gap of this part of the letters' size is a space.
const SPACE: f64 = 0.18;
/// So far up or down, a letter still stands in the same line: it may be a footnote's number.
const SAME_LINE: f64 = 0.5;
/// From this distance between lines on, a new paragraph begins.
const PARAGRAPH: f64 = 1.9;
/// Letters of one page.
const LETTERS_MAX: usize = 500_000;

/// Reads a document, page by page.
pub fn read(bytes: Vec<u8>, findings: &mut Findings) -> Outcome {
    let pdf = Pdf::new(bytes).map_err(|error| match error {
        LoadPdfError::Decryption(_) => FileFailure::Encrypted,
        LoadPdfError::Invalid => FileFailure::Damaged,
    })?;
    if pdf.pages().len() > limits::FILE_PAGES_MAX {
        return Err(FileFailure::TooLargeUnpacked);
    }
    let cache = InterpreterCache::new();
    for page in pdf.pages().iter() {
        let settings = InterpreterSettings::default();
        let bounds = Rect::new(0.0, 0.0, 1.0, 1.0);
        let mut context = Context::new(Affine::IDENTITY, bounds, &cache, pdf.xref(), settings);
        let mut lines = Lines::default();
        interpret_page(page, &mut context, &mut lines);
        findings.add_page(&lines.text, lines.shows_more)?;
    }
    Ok(())
}

/// Puts letters together to words and lines.
#[derive(Default)]
struct Lines {
    text: String,
    last: Option<Letter>,
    letters: usize,
    /// Whether there is an image, or a letter that nobody knows: what may be text, too.
    shows_more: bool,
}

/// Where a letter stands: seen along the direction of writing, and across it.
#[derive(Clone, Copy)]
struct Letter {
    start: f64,
    end: f64,
    across: f64,
    size: f64,
    direction: (f64, f64),
}

impl Letter {
    /// Letters lie on a plane of their own; this one shows where a letter of this width ends up on the page.
    fn new(place: Affine, width: f64) -> Self {
        let [a, b, ..] = place.as_coeffs();
        let (origin, end) = (place * Point::ZERO, place * Point::new(width, 0.0));
        let length = a.hypot(b).max(f64::MIN_POSITIVE);
        let (x, y) = (a / length, b / length);
        let [_, _, c, d, ..] = place.as_coeffs();
        // In thousandths of the font's size.
        let size = c.hypot(d) * 1_000.0;
        Self {
            start: origin.x * x + origin.y * y,
            end: end.x * x + end.y * y,
            across: origin.y * x - origin.x * y,
            size: if size > 0.0 { size } else { 1.0 },
            direction: (x, y),
        }
    }
}

impl Lines {
    fn add(&mut self, letter: Letter, text: &str) {
        if let Some(last) = self.last {
            match between(last, letter) {
                Gap::None => {}
                Gap::Space if self.text.ends_with([' ', '\n']) || text.starts_with(' ') => {}
                Gap::Space => self.text.push(' '),
                Gap::Tab => self.text.push('\t'),
                Gap::Line => self.end_line(text),
                Gap::Paragraph => self.text.push_str("\n\n"),
            }
        }
        self.text.push_str(text);
        self.last = Some(letter);
    }

    /// A word that was parted at the line's end is one again.
    fn end_line(&mut self, next: &str) {
        let trimmed = self.text.trim_end_matches(' ').len();
        self.text.truncate(trimmed);
        let is_parted = self.text.strip_suffix(['-', '\u{2010}', '\u{AD}']).is_some_and(|word| {
            word.ends_with(|letter: char| letter.is_lowercase()) && next.starts_with(char::is_lowercase)
        });
        if is_parted {
            self.text.pop();
        } else {
            self.text.push('\n');
        }
    }
}

enum Gap {
    None,
    Space,
    /// Wide, as between the cells of a table.
    Tab,
    Line,
    Paragraph,
}

fn between(last: Letter, next: Letter) -> Gap {
    let size = last.size.max(next.size);
    let is_turned = (last.direction.0 * next.direction.0 + last.direction.1 * next.direction.1) < 0.9;
    let drop = (next.across - last.across).abs();
    let gap = next.start - last.end;
    if is_turned || drop > size * PARAGRAPH {
        Gap::Paragraph
    } else if drop > size * SAME_LINE || gap < -size {
        Gap::Line
    } else if gap > size * 1.5 {
        Gap::Tab
    } else if gap > size * SPACE {
        Gap::Space
    } else {
        Gap::None
    }
}

impl Device<'_> for Lines {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.letters += 1;
            if self.letters > LETTERS_MAX {
                return;
            }
            let width = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(drawn) => drawn.advance_width(),
            };
            let letter = Letter::new(props.transform * glyph.transform(), f64::from(width.unwrap_or_default()));
            match glyph.as_unicode() {
                Some(BfString::Char(letter_text)) => self.add(letter, letter_text.encode_utf8(&mut [0; 4])),
                Some(BfString::String(text)) => self.add(letter, &text),
                None => self.shows_more = true,
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}

    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {
        self.shows_more = true;
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
