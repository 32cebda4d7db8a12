//! Documents and slides in the format of Office Open XML.

use quick_xml::events::BytesStart;
use undoc::{Block, Document, Paragraph, Section, Table, docx::DocxParser, model::RevisionType, pptx::PptxParser};

use super::{
    Outcome,
    findings::Findings,
    opendocument::AROUND,
    packed,
    xml::{Elements, walk},
};
use crate::domain::{file_kind::FileKind, file_state::FileFailure, place::Place};

/// Where a document's comments are packed.
const COMMENTS: &str = "word/comments.xml";

/// Reads a document, part by part under its headings, or slides, one by one.
pub fn read(kind: FileKind, bytes: Vec<u8>, findings: &mut Findings) -> Outcome {
    packed::check(&bytes)?;
    let main = if kind == FileKind::Docx { "word/document.xml" } else { "ppt/presentation.xml" };
    if !packed::has(&bytes, main) && !packed::has(&bytes, "_rels/.rels") {
        return Err(FileFailure::NotWhatItSays);
    }
    let comments_xml = packed::unpack(&bytes, COMMENTS).unwrap_or_default();
    let document = if kind == FileKind::Docx {
        DocxParser::from_bytes(bytes).and_then(|mut parser| parser.parse())
    } else {
        PptxParser::from_bytes(bytes).and_then(|mut parser| parser.parse())
    };
    let document = document.map_err(|error| match error {
        undoc::Error::Encrypted => FileFailure::Encrypted,
        _ => FileFailure::Damaged,
    })?;
    if kind != FileKind::Docx {
        return read_slides(&document, findings);
    }
    read_document(&document, findings)?;
    let mut comments = Comments::default();
    // What can be read of them: the text is there.
    let _ = walk(&comments_xml, &mut comments);
    add_part(findings, "Comments", &comments.text)
}

/// The comments of a document (ECMA-376, part 1, §17.13.4), which the library passes by.
#[derive(Default)]
struct Comments {
    text: String,
    is_text: bool,
}

impl Elements for Comments {
    fn skips(&self, name: &str) -> bool {
        name == "w:del"
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Outcome {
        match tag.name().as_ref() {
            "w:t" => self.is_text = true,
            "w:tab" => self.text.push('\t'),
            "w:br" => self.text.push('\n'),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Outcome {
        match name {
            "w:t" => self.is_text = false,
            "w:p" => self.text.push('\n'),
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, text: &str) {
        if self.is_text {
            self.text.push_str(text);
        }
    }
}

fn read_document(document: &Document, findings: &mut Findings) -> Outcome {
    let (mut heading, mut text) = (String::new(), String::new());
    for block in document.sections.iter().flat_map(|section| &section.content) {
        if let Block::Paragraph(paragraph) = block
            && paragraph.is_heading()
            && !paragraph_text(paragraph).trim().is_empty()
        {
            add_part(findings, &heading, &text)?;
            heading = paragraph_text(paragraph).trim().to_owned();
            text.clear();
        }
        push_block(&mut text, block);
    }
    add_part(findings, &heading, &text)?;
    // The same on every page, so it is said once.
    let mut around = Vec::new();
    for section in &document.sections {
        for paragraph in [&section.header, &section.footer].into_iter().flatten().flatten() {
            let line = paragraph_text(paragraph);
            if !line.trim().is_empty() && !around.contains(&line) {
                around.push(line);
            }
        }
    }
    add_part(findings, AROUND, &around.join("\n"))
}

fn add_part(findings: &mut Findings, heading: &str, text: &str) -> Outcome {
    let place = if heading.is_empty() { Place::Whole } else { Place::Part { name: heading.to_owned() } };
    findings.add(place, heading, text)
}

fn read_slides(document: &Document, findings: &mut Findings) -> Outcome {
    for (section, number) in document.sections.iter().zip(1..) {
        let mut text = String::new();
        for block in &section.content {
            push_block(&mut text, block);
        }
        let notes = lines(section.notes.iter().flatten());
        if !notes.trim().is_empty() {
            text.push_str("\nNotes:\n");
            text.push_str(&notes);
        }
        findings.add(Place::Slide { slide: number }, slide_title(section), &text)?;
    }
    Ok(())
}

fn slide_title(section: &Section) -> &str {
    section.name.as_deref().unwrap_or_default()
}

fn push_block(text: &mut String, block: &Block) {
    match block {
        Block::Paragraph(paragraph) => {
            let line = paragraph_text(paragraph);
            if !line.trim().is_empty() {
                text.push_str(if paragraph.is_list_item() { "- " } else { "" });
                text.push_str(&line);
                text.push_str(if paragraph.is_list_item() { "\n" } else { "\n\n" });
            }
        }
        Block::Table(table) => {
            push_table(text, table);
            text.push('\n');
        }
        Block::Note { label, content } => {
            text.push_str(&format!("[{label}] {}\n", lines(content.iter()).trim_end()));
        }
        Block::Image { alt_text: Some(words), .. } => {
            text.push_str(words);
            text.push('\n');
        }
        Block::Image { .. } | Block::PageBreak | Block::SectionBreak => {}
    }
}

fn push_table(text: &mut String, table: &Table) {
    for row in &table.rows {
        let cells: Vec<String> =
            row.cells.iter().map(|cell| lines(cell.content.iter()).trim().replace(['\n', '\t'], " ")).collect();
        text.push_str(cells.join("\t").trim_end());
        text.push('\n');
        for nested in row.cells.iter().flat_map(|cell| &cell.nested_tables) {
            push_table(text, nested);
        }
    }
}

fn lines<'a>(paragraphs: impl Iterator<Item = &'a Paragraph>) -> String {
    paragraphs.map(|paragraph| paragraph_text(paragraph) + "\n").collect()
}

/// As it reads with all changes accepted.
fn paragraph_text(paragraph: &Paragraph) -> String {
    let mut text = String::new();
    for run in paragraph.runs.iter().filter(|run| run.revision != RevisionType::Deleted) {
        text.push_str(&run.text);
        if let Some(label) = &run.note {
            text.push_str(&format!("[{label}]"));
        }
        if run.line_break || run.page_break {
            text.push('\n');
        }
    }
    text
}
