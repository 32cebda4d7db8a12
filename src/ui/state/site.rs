//! What the site is called. The server writes it into the document, where the browser half finds it.

use leptos::prelude::*;

use crate::domain::site::{PRODUCT, SiteName};

/// Makes the site's name known to everything below; it may change while the page is open.
pub fn provide_site_name() {
    let name = match use_context::<SiteName>() {
        Some(SiteName(name)) => name,
        None if is_server() => PRODUCT.to_owned(),
        None => document().document_element().and_then(|root| root.get_attribute("data-site")).unwrap_or_default(),
    };
    provide_context(ArcRwSignal::new(name));
}

/// The site's name. Owned by whoever asks, for a title is read once more while its page goes away.
pub fn use_site_name() -> ArcRwSignal<String> {
    expect_context()
}
