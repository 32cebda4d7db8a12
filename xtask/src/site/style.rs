//! The style sheet: the files that `style/main.css` imports, in that order, as one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The one style sheet, without comments and needless white space.
pub fn bundle(folder: &Path) -> Result<String> {
    let main = folder.join("main.css");
    let text = fs::read_to_string(&main).with_context(|| format!("{} is missing", main.display()))?;
    let mut bundle = String::new();
    for file in imports(&text)? {
        let part = fs::read_to_string(folder.join(file)).with_context(|| format!("main.css imports {file}"))?;
        let part = smaller(&part);
        if part.contains("@import") {
            bail!("style/{file} has an @import: only main.css imports");
        }
        bundle.push_str(&part);
    }
    Ok(bundle)
}

/// The names in `@import "x.css";` lines.
fn imports(main: &str) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    let mut in_comment = false;
    for line in main.lines().map(str::trim) {
        in_comment |= line.starts_with("/*");
        if in_comment {
            in_comment = !line.ends_with("*/");
        } else if let Some(rest) = line.strip_prefix("@import \"") {
            names.push(rest.strip_suffix("\";").with_context(|| format!("style/main.css: not understood: {line}"))?);
        } else if !line.is_empty() {
            bail!("style/main.css holds only `@import \"x.css\";` lines, not: {line}");
        }
    }
    Ok(names)
}

/// The same rules in fewer bytes. Strings stay as they are; nothing is reordered or merged.
fn smaller(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(next) = rest.chars().next() {
        if next == '"' || next == '\'' {
            let end = end_of_string(rest, next);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if next.is_whitespace() {
            rest = rest.trim_start();
            if !out.ends_with([' ', '{', '}', ';', ',', ':']) && !out.is_empty() {
                out.push(' ');
            }
        } else {
            if matches!(next, '{' | '}' | ';' | ',') && out.ends_with(' ') {
                out.pop();
            }
            if next == '}' && out.ends_with(';') {
                out.pop();
            }
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Where the string at the start of the text ends, its quotes included.
fn end_of_string(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + character.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_needless_space_are_left_out() {
        let css = "/* a */\n.a :hover,\n.b {\n  color: red;\n  margin: 0 calc(1px + 2px);\n}\n\n@media (width >= 40rem) { p { top: 0 } }\n";
        assert_eq!(smaller(css), ".a :hover,.b{color:red;margin:0 calc(1px + 2px)}@media (width >= 40rem){p{top:0}}");
    }

    #[test]
    fn strings_stay_as_they_are() {
        let css = r#"a::after { content: "/* no { comment */ \" ;"; }"#;
        assert_eq!(smaller(css), r#"a::after{content:"/* no { comment */ \" ;"}"#);
    }

    #[test]
    fn main_holds_imports_only() {
        assert_eq!(
            imports("/* order\n matters */\n@import \"a.css\";\n\n@import \"b.css\";").expect("valid"),
            ["a.css", "b.css"]
        );
        assert!(imports("body { color: red }").is_err());
        assert!(imports("@import url(a.css);").is_err());
    }
}
