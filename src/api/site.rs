//! What holds for everybody.

use leptos::prelude::*;

use crate::{domain::site::SiteForm, error::Error};

/// The site's settings, for those who may change them.
///
/// # Errors
/// [`Error::Forbidden`].
#[server(name = FindSite, prefix = "/api", endpoint = "find_site")]
pub async fn find_site() -> Result<SiteForm, Error> {
    use crate::server::{request, site};
    let (state, known) = (request::state()?, request::known()?);
    request::page(site::find_form(&state, &known).await)
}

/// Replaces the site's settings. A box that is not ticked is not sent.
///
/// # Errors
/// [`Error::Forbidden`], or what is wrong with a field.
#[server(name = SaveSite, prefix = "/api", endpoint = "save_site")]
pub async fn save_site(
    name: String,
    default_model: String,
    notice: String,
    members_make_tokens: Option<String>,
    invitation_days: String,
) -> Result<(), Error> {
    use crate::{
        domain::{admin::Permission, next::SITE_SAVED_PATH, site::SiteSettings},
        server::{request, site},
    };
    let (state, known) = (request::state()?, request::known()?);
    known.db.admin(Permission::ManageSite)?;
    let may_make = members_make_tokens.is_some();
    let new = SiteSettings::parse(&name, &default_model, &notice, may_make, &invitation_days)?;
    site::save(&state, &known, &request::client()?, new).await?;
    request::show(SITE_SAVED_PATH);
    Ok(())
}

/// Shows the notice to everybody no more in this browser; it counts as read everywhere.
///
/// # Errors
/// [`Error::NotFound`] when there is another one by now.
#[server(name = DismissNotice, prefix = "/api", endpoint = "dismiss_notice")]
pub async fn dismiss_notice(notice_id: String) -> Result<(), Error> {
    use crate::server::request;
    let (state, db) = (request::state()?, request::user()?);
    request::dismiss_notice(&notice_id)?;
    db.read_notices().await?;
    state.live.notifications_changed(db.user_id());
    Ok(())
}
