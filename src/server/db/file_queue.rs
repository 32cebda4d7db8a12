//! Files that wait to be read, or whose server was lost while it read them: the queue of all servers. What is read of other
//! people's files here is ids and owners, no name. Under the lease that a server takes, it writes what it found.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
    sea_query::{Expr, ExprTrait, LockType},
};
use uuid::Uuid;

use super::{
    Db, Lapsed, UserDb,
    accounts::{ACTIVE, to_user},
    entity::{file_chunk, file_picture, user_account, user_file},
    exchanges::lock_account,
    failed,
    files::to_file,
    notifications::tell_of_file,
    replies::Lease,
    scope::Scope,
    write::Written,
};
use crate::{
    domain::{
        file::File,
        file_kind::FileKind,
        file_state::{FileFailure, FileState},
        ids::{FileId, UserId},
        limits,
        notification::NotificationKind,
        preview::Pages,
    },
    error::{Error, Result},
    server::clock,
};

/// Waiting files that are looked at to choose the next ones.
const LOOKED_AT_MAX: u64 = 200;
/// Which of its user's waiting files one is.
const PLACE_IN_LINE: &str = "row_number() OVER (PARTITION BY user_id ORDER BY lease_until_ms, id)";
/// Kept as the end of a lease that nobody has: the file may be taken at once.
pub(super) const AT_ONCE_MS: i64 = 0;
/// A file that a server may read now.
#[derive(Clone, Copy, Debug)]
pub struct TakenFile {
    pub user_id: UserId,
    pub file_id: FileId,
    pub lease: Lease,
    /// Whether its text is there and only its vectors are to be made.
    pub is_read: bool,
    /// Whether it was lost so often that it is not to be read again.
    pub is_given_up: bool,
}

/// What was found in a file.
#[derive(Clone, Copy, Debug)]
pub struct FileFindings {
    pub kind: FileKind,
    pub text_chars: u64,
    pub chunks: u32,
    /// Width and height of an image, in pixels.
    pub pixels: Option<(u32, u32)>,
    /// Of a document that has pages.
    pub pages: Option<Pages>,
}

impl FileFindings {
    /// Nothing yet, in a file of this kind.
    pub fn new(kind: FileKind) -> Self {
        Self { kind, text_chars: 0, chunks: 0, pixels: None, pages: None }
    }
}

impl Db {
    /// Takes at most `count` files to read: of those that wait, one after the other of each user, and those that lost their
    /// server. One that was lost [`limits::FILE_ATTEMPTS_MAX`] times is given up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_files(&self, lapsed: Lapsed, count: usize) -> Result<Vec<TakenFile>> {
        self.write_as(Scope::Sweeper, "take files", move |transaction| {
            async move {
                let rows: Vec<(Uuid, Uuid, String, i32, Option<Uuid>)> = user_file::Entity::find()
                    .select_only()
                    .columns([user_file::Column::Id, user_file::Column::UserId, user_file::Column::State])
                    .columns([user_file::Column::Attempts, user_file::Column::LeaseOwner])
                    .filter(may_be_taken(lapsed))
                    // The first of each user, then the second of each: nobody waits for all that another brought.
                    .order_by(Expr::cust(PLACE_IN_LINE), Order::Asc)
                    .order_by_asc(user_file::Column::LeaseUntilMs)
                    .order_by_asc(user_file::Column::Id)
                    .limit(LOOKED_AT_MAX)
                    .into_tuple()
                    .all(transaction)
                    .await?;
                let mut busy = count_busy(transaction).await?;
                let mut taken = Vec::new();
                let mut waiting = rows;
                while taken.len() < count {
                    let next = waiting
                        .iter()
                        .enumerate()
                        .min_by_key(|(place, (_, user_id, ..))| {
                            (busy.get(user_id).copied().unwrap_or_default(), *place)
                        })
                        .map(|(place, _)| place);
                    let Some(next) = next else { break };
                    let (id, user_id, state, attempts, lost_by) = waiting.remove(next);
                    // One that was given back is not one that was lost.
                    let attempts = attempts + i32::from(lost_by.is_some());
                    let file = TakenFile {
                        user_id: UserId(user_id),
                        file_id: FileId(id),
                        lease: Lease::new(),
                        is_read: state == FileState::Indexing.name(),
                        is_given_up: attempts >= limits::FILE_ATTEMPTS_MAX,
                    };
                    if take(transaction, file, lapsed, attempts).await? {
                        *busy.entry(user_id).or_default() += 1;
                        taken.push(file);
                    }
                }
                Ok(taken)
            }
            .boxed()
        })
        .await
    }

    /// The database on behalf of whose file was taken; none when they may not use the site any more. Only whoever reads
    /// files calls this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_taken_file(&self, file: &TakenFile) -> Result<Option<UserDb>> {
        let account = user_account::Entity::find_by_id(file.user_id.0)
            .filter(user_account::Column::Status.eq(ACTIVE))
            .one(&self.query_as(Scope::User(file.user_id)).await?)
            .await
            .map_err(failed("open a file's account"))?;
        Ok(account.and_then(to_user).map(|user| UserDb { db: self.clone(), user }))
    }

    /// Gives a file back that was taken: it waits again, for so many seconds. One of the attempts at it, or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_file(&self, file: TakenFile, pause_seconds: i64, counts: bool) -> Result<()> {
        let free_at_ms = if pause_seconds == 0 { AT_ONCE_MS } else { clock::now_ms() + pause_seconds * 1_000 };
        let attempt = i32::from(counts);
        self.write_as(Scope::Sweeper, "give a file back", move |transaction| {
            async move {
                let reading =
                    Expr::case(user_file::Column::State.eq(FileState::Reading.name()), FileState::Waiting.name());
                held(user_file::Entity::update_many(), file.file_id, file.lease)
                    .col_expr(user_file::Column::State, reading.finally(Expr::col(user_file::Column::State)).into())
                    .col_expr(user_file::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                    .col_expr(user_file::Column::LeaseUntilMs, Expr::value(free_at_ms))
                    .col_expr(user_file::Column::Attempts, Expr::col(user_file::Column::Attempts).add(attempt))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

impl UserDb {
    /// Says that this server is still at a file; false when it is gone, or another server's by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_file_lease(&self, id: FileId, lease: Lease) -> Result<bool> {
        self.write("renew a file's lease", move |transaction| {
            async move {
                let renewed = held(user_file::Entity::update_many(), id, lease)
                    .col_expr(user_file::Column::LeaseUntilMs, Expr::value(lease_end_ms()))
                    .exec(transaction)
                    .await?;
                Ok(renewed.rows_affected == 1)
            }
            .boxed()
        })
        .await
    }

    /// Forgets what was found in a file before.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is gone, or another server's by now.
    pub async fn forget_findings(&self, id: FileId, lease: Lease) -> Result<()> {
        self.write("forget what was found in a file", move |transaction| {
            async move {
                lock_held(transaction, id, lease).await?;
                file_chunk::Entity::delete_many().filter(file_chunk::Column::FileId.eq(id.0)).exec(transaction).await?;
                file_picture::Entity::delete_many()
                    .filter(file_picture::Column::FileId.eq(id.0))
                    .exec(transaction)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Notes what was found in a file: it can be searched for its words, and its vectors are made next. The user is told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is gone, or another server's by now.
    pub async fn finish_reading(&self, id: FileId, lease: Lease, findings: FileFindings) -> Result<()> {
        let user_id = self.user_id();
        self.write("finish reading a file", move |transaction| {
            async move {
                // Before the file, as whoever deletes the account does.
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                let update = found(held(user_file::Entity::update_many(), id, lease), findings);
                let rows = update.exec_with_returning(transaction).await?;
                let row = rows.into_iter().next().ok_or(Error::NotFound)?;
                if !row.is_kept {
                    // Of one that comes with a message, the reply tells.
                    return Ok(());
                }
                tell_of_file(transaction, user_id, NotificationKind::FileReady, (id, row.name)).await
            }
            .boxed()
        })
        .await
    }

    /// Notes that all is done for a file, or that it could not be read; of that the user is told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is gone, or another server's by now.
    pub async fn finish_file(
        &self,
        id: FileId,
        lease: Lease,
        outcome: std::result::Result<(), FileFailure>,
    ) -> Result<File> {
        let user_id = self.user_id();
        self.write("finish a file", move |transaction| {
            async move {
                lock_account(transaction, user_id, LockType::KeyShare).await?;
                let update = held(user_file::Entity::update_many(), id, lease)
                    .col_expr(user_file::Column::LeaseOwner, Expr::value(Option::<Uuid>::None))
                    .col_expr(user_file::Column::LeaseUntilMs, Expr::value(Option::<i64>::None));
                let update = match outcome {
                    Ok(()) => update.col_expr(user_file::Column::State, Expr::value(FileState::Ready.name())),
                    Err(failure) => update
                        .col_expr(user_file::Column::State, Expr::value(FileState::Failed(failure).name()))
                        .col_expr(user_file::Column::Failure, Expr::value(failure.name())),
                };
                let rows = update.exec_with_returning(transaction).await?;
                let row = rows.into_iter().next().ok_or(Error::NotFound)?;
                if outcome.is_err() {
                    let named = (id, row.name.clone());
                    tell_of_file(transaction, user_id, NotificationKind::FileFailed, named).await?;
                }
                Ok(to_file(row))
            }
            .boxed()
        })
        .await
    }

    /// Has a file that failed read once more; none when it is not theirs, or did not fail.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_file(&self, id: FileId) -> Result<Option<File>> {
        let user_id = self.user_id();
        self.write("retry a file", move |transaction| {
            async move {
                let rows = user_file::Entity::update_many()
                    .col_expr(user_file::Column::State, Expr::value(FileState::Waiting.name()))
                    .col_expr(user_file::Column::Failure, Expr::value(Option::<String>::None))
                    .col_expr(user_file::Column::Attempts, Expr::value(0))
                    .col_expr(user_file::Column::LeaseUntilMs, Expr::value(AT_ONCE_MS))
                    .filter(user_file::Column::Id.eq(id.0))
                    .filter(user_file::Column::UserId.eq(user_id.0))
                    .filter(user_file::Column::State.eq("failed"))
                    .exec_with_returning(transaction)
                    .await?;
                Ok(rows.into_iter().next().map(to_file))
            }
            .boxed()
        })
        .await
    }
}

fn found(update: UpdateMany<user_file::Entity>, findings: FileFindings) -> UpdateMany<user_file::Entity> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    update
        .col_expr(user_file::Column::State, Expr::value(FileState::Indexing.name()))
        // What is lost from here on is not lost by what it was before.
        .col_expr(user_file::Column::Attempts, Expr::value(0))
        .col_expr(user_file::Column::Kind, Expr::value(findings.kind.name()))
        .col_expr(user_file::Column::TextChars, Expr::value(i64::try_from(findings.text_chars).unwrap_or(i64::MAX)))
        .col_expr(user_file::Column::Chunks, Expr::value(i32::try_from(findings.chunks).unwrap_or(i32::MAX)))
        .col_expr(user_file::Column::Width, Expr::value(findings.pixels.map(|(width, _)| number(width))))
        .col_expr(user_file::Column::Height, Expr::value(findings.pixels.map(|(_, height)| number(height))))
        .col_expr(user_file::Column::Pages, Expr::value(findings.pages.map(|pages| number(pages.all))))
        .col_expr(user_file::Column::UnreadPages, Expr::value(findings.pages.map(|pages| number(pages.unread))))
}

/// The file, if this server still has it, held until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`] when it does not.
pub(super) async fn lock_held(transaction: &impl ConnectionTrait, id: FileId, lease: Lease) -> Written<()> {
    let found: Option<Uuid> = user_file::Entity::find_by_id(id.0)
        .select_only()
        .column(user_file::Column::Id)
        .filter(user_file::Column::LeaseOwner.eq(lease.id()))
        .lock_exclusive()
        .into_tuple()
        .one(transaction)
        .await?;
    Ok(found.map(|_| ()).ok_or(Error::NotFound)?)
}

fn held(update: UpdateMany<user_file::Entity>, id: FileId, lease: Lease) -> UpdateMany<user_file::Entity> {
    update.filter(user_file::Column::Id.eq(id.0)).filter(user_file::Column::LeaseOwner.eq(lease.id()))
}

fn lease_end_ms() -> i64 {
    clock::now_ms() + limits::FILE_LEASE_SECONDS * 1_000
}

fn is_being_read() -> sea_orm::sea_query::SimpleExpr {
    user_file::Column::State.is_in([FileState::Reading.name(), FileState::Indexing.name()])
}

fn may_be_taken(lapsed: Lapsed) -> Condition {
    let free = user_file::Column::LeaseUntilMs.lte(clock::now_ms());
    let is_unfinished =
        Condition::any().add(user_file::Column::State.eq(FileState::Waiting.name())).add(is_being_read());
    match lapsed {
        Lapsed::ByTime => Condition::all().add(is_unfinished).add(free),
        Lapsed::All => is_unfinished,
    }
}

/// How many files of each user are being read, by any server.
async fn count_busy(transaction: &impl ConnectionTrait) -> Written<HashMap<Uuid, usize>> {
    let users: Vec<Uuid> = user_file::Entity::find()
        .select_only()
        .column(user_file::Column::UserId)
        .filter(is_being_read())
        .filter(user_file::Column::LeaseUntilMs.gt(clock::now_ms()))
        .into_tuple()
        .all(transaction)
        .await?;
    let mut busy = HashMap::new();
    for user_id in users {
        *busy.entry(user_id).or_default() += 1;
    }
    Ok(busy)
}

/// True when it was still there to be taken and is this server's now.
async fn take(transaction: &impl ConnectionTrait, file: TakenFile, lapsed: Lapsed, attempts: i32) -> Written<bool> {
    let state = if file.is_read { FileState::Indexing } else { FileState::Reading };
    let update = user_file::Entity::update_many()
        .col_expr(user_file::Column::Attempts, Expr::value(attempts))
        .col_expr(user_file::Column::State, Expr::value(state.name()))
        .col_expr(user_file::Column::LeaseOwner, Expr::value(file.lease.id()))
        .col_expr(user_file::Column::LeaseUntilMs, Expr::value(lease_end_ms()))
        .filter(user_file::Column::Id.eq(file.file_id.0))
        .filter(may_be_taken(lapsed));
    Ok(update.exec(transaction).await?.rows_affected == 1)
}
