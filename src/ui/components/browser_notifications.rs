//! Whether the browser itself shows what the person is told.

use leptos::prelude::*;

use crate::{
    domain::ids::UserId,
    ui::state::browser_notifications::{Permission, permission, turn_off, turn_on},
};

/// The choice, for this browser only. What a browser allows is known in the browser alone, so it comes with the script.
#[component]
pub fn BrowserNotifications(user_id: UserId) -> impl IntoView {
    let now = RwSignal::new(None::<Permission>);
    Effect::new(move || now.set(Some(permission(user_id))));
    let choose = move |_| match now.get_untracked() {
        Some(Permission::On) => {
            turn_off();
            now.set(Some(permission(user_id)));
        }
        _ => turn_on(user_id, move |answer| now.set(Some(answer))),
    };
    let text = move || {
        now.get().map(|now| match now {
            Permission::Missing => "This browser shows none here. Most do only over https.",
            Permission::Denied => {
                "This browser was told not to show any. It can be changed where it keeps what this site may do."
            }
            Permission::Off => "Be told by the browser when a reply is ready and no tab of this site is in front.",
            Permission::On => "You are told by this browser while no tab of this site is in front.",
        })
    };
    let label = move || match now.get()? {
        Permission::Off => Some("Turn on in this browser"),
        Permission::On => Some("Turn off in this browser"),
        Permission::Missing | Permission::Denied => None,
    };

    view! {
        <section class="settings-section" hidden=move || now.get().is_none()>
            <h2 class="settings-subheading">"Notifications of the browser"</h2>
            <p class="settings-text" role="status">{text}</p>
            <Show when=move || label().is_some()>
                <button class="button button-quiet" type="button" on:click=choose>
                    {label}
                </button>
            </Show>
        </section>
    }
}
