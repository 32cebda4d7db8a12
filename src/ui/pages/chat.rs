//! `/chats/{id}`: one chat.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    api::{chats::open_chat, messages::list_messages},
    domain::{chat::ChatView as OpenedChat, ids::ClientMessageId, model::ModelList},
    error::{Error, Result},
    ui::components::{
        chat_view::ChatView,
        fetch_failed::FetchFailed,
        later::{later, loading},
        layout::Models,
        not_found::NotFound,
        page_title::PageTitle,
    },
};

/// A chat with its newest messages, or with those before `?before_seq=`; `?error=` is why something failed that was sent
/// without a script.
#[component]
pub fn ChatPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let opened = Resource::new(
        move || {
            let chat_id = params.with(|params| params.get("id")).unwrap_or_default();
            let before_seq = query.with(|query| query.get("before_seq")).and_then(|text| text.parse().ok());
            (chat_id, before_seq)
        },
        |(chat_id, before_seq)| open(chat_id, before_seq),
    );
    let models = expect_context::<Models>();
    // The server's choice, known to the browser, too: the plain form and the page send the first message under one id. It
    // belongs to the chat that was on the screen first; this page stays while one moves on to others.
    let first_id = SharedValue::new(ClientMessageId::random).into_inner();
    let first_chat = params.with_untracked(|params| params.get("id"));
    let id_for = move |opened: &OpenedChat| {
        let is_first = first_chat.as_deref() == Some(opened.chat.id.to_string().as_str());
        if is_first { first_id } else { ClientMessageId::random() }
    };
    let failed_before = query.with_untracked(|query| query.get("error")).and_then(|code| Error::from_code(&code));

    view! {
        {later(
            move || {
                let id_for = id_for.clone();
                async move {
                match opened.await {
                    Ok(opened) => {
                        let client_message_id = id_for(&opened);
                        let models = models.await.unwrap_or(ModelList { models: Vec::new(), default: None });
                        view! { <ChatView opened models client_message_id failed_before /> }.into_any()
                    }
                    Err(Error::NotFound) => {
                        view! {
                            <PageTitle text="Not found" />
                            <h1 class="visually-hidden">"Not found"</h1>
                            <NotFound />
                        }
                            .into_any()
                    }
                    Err(error) => {
                        view! {
                            <PageTitle text="Chat" />
                            <FetchFailed error />
                        }
                            .into_any()
                    }
                }
            }},
            Some(loading),
        )}
    }
}

async fn open(chat_id: String, before_seq: Option<i64>) -> Result<OpenedChat> {
    let mut opened = open_chat(chat_id.clone()).await?;
    if let Some(before_seq) = before_seq {
        opened.messages = list_messages(chat_id, before_seq).await?;
    }
    Ok(opened)
}
