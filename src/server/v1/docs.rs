//! What the API says of itself: the OpenAPI document, and a page made from it for people.
//!
//! Both are for everybody and the same for everybody. The page is plain HTML with the site's own style; nothing in it comes
//! from elsewhere.

mod page;
mod reference;

use std::sync::LazyLock;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Openapi, Ref, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{chats, files, messages, sessions, token, views};
use crate::server::state::AppState;

/// What the page may load: the style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Every route of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sardonyx",
        description = "Chats and files for programs. Show a token with each request: `Authorization: Bearer …`. A personal access \
                       token comes from the settings and may do what it was made for; the one that `/api/v1/token` \
                       gives for a password may do everything. Whatever goes wrong is answered with an `Error`; fields \
                       that are not known are refused. Who asks too often, or sends too much in a short time, gets 429, \
                       and `Retry-After` says in how many seconds to go on.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        token::create_token,
        token::refresh_token,
        token::find_me,
        chats::list_chats,
        chats::create_chat,
        chats::find_chat,
        chats::delete_chat,
        messages::list_messages,
        messages::send_message,
        files::list_files,
        files::add_file,
        files::find_file,
        files::delete_file,
        crate::server::files::tus::uploads,
        crate::server::files::tus::upload,
        crate::server::files::form::submit,
        crate::server::files::form::submit_for_chat,
        crate::server::files::content::download,
        crate::server::files::preview::thumbnail,
        crate::server::files::preview::large,
        sessions::list_sessions,
        sessions::end_other_sessions,
        sessions::end_session,
    ),
    components(schemas(views::SentView)),
    modifiers(&Bearer, &Refusals, &UploadNames),
    security(("bearer" = [])),
)]
pub struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Openapi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// Every operation can be refused, in one shape.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut Openapi) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
        let refusal = ResponseBuilder::new().description("Refused.").content("application/json", content).build();
        for item in document.paths.paths.values_mut() {
            let operations =
                [&mut item.get, &mut item.head, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                operation.responses.responses.insert("default".to_owned(), refusal.clone().into());
            }
        }
    }
}

/// What is described once for several methods has one name for each.
struct UploadNames;

impl Modify for UploadNames {
    fn modify(&self, document: &mut Openapi) {
        let Some(item) = document.paths.paths.get_mut("/api/v1/files/uploads/{id}") else { return };
        for (operation, name) in [
            (&mut item.head, "find_upload"),
            (&mut item.patch, "append_to_upload"),
            (&mut item.delete, "give_up_upload"),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(name.to_owned());
            }
        }
    }
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| Document::openapi().to_json().unwrap_or_default());

/// The document.
pub async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// The page.
pub async fn page(State(state): State<AppState>) -> Response {
    let reference = reference::read(&DOCUMENT);
    let mut response = Html(page::render(&reference, &state.assets.style, &state.site.settings().name)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_operation_and_every_type_of_the_document() {
        let document: serde_json::Value = serde_json::from_str(&DOCUMENT).unwrap();
        let html = page::render(&reference::read(&DOCUMENT), "/pkg/style.css", "Acme");
        for (path, operations) in document["paths"].as_object().unwrap() {
            assert!(html.contains(path.as_str()), "{path}");
            for operation in operations.as_object().unwrap().values() {
                assert!(html.contains(operation["summary"].as_str().unwrap()), "{operation}");
            }
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(html.contains(&format!("id=\"{name}\"")), "{name}");
        }
        assert!(!html.contains("<script") && !html.contains("style=") && !html.contains("://"));
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_how_it_refuses() {
        let document: serde_json::Value = serde_json::from_str(&DOCUMENT).unwrap();
        let mut names = std::collections::HashSet::new();
        for operation in
            document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
        {
            let refusal = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(refusal, "#/components/schemas/Error", "{operation}");
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
        }
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        let document: serde_json::Value = serde_json::from_str(&DOCUMENT).unwrap();
        for part in DOCUMENT.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        assert!(DOCUMENT.contains("\"bearer\""));
    }
}
