//! The form of a provider: another one, or one that is there.

use leptos::{
    ev::{MouseEvent, SubmitEvent},
    html,
    prelude::*,
    server_fn::ServerFn,
};

use super::field::Field;
use crate::{
    api::providers::{SaveProvider, TestProvider, save_provider, test_provider},
    domain::{
        limits,
        provider::{ProviderTest, StoredView},
    },
    ui::state::submission::{Submission, form_field, reset_form},
};

/// What happens after the form was sent.
#[derive(Clone, Copy)]
pub struct After {
    pub submission: Submission,
    pub tested: RwSignal<Option<ProviderTest>>,
    pub saved: Callback<()>,
}

/// Name, address and key, with a test of what is typed. Of the key that is kept only the end is ever here. Another provider
/// (`stored` is none) begins with this name and address.
#[component]
pub fn ProviderForm(
    stored: Option<StoredView>,
    #[prop(optional)] name: String,
    base_url: String,
    after: After,
) -> impl IntoView {
    let After { submission, tested, saved } = after;
    let form = NodeRef::<html::Form>::new();
    let text = move |name: &str| form.get_untracked().map(|form| form_field(&form, name)).unwrap_or_default();
    let some = move |name: &str| Some(text(name)).filter(|value| !value.is_empty());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        tested.set(None);
        let request =
            save_provider(some("provider_id"), some("name"), text("base_url"), text("key"), some("forgets_key"));
        submission.send(request, move |()| {
            // Also the key of one that is there: it is not to be sent again.
            reset_form(&event);
            saved.run(());
        });
    };
    let on_test = move |event: MouseEvent| {
        event.prevent_default();
        tested.set(None);
        let request =
            test_provider(some("provider_id"), some("name"), Some(text("base_url")), some("key"), some("forgets_key"));
        submission.send(request, move |answer| tested.set(Some(answer)));
    };

    view! {
        <form class="settings-form" method="post" action=SaveProvider::url() on:submit=on_submit node_ref=form novalidate>
            <ProviderFields stored name base_url />
            <div class="form-buttons">
                <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                    "Save"
                </button>
                <button
                    class="button button-quiet"
                    type="submit"
                    formaction=TestProvider::url()
                    on:click=on_test
                    disabled=move || submission.is_busy.get()
                >
                    "Test"
                </button>
            </div>
        </form>
    }
}

#[component]
fn ProviderFields(stored: Option<StoredView>, name: String, base_url: String) -> impl IntoView {
    let identity = match &stored {
        Some(stored) => view! { <input type="hidden" name="provider_id" value=stored.id.to_string() /> }.into_any(),
        None => view! {
            <Field label="Name, for example ollama">
                <input
                    class="field-input"
                    type="text"
                    name="name"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    maxlength=limits::PROVIDER_NAME_CHARS_MAX
                    value=name
                    required
                />
            </Field>
        }
        .into_any(),
    };
    let forgets = stored.as_ref().is_some_and(|stored| stored.has_key).then(|| {
        view! {
            <label class="field-check">
                <input type="checkbox" name="forgets_key" value="1" />
                <span>"Forget the key that is kept"</span>
            </label>
        }
    });

    view! {
        {identity}
        <Field label="Address with the version, for example http://127.0.0.1:11434/v1">
            <input
                class="field-input"
                type="url"
                name="base_url"
                autocomplete="off"
                spellcheck="false"
                maxlength=limits::PROVIDER_URL_CHARS_MAX
                value=base_url
                required
            />
        </Field>
        <Field label=key_label(stored.as_ref())>
            // Not the browser's to keep, and not one of its own passwords.
            <input class="field-input" type="password" name="key" autocomplete="new-password" />
        </Field>
        {forgets}
    }
}

fn key_label(stored: Option<&StoredView>) -> String {
    match stored {
        Some(StoredView { has_key: true, key_hint, .. }) if key_hint.is_empty() => {
            "Key; empty to keep the one there is".to_owned()
        }
        Some(StoredView { has_key: true, key_hint, .. }) => format!("Key; empty to keep …{key_hint}"),
        _ => "Key, where it wants one".to_owned(),
    }
}
