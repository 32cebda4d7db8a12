//! Keeps what was found out about models in the database, for the next start and for the other servers.

use async_trait::async_trait;

use super::{
    ai::{Memory, Subject},
    db::{Db, KeptDialect},
};

#[async_trait]
impl Memory for Db {
    // What fails is logged where it happens. Without the database everything is found out anew.
    async fn recall(&self, subject: Subject<'_>) -> Option<(String, i64)> {
        self.find_dialect(subject.provider, subject.model, subject.address).await.ok().flatten()
    }

    async fn keep(&self, subject: Subject<'_>, found: &str, found_at_ms: i64) {
        let kept = KeptDialect {
            provider: subject.provider.to_owned(),
            model: subject.model.to_owned(),
            address: subject.address.to_owned(),
            found: found.to_owned(),
            found_at_ms,
        };
        let _ = self.keep_dialect(kept).await;
    }

    async fn forget(&self, subject: Subject<'_>) {
        let _ = self.forget_dialect(subject.provider, subject.model).await;
    }
}
