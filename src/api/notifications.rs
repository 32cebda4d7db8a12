//! What the person is told until they have read it.

use leptos::prelude::*;

use crate::{domain::notification::Notification, error::Error};

/// What was not read yet, the newest first, up to a limit.
#[server(name = ListNotifications, prefix = "/api", endpoint = "list_notifications")]
pub async fn list_notifications() -> Result<Vec<Notification>, Error> {
    use crate::server::request;
    request::user()?.list_notifications().await
}

/// Notes that one was read, in every tab.
///
/// # Errors
/// [`Error::NotFound`] when there is no such one, or it is somebody else's.
#[server(name = ReadNotification, prefix = "/api", endpoint = "read_notification")]
pub async fn read_notification(notification_id: String) -> Result<(), Error> {
    use crate::server::request;
    let (state, db) = (request::state()?, request::user()?);
    if !db.read_notification(notification_id.parse()?).await? {
        return Err(Error::NotFound);
    }
    state.live.notifications_changed(db.user_id());
    Ok(())
}
