//! The index of sessions: who is in, since when, and why no longer. What the session store believes counts only as far as
//! this index agrees: a store that loses a deletion cannot bring a session back.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Db, UserDb,
    accounts::{ACTIVE, DELETING, to_user},
    entity::{login_session, user_account},
    failed,
    notifications::add_own_notification,
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        device,
        ids::{SessionId, UserId},
        limits,
        notification::NotificationKind,
        session::{ActiveSession, SessionEnd, Sessions},
    },
    error::{Error, Result},
    server::clock,
};

/// An ended session is kept for this long, to say why it ended.
const ENDED_KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// What begins with a log-in.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: SessionId,
    /// What the browser calls itself.
    pub device: String,
    /// What its person calls it: a program's session has a name.
    pub name: Option<String>,
    pub address: String,
    pub expires_at_ms: i64,
}

/// A session that can be used.
#[derive(Clone)]
pub struct OpenSession {
    pub db: UserDb,
    pub id: SessionId,
    pub expires_at_ms: i64,
    pub last_access_ms: i64,
}

impl Db {
    /// A session with its account, if both are active: the only way to a [`UserDb`]. Only the session guard calls this.
    /// Else why it is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_session(
        &self,
        user_id: UserId,
        id: SessionId,
    ) -> Result<std::result::Result<OpenSession, SessionEnd>> {
        let found = login_session::Entity::find_by_id(id.0)
            .filter(login_session::Column::UserId.eq(user_id.0))
            .find_also_related(user_account::Entity)
            .one(&self.query_as(Scope::User(user_id)).await?)
            .await
            .map_err(failed("open session"))?;
        let Some((session, account)) = found else { return Ok(Err(SessionEnd::Expired)) };
        if account.as_ref().is_some_and(|account| account.status == DELETING) {
            return Ok(Err(SessionEnd::Expired));
        }
        let account = account.filter(|account| account.status == ACTIVE);
        let epoch = account.as_ref().map(|account| account.session_epoch);
        let Some(user) = account.and_then(to_user) else { return Ok(Err(SessionEnd::RevokedByAdmin)) };
        if let Some(reason) = &session.end_reason {
            return Ok(Err(SessionEnd::from_name(reason).unwrap_or(SessionEnd::Expired)));
        }
        if Some(session.epoch) != epoch || session.expires_at_ms <= clock::now_ms() {
            return Ok(Err(SessionEnd::Expired));
        }
        Ok(Ok(OpenSession {
            db: UserDb { db: self.clone(), user },
            id,
            expires_at_ms: session.expires_at_ms,
            last_access_ms: session.last_access_ms,
        }))
    }

    /// Adds a session to an account. Past [`limits::SESSIONS_PER_USER_MAX`], the one that was not used for longest ends.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] when the account is not active any more.
    pub async fn add_session(&self, user_id: UserId, new: NewSession) -> Result<()> {
        self.write_as(Scope::User(user_id), "add session", move |transaction| {
            async move {
                let account = user_account::Entity::find_by_id(user_id.0).one(transaction).await?;
                let Some(account) = account.filter(|account| account.status == ACTIVE) else {
                    return Err(Error::WrongCredentials.into());
                };
                if account.tells_new_device && is_new_device(transaction, user_id, &new.device).await? {
                    let detail = format!("{}, from {}", device::name(&new.device), new.address);
                    add_own_notification(transaction, user_id, NotificationKind::NewDevice, detail).await?;
                }
                end_beyond_limit(transaction, user_id).await?;
                let now_ms = clock::now_ms();
                let row = login_session::ActiveModel {
                    id: Set(new.id.0),
                    user_id: Set(user_id.0),
                    epoch: Set(account.session_epoch),
                    device: Set(new.device.chars().take(limits::DEVICE_CHARS_MAX).collect()),
                    name: Set(new.name),
                    address: Set(new.address),
                    created_at_ms: Set(now_ms),
                    last_access_ms: Set(now_ms),
                    expires_at_ms: Set(new.expires_at_ms),
                    end_reason: Set(None),
                };
                login_session::Entity::insert(row).exec_without_returning(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Ends a session whose user is not otherwise known here: the log-out's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, user_id: UserId, id: SessionId, end: SessionEnd) -> Result<()> {
        self.write_as(Scope::User(user_id), "end session", move |transaction| {
            async move { end_sessions(transaction, user_id, Sessions::One(id), end).await.map(|_| ()) }.boxed()
        })
        .await
    }

    /// Forgets sessions that ended long ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_sessions(&self) -> Result<u64> {
        self.write_as(Scope::Sweeper, "delete old sessions", |transaction| {
            async move {
                let deleted = login_session::Entity::delete_many()
                    .filter(login_session::Column::ExpiresAtMs.lte(clock::now_ms() - ENDED_KEPT_MS))
                    .exec(transaction)
                    .await?;
                Ok(deleted.rows_affected)
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// The sessions that can be used, the last used one first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_sessions(&self, current: SessionId) -> Result<Vec<ActiveSession>> {
        let rows = login_session::Entity::find()
            .filter(active_sessions_of(self.user_id()))
            .order_by_desc(login_session::Column::LastAccessMs)
            .limit(limits::SESSIONS_PER_USER_MAX)
            .all(&self.query().await?)
            .await
            .map_err(failed("list sessions"))?;
        let mut sessions: Vec<ActiveSession> = rows
            .into_iter()
            .map(|row| ActiveSession {
                id: SessionId(row.id),
                device: row.name.unwrap_or_else(|| device::name(&row.device)),
                address: row.address,
                created_at_ms: row.created_at_ms,
                last_access_ms: row.last_access_ms,
                is_current: row.id == current.0,
            })
            .collect();
        // The one that asks stands first, whatever minute its last access was written in.
        sessions.sort_by_key(|session| !session.is_current);
        Ok(sessions)
    }

    /// Ends sessions; gives how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions(&self, sessions: Sessions, end: SessionEnd) -> Result<u64> {
        let user_id = self.user_id();
        self.write("end sessions", move |transaction| {
            async move { end_sessions(transaction, user_id, sessions, end).await }.boxed()
        })
        .await
    }

    /// Replaces the password, and ends every session but `kept`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_password(&self, password_hash: String, kept: SessionId) -> Result<()> {
        let user_id = self.user_id();
        self.write("change password", move |transaction| {
            async move {
                user_account::Entity::update_many()
                    .col_expr(user_account::Column::PasswordHash, Expr::value(password_hash))
                    .filter(user_account::Column::Id.eq(user_id.0))
                    .exec(transaction)
                    .await?;
                end_sessions(transaction, user_id, Sessions::AllBut(kept), SessionEnd::PasswordChanged).await?;
                raise_epoch(transaction, user_id).await?;
                // The one that stays goes along into the new epoch.
                login_session::Entity::update_many()
                    .col_expr(login_session::Column::Epoch, Expr::col(login_session::Column::Epoch).add(1))
                    .filter(active_sessions_of(user_id))
                    .filter(login_session::Column::Id.eq(kept.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Gives a session more time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extend_session(&self, id: SessionId, expires_at_ms: i64) -> Result<()> {
        let user_id = self.user_id();
        self.write("extend session", move |transaction| {
            async move {
                login_session::Entity::update_many()
                    .col_expr(login_session::Column::ExpiresAtMs, Expr::value(expires_at_ms))
                    .filter(active_sessions_of(user_id))
                    .filter(login_session::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Notes that a session is in use, and from where.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_session(&self, id: SessionId, address: String) -> Result<()> {
        let user_id = self.user_id();
        self.write("touch session", move |transaction| {
            async move {
                let now_ms = clock::now_ms();
                login_session::Entity::update_many()
                    .col_expr(login_session::Column::LastAccessMs, Expr::value(now_ms))
                    .col_expr(login_session::Column::Address, Expr::value(address))
                    .filter(active_sessions_of(user_id))
                    .filter(login_session::Column::Id.eq(id.0))
                    // Of requests that come together one writes.
                    .filter(login_session::Column::LastAccessMs.lte(now_ms - limits::SESSION_TOUCH_SECONDS * 1_000))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// Ends a user's sessions; gives how many were active.
pub(super) async fn end_sessions(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    sessions: Sessions,
    end: SessionEnd,
) -> Written<u64> {
    let mut update = login_session::Entity::update_many()
        .col_expr(login_session::Column::EndReason, Expr::value(end.name()))
        .filter(active_sessions_of(user_id));
    update = match sessions {
        Sessions::All => update,
        Sessions::One(id) => update.filter(login_session::Column::Id.eq(id.0)),
        Sessions::AllBut(id) => update.filter(login_session::Column::Id.ne(id.0)),
    };
    Ok(update.exec(connection).await?.rows_affected)
}

/// Ends all of a user's sessions, those included that the index does not know.
pub(super) async fn end_all_sessions(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    end: SessionEnd,
) -> Written<()> {
    raise_epoch(connection, user_id).await?;
    end_sessions(connection, user_id, Sessions::All, end).await.map(|_| ())
}

async fn raise_epoch(connection: &impl ConnectionTrait, user_id: UserId) -> Written<()> {
    user_account::Entity::update_many()
        .col_expr(user_account::Column::SessionEpoch, Expr::col(user_account::Column::SessionEpoch).add(1))
        .filter(user_account::Column::Id.eq(user_id.0))
        .exec(connection)
        .await?;
    Ok(())
}

fn active_sessions_of(user_id: UserId) -> Condition {
    active_sessions().add(login_session::Column::UserId.eq(user_id.0))
}

pub(super) fn active_sessions() -> Condition {
    Condition::all()
        .add(login_session::Column::EndReason.is_null())
        .add(login_session::Column::ExpiresAtMs.gt(clock::now_ms()))
}

/// Whether a person has had sessions, but none from a device like this one. What is known of it goes back a week.
async fn is_new_device(connection: &impl ConnectionTrait, user_id: UserId, user_agent: &str) -> Written<bool> {
    let known: Vec<String> = login_session::Entity::find()
        .select_only()
        .column(login_session::Column::Device)
        .distinct()
        .filter(login_session::Column::UserId.eq(user_id.0))
        .into_tuple()
        .all(connection)
        .await?;
    let name = device::name(user_agent);
    Ok(!known.is_empty() && known.iter().all(|other| device::name(other) != name))
}

async fn end_beyond_limit(connection: &impl ConnectionTrait, user_id: UserId) -> Written<()> {
    let beyond: Vec<Uuid> = login_session::Entity::find()
        .select_only()
        .column(login_session::Column::Id)
        .filter(active_sessions_of(user_id))
        .order_by_desc(login_session::Column::LastAccessMs)
        .offset(limits::SESSIONS_PER_USER_MAX - 1)
        .limit(limits::SESSIONS_PER_USER_MAX)
        .into_tuple()
        .all(connection)
        .await?;
    for id in beyond {
        end_sessions(connection, user_id, Sessions::One(SessionId(id)), SessionEnd::Revoked).await?;
    }
    Ok(())
}
