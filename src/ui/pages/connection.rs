//! `/settings/connection`: whether everything gets through between this browser and the server, for whoever sets up a proxy.

use leptos::prelude::*;

use crate::{
    api::connection::find_arrival,
    domain::arrival::{Arrival, Forwarded},
    ui::{
        components::{fetch_failed::FetchFailed, loading::Loading, settings_frame::SettingsFrame},
        state::{
            live::use_live,
            self_test::{Outcome, SelfTest},
            socket::Way,
        },
    },
};

/// What the server sees of this browser's requests, and what this browser sees of the server.
#[component]
pub fn ConnectionPage() -> impl IntoView {
    let arrival = OnceResource::new(find_arrival());

    view! {
        <SettingsFrame heading="Connection">
            <p class="settings-text">
                "What gets through between this browser and the server. What fails here, a proxy in between breaks; the
                README has settings for nginx, Caddy and Traefik."
            </p>
            <Suspense fallback=Loading>
                {move || Suspend::new(async move {
                    match arrival.await {
                        Ok(arrival) => {
                            let public_url = arrival.public_url.clone();
                            view! {
                                <ServerHalf arrival />
                                <BrowserHalf public_url />
                            }
                                .into_any()
                        }
                        Err(error) => view! { <FetchFailed error /> }.into_any(),
                    }
                })}
            </Suspense>
        </SettingsFrame>
    }
}

/// What needs no script: how the request for this page arrived.
#[component]
fn ServerHalf(arrival: Arrival) -> impl IntoView {
    let Arrival { public_url, is_public_url_set, host, is_host_public, scheme, is_scheme_public, address, forwarded } =
        arrival;
    let (is_forwarded_well, forwarded) = match forwarded {
        Forwarded::Direct => (true, "No proxy says that it is in between.".to_owned()),
        Forwarded::Trusted => (true, "A trusted proxy says so.".to_owned()),
        Forwarded::Untrusted { peer } => {
            let peer = peer.unwrap_or_else(|| "the proxy's address".to_owned());
            let text = "A proxy says where requests come from, but is not trusted: all log-ins seem to come from it, and \
                        share its limit. Set SARDONYX_TRUSTED_PROXIES to";
            (false, format!("{text} {peer}."))
        }
        Forwarded::Silent => {
            (false, "The proxy does not say where requests come from: let it set X-Forwarded-For.".to_owned())
        }
    };
    let scheme = scheme.map(|scheme| match is_scheme_public {
        true => format!("The proxy was asked by {scheme}."),
        false => format!("The proxy was asked by {scheme}, and the public address says otherwise: redirect to it."),
    });
    let set = if is_public_url_set {
        "It is what SARDONYX_PUBLIC_URL says."
    } else {
        "SARDONYX_PUBLIC_URL is not set: only browsers on the server's own machine can log in."
    };

    view! {
        <h2 class="settings-subheading">"What the server sees"</h2>
        <ul class="self-test">
            <Finding is_good=true heading="Public address" detail=format!("{public_url} – {set}") />
            <Finding
                is_good=is_host_public
                heading="Host"
                detail=if is_host_public {
                    format!("Requests arrive for {host}.")
                } else {
                    format!("Requests arrive for {host}: let the proxy pass on the Host that it was asked for.")
                }
            />
            {scheme.map(|detail| view! { <Finding is_good=is_scheme_public heading="Scheme" detail /> })}
            <Finding is_good=is_forwarded_well heading="Your address" detail=format!("{address}. {forwarded}") />
        </ul>
    }
}

/// What a script finds out.
#[component]
fn BrowserHalf(public_url: String) -> impl IntoView {
    let (live, test) = (use_live(), SelfTest::new());
    let url = StoredValue::new(public_url);
    let start = move || test.start(url.get_value());
    Effect::new(start);
    on_cleanup(move || test.stop());
    let carried = move || match (live.is_connected.get(), live.way.get()) {
        (false, _) => "This tab is not connected at the moment.",
        (true, Way::Socket) => "This tab is connected by a WebSocket.",
        (true, Way::Stream) => "This tab is connected by events, for no WebSocket got through.",
    };

    view! {
        <h2 class="settings-subheading">"What this browser sees"</h2>
        <ul class="self-test">
            <Trial
                outcome=test.address
                heading="Public address"
                passed="This page has the address that the server expects."
                failed="This page has another address than SARDONYX_PUBLIC_URL says: what is sent from here is refused."
            />
            <Trial
                outcome=test.socket
                heading="WebSocket"
                passed="It opens."
                failed="None opens: let the proxy pass on Upgrade and Connection at /ws, over HTTP/1.1. Until then events take its place."
            />
            <Trial
                outcome=test.quiet
                heading="Quiet WebSocket"
                passed="It stays open, and pings come through."
                failed="It is cut while nothing is said: give the proxy at least 75 seconds."
            />
            <Trial
                outcome=test.stream
                heading="Events"
                passed="They come."
                failed="None come: let the proxy pass on /live as it comes, without gathering, compressing or keeping it."
            />
            <Trial
                outcome=test.delivery
                heading="Events one by one"
                passed="Each comes at once."
                failed="They are held back: switch off the proxy's buffering and compression for text/event-stream."
            />
            <Trial
                outcome=test.body
                heading="Large requests"
                passed="They get through."
                failed="They are refused: let the proxy take bodies of at least 1 MB."
            />
        </ul>
        <p class="settings-text" role="status">
            {carried}
        </p>
        <button class="button" type="button" on:click=move |_| start()>
            "Test again"
        </button>
    }
}

#[component]
fn Trial(
    outcome: RwSignal<Outcome>,
    heading: &'static str,
    passed: &'static str,
    failed: &'static str,
) -> impl IntoView {
    let detail = move || match outcome.get() {
        Outcome::Waiting => "This needs JavaScript. Without it, pages show what is new when they are loaded.",
        Outcome::Running => "Trying …",
        Outcome::Passed => passed,
        Outcome::Failed => failed,
    };
    let mark = move || match outcome.get() {
        Outcome::Waiting | Outcome::Running => "…",
        Outcome::Passed => GOOD,
        Outcome::Failed => BAD,
    };

    view! {
        <li class="self-test-line" class:self-test-failed=move || outcome.get() == Outcome::Failed>
            <span class="self-test-mark">{mark}</span>
            <span>
                <strong>{heading}</strong>
                ": "
                {detail}
            </span>
        </li>
    }
}

#[component]
fn Finding(is_good: bool, heading: &'static str, detail: String) -> impl IntoView {
    view! {
        <li class="self-test-line" class:self-test-failed=!is_good>
            <span class="self-test-mark">{if is_good { GOOD } else { BAD }}</span>
            <span>
                <strong>{heading}</strong>
                ": "
                {detail}
            </span>
        </li>
    }
}

const GOOD: &str = "✓ OK";
const BAD: &str = "✗ Fails";
