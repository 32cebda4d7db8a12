//! The browser's WebSocket; the only file that names it. What is said over it is `live`'s.

use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
    web_sys::{Event, MessageEvent, WebSocket},
};

/// An open or opening connection. Dropping it closes it, and nothing is heard of it any more.
pub struct Socket {
    socket: WebSocket,
    _listeners: [Closure<dyn FnMut(Event)>; 3],
}

impl Socket {
    /// Connects to a path of this site. Fails only where the browser forbids sockets altogether.
    pub fn open(
        path: &str,
        on_open: impl Fn() + 'static,
        on_text: impl Fn(String) + 'static,
        on_close: impl Fn() + 'static,
    ) -> Result<Self, JsValue> {
        let location = window().location();
        let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
        let socket = WebSocket::new(&format!("{scheme}://{}{path}", location.host()?))?;
        let on_open = Closure::<dyn FnMut(Event)>::new(move |_| on_open());
        let on_message = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            if let Some(text) = event.unchecked_ref::<MessageEvent>().data().as_string() {
                on_text(text);
            }
        });
        let on_close = Closure::<dyn FnMut(Event)>::new(move |_| on_close());
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { socket, _listeners: [on_open, on_message, on_close] })
    }

    /// Sends a text. One that cannot be sent any more is lost; the close that follows tells.
    pub fn send(&self, text: &str) {
        _ = self.socket.send_with_str(text);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        _ = self.socket.close();
    }
}
