//! What a person is told, and which of their chats have something that they have not looked at. Each user keeps the newest
//! [`limits::NOTIFICATIONS_PER_USER_MAX`].

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    UserDb,
    accounts::ACTIVE,
    chats::to_chat,
    entity::{chat_session, notification, user_account},
    exchanges::try_lock_told_chat,
    failed,
    write::Written,
};
use crate::{
    domain::{
        chat::Chat,
        ids::{ChatId, FileId, NotificationId, UserId},
        limits,
        notification::{Notification, NotificationKind},
    },
    error::Result,
    server::clock,
};

/// Rows that are put in by one statement.
const ROWS_AT_A_TIME: usize = 500;

/// What it goes with when that is deleted.
#[derive(Clone, Copy)]
enum About {
    Chat(ChatId),
    File(FileId),
    Nothing,
}

impl UserDb {
    /// What is kept, the newest first: all, or what was not read yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_notifications(&self, only_unread: bool) -> Result<Vec<Notification>> {
        let mut query = notification::Entity::find().filter(notification::Column::UserId.eq(self.user_id().0));
        if only_unread {
            query = query.filter(notification::Column::ReadAtMs.is_null());
        }
        let rows = query
            .order_by_desc(notification::Column::Id)
            .limit(limits::NOTIFICATIONS_PER_USER_MAX)
            .all(&self.query().await?)
            .await
            .map_err(failed("list notifications"))?;
        Ok(rows.into_iter().filter_map(to_notification).collect())
    }

    /// Notes that one was read; false when there is no such one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_notification(&self, id: NotificationId) -> Result<bool> {
        let user_id = self.user_id();
        self.write("read notification", move |transaction| {
            async move {
                let changed = read_now(user_id).filter(notification::Column::Id.eq(id.0)).exec(transaction).await?;
                Ok(changed.rows_affected == 1)
            }
            .boxed()
        })
        .await
    }

    /// Notes that all were read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_all_notifications(&self) -> Result<()> {
        let user_id = self.user_id();
        self.write("read all notifications", move |transaction| {
            async move {
                read_now(user_id).filter(notification::Column::ReadAtMs.is_null()).exec(transaction).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Notes that the site's notice was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_notices(&self) -> Result<()> {
        let user_id = self.user_id();
        self.write("read notices", move |transaction| {
            async move {
                read_now(user_id)
                    .filter(notification::Column::Kind.eq(NotificationKind::SiteNotice.name()))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Marks a chat as unread and says why, in place of what was said of it before and not read. Gives what there is to tell;
    /// none when the chat is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_unread(&self, chat_id: ChatId, kind: NotificationKind) -> Result<Option<NotificationId>> {
        let user_id = self.user_id();
        self.write("mark chat as unread", move |transaction| {
            async move {
                if !try_lock_told_chat(transaction, user_id, chat_id).await? {
                    return Ok(None);
                }
                tell_unread(transaction, user_id, chat_id, kind).await
            }
            .boxed()
        })
        .await
    }

    /// The chat that is unread for this reason; none when it is not, or for a newer one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_unread_chat(&self, why: NotificationId) -> Result<Option<Chat>> {
        let told = notification::Entity::find_by_id(why.0)
            .filter(notification::Column::UserId.eq(self.user_id().0))
            .filter(notification::Column::ReadAtMs.is_null())
            .one(&self.query().await?)
            .await
            .map_err(failed("find notification"))?;
        match told.and_then(|told| told.chat_id) {
            Some(chat_id) => self.find_chat(ChatId(chat_id)).await,
            None => Ok(None),
        }
    }

    /// Notes that a chat was looked at, and what is told of it read. What there is to tell since `untold_since_ms` was told to
    /// nobody yet, and is taken away. Gives the chat; none when it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_seen(&self, chat_id: ChatId, untold_since_ms: Option<i64>) -> Result<Option<Chat>> {
        let user_id = self.user_id();
        self.write("mark chat as seen", move |transaction| {
            async move {
                // The chat first, as when it is marked: so two of these wait for each other, and never both.
                let chat = set_unread(transaction, user_id, chat_id, false).await?;
                if let Some(since_ms) = untold_since_ms {
                    notification::Entity::delete_many()
                        .filter(notification::Column::UserId.eq(user_id.0))
                        .filter(notification::Column::ChatId.eq(chat_id.0))
                        .filter(notification::Column::ReadAtMs.is_null())
                        .filter(notification::Column::CreatedAtMs.gte(since_ms))
                        .exec(transaction)
                        .await?;
                }
                read_now(user_id)
                    .filter(notification::Column::ChatId.eq(chat_id.0))
                    .filter(notification::Column::ReadAtMs.is_null())
                    .exec(transaction)
                    .await?;
                Ok(chat)
            }
            .boxed()
        })
        .await
    }
}

fn to_notification(row: notification::Model) -> Option<Notification> {
    Some(Notification {
        id: NotificationId(row.id),
        kind: NotificationKind::from_name(&row.kind)?,
        detail: row.detail,
        chat_id: row.chat_id.map(ChatId),
        file_id: row.file_id.map(FileId),
        is_read: row.read_at_ms.is_some(),
        created_at_ms: row.created_at_ms,
    })
}

/// The update that notes notifications of a user as read.
fn read_now(user_id: UserId) -> sea_orm::UpdateMany<notification::Entity> {
    notification::Entity::update_many()
        .col_expr(notification::Column::ReadAtMs, Expr::value(clock::now_ms()))
        .filter(notification::Column::UserId.eq(user_id.0))
}

async fn set_unread(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
    is_unread: bool,
) -> Written<Option<Chat>> {
    let changed = chat_session::Entity::update_many()
        .col_expr(chat_session::Column::IsUnread, Expr::value(is_unread))
        .filter(chat_session::Column::Id.eq(chat_id.0))
        .filter(chat_session::Column::UserId.eq(user_id.0))
        .exec_with_returning(transaction)
        .await?;
    Ok(changed.into_iter().next().map(to_chat))
}

/// As [`UserDb::mark_unread`], as part of what it is about.
pub(super) async fn tell_unread(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    chat_id: ChatId,
    kind: NotificationKind,
) -> Written<Option<NotificationId>> {
    let Some(chat) = set_unread(transaction, user_id, chat_id, true).await? else { return Ok(None) };
    notification::Entity::delete_many()
        .filter(notification::Column::UserId.eq(user_id.0))
        .filter(notification::Column::ChatId.eq(chat_id.0))
        .filter(notification::Column::ReadAtMs.is_null())
        .exec(transaction)
        .await?;
    let id = insert(transaction, user_id, kind, chat.display_title().to_owned(), About::Chat(chat_id)).await?;
    delete_oldest(transaction, user_id).await?;
    Ok(Some(id))
}

/// Tells a person something, as part of what it is about, on their own behalf.
pub(super) async fn add_own_notification(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    kind: NotificationKind,
    detail: String,
) -> Written<()> {
    insert(connection, user_id, kind, detail, About::Nothing).await?;
    delete_oldest(connection, user_id).await
}

/// Tells a person that one of their files could be read, or could not, in place of what was said of it before and not read. Of
/// many that could, the newest is enough.
pub(super) async fn tell_of_file(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    kind: NotificationKind,
    (id, name): (FileId, String),
) -> Written<()> {
    let mut replaced = Condition::any().add(notification::Column::FileId.eq(id.0));
    if kind == NotificationKind::FileReady {
        replaced = replaced.add(notification::Column::Kind.eq(kind.name()));
    }
    notification::Entity::delete_many()
        .filter(notification::Column::UserId.eq(user_id.0))
        .filter(notification::Column::ReadAtMs.is_null())
        .filter(replaced)
        .exec(connection)
        .await?;
    insert(connection, user_id, kind, name, About::File(id)).await?;
    delete_oldest(connection, user_id).await
}

/// Tells somebody else something, as part of what it is about. Whoever does so sees nothing of what they were told before.
pub(super) async fn add_notification(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    kind: NotificationKind,
    detail: String,
) -> Written<()> {
    insert(connection, user_id, kind, detail, About::Nothing).await?;
    Ok(())
}

/// Tells everybody the site's notice, in place of the one before; an empty one takes that away.
pub(super) async fn add_notice(connection: &impl ConnectionTrait, text: &str) -> Written<()> {
    notification::Entity::delete_many()
        .filter(notification::Column::Kind.eq(NotificationKind::SiteNotice.name()))
        .exec(connection)
        .await?;
    if text.is_empty() {
        return Ok(());
    }
    let people: Vec<Uuid> = user_account::Entity::find()
        .select_only()
        .column(user_account::Column::Id)
        .filter(user_account::Column::Status.eq(ACTIVE))
        .into_tuple()
        .all(connection)
        .await?;
    for people in people.chunks(ROWS_AT_A_TIME) {
        let row = |id: &Uuid| new_row(UserId(*id), NotificationKind::SiteNotice, text.to_owned(), About::Nothing);
        notification::Entity::insert_many(people.iter().map(row)).exec_without_returning(connection).await?;
    }
    Ok(())
}

async fn insert(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    kind: NotificationKind,
    detail: String,
    about: About,
) -> Written<NotificationId> {
    let row = new_row(user_id, kind, detail, about);
    let id = NotificationId(*row.id.as_ref());
    notification::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(id)
}

fn new_row(user_id: UserId, kind: NotificationKind, detail: String, about: About) -> notification::ActiveModel {
    let (chat_id, file_id) = match about {
        About::Chat(id) => (Some(id.0), None),
        About::File(id) => (None, Some(id.0)),
        About::Nothing => (None, None),
    };
    notification::ActiveModel {
        id: Set(Uuid::now_v7()),
        user_id: Set(user_id.0),
        kind: Set(kind.name().to_owned()),
        detail: Set(detail.chars().take(limits::NOTIFICATION_CHARS_MAX).collect()),
        created_at_ms: Set(clock::now_ms()),
        read_at_ms: Set(None),
        chat_id: Set(chat_id),
        file_id: Set(file_id),
    }
}

async fn delete_oldest(connection: &impl ConnectionTrait, user_id: UserId) -> Written<()> {
    let first_too_many: Option<Uuid> = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::UserId.eq(user_id.0))
        .order_by_desc(notification::Column::Id)
        .offset(limits::NOTIFICATIONS_PER_USER_MAX)
        .limit(1)
        .into_tuple()
        .one(connection)
        .await?;
    if let Some(id) = first_too_many {
        notification::Entity::delete_many()
            .filter(notification::Column::UserId.eq(user_id.0))
            .filter(notification::Column::Id.lte(id))
            .exec(connection)
            .await?;
    }
    Ok(())
}
