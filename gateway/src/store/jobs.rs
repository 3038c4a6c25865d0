//! Messages that came in, and the faxes to be sent for them.

use sqlx::{FromRow, SqliteConnection};

use super::{NewMail, Store, StoreError, last_id, now, outbound::insert_mail};

/// A message with the recipients its envelope named.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// Return path; empty is the null sender.
    pub mail_from: String,
    /// ENVID, decoded.
    pub envelope_id: Option<String>,
    /// Whether RET=FULL was asked for.
    pub return_full: bool,
    /// Message-ID.
    pub message_id: Option<String>,
    /// Where a disposition notification was asked to go.
    pub mdn_to: Option<String>,
    /// Who brought it.
    pub peer: String,
    /// The message.
    pub raw: Vec<u8>,
    /// Fax recipients.
    pub recipients: Vec<NewRecipient>,
    /// Mail to pass on unchanged: postmaster's.
    pub passed_on: Vec<NewMail>,
}

/// One recipient.
#[derive(Clone, Debug, Default)]
pub struct NewRecipient {
    /// As in RCPT.
    pub address: String,
    /// ORCPT, decoded.
    pub orcpt: Option<String>,
    /// NOTIFY bits.
    pub notify: u64,
    /// International number.
    pub number: String,
    /// T.33 subaddress; empty for none.
    pub subaddress: String,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its row.
    pub message: i64,
    /// New jobs.
    pub jobs: usize,
    /// Recipients that already have a job for this Message-ID.
    pub duplicates: usize,
}

/// A job that was claimed, with what is needed of its message.
#[derive(Clone, Debug, FromRow)]
pub struct Job {
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
    /// T.33 subaddress; empty for none.
    pub subaddress: String,
    /// Attempts made, this one counted.
    pub attempts: i64,
    /// Pages already confirmed.
    pub next_page: i64,
    /// Return path.
    pub mail_from: String,
    /// ENVID.
    pub envelope_id: Option<String>,
    /// RET=FULL.
    pub return_full: bool,
    /// Message-ID.
    pub message_id: Option<String>,
    /// Disposition-Notification-To.
    pub mdn_to: Option<String>,
    /// When the message came.
    pub received_at: i64,
    /// The message.
    pub raw: Vec<u8>,
}

/// How a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All pages confirmed.
    Done,
    /// Given up.
    Failed,
}

impl Store {
    /// Keeps a message and one job for each recipient, together or not at all.
    pub async fn accept(&self, new: &NewMessage) -> Result<Accepted, StoreError> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let message = insert_message(&mut tx, new).await?;
        let mut jobs = 0;
        for recipient in &new.recipients {
            jobs += insert_job(&mut tx, message, new, recipient).await?;
        }
        for mail in &new.passed_on {
            insert_mail(&mut tx, mail).await?;
        }
        tx.commit().await?;
        Ok(Accepted { message, jobs, duplicates: new.recipients.len() - jobs })
    }

    /// Takes the job that has been due longest; it is `sending` until something is said of it.
    pub async fn claim_job(&self) -> Result<Option<Job>, StoreError> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM job WHERE state IN ('queued', 'waiting') AND due_at <= ? ORDER BY due_at, id LIMIT 1",
        )
        .bind(now())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(id) = due else { return Ok(None) };
        sqlx::query("UPDATE job SET state = 'sending', attempts = attempts + 1 WHERE id = ?")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let job = sqlx::query_as(
            "SELECT job.*, mail_from, envelope_id, return_full, mdn_to, received_at, raw
             FROM job JOIN message ON message.id = job.message WHERE job.id = ?",
        )
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(job))
    }

    /// When the next job falls due.
    pub async fn next_job_due(&self) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT min(due_at) FROM job WHERE state IN ('queued', 'waiting')");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// The rendered pages of a message; none when it was not rendered yet.
    pub async fn pages(&self, message: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT image FROM page WHERE message = ? ORDER BY number").bind(message);
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// Keeps what a message was rendered to.
    pub async fn keep_pages(&self, message: i64, images: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (number, image) in images.iter().enumerate() {
            sqlx::query("INSERT OR REPLACE INTO page (message, number, image) VALUES (?, ?, ?)")
                .bind(message)
                .bind(number as i64)
                .bind(image)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("UPDATE job SET page_count = ? WHERE message = ?")
            .bind(images.len() as i64)
            .bind(message)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The far machine has confirmed all pages before `next_page`.
    pub async fn page_confirmed(&self, job: i64, next_page: usize) -> Result<(), StoreError> {
        sqlx::query("UPDATE job SET next_page = max(next_page, ?) WHERE id = ?")
            .bind(next_page as i64)
            .bind(job)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The job will be tried again.
    pub async fn job_waits(&self, job: i64, due_at: i64, cause: &str, said: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE job SET state = 'waiting', due_at = ?, cause = ?, said = ? WHERE id = ? AND state = 'sending'",
        )
        .bind(due_at)
        .bind(cause)
        .bind(said)
        .bind(job)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The job is over; the notice of it is queued in the same transaction. A job that was cancelled meanwhile stays so.
    pub async fn job_ends(
        &self,
        job: i64,
        ending: Ending,
        cause: Option<&str>,
        said: &str,
        notice: Option<&NewMail>,
    ) -> Result<(), StoreError> {
        let state = if ending == Ending::Done { "done" } else { "failed" };
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query(
            "UPDATE job SET state = ?, cause = ?, said = ?, finished_at = ? WHERE id = ? AND state = 'sending'",
        )
        .bind(state)
        .bind(cause)
        .bind(said)
        .bind(now())
        .bind(job)
        .execute(&mut *tx)
        .await?;
        if let (Some(notice), 1) = (notice, done.rows_affected()) {
            insert_mail(&mut tx, notice).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Gives back jobs that a crash left in the middle of a call; how many. Confirmed pages stay confirmed.
    pub async fn recover_jobs(&self) -> Result<u64, StoreError> {
        let said = "the gateway stopped during the call";
        let done = sqlx::query(
            "UPDATE job SET state = 'waiting', due_at = ?, cause = 'interrupted', said = ? WHERE state = 'sending'",
        )
        .bind(now())
        .bind(said)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }

    /// Makes a finished or waiting job due now, with attempts counted anew; false when it is not in a state for that.
    pub async fn retry_job(&self, job: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE job SET state = 'waiting', due_at = ?, attempts = 0, finished_at = NULL
             WHERE id = ? AND state IN ('waiting', 'queued', 'failed', 'cancelled')",
        )
        .bind(now())
        .bind(job)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Cancels a job that is not over; false when it is.
    pub async fn cancel_job(&self, job: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE job SET state = 'cancelled', cause = 'cancelled', said = 'cancelled by the operator', finished_at = ?
             WHERE id = ? AND state IN ('waiting', 'queued', 'sending')",
        )
        .bind(now())
        .bind(job)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a job was cancelled.
    pub async fn is_cancelled(&self, job: i64) -> Result<bool, StoreError> {
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM job WHERE id = ?").bind(job).fetch_optional(&self.pool).await?;
        Ok(state.as_deref() == Some("cancelled"))
    }
}

async fn insert_message(tx: &mut SqliteConnection, new: &NewMessage) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "INSERT INTO message (received_at, mail_from, envelope_id, return_full, message_id, mdn_to, peer, raw)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(now())
    .bind(&new.mail_from)
    .bind(&new.envelope_id)
    .bind(new.return_full)
    .bind(&new.message_id)
    .bind(&new.mdn_to)
    .bind(&new.peer)
    .bind(&new.raw)
    .execute(&mut *tx)
    .await?;
    last_id(tx).await
}

async fn insert_job(
    tx: &mut SqliteConnection,
    message: i64,
    new: &NewMessage,
    recipient: &NewRecipient,
) -> Result<usize, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO job (message, message_id, recipient, orcpt, notify, number, subaddress, state, due_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?) ON CONFLICT DO NOTHING",
    )
    .bind(message)
    .bind(&new.message_id)
    .bind(&recipient.address)
    .bind(&recipient.orcpt)
    .bind(recipient.notify as i64)
    .bind(&recipient.number)
    .bind(&recipient.subaddress)
    .bind(now())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() as usize)
}
