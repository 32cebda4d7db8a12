//! The composition root: every route, and the layers around them, from the outside in.
//!
//! Outermost come the request's id and its span, then the security headers, panics, and the origin check; around what
//! needs to know who is calling, the session and the guard. To add a route: put it into the group whose layers it needs,
//! and give it its line in `tests/isolation.rs`.

use std::{sync::LazyLock, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Redirect, Response},
    routing::{any, delete, get, post},
};
use leptos::{context::provide_context, nonce::use_nonce, prelude::use_context};
use leptos_axum::{AxumRouteListing, ResponseOptions, generate_route_list, render_app_async_with_context};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::{DefaultOnFailure, TraceLayer},
};
use tracing::Level;

use crate::{
    app::App,
    domain::{limits, next::HOME_PATH, site::SiteName},
    error::Error,
    server::{
        assets, audit,
        auth::{cookie, guard, second_factor},
        door, export, files, flood, health,
        live::{socket, stream},
        origin, refusal,
        serve::Server,
        state::AppState,
        v1,
    },
    shell::shell,
};

/// Paths of pages that are for everybody.
const PUBLIC_PAGES: [&str; 3] = ["/login", "/setup", "/welcome"];

/// Everything that the server answers.
pub fn new(server: &Server) -> Router {
    let state = &server.state;
    let known = Router::new()
        .merge(pages(state))
        .route("/settings/second-factor.svg", get(second_factor::picture).layer(map_response(never_stored)))
        .route("/settings/data.json", get(export::download).layer(map_response(never_stored)))
        .route("/admin/audit.csv", get(audit::export).layer(map_response(never_stored)))
        .merge(files_of_pages())
        .route("/ws", any(socket::upgrade))
        .route("/live", get(stream::open))
        .layer(from_fn(guard::log_denied))
        .layer(from_fn_with_state(state.clone(), flood::limit))
        // Inside the door, which makes a plain form's answer of what is refused.
        .merge(server_functions(state))
        .layer(from_fn_with_state(state.clone(), guard::identify))
        .merge(api_for_programs(state))
        .layer(cookie::session_layer(server.store.clone(), &state.origins))
        .layer(from_fn_with_state(state.origins.clone(), cookie::mend_removal))
        .layer(Extension(server.store.clone()));
    Router::new()
        .merge(known)
        .route("/", get(async || Redirect::to(HOME_PATH)))
        .route("/api/v1/openapi.json", get(v1::docs::document))
        .route("/api/v1/docs", get(v1::docs::page))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready).layer(Extension(server.redis.clone())))
        .fallback(not_a_route)
        .layer(from_fn_with_state(state.origins.clone(), origin::check_origin))
        .layer(DefaultBodyLimit::max(limits::REQUEST_BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(security_headers))
        .layer(observation())
        .with_state(state.clone())
}

/// The pages, as `App` lists them: those for everybody, and those behind the log-in.
fn pages(state: &AppState) -> Router<AppState> {
    let (public, private): (Vec<_>, Vec<_>) =
        page_routes().into_iter().partition(|route| PUBLIC_PAGES.contains(&route.path()));
    let public = render(state, public).layer(from_fn(guard::skip_log_in));
    let private = render(state, private).layer(from_fn(guard::require_user));
    public.merge(private).layer(map_response(never_stored)).layer(TimeoutLayer::with_status_code(
        StatusCode::SERVICE_UNAVAILABLE,
        Duration::from_secs(limits::REQUEST_SECONDS_MAX),
    ))
}

/// Every page's path and how it is rendered. Found out once for the whole process: while Leptos does it, a page that is
/// rendered elsewhere in the process would wait for ever for what it fetches.
pub fn page_routes() -> Vec<AxumRouteListing> {
    static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));
    ROUTES.clone()
}

/// The pages as they are rendered: whole, so that they are complete without the browser half.
fn render(state: &AppState, routes: Vec<AxumRouteListing>) -> Router<AppState> {
    let mut router = Router::new();
    for route in routes {
        let assets = state.assets.clone();
        let page = render_app_async_with_context(page_context(state), move || shell(&assets));
        router = router.route(route.path(), get(page));
    }
    router
}

/// What a page's rendering may ask for; its answer carries the policy with the nonce of its own scripts.
fn page_context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let state = state.clone();
    move || {
        provide_context(state.clone());
        provide_context(SiteName(state.site.settings().name.clone()));
        if let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce())
            && let Ok(policy) = HeaderValue::try_from(content_security_policy(&nonce))
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

fn server_functions(state: &AppState) -> Router<AppState> {
    let context = state.clone();
    let handle = move |request: Request<Body>| {
        let context = context.clone();
        leptos_axum::handle_server_fns_with_context(move || provide_context(context.clone()), request)
    };
    let mut router = Router::new();
    for (path, _) in leptos::server_fn::axum::server_fn_paths() {
        router = router.route(path, any(handle.clone()));
    }
    router
        .layer(from_fn_with_state(state.clone(), flood::limit))
        .layer(from_fn(door::answer))
        .route("/api/{*unknown}", any(door::unknown))
        .layer(map_response(never_stored))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(limits::REQUEST_SECONDS_MAX),
        ))
}

/// Files as pages send and fetch them; for as long as that takes.
fn files_of_pages() -> Router<AppState> {
    Router::new()
        .route("/files/uploads", any(files::tus::uploads))
        .route("/files/uploads/{id}", any(files::tus::upload))
        .route("/files/form", post(files::form::submit))
        .route("/files/form/{id}", post(files::form::submit_for_chat))
        .route("/files/{id}/content", get(files::content::download))
        .route("/files/{id}/thumbnail", get(files::preview::thumbnail))
        .route("/files/{id}/view", get(files::preview::large))
        .layer(map_response(never_stored))
}

/// The API for programs. What waits for a reply or carries a file has a limit of its own; everything else has the usual
/// one.
fn api_for_programs(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/api/v1/token", post(v1::token::create_token))
        .route("/api/v1/token/refresh", post(v1::token::refresh_token))
        .route("/api/v1/me", get(v1::token::find_me))
        .route("/api/v1/chats", get(v1::chats::list_chats).post(v1::chats::create_chat))
        .route("/api/v1/chats/{id}", get(v1::chats::find_chat).delete(v1::chats::delete_chat))
        .route("/api/v1/files", get(v1::files::list_files))
        .route("/api/v1/files/{id}", get(v1::files::find_file).delete(v1::files::delete_file))
        .route("/api/v1/sessions", get(v1::sessions::list_sessions).delete(v1::sessions::end_other_sessions))
        .route("/api/v1/sessions/{id}", delete(v1::sessions::end_session))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(limits::REQUEST_SECONDS_MAX),
        ))
        .route("/api/v1/chats/{id}/messages", get(v1::messages::list_messages).post(v1::messages::send_message))
        .route("/api/v1/files", post(v1::files::add_file))
        .route("/api/v1/files/uploads", any(files::tus::uploads))
        .route("/api/v1/files/uploads/{id}", any(files::tus::upload))
        .route("/api/v1/files/form", post(files::form::submit))
        .route("/api/v1/files/form/{id}", post(files::form::submit_for_chat))
        .route("/api/v1/files/{id}/content", get(files::content::download))
        .route("/api/v1/files/{id}/thumbnail", get(files::preview::thumbnail))
        .route("/api/v1/files/{id}/view", get(files::preview::large))
        .layer(from_fn(guard::log_denied))
        .layer(from_fn_with_state(state.clone(), flood::limit_program))
        .layer(from_fn_with_state(state.clone(), guard::identify_program))
        .layer(map_response(v1::challenge))
        .layer(map_response(never_stored))
}

/// Files of the site; anything else is a page that is not there.
async fn not_a_route(State(state): State<AppState>, request: Request) -> Response {
    if assets::exists(request.uri().path()) {
        return assets::serve(request).await;
    }
    let assets = state.assets.clone();
    let page = render_app_async_with_context(page_context(&state), move || shell(&assets));
    let mut response = page(request).await.into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

/// What every answer carries. A page's own policy, which has a nonce, stays.
async fn security_headers(mut response: Response) -> Response {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The door needs to know which page of ours a plain form stands on; others learn nothing.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ));
    response
}

/// Private pages and answers are kept by nobody.
async fn never_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    // The panic hook has logged it.
    refusal::json(Error::Internal)
}

/// A request's id, in its answer and in every line that is logged for it.
fn observation() -> impl tower::Layer<
    axum::routing::Route,
    Service: tower::Service<
        Request,
        Response: IntoResponse + 'static,
        Error: Into<std::convert::Infallible> + 'static,
        Future: Send + 'static,
    > + Clone
                 + Send
                 + Sync
                 + 'static,
> + Clone
+ Send
+ Sync
+ 'static {
    ServiceBuilder::new()
        .layer(from_fn(drop_foreign_request_id))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
                    // The path without its query, which may carry a secret.
                    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id = id.unwrap_or_default())
                })
                .on_request(())
                .on_response(|response: &Response, latency: Duration, _: &tracing::Span| {
                    tracing::debug!(status = response.status().as_u16(), ms = latency.as_millis(), "answered");
                })
                .on_failure(DefaultOnFailure::new().level(Level::WARN)),
        )
        .layer(PropagateRequestIdLayer::x_request_id())
}

/// Ids are ours: one that a client chose could be anything in our log.
async fn drop_foreign_request_id(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove("x-request-id");
    next.run(request).await
}
