//! What is old goes: first what was said, much later that it was said at all.

use super::{Store, StoreError};

/// Wipes contents older than `$1` of what is over: `$2` is nothing. The rows stay for the log; SQLite overwrites the
/// freed room (`secure_delete`), PostgreSQL keeps it until its own VACUUM.
const WIPE: [&str; 6] = [
    "UPDATE message SET raw = $2 WHERE received_at < $1 AND length(raw) > 0
     AND NOT EXISTS (SELECT 1 FROM job WHERE job.message = message.id AND (job.told = 0 OR job.finished_at >= $1
                     OR job.state NOT IN ('done', 'failed', 'cancelled')))",
    "DELETE FROM page WHERE message IN (SELECT id FROM message WHERE length(raw) = 0)",
    "DELETE FROM cover WHERE job IN (SELECT job.id FROM job JOIN message ON message.id = job.message WHERE length(raw) = 0)",
    "UPDATE fax_page SET image = $2 WHERE kept_at < $1 AND length(image) > 0
     AND NOT EXISTS (SELECT 1 FROM fax WHERE fax.id = fax_page.fax AND fax.state = 'receiving')
     AND NOT EXISTS (SELECT 1 FROM outbound WHERE outbound.fax = fax_page.fax AND outbound.state IN ('queued', 'waiting'))",
    "UPDATE outbound SET raw = $2 WHERE state IN ('delivered', 'refused') AND finished_at < $1 AND length(raw) > 0",
    "DELETE FROM webhook WHERE state <> 'waiting' AND finished_at < $1",
];

/// Removes the rows themselves of what was wiped and is older than `$1`.
const FORGET: [&str; 9] = [
    "DELETE FROM call WHERE begun_at < $1 AND (job IS NULL OR job IN
       (SELECT job.id FROM job JOIN message ON message.id = job.message WHERE length(raw) = 0 AND received_at < $1))",
    "UPDATE job SET notice = NULL WHERE notice IN (SELECT id FROM outbound WHERE length(raw) = 0 AND finished_at < $1)",
    "DELETE FROM outbound WHERE length(raw) = 0 AND finished_at < $1",
    "DELETE FROM job WHERE message IN (SELECT id FROM message WHERE length(raw) = 0 AND received_at < $1)
       AND id NOT IN (SELECT job FROM outbound WHERE job IS NOT NULL) AND id NOT IN (SELECT job FROM call WHERE job IS NOT NULL)",
    "DELETE FROM message WHERE length(raw) = 0 AND received_at < $1 AND id NOT IN (SELECT message FROM job)",
    "DELETE FROM fax_page WHERE length(image) = 0 AND kept_at < $1",
    "DELETE FROM call WHERE fax IN (SELECT id FROM fax WHERE ended_at < $1)",
    "DELETE FROM fax WHERE ended_at < $1 AND id NOT IN (SELECT fax FROM fax_page)
       AND id NOT IN (SELECT fax FROM outbound WHERE fax IS NOT NULL)",
    "DELETE FROM destination WHERE until < $1",
];

impl Store {
    /// Wipes what was said before that time in what is over; how much.
    pub async fn wipe(&self, before: i64) -> Result<u64, StoreError> {
        self.clean(&WIPE, before).await
    }

    /// Forgets what was wiped and is older than that; how much.
    pub async fn forget(&self, before: i64) -> Result<u64, StoreError> {
        self.clean(&FORGET, before).await
    }

    async fn clean(&self, statements: &[&'static str], before: i64) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut rows = 0;
        for statement in statements {
            let mut query = sqlx::query(*statement);
            if statement.contains("$1") {
                query = query.bind(before);
            }
            if statement.contains("$2") {
                query = query.bind(Vec::<u8>::new());
            }
            rows += query.execute(&mut *tx).await?.rows_affected();
        }
        tx.commit().await?;
        if rows > 0 {
            for statement in self.terms.shrink {
                sqlx::query(*statement).execute(&self.pool).await?;
            }
        }
        Ok(rows)
    }
}
