//! `/admin/site`: what holds for everybody.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::site::{SaveSite, find_site, save_site},
    domain::{limits, model::ModelName, site::SiteForm},
    error::Error,
    ui::{
        components::{
            admin_frame::AdminFrame, fetch_failed::FetchFailed, field::Field, loading::Loading, notice::ErrorNotice,
        },
        state::submission::{Submission, field, ticked},
    },
};

/// The form of the site's settings. `?done=` and `?error=` say how it went without a script.
#[component]
pub fn SitePage() -> impl IntoView {
    let site = OnceResource::new(find_site());

    view! {
        <AdminFrame heading="Site">
            <Suspense fallback=Loading>
                {move || Suspend::new(async move {
                    match site.await {
                        Ok(form) => view! { <Form form /> }.into_any(),
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Suspense>
        </AdminFrame>
    }
}

#[component]
fn Form(form: SiteForm) -> impl IntoView {
    let query = use_query_map();
    let param = move |name: &str| query.with_untracked(|query| query.get(name));
    let submission = Submission::new();
    submission.error.set(param("error").and_then(|code| Error::from_code(&code)));
    let is_done = RwSignal::new(param("done").is_some() && param("error").is_none());
    let SiteForm { settings, fixed_model, models } = form;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        is_done.set(false);
        let text = |name: &str| field(&event, name);
        let tokens = ticked(&event, "members_make_tokens");
        let request = save_site(text("name"), text("default_model"), text("notice"), tokens, text("invitation_days"));
        submission.send(request, move |()| is_done.set(true));
    };
    view! {
        <div role="status">{move || is_done.get().then(|| view! { <p class="notice">"Saved."</p> })}</div>
        <ErrorNotice error=submission.error />
        <form class="settings-form" method="post" action=SaveSite::url() on:submit=on_submit novalidate>
            <Field label="Name of the site">
                <input
                    class="field-input"
                    type="text"
                    name="name"
                    autocomplete="off"
                    maxlength=limits::SITE_NAME_CHARS_MAX
                    value=settings.name
                    required
                />
            </Field>
            <DefaultModel chosen=settings.default_model fixed=fixed_model models />
            <Field label="Notice to everybody who is logged in">
                <textarea
                    class="field-input"
                    name="notice"
                    rows="3"
                    maxlength=limits::NOTICE_CHARS_MAX
                    aria-describedby="notice-hint"
                >
                    {settings.notice}
                </textarea>
            </Field>
            <p class="field-hint" id="notice-hint">
                "Stands above every page until each has dismissed it. Empty for none."
            </p>
            <Field label="Days that an invitation holds">
                <input
                    class="field-input"
                    type="number"
                    name="invitation_days"
                    min="1"
                    max=limits::INVITATION_DAYS_MAX
                    value=settings.invitation_days
                    required
                />
            </Field>
            <label class="field-check">
                <input type="checkbox" name="members_make_tokens" value="1" checked=settings.members_make_tokens />
                <span>"Members may make access tokens for programs. Those that there are stay valid."</span>
            </label>
            <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                "Save"
            </button>
        </form>
    }
}

/// The choice of the model that a new chat begins with, unless the server was started with one.
#[component]
fn DefaultModel(chosen: Option<ModelName>, fixed: Option<ModelName>, models: Vec<ModelName>) -> impl IntoView {
    if let Some(fixed) = fixed {
        return view! {
            // What is set here stays, for when the server is started without.
            <input
                type="hidden"
                name="default_model"
                value=chosen.map(|name| name.to_string()).unwrap_or_default()
            />
            <p class="field-label">"Model of a new chat"</p>
            <p class="settings-text">
                {fixed.as_str().to_owned()} ", set by SARDONYX_MODEL where this server is started. That counts."
            </p>
        }
        .into_any();
    }
    let option = move |name: ModelName| {
        let is_chosen = chosen.as_ref() == Some(&name);
        view! {
            <option value=name.to_string() selected=is_chosen>
                {name.to_string()}
            </option>
        }
    };

    view! {
        <Field label="Model of a new chat">
            <select class="field-input" name="default_model">
                <option value="">"The first one there is"</option>
                {models.into_iter().map(option).collect_view()}
            </select>
        </Field>
    }
    .into_any()
}
