//! What is on the screen.
//!
//! `pages` has one component per URL, `components` what they are made of, `state` what outlives a component, `paths` the
//! links between pages, `lazy` says which pages are loaded when they are opened. Data comes from `api` and in no other way. Browser-only calls (anything of `window`) are made in
//! effects, event handlers and tasks that those start, never while rendering: the server renders the same components.
//!
//! To add a component: one file here, named as the component, and one style sheet of the same name in `style/`.

pub mod components;
pub mod lazy;
pub mod pages;
pub mod paths;
pub mod state;
