//! Personal access tokens: kept as hashes, looked up by whose they say they are.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Db, UserDb,
    accounts::{ACTIVE, to_user},
    entity::{access_token, user_account},
    failed,
    scope::Scope,
};
use crate::{
    domain::{
        ids::{AccessTokenId, UserId},
        limits,
        token::{AccessToken, Scopes, TokenDays, TokenName},
    },
    error::{Error, Result},
    server::clock,
};

/// A personal access token to keep.
pub struct NewAccessToken {
    pub name: TokenName,
    /// SHA-256 of its text.
    pub token_hash: String,
    pub scopes: Scopes,
    pub days: TokenDays,
}

/// A personal access token that can be used.
#[derive(Clone)]
pub struct OpenToken {
    pub db: UserDb,
    pub id: AccessTokenId,
    pub scopes: Scopes,
    pub last_used_at_ms: Option<i64>,
}

impl Db {
    /// A token with its account, if it has not expired and the account is active: beside `open_session` the only way to a
    /// [`UserDb`]. Only the guard calls this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_token(&self, user_id: UserId, token_hash: &str) -> Result<Option<OpenToken>> {
        let found = access_token::Entity::find()
            .filter(access_token::Column::UserId.eq(user_id.0))
            .filter(access_token::Column::TokenHash.eq(token_hash))
            .filter(access_token::Column::ExpiresAtMs.gt(clock::now_ms()))
            .find_also_related(user_account::Entity)
            .one(&self.query_as(Scope::User(user_id)).await?)
            .await
            .map_err(failed("open token"))?;
        let Some((token, account)) = found else { return Ok(None) };
        let user = account.filter(|account| account.status == ACTIVE).and_then(to_user);
        Ok(user.map(|user| OpenToken {
            db: UserDb { db: self.clone(), user },
            id: AccessTokenId(token.id),
            scopes: Scopes::from_names(&token.scopes),
            last_used_at_ms: token.last_used_at_ms,
        }))
    }
}

impl UserDb {
    /// Adds a token. Those that have expired go, to make room.
    ///
    /// # Errors
    /// [`Error::TooMany`] past [`limits::TOKENS_PER_USER_MAX`].
    pub async fn add_token(&self, new: NewAccessToken) -> Result<()> {
        let user_id = self.user_id().0;
        self.write("add token", move |transaction| {
            async move {
                let now_ms = clock::now_ms();
                // Two additions at once wait for each other here, or both could take the last place.
                user_account::Entity::find_by_id(user_id).lock_exclusive().one(transaction).await?;
                access_token::Entity::delete_many()
                    .filter(access_token::Column::UserId.eq(user_id))
                    .filter(access_token::Column::ExpiresAtMs.lte(now_ms))
                    .exec(transaction)
                    .await?;
                let count = access_token::Entity::find()
                    .filter(access_token::Column::UserId.eq(user_id))
                    .count(transaction)
                    .await?;
                if count >= limits::TOKENS_PER_USER_MAX {
                    return Err(Error::TooMany.into());
                }
                let row = access_token::ActiveModel {
                    id: Set(Uuid::now_v7()),
                    user_id: Set(user_id),
                    name: Set(new.name.into_string()),
                    token_hash: Set(new.token_hash),
                    scopes: Set(new.scopes.names()),
                    created_at_ms: Set(now_ms),
                    expires_at_ms: Set(now_ms + new.days.as_ms()),
                    last_used_at_ms: Set(None),
                };
                access_token::Entity::insert(row).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The tokens, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_tokens(&self) -> Result<Vec<AccessToken>> {
        let rows = access_token::Entity::find()
            .filter(access_token::Column::UserId.eq(self.user_id().0))
            .order_by_desc(access_token::Column::CreatedAtMs)
            .order_by_desc(access_token::Column::Id)
            .limit(limits::TOKENS_PER_USER_MAX)
            .all(&self.query().await?)
            .await
            .map_err(failed("list tokens"))?;
        let now_ms = clock::now_ms();
        Ok(rows
            .into_iter()
            .map(|row| AccessToken {
                id: AccessTokenId(row.id),
                name: row.name,
                scopes: Scopes::from_names(&row.scopes),
                created_at_ms: row.created_at_ms,
                expires_at_ms: row.expires_at_ms,
                last_used_at_ms: row.last_used_at_ms,
                is_expired: row.expires_at_ms <= now_ms,
            })
            .collect())
    }

    /// Whether a token with this hash is theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_token(&self, token_hash: &str) -> Result<bool> {
        let count = access_token::Entity::find()
            .filter(access_token::Column::UserId.eq(self.user_id().0))
            .filter(access_token::Column::TokenHash.eq(token_hash))
            .count(&self.query().await?)
            .await
            .map_err(failed("has token"))?;
        Ok(count > 0)
    }

    /// Forgets a token; false when there is none with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_token(&self, id: AccessTokenId) -> Result<bool> {
        let user_id = self.user_id().0;
        self.write("delete token", move |transaction| {
            async move {
                let deleted = access_token::Entity::delete_many()
                    .filter(access_token::Column::UserId.eq(user_id))
                    .filter(access_token::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                Ok(deleted.rows_affected > 0)
            }
            .boxed()
        })
        .await
    }

    /// Notes that a token is in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_token(&self, id: AccessTokenId) -> Result<()> {
        let user_id = self.user_id().0;
        self.write("touch token", move |transaction| {
            async move {
                access_token::Entity::update_many()
                    .col_expr(access_token::Column::LastUsedAtMs, Expr::value(clock::now_ms()))
                    .filter(access_token::Column::UserId.eq(user_id))
                    .filter(access_token::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}
