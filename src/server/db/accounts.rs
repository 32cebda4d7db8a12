//! Accounts: what the log-in looks up, the account behind a session, and the operator's commands.
//!
//! These are unscoped on purpose and named for their one use each. Nothing here reads what a user owns.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{Db, UserDb, entity::user_account, failed, login_sessions::end_all_sessions, scope::Scope};
use crate::{
    domain::{
        ids::UserId,
        model::ModelName,
        preferences::{Language, Preferences, Theme},
        session::SessionEnd,
        user::{Email, Role, User},
    },
    error::{Error, Result},
    server::clock,
};

/// What the log-in compares. Neither printable nor serialisable, for it holds the hash.
pub struct Credentials {
    pub user_id: UserId,
    /// PHC string (<https://github.com/P-H-C/phc-string-format>).
    pub password_hash: String,
    pub is_active: bool,
    pub role: Role,
}

pub(super) const ACTIVE: &str = "active";
pub(super) const DISABLED: &str = "disabled";
/// It is nobody's any more; what it had goes, and then the row (`file_deletion`).
pub(super) const DELETING: &str = "deleting";

impl Db {
    /// The log-in's look-up: the hash to compare with, by address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_credentials(&self, email: &Email) -> Result<Option<Credentials>> {
        let row = user_account::Entity::find()
            .filter(user_account::Column::Email.eq(email.as_str()))
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find credentials"))?;
        Ok(row.map(|row| Credentials {
            user_id: UserId(row.id),
            password_hash: row.password_hash,
            is_active: row.status == ACTIVE,
            // One that is not known may least of all; with that, nobody is let in anyway.
            role: Role::from_name(&row.role).unwrap_or(Role::Member),
        }))
    }

    /// Replaces a password's hash by a stronger one of the same password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rehash_password(&self, user_id: UserId, old_hash: String, new_hash: String) -> Result<()> {
        self.write("rehash password", move |transaction| {
            async move {
                user_account::Entity::update_many()
                    .col_expr(user_account::Column::PasswordHash, Expr::value(new_hash))
                    .filter(user_account::Column::Id.eq(user_id.0))
                    // Unless it was changed in the meantime.
                    .filter(user_account::Column::PasswordHash.eq(old_hash))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The operator's `user add`. Also closes the set-up, for there is an account now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the address has an account already.
    pub async fn add_account_as_operator(&self, email: &Email, password_hash: String, role: Role) -> Result<UserId> {
        let email = email.clone();
        self.write("add account", move |transaction| {
            async move {
                super::site::close_setup(transaction).await?;
                insert_account(transaction, &email, password_hash, role).await
            }
            .boxed()
        })
        .await
    }

    /// The operator's `user list`: every account, by address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_accounts_as_operator(&self) -> Result<Vec<(User, bool)>> {
        let rows = user_account::Entity::find()
            .filter(is_there())
            .order_by_asc(user_account::Column::Email)
            .all(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("list accounts"))?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let is_active = row.status == ACTIVE;
                to_user(row).map(|user| (user, is_active))
            })
            .collect())
    }

    /// The operator's `user disable`: the account's next request is refused.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the address has no account.
    pub async fn disable_account_as_operator(&self, email: &Email) -> Result<()> {
        let user_id = self.find_credentials(email).await?.ok_or(Error::NotFound)?.user_id;
        self.write_as(Scope::User(user_id), "disable account", move |transaction| {
            async move {
                let disabled = user_account::Entity::update_many()
                    .col_expr(user_account::Column::Status, Expr::value(DISABLED))
                    .filter(user_account::Column::Id.eq(user_id.0))
                    .filter(is_there())
                    .exec(transaction)
                    .await?;
                if disabled.rows_affected == 0 {
                    return Err(Error::NotFound.into());
                }
                end_all_sessions(transaction, user_id, SessionEnd::RevokedByAdmin).await
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// Replaces what the person likes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_preferences(&self, likes: Preferences) -> Result<()> {
        let user_id = self.user_id();
        self.write("save preferences", move |transaction| {
            async move {
                let model = likes.default_model.map(|name| name.as_str().to_owned());
                user_account::Entity::update_many()
                    .col_expr(user_account::Column::DisplayName, Expr::value(likes.display_name))
                    .col_expr(user_account::Column::Theme, Expr::value(likes.theme.name()))
                    .col_expr(user_account::Column::Language, Expr::value(likes.language.name()))
                    .col_expr(user_account::Column::DefaultModel, Expr::value(model))
                    .col_expr(user_account::Column::TellsNewDevice, Expr::value(likes.tells_new_device))
                    .filter(user_account::Column::Id.eq(user_id.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// Of an account: it is not being deleted.
pub(super) fn is_there() -> SimpleExpr {
    user_account::Column::Status.ne(DELETING)
}

/// Adds an account; the address must be free.
pub(super) async fn insert_account(
    connection: &impl ConnectionTrait,
    email: &Email,
    password_hash: String,
    role: Role,
) -> super::write::Written<UserId> {
    let is_taken = user_account::Entity::find()
        .filter(user_account::Column::Email.eq(email.as_str()))
        .one(connection)
        .await?
        .is_some();
    if is_taken {
        return Err(Error::Conflict.into());
    }
    let id = UserId(Uuid::now_v7());
    let row = user_account::ActiveModel {
        id: Set(id.0),
        email: Set(email.as_str().to_owned()),
        password_hash: Set(password_hash),
        role: Set(role.name().to_owned()),
        status: Set(ACTIVE.to_owned()),
        created_at_ms: Set(clock::now_ms()),
        session_epoch: Set(0),
        display_name: NotSet,
        theme: NotSet,
        language: NotSet,
        default_model: NotSet,
        tells_new_device: NotSet,
    };
    user_account::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(id)
}

/// None when the row has a role that this version does not know; such an account may do nothing.
pub(super) fn to_user(row: user_account::Model) -> Option<User> {
    let Some(role) = Role::from_name(&row.role) else {
        tracing::error!(user = %row.id, "an account has a role that is not known");
        return None;
    };
    // A choice that this version does not know is no choice.
    let preferences = Preferences {
        display_name: row.display_name,
        theme: Theme::from_name(&row.theme).unwrap_or_default(),
        language: Language::from_name(&row.language).unwrap_or_default(),
        default_model: row.default_model.and_then(|name| ModelName::parse(&name).ok()),
        tells_new_device: row.tells_new_device,
    };
    Some(User { id: UserId(row.id), email: row.email, role, preferences })
}
