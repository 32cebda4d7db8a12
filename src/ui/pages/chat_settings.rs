//! `/chats/{id}/settings`: a chat's files, whether it searches all files, and its end. Plain forms, with a script and without.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    api::chat_settings::{AddChatFile, DeleteChat, RemoveChatFile, SearchAllFiles, open_chat_settings},
    domain::{chat::Chat, chat_settings::ChatSettings, file::File, file_state::FileState, limits},
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed, field::Field, loading::Loading, not_found::NotFound, notice::ErrorNotice,
            page_title::PageTitle, upload_form::UploadForm, upload_list::UploadList,
        },
        paths::{chat_path, chat_settings_path, file_path},
        state::live::use_live,
    },
};

/// What belongs to a chat besides what is said in it. `?search=` is a part of the names of files it could have, `?error=`
/// why something failed that was sent.
#[component]
pub fn ChatSettingsPage() -> impl IntoView {
    let (params, query, live) = (use_params_map(), use_query_map(), use_live());
    let of_query = move |name: &'static str| query.with(|query| query.get(name)).unwrap_or_default();
    let opened = Resource::new(
        move || (params.with(|params| params.get("id")).unwrap_or_default(), of_query("search")),
        |(id, search)| open_chat_settings(id, search),
    );
    Effect::new(move |is_first: Option<()>| {
        live.files_changed.track();
        if is_first.is_some() {
            opened.refetch();
        }
    });
    let failed_before = Signal::derive(move || Error::from_code(&of_query("error")));

    view! {
        <div class="settings settings-wide">
            <ErrorNotice error=failed_before />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match opened.await {
                        Ok(opened) => {
                            view! { <Content opened search=query.with_untracked(|query| query.get("search")).unwrap_or_default() /> }
                                .into_any()
                        }
                        Err(Error::NotFound) => {
                            view! {
                                <PageTitle text="Not found" />
                                <h1 class="visually-hidden">"Not found"</h1>
                                <NotFound />
                            }
                                .into_any()
                        }
                        Err(error) => {
                            view! {
                                <PageTitle text="Files of a chat" />
                                <FetchFailed error />
                            }
                                .into_any()
                        }
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn Content(opened: ChatSettings, search: String) -> impl IntoView {
    let ChatSettings { chat, files, others, has_more, storage } = opened;
    let unfinished = others.iter().filter(|file| file.state == FileState::Uploading).cloned().collect();
    let (id, title) = (chat.id, chat.display_title().to_owned());
    let has_others = !others.is_empty() || !search.is_empty();

    view! {
        <PageTitle text=format!("Files · {title}") />
        <a class="settings-back settings-back-always" href=chat_path(id)>
            {title}
        </a>
        <h1 class="settings-heading">"Files of this chat"</h1>
        <p class="settings-text">
            "Replies are given what in these files answers a question, and say where it stands."
        </p>
        {if files.is_empty() {
            view! { <p class="settings-text">"This chat has no files of its own yet."</p> }.into_any()
        } else {
            let rows = files.into_iter().map(|file| {
                view! { <Row file chat_id=id.to_string() action=RemoveChatFile::url() verb="Remove" /> }
            });
            view! { <ul class="files" aria-label="Files of this chat">{rows.collect_view()}</ul> }.into_any()
        }}
        <UploadForm unfinished storage chat=id />
        <UploadList />
        <SearchSwitch chat=chat.clone() />
        {has_others
            .then(|| {
                let rows = others.into_iter().map(|file| {
                    view! { <Row file chat_id=id.to_string() action=AddChatFile::url() verb="Add" /> }
                });
                view! {
                    <section aria-labelledby="other-files">
                        <h2 class="settings-subheading" id="other-files">
                            "Your other files"
                        </h2>
                        <form class="search-form" method="get" action=chat_settings_path(id) role="search">
                            <Field label="Search names">
                                <input
                                    class="field-input"
                                    type="search"
                                    name="search"
                                    value=search
                                    maxlength=limits::SEARCH_CHARS_MAX.to_string()
                                    autocomplete="off"
                                />
                            </Field>
                            <button class="button button-quiet" type="submit">
                                "Search"
                            </button>
                        </form>
                        <ul class="files" aria-label="Your other files">
                            {rows.collect_view()}
                        </ul>
                        {has_more.then(|| view! { <p class="settings-text">"There are more: search for a name."</p> })}
                    </section>
                }
            })}
        <DeleteForm chat />
    }
}

#[component]
fn Row(file: File, chat_id: String, action: &'static str, verb: &'static str) -> impl IntoView {
    let name = file.name.as_str().to_owned();
    let is_whole = file.state != FileState::Uploading;
    let state = (file.state != FileState::Ready).then(|| file.state.text());

    view! {
        <li class="file">
            <div class="file-facts">
                <p class="file-name">
                    <a href=file_path(file.id)>{name.clone()}</a>
                </p>
                {state.map(|text| view! { <p class="file-detail">{text}</p> })}
            </div>
            {is_whole
                .then(|| {
                    view! {
                        <form method="post" action=action>
                            <input type="hidden" name="chat_id" value=chat_id />
                            <input type="hidden" name="file_id" value=file.id.to_string() />
                            <button class="button button-quiet" type="submit" aria-label=format!("{verb} {name}")>
                                {verb}
                            </button>
                        </form>
                    }
                })}
        </li>
    }
}

#[component]
fn SearchSwitch(chat: Chat) -> impl IntoView {
    let is_on = chat.searches_files;
    let (text, verb) = if is_on {
        ("All of your files are searched for each reply in this chat.", "Search only this chat's files")
    } else {
        ("Only this chat's files, and those that come with messages, are used.", "Search all my files")
    };

    view! {
        <form class="settings-form" method="post" action=SearchAllFiles::url()>
            <p class="settings-text">{text}</p>
            <input type="hidden" name="chat_id" value=chat.id.to_string() />
            <input type="hidden" name="searches" value=if is_on { "" } else { "yes" } />
            <button class="button button-quiet" type="submit">
                {verb}
            </button>
        </form>
    }
}

#[component]
fn DeleteForm(chat: Chat) -> impl IntoView {
    view! {
        <details class="danger chat-delete">
            <summary class="button button-quiet">"Delete this chat …"</summary>
            <form class="settings-form" method="post" action=DeleteChat::url()>
                <p class="settings-text">
                    "All that was said in it goes, for good, and with it the files that came with its messages, but for those that you keep or attached in another chat."
                </p>
                <input type="hidden" name="chat_id" value=chat.id.to_string() />
                <button class="button" type="submit">
                    "Delete this chat"
                </button>
            </form>
        </details>
    }
}
