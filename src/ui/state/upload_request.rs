//! Requests of the upload protocol (tus 1.0). The browser's own request object is used, for `fetch` does not say how much it has sent.

use std::{cell::Cell, rc::Rc};

use js_sys::Promise;
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AddEventListenerOptions, Blob, File as BrowserFile, ProgressEvent, XmlHttpRequest};

use super::{
    effect::after,
    upload::{GoesWith, Upload},
    uploads::{PLACE, SOURCES},
};
use crate::error::{Error, InvalidInput, Result};

/// The speed is that of the last while.
const SPEED_MS_MIN: f64 = 500.0;

/// What the server said.
struct Answer(XmlHttpRequest);

impl Answer {
    /// One of its headers.
    fn header(&self, name: &str) -> Option<String> {
        self.0.get_response_header(name).ok().flatten()
    }
}

/// Announces the file; gives where its content goes.
pub async fn begin(upload: &Upload) -> Result<String> {
    let mut metadata =
        format!("filename {},modified_at_ms {}", base64(&upload.name), base64(&upload.modified_ms.to_string()));
    let goes_with = match upload.goes_with {
        GoesWith::Message(chat_id) => Some(("message", chat_id)),
        GoesWith::Chat(chat_id) => Some(("chat", chat_id)),
        GoesWith::Library => None,
    };
    if let Some((what, chat_id)) = goes_with {
        metadata.push_str(&format!(",goes_with {},chat_id {}", base64(what), base64(&chat_id.to_string())));
    }
    let size = upload.size_bytes.to_string();
    let headers = [("upload-length", size.as_str()), ("upload-metadata", &metadata)];
    let answer = request_to(upload.key, "POST", PLACE, &headers, None, |_| {}).await?;
    let place = answer.header("location").ok_or(Error::Internal)?;
    upload.place.set(Some(place.clone()));
    Ok(place)
}

/// How much of an upload is there.
pub async fn find_offset(key: u32, place: &str) -> Result<f64> {
    let answer = request_to(key, "HEAD", place, &[], None, |_| {}).await?;
    answer.header("upload-offset").and_then(|text| text.parse().ok()).ok_or(Error::Internal)
}

/// Sends so many bytes from a place on; gives where that ends.
pub async fn send(
    upload: &Upload,
    content: &BrowserFile,
    place: &str,
    (offset, bytes): (f64, f64),
    measured: &Rc<Measured>,
) -> Result<f64> {
    let end = offset + bytes;
    let piece = content.slice_with_f64_and_f64(offset, end).map_err(|_| Error::Internal)?;
    let offset_text = offset.to_string();
    let headers = [("upload-offset", offset_text.as_str()), ("content-type", "application/offset+octet-stream")];
    let follow = follow(upload.clone(), offset, Rc::clone(measured));
    let answer = request_to(upload.key, "PATCH", place, &headers, Some(&piece), follow).await?;
    let there: f64 = answer.header("upload-offset").and_then(|text| text.parse().ok()).ok_or(Error::Offline)?;
    upload.set_sent(there);
    if there >= end { Ok(there) } else { Err(Error::UploadCut) }
}

/// Has the server forget an upload. Should that fail, it gives it up by itself after a day.
pub async fn give_up(key: u32, place: &str) {
    _ = request_to(key, "DELETE", place, &[], None, |_| {}).await;
}

/// A request of the upload protocol.
async fn request_to(
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
        404 => Err(Error::NotFound),
        status => {
            let text = request.response_text().ok().flatten().unwrap_or_default();
            Err(serde_json::from_str(&text).unwrap_or(without_body(status)))
        }
    }
}

/// When it was last looked how much had come through, and how much that was.
pub struct Measured(Cell<(f64, f64)>);

impl Measured {
    pub fn new(bytes: f64) -> Rc<Self> {
        Rc::new(Self(Cell::new((js_sys::Date::now(), bytes))))
    }

    /// Looks anew, at so much.
    pub fn begin(&self, bytes: f64) {
        self.0.set((js_sys::Date::now(), bytes));
    }

    /// The speed since it was last looked, if that is a while ago.
    fn bytes_per_second(&self, bytes: f64) -> Option<f64> {
        let (since_ms, since_bytes) = self.0.get();
        let now_ms = js_sys::Date::now();
        let took_ms = now_ms - since_ms;
        (took_ms >= SPEED_MS_MIN).then(|| {
            self.0.set((now_ms, bytes));
            (bytes - since_bytes) * 1_000.0 / took_ms
        })
    }
}

/// Notes how much came through, of what is sent from `offset` on, and how fast.
fn follow(upload: Upload, offset: f64, measured: Rc<Measured>) -> impl Fn(f64) {
    move |sent| {
        let bytes = offset + sent;
        let speed = measured.bytes_per_second(bytes);
        upload.progress.update(|progress| {
            progress.sent_bytes = bytes;
            if let Some(now) = speed {
                progress.bytes_per_second =
                    Some(progress.bytes_per_second.map_or(now, |before| before.mul_add(0.6, now * 0.4)));
            }
        });
    }
}

/// What an answer says whose body is not the server's word for it, or that has none, as those to `HEAD`.
const fn without_body(status: u16) -> Error {
    match status {
        401 => Error::NotLoggedIn,
        // From a proxy: the server's own says more.
        413 => Error::TooLarge,
        // All of it came, and its chat has no room.
        422 => Error::Invalid(InvalidInput::ChatFiles),
        429 => Error::TooMany,
        502..=504 => Error::Unavailable,
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
fn base64(text: &str) -> String {
    let bytes: String = text.bytes().map(char::from).collect();
    window().btoa(&bytes).unwrap_or_default()
}
