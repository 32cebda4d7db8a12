//! `/settings`: what one likes.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::{
        account::{SavePreferences, save_preferences},
        session::current_session,
    },
    domain::{
        limits,
        model::ModelList,
        preferences::{Language, Preferences, Theme},
    },
    error::Error,
    ui::{
        components::{
            browser_notifications::BrowserNotifications, fetch_failed::FetchFailed, field::Field, layout::Models,
            loading::Loading, notice::ErrorNotice, settings_frame::SettingsFrame,
        },
        state::submission::{Submission, field, ticked},
    },
};

/// The form of preferences. `?done=` and `?error=` say how it went without a script.
#[component]
pub fn PreferencesPage() -> impl IntoView {
    let current = OnceResource::new(current_session());
    let models = expect_context::<Models>();

    view! {
        <SettingsFrame heading="Preferences">
            <Suspense fallback=Loading>
                {move || Suspend::new(async move {
                    match current.await {
                        Ok(current) => {
                            let models = models.await.unwrap_or(ModelList { models: Vec::new(), default: None });
                            view! {
                                <PreferencesForm likes=current.user.preferences models />
                                <BrowserNotifications user_id=current.user.id />
                            }
                                .into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Suspense>
        </SettingsFrame>
    }
}

#[component]
fn PreferencesForm(likes: Preferences, models: ModelList) -> impl IntoView {
    let query = use_query_map();
    let param = move |name: &str| query.with_untracked(|query| query.get(name));
    let submission = Submission::new();
    submission.error.set(param("error").and_then(|code| Error::from_code(&code)));
    let is_done = RwSignal::new(param("done").is_some() && param("error").is_none());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        is_done.set(false);
        let text = |name: &str| field(&event, name);
        let ticked = ticked(&event, "tells_new_device");
        let request =
            save_preferences(text("display_name"), text("theme"), text("language"), text("default_model"), ticked);
        // Every tab of the person hears of it, this one, too.
        submission.send(request, move |()| is_done.set(true));
    };
    let themes: Vec<_> =
        Theme::ALL.iter().map(|theme| option(theme.name(), theme.label(), *theme == likes.theme)).collect();
    let languages: Vec<_> = Language::ALL
        .iter()
        .map(|language| option(language.name(), language.label(), *language == likes.language))
        .collect();
    let chosen = likes.default_model.filter(|name| models.models.contains(name));
    let models: Vec<_> =
        models.models.iter().map(|name| option(name.as_str(), name.label(), Some(name) == chosen.as_ref())).collect();

    view! {
        <div role="status">{move || is_done.get().then(|| view! { <p class="notice">"Saved."</p> })}</div>
        <ErrorNotice error=submission.error />
        <form class="settings-form" method="post" action=SavePreferences::url() on:submit=on_submit novalidate>
            <Field label="Name">
                <input
                    class="field-input"
                    type="text"
                    name="display_name"
                    autocomplete="nickname"
                    maxlength=limits::DISPLAY_NAME_CHARS_MAX
                    value=likes.display_name
                />
            </Field>
            <Field label="Appearance">
                <select class="field-input" name="theme">
                    {themes}
                </select>
            </Field>
            <Field label="Dates and times">
                <select class="field-input" name="language">
                    {languages}
                </select>
            </Field>
            <Field label="Model of a new chat">
                <select class="field-input" name="default_model">
                    <option value="">"The site's default"</option>
                    {models}
                </select>
            </Field>
            <label class="field-check">
                <input type="checkbox" name="tells_new_device" value="1" checked=likes.tells_new_device />
                <span>"Tell me when I log in from a new device"</span>
            </label>
            <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                "Save"
            </button>
        </form>
    }
}

fn option(value: &str, label: &str, is_chosen: bool) -> impl IntoView + use<> {
    view! {
        <option value=value.to_owned() selected=is_chosen>
            {label.to_owned()}
        </option>
    }
}
