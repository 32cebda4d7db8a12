//! A view that is not there yet.

use std::pin::Pin;

use leptos::{prelude::*, reactive::computed::suspense::SuspenseContext};

use super::loading::Loading;

/// Shows a view when it is there; until then the fallback, if there is one. In boxes, so that all of these are one and the
/// same to the compiler: each one by itself is a kilobyte of the browser half.
pub fn later<F>(view: impl Fn() -> F + Send + Sync + 'static, fallback: Option<fn() -> AnyView>) -> AnyView
where
    F: Future<Output = AnyView> + Send + 'static,
{
    let view: Box<dyn Fn() -> Pin<Box<dyn Future<Output = AnyView> + Send>> + Send + Sync> =
        Box::new(move || Box::pin(view()));
    let fallback = move || fallback.map(|fallback| fallback());
    view! { <Suspense fallback>{move || Suspend::new(view())}</Suspense> }.into_any()
}

/// Shows a view that comes with another part of the browser half, in the browser alone; nothing until that is loaded.
///
/// Not with a `Suspense`: what that shows is dropped a moment after its signals, and panics when it hears in between of one
/// that changed together with what made it go (`leptos` 0.8).
pub fn part(view: impl Future<Output = AnyView> + Send + 'static) -> AnyView {
    let view: Pin<Box<dyn Future<Output = AnyView> + Send>> = Box::pin(view);
    // What is around it does not wait.
    provide_context(SuspenseContext { tasks: ArcRwSignal::default() });
    Suspend::new(view).into_any()
}

/// The usual fallback.
pub fn loading() -> AnyView {
    view! { <Loading /> }.into_any()
}
