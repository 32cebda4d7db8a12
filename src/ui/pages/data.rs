//! `/settings/data`: all that is one's own, to take along or to delete.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::account::{DeleteAccount, delete_account, measure_stored},
    domain::{file::size_text, session::SessionEnd, stored::Stored},
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed, loading::Loading, notice::ErrorNotice, password_field::PasswordField,
            settings_frame::SettingsFrame,
        },
        paths::{DATA_FILE_PATH, login_path},
        state::{
            session::{load_page, use_session},
            submission::{Submission, field},
        },
    },
};

/// A link to everything as a file, and the end of the account behind the password. `?error=` says how that went without
/// a script.
#[component]
pub fn DataPage() -> impl IntoView {
    let query = use_query_map();
    let (session, submission) = (use_session(), Submission::new());
    let failed_before = query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code));
    submission.error.set(failed_before);
    let stored = Resource::new(|| (), |()| measure_stored());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let password = field(&event, "password");
        let request = async move {
            session.set_logging_out(true);
            let answer = delete_account(password).await;
            if answer.is_err() {
                session.set_logging_out(false);
            }
            answer
        };
        submission.send(request, |()| load_page(&login_path(None, Some(SessionEnd::LoggedOut))));
    };

    view! {
        <SettingsFrame heading="Your data">
            <p class="settings-text">
                "Everything that is kept about you: account, sessions, notifications, chats with all messages, drafts and summaries, and what is kept about your files. Their content is on the page of your files."
            </p>
            <Suspense fallback=Loading>
                {move || Suspend::new(async move {
                    match stored.await {
                        Ok(list) => view! { <StoredTable list /> }.into_any(),
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Suspense>
            <p class="settings-text">
                <a class="button button-quiet" href=DATA_FILE_PATH rel="external" download>
                    "Download as JSON"
                </a>
            </p>
            <h2 class="settings-subheading">"Delete the account"</h2>
            <p class="settings-text">
                "The account and everything of its own is deleted at once and for good. Nobody can bring it back."
            </p>
            <ErrorNotice error=submission.error />
            <details class="danger" open=failed_before.is_some()>
                <summary class="button button-quiet">"Delete my account …"</summary>
                <form class="settings-form" method="post" action=DeleteAccount::url() on:submit=on_submit novalidate>
                    <PasswordField />
                    <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                        "Delete everything"
                    </button>
                </form>
            </details>
        </SettingsFrame>
    }
}

/// How much there is of each.
#[component]
fn StoredTable(list: Vec<Stored>) -> impl IntoView {
    view! {
        <div class="table-scroll">
            <table class="table">
                <caption class="visually-hidden">"What is stored about you"</caption>
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col">"How many"</th>
                        <th scope="col">"Size"</th>
                    </tr>
                </thead>
                <tbody>
                    {list
                        .into_iter()
                        .map(|stored| {
                            view! {
                                <tr>
                                    <th scope="row">{stored.what.text()}</th>
                                    <td>{stored.count}</td>
                                    <td class="table-figure">{stored.bytes.map(size_text)}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}
