//! What those see and do who run the site. Each asks for the permission that it needs.

use leptos::prelude::*;

use crate::{
    domain::admin::{AuditPage, LiveSession, PersonPage},
    error::Error,
};

/// A page of people, by address, after the address `after`.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = ListPeople, prefix = "/api", endpoint = "list_people")]
pub async fn list_people(search: String, after: Option<String>) -> Result<PersonPage, Error> {
    use crate::{
        domain::admin::Permission,
        server::request::{self, search_text},
    };
    let admin = request::page(request::user()?.admin(Permission::ManagePeople))?;
    admin.list_people(search_text(&search)?, after.as_deref().filter(|after| !after.is_empty())).await
}

/// Makes a link by which somebody makes their own account; gives its address. It is shown this once.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] when there is such an account already.
#[server(name = InvitePerson, prefix = "/api", endpoint = "invite_person")]
pub async fn invite_person(email: String, role: String) -> Result<String, Error> {
    use crate::{
        domain::user::{Email, Role},
        error::InvalidInput,
        server::{people, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let email = Email::parse(&email)?;
    let role = Role::from_name(&role).ok_or(InvalidInput::Choice)?;
    let link = people::invite(&state, &known, &request::client()?, &email, role).await?;
    request::show(&format!("/admin?link={link}"));
    Ok(link)
}

/// Makes a link by which somebody gives their account a new password; gives its address. It is shown this once.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
#[server(name = MakePasswordLink, prefix = "/api", endpoint = "make_password_link")]
pub async fn make_password_link(user_id: String) -> Result<String, Error> {
    use crate::server::{people, request};
    let (state, known) = (request::state()?, request::known()?);
    let link = people::make_password_link(&state, &known, &request::client()?, user_id.parse()?).await?;
    request::show(&format!("/admin?link={link}"));
    Ok(link)
}

/// Changes an account: `make_member`, `make_admin`, `disable`, `enable` or `delete`.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::LastAdmin`].
#[server(name = ChangeAccount, prefix = "/api", endpoint = "change_account")]
pub async fn change_account(user_id: String, change: String) -> Result<(), Error> {
    use crate::{
        domain::user::Role,
        error::InvalidInput,
        server::{db::AccountChange, people, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let change = match change.as_str() {
        "make_member" => AccountChange::Role(Role::Member),
        "make_admin" => AccountChange::Role(Role::Admin),
        "disable" => AccountChange::Disable,
        "enable" => AccountChange::Enable,
        "delete" => AccountChange::Delete,
        _ => return Err(InvalidInput::Choice.into()),
    };
    people::change_account(&state, &known, &request::client()?, user_id.parse()?, change).await?;
    request::show("/admin");
    Ok(())
}

/// Takes a second factor away from somebody who has lost it; their sessions end.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] for oneself; [`Error::NotFound`] when there is no such account, or it has none.
#[server(name = RemoveSecondFactor, prefix = "/api", endpoint = "remove_second_factor")]
pub async fn remove_second_factor(user_id: String) -> Result<(), Error> {
    use crate::server::{people, request};
    let (state, known) = (request::state()?, request::known()?);
    people::remove_second_factor(&state, &known, &request::client()?, user_id.parse()?).await?;
    request::show("/admin");
    Ok(())
}

/// Every session that can be used, the last used one first, up to a limit.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = ListLiveSessions, prefix = "/api", endpoint = "list_live_sessions")]
pub async fn list_live_sessions() -> Result<Vec<LiveSession>, Error> {
    use crate::{domain::admin::Permission, server::request};
    request::page(request::user()?.admin(Permission::ManageSessions))?.list_live_sessions().await
}

/// Ends somebody's sessions: the one that is named, else all.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] when there is no such account or session.
#[server(name = EndSessionsOf, prefix = "/api", endpoint = "end_sessions_of")]
pub async fn end_sessions_of(user_id: String, session_id: Option<String>) -> Result<(), Error> {
    use crate::{
        domain::session::Sessions,
        server::{people, request},
    };
    let (state, known) = (request::state()?, request::known()?);
    let sessions = match session_id {
        Some(id) => Sessions::One(id.parse()?),
        None => Sessions::All,
    };
    people::end_sessions(&state, &known, &request::client()?, user_id.parse()?, sessions).await?;
    request::show("/admin/sessions");
    Ok(())
}

/// A page of the audit log, newest first, before the entry `before`.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = ListAudit, prefix = "/api", endpoint = "list_audit")]
pub async fn list_audit(who: String, action: String, before: Option<String>) -> Result<AuditPage, Error> {
    use crate::{
        domain::admin::{AuditAction, Permission},
        error::InvalidInput,
        server::{
            db::AuditFilter,
            request::{self, search_text},
        },
    };
    let admin = request::page(request::user()?.admin(Permission::ReadAudit))?;
    let action = match action.as_str() {
        "" => None,
        name => Some(AuditAction::from_name(name).ok_or(InvalidInput::Choice)?),
    };
    let filter = AuditFilter { who: search_text(&who)?.to_owned(), action };
    admin.list_audit(&filter, before.as_deref().filter(|before| !before.is_empty())).await
}
