//! `/setup`: the first account of a fresh site, for whoever has the link from the server's log.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    api::setup::check_setup_link,
    error::Error,
    ui::{
        components::{door::Door, loading::Loading, notice::ErrorNotice, page_title::PageTitle, setup_form::SetupForm},
        paths::login_path,
    },
};

/// The set-up page; a link that is wrong or used shows why instead of the form.
#[component]
pub fn SetupPage() -> impl IntoView {
    let query = use_query_map();
    let param = move |name: &str| query.with_untracked(|query| query.get(name));
    let token = param("token").unwrap_or_default();
    let failed_before = param("error").and_then(|code| Error::from_code(&code));
    let link = OnceResource::new(check_setup_link(token.clone()));

    view! {
        <PageTitle text="Create the first account" />
        <Door heading="Create the first account">
            <Suspense fallback=Loading>
                {move || {
                    let token = token.clone();
                    Suspend::new(async move {
                        match link.await {
                            Ok(()) => view! { <SetupForm token failed_before /> }.into_any(),
                            Err(error) => {
                                view! {
                                    <ErrorNotice error=Some(error) />
                                    <p>
                                        <a href=login_path(None, None)>"Log in"</a>
                                    </p>
                                }
                                    .into_any()
                            }
                        }
                    })
                }}
            </Suspense>
        </Door>
    }
}
