//! Deleting files with everything that was made of them.
//!
//! What does not take long goes in the transaction that deletes it. Of files with very much text everything goes at once but
//! the text, and nobody finds them any more; an account with very much text loses its address, its name, its password and its
//! sessions at once. The rest goes step by step ([`Db::go_on_deleting`]): on SQLite nobody else writes meanwhile, and very
//! many pieces take seconds.

use std::collections::HashSet;

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType, OnConflict, Query, SelectStatement, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Db, accounts,
    entity::{
        chat_file, chat_session, doomed_blob, file_chunk, file_part, file_picture, message_file, notification,
        user_account, user_file,
    },
    exchanges::lock_account,
    failed,
    file_queue::AT_ONCE_MS,
    file_uses::{hold, hold_those},
    scope::Scope,
    write::{Written, may_take_long},
};
use crate::{
    domain::ids::{FileId, UserId},
    error::{Error, Result},
    server::clock,
};

/// In the place of a [`FileState`](crate::domain::file_state::FileState): the file is nobody's any more, and its text goes.
pub(super) const DELETING: &str = "deleting";
/// Ids that one statement names.
const IDS_AT_A_TIME: usize = 100;
/// Pieces of text that go in the transaction that deletes their files: a third of a second on two cores.
const CHUNKS_AT_ONCE_MAX: u64 = 2_000;
/// Pieces that each transaction deletes of those with more. SQLite merges its index of words as it goes, in the same transaction:
/// the more pieces, the longer everybody else waits to write.
const CHUNKS_AT_A_TIME: u64 = 100;

/// What a transaction found to do.
enum Step {
    /// It did something; there may be more.
    Taken,
    /// An account has nothing left that takes long.
    AccountIsBare,
    /// There is nothing.
    Nothing,
}

impl Db {
    /// Whether somebody has so much text that it does not go at once with their account.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn has_much_text(&self, user_id: UserId) -> Result<bool> {
        let count = count_chunks(&self.query_as(Scope::User(user_id)).await?, theirs(user_id)).await;
        Ok(count.map_err(failed("look for much text"))? > CHUNKS_AT_ONCE_MAX)
    }

    /// Some of those whose account is being deleted, or files.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_being_deleted(&self) -> Result<Vec<UserId>> {
        let mut users: Vec<Uuid> = user_account::Entity::find()
            .select_only()
            .column(user_account::Column::Id)
            .filter(user_account::Column::Status.eq(accounts::DELETING))
            .limit(IDS_AT_A_TIME as u64)
            .into_tuple()
            .all(&self.query_as(Scope::Site).await?)
            .await
            .map_err(failed("look for accounts that are being deleted"))?;
        let owners: Vec<Uuid> = user_file::Entity::find()
            .select_only()
            .column(user_file::Column::UserId)
            .filter(is_going())
            // By the index of these.
            .filter(user_file::Column::LeaseUntilMs.lte(clock::now_ms()))
            .distinct()
            .limit(IDS_AT_A_TIME as u64)
            .into_tuple()
            .all(&self.query_as(Scope::Sweeper).await?)
            .await
            .map_err(failed("look for files that are being deleted"))?;
        users.extend(owners);
        users.sort_unstable();
        users.dedup();
        Ok(users.into_iter().map(UserId).collect())
    }

    /// Does the next step of deleting somebody's account or files: of an account first the chats, so that what is written in
    /// them stops, then its files are hidden; then their text goes, a little at a time, and at last the account. False when
    /// there is nothing left to do.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn go_on_deleting(&self, user_id: UserId) -> Result<bool> {
        let step = self.write_as(Scope::User(user_id), "go on deleting", move |transaction| {
            async move { take_step(transaction, user_id).await }.boxed()
        });
        match step.await {
            Ok(Step::AccountIsBare) => {}
            Ok(Step::Taken) => return Ok(true),
            // Gone meanwhile, with all that was theirs.
            Ok(Step::Nothing) | Err(Error::NotFound) => return Ok(false),
            Err(error) => return Err(error),
        }
        // Not in the same transaction: another server may hold the account, too, and both would wait to have it alone.
        self.write_as(Scope::User(user_id), "delete a bare account", move |transaction| {
            async move { delete_account(transaction, user_id).await }.boxed()
        })
        .await
        .map(|()| true)
    }
}

async fn take_step(transaction: &impl ConnectionTrait, user_id: UserId) -> Written<Step> {
    lock_account(transaction, user_id, LockType::KeyShare).await?;
    let goes = user_account::Entity::find_by_id(user_id.0).filter(user_account::Column::Status.eq(accounts::DELETING));
    let account_goes = goes.count(transaction).await? > 0;
    if account_goes {
        may_take_long(transaction).await?;
        let chats = chat_session::Entity::delete_many().filter(chat_session::Column::UserId.eq(user_id.0));
        if chats.exec(transaction).await?.rows_affected > 0 {
            return Ok(Step::Taken);
        }
        let some = some_files(transaction, user_id, is_there()).await?;
        let some = hold(transaction, user_id, some, LockType::Update).await?;
        if !some.is_empty() {
            hide(transaction, theirs(user_id).add(user_file::Column::Id.is_in(some))).await?;
            return Ok(Step::Taken);
        }
    }
    let some = some_files(transaction, user_id, is_going()).await?;
    if !some.is_empty() {
        // Two servers may be at them.
        let some = hold_those(transaction, user_id, some, is_going(), LockType::Update).await?;
        delete_some_chunks(transaction, user_id, some).await?;
        return Ok(Step::Taken);
    }
    Ok(if account_goes { Step::AccountIsBare } else { Step::Nothing })
}

async fn some_files(transaction: &impl ConnectionTrait, user_id: UserId, such: SimpleExpr) -> Written<Vec<FileId>> {
    let ids: Vec<Uuid> = user_file::Entity::find()
        .select_only()
        .column(user_file::Column::Id)
        .filter(theirs(user_id))
        .filter(such)
        .limit(IDS_AT_A_TIME as u64)
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(ids.into_iter().map(FileId).collect())
}

/// Of a file: it is not being deleted.
pub(super) fn is_there() -> SimpleExpr {
    user_file::Column::State.ne(DELETING)
}

fn is_going() -> SimpleExpr {
    user_file::Column::State.eq(DELETING)
}

fn theirs(user_id: UserId) -> Condition {
    Condition::all().add(user_file::Column::UserId.eq(user_id.0))
}

/// Deletes an account with everything of its own, by the foreign keys.
pub(super) async fn delete_account(transaction: &impl ConnectionTrait, id: UserId) -> Written<()> {
    may_take_long(transaction).await?;
    // No piece is added to one of their files from here on.
    lock_account(transaction, id, LockType::Update).await?;
    doom(transaction, Condition::all().add(file_part::Column::UserId.eq(id.0))).await?;
    user_account::Entity::delete_by_id(id.0).exec(transaction).await?;
    Ok(())
}

/// Deletes some files of a user, and dooms what the storage has of them; gives those that were there. The user's account is to
/// be held before any file, as whoever deletes the account does.
pub(super) async fn delete_files(
    transaction: &impl ConnectionTrait,
    user_id: UserId,
    ids: &[FileId],
) -> Written<Vec<FileId>> {
    // Locked, so that no piece is added to one of them meanwhile.
    let there = Vec::from_iter(hold(transaction, user_id, ids.iter().copied(), LockType::Update).await?);
    let some: Vec<Condition> = there
        .chunks(IDS_AT_A_TIME)
        .map(|ids| theirs(user_id).add(user_file::Column::Id.is_in(ids.iter().copied())))
        .collect();
    let mut chunks = 0;
    for files in &some {
        if chunks <= CHUNKS_AT_ONCE_MAX {
            chunks += count_chunks(transaction, files.clone()).await?;
        }
    }
    for files in some {
        if chunks > CHUNKS_AT_ONCE_MAX {
            hide(transaction, files).await?;
        } else {
            doom(transaction, Condition::all().add(file_part::Column::FileId.in_subquery(ids_of(&files)))).await?;
            user_file::Entity::delete_many().filter(files).exec(transaction).await?;
        }
    }
    Ok(there.into_iter().map(FileId).collect())
}

/// Hides files from everybody, and deletes all of them but their text.
async fn hide(transaction: &impl ConnectionTrait, files: Condition) -> Written<()> {
    let ids = ids_of(&files);
    doom(transaction, Condition::all().add(file_part::Column::FileId.in_subquery(ids.clone()))).await?;
    let parts = file_part::Column::FileId.in_subquery(ids.clone());
    file_part::Entity::delete_many().filter(parts).exec(transaction).await?;
    let pictures = file_picture::Column::FileId.in_subquery(ids.clone());
    file_picture::Entity::delete_many().filter(pictures).exec(transaction).await?;
    let in_chats = chat_file::Column::FileId.in_subquery(ids.clone());
    chat_file::Entity::delete_many().filter(in_chats).exec(transaction).await?;
    let told = notification::Column::FileId.in_subquery(ids.clone());
    notification::Entity::delete_many().filter(told).exec(transaction).await?;
    message_file::Entity::update_many()
        .col_expr(message_file::Column::FileId, Expr::value(Option::<Uuid>::None))
        .filter(message_file::Column::FileId.in_subquery(ids))
        .exec(transaction)
        .await?;
    user_file::Entity::update_many()
        .col_expr(user_file::Column::State, Expr::value(DELETING))
        .col_expr(user_file::Column::Name, Expr::value(""))
        .col_expr(user_file::Column::NameKey, Expr::value(""))
        .col_expr(user_file::Column::SizeBytes, Expr::value(0))
        .col_expr(user_file::Column::Chunks, Expr::value(0))
        .col_expr(user_file::Column::EmbeddedBy, Expr::value(Option::<String>::None))
        .col_expr(user_file::Column::UnusedUntilMs, Expr::value(Option::<i64>::None))
        // Whoever is at it hears that it is theirs no more.
        .col_expr(user_file::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
        .col_expr(user_file::Column::LeaseUntilMs, Expr::value(AT_ONCE_MS))
        .filter(files)
        .exec(transaction)
        .await?;
    Ok(())
}

async fn delete_some_chunks(transaction: &impl ConnectionTrait, user_id: UserId, ids: HashSet<Uuid>) -> Written<()> {
    let some = Query::select()
        .column(file_chunk::Column::Id)
        .from(file_chunk::Entity)
        .and_where(file_chunk::Column::UserId.eq(user_id.0))
        .and_where(file_chunk::Column::FileId.is_in(ids.iter().copied()))
        .limit(CHUNKS_AT_A_TIME)
        .to_owned();
    let some = file_chunk::Column::Id.in_subquery(some);
    let deleted = file_chunk::Entity::delete_many().filter(some).exec(transaction).await?;
    if deleted.rows_affected < CHUNKS_AT_A_TIME {
        let bare = theirs(user_id).add(user_file::Column::Id.is_in(ids));
        user_file::Entity::delete_many().filter(bare).exec(transaction).await?;
    }
    Ok(())
}

/// How many pieces of text files have; a little more than go at once is as good as any number above that.
async fn count_chunks(connection: &impl ConnectionTrait, files: Condition) -> std::result::Result<u64, DbErr> {
    let some: Vec<i64> = file_chunk::Entity::find()
        .select_only()
        .column(file_chunk::Column::Id)
        .filter(file_chunk::Column::FileId.in_subquery(ids_of(&files)))
        .limit(CHUNKS_AT_ONCE_MAX + 1)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(some.len() as u64)
}

fn ids_of(files: &Condition) -> SelectStatement {
    Query::select().column(user_file::Column::Id).from(user_file::Entity).cond_where(files.clone()).to_owned()
}

/// Has the contents of some pieces removed from the storage: noted in the transaction that forgets them.
async fn doom(transaction: &impl ConnectionTrait, pieces: Condition) -> Written<()> {
    let doomed = Query::select()
        .column(file_part::Column::BlobId)
        .expr(Expr::value(clock::now_ms()))
        .from(file_part::Entity)
        .cond_where(pieces)
        .to_owned();
    let insert = Query::insert()
        .into_table(doomed_blob::Entity)
        .columns([doomed_blob::Column::BlobId, doomed_blob::Column::DueAtMs])
        .select_from(doomed)
        .map_err(|error| DbErr::Custom(error.to_string()))?
        // Whoever deletes the account may do so at the same time as whoever deletes one of its files.
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .to_owned();
    transaction.execute(&insert).await?;
    Ok(())
}
