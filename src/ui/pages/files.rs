//! `/files`: what the person has uploaded, and the way to upload more.

use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

use crate::{
    api::files::{list_files, search_files},
    domain::{
        file::{FileOrder, FilePage, Storage, size_text},
        file_state::FileState,
        search::{FoundPassage, SearchResults},
    },
    error::{Error, InvalidInput, Result},
    ui::{
        components::{
            fetch_failed::FetchFailed,
            field::Field,
            file_list::{FileList, LIST_ID, Selection},
            focus::go_on_at,
            loading::Loading,
            notice::ErrorNotice,
            page_title::PageTitle,
            search_form::SearchForm,
            upload_form::{Stored, UploadForm},
            upload_list::UploadList,
        },
        paths::{CHATS_PATH, FILES_PATH, passage_path, query},
        state::{
            effect::effect,
            followed::{ask_again, follow_files},
        },
    },
};

/// What is said while a search goes on.
const SEARCHING: &str = "Searching the text of your files …";

/// Which files are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    /// A part of the name.
    search: String,
    order: String,
    /// The last file of the page before; empty on the first.
    after: String,
}

impl Asked {
    fn of(params: &ParamsMap) -> Self {
        let param = |name| params.get(name).unwrap_or_default();
        Self { search: param("search"), order: param("order"), after: param("after") }
    }

    async fn fetch(self) -> Result<FilePage> {
        let order = if self.order.is_empty() { FileOrder::default().name().to_owned() } else { self.order };
        let after = Some(self.after).filter(|after| !after.is_empty());
        let is_later = after.is_some();
        match list_files(self.search.clone(), order.clone(), after).await {
            // The file that this page came after is deleted: there is no saying where it would begin.
            Err(Error::Invalid(InvalidInput::Cursor)) if is_later => list_files(self.search, order, None).await,
            page => page,
        }
    }

    /// The page after this file.
    fn path(&self, after: &str) -> String {
        let fields = query(&[("search", &self.search), ("order", &self.order), ("after", after)]);
        if fields.is_empty() { FILES_PATH.to_owned() } else { format!("{FILES_PATH}?{fields}") }
    }

    fn nothing_text(&self) -> &'static str {
        match (self.after.is_empty(), self.search.is_empty()) {
            (false, _) => "There are no more files.",
            (true, false) => "No file has this in its name.",
            (true, true) => "No files yet.",
        }
    }
}

/// How a search goes, in words.
#[derive(Clone, Copy)]
struct Outcome {
    is_searching: RwSignal<bool>,
    said: RwSignal<String>,
}

impl Outcome {
    /// It has ended, and this is to be said of it.
    fn tell(self, said: String) {
        effect(move || {
            self.is_searching.set(false);
            self.said.set(said.clone());
        });
    }
}

/// Storage, uploads, and the list. `?search=`, `?order=` and `?after=` say which files are shown.
#[component]
pub fn FilesPage() -> impl IntoView {
    let params = use_query_map();
    let (selection, owner) = (Selection::new(), Owner::current());
    let error = selection.submission.error;
    error.set(params.with_untracked(|params| params.get("error")).and_then(|code| Error::from_code(&code)));
    let files = Resource::new(move || params.with(Asked::of), Asked::fetch);
    let question = move || params.with(Asked::of).search;
    let search = |question: String| async move {
        if question.is_empty() { Ok(None) } else { search_files(question).await.map(Some) }
    };
    let found = Resource::new(question, search);
    // What was being read may be found by now.
    let search_again = move || {
        let asked = untrack(question);
        (!asked.is_empty()).then_some(async move { Ok((asked.clone(), search(asked).await?)) })
    };
    ask_again(search_again, move |(asked, results)| {
        if untrack(question) == asked {
            found.set(Some(Ok(results)));
        }
    });
    let (is_searching, said) = (RwSignal::new(false), RwSignal::new(String::new()));
    // Not by the `Transition`, which would read on the server what other threads write there.
    Effect::new(move |asked_before: Option<String>| {
        let asked = question();
        if asked_before.is_some_and(|before| before != asked) {
            is_searching.set(!asked.is_empty());
            said.set(String::new());
        }
        asked
    });
    let outcome = Outcome { is_searching, said };
    let shown_after = StoredValue::new(params.with_untracked(Asked::of).after);

    view! {
        <PageTitle text="Files" />
        <div class="settings settings-wide">
            <a class="settings-back" href=CHATS_PATH>
                "Chats"
            </a>
            <h1 class="settings-heading">"Files"</h1>
            <ErrorNotice error />
            <Transition fallback=Loading>
                {move || {
                    let owner = owner.clone();
                    Suspend::new(async move {
                        match files.await {
                            Ok(first) => {
                                let asked = params.with_untracked(Asked::of);
                                view! { <Content first asked selection owner shown_after /> }.into_any()
                            }
                            Err(error) => view! { <FetchFailed error /> }.into_any(),
                        }
                    })
                }}
            </Transition>
            <p class="visually-hidden" role="status">
                {move || if is_searching.get() { SEARCHING.to_owned() } else { said.get() }}
            </p>
            <p class="files-searching" aria-hidden="true" hidden=move || !is_searching.get()>
                {SEARCHING}
            </p>
            <div class="files-found" aria-busy=move || is_searching.get().to_string()>
                <Transition>
                    {move || Suspend::new(async move {
                        match found.await {
                            Ok(None) => ().into_any(),
                            Ok(Some(results)) => view! { <Results results outcome /> }.into_any(),
                            Err(error) => {
                                outcome.tell(String::new());
                                view! { <FetchFailed error /> }.into_any()
                            }
                        }
                    })}
                </Transition>
            </div>
        </div>
    }
}

/// What in the text of files has to do with what is searched for.
#[component]
fn Results(results: SearchResults, outcome: Outcome) -> impl IntoView {
    let SearchResults { passages, is_by_meaning } = results;
    let note = match (passages.is_empty(), is_by_meaning) {
        (true, _) => Some("Nothing in the text of your files has to do with this."),
        (false, false) => Some("Found by words alone: there is no model now that tells what a text means."),
        (false, true) => None,
    };
    let count = match passages.len() {
        0 => "Nothing found in the text.".to_owned(),
        1 => "1 passage found in the text.".to_owned(),
        count => format!("{count} passages found in the text."),
    };
    outcome.tell(count);

    view! {
        <section aria-labelledby="found-in-text">
            <h2 class="settings-heading" id="found-in-text">
                "In the text of your files"
            </h2>
            {note.map(|text| view! { <p class="settings-text">{text}</p> })}
            <ul class="files">{passages.into_iter().map(|passage| view! { <Found passage /> }).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Found(passage: FoundPassage) -> impl IntoView {
    let FoundPassage { file_id, file_name, seq, place, text } = passage;

    view! {
        <li class="file">
            <div class="file-facts">
                <p class="file-name">
                    <a href=passage_path(file_id, seq)>{file_name.to_string()}</a>
                </p>
                <p class="file-detail">{place.to_string()}</p>
                <p class="file-snippet">{text}</p>
            </div>
        </li>
    }
}

/// What changes about the files is worked in where it stands, so that nobody loses their place among them.
#[component]
fn Content(
    first: FilePage,
    asked: Asked,
    selection: Selection,
    owner: Option<Owner>,
    /// The place of the page that is, or was, on the screen.
    shown_after: StoredValue<String>,
) -> impl IntoView {
    let after = asked.after.clone();
    effect(move || {
        if shown_after.with_value(|shown| *shown != after) {
            shown_after.set_value(after.clone());
            // Whoever asked for more was at the end of what was there.
            go_on_at(LIST_ID);
        }
    });
    let again = asked.clone();
    let page = follow_files(owner, first, move || Some(again.clone().fetch()));
    effect(move || page.with(|page| selection.forget_others(&page.files)));
    let stored = ArcSignal::derive(move || {
        page.with(|page| Stored { unfinished: page.unfinished.clone(), storage: page.storage })
    });
    let has_any = move || page.with(|page| page.storage.files > 0);
    let has_files = move || page.with(|page| !page.files.is_empty());
    let first_path = (!asked.after.is_empty()).then(|| asked.path(""));
    let next = move || page.with(|page| page.next_after);
    let (has_script, nothing) = (selection.has_script, asked.nothing_text());

    view! {
        <UploadForm stored has_script />
        <UploadList />
        {move || view! { <StorageMeter storage=page.with(|page| page.storage) /> }}
        <p class="settings-text" role="status">
            {move || page.with(waiting_text)}
        </p>
        <div hidden=move || !has_any()>
            <SearchForm
                action=FILES_PATH.to_owned()
                label="Search names and text"
                search=asked.search.clone()
                has_script
                order=view! { <OrderField order=asked.order.clone() /> }.into_any()
            />
        </div>
        <h2 class="visually-hidden" id=LIST_ID tabindex="-1">
            "Your files"
        </h2>
        <Show when=has_files fallback=move || view! { <p class="settings-text">{nothing}</p> }>
            <FileList page selection />
        </Show>
        <p class="file-actions">
            {first_path
                .map(|href| {
                    view! {
                        <a class="button button-quiet" href=href>
                            "First page"
                        </a>
                    }
                })}
            <span hidden=move || next().is_none()>
                <a class="button button-quiet" href=move || next().map(|after| asked.path(&after.to_string()))>
                    "More files"
                </a>
            </span>
        </p>
    }
}

/// Why files are not ready for so long.
fn waiting_text(page: &FilePage) -> Option<&'static str> {
    let is_waiting = page.waits_for_model && page.files.iter().any(|file| file.state == FileState::Indexing);
    is_waiting.then_some(
        "The model that tells what a text means does not answer now. Until it does, new files are found by their words alone.",
    )
}

/// How full the storage is.
#[component]
fn StorageMeter(storage: Storage) -> impl IntoView {
    let text = format!(
        "{} of {} used · {} {}",
        size_text(storage.used_bytes),
        size_text(storage.bytes_max),
        storage.files,
        if storage.files == 1 { "file" } else { "files" },
    );
    // In whole units, and never so little that nothing shows.
    let per_mille = storage.used_bytes.saturating_mul(1_000).div_ceil(storage.bytes_max.max(1));

    view! {
        <p class="storage">
            <meter
                class="storage-meter"
                min="0"
                max="1000"
                high="900"
                value=per_mille.to_string()
                aria-label="Storage used"
            ></meter>
            <span>{text}</span>
        </p>
    }
}

#[component]
fn OrderField(order: String) -> impl IntoView {
    let options = FileOrder::ALL.into_iter().map(move |choice| {
        view! {
            <option value=choice.name() selected=choice.name() == order>
                {choice.text()}
            </option>
        }
    });

    view! {
        <Field label="Order">
            <select class="field-input" name="order">
                {options.collect_view()}
            </select>
        </Field>
    }
}
