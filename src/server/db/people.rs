//! Everybody's accounts and sessions, for those who manage people. Chats are out of reach: on Postgres even for the role
//! that these queries run as.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{
    AdminDb, UserDb,
    accounts::{ACTIVE, DELETING, DISABLED, is_there, to_user},
    audit::{AuditEntry, add_entry},
    entity::{login_session, one_time_link, second_factor, user_account},
    failed,
    file_deletion::delete_account,
    has_text,
    login_sessions::{active_sessions, end_all_sessions, end_sessions},
    notifications::add_notification,
    write::Written,
};
use crate::{
    domain::{
        admin::{AuditAction, LiveSession, PersonPage, PersonRow},
        device,
        ids::{SessionId, UserId},
        limits,
        notification::NotificationKind,
        session::{SessionEnd, Sessions},
        user::Role,
    },
    error::{Error, Result},
};

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChange {
    Role(Role),
    Disable,
    Enable,
    Delete,
}

impl AccountChange {
    /// Whether an admin is none any more afterwards.
    fn takes_admin_away(self) -> bool {
        matches!(self, Self::Role(Role::Member) | Self::Disable | Self::Delete)
    }

    fn action(self) -> AuditAction {
        match self {
            Self::Role(Role::Member) => AuditAction::RoleChangedToMember,
            Self::Role(Role::Admin) => AuditAction::RoleChangedToAdmin,
            Self::Disable => AuditAction::AccountDisabled,
            Self::Enable => AuditAction::AccountEnabled,
            Self::Delete => AuditAction::AccountDeleted,
        }
    }
}

impl AdminDb {
    /// A page of people by address, after the address `after`; only those whose address or name has `search` in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_people(&self, search: &str, after: Option<&str>) -> Result<PersonPage> {
        let read = self.read().await?;
        let mut query = user_account::Entity::find().filter(is_there());
        if !search.is_empty() {
            let found = Condition::any()
                .add(has_text(user_account::Column::Email, &search.to_lowercase()))
                .add(has_text(user_account::Column::DisplayName, search));
            query = query.filter(found);
        }
        if let Some(after) = after {
            query = query.filter(user_account::Column::Email.gt(after));
        }
        let rows = query
            .order_by_asc(user_account::Column::Email)
            .limit(limits::PEOPLE_PER_PAGE + 1)
            .all(&read)
            .await
            .map_err(failed("list people"))?;
        let page_len = usize::try_from(limits::PEOPLE_PER_PAGE).unwrap_or(usize::MAX);
        let has_more = rows.len() > page_len;
        let ids: Vec<Uuid> = rows.iter().take(page_len).map(|row| row.id).collect();
        let counts: Vec<(Uuid, i64)> = login_session::Entity::find()
            .select_only()
            .column(login_session::Column::UserId)
            .column_as(login_session::Column::Id.count(), "sessions")
            .filter(active_sessions())
            .filter(login_session::Column::UserId.is_in(ids.iter().copied()))
            .group_by(login_session::Column::UserId)
            .into_tuple()
            .all(&read)
            .await
            .map_err(failed("count sessions"))?;
        let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
        let with_factor: Vec<Uuid> = second_factor::Entity::find()
            .select_only()
            .column(second_factor::Column::UserId)
            .filter(second_factor::Column::Confirmed.eq(true))
            .filter(second_factor::Column::UserId.is_in(ids))
            .into_tuple()
            .all(&read)
            .await
            .map_err(failed("list second factors"))?;
        let people: Vec<PersonRow> = rows
            .into_iter()
            .take(page_len)
            .filter_map(|row| {
                let sessions = counts.get(&row.id).copied().unwrap_or_default().unsigned_abs();
                let (is_active, created_at_ms) = (row.status == ACTIVE, row.created_at_ms);
                let has_second_factor = with_factor.contains(&row.id);
                to_user(row).map(|user| PersonRow {
                    id: user.id,
                    email: user.email,
                    display_name: user.preferences.display_name,
                    role: user.role,
                    is_active,
                    created_at_ms,
                    sessions,
                    has_second_factor,
                    is_you: user.id == self.user().id,
                })
            })
            .collect();
        let next = people.last().filter(|_| has_more).map(|last| last.email.clone());
        Ok(PersonPage { people, next })
    }

    /// Changes an account; what no longer may go on ends with it. Gives whose it was, or none when there is no such
    /// account.
    ///
    /// # Errors
    /// [`Error::LastAdmin`] when no active administrator would be left.
    pub async fn change_account(&self, id: UserId, change: AccountChange, address: String) -> Result<Option<String>> {
        let actor = self.user().email.clone();
        let has_much = change == AccountChange::Delete && self.db.has_much_text(id).await?;
        self.write("change account", move |transaction| {
            async move {
                // Locked first, all of them and always in this order, so that two admins cannot take each other's role
                // at the same moment.
                let admins = active_admins(transaction).await?;
                let row = user_account::Entity::find_by_id(id.0).filter(is_there()).one(transaction).await?;
                let Some(row) = row else { return Ok(None) };
                if change.takes_admin_away() && admins == [id.0] {
                    return Err(Error::LastAdmin.into());
                }
                apply(transaction, id, change, has_much).await?;
                let (action, subject) = (change.action(), row.email.clone());
                add_entry(transaction, AuditEntry { actor, action, subject, address }).await?;
                Ok(Some(row.email))
            }
            .boxed()
        })
        .await
    }

    /// Every session that can be used, the last used one first, up to a limit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_live_sessions(&self) -> Result<Vec<LiveSession>> {
        let rows = login_session::Entity::find()
            .filter(active_sessions())
            .find_also_related(user_account::Entity)
            .order_by_desc(login_session::Column::LastAccessMs)
            .limit(limits::LIVE_SESSIONS_SHOWN_MAX)
            .all(&self.query().await?)
            .await
            .map_err(failed("list live sessions"))?;
        Ok(rows
            .into_iter()
            .filter_map(|(session, account)| {
                let account = account.filter(|account| account.session_epoch == session.epoch)?;
                Some(LiveSession {
                    id: SessionId(session.id),
                    user_id: UserId(session.user_id),
                    email: account.email,
                    device: session.name.unwrap_or_else(|| device::name(&session.device)),
                    address: session.address,
                    created_at_ms: session.created_at_ms,
                    last_access_ms: session.last_access_ms,
                })
            })
            .collect())
    }

    /// Ends sessions of somebody; gives whether there is such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions_of(&self, id: UserId, sessions: Sessions, address: String) -> Result<bool> {
        let actor = self.user().email.clone();
        self.write("end somebody's sessions", move |transaction| {
            async move {
                let row = user_account::Entity::find_by_id(id.0).filter(is_there()).one(transaction).await?;
                let Some(row) = row else { return Ok(false) };
                match sessions {
                    Sessions::All => end_all_sessions(transaction, id, SessionEnd::RevokedByAdmin).await?,
                    some => {
                        if end_sessions(transaction, id, some, SessionEnd::RevokedByAdmin).await? == 0 {
                            return Ok(false);
                        }
                    }
                }
                let action = AuditAction::SessionsEnded;
                add_entry(transaction, AuditEntry { actor, action, subject: row.email, address }).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }
}

impl AdminDb {
    /// Takes somebody's second factor away, ends their sessions and tells them; gives whether they had one in force.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_second_factor_of(&self, id: UserId, address: String) -> Result<bool> {
        let actor = self.user().email.clone();
        self.write("remove somebody's second factor", move |transaction| {
            async move {
                let row = user_account::Entity::find_by_id(id.0).filter(is_there()).one(transaction).await?;
                let Some(row) = row else { return Ok(false) };
                let removed = second_factor::Entity::delete_many()
                    .filter(second_factor::Column::UserId.eq(id.0))
                    .filter(second_factor::Column::Confirmed.eq(true))
                    .exec(transaction)
                    .await?;
                if removed.rows_affected == 0 {
                    return Ok(false);
                }
                end_all_sessions(transaction, id, SessionEnd::RevokedByAdmin).await?;
                add_notification(transaction, id, NotificationKind::SecondFactorRemoved, actor.clone()).await?;
                let action = AuditAction::SecondFactorRemoved;
                add_entry(transaction, AuditEntry { actor, action, subject: row.email, address }).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// Deletes the account itself and everything of its own.
    ///
    /// # Errors
    /// [`Error::LastAdmin`] when no active administrator would be left.
    pub async fn delete_account(&self, address: String) -> Result<()> {
        let (id, email) = (self.user_id(), self.user().email.clone());
        let has_much = self.db.has_much_text(id).await?;
        self.write("delete own account", move |transaction| {
            async move {
                if active_admins(transaction).await? == [id.0] {
                    return Err(Error::LastAdmin.into());
                }
                apply(transaction, id, AccountChange::Delete, has_much).await?;
                let (action, subject) = (AuditAction::AccountDeleted, email.clone());
                add_entry(transaction, AuditEntry { actor: email, action, subject, address }).await
            }
            .boxed()
        })
        .await
    }
}

/// The ids of all who run the site; nobody else changes them until the transaction ends.
async fn active_admins(connection: &impl ConnectionTrait) -> Written<Vec<Uuid>> {
    let ids = user_account::Entity::find()
        .select_only()
        .column(user_account::Column::Id)
        .filter(user_account::Column::Role.eq(Role::Admin.name()))
        .filter(user_account::Column::Status.eq(ACTIVE))
        .order_by_asc(user_account::Column::Id)
        .lock(LockType::Update)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids)
}

/// Does it. An account that has much text is only hidden when it is deleted, and goes bit by bit.
async fn apply(connection: &impl ConnectionTrait, id: UserId, change: AccountChange, has_much: bool) -> Written<()> {
    let update = user_account::Entity::update_many().filter(user_account::Column::Id.eq(id.0));
    match change {
        AccountChange::Role(role) => {
            update.col_expr(user_account::Column::Role, Expr::value(role.name())).exec(connection).await?;
        }
        AccountChange::Enable => {
            update.col_expr(user_account::Column::Status, Expr::value(ACTIVE)).exec(connection).await?;
        }
        AccountChange::Disable => {
            update.col_expr(user_account::Column::Status, Expr::value(DISABLED)).exec(connection).await?;
            end_all_sessions(connection, id, SessionEnd::RevokedByAdmin).await?;
        }
        AccountChange::Delete if has_much => {
            let links = one_time_link::Entity::delete_many().filter(one_time_link::Column::AccountId.eq(id.0));
            links.exec(connection).await?;
            let hidden = update
                .filter(is_there())
                .col_expr(user_account::Column::Status, Expr::value(DELETING))
                // The address is free at once, and who they were is forgotten.
                .col_expr(user_account::Column::Email, Expr::value(format!("{}@deleted.invalid", id.0)))
                .col_expr(user_account::Column::DisplayName, Expr::value(""))
                .col_expr(user_account::Column::PasswordHash, Expr::value(""))
                .exec(connection)
                .await?;
            if hidden.rows_affected == 0 {
                return Err(Error::NotFound.into());
            }
            end_all_sessions(connection, id, SessionEnd::LoggedOut).await?;
        }
        AccountChange::Delete => delete_account(connection, id).await?,
    }
    Ok(())
}
