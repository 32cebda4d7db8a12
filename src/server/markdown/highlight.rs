//! Code blocks, highlighted by classes; the colours are in `style/`.

use std::sync::LazyLock;

use syntect::{
    html::{ClassStyle, ClassedHTMLGenerator},
    parsing::{SyntaxReference, SyntaxSet},
    util::LinesWithEndings,
};

/// Longer code is shown plain: highlighting takes milliseconds for each kilobyte.
const HIGHLIGHTED_BYTES_MAX: usize = 48 * 1024;
/// A line longer than this is no code that somebody reads, and costs the most.
const LINE_BYTES_MAX: usize = 2 * 1024;
const CLASS_STYLE: ClassStyle = ClassStyle::SpacedPrefixed { prefix: "hl-" };

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// A code block's HTML. Not yet sanitized.
pub fn code_block(language: &str, source: &str, highlighted: bool) -> String {
    let body = highlighted.then(|| highlight(language, source)).flatten().unwrap_or_else(|| html_escape(source));
    let language = html_escape(&language.to_ascii_lowercase());
    let class = if language.is_empty() { String::new() } else { format!(" class=\"language-{language}\"") };
    // Wide code scrolls inside itself, also by keyboard.
    format!("<pre class=\"code\" tabindex=\"0\"><code{class}>{body}</code></pre>\n")
}

/// None when the language is unknown or the code too long.
fn highlight(language: &str, source: &str) -> Option<String> {
    let is_bearable = source.len() <= HIGHLIGHTED_BYTES_MAX && source.lines().all(|line| line.len() <= LINE_BYTES_MAX);
    let syntax = find_syntax(language).filter(|_| is_bearable)?;
    let mut generator = ClassedHTMLGenerator::new_with_class_style(syntax, &SYNTAXES, CLASS_STYLE);
    for line in LinesWithEndings::from(source) {
        generator.parse_html_for_line_which_includes_newline(line).ok()?;
    }
    Some(generator.finalize())
}

fn find_syntax(language: &str) -> Option<&'static SyntaxReference> {
    let token = match language.to_ascii_lowercase().as_str() {
        "" => return None,
        // Languages that the set does not have, by their nearest kin.
        "typescript" | "ts" | "tsx" | "jsx" => "js".to_owned(),
        "shell" | "console" | "zsh" => "bash".to_owned(),
        "jsonc" | "json5" => "json".to_owned(),
        other => other.to_owned(),
    };
    SYNTAXES.find_syntax_by_token(&token)
}

fn html_escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    pulldown_cmark_escape::escape_html(&mut html, text).unwrap_or_default();
    html
}
