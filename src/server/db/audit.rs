//! The audit log: entries are added and read, never changed; the sweeper removes them when they are old.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::{AdminDb, Db, entity::audit_entry, failed, has_text, scope::Scope, write::Written};
use crate::{
    domain::{
        admin::{AuditAction, AuditPage, AuditRow},
        limits,
    },
    error::{InvalidInput, Result},
    server::clock,
};

/// What is written down.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// The address of who does it; empty for nobody known.
    pub actor: String,
    pub action: AuditAction,
    /// The address of whom it concerns.
    pub subject: String,
    /// Where it comes from.
    pub address: String,
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Part of an actor's or subject's address.
    pub who: String,
    pub action: Option<AuditAction>,
}

impl Db {
    /// Writes down what somebody did about themselves, or tried to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, entry: AuditEntry) -> Result<()> {
        self.write_as(Scope::Site, "audit", move |transaction| {
            async move { add_entry(transaction, entry).await }.boxed()
        })
        .await
    }
}

impl Db {
    /// Removes entries that are older than so many days, some at a time; none for 0 days. Gives how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_audit_entries(&self, days: u32) -> Result<u64> {
        if days == 0 {
            return Ok(0);
        }
        let before_ms = clock::now_ms() - i64::from(days) * 24 * 3_600_000;
        let mut deleted = 0;
        loop {
            let batch = self
                .write_as(Scope::Sweeper, "delete old audit entries", move |transaction| {
                    async move { delete_entries(transaction, before_ms).await }.boxed()
                })
                .await?;
            deleted += batch;
            if batch < limits::AUDIT_ENTRIES_REMOVED_MAX {
                return Ok(deleted);
            }
        }
    }
}

impl AdminDb {
    /// A page of the log, newest first, before the entry `before`.
    ///
    /// # Errors
    /// [`InvalidInput::Cursor`]; when the database fails.
    pub async fn list_audit(&self, filter: &AuditFilter, before: Option<&str>) -> Result<AuditPage> {
        let mut query = audit_entry::Entity::find();
        if !filter.who.is_empty() {
            let who = Condition::any()
                .add(has_text(audit_entry::Column::Actor, &filter.who))
                .add(has_text(audit_entry::Column::Subject, &filter.who));
            query = query.filter(who);
        }
        if let Some(action) = filter.action {
            query = query.filter(audit_entry::Column::Action.eq(action.name()));
        }
        if let Some(before) = before {
            let before = Uuid::try_parse(before).map_err(|_| InvalidInput::Cursor)?;
            query = query.filter(audit_entry::Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(audit_entry::Column::Id)
            .limit(limits::AUDIT_ENTRIES_PER_PAGE + 1)
            .all(&self.query().await?)
            .await
            .map_err(failed("list audit log"))?;
        let mut entries: Vec<AuditRow> = rows
            .into_iter()
            .map(|row| AuditRow {
                id: row.id.to_string(),
                at_ms: row.at_ms,
                actor: row.actor,
                action: row.action,
                subject: row.subject,
                address: row.address,
            })
            .collect();
        let page_len = usize::try_from(limits::AUDIT_ENTRIES_PER_PAGE).unwrap_or(usize::MAX);
        let has_more = entries.len() > page_len;
        entries.truncate(page_len);
        let next = entries.last().filter(|_| has_more).map(|last| last.id.clone());
        Ok(AuditPage { entries, next })
    }
}

/// Removes the oldest entries from before a time, up to a limit. They are found by their ids, which begin with the time of
/// their making: the primary key is the only index.
async fn delete_entries(transaction: &impl ConnectionTrait, before_ms: i64) -> Written<u64> {
    let first_kept = Uuid::from_u128(u128::from(before_ms.unsigned_abs()) << 80);
    let ids: Vec<Uuid> = audit_entry::Entity::find()
        .select_only()
        .column(audit_entry::Column::Id)
        .filter(audit_entry::Column::Id.lt(first_kept))
        .order_by_asc(audit_entry::Column::Id)
        .limit(limits::AUDIT_ENTRIES_REMOVED_MAX)
        .into_tuple()
        .all(transaction)
        .await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let deleted =
        audit_entry::Entity::delete_many().filter(audit_entry::Column::Id.is_in(ids)).exec(transaction).await?;
    Ok(deleted.rows_affected)
}

/// Writes an entry as part of what it is about: both happen, or neither.
pub(super) async fn add_entry(connection: &impl ConnectionTrait, entry: AuditEntry) -> Written<()> {
    let cut = |text: String, chars: usize| text.chars().filter(|c| !c.is_control()).take(chars).collect::<String>();
    let row = audit_entry::ActiveModel {
        id: Set(Uuid::now_v7()),
        at_ms: Set(clock::now_ms()),
        actor: Set(cut(entry.actor, limits::EMAIL_CHARS_MAX)),
        action: Set(entry.action.name().to_owned()),
        subject: Set(cut(entry.subject, limits::EMAIL_CHARS_MAX)),
        address: Set(cut(entry.address, 64)),
    };
    audit_entry::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}
