//! What an operator wants to see, and the log of calls.

use serde::Serialize;
use sqlx::FromRow;

use super::{
    Store, StoreError,
    browse::{JOB, JobItem},
};

/// A mail in a list.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct MailRow {
    /// Row.
    pub id: i64,
    /// `fax`, `notice` or `mail`.
    pub kind: String,
    /// State.
    pub state: String,
    /// To whom.
    pub recipient: String,
    /// The fax it carries.
    pub fax: Option<i64>,
    /// The job it is about.
    pub job: Option<i64>,
    /// Attempts made.
    pub attempts: i64,
    /// When it is due, milliseconds since 1970.
    pub due_at: i64,
    /// Why it waits.
    pub said: Option<String>,
}

/// A call.
#[derive(Clone, Debug, Default, FromRow, Serialize)]
pub struct CallRow {
    /// The line.
    pub line: String,
    /// For which job.
    pub job: Option<i64>,
    /// Into which fax.
    pub fax: Option<i64>,
    /// What was dialled.
    pub dialled: Option<String>,
    /// Begin, milliseconds since 1970.
    pub begun_at: i64,
    /// End, likewise.
    pub ended_at: i64,
    /// Whether all went well.
    #[sqlx(try_from = "Flag")]
    pub ok: bool,
    /// The call's report.
    pub report: String,
    /// Why it failed.
    pub cause: Option<String>,
    /// What it cost.
    pub cost: f64,
}

/// A yes or no as both databases keep it: 1 or 0.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub(super) struct Flag(i64);

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0 != 0
    }
}

/// Everything there is.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Faxes to send.
    pub jobs: Vec<JobItem>,
    /// Mail to hand over.
    pub mail: Vec<MailRow>,
}

/// Columns of [`CallRow`].
const CALLS: &str = "SELECT line, job, fax, dialled, begun_at, ended_at, ok, report, cause, cost FROM call";

impl Store {
    /// Jobs and mail, those that are over only when `all`.
    pub async fn overview(&self, all: bool) -> Result<Overview, StoreError> {
        let jobs = format!("{JOB} AND ($1 OR state IN ('queued', 'sending', 'waiting', 'failed')) ORDER BY job.id");
        let jobs = sqlx::query_as(sqlx::AssertSqlSafe(jobs));
        let mail = sqlx::query_as(
            "SELECT id, kind, state, recipient, fax, job, attempts, due_at, said FROM outbound
             WHERE $1 OR state IN ('queued', 'waiting', 'refused') ORDER BY id",
        );
        Ok(Overview {
            jobs: jobs.bind(all).fetch_all(&self.pool).await?,
            mail: mail.bind(all).fetch_all(&self.pool).await?,
        })
    }

    /// One job; none when there is no such.
    pub async fn job(&self, id: i64) -> Result<Option<JobItem>, StoreError> {
        self.job_item(id, None).await
    }

    /// Writes a call into the log.
    pub async fn log_call(&self, call: &CallRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO call (line, job, fax, dialled, begun_at, ended_at, ok, report, cause, cost) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(&call.line)
            .bind(call.job)
            .bind(call.fax)
            .bind(&call.dialled)
            .bind(call.begun_at)
            .bind(call.ended_at)
            .bind(i64::from(call.ok))
            .bind(&call.report)
            .bind(&call.cause)
            .bind(call.cost)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The calls made for a job.
    pub async fn calls_of(&self, job: i64) -> Result<Vec<CallRow>, StoreError> {
        let of_job = format!("{CALLS} WHERE job = $1 ORDER BY id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(of_job)).bind(job).fetch_all(&self.pool).await?)
    }

    /// The calls that brought a fax.
    pub async fn calls_into(&self, fax: i64) -> Result<Vec<CallRow>, StoreError> {
        let into_fax = format!("{CALLS} WHERE fax = $1 ORDER BY id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(into_fax)).bind(fax).fetch_all(&self.pool).await?)
    }

    /// The jobs of a message.
    pub async fn jobs_of(&self, message: i64) -> Result<Vec<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT id FROM job WHERE message = $1 ORDER BY id");
        Ok(query.bind(message).fetch_all(&self.pool).await?)
    }

    /// The message of a job; none when there is no such job.
    pub async fn message_of(&self, job: i64) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT message FROM job WHERE id = $1");
        Ok(query.bind(job).fetch_optional(&self.pool).await?)
    }
}
