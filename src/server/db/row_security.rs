//! The second wall on Postgres: roles that cannot go around row-level security, and the policies that hold them.
//!
//! The user of `DATABASE_URL` owns the tables and brings the schema up to date; nothing else is done as that user. Every
//! transaction takes one of these roles first (`scope`): `sardonyx_app` sees the rows of the user that its transaction names,
//! and no rows when it names none; `sardonyx_sweeper` sees everybody's running replies and old sessions, and files that are to be read, but neither text
//! nor name nor address, and removes old entries of the audit log; `sardonyx_admin` sees accounts, sessions, providers, the site's
//! settings and who has a second factor, but neither its secret nor a chat. All of this is laid down at the start, whenever
//! it differs from what the database has.
//!
//! To add an owned table: its name in [`OWNED`]; a table that nobody owns: in [`SHARED`]. A test compares both with the
//! tables that there are.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TransactionTrait};
use sha2::{Digest, Sha256};

/// Tables whose rows belong to a user, by `user_id`.
pub const OWNED: [&str; 15] = [
    "chat_session",
    "chat_message",
    "chat_draft",
    "chat_summary",
    "login_session",
    "notification",
    "second_factor",
    "access_token",
    "user_file",
    "file_part",
    "file_chunk",
    "file_picture",
    "chunk_vector",
    "message_file",
    "chat_file",
];
/// Tables whose rows belong to nobody.
pub const SHARED: [&str; 12] = [
    "user_account",
    "site",
    "setup_link",
    "session_record",
    "login_attempt",
    "one_time_link",
    "audit_entry",
    "provider",
    "hidden_model",
    "model_dialect",
    "doomed_blob",
    "file_index",
];
/// Every role that a transaction may take.
const ROLE_NAMES: [&str; 3] = ["sardonyx_app", "sardonyx_sweeper", "sardonyx_admin"];

/// Makes the roles and lets this user take them. Roles belong to all databases of a Postgres, so others may be making
/// them at the same moment.
const ROLES: &str = "
DO $$
DECLARE name text; attempts int;
BEGIN
  FOREACH name IN ARRAY ARRAY['sardonyx_app', 'sardonyx_sweeper', 'sardonyx_admin'] LOOP
    attempts := 0;
    LOOP
      BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
          EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
        END IF;
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
          EXECUTE format('GRANT %I TO %I', name, session_user);
        END IF;
        EXIT;
      EXCEPTION
        WHEN duplicate_object OR unique_violation OR internal_error THEN
          attempts := attempts + 1;
          IF attempts > 50 THEN RAISE; END IF;
          PERFORM pg_sleep(0.02);
        WHEN insufficient_privilege THEN
          -- Somebody with more rights may have done it already; the first transaction tells.
          EXIT;
      END;
    END LOOP;
  END LOOP;
END $$;";

/// What the sweeper and those who run the site may do beyond nothing; what was audited is changed by nobody. Of the site,
/// everybody's requests close the set-up and change nothing else; of providers, whose keys are in there, they see nothing.
const OTHERS: &str = "
REVOKE UPDATE, DELETE ON audit_entry FROM sardonyx_app;
REVOKE ALL ON provider, hidden_model FROM sardonyx_app;
REVOKE INSERT, UPDATE, DELETE ON site FROM sardonyx_app;
GRANT UPDATE (setup_at_ms) ON site TO sardonyx_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON provider, hidden_model TO sardonyx_admin;
GRANT SELECT, DELETE ON model_dialect TO sardonyx_admin;
GRANT SELECT, UPDATE (name, default_model, notice, members_make_tokens, invitation_days) ON site TO sardonyx_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_account, one_time_link TO sardonyx_admin;
GRANT SELECT, INSERT ON audit_entry TO sardonyx_admin;
GRANT SELECT, UPDATE, DELETE ON login_session TO sardonyx_admin;
GRANT SELECT (user_id, confirmed), DELETE ON second_factor TO sardonyx_admin;
GRANT SELECT (kind), INSERT, DELETE ON notification TO sardonyx_admin;
GRANT USAGE ON SEQUENCE file_chunk_id_seq TO sardonyx_app;
GRANT SELECT (user_id, file_id, blob_id) ON file_part TO sardonyx_admin;
GRANT INSERT ON doomed_blob TO sardonyx_admin;
DROP POLICY IF EXISTS admin ON file_part;
CREATE POLICY admin ON file_part FOR SELECT TO sardonyx_admin USING (true);
DROP POLICY IF EXISTS admin ON second_factor;
CREATE POLICY admin ON second_factor TO sardonyx_admin USING (true);
DROP POLICY IF EXISTS admin ON notification;
CREATE POLICY admin ON notification FOR INSERT TO sardonyx_admin WITH CHECK (true);
DROP POLICY IF EXISTS admin_notice ON notification;
CREATE POLICY admin_notice ON notification TO sardonyx_admin USING (kind = 'site_notice');
DROP POLICY IF EXISTS admin ON login_session;
CREATE POLICY admin ON login_session TO sardonyx_admin USING (true);
GRANT SELECT (id, chat_id, user_id, seq, state, lease_owner, lease_until_ms, takeovers, stop_wanted),
  UPDATE (state, lease_owner, lease_until_ms, takeovers) ON chat_message TO sardonyx_sweeper;
GRANT SELECT (id, user_id, state, lease_owner, lease_until_ms, attempts, chunks, embedded_by, unused_until_ms),
  UPDATE (state, failure, lease_owner, lease_until_ms, attempts) ON user_file TO sardonyx_sweeper;
GRANT SELECT (id, expires_at_ms), DELETE ON login_session TO sardonyx_sweeper;
GRANT SELECT (id), DELETE ON audit_entry TO sardonyx_sweeper;
DROP POLICY IF EXISTS sweeper ON chat_message;
CREATE POLICY sweeper ON chat_message TO sardonyx_sweeper USING (true);
DROP POLICY IF EXISTS sweeper ON user_file;
CREATE POLICY sweeper ON user_file TO sardonyx_sweeper USING (true);
DROP POLICY IF EXISTS sweeper ON login_session;
CREATE POLICY sweeper ON login_session TO sardonyx_sweeper USING (true);";

const OWNER: &str = "user_id = nullif(current_setting('sardonyx.user_id', true), '')::uuid";

/// Lays down roles and policies, unless they are there. Called by one server at a time.
///
/// # Errors
/// When the database fails, or when its user may neither make the roles nor take them.
pub async fn apply(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let script = script();
    let version: String = Sha256::digest(&script).iter().map(|byte| format!("{byte:02x}")).collect();
    if is_current(connection, &version).await {
        return Ok(());
    }
    connection.execute_unprepared(ROLES).await?;
    let transaction = connection.begin().await?;
    transaction.execute_unprepared(&script).await?;
    transaction.execute_unprepared(&format!("COMMENT ON TABLE site IS 'row security {version}'")).await?;
    transaction.commit().await?;
    can_take_roles(connection).await.map_err(|error| {
        tracing::error!(%error, "the database's user may not take the roles of the server");
        DbErr::Custom(
            "its user can neither make nor take the roles that keep users apart; as a superuser: \
             CREATE ROLE sardonyx_app NOLOGIN; CREATE ROLE sardonyx_sweeper NOLOGIN; CREATE ROLE sardonyx_admin NOLOGIN; \
             GRANT sardonyx_app, sardonyx_sweeper, sardonyx_admin TO that user"
                .to_owned(),
        )
    })
}

async fn is_current(connection: &DatabaseConnection, version: &str) -> bool {
    let backend = connection.get_database_backend();
    let statement = Statement::from_string(backend, "SELECT obj_description('site'::regclass, 'pg_class')");
    let comment = connection.query_one_raw(statement).await.ok().flatten();
    let comment = comment.and_then(|row| row.try_get_by_index::<Option<String>>(0).ok().flatten());
    comment.is_some_and(|comment| comment.ends_with(version)) && can_take_roles(connection).await.is_ok()
}

async fn can_take_roles(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let transaction = connection.begin().await?;
    for role in ROLE_NAMES {
        transaction.execute_unprepared(&format!("SET LOCAL ROLE {role}")).await?;
    }
    transaction.commit().await
}

fn script() -> String {
    let mut script = String::new();
    for table in OWNED.iter().chain(&SHARED) {
        script.push_str(&format!(
            "REVOKE ALL ON {table} FROM {};\n\
             GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO sardonyx_app;\n",
            ROLE_NAMES.join(", ")
        ));
    }
    for table in OWNED {
        script.push_str(&format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\n\
             ALTER TABLE {table} FORCE ROW LEVEL SECURITY;\n\
             DROP POLICY IF EXISTS owner ON {table};\n\
             CREATE POLICY owner ON {table} TO sardonyx_app USING ({OWNER}) WITH CHECK ({OWNER});\n"
        ));
    }
    script.push_str(OTHERS);
    script
}
