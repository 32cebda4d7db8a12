//! Nothing is here.

use leptos::prelude::*;

use crate::ui::components::{door::Door, not_found::NotFound, page_title::PageTitle};

/// Any URL that is no page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <PageTitle text="Not found" />
        <Door heading="Not found">
            <NotFound />
        </Door>
    }
}
