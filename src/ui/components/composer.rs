//! Where one writes a message and chooses who answers it.

use leptos::{ev, html::Textarea, prelude::*, server_fn::ServerFn, web_sys::HtmlTextAreaElement};

use super::{
    attach_button::{AttachButton, Attached, taking_pastes},
    message_field::MessageField,
    model_hint::ModelHint,
    model_picker::ModelPicker,
    notice::ErrorNotice,
    stop_form::{StopButton, StopForm},
};
use crate::{
    api::messages::SendMessage,
    domain::{ids::ClientMessageId, limits, model::ModelList},
    error::{Error, InvalidInput},
    ui::state::{
        conversation::Conversation, drafts::Draft, effect::effect, live::use_live, session::use_session,
        uploads::use_uploads,
    },
};

/// The count is shown when this few characters are left.
const CHARS_LEFT_SHOWN: usize = 2_000;

/// The composer of a chat. What is sent while a reply is running is answered after it.
#[component]
pub fn Composer(
    conversation: Conversation,
    draft: Draft,
    models: ModelList,
    client_message_id: ClientMessageId,
    /// Whether files are dragged over the chat.
    is_over: RwSignal<bool>,
) -> impl IntoView {
    let (session, live, uploads) = (use_session(), use_live(), use_uploads());
    let (field, has_script) = (NodeRef::<Textarea>::new(), RwSignal::new(false));
    let running = Memo::new({
        let conversation = conversation.clone();
        move |_| conversation.running_reply()
    });
    let chars = Memo::new({
        let text = draft.text.clone();
        move |_| text.with(|text| text.trim().chars().count())
    });
    let is_disabled = Memo::new({
        let (on_its_way, files) = (draft.on_its_way.clone(), draft.files.clone());
        let is_uploading = move || files.with(|files| files.iter().any(|file| file.file_id.is_none()));
        move |_| {
            let is_sendable = (1..=limits::MESSAGE_CHARS_MAX).contains(&chars.get()) && !is_uploading();
            has_script.get() && (!is_sendable || on_its_way.with(Option::is_some))
        }
    });
    let error = shown_error(&conversation, &draft, chars);
    let send = {
        let (conversation, draft) = (conversation.clone(), draft.clone());
        move || {
            if !is_disabled.get_untracked() {
                conversation.error.set(None);
                draft.send(&conversation, session, live);
            }
        }
    };
    let on_enter = send.clone();
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
        focus(field.get_untracked());
    };
    let typed_ms = conversation.typed_ms.clone();
    let on_paste = taking_pastes(&draft, uploads);
    focus_when_new(&conversation, field);

    view! {
        <div class="composer-area">
            <ErrorNotice error />
            <StopForm running conversation=conversation.clone() />
            <p class="composer-typing" role="status">
                {move || typed_ms.get().map(|_| "Typing on another device …")}
            </p>
            <form
                class="composer"
                class:composer-over=move || is_over.get()
                method="post"
                action=SendMessage::url()
                on:submit=on_submit
                on:paste=on_paste
            >
                <input type="hidden" name="chat_id" value=conversation.chat_id().to_string() />
                <input type="hidden" name="client_message_id" value=client_message_id.to_string() autocomplete="off" />
                <Attached draft=draft.clone() />
                <MessageField draft=draft.clone() field has_script on_enter />
                <div class="composer-bar">
                    <AttachButton draft />
                    <ModelPicker models conversation=conversation.clone() />
                    <span class="composer-count">{move || count_text(chars.get())}</span>
                    {move || running.get().map(|_| view! { <StopButton /> })}
                    <button class="button send-button" type="submit" disabled=move || is_disabled.get()>
                        "Send"
                    </button>
                </div>
            </form>
            <ModelHint conversation />
        </div>
    }
}

/// A message that is too long comes first: it can be seen to while it is being written.
fn shown_error(conversation: &Conversation, draft: &Draft, chars: Memo<usize>) -> Signal<Option<Error>> {
    let (send_error, other_error) = (draft.error.clone(), conversation.error.clone());
    Signal::derive(move || {
        let is_too_long = chars.get() > limits::MESSAGE_CHARS_MAX;
        let too_long = is_too_long.then_some(Error::Invalid(InvalidInput::MessageTooLong));
        too_long.or(send_error.get()).or(other_error.get())
    })
}

/// In a chat where nothing was said, one writes first.
fn focus_when_new(conversation: &Conversation, field: NodeRef<Textarea>) {
    let is_new = conversation.entries.with_untracked(Vec::is_empty);
    effect(move || {
        if let Some(field) = field.get().filter(|_| is_new) {
            // By the next frame it is in the document, where alone it can have the focus.
            request_animation_frame(move || focus(Some(field)));
        }
    });
}

fn focus(field: Option<HtmlTextAreaElement>) {
    if let Some(field) = field {
        // Refused only for what is not on the screen.
        _ = field.focus();
    }
}

fn count_text(chars: usize) -> Option<String> {
    let is_shown = chars + CHARS_LEFT_SHOWN > limits::MESSAGE_CHARS_MAX;
    is_shown.then(|| format!("{chars} of {}", limits::MESSAGE_CHARS_MAX))
}
