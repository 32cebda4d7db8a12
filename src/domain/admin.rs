//! What those see and do who run the site.

use serde::{Deserialize, Serialize};

use super::{
    ids::{SessionId, UserId},
    user::Role,
};

/// Something that only some may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Invite people, change their role, disable, enable and delete accounts, make links for a new password, take a lost
    /// second factor away.
    ManagePeople,
    /// See everybody's sessions and end them.
    ManageSessions,
    /// Read what was done about accounts and the site.
    ReadAudit,
    /// Connect providers, and say which of their models people are offered.
    ManageModels,
    /// Set what holds for everybody.
    ManageSite,
}

impl Role {
    /// Whether this role may do it. Nobody's chats are among what anybody else may read.
    pub const fn may(self, permission: Permission) -> bool {
        match (self, permission) {
            (
                Self::Admin,
                Permission::ManagePeople
                | Permission::ManageSessions
                | Permission::ReadAudit
                | Permission::ManageModels
                | Permission::ManageSite,
            ) => true,
            (Self::Member, _) => false,
        }
    }
}

/// Somebody with an account, as those see them who manage people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub role: Role,
    pub is_active: bool,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// Sessions that can be used now.
    pub sessions: u64,
    /// Whether logging in takes a code, too.
    pub has_second_factor: bool,
    /// Whether it is who asks.
    pub is_you: bool,
}

/// A page of people, by address; the next one begins after the address that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPage {
    pub people: Vec<PersonRow>,
    pub next: Option<String>,
}

/// A session that can be used, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    pub id: SessionId,
    pub user_id: UserId,
    pub email: String,
    pub device: String,
    pub address: String,
    /// Milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// Milliseconds since 1970 (UTC).
    pub last_access_ms: i64,
}

/// Something that was done about accounts or the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    LogIn,
    LogInFailed,
    PasswordChanged,
    AccountCreated,
    PersonInvited,
    RoleChangedToMember,
    RoleChangedToAdmin,
    AccountDisabled,
    AccountEnabled,
    AccountDeleted,
    PasswordLinkMade,
    PasswordReset,
    SessionsEnded,
    SecondFactorRemoved,
    AuditExported,
    ProviderAdded,
    ProviderChanged,
    ProviderEnabled,
    ProviderDisabled,
    ProviderRemoved,
    ModelOffered,
    ModelHidden,
    SiteChanged,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::LogIn,
        Self::LogInFailed,
        Self::PasswordChanged,
        Self::AccountCreated,
        Self::PersonInvited,
        Self::RoleChangedToMember,
        Self::RoleChangedToAdmin,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountDeleted,
        Self::PasswordLinkMade,
        Self::PasswordReset,
        Self::SessionsEnded,
        Self::SecondFactorRemoved,
        Self::AuditExported,
        Self::ProviderAdded,
        Self::ProviderChanged,
        Self::ProviderEnabled,
        Self::ProviderDisabled,
        Self::ProviderRemoved,
        Self::ModelOffered,
        Self::ModelHidden,
        Self::SiteChanged,
    ];

    /// The word for it in the database and in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log_in",
            Self::LogInFailed => "log_in_failed",
            Self::PasswordChanged => "password_changed",
            Self::AccountCreated => "account_created",
            Self::PersonInvited => "person_invited",
            Self::RoleChangedToMember => "role_changed_to_member",
            Self::RoleChangedToAdmin => "role_changed_to_admin",
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::AccountDeleted => "account_deleted",
            Self::PasswordLinkMade => "password_link_made",
            Self::PasswordReset => "password_reset",
            Self::SessionsEnded => "sessions_ended",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::AuditExported => "audit_exported",
            Self::ProviderAdded => "provider_added",
            Self::ProviderChanged => "provider_changed",
            Self::ProviderEnabled => "provider_enabled",
            Self::ProviderDisabled => "provider_disabled",
            Self::ProviderRemoved => "provider_removed",
            Self::ModelOffered => "model_offered",
            Self::ModelHidden => "model_hidden",
            Self::SiteChanged => "site_changed",
        }
    }

    /// Reads [`AuditAction::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// In the order of their making.
    pub id: String,
    /// Milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The address of who did it; empty for nobody known.
    pub actor: String,
    pub action: String,
    /// The address of whom it concerns, or what.
    pub subject: String,
    /// Where it came from.
    pub address: String,
}

/// A page of the audit log, newest first; the next one begins before the id that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub entries: Vec<AuditRow>,
    pub next: Option<String>,
}

/// What a one-time link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPurpose {
    /// Whose account it is for.
    pub email: String,
    /// Whether it makes an account; else it gives one a new password.
    pub is_invitation: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
            assert!(action.name().len() <= 32);
        }
    }
}
