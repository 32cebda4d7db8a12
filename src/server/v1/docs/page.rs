//! The page about the API: a document of its own, without the app and without scripts.

use leptos::{prelude::*, tachys::view::RenderHtml};

use super::reference::{Answer, Field, Group, Operation, Reference, Type, TypeName};

/// The page as HTML, of a site of this name. The framework escapes every text in it.
pub fn render(reference: &Reference, style: &str, site: &str) -> String {
    let groups = reference.groups.iter().map(group).collect_view();
    let types = reference.types.iter().map(describe).collect_view();
    let description = reference.description.clone();
    let (style, title) = (style.to_owned(), format!("API · {site}"));
    let page = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=style />
            </head>
            <body class="reference">
                <main class="settings">
                    <h1 class="settings-heading">"API"</h1>
                    <p class="settings-text">{marked(&description)}</p>
                    <p class="settings-text">
                        <a href="/api/v1/openapi.json">"OpenAPI document"</a>
                        " · "
                        <a href="/settings/tokens">"Your access tokens"</a>
                    </p>
                    {groups}
                    <h2 class="reference-group">"Types"</h2>
                    {types}
                </main>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", page.to_html())
}

fn group(group: &Group) -> impl IntoView + use<> {
    let operations = group.operations.iter().map(operation).collect_view();
    view! {
        <h2 class="reference-group">{group.name.clone()}</h2>
        {operations}
    }
}

fn operation(operation: &Operation) -> impl IntoView + use<> {
    let Operation { method, path, summary, description, params, body, answers } = operation;
    let params = (!params.is_empty()).then(|| fields(params));
    let body = body.as_ref().map(|body| view! { <p>"Takes " {type_link(body)} "."</p> });
    let answers = answers.iter().map(answer).collect_view();
    view! {
        <section class="reference-entry">
            <h3 class="reference-name">
                <span class="reference-method">{method.clone()}</span>
                " "
                <code>{path.clone()}</code>
            </h3>
            <p>{marked(summary)}</p>
            {(!description.is_empty()).then(|| view! { <p class="settings-text">{marked(description)}</p> })}
            {params}
            {body}
            <ul class="reference-answers">{answers}</ul>
        </section>
    }
}

fn answer(answer: &Answer) -> impl IntoView + use<> {
    let body = answer.body.as_ref().map(|body| view! { ": " {type_link(body)} });
    view! { <li><code>{answer.status.clone()}</code> " " {answer.description.clone()} {body}</li> }
}

fn describe(described: &Type) -> impl IntoView + use<> {
    let Type { name, description, fields: known } = described;
    view! {
        <section class="reference-entry" id=name.clone()>
            <h3 class="reference-name">{name.clone()}</h3>
            <p>{marked(description)}</p>
            {fields(known)}
        </section>
    }
}

fn fields(fields: &[Field]) -> impl IntoView + use<> {
    let rows = fields.iter().map(|field| {
        view! {
            <dt>
                <code>{field.name.clone()}</code>
                " "
                {type_link(&field.type_name)}
                {(!field.is_required).then_some(" (may be missing)")}
            </dt>
            <dd>{marked(&field.description)}</dd>
        }
    });
    view! { <dl class="reference-fields">{rows.collect_view()}</dl> }
}

fn type_link(type_name: &TypeName) -> impl IntoView + use<> {
    let TypeName { name, is_list, is_ours } = type_name;
    let link = match is_ours {
        true => view! { <a href=format!("#{name}")>{name.clone()}</a> }.into_any(),
        false => view! { <span class="reference-type">{name.clone()}</span> }.into_any(),
    };
    view! { {is_list.then_some("list of ")} {link} }
}

/// A text in which backticks set code apart, as in a comment of the source.
fn marked(text: &str) -> impl IntoView + use<> {
    let parts = text.split('`').enumerate().map(|(n, part)| {
        let part = part.to_owned();
        if n % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
    });
    parts.collect_view()
}
