//! The set-up of a fresh site: the link with a secret, and the first account.

use futures::FutureExt;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    Db,
    accounts::insert_account,
    entity::{setup_link, site},
    failed,
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        ids::UserId,
        user::{Email, Role},
    },
    error::{Error, Result},
    server::clock,
};

/// The one row of `site`.
pub(super) const SITE_ID: i32 = 1;

impl Db {
    /// Whether the site has no account yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_setup_open(&self) -> Result<bool> {
        let row = site::Entity::find_by_id(SITE_ID)
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find site"))?;
        Ok(row.is_some_and(|row| row.setup_at_ms.is_none()))
    }

    /// Whether a set-up link with this hash can still be used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_setup_link(&self, token_hash: &str) -> Result<bool> {
        let link = setup_link::Entity::find_by_id(token_hash)
            .one(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("find set-up link"))?;
        Ok(link.is_some() && self.is_setup_open().await?)
    }

    /// Remembers a set-up link by its hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_setup_link(&self, token_hash: String) -> Result<()> {
        self.write("add set-up link", move |transaction| {
            async move {
                let row = setup_link::ActiveModel { token_hash: Set(token_hash), created_at_ms: Set(clock::now_ms()) };
                setup_link::Entity::insert(row).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Makes the first account, an admin, with a set-up link. Of many at once, on any number of servers, one wins.
    ///
    /// # Errors
    /// [`Error::SetupLink`] when the link is unknown, or when there is an account already.
    pub async fn add_first_account(&self, token_hash: String, email: &Email, password_hash: String) -> Result<UserId> {
        let email = email.clone();
        self.write("add first account", move |transaction| {
            async move {
                if setup_link::Entity::find_by_id(token_hash).one(transaction).await?.is_none() {
                    return Err(Error::SetupLink.into());
                }
                if !close_setup(transaction).await? {
                    return Err(Error::SetupLink.into());
                }
                insert_account(transaction, &email, password_hash, Role::Admin).await
            }
            .boxed()
        })
        .await
    }
}

/// Closes the set-up for good; true for the one who did. The row's lock makes all others wait, then find it closed.
pub(super) async fn close_setup(connection: &impl ConnectionTrait) -> Written<bool> {
    let closed = site::Entity::update_many()
        .col_expr(site::Column::SetupAtMs, Expr::value(clock::now_ms()))
        .filter(site::Column::Id.eq(SITE_ID))
        .filter(site::Column::SetupAtMs.is_null())
        .exec(connection)
        .await?;
    if closed.rows_affected == 1 {
        setup_link::Entity::delete_many().exec(connection).await?;
    }
    Ok(closed.rows_affected == 1)
}
