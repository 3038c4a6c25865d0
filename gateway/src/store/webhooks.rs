//! What other programs are told of: each fax that is over, once for each of their addresses, until they have it.

use serde::Serialize;
use sqlx::{AnyConnection, FromRow};

use super::{Store, StoreError, now};

/// How many faxes are looked at in one transaction.
const AT_ONCE: i64 = 100;

/// A fax that is over, as told to programs. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow, Serialize)]
pub struct Over {
    /// `sent` for those of jobs, `received` for those of callers.
    pub event: String,
    /// The job, or the received fax.
    pub id: i64,
    /// How it ended.
    pub state: String,
    /// The number that was called, or what the caller calls itself.
    pub number: String,
    /// Pages that arrived.
    pub pages: i64,
    /// Enhanced status code, RFC 3463; empty for received faxes.
    pub status: String,
    /// Why it failed, for people.
    pub said: Option<String>,
    /// When it was over.
    pub finished_at: Option<i64>,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Webhook {
    /// Row.
    pub id: i64,
    /// Where it is posted.
    pub url: String,
    /// JSON.
    pub body: String,
    /// Failed attempts so far.
    pub attempts: i64,
}

const SENT: &str = "SELECT 'sent' AS event, id, state, number, next_page AS pages, status, said, finished_at
     FROM job WHERE hooked = 0 AND state IN ('done', 'failed', 'cancelled') ORDER BY id LIMIT $1";
const RECEIVED: &str = "SELECT 'received' AS event, id, state, remote_ident AS number,
            (SELECT count(*) FROM fax_page WHERE fax_page.fax = fax.id) AS pages, '' AS status, said, ended_at AS finished_at
     FROM fax WHERE hooked = 0 AND state <> 'receiving' ORDER BY id LIMIT $1";

impl Store {
    /// Queues what is to be told of faxes that are over, once for each address; how many faxes that were.
    pub async fn queue_webhooks(&self, urls: &[String]) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let mut told = 0;
        for (find, mark) in [
            (SENT, "UPDATE job SET hooked = 1 WHERE id = $1 AND hooked = 0"),
            (RECEIVED, "UPDATE fax SET hooked = 1 WHERE id = $1 AND hooked = 0"),
        ] {
            let over: Vec<Over> = sqlx::query_as(find).bind(AT_ONCE).fetch_all(&mut *tx).await?;
            for fax in over {
                if sqlx::query(mark).bind(fax.id).execute(&mut *tx).await?.rows_affected() == 1 {
                    insert(&mut tx, &fax, urls).await?;
                    told += 1;
                }
            }
        }
        tx.commit().await?;
        Ok(told)
    }

    /// The one that has been due longest, this gateway's for a lease.
    pub async fn due_webhook(&self) -> Result<Option<Webhook>, StoreError> {
        let terms = &self.terms;
        let take = format!(
            "UPDATE webhook SET node = $1, lease_until = {} WHERE id =
               (SELECT id FROM webhook WHERE state = 'waiting' AND due_at <= $2
                 AND (node = $1 OR node = '' OR {}) ORDER BY due_at, id LIMIT 1 {})
             RETURNING id, url, body, attempts",
            terms.lease_end, terms.abandoned, terms.skip_locked
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(take));
        Ok(query.bind(&self.node).bind(now()).fetch_optional(&self.pool).await?)
    }

    /// When the next one falls due.
    pub async fn next_webhook_due(&self) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT min(due_at) FROM webhook WHERE state = 'waiting'");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// The program has it, or never will.
    pub async fn webhook_ends(&self, webhook: i64, delivered: bool, said: Option<&str>) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE webhook SET state = $1, said = $2, attempts = attempts + 1, finished_at = $3 WHERE id = $4",
        )
        .bind(if delivered { "delivered" } else { "refused" })
        .bind(said)
        .bind(now())
        .bind(webhook)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The program does not answer, or not well.
    pub async fn webhook_waits(&self, webhook: i64, due_at: i64, said: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE webhook SET attempts = attempts + 1, due_at = $1, said = $2, node = '' WHERE id = $3")
            .bind(due_at)
            .bind(said)
            .bind(webhook)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

async fn insert(tx: &mut AnyConnection, fax: &Over, urls: &[String]) -> Result<(), sqlx::Error> {
    let body = serde_json::to_string(fax).unwrap_or_default();
    for url in urls {
        sqlx::query("INSERT INTO webhook (url, body, state, due_at) VALUES ($1, $2, 'waiting', $3)")
            .bind(url)
            .bind(&body)
            .bind(now())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
