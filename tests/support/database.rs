//! A database of a test's own, and a look into it that goes around the server.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Every table that the server keeps.
pub const TABLES: [&str; 26] = [
    "access_token",
    "audit_entry",
    "chat_draft",
    "chat_file",
    "chat_message",
    "chat_session",
    "chat_summary",
    "chunk_vector",
    "doomed_blob",
    "file_chunk",
    "file_part",
    "file_picture",
    "hidden_model",
    "login_attempt",
    "login_session",
    "message_file",
    "model_dialect",
    "notification",
    "one_time_link",
    "provider",
    "second_factor",
    "session_record",
    "setup_link",
    "site",
    "user_account",
    "user_file",
];
/// Those whose rows are somebody's.
pub const OWNED_TABLES: [&str; 15] = [
    "access_token",
    "chat_draft",
    "chat_file",
    "chat_message",
    "chat_session",
    "chat_summary",
    "chunk_vector",
    "file_chunk",
    "file_part",
    "file_picture",
    "login_session",
    "message_file",
    "notification",
    "second_factor",
    "user_file",
];

/// A database, made for one test and gone after it. Its folder is the server's data folder, too.
pub struct TestDatabase {
    pub url: String,
    pub folder: PathBuf,
    kind: Kind,
    name: String,
    connection: OnceCell<DatabaseConnection>,
}

impl TestDatabase {
    pub async fn create(kind: Kind) -> Self {
        let name = format!("sardonyx_test_{}", Uuid::new_v4().simple());
        let folder = env::temp_dir().join(&name);
        fs::create_dir(&folder).unwrap();
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}/sardonyx.db", folder.display()),
            Kind::Postgres => {
                run_as_superuser(&format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}", superuser_url())
            }
        };
        Self { url, folder, kind, name, connection: OnceCell::new() }
    }

    /// A value as SQL writes an id.
    pub fn id(&self, id: Uuid) -> String {
        match self.kind {
            Kind::Sqlite => format!("x'{}'", id.simple()),
            Kind::Postgres => format!("'{id}'"),
        }
    }

    /// Changes rows; gives how many.
    pub async fn execute(&self, sql: &str) -> u64 {
        self.connection()
            .await
            .execute_unprepared(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    /// The first column of every row.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.query(sql).await;
        rows.iter().map(|row| row.try_get_by_index(0).unwrap_or_else(|error| panic!("{sql}: {error}"))).collect()
    }

    /// The only value.
    pub async fn text(&self, sql: &str) -> String {
        let mut texts = self.texts(sql).await;
        assert_eq!(texts.len(), 1, "{sql}");
        texts.remove(0)
    }

    /// The only value, a whole number.
    pub async fn number(&self, sql: &str) -> i64 {
        let rows = self.query(sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0].try_get_by_index(0).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {table}")).await
    }

    /// The only value of a query after some steps in one transaction, which is rolled back.
    /// Pieces of text that the index of words knows.
    pub async fn count_indexed(&self) -> i64 {
        self.count(if self.kind == Kind::Sqlite { "file_index_docsize" } else { "file_index" }).await
    }

    pub async fn number_in(&self, steps: &[String], sql: &str) -> i64 {
        let transaction = self.connection().await.begin().await.unwrap();
        for step in steps {
            transaction.execute_unprepared(step).await.unwrap_or_else(|error| panic!("{step}: {error}"));
        }
        let statement = Statement::from_string(transaction.get_database_backend(), sql);
        let row = transaction.query_one_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.unwrap().try_get_by_index(0).unwrap()
    }

    /// Whether a statement after some steps is refused, or reaches no row.
    pub async fn is_refused_or_empty(&self, steps: &[String], sql: &str) -> bool {
        let transaction = self.connection().await.begin().await.unwrap();
        for step in steps {
            transaction.execute_unprepared(step).await.unwrap_or_else(|error| panic!("{step}: {error}"));
        }
        transaction.execute_unprepared(sql).await.is_ok_and(|result| result.rows_affected() == 0)
            || transaction.execute_unprepared("SELECT 1").await.is_err()
    }

    /// A reply's or message's text and state.
    pub async fn message(&self, id: Uuid) -> (String, String) {
        let where_id = format!("FROM chat_message WHERE id = {}", self.id(id));
        let row = &self.query(&format!("SELECT text, state {where_id}")).await[0];
        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
    }

    /// Holds what a send needs, as another process would that writes to the same database.
    pub async fn lock_chats(&self) -> DatabaseTransaction {
        let connection = self.connection().await;
        let mode = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        let transaction = connection.begin_with_options(options).await.unwrap();
        transaction.execute_unprepared("UPDATE chat_session SET last_seq = last_seq").await.unwrap();
        transaction
    }

    /// Every row of every table, as text in a fixed order: equal when nothing has changed.
    pub async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        let mut tables = BTreeMap::new();
        for table in TABLES {
            tables.insert(table.to_owned(), self.rows(table, "").await);
        }
        tables
    }

    /// The rows of the owned tables that are one user's.
    pub async fn dump_of(&self, user_id: Uuid) -> Vec<String> {
        let filter = format!(" WHERE user_id = {}", self.id(user_id));
        let mut rows = Vec::new();
        for table in OWNED_TABLES {
            rows.extend(self.rows(table, &filter).await);
        }
        rows
    }

    /// The names of all tables that are there.
    pub async fn table_names(&self) -> Vec<String> {
        let mut names = match self.kind {
            Kind::Sqlite => {
                self.texts("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").await
            }
            Kind::Postgres => self.texts("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await,
        };
        // The index of words is one table here, and a bundle of them there.
        names.retain(|name| name != "seaql_migrations" && !name.starts_with("file_index"));
        names.sort();
        names
    }

    async fn rows(&self, table: &str, filter: &str) -> Vec<String> {
        let mut rows = match self.kind {
            Kind::Sqlite => {
                let columns = self.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let row =
                    columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || '|' || ");
                self.texts(&format!("SELECT {row} FROM {table}{filter}")).await
            }
            Kind::Postgres => self.texts(&format!("SELECT row_to_json({table})::text FROM {table}{filter}")).await,
        };
        rows.sort();
        rows
    }

    async fn query(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let connection = self.connection().await;
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        connection.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn connection(&self) -> &DatabaseConnection {
        self.connection.get_or_init(|| connect(&self.url)).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.kind == Kind::Postgres {
            let drop_it = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            // A thread and runtime of its own: the test's may be about to end.
            let thread = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(run_as_superuser(&drop_it));
            });
            let _ = thread.join();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A setting without which tests with other servers cannot run.
pub fn needed(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, or set it (see `cargo xtask test --help`)")
    })
}

fn superuser_url() -> String {
    needed("SARDONYX_TEST_POSTGRES").trim_end_matches('/').to_owned()
}

async fn run_as_superuser(sql: &str) {
    let connection = connect(&format!("{}/postgres", superuser_url())).await;
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.unwrap();
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(2).sqlx_logging(false);
    let connection = Database::connect(options).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    assert!(matches!(connection.get_database_backend(), DbBackend::Sqlite | DbBackend::Postgres));
    connection
}
