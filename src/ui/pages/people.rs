//! `/admin`: who has an account, and what becomes of it.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

use crate::{
    api::admin::{
        ChangeAccount, InvitePerson, MakePasswordLink, RemoveSecondFactor, change_account, invite_person, list_people,
        make_password_link, remove_second_factor,
    },
    domain::{
        admin::{PersonPage, PersonRow},
        limits,
        user::Role,
    },
    error::Error,
    ui::{
        components::{
            action_form::ActionForm, admin_frame::AdminFrame, fetch_failed::FetchFailed, field::Field,
            loading::Loading, notice::ErrorNotice, timestamp::Timestamp,
        },
        paths::{PEOPLE_PATH, query},
        state::submission::{Submission, field, reset_form},
    },
};

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    submission: Submission,
    /// A one-time link that was just made; it is shown this once.
    link: RwSignal<Option<String>>,
    people: Resource<Result<PersonPage, Error>>,
}

/// Invites people and manages their accounts. `?search=` and `?after=` say which are shown, `?link=` and `?error=` how
/// something went without a script.
#[component]
pub fn PeoplePage() -> impl IntoView {
    let query = use_query_map();
    let param = move |name: &str| query.with(|query| query.get(name)).unwrap_or_default();
    let people =
        Resource::new(move || (param("search"), param("after")), |(search, after)| list_people(search, Some(after)));
    let once = move |name: &str| query.with_untracked(|query| query.get(name));
    let submission = Submission::new();
    submission.error.set(once("error").and_then(|code| Error::from_code(&code)));
    let shared =
        Shared { submission, link: RwSignal::new(once("link").filter(|link| link.starts_with("http"))), people };

    view! {
        <AdminFrame heading="People">
            <ErrorNotice error=submission.error />
            <NewLink shared />
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match people.await {
                        Ok(page) => {
                            view! {
                                <InviteForm shared />
                                <SearchForm search=param("search") />
                                <PeopleList page search=param("search") shared />
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

/// The link that was made last.
#[component]
fn NewLink(shared: Shared) -> impl IntoView {
    view! {
        <div role="status">
            {move || {
                shared
                    .link
                    .get()
                    .map(|link| {
                        view! {
                            <div class="notice">
                                <p>"Give this link to that person. It works once, and is shown only now:"</p>
                                <p>
                                    <code class="one-time-link">{link}</code>
                                </p>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

#[component]
fn InviteForm(shared: Shared) -> impl IntoView {
    let Shared { submission, link, .. } = shared;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let form = event.clone();
        submission.send(invite_person(field(&event, "email"), field(&event, "role")), move |made| {
            reset_form(&form);
            link.set(Some(made));
        });
    };

    view! {
        <form class="inline-form" method="post" action=InvitePerson::url() on:submit=on_submit novalidate>
            <Field label="Invite by email address">
                <input class="field-input" type="email" name="email" autocomplete="off" spellcheck="false" required />
            </Field>
            <Field label="Role">
                <select class="field-input" name="role">
                    <option value=Role::Member.name()>"Member"</option>
                    <option value=Role::Admin.name()>"Administrator"</option>
                </select>
            </Field>
            <button class="button" type="submit" disabled=move || submission.is_busy.get()>
                "Make a link"
            </button>
        </form>
    }
}

#[component]
fn SearchForm(search: String) -> impl IntoView {
    view! {
        <form class="search-form" method="get" action=PEOPLE_PATH role="search">
            <Field label="Search">
                <input
                        class="field-input"
                        type="search"
                        name="search"
                        maxlength=limits::SEARCH_CHARS_MAX
                        value=search
                    />
            </Field>
            <button class="button button-quiet" type="submit">
                    "Search"
            </button>
        </form>
    }
}

#[component]
fn PeopleList(page: PersonPage, search: String, shared: Shared) -> impl IntoView {
    let is_empty = page.people.is_empty();
    let next = page.next.map(|after| {
        let query = query(&[("search", &search), ("after", &after)]);
        view! { <a class="button button-quiet" href=format!("{PEOPLE_PATH}?{query}")>"Next page"</a> }
    });

    view! {
        <ul class="sessions">
            {page.people.into_iter().map(|person| view! { <PersonItem person shared /> }).collect_view()}
        </ul>
        {is_empty.then(|| view! { <p class="settings-text">"Nobody is found."</p> })}
        {next}
    }
}

#[component]
fn PersonItem(person: PersonRow, shared: Shared) -> impl IntoView {
    let is_admin = person.role == Role::Admin;
    // One's own is switched off in the settings, with a code.
    let may_have_lost_factor = person.has_second_factor && !person.is_you;
    let name = (!person.display_name.is_empty()).then(|| format!("{} · ", person.display_name));
    let sessions = match person.sessions {
        0 => "not logged in".to_owned(),
        1 => "one session".to_owned(),
        count => format!("{count} sessions"),
    };

    view! {
        <li class="session person">
            <div class="session-facts">
                <p class="session-device">
                    {person.email.clone()} {is_admin.then(|| view! { <span class="session-mark">"administrator"</span> })}
                    {person.has_second_factor.then(|| view! { <span class="session-mark">"second factor"</span> })}
                    {(!person.is_active).then(|| view! { <span class="session-mark">"disabled"</span> })}
                </p>
                <p class="session-detail">{name} {sessions} " · since " <Timestamp at_ms=person.created_at_ms /></p>
            </div>
            <details class="person-actions">
                <summary class="button button-quiet" aria-label=format!("Manage {}", person.email)>
                    "Manage"
                </summary>
                <div class="person-buttons">
                    {if is_admin {
                        change(&person, "make_member", "Make a member", shared).into_any()
                    } else {
                        change(&person, "make_admin", "Make an administrator", shared).into_any()
                    }}
                    {if person.is_active {
                        change(&person, "disable", "Disable", shared).into_any()
                    } else {
                        change(&person, "enable", "Enable", shared).into_any()
                    }}
                    {password_link(&person, shared)}
                    {may_have_lost_factor.then(|| lost_factor(&person, shared))}
                    <details>
                        <summary class="button button-quiet">"Delete …"</summary>
                        <p class="session-detail">"Everything of theirs is gone for good."</p>
                        {change(&person, "delete", "Delete for good", shared)}
                    </details>
                </div>
            </details>
        </li>
    }
}

fn change(person: &PersonRow, what: &'static str, label: &'static str, shared: Shared) -> impl IntoView + use<> {
    let (id, about) = (person.id.to_string(), person.email.clone());
    let fields = vec![("user_id", id.clone()), ("change", what.to_owned())];
    let Shared { submission, people, .. } = shared;
    let act = move || submission.send(change_account(id.clone(), what.to_owned()), move |()| people.refetch());
    view! { <ActionForm url=ChangeAccount::url() fields label about is_busy=submission.is_busy act /> }
}

/// For who has lost their second factor.
fn lost_factor(person: &PersonRow, shared: Shared) -> impl IntoView + use<> {
    let (id, about) = (person.id.to_string(), person.email.clone());
    let fields = vec![("user_id", id.clone())];
    let Shared { submission, people, .. } = shared;
    let act = move || submission.send(remove_second_factor(id.clone()), move |()| people.refetch());
    view! {
        <details>
            <summary class="button button-quiet">"Second factor lost …"</summary>
            <p class="session-detail">
                "Make sure that it is them who ask. Their password alone will do then; all their sessions end, and they are told."
            </p>
            <ActionForm
                url=RemoveSecondFactor::url()
                fields
                label="Remove second factor"
                about
                is_busy=submission.is_busy
                act
            />
        </details>
    }
}

fn password_link(person: &PersonRow, shared: Shared) -> impl IntoView + use<> {
    let (id, about) = (person.id.to_string(), person.email.clone());
    let fields = vec![("user_id", id.clone())];
    let Shared { submission, link, .. } = shared;
    let act = move || submission.send(make_password_link(id.clone()), move |made| link.set(Some(made)));
    view! {
        <ActionForm
            url=MakePasswordLink::url()
            fields
            label="Link for a new password"
            about
            is_busy=submission.is_busy
            act
        />
    }
}
