//! What holds for everybody on a site.

use serde::{Deserialize, Serialize};

use super::{limits, model::ModelName};
use crate::error::{Error, InvalidInput};

/// What a site is called that nobody has named.
pub const PRODUCT: &str = "Sardonyx";

/// What the site is called, for whoever looks at a page of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteName(pub String);

/// What those set who run the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteSettings {
    pub name: String,
    /// The model of a new chat; none for the first one there is.
    pub default_model: Option<ModelName>,
    /// Shown to everybody who is logged in; empty for none.
    pub notice: String,
    /// Whether members may make tokens for programs; whoever runs the site always may.
    pub members_make_tokens: bool,
    pub invitation_days: i64,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            name: PRODUCT.to_owned(),
            default_model: None,
            notice: String::new(),
            members_make_tokens: true,
            invitation_days: limits::INVITATION_DAYS,
        }
    }
}

impl SiteSettings {
    /// Reads the fields of a form. Whether the model is offered is for `server::ai` to say.
    ///
    /// # Errors
    /// [`InvalidInput::SiteName`], [`InvalidInput::Model`], [`InvalidInput::Notice`], [`InvalidInput::InvitationDays`].
    pub fn parse(
        name: &str,
        default_model: &str,
        notice: &str,
        members_make_tokens: bool,
        invitation_days: &str,
    ) -> Result<Self, Error> {
        // A browser sends line ends its own way.
        let (name, notice) = (name.trim(), notice.replace("\r\n", "\n").trim().to_owned());
        let is_name = (1..=limits::SITE_NAME_CHARS_MAX).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || is_invisible(c));
        if !is_name {
            return Err(InvalidInput::SiteName.into());
        }
        let is_notice = notice.chars().count() <= limits::NOTICE_CHARS_MAX
            && !notice.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        if !is_notice {
            return Err(InvalidInput::Notice.into());
        }
        let invitation_days = match invitation_days.trim().parse() {
            Ok(days @ 1..=limits::INVITATION_DAYS_MAX) => days,
            _ => return Err(InvalidInput::InvitationDays.into()),
        };
        Ok(Self {
            name: name.to_owned(),
            default_model: Some(default_model).filter(|name| !name.is_empty()).map(ModelName::parse).transpose()?,
            notice,
            members_make_tokens,
            invitation_days,
        })
    }

    /// The names of what differs, for the audit log.
    pub fn differences(&self, other: &Self) -> String {
        let differs = [
            ("name", self.name != other.name),
            ("default_model", self.default_model != other.default_model),
            ("notice", self.notice != other.notice),
            ("members_make_tokens", self.members_make_tokens != other.members_make_tokens),
            ("invitation_days", self.invitation_days != other.invitation_days),
        ];
        differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// Characters that turn text around or cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A notice to everybody. Its id belongs to its text: another text is another notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteNotice {
    pub id: String,
    pub text: String,
}

/// The site as whoever is logged in sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteView {
    pub name: String,
    /// None when there is none, or when it was dismissed in this browser.
    pub notice: Option<SiteNotice>,
}

/// The settings as those see them who change them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteForm {
    pub settings: SiteSettings,
    /// The default model that the server was started with: it counts, whatever is set here.
    pub fixed_model: Option<ModelName>,
    /// What can be the default.
    pub models: Vec<ModelName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_bounds() {
        let parsed = SiteSettings::parse(" Acme ", "a/b", " Hello\r\nthere ", false, "30").unwrap();
        assert_eq!(
            (parsed.name.as_str(), parsed.notice.as_str(), parsed.invitation_days),
            ("Acme", "Hello\nthere", 30)
        );
        assert_eq!(parsed.differences(&parsed.clone()), "");
        assert_eq!(SiteSettings { notice: String::new(), ..parsed.clone() }.differences(&parsed), "notice");
        let long = "x".repeat(501);
        for (name, model, notice, days) in [
            ("", "", "", "7"),
            ("a\nb", "", "", "7"),
            ("\u{202e}evil", "", "", "7"),
            (&long[..41], "", "", "7"),
            ("Acme", "no slash", "", "7"),
            ("Acme", "", long.as_str(), "7"),
            ("Acme", "", "a\0b", "7"),
            ("Acme", "", "", "0"),
            ("Acme", "", "", "31"),
            ("Acme", "", "", ""),
        ] {
            assert!(SiteSettings::parse(name, model, notice, true, days).is_err(), "{name} {model} {days}");
        }
    }
}
