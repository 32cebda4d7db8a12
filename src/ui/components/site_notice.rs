//! What those who run the site tell everybody, above every page.

use leptos::{prelude::*, server_fn::ServerFn};

use super::action_form::ActionForm;
use crate::{
    api::site::{DismissNotice, dismiss_notice},
    domain::site::SiteNotice as Notice,
    ui::state::{session::use_session, submission::Submission},
};

/// A quiet bar; `first` is what the server's page knows, later ones come live.
#[component]
pub fn SiteNotice(first: Option<Notice>) -> impl IntoView {
    let (session, submission) = (use_session(), Submission::new());
    let notice = move || match session.current.get() {
        Some(current) => current.site.notice,
        None => first.clone(),
    };

    view! {
        <div class="notifications" role="status">
            {move || {
                notice()
                    .map(|Notice { id, text }| {
                        let fields = vec![("notice_id", id.clone())];
                        let act = move || submission.send(dismiss_notice(id.clone()), move |()| session.refresh());
                        view! {
                            <div class="notification">
                                <p class="site-notice">{text}</p>
                                <ActionForm
                                    url=DismissNotice::url()
                                    fields
                                    label="Dismiss"
                                    about="notice"
                                    is_busy=submission.is_busy
                                    act
                                />
                            </div>
                        }
                    })
            }}
        </div>
    }
}
