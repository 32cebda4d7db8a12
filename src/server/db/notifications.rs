//! What a person is told until they have read it.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{UserDb, entity::notification, failed, write::Written};
use crate::{
    domain::{
        ids::{NotificationId, UserId},
        limits,
        notification::{Notification, NotificationKind},
    },
    error::Result,
    server::clock,
};

impl UserDb {
    /// What was not read yet, the newest first, up to a limit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_notifications(&self) -> Result<Vec<Notification>> {
        let rows = notification::Entity::find()
            .filter(notification::Column::UserId.eq(self.user_id().0))
            .filter(notification::Column::ReadAtMs.is_null())
            .order_by_desc(notification::Column::Id)
            .limit(limits::NOTIFICATIONS_SHOWN_MAX)
            .all(&self.read().await?)
            .await
            .map_err(failed("list notifications"))?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let kind = NotificationKind::from_name(&row.kind)?;
                let (detail, created_at_ms) = (row.detail, row.created_at_ms);
                Some(Notification { id: NotificationId(row.id), kind, detail, created_at_ms })
            })
            .collect())
    }

    /// Notes that one was read; false when there is no such one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_notification(&self, id: NotificationId) -> Result<bool> {
        let user_id = self.user_id();
        self.write("read notification", move |transaction| {
            async move {
                let changed = notification::Entity::update_many()
                    .col_expr(notification::Column::ReadAtMs, Expr::value(clock::now_ms()))
                    .filter(notification::Column::UserId.eq(user_id.0))
                    .filter(notification::Column::Id.eq(id.0))
                    .exec(transaction)
                    .await?;
                Ok(changed.rows_affected == 1)
            }
            .boxed()
        })
        .await
    }
}

/// Tells a person something, as part of what it is about.
pub(super) async fn add_notification(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    kind: NotificationKind,
    detail: String,
) -> Written<()> {
    let row = notification::ActiveModel {
        id: Set(Uuid::now_v7()),
        user_id: Set(user_id.0),
        kind: Set(kind.name().to_owned()),
        detail: Set(detail.chars().take(254).collect()),
        created_at_ms: Set(clock::now_ms()),
        read_at_ms: Set(None),
    };
    notification::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}
