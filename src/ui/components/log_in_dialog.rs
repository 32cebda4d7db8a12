//! The log-in over a page whose session has ended: the page waits behind it as it was.

use leptos::{ev, ev::SubmitEvent, html, prelude::*};

use super::{code_field::CodeField, field::Field, notice::ErrorNotice, password_field::PasswordField};
use crate::{
    api::session::log_in,
    domain::session::SessionEnd,
    ui::{
        paths::login_path,
        state::{
            effect::effect,
            session::{load_page, use_session},
            submission::{Submission, field, needs_code},
        },
    },
};

/// Says why the session ended and asks the same person for their password. What is behind it cannot be read: it may be
/// somebody else who looks.
#[component]
pub fn LogInDialog() -> impl IntoView {
    let (session, submission) = (use_session(), Submission::new());
    let dialog = NodeRef::<html::Dialog>::new();
    let show = move || {
        if let Some(dialog) = dialog.get().filter(|dialog| !dialog.open()) {
            // Refused only for a dialog that is open already.
            _ = dialog.show_modal();
        }
    };
    effect(show);
    move || {
        session.ended.get().map(|end: SessionEnd| {
            view! {
                // Escape would leave a page that cannot do anything; pressed twice, it closes whatever one says.
                <dialog
                    class="dialog log-in-dialog"
                    node_ref=dialog
                    aria-labelledby="log-in-dialog-heading"
                    on:cancel=|event: ev::Event| event.prevent_default()
                    on:close=move |_| show()
                >
                    <h2 class="dialog-heading" id="log-in-dialog-heading">
                        "Log in again"
                    </h2>
                    <p class="notice" role="status">
                        {end.text()}
                    </p>
                    <ErrorNotice error=submission.error />
                    <Form submission />
                </dialog>
            }
        })
    }
}

#[component]
fn Form(submission: Submission) -> impl IntoView {
    let session = use_session();
    let email = move || session.current.get().map(|current| current.user.email).unwrap_or_default();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let code = Some(field(&event, "code"));
        let request = log_in(field(&event, "email"), field(&event, "password"), code, None);
        submission.send(request, move |()| session.refresh());
    };
    let somebody_else = move |_: ev::MouseEvent| load_page(&login_path(None, None));

    view! {
        <form on:submit=on_submit novalidate>
            <Field label="Email">
                <input
                    class="field-input"
                    type="email"
                    name="email"
                    autocomplete="username"
                    readonly
                    value=email
                />
            </Field>
            <PasswordField autofocus=true />
            {move || needs_code(submission.error.get()).then(|| view! { <CodeField /> })}
            <div class="dialog-actions">
                <button class="button button-wide" type="submit" disabled=move || submission.is_busy.get()>
                    "Log in"
                </button>
                <button class="button button-quiet button-wide" type="button" on:click=somebody_else>
                    "Log in as somebody else"
                </button>
            </div>
        </form>
    }
}
