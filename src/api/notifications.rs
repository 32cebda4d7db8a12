//! What the person is told.

use leptos::prelude::*;

use crate::{domain::notification::Notification, error::Error};

/// What was not read yet, the newest first.
#[server(name = ListNotifications, prefix = "/api", endpoint = "list_notifications")]
pub async fn list_notifications() -> Result<Vec<Notification>, Error> {
    use crate::server::request;
    request::user()?.list_notifications(true).await
}

/// All that is kept, read or not, the newest first.
#[server(name = ListAllNotifications, prefix = "/api", endpoint = "list_all_notifications")]
pub async fn list_all_notifications() -> Result<Vec<Notification>, Error> {
    use crate::server::request;
    request::user()?.list_notifications(false).await
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

/// Notes that all were read, in every tab.
#[server(name = ReadAllNotifications, prefix = "/api", endpoint = "read_all_notifications")]
pub async fn read_all_notifications() -> Result<(), Error> {
    use crate::{domain::next::NOTIFICATIONS_PATH, server::request};
    let (state, db) = (request::state()?, request::user()?);
    db.read_all_notifications().await?;
    state.live.notifications_changed(db.user_id());
    request::show(NOTIFICATIONS_PATH);
    Ok(())
}
