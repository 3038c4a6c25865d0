//! Faxes to be sent, from queued to over.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, FromRow};

use super::{Store, StoreError, now};
use crate::ifax::priority::Priority;

/// A job that was claimed, with what is needed of its message.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Job {
    /// Row.
    pub id: i64,
    /// Its message.
    pub message: i64,
    /// As in RCPT.
    pub recipient: String,
    /// International number.
    pub number: String,
    /// T.33 subaddress; empty for none.
    pub subaddress: String,
    /// Keys pressed after the answer; empty for none.
    pub post_dial: String,
    /// As [`Priority::rank`] has it.
    pub priority: i64,
    /// Attempts made, this one counted.
    pub attempts: i64,
    /// How often each cause has ended an attempt, as JSON.
    pub causes: String,
    /// Pages already confirmed.
    pub next_page: i64,
    /// Return path.
    pub mail_from: String,
    /// Subject of the message.
    pub subject: String,
    /// Whose limits it counts against.
    pub account: String,
    /// When the message came.
    pub received_at: i64,
    /// The message.
    pub raw: Vec<u8>,
}

impl Job {
    /// How often each cause has ended an attempt.
    pub fn causes(&self) -> BTreeMap<String, u32> {
        serde_json::from_str(&self.causes).unwrap_or_default()
    }
}

/// What a line can do for a fax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Sound, or whatever there is.
    Anything,
    /// Only packets of T.38: numbers of which it is remembered that these do not reach them are left to other lines.
    Packets,
}

impl Carries {
    /// A condition on jobs.
    fn condition(self) -> &'static str {
        match self {
            Self::Anything => "",
            Self::Packets => {
                "AND NOT EXISTS (SELECT 1 FROM destination
                                 WHERE destination.number = job.number AND step > 0 AND until > $2)"
            }
        }
    }
}

/// How a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All pages confirmed.
    Done,
    /// Given up.
    Failed,
}

/// The end of an attempt, or of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The cause, when it failed.
    pub cause: Option<&'a str>,
    /// The same for people.
    pub said: &'a str,
    /// RFC 3463.
    pub status: &'a str,
}

/// Columns of [`Job`].
const CLAIMED: &str =
    "SELECT job.id, job.message, recipient, number, subaddress, post_dial, priority, attempts, causes, next_page,
            mail_from, subject, account, received_at, raw
     FROM job JOIN message ON message.id = job.message WHERE job.id = $1";

impl Store {
    /// Takes the most urgent job that is due and whose number is not being called; it is `sending` until something is said
    /// of it. A job that went wrong on this line is left to others until `patience` milliseconds after it fell due.
    pub async fn claim_job(&self, line: &str, carries: Carries, patience: i64) -> Result<Option<Job>, StoreError> {
        loop {
            let mut tx = self.begin().await?;
            let Some((id, number)) = self.due_job(&mut tx, line, carries, patience).await? else { return Ok(None) };
            // Between the look and the lock another gateway may have begun to call that number.
            self.terms.lock(&mut tx, &number).await?;
            if is_being_called(&mut tx, &number).await? {
                continue;
            }
            self.take_job(&mut tx, id).await?;
            let job = sqlx::query_as(CLAIMED).bind(id).fetch_one(&mut *tx).await?;
            tx.commit().await?;
            return Ok(Some(job));
        }
    }

    /// The most urgent job that is due for that line. Each priority is looked at by itself: its jobs lie in the order in
    /// which they fall due, so those that wait are not passed over one by one.
    async fn due_job(
        &self,
        tx: &mut AnyConnection,
        line: &str,
        carries: Carries,
        patience: i64,
    ) -> Result<Option<(i64, String)>, sqlx::Error> {
        let due = format!(
            "SELECT id, number FROM job
             WHERE priority = $1 AND state IN ('queued', 'waiting') AND held = 0 AND due_at <= $2
               AND (last_line <> $3 OR due_at <= $4)
               AND number NOT IN (SELECT number FROM job WHERE state = 'sending')
               {}
             ORDER BY due_at, id LIMIT 1 {}",
            carries.condition(),
            self.terms.skip_locked
        );
        for priority in Priority::ALL.into_iter().rev() {
            let due = sqlx::query_as(sqlx::AssertSqlSafe(due.as_str())).bind(priority.rank());
            let due = due.bind(now()).bind(line).bind(now() - patience).fetch_optional(&mut *tx).await?;
            if due.is_some() {
                return Ok(due);
            }
        }
        Ok(None)
    }

    /// Takes more jobs that are due for the same place as one that was claimed, to go in the same call.
    pub async fn claim_companions(&self, job: &Job, most: u32) -> Result<Vec<Job>, StoreError> {
        let mut tx = self.begin().await?;
        let due = format!(
            "SELECT id FROM job
             WHERE state IN ('queued', 'waiting') AND held = 0 AND due_at <= $1
               AND number = $2 AND subaddress = $3 AND post_dial = $4
             ORDER BY priority DESC, due_at, id LIMIT $5 {}",
            self.terms.skip_locked
        );
        let ids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(due))
            .bind(now())
            .bind(&job.number)
            .bind(&job.subaddress)
            .bind(&job.post_dial)
            .bind(i64::from(most))
            .fetch_all(&mut *tx)
            .await?;
        let mut jobs = vec![];
        for id in ids {
            self.take_job(&mut tx, id).await?;
            jobs.push(sqlx::query_as(CLAIMED).bind(id).fetch_one(&mut *tx).await?);
        }
        tx.commit().await?;
        Ok(jobs)
    }

    /// When the next job falls due.
    pub async fn next_job_due(&self) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT min(due_at) FROM job WHERE state IN ('queued', 'waiting') AND held = 0");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// The rendered pages of a message; none when it was not rendered yet.
    pub async fn pages(&self, message: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT image FROM page WHERE message = $1 ORDER BY number").bind(message);
        self.all_fetched(query.fetch_all(&self.pool).await?).await
    }

    /// Keeps what a message was rendered to.
    pub async fn keep_pages(&self, message: i64, images: &[Vec<u8>]) -> Result<(), StoreError> {
        let laid = self.all_laid(images).await?;
        let mut tx = self.begin().await?;
        for (number, image) in laid.iter().enumerate() {
            sqlx::query("INSERT INTO page (message, number, image) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(message)
                .bind(number as i64)
                .bind(&image[..])
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The cover pages of a job.
    pub async fn cover(&self, job: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT image FROM cover WHERE job = $1 ORDER BY number").bind(job);
        self.all_fetched(query.fetch_all(&self.pool).await?).await
    }

    /// Keeps the cover pages of a job, so that they are the same in its next attempt.
    pub async fn keep_cover(&self, job: i64, images: &[Vec<u8>]) -> Result<(), StoreError> {
        let laid = self.all_laid(images).await?;
        let mut tx = self.begin().await?;
        for (number, image) in laid.iter().enumerate() {
            sqlx::query("INSERT INTO cover (job, number, image) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(job)
                .bind(number as i64)
                .bind(&image[..])
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// How many pages a job has in all.
    pub async fn set_page_count(&self, job: i64, pages: usize) -> Result<(), StoreError> {
        sqlx::query("UPDATE job SET page_count = $1 WHERE id = $2")
            .bind(pages as i64)
            .bind(job)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The far machine has confirmed all pages before `next_page`.
    pub async fn page_confirmed(&self, job: i64, next_page: usize) -> Result<(), StoreError> {
        sqlx::query("UPDATE job SET next_page = $1 WHERE id = $2 AND next_page < $1")
            .bind(next_page as i64)
            .bind(job)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The job will be tried again; `avoid` is a line that another should be taken for.
    pub async fn job_waits(
        &self,
        job: &Job,
        due_at: i64,
        verdict: &Verdict<'_>,
        avoid: &str,
    ) -> Result<(), StoreError> {
        let mut causes = job.causes();
        if let Some(cause) = verdict.cause {
            *causes.entry(cause.to_owned()).or_default() += 1;
        }
        sqlx::query(
            "UPDATE job SET state = 'waiting', due_at = $1, cause = $2, said = $3, causes = $4, last_line = $5
             WHERE id = $6 AND state = 'sending' AND node = $7",
        )
        .bind(due_at)
        .bind(verdict.cause)
        .bind(verdict.said)
        .bind(serde_json::to_string(&causes).unwrap_or_default())
        .bind(avoid)
        .bind(job.id)
        .bind(&self.node)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives a job back that was not tried after all.
    pub async fn job_untried(&self, job: i64, due_at: i64) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE job SET state = 'waiting', due_at = $1, attempts = attempts - 1
             WHERE id = $2 AND state = 'sending' AND node = $3",
        )
        .bind(due_at)
        .bind(job)
        .bind(&self.node)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The job is over; its sender is still to be told. A job that was cancelled meanwhile stays so.
    pub async fn job_ends(&self, job: i64, ending: Ending, verdict: &Verdict<'_>) -> Result<(), StoreError> {
        let state = if ending == Ending::Done { "done" } else { "failed" };
        sqlx::query(
            "UPDATE job SET state = $1, cause = $2, said = $3, status = $4, finished_at = $5
             WHERE id = $6 AND state = 'sending' AND node = $7",
        )
        .bind(state)
        .bind(verdict.cause)
        .bind(verdict.said)
        .bind(verdict.status)
        .bind(now())
        .bind(job)
        .bind(&self.node)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives back jobs that a gateway which is gone left in the middle of a call; how many. Confirmed pages stay confirmed.
    pub async fn recover_jobs(&self) -> Result<u64, StoreError> {
        let said = "the gateway stopped during the call";
        let give_back = format!(
            "UPDATE job SET state = 'waiting', due_at = $1, cause = 'interrupted', said = $2
             WHERE state = 'sending' AND {}",
            self.terms.abandoned
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(give_back)).bind(now()).bind(said).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }

    /// Makes a finished or waiting job due now, with attempts counted anew; false when it is not in a state for
    /// that, or its message is wiped.
    pub async fn retry_job(&self, job: i64) -> Result<bool, StoreError> {
        self.change(
            "UPDATE job SET state = 'waiting', due_at = $1, attempts = 0, causes = '{}', last_line = '', held = 0,
                    finished_at = NULL, told = 0, hooked = 0
             WHERE id = $2 AND state IN ('waiting', 'queued', 'failed', 'cancelled')
               AND EXISTS (SELECT 1 FROM message WHERE message.id = job.message AND length(raw) > 0)",
            now(),
            job,
        )
        .await
    }

    /// Cancels a job that is not over; false when it is.
    pub async fn cancel_job(&self, job: i64) -> Result<bool, StoreError> {
        self.change(
            "UPDATE job SET state = 'cancelled', cause = 'cancelled', said = 'cancelled at the gateway', status = '5.7.0',
                    finished_at = $1
             WHERE id = $2 AND state IN ('waiting', 'queued', 'sending')",
            now(),
            job,
        )
        .await
    }

    /// Holds a job that is not being sent, or lets it go; false when it is in no state for that.
    pub async fn hold_job(&self, job: i64, hold: bool) -> Result<bool, StoreError> {
        self.change("UPDATE job SET held = $1 WHERE id = $2 AND state IN ('waiting', 'queued')", i64::from(hold), job)
            .await
    }

    /// Changes the priority of a job that waits; false when there is no such.
    pub async fn set_priority(&self, job: i64, priority: Priority) -> Result<bool, StoreError> {
        self.change(
            "UPDATE job SET priority = $1 WHERE id = $2 AND state IN ('waiting', 'queued')",
            priority.rank(),
            job,
        )
        .await
    }

    async fn take_job(&self, tx: &mut AnyConnection, id: i64) -> Result<(), sqlx::Error> {
        let claim = format!(
            "UPDATE job SET state = 'sending', attempts = attempts + 1, node = $1, lease_until = {} WHERE id = $2",
            self.terms.lease_end
        );
        sqlx::query(sqlx::AssertSqlSafe(claim)).bind(&self.node).bind(id).execute(tx).await?;
        Ok(())
    }

    async fn change(&self, statement: &'static str, value: i64, job: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(statement).bind(value).bind(job).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a job was cancelled.
    pub async fn is_cancelled(&self, job: i64) -> Result<bool, StoreError> {
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM job WHERE id = $1").bind(job).fetch_optional(&self.pool).await?;
        Ok(state.as_deref() == Some("cancelled"))
    }
}

/// Whether a call to that number is under way, by whatever gateway.
async fn is_being_called(tx: &mut AnyConnection, number: &str) -> Result<bool, sqlx::Error> {
    let calls = sqlx::query_scalar("SELECT count(*) FROM job WHERE state = 'sending' AND number = $1");
    let calls: i64 = calls.bind(number).fetch_one(tx).await?;
    Ok(calls > 0)
}
