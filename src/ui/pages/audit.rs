//! `/admin/audit`: who did what about accounts and the site.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    api::admin::list_audit,
    domain::{
        admin::{AuditAction, AuditPage as Page, AuditRow},
        limits,
    },
    ui::{
        components::{
            admin_frame::AdminFrame, fetch_failed::FetchFailed, field::Field, loading::Loading, timestamp::Timestamp,
        },
        paths::{AUDIT_CSV_PATH, AUDIT_PATH, query},
    },
};

/// The log, newest first. `?who=` and `?action=` say which entries, `?before=` from where on.
#[component]
pub fn AuditPage() -> impl IntoView {
    let map = use_query_map();
    let param = move |name: &str| map.with(|query| query.get(name)).unwrap_or_default();
    let page = Resource::new(
        move || (param("who"), param("action"), param("before")),
        |(who, action, before)| list_audit(who, action, Some(before)),
    );
    let actions = move || {
        let chosen = param("action");
        AuditAction::ALL
            .map(|action| {
                let is_chosen = action.name() == chosen;
                view! { <option value=action.name() selected=is_chosen>{words(action.name())}</option> }
            })
            .collect_view()
    };

    view! {
        <AdminFrame heading="Audit log">
            <form class="inline-form" method="get" action=AUDIT_PATH role="search">
                <Field label="Who">
                    <input
                        class="field-input"
                        type="search"
                        name="who"
                        maxlength=limits::SEARCH_CHARS_MAX
                        value=move || param("who")
                    />
                </Field>
                <Field label="What">
                    <select class="field-input" name="action">
                        <option value="">"Anything"</option>
                        {actions}
                    </select>
                </Field>
                <button class="button button-quiet" type="submit">
                    "Show"
                </button>
                <a class="button button-quiet" href=AUDIT_CSV_PATH rel="external" download>
                    "Export as CSV"
                </a>
            </form>
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(page) => view! { <Entries page who=param("who") action=param("action") /> }.into_any(),
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Entries(page: Page, who: String, action: String) -> impl IntoView {
    let is_empty = page.entries.is_empty();
    let older = page.next.map(|before| {
        let query = query(&[("who", &who), ("action", &action), ("before", &before)]);
        view! { <a class="button button-quiet" href=format!("{AUDIT_PATH}?{query}")>"Older entries"</a> }
    });

    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Entries">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Whom"</th>
                        <th scope="col">"From"</th>
                    </tr>
                </thead>
                <tbody>{page.entries.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
        {is_empty.then(|| view! { <p class="settings-text">"There is no such entry."</p> })}
        {older}
    }
}

fn row(entry: AuditRow) -> impl IntoView {
    view! {
        <tr>
            <td>
                <Timestamp at_ms=entry.at_ms />
            </td>
            <td>{if entry.actor.is_empty() { "nobody known".to_owned() } else { entry.actor }}</td>
            <td>{words(&entry.action)}</td>
            <td>{entry.subject}</td>
            <td>{entry.address}</td>
        </tr>
    }
}

/// A name as words.
fn words(name: &str) -> String {
    name.replace('_', " ")
}
