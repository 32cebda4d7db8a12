//! Turns a conversation into the text that the model was trained on, by the template that its file carries.
//!
//! The template writes markup that means something to the model, such as `<|im_start|>`. What people wrote must not be
//! able to do the same, so that the template is never given their texts: it places marks, and the texts take the marks'
//! places later, as plain text.

use minijinja::{Environment, Error, ErrorKind, Value, context, syntax::SyntaxConfig};
use minijinja_contrib::pycompat::unknown_method_callback;
use tracing::warn;

use crate::domain::model::PromptRole;

/// What most small models understand; for files without a template of their own, or with one that cannot be used.
const CHATML: &str = r"
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor -%}
{{ '<|im_start|>assistant\n' }}";
const NAME: &str = "chat";
/// Stands around a mark; a character for private use that no template has.
const MARK: char = '\u{f8ff}';

/// A usable template.
pub struct ChatTemplate {
    environment: Environment<'static>,
}

/// A stretch of the model's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// From the template.
    Markup(String),
    /// Here stands the text of the turn with this index.
    Turn(usize),
}

impl ChatTemplate {
    /// Takes the model's own template if it can be used, with the model's words for the begin and the end of a text.
    pub fn new(source: Option<String>, begin_of_text: &str, end_of_text: &str) -> Self {
        let with = |source| {
            let template = Self { environment: environment(source, begin_of_text, end_of_text)? };
            template.render(&[PromptRole::User, PromptRole::Assistant, PromptRole::User])?;
            Ok::<_, Error>(template)
        };
        match source.map(with) {
            Some(Ok(template)) => return template,
            Some(Err(error)) => warn!("the model's chat template cannot be used; ChatML is taken instead: {error:#}"),
            None => warn!("the model has no chat template; ChatML is taken instead"),
        }
        with(CHATML.to_owned()).expect("ChatML is a template")
    }

    /// The text for turns of these roles, up to where the model continues.
    pub fn render(&self, roles: &[PromptRole]) -> Result<Vec<Part>, Error> {
        let messages: Vec<Value> = roles
            .iter()
            .enumerate()
            .map(|(index, role)| {
                let role = match role {
                    PromptRole::User => "user",
                    PromptRole::Assistant => "assistant",
                };
                context! { role, content => format!("{MARK}{index}{MARK}") }
            })
            .collect();
        let text = self.environment.get_template(NAME)?.render(context! {
            messages,
            add_generation_prompt => true,
        })?;
        Ok(parts(&text))
    }
}

fn environment(source: String, begin_of_text: &str, end_of_text: &str) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    // As the templates' authors ran them.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.add_function("raise_exception", |reason: String| {
        Err::<Value, _>(Error::new(ErrorKind::InvalidOperation, reason))
    });
    environment.add_global("bos_token", begin_of_text);
    environment.add_global("eos_token", end_of_text);
    environment.add_template_owned(NAME, source)?;
    Ok(environment)
}

fn parts(text: &str) -> Vec<Part> {
    text.split(MARK)
        .enumerate()
        .filter(|(_, stretch)| !stretch.is_empty())
        .map(|(place, stretch)| match stretch.parse() {
            Ok(index) if place % 2 == 1 => Part::Turn(index),
            _ => Part::Markup(stretch.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [PromptRole; 3] = [PromptRole::User, PromptRole::Assistant, PromptRole::User];

    fn render(source: Option<&str>) -> String {
        let template = ChatTemplate::new(source.map(str::to_owned), "<s>", "</s>");
        let parts = template.render(&ROLES).unwrap();
        parts
            .into_iter()
            .map(|part| match part {
                Part::Markup(text) => text,
                Part::Turn(index) => format!("[{index}]"),
            })
            .collect()
    }

    #[test]
    fn a_model_s_own_template_is_used() {
        let source = "{{ bos_token }}{% for message in messages %}\n    {%- if message['role'] == 'user' %}\n\
                      {{ '[INST] ' + message['content'].strip() + ' [/INST]' }}\n    {%- else %}\n\
                      {{ message.content + eos_token }}\n    {%- endif %}\n{%- endfor %}";
        assert_eq!(render(Some(source)), "<s>[INST] [0] [/INST][1]</s>[INST] [2] [/INST]");
    }

    #[test]
    fn without_a_usable_template_it_is_chatml() {
        let turn = |role: &str, text: &str| format!("<|im_start|>{role}\n{text}<|im_end|>\n");
        let turns = [turn("user", "[0]"), turn("assistant", "[1]"), turn("user", "[2]")].concat();
        let chatml = format!("{turns}<|im_start|>assistant\n");
        assert_eq!(render(None), chatml);
        assert_eq!(render(Some("{% for %}")), chatml);
        assert_eq!(render(Some("{{ raise_exception('only English') }}")), chatml);
    }
}
