//! What a server function answered to a form.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::error::Error;

/// The answer to what this page sent; none before. Leptos also fills an action from `?__err=…` in the URL, which anybody
/// can write into a link, so nothing reads an action's value but through here.
pub fn answer<S>(action: ServerAction<S>) -> Option<Result<S::Output, Error>>
where
    S: ServerFn<Error = Error> + Send + Sync + Clone + 'static,
    S::Output: Send + Sync + Clone + 'static,
{
    if action.version().get() == 0 { None } else { action.value().get() }
}
