//! A token for a password, a fresh one for a token, and whose it is.

use axum::{Extension, Json, extract::State};

use super::{
    Refusal,
    caller::{Anything, Caller, SignedToken},
    input::Body,
    views::{ErrorView, TokenRequest, TokenView, UserView},
};
use crate::{
    domain::{token::TokenName, user::Password},
    server::{
        auth::{client::Client, token},
        state::AppState,
    },
};

/// Log in: a token for an e-mail address and a password.
///
/// It begins a session, which is listed among the active ones; ending that ends the token at once.
#[utoipa::path(
    post,
    path = "/api/v1/token",
    tag = "Tokens",
    request_body = TokenRequest,
    responses(
        (status = 200, description = "The token", body = TokenView),
        (status = 401, description = "E-mail or password is not right", body = ErrorView),
        (status = 403, description = "Members of this site may not make tokens", body = ErrorView),
        (status = 429, description = "Too many failed attempts", body = ErrorView),
    ),
    security(()),
)]
pub async fn create_token(
    State(state): State<AppState>,
    Extension(client): Extension<Client>,
    Body(request): Body<TokenRequest>,
) -> Result<Json<TokenView>, Refusal> {
    let password = Password::parse(request.password)?;
    let name = request.name.as_deref().map(TokenName::parse).transpose()?;
    let issued = token::begin(&state, &client, &request.email, password, name, request.code.as_deref()).await?;
    Ok(Json(issued.into()))
}

/// A fresh token for one that has not ended.
///
/// The session goes on as it is: it ends when it would have ended, and all its tokens with it. A personal access token
/// cannot be refreshed.
#[utoipa::path(
    post,
    path = "/api/v1/token/refresh",
    tag = "Tokens",
    responses(
        (status = 200, description = "The token", body = TokenView),
        (status = 401, description = "The token has ended", body = ErrorView),
        (status = 403, description = "Members of this site may not make tokens", body = ErrorView),
    ),
)]
pub async fn refresh_token(
    State(state): State<AppState>,
    caller: Caller<SignedToken>,
) -> Result<Json<TokenView>, Refusal> {
    let known = caller.shown.session()?;
    let (user_id, session_id) = (known.db.user_id(), known.session_id);
    state.site.check_may_make_tokens(known.db.user().role)?;
    Ok(Json(token::issue(&state, user_id, session_id, known.session_expires_at_ms)?.into()))
}

/// Whose token this is.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "Tokens",
    responses((status = 200, description = "The account", body = UserView)),
)]
pub async fn find_me(caller: Caller<Anything>) -> Json<UserView> {
    Json(caller.db().user().into())
}
