//! `/admin/models`: providers, and which of their models people are offered.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::providers::{
        ChangeProvider, OfferModel, TestProvider, change_provider, find_search_model, list_providers, offer_model,
        test_provider,
    },
    domain::provider::{OfferedModel, ProviderTest, ProviderView, SearchModelView, StoredView},
    error::Error,
    ui::{
        components::{
            action_form::ActionForm,
            admin_frame::AdminFrame,
            fetch_failed::FetchFailed,
            loading::Loading,
            notice::ErrorNotice,
            provider_form::{After, ProviderForm},
        },
        state::submission::Submission,
    },
};

/// Connects providers and shows how they do. `?tested=` and `?error=` say how something went without a script, `?name=` and
/// `?base_url=` what was tested.
#[component]
pub fn ModelsPage() -> impl IntoView {
    let query = use_query_map();
    let once = move |name: &str| query.with_untracked(|query| query.get(name));
    let providers = Resource::new(|| (), |()| list_providers());
    let search_model = Resource::new(|| (), |()| find_search_model());
    let submission = Submission::new();
    let error = once("error").and_then(|code| Error::from_code(&code));
    submission.error.set(error);
    let tested =
        RwSignal::new(once("tested").filter(|_| error.is_none()).and_then(|code| ProviderTest::from_code(&code)));
    let after = After { submission, tested, saved: Callback::new(move |()| providers.refetch()) };

    view! {
        <AdminFrame heading="Models">
            <ErrorNotice error=submission.error />
            <div role="status">
                {move || tested.get().map(|tested| view! { <p class="notice">{tested.text()}</p> })}
            </div>
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match providers.await {
                        Ok(list) => {
                            let [name, base_url] = ["name", "base_url"].map(|name| once(name).unwrap_or_default());
                            view! {
                                <ul class="sessions">
                                    {list.into_iter().map(|provider| view! { <Item provider after /> }).collect_view()}
                                </ul>
                                <h2 class="settings-subheading">"Connect another provider"</h2>
                                <p class="settings-text">
                                    "Any OpenAI-compatible server: OpenAI, Ollama, vLLM, llama.cpp, LM Studio and many more."
                                </p>
                                <ProviderForm stored=None name base_url after />
                                <h2 class="settings-subheading">"Searching files"</h2>
                                <p class="settings-text">
                                    {search_model.await.map_or_else(|error| error.text(), search_text)}
                                </p>
                            }
                                .into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

fn search_text(SearchModelView { name, is_at_work }: SearchModelView) -> String {
    match (name, is_at_work) {
        (None, _) => "Files are found by their words alone: SARDONYX_SEARCH_MODEL is off.".to_owned(),
        (Some(name), true) => format!("{name} tells what the text of files means."),
        (Some(name), false) => format!(
            "{name} is not connected, or did not do what it was last asked; the server's log says why. Until it does, files \
             are found by their words alone."
        ),
    }
}

#[component]
fn Item(provider: ProviderView, after: After) -> impl IntoView {
    let offered = provider.models.iter().filter(|model| model.is_offered).count();
    let count = format!("{offered} of {} models offered", provider.models.len());
    let state = provider.state.text();
    let key = match &provider.stored {
        Some(StoredView { has_key: true, key_hint, .. }) if !key_hint.is_empty() => format!(" · key …{key_hint}"),
        Some(StoredView { has_key: true, .. }) => " · with a key".to_owned(),
        _ => String::new(),
    };
    let manage = provider.clone();

    view! {
        <li class="session person">
            <div class="session-facts">
                <div class="session-device">
                    <h2 class="provider-name">{provider.name.clone()}</h2>
                    {provider
                        .stored
                        .is_none()
                        .then(|| view! { <span class="session-mark">"set where the server is started"</span> })}
                </div>
                <p class="session-detail">{provider.base_url} {key}</p>
                <p class="session-detail">{if state.is_empty() { count } else { state.to_owned() }}</p>
            </div>
            {provider.stored.clone().map(|stored| view! { <Manage provider=manage stored after /> })}
            <ModelItems provider=provider.name models=provider.models after />
        </li>
    }
}

#[component]
fn Manage(provider: ProviderView, stored: StoredView, after: After) -> impl IntoView {
    let about = provider.name.clone();
    let (id, submission, tested) = (stored.id.to_string(), after.submission, after.tested);
    let test = {
        let id = id.clone();
        move || {
            tested.set(None);
            let request = test_provider(Some(id.clone()), None, None, None, None);
            submission.send(request, move |answer| {
                tested.set(Some(answer));
                after.saved.run(());
            });
        }
    };
    let change = move |what: &'static str, label: &'static str| {
        let (id, about) = (stored.id.to_string(), about.clone());
        let fields = vec![("provider_id", id.clone()), ("change", what.to_owned())];
        let act = move || submission.send(change_provider(id.clone(), what.to_owned()), move |()| after.saved.run(()));
        view! { <ActionForm url=ChangeProvider::url() fields label about is_busy=submission.is_busy act /> }
    };
    let switch = if stored.is_enabled { change("disable", "Switch off") } else { change("enable", "Switch on") };

    view! {
        <details class="person-actions">
            <summary class="button button-quiet" aria-label=format!("Manage {}", provider.name)>
                "Manage"
            </summary>
            <div class="person-buttons">
                <ActionForm
                    url=TestProvider::url()
                    fields=vec![("provider_id", id)]
                    label="Test as saved"
                    about=provider.name.clone()
                    is_busy=submission.is_busy
                    act=test
                />
                {switch}
                <details>
                    <summary class="button button-quiet">"Remove …"</summary>
                    <p class="session-detail">"Chats keep what its models wrote."</p>
                    {change("remove", "Remove for good")}
                </details>
            </div>
            <ProviderForm stored=Some(stored) base_url=provider.base_url after />
        </details>
    }
}

#[component]
fn ModelItems(provider: String, models: Vec<OfferedModel>, after: After) -> impl IntoView {
    if models.is_empty() {
        return ().into_any();
    }
    view! {
        <details class="person-actions">
            <summary class="button button-quiet" aria-label=format!("Models of {provider}")>
                "Models"
            </summary>
            <ul class="offered-models">
                {models.into_iter().map(|model| view! { <ModelItem model after /> }).collect_view()}
            </ul>
        </details>
    }
    .into_any()
}

#[component]
fn ModelItem(model: OfferedModel, after: After) -> impl IntoView {
    let After { submission, saved, .. } = after;
    let name = model.name.as_str().to_owned();
    // What it is to be: the other of the two.
    let is_offered = (!model.is_offered).then(|| "1".to_owned());
    let mut fields = vec![("model", name.clone())];
    fields.extend(is_offered.clone().map(|value| ("is_offered", value)));
    let act = {
        let name = name.clone();
        move || submission.send(offer_model(name.clone(), is_offered.clone()), move |()| saved.run(()))
    };
    let label = if model.is_offered { "Hide" } else { "Offer" };

    view! {
        <li class="offered-model">
            <span>
                {model.name.label().to_owned()}
                {(!model.is_offered).then(|| view! { <span class="session-mark">"hidden"</span> })}
            </span>
            <ActionForm url=OfferModel::url() fields label about=name is_busy=submission.is_busy act />
        </li>
    }
}
