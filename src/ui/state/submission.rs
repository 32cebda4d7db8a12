//! A form that the page sends itself, once the browser half has taken over.
//!
//! Forms are plain (`method="post" action="/api/…"`), with fields named as the server function's arguments, so they work
//! without a script. With one, `on:submit` takes the fields and calls the server function through here. Leptos' own
//! `ActionForm` does the same at several times the size, and takes errors from the URL, which anybody can write.

use std::pin::Pin;

use leptos::{
    ev::SubmitEvent,
    prelude::*,
    task::spawn_local,
    web_sys::{FormData, HtmlFormElement},
};

use super::session::{Session, use_session};
use crate::error::Result;

/// How a form's sending goes.
#[derive(Clone, Copy)]
pub struct Submission {
    pub is_busy: RwSignal<bool>,
    /// Why it failed last.
    pub error: RwSignal<Option<crate::error::Error>>,
    session: Session,
}

impl Submission {
    pub fn new() -> Self {
        Self { is_busy: RwSignal::new(false), error: RwSignal::new(None), session: use_session() }
    }

    /// Waits for the answer to `request`, then calls `done` with it. One at a time: while it waits, nothing else is sent.
    pub fn send<T: 'static>(self, request: impl Future<Output = Result<T>> + 'static, done: impl FnOnce(T) + 'static) {
        // In boxes, so that all of these are one and the same to the compiler.
        self.send_boxed(Box::pin(request), Box::new(done));
    }

    fn send_boxed<T: 'static>(self, request: Pin<Box<dyn Future<Output = Result<T>>>>, done: Box<dyn FnOnce(T)>) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.error.set(None);
        spawn_local(async move {
            let answer = request.await;
            // The form may be gone by now.
            self.is_busy.try_set(false);
            match answer {
                Ok(value) => done(value),
                Err(error) => {
                    self.error.try_set(Some(error));
                    self.session.leave_if_ended(error);
                }
            }
        });
    }
}

/// What is in a field of the form that is being submitted.
pub fn field(event: &SubmitEvent, name: &str) -> String {
    form_field(&event_target(event), name)
}

/// What is in a field of a form.
pub fn form_field(form: &HtmlFormElement, name: &str) -> String {
    let value = FormData::new_with_form(form).ok().and_then(|fields| fields.get(name).as_string());
    value.unwrap_or_default()
}

/// The value of a box in the form that is being submitted, when it is ticked.
pub fn ticked(event: &SubmitEvent, name: &str) -> Option<String> {
    Some(field(event, name)).filter(|value| !value.is_empty())
}

/// Whether the form has to ask for a code of the second factor. Stays so while one is wrong; the first wrong password
/// after that asks anew.
pub fn needs_code(error: Option<crate::error::Error>) -> bool {
    use crate::error::Error;
    matches!(error, Some(Error::CodeNeeded | Error::WrongCode))
}

/// Empties the form that was submitted.
pub fn reset_form(event: &SubmitEvent) {
    let form: HtmlFormElement = event_target(event);
    form.reset();
}
