//! What a person likes; kept on the server, applied in every tab.

use serde::{Deserialize, Serialize};

use super::{limits, model::ModelName};
use crate::error::{Error, InvalidInput};

/// What a person likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// What they want to be called; empty for their address.
    pub display_name: String,
    pub theme: Theme,
    pub language: Language,
    /// The model of a new chat; none for the site's.
    pub default_model: Option<ModelName>,
    /// Whether a log-in from a device that was not seen before is announced.
    pub tells_new_device: bool,
}

impl Preferences {
    /// Reads the fields of a form.
    ///
    /// # Errors
    /// [`InvalidInput::DisplayName`], [`InvalidInput::Choice`], [`InvalidInput::Model`].
    pub fn parse(
        display_name: &str,
        theme: &str,
        language: &str,
        default_model: &str,
        tells_new_device: bool,
    ) -> Result<Self, Error> {
        let display_name = display_name.trim();
        let is_name = display_name.chars().count() <= limits::DISPLAY_NAME_CHARS_MAX
            && !display_name.chars().any(char::is_control);
        if !is_name {
            return Err(InvalidInput::DisplayName.into());
        }
        let default_model = Some(default_model).filter(|name| !name.is_empty()).map(ModelName::parse).transpose()?;
        Ok(Self {
            display_name: display_name.to_owned(),
            theme: Theme::from_name(theme).ok_or(InvalidInput::Choice)?,
            language: Language::from_name(language).ok_or(InvalidInput::Choice)?,
            default_model,
            tells_new_device,
        })
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the device is set.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word for it in the database and in the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads [`Theme::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// What the person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "As the device",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// Whose way of writing dates and times is used. The pages' own words are English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the browser is set.
    #[default]
    Browser,
    AmericanEnglish,
    BritishEnglish,
    German,
    French,
    Spanish,
    Italian,
    Portuguese,
    Dutch,
    Polish,
    Swedish,
    Japanese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Browser,
        Self::AmericanEnglish,
        Self::BritishEnglish,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Italian,
        Self::Portuguese,
        Self::Dutch,
        Self::Polish,
        Self::Swedish,
        Self::Japanese,
    ];

    /// Its BCP 47 tag; empty for the browser's own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "",
            Self::AmericanEnglish => "en-US",
            Self::BritishEnglish => "en-GB",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Portuguese => "pt",
            Self::Dutch => "nl",
            Self::Polish => "pl",
            Self::Swedish => "sv",
            Self::Japanese => "ja",
        }
    }

    /// Reads [`Language::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// What the person reads: each language in its own words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Browser => "As the browser",
            Self::AmericanEnglish => "English (US)",
            Self::BritishEnglish => "English (UK)",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Spanish => "Español",
            Self::Italian => "Italiano",
            Self::Portuguese => "Português",
            Self::Dutch => "Nederlands",
            Self::Polish => "Polski",
            Self::Swedish => "Svenska",
            Self::Japanese => "日本語",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_has_a_name_of_its_own() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_name(theme.name()), Some(theme));
        }
        for language in Language::ALL {
            assert_eq!(Language::from_name(language.name()), Some(language));
        }
    }

    #[test]
    fn what_is_no_choice_is_refused() {
        assert!(Preferences::parse(" Ada ", "dark", "de", "", true).is_ok_and(|likes| likes.display_name == "Ada"));
        for (name, theme, language, model) in [
            ("x".repeat(81).as_str(), "dark", "", ""),
            ("a\0b", "dark", "", ""),
            ("", "pink", "", ""),
            ("", "dark", "xx", ""),
            ("", "dark", "", "no slash"),
        ] {
            assert!(Preferences::parse(name, theme, language, model, false).is_err(), "{name:?} {theme} {language}");
        }
    }
}
