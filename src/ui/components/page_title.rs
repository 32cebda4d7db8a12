//! The document's title.

use leptos::{prelude::*, text_prop::TextProp};
use leptos_meta::Title;

use crate::ui::state::{site::use_site_name, unread::use_unread};

/// Sets the document's title, with the number of what was not read before it. The only place that may: `leptos_meta` 0.8
/// writes a title into the server's HTML as it is, so a title with `</title>` in it would become markup.
///
/// A `text` that changes must own what it reads (an `ArcRwSignal`, say): it is read once more while its page goes away.
#[component]
pub fn PageTitle(#[prop(into)] text: TextProp) -> impl IntoView {
    let (is_markup, site, unread) = (is_server(), use_site_name(), use_unread());
    let text = move || {
        let title = format!("{} · {}", text.get(), site.get());
        let title = match unread.with(Vec::len) {
            0 => title,
            count => format!("({count}) {title}"),
        };
        if is_markup { escape(&title) } else { title }
    };

    view! { <Title text /> }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_end_its_own_element() {
        assert_eq!(escape("</title><script>&"), "&lt;/title&gt;&lt;script&gt;&amp;");
    }
}
