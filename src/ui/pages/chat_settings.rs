//! `/chats/{id}/settings`: a chat's files, whether it searches all files, and its end. Plain forms, which are sent without a
//! page load where there is a script: that would end uploads.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};

use crate::{
    api::chat_settings::{
        AddChatFile, DeleteChat, RemoveChatFile, SearchAllFiles, add_chat_file, delete_chat, open_chat_settings,
        remove_chat_file, search_all_files,
    },
    domain::{
        chat::Chat,
        chat_settings::ChatSettings,
        file::File,
        file_state::FileState,
        ids::{ChatId, FileId},
    },
    error::Error,
    ui::{
        components::{
            fetch_failed::FetchFailed,
            focus::focus_on,
            loading::Loading,
            not_found::NotFound,
            notice::ErrorNotice,
            page_title::PageTitle,
            search_form::SearchForm,
            upload_form::{Stored, UploadForm},
            upload_list::UploadList,
        },
        paths::{CHATS_PATH, chat_path, chat_settings_path, file_path},
        state::{chat_list::use_chat_list, followed::follow_files, live::use_live, submission::Submission},
    },
};

/// The headings of the two lists, where the focus goes when a row has gone to the other one.
const OWN_ID: &str = "chat-files";
const OTHERS_ID: &str = "other-files";

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    submission: Submission,
    has_script: RwSignal<bool>,
    /// Whether the chat is being deleted: it is not asked for again.
    is_gone: StoredValue<bool>,
}

impl Shared {
    fn new() -> Self {
        Self { submission: Submission::new(), has_script: RwSignal::new(false), is_gone: StoredValue::new(false) }
    }
}

/// What belongs to a chat besides what is said in it. `?search=` is a part of the names of files it could have, `?error=`
/// why something failed that was sent.
#[component]
pub fn ChatSettingsPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let search = move || query.with(|query| query.get("search")).unwrap_or_default();
    let opened = Resource::new(
        move || (params.with(|params| params.get("id")).unwrap_or_default(), search()),
        |(id, search)| open_chat_settings(id, search),
    );
    let (shared, owner) = (Shared::new(), Owner::current());
    let error = shared.submission.error;
    error.set(query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code)));

    view! {
        <div class="settings settings-wide">
            <ErrorNotice error />
            <Transition fallback=Loading>
                {move || {
                    let owner = owner.clone();
                    Suspend::new(async move {
                        match opened.await {
                            Ok(first) => {
                                view! { <Content first search=untrack(search) shared owner /> }.into_any()
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
                    })
                }}
            </Transition>
        </div>
    }
}

#[component]
fn Content(first: ChatSettings, search: String, shared: Shared, owner: Option<Owner>) -> impl IntoView {
    let (id, title) = (first.chat.id, first.chat.display_title().to_owned());
    let searched = search.clone();
    let again = move || open_chat_settings(id.to_string(), searched.clone());
    let opened = follow_files(owner, first, move || (!shared.is_gone.get_value()).then(&again));
    let stored = ArcSignal::derive(move || {
        opened.with(|opened| Stored { unfinished: opened.unfinished.clone(), storage: opened.storage })
    });
    let own = Signal::derive(move || opened.with(|opened| opened.files.clone()));
    let others = Signal::derive(move || opened.with(|opened| opened.others.clone()));
    let has_own = move || opened.with(|opened| !opened.files.is_empty());
    let is_searching = !search.is_empty();
    let has_others = move || opened.with(|opened| is_searching || !opened.others.is_empty());
    let has_more = move || opened.with(|opened| opened.has_more);

    view! {
        <PageTitle text=format!("Files · {title}") />
        <a class="settings-back settings-back-always" href=chat_path(id)>
            {title}
        </a>
        <h1 class="settings-heading" id=OWN_ID tabindex="-1">
            "Files of this chat"
        </h1>
        <p class="settings-text">
            "Replies are given what in these files answers a question, and say where it stands."
        </p>
        <Show
            when=has_own
            fallback=|| view! { <p class="settings-text">"This chat has no files of its own yet."</p> }
        >
            <Rows label="Files of this chat" files=own chat_id=id is_own=true shared />
        </Show>
        <UploadForm stored has_script=shared.has_script chat=id />
        <UploadList />
        {move || view! { <SearchSwitch chat=opened.with(|opened| opened.chat.clone()) shared /> }}
        <section aria-labelledby=OTHERS_ID hidden=move || !has_others()>
            <h2 class="settings-subheading" id=OTHERS_ID tabindex="-1">
                "Your other files"
            </h2>
            <SearchForm action=chat_settings_path(id) label="Search names" search has_script=shared.has_script />
            <Rows label="Your other files" files=others chat_id=id is_own=false shared />
            {move || {
                has_more().then(|| view! { <p class="settings-text">"There are more: search for a name."</p> })
            }}
        </section>
        <DeleteForm id shared />
    }
}

#[component]
fn Rows(label: &'static str, files: Signal<Vec<File>>, chat_id: ChatId, is_own: bool, shared: Shared) -> impl IntoView {
    view! {
        <ul class="files" aria-label=label>
            <For each=move || files.get() key=|file| file.id let:file>
                <Row file files chat_id is_own shared />
            </For>
        </ul>
    }
}

/// A row stays as long as its file is listed, and with it where the focus is.
#[component]
fn Row(file: File, files: Signal<Vec<File>>, chat_id: ChatId, is_own: bool, shared: Shared) -> impl IntoView {
    let (id, name) = (file.id, file.name.as_str().to_owned());
    let state = Memo::new(move |before: Option<&FileState>| {
        let now = files.with(|files| files.iter().find(|now| now.id == id).map(|now| now.state));
        now.or(before.copied()).unwrap_or(file.state)
    });
    let text = move || state.with(|state| (*state != FileState::Ready).then(|| state.text()));
    let is_whole = move || state.with(|state| *state != FileState::Uploading);
    let form_name = name.clone();

    view! {
        <li class="file">
            <div class="file-facts">
                <p class="file-name">
                    <a href=file_path(id)>{name}</a>
                </p>
                {move || text().map(|text| view! { <p class="file-detail">{text}</p> })}
            </div>
            <Show when=is_whole>
                <MoveForm id name=form_name.clone() chat_id is_own shared />
            </Show>
        </li>
    }
}

/// One button that gives a file to the chat, or takes it from there.
#[component]
fn MoveForm(id: FileId, name: String, chat_id: ChatId, is_own: bool, shared: Shared) -> impl IntoView {
    let live = use_live();
    let (action, verb, heading) = match is_own {
        true => (RemoveChatFile::url(), "Remove", OWN_ID),
        false => (AddChatFile::url(), "Add", OTHERS_ID),
    };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (chat_id, id) = (chat_id.to_string(), id.to_string());
        let request =
            async move { if is_own { remove_chat_file(chat_id, id).await } else { add_chat_file(chat_id, id).await } };
        shared.submission.send(request, move |()| {
            focus_on(heading);
            live.files_changed.notify();
        });
    };

    view! {
        <form method="post" action=action on:submit=on_submit>
            <input type="hidden" name="chat_id" value=chat_id.to_string() />
            <input type="hidden" name="file_id" value=id.to_string() />
            <button
                class="button button-quiet"
                type="submit"
                aria-label=format!("{verb} {name}")
                disabled=move || shared.submission.is_busy.get()
            >
                {verb}
            </button>
        </form>
    }
}

#[component]
fn SearchSwitch(chat: Chat, shared: Shared) -> impl IntoView {
    let (live, id, is_on) = (use_live(), chat.id, chat.searches_files);
    let (text, verb) = if is_on {
        ("All of your files are searched for each reply in this chat.", "Search only this chat's files")
    } else {
        ("Only this chat's files, and those that come with messages, are used.", "Search all my files")
    };
    let wanted = if is_on { "" } else { "yes" };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let request = search_all_files(id.to_string(), Some(wanted.to_owned()));
        shared.submission.send(request, move |()| live.files_changed.notify());
    };

    view! {
        <form class="settings-form" method="post" action=SearchAllFiles::url() on:submit=on_submit>
            <p class="settings-text">{text}</p>
            <input type="hidden" name="chat_id" value=id.to_string() />
            <input type="hidden" name="searches" value=wanted />
            <button class="button button-quiet" type="submit">
                {verb}
            </button>
        </form>
    }
}

#[component]
fn DeleteForm(id: ChatId, shared: Shared) -> impl IntoView {
    let (chats, navigate) = (use_chat_list(), use_navigate());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let request = async move {
            shared.is_gone.set_value(true);
            delete_chat(id.to_string()).await.inspect_err(|_| shared.is_gone.set_value(false))
        };
        shared.submission.send(request, move |()| {
            chats.remove(id);
            navigate(CHATS_PATH, NavigateOptions::default());
        });
    };

    view! {
        <details class="danger chat-delete">
            <summary class="button button-quiet">"Delete this chat …"</summary>
            <form class="settings-form" method="post" action=DeleteChat::url() on:submit=on_submit>
                <p class="settings-text">
                    "All that was said in it goes, for good, and with it the files that came with its messages, but for those that you keep or attached in another chat."
                </p>
                <input type="hidden" name="chat_id" value=id.to_string() />
                <button class="button" type="submit">
                    "Delete this chat"
                </button>
            </form>
        </details>
    }
}
