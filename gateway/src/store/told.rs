//! Whose sender is still to be told.

use sqlx::FromRow;

use super::{MailKind, NewMail, Store, StoreError, now, outbound::insert_mail};
use crate::smtp::notify;

/// What a notice says of one job, and to whom it goes.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Untold {
    /// Row.
    pub id: i64,
    /// Its message.
    pub message: i64,
    /// As in RCPT.
    pub recipient: String,
    /// ORCPT.
    pub orcpt: Option<String>,
    /// NOTIFY bits.
    pub notify: i64,
    /// International number.
    pub number: String,
    /// `done`, `failed`, `cancelled`; or still on its way.
    pub state: String,
    /// RFC 3463.
    pub status: String,
    /// Why it failed, for people.
    pub said: Option<String>,
    /// Attempts made.
    pub attempts: i64,
    /// Pages in all, once rendered.
    pub page_count: Option<i64>,
    /// Pages confirmed.
    pub next_page: i64,
    /// When it is tried next.
    pub due_at: i64,
    /// Return path.
    pub mail_from: String,
    /// ENVID.
    pub envelope_id: Option<String>,
    /// RET=FULL.
    pub return_full: i64,
    /// Message-ID.
    pub message_id: Option<String>,
    /// Disposition-Notification-To.
    pub mdn_to: Option<String>,
    /// Whether the message is a report itself.
    pub is_notice: i64,
    /// When the message came.
    pub received_at: i64,
    /// The message.
    pub raw: Vec<u8>,
}

/// Columns of [`Untold`].
const COLUMNS: &str = "SELECT job.id, job.message, recipient, orcpt, notify, number, state, status, said, attempts, page_count, next_page,
            due_at, mail_from, envelope_id, return_full, message.message_id, mdn_to, is_notice, received_at, raw
     FROM job JOIN message ON message.id = job.message";

impl Store {
    /// Jobs of one message that are over and untold. With `gather` only once all of its jobs are over.
    pub async fn untold(&self, gather: bool) -> Result<Vec<Untold>, StoreError> {
        let waits = if gather {
            "AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.message = job.message
                             AND other.state NOT IN ('done', 'failed', 'cancelled'))"
        } else {
            ""
        };
        let over = "told = 0 AND state IN ('done', 'failed', 'cancelled')";
        let first = format!("SELECT message FROM job WHERE {over} {waits} ORDER BY message LIMIT 1");
        let message: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(first)).fetch_optional(&self.pool).await?;
        let Some(message) = message else { return Ok(vec![]) };
        let rows = format!("{COLUMNS} WHERE {over} AND job.message = $1 ORDER BY job.id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(rows)).bind(message).fetch_all(&self.pool).await?)
    }

    /// Jobs that have waited since before that time and whose senders asked to hear of delay.
    pub async fn delayed(&self, since: i64) -> Result<Vec<Untold>, StoreError> {
        let rows = format!(
            "{COLUMNS} WHERE state IN ('queued', 'waiting') AND delay_told = 0 AND received_at < $1
             AND (notify & {}) <> 0 ORDER BY job.id LIMIT 100",
            notify::DELAY
        );
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(rows)).bind(since).fetch_all(&self.pool).await?)
    }

    /// Queues the notices, each with the jobs it tells of, and marks those and `quiet` ones as told, all together. Nothing
    /// happens when another gateway has told of one of them meanwhile.
    pub async fn told(&self, notices: &[(Vec<i64>, NewMail)], quiet: &[i64]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (jobs, mail) in notices {
            let mail = insert_mail(&mut tx, mail).await?;
            for job in jobs {
                let mark = sqlx::query("UPDATE job SET told = 1, notice = $1 WHERE id = $2 AND told = 0");
                if mark.bind(mail).bind(job).execute(&mut *tx).await?.rows_affected() == 0 {
                    return Ok(());
                }
            }
        }
        for job in quiet {
            let mark = sqlx::query("UPDATE job SET told = 1 WHERE id = $1 AND told = 0");
            if mark.bind(job).execute(&mut *tx).await?.rows_affected() == 0 {
                return Ok(());
            }
        }
        Ok(tx.commit().await?)
    }

    /// Queues the notice of a delay, once.
    pub async fn delay_told(&self, job: i64, notice: &NewMail) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let mark = sqlx::query("UPDATE job SET delay_told = 1 WHERE id = $1 AND delay_told = 0");
        if mark.bind(job).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(());
        }
        insert_mail(&mut tx, notice).await?;
        Ok(tx.commit().await?)
    }

    /// A mail is given up; somebody else is told of it in the same step.
    pub async fn mail_given_up(&self, mail: i64, said: &str, told: Option<&NewMail>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE outbound SET state = 'refused', said = $1, attempts = attempts + 1, finished_at = $2 WHERE id = $3",
        )
        .bind(said)
        .bind(now())
        .bind(mail)
        .execute(&mut *tx)
        .await?;
        if let Some(told) = told {
            debug_assert!(!matches!(told.kind, MailKind::Notice(_)), "nobody is told of such a mail again");
            insert_mail(&mut tx, told).await?;
        }
        Ok(tx.commit().await?)
    }
}
