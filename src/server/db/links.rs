//! One-time links: made by those who manage people, used by whoever has one.

use futures::FutureExt;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    AdminDb, Db,
    accounts::{ACTIVE, insert_account, is_there},
    audit::{AuditEntry, add_entry},
    entity::{one_time_link, user_account},
    failed,
    login_sessions::end_all_sessions,
    scope::Scope,
};
use crate::{
    domain::{
        admin::{AuditAction, LinkPurpose},
        ids::UserId,
        limits,
        session::SessionEnd,
        user::{Email, Role},
    },
    error::{Error, Result},
    server::clock,
};

impl AdminDb {
    /// Remembers an invitation by the hash of its secret. It holds so many days; an earlier
    /// one for the same address works no more.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the address has an account already.
    pub async fn add_invitation(
        &self,
        token_hash: String,
        email: &Email,
        role: Role,
        days: i64,
        address: String,
    ) -> Result<()> {
        let (actor, email) = (self.user().email.clone(), email.as_str().to_owned());
        self.write("add invitation", move |transaction| {
            async move {
                let of_address = user_account::Entity::find().filter(user_account::Column::Email.eq(&email));
                if of_address.one(transaction).await?.is_some() {
                    return Err(Error::Conflict.into());
                }
                one_time_link::Entity::delete_many()
                    .filter(one_time_link::Column::Email.eq(&email))
                    .exec(transaction)
                    .await?;
                let row = one_time_link::ActiveModel {
                    token_hash: Set(token_hash),
                    email: Set(email.clone()),
                    role: Set(Some(role.name().to_owned())),
                    account_id: Set(None),
                    expires_at_ms: Set(clock::now_ms() + days * 24 * 3_600_000),
                };
                one_time_link::Entity::insert(row).exec_without_returning(transaction).await?;
                let action = AuditAction::PersonInvited;
                add_entry(transaction, AuditEntry { actor, action, subject: email, address }).await
            }
            .boxed()
        })
        .await
    }

    /// Remembers a link for a new password by the hash of its secret. Gives whose it is; none when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_password_link(&self, token_hash: String, id: UserId, address: String) -> Result<Option<String>> {
        let actor = self.user().email.clone();
        self.write("add password link", move |transaction| {
            async move {
                let account = user_account::Entity::find_by_id(id.0).filter(is_there()).one(transaction).await?;
                let Some(account) = account else { return Ok(None) };
                one_time_link::Entity::delete_many()
                    .filter(one_time_link::Column::Email.eq(&account.email))
                    .exec(transaction)
                    .await?;
                let row = one_time_link::ActiveModel {
                    token_hash: Set(token_hash),
                    email: Set(account.email.clone()),
                    role: Set(None),
                    account_id: Set(Some(id.0)),
                    expires_at_ms: Set(clock::now_ms() + limits::PASSWORD_LINK_SECONDS * 1_000),
                };
                one_time_link::Entity::insert(row).exec_without_returning(transaction).await?;
                let (action, subject) = (AuditAction::PasswordLinkMade, account.email.clone());
                add_entry(transaction, AuditEntry { actor, action, subject, address }).await?;
                Ok(Some(account.email))
            }
            .boxed()
        })
        .await
    }
}

impl Db {
    /// What a link is for, if it can still be used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_link(&self, token_hash: &str) -> Result<Option<LinkPurpose>> {
        let row = one_time_link::Entity::find_by_id(token_hash)
            .filter(one_time_link::Column::ExpiresAtMs.gt(clock::now_ms()))
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find link"))?;
        Ok(row.map(|row| LinkPurpose { email: row.email, is_invitation: row.role.is_some() }))
    }

    /// Uses a link up: makes the account, or gives it the new password and ends its sessions. Of many at once, one wins.
    ///
    /// # Errors
    /// [`Error::OneTimeLink`] when it is unknown, used or too old; [`Error::Conflict`] when the address has an account
    /// meanwhile.
    pub async fn use_link(&self, token_hash: String, password_hash: String, address: String) -> Result<UserId> {
        // Before the sessions of an account can be ended it must be known whose they are; the deletion below decides.
        let row = one_time_link::Entity::find_by_id(&token_hash)
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find link"))?;
        let account_id = row.and_then(|row| row.account_id).map(UserId);
        let scope = account_id.map_or(Scope::Site, Scope::User);
        self.write_as(scope, "use link", move |transaction| {
            async move {
                let found = one_time_link::Entity::find_by_id(&token_hash).one(transaction).await?;
                let Some(link) = found.filter(|link| link.expires_at_ms > clock::now_ms()) else {
                    return Err(Error::OneTimeLink.into());
                };
                let used = one_time_link::Entity::delete_by_id(token_hash).exec(transaction).await?;
                if used.rows_affected != 1 || link.account_id.map(UserId) != account_id {
                    return Err(Error::OneTimeLink.into());
                }
                let email = Email::parse(&link.email)?;
                let (id, action) = match (account_id, link.role.as_deref().and_then(Role::from_name)) {
                    (Some(id), _) => {
                        let changed = user_account::Entity::update_many()
                            .col_expr(user_account::Column::PasswordHash, Expr::value(password_hash))
                            .filter(user_account::Column::Id.eq(id.0))
                            .filter(user_account::Column::Status.eq(ACTIVE))
                            .exec(transaction)
                            .await?;
                        if changed.rows_affected == 0 {
                            return Err(Error::OneTimeLink.into());
                        }
                        end_all_sessions(transaction, id, SessionEnd::PasswordChanged).await?;
                        (id, AuditAction::PasswordReset)
                    }
                    (None, Some(role)) => {
                        (insert_account(transaction, &email, password_hash, role).await?, AuditAction::AccountCreated)
                    }
                    (None, None) => return Err(Error::OneTimeLink.into()),
                };
                let (actor, subject) = (link.email.clone(), link.email);
                add_entry(transaction, AuditEntry { actor, action, subject, address }).await?;
                Ok(id)
            }
            .boxed()
        })
        .await
    }

    /// Forgets links that are too old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_links(&self) -> Result<u64> {
        self.write("delete old links", |transaction| {
            async move {
                let deleted = one_time_link::Entity::delete_many()
                    .filter(one_time_link::Column::ExpiresAtMs.lte(clock::now_ms()))
                    .exec(transaction)
                    .await?;
                Ok(deleted.rows_affected)
            }
            .boxed()
        })
        .await
    }
}
