//! Requests of the upload protocol. The browser's own request object is used, for `fetch` does not say how much it has sent.

use js_sys::Promise;
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AddEventListenerOptions, Blob, ProgressEvent, XmlHttpRequest};

use super::{effect::after, uploads::SOURCES};
use crate::error::{Error, InvalidInput, Result};

/// What the server said.
pub struct Answer(XmlHttpRequest);

impl Answer {
    /// One of its headers.
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.get_response_header(name).ok().flatten()
    }
}

/// A request of the upload protocol.
pub async fn request_to(
    key: u32,
    method: &str,
    place: &str,
    headers: &[(&str, &str)],
    content: Option<&Blob>,
    on_progress: impl Fn(f64) + 'static,
) -> Result<Answer> {
    let request = XmlHttpRequest::new().map_err(|_| Error::Internal)?;
    request.open(method, place).map_err(|_| Error::Internal)?;
    for (name, value) in [("tus-resumable", "1.0.0")].iter().chain(headers) {
        request.set_request_header(name, value).map_err(|_| Error::Internal)?;
    }
    let on_progress = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| on_progress(event.loaded()));
    if content.is_some()
        && let Ok(upload) = request.upload()
    {
        upload.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
    }
    // Only what is sent is broken off: of a file that was just announced, one has to hear where it is to give it up.
    SOURCES.with_borrow_mut(|sources| {
        if let Some(source) = sources.get_mut(&key) {
            source.request = content.map(|_| request.clone());
        }
    });
    let ended = Promise::new(&mut |resolve, _| request.set_onloadend(Some(&resolve)));
    match content {
        Some(content) => request.send_with_opt_blob(Some(content)),
        None => request.send(),
    }
    .map_err(|_| Error::Internal)?;
    _ = JsFuture::from(ended).await;
    match request.status().unwrap_or_default() {
        200..=299 => Ok(Answer(request)),
        0 => Err(Error::Offline),
        502..=504 => Err(Error::Unavailable),
        404 => Err(Error::NotFound),
        status => {
            let text = request.response_text().ok().flatten().unwrap_or_default();
            Err(serde_json::from_str(&text).unwrap_or(without_body(status)))
        }
    }
}

/// What an answer says that has no body, as those to `HEAD` have none.
const fn without_body(status: u16) -> Error {
    match status {
        401 => Error::NotLoggedIn,
        // All of it came, and its chat has no room.
        422 => Error::Invalid(InvalidInput::ChatFiles),
        429 => Error::TooMany,
        _ => Error::Internal,
    }
}

/// Waits for a while, or until the network is back.
pub async fn pause(ms: u32) {
    let waited = Promise::new(&mut |resolve, _| {
        let on_time = resolve.clone();
        after(ms.into(), move || _ = on_time.call0(&JsValue::NULL));
        let options = AddEventListenerOptions::new();
        options.set_once(true);
        _ = window().add_event_listener_with_callback_and_add_event_listener_options("online", &resolve, &options);
    });
    _ = JsFuture::from(waited).await;
}

/// UTF-8 in Base64, as the protocol wants its metadata.
pub fn base64(text: &str) -> String {
    let bytes: String = text.bytes().map(char::from).collect();
    window().btoa(&bytes).unwrap_or_default()
}
