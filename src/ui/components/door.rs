//! The frame of the pages that one sees without being logged in.

use leptos::prelude::*;

use super::logo::Logo;

/// A card with a heading.
#[component]
pub fn Door(heading: &'static str, children: Children) -> impl IntoView {
    view! {
        <main class="door">
            <div class="door-card">
                <Logo />
                <h1 class="door-heading">{heading}</h1>
                {children()}
            </div>
        </main>
    }
}
