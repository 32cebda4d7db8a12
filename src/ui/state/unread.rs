//! What the person was told and has not read, as far as this tab knows.

use leptos::prelude::*;

use super::fetched::Fetched;
use crate::domain::notification::Notification;

/// What was not read, the newest first.
pub type Unread = Fetched<Vec<Notification>>;

/// Makes it known to everything below.
pub fn provide_unread() {
    provide_context(Unread::new());
}

/// What was not read.
pub fn use_unread() -> Unread {
    expect_context()
}
