//! Which model answers next.

use leptos::{ev, html::Select, prelude::*};

use crate::{
    domain::model::{ModelList, ModelName},
    ui::state::{conversation::Conversation, effect::effect},
};

/// The choice of a model, by provider. Begins with the one that was asked last in this chat.
#[component]
pub fn ModelPicker(models: ModelList, conversation: Conversation) -> impl IntoView {
    let asked_last = conversation.chat.with_untracked(|chat| chat.model.clone());
    let chosen = asked_last.filter(|name| models.models.contains(name)).or(models.default);
    let select = NodeRef::<Select>::new();
    let model = conversation.model;
    model.set(chosen.as_ref().map(|name| name.as_str().to_owned()));
    let choice = model.clone();
    // What was chosen before the browser half had arrived counts, too.
    effect(move || {
        if let Some(select) = select.get() {
            choice.set(Some(select.value()).filter(|name| !name.is_empty()));
        }
    });
    let on_change = move |event: ev::Event| model.set(Some(event_target_value(&event)));
    let groups: Vec<_> = models
        .models
        .chunk_by(|a, b| a.provider() == b.provider())
        .map(|group| {
            let options: Vec<_> = group.iter().map(|name| option(name, chosen.as_ref())).collect();
            view! { <optgroup label=group[0].provider().to_owned()>{options}</optgroup> }
        })
        .collect();

    view! {
        <label class="model-picker">
            <span class="visually-hidden">"Model"</span>
            <select name="model" node_ref=select on:change=on_change>
                {groups}
            </select>
        </label>
    }
}

fn option(name: &ModelName, chosen: Option<&ModelName>) -> impl IntoView + use<> {
    let is_chosen = chosen == Some(name);
    view! {
        <option value=name.as_str().to_owned() selected=is_chosen>
            {name.label().to_owned()}
        </option>
    }
}
