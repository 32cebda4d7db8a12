//! The browser's WebSocket, and the stream of events that takes its place where none gets through; the only file that names
//! them. What is said over them is `live`'s.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};
use uuid::Uuid;
use web_sys::{Event, EventSource, EventTarget, MessageEvent, WebSocket};

use crate::api::live::send_live_command;

/// How the live connection is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A WebSocket.
    Socket,
    /// Server-sent events; commands are requests of their own.
    Stream,
}

/// An open or opening connection. Dropping it closes it, and nothing is heard of it any more.
pub struct Socket {
    carrier: Carrier,
    listeners: [(&'static str, Listener); 3],
}

type Listener = Closure<dyn FnMut(Event)>;

enum Carrier {
    Socket(WebSocket),
    Stream { events: EventSource, commands: Rc<Commands> },
}

/// Commands on their way to a stream, one after the other: requests could overtake each other.
struct Commands {
    stream_id: String,
    waiting: RefCell<VecDeque<String>>,
    on_lost: Rc<dyn Fn()>,
    is_over: Cell<bool>,
}

impl Socket {
    /// Connects to this site. Fails only where the browser forbids it altogether.
    pub fn open(
        way: Way,
        on_open: impl Fn() + 'static,
        on_text: impl Fn(String) + 'static,
        on_close: impl Fn() + 'static,
    ) -> Result<Self, JsValue> {
        let on_close: Rc<dyn Fn()> = Rc::new(on_close);
        let carrier = match way {
            Way::Socket => {
                let location = window().location();
                let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
                Carrier::Socket(WebSocket::new(&format!("{scheme}://{}/ws", location.host()?))?)
            }
            Way::Stream => {
                let stream_id = Uuid::new_v4().to_string();
                let events = EventSource::new(&format!("/live?id={stream_id}"))?;
                let (waiting, on_lost) = (RefCell::default(), Rc::clone(&on_close));
                let commands = Rc::new(Commands { stream_id, waiting, on_lost, is_over: Cell::new(false) });
                Carrier::Stream { events, commands }
            }
        };
        let on_message = move |event: Event| {
            if let Some(text) = event.unchecked_ref::<MessageEvent>().data().as_string() {
                on_text(text);
            }
        };
        // A socket that fails is closed, too; a stream only fails.
        let end = if way == Way::Socket { "close" } else { "error" };
        let listeners = [
            ("open", Listener::new(move |_: Event| on_open())),
            ("message", Listener::new(on_message)),
            (end, Listener::new(move |_: Event| on_close())),
        ];
        let socket = Self { carrier, listeners };
        for (name, listener) in &socket.listeners {
            socket.target().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref())?;
        }
        Ok(socket)
    }

    /// Sends a text. One that cannot be sent any more is lost; the close that follows tells.
    pub fn send(&self, text: &str) {
        match &self.carrier {
            Carrier::Socket(socket) => _ = socket.send_with_str(text),
            Carrier::Stream { commands, .. } => commands.send(text.to_owned()),
        }
    }

    /// Whether it is a stream.
    pub fn is_stream(&self) -> bool {
        matches!(self.carrier, Carrier::Stream { .. })
    }

    fn target(&self) -> &EventTarget {
        match &self.carrier {
            Carrier::Socket(socket) => socket,
            Carrier::Stream { events, .. } => events,
        }
    }
}

impl Commands {
    fn send(self: &Rc<Self>, command: String) {
        let is_idle = self.waiting.borrow().is_empty();
        self.waiting.borrow_mut().push_back(command);
        if !is_idle {
            return;
        }
        let commands = Rc::clone(self);
        spawn_local(async move {
            loop {
                let Some(next) = commands.waiting.borrow().front().cloned() else { return };
                let sent = send_live_command(commands.stream_id.clone(), next).await;
                if commands.is_over.get() {
                    return;
                }
                if sent.is_err() {
                    // Whether the session is over, or only this stream, connecting again finds out.
                    return (commands.on_lost)();
                }
                commands.waiting.borrow_mut().pop_front();
            }
        });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        for (name, listener) in &self.listeners {
            _ = self.target().remove_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        }
        match &self.carrier {
            Carrier::Socket(socket) => _ = socket.close(),
            Carrier::Stream { events, commands } => {
                events.close();
                commands.is_over.set(true);
            }
        }
    }
}
