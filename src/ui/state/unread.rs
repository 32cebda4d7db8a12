//! What the person was told and has not read, as far as this tab knows.

use leptos::prelude::*;

use crate::domain::notification::Notification;

/// What was not read, the newest first. Owned by whoever asks, for a title is read once more while its page goes away.
pub type Unread = ArcRwSignal<Vec<Notification>>;

/// Makes it known to everything below.
pub fn provide_unread() {
    provide_context(Unread::new(Vec::new()));
}

/// What was not read.
pub fn use_unread() -> Unread {
    expect_context()
}
