//! Lists for people: a screen at a time, of everybody or of one user.

use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, overview::Flag, query::Query};

/// Whose faxes are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Accounts its faxes were counted against.
    pub accounts: Vec<String>,
    /// The user itself.
    pub name: String,
    /// Its mailbox; empty for none.
    pub mailbox: String,
}

/// Which of a long list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this user only.
    pub owner: Option<Owner>,
    /// Only in one of these states; empty for any.
    pub states: Vec<&'static str>,
    /// That have this in a number, a name or a subject.
    pub text: Option<String>,
    /// Skipped from the newest on.
    pub offset: i64,
    /// At most so many.
    pub limit: i64,
}

/// A fax to be sent.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct JobItem {
    /// Row.
    pub id: i64,
    /// Its message.
    pub message: i64,
    /// State.
    pub state: String,
    /// International number.
    pub number: String,
    /// Return path.
    pub mail_from: String,
    /// Whose limits it counts against.
    pub account: String,
    /// What it is about.
    pub subject: String,
    /// When it came, milliseconds since 1970.
    pub received_at: i64,
    /// Pages in all, once rendered.
    pub page_count: Option<i64>,
    /// Pages confirmed.
    pub next_page: i64,
    /// Attempts made.
    pub attempts: i64,
    /// When it is due.
    pub due_at: i64,
    /// How urgent it is: 0 low, 1 normal, 2 urgent.
    pub priority: i64,
    /// Whether it is held, 1.
    pub held: i64,
    /// Why it waits or failed.
    pub cause: Option<String>,
    /// The same for people.
    pub said: Option<String>,
}

/// A received fax.
#[derive(Clone, Debug, FromRow)]
pub struct FaxItem {
    /// Row.
    pub id: i64,
    /// The line.
    pub line: String,
    /// When it was answered.
    pub begun_at: i64,
    /// `receiving`, `complete`, `partial` or `empty`.
    pub state: String,
    /// What the caller calls itself.
    pub remote_ident: String,
    /// The number it came from.
    pub caller: String,
    /// Pages kept.
    pub pages: i64,
    /// Rows that could not be decoded.
    pub bad_rows: i64,
    /// Where it was mailed.
    pub mailbox: String,
    /// Why it is not complete.
    pub said: Option<String>,
}

/// What is known of a number that was called.
#[derive(Clone, Debug, FromRow)]
pub struct Destination {
    /// The number.
    pub number: String,
    /// Calls made.
    pub calls: i64,
    /// Calls that went well.
    pub good: i64,
    /// The last call, milliseconds since 1970.
    pub last_at: i64,
    /// Time on the line, milliseconds.
    pub on_line_ms: i64,
    /// The step of the ladder it is called at; none when nothing is remembered.
    pub step: Option<i64>,
}

/// A call to a number.
#[derive(Clone, Debug, FromRow)]
pub struct PlacedCall {
    /// The job.
    pub job: i64,
    /// The line.
    pub line: String,
    /// Begin, milliseconds since 1970.
    pub begun_at: i64,
    /// End.
    pub ended_at: i64,
    /// Whether all went well.
    #[sqlx(try_from = "Flag")]
    pub ok: bool,
    /// Why not.
    pub cause: Option<String>,
    /// Its report, JSON.
    pub report: String,
}

/// Calls of a day that ended the same way.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Tally {
    /// Days since 1970.
    pub day: i64,
    /// Why they failed; empty: they did not.
    pub cause: String,
    /// How many.
    pub calls: i64,
}

/// How much there is of what.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Jobs by state.
    pub jobs: Vec<(String, i64)>,
    /// Mails by state.
    pub mails: Vec<(String, i64)>,
    /// How long the oldest job that is due has been so.
    pub oldest_due_ms: i64,
}

/// Columns of [`JobItem`].
pub(super) const JOB: &str = "SELECT job.id, job.message, state, number, mail_from, account, subject, received_at, page_count, next_page, attempts, due_at,
        priority, held, cause, said FROM job JOIN message ON message.id = job.message WHERE 1 = 1";

const FAX: &str = "SELECT fax.id, line, begun_at, state, remote_ident, caller, said,
        (SELECT count(*) FROM fax_page WHERE fax_page.fax = fax.id) AS pages,
        CAST((SELECT coalesce(sum(bad_rows), 0) FROM fax_page WHERE fax_page.fax = fax.id) AS BIGINT) AS bad_rows,
        coalesce((SELECT recipient FROM outbound WHERE outbound.fax = fax.id ORDER BY outbound.id LIMIT 1), '') AS mailbox
        FROM fax WHERE 1 = 1";

impl Wanted {
    fn job_conditions(&self, query: &mut Query) {
        if let Some(owner) = &self.owner {
            query.push(" AND (account IN ");
            push_list(query, &owner.accounts);
            query.push(" OR (mail_from <> '' AND mail_from = ").push_bind(owner.mailbox.clone()).push("))");
        }
        self.states(query);
        self.contains(query, &["number", "mail_from", "subject", "CAST(job.id AS TEXT)"]);
    }

    fn fax_conditions(&self, query: &mut Query) {
        if let Some(owner) = &self.owner {
            query.push(" AND ((account <> '' AND account = ").push_bind(owner.name.clone());
            query.push(
                ") OR EXISTS (SELECT 1 FROM outbound WHERE outbound.fax = fax.id AND recipient <> '' AND recipient = ",
            );
            query.push_bind(owner.mailbox.clone()).push("))");
        }
        self.states(query);
        self.contains(query, &["remote_ident", "caller", "dialled", "CAST(fax.id AS TEXT)"]);
    }

    fn states(&self, query: &mut Query) {
        if !self.states.is_empty() {
            query.push(" AND state IN ");
            push_list(query, &self.states);
        }
    }

    fn contains(&self, query: &mut Query, columns: &[&str]) {
        let Some(text) = &self.text else { return };
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query.push(" AND (1 = 0");
        for column in columns {
            query.push(" OR lower(").push(column).push(") LIKE ").push_bind(format!("%{}%", escaped.to_lowercase()));
            query.push(" ESCAPE '\\'");
        }
        query.push(")");
    }

    fn page(&self, query: &mut Query) {
        query.push(" LIMIT ").push_bind(self.limit).push(" OFFSET ").push_bind(self.offset);
    }
}

fn push_list<S: AsRef<str>>(query: &mut Query, list: &[S]) {
    query.push("(''");
    for one in list {
        query.push(", ").push_bind(one.as_ref().to_owned());
    }
    query.push(")");
}

impl Store {
    /// Jobs, the newest first.
    pub async fn jobs(&self, wanted: &Wanted) -> Result<Vec<JobItem>, StoreError> {
        let mut query = Query::new(JOB);
        wanted.job_conditions(&mut query);
        query.push(" ORDER BY job.id DESC");
        wanted.page(&mut query);
        Ok(query.build_query_as().fetch_all(&self.pool).await?)
    }

    /// How many jobs these are.
    pub async fn job_count(&self, wanted: &Wanted) -> Result<i64, StoreError> {
        let mut query = Query::new("SELECT count(*) FROM job JOIN message ON message.id = job.message WHERE 1 = 1");
        wanted.job_conditions(&mut query);
        Ok(query.build_query_scalar().fetch_one(&self.pool).await?)
    }

    /// One job, if it is that owner's.
    pub async fn job_item(&self, id: i64, owner: Option<&Owner>) -> Result<Option<JobItem>, StoreError> {
        let mut query = Query::new(JOB);
        Wanted { owner: owner.cloned(), ..Wanted::default() }.job_conditions(&mut query);
        query.push(" AND job.id = ").push_bind(id);
        Ok(query.build_query_as().fetch_optional(&self.pool).await?)
    }

    /// A page of a job, counted from 0 without its cover; none before it is rendered.
    pub async fn page(&self, message: i64, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT image FROM page WHERE message = $1 AND number = $2");
        self.maybe_fetched(query.bind(message).bind(number).fetch_optional(&self.pool).await?).await
    }

    /// The job of a message that was made last.
    pub async fn last_job_of(&self, message: i64) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT max(id) FROM job WHERE message = $1").bind(message);
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// How many pages a message was rendered to.
    pub async fn rendered_pages(&self, message: i64) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT count(*) FROM page WHERE message = $1");
        Ok(query.bind(message).fetch_one(&self.pool).await?)
    }

    /// Received faxes, the newest first.
    pub async fn faxes(&self, wanted: &Wanted) -> Result<Vec<FaxItem>, StoreError> {
        let mut query = Query::new(FAX);
        wanted.fax_conditions(&mut query);
        query.push(" ORDER BY fax.id DESC");
        wanted.page(&mut query);
        Ok(query.build_query_as().fetch_all(&self.pool).await?)
    }

    /// How many received faxes these are.
    pub async fn fax_count(&self, wanted: &Wanted) -> Result<i64, StoreError> {
        let mut query = Query::new("SELECT count(*) FROM fax WHERE 1 = 1");
        wanted.fax_conditions(&mut query);
        Ok(query.build_query_scalar().fetch_one(&self.pool).await?)
    }

    /// One received fax, if it is that owner's.
    pub async fn fax_item(&self, id: i64, owner: Option<&Owner>) -> Result<Option<FaxItem>, StoreError> {
        let mut query = Query::new(FAX);
        Wanted { owner: owner.cloned(), ..Wanted::default() }.fax_conditions(&mut query);
        query.push(" AND fax.id = ").push_bind(id);
        Ok(query.build_query_as().fetch_optional(&self.pool).await?)
    }

    /// Page numbers of a received fax, in order.
    pub async fn fax_page_numbers(&self, fax: i64) -> Result<Vec<i64>, StoreError> {
        let query =
            sqlx::query_scalar("SELECT number FROM fax_page WHERE fax = $1 AND length(image) > 0 ORDER BY number");
        Ok(query.bind(fax).fetch_all(&self.pool).await?)
    }

    /// A page of a received fax.
    pub async fn fax_page(&self, fax: i64, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let query =
            sqlx::query_scalar("SELECT image FROM fax_page WHERE fax = $1 AND number = $2 AND length(image) > 0");
        self.maybe_fetched(query.bind(fax).bind(number).fetch_optional(&self.pool).await?).await
    }

    async fn maybe_fetched(&self, kept: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, StoreError> {
        match kept {
            Some(kept) => self.fetched(kept).await.map(Some),
            None => Ok(None),
        }
    }

    /// The numbers called last, one row each.
    pub async fn destinations(&self, text: &str, limit: i64) -> Result<Vec<Destination>, StoreError> {
        let query = sqlx::query_as(
            "SELECT job.number AS number, count(*) AS calls, CAST(sum(CASE WHEN call.ok <> 0 THEN 1 ELSE 0 END) AS BIGINT) AS good,
                    max(call.begun_at) AS last_at, CAST(sum(call.ended_at - call.begun_at) AS BIGINT) AS on_line_ms,
                    (SELECT step FROM destination WHERE destination.number = job.number) AS step
             FROM call JOIN job ON job.id = call.job WHERE job.number LIKE $1
             GROUP BY job.number ORDER BY max(call.begun_at) DESC LIMIT $2",
        );
        Ok(query.bind(format!("%{text}%")).bind(limit).fetch_all(&self.pool).await?)
    }

    /// The calls made to a number, the newest first.
    pub async fn calls_to(&self, number: &str, limit: i64) -> Result<Vec<PlacedCall>, StoreError> {
        let query = sqlx::query_as(
            "SELECT call.job AS job, line, begun_at, ended_at, ok, call.cause AS cause, report
             FROM call JOIN job ON job.id = call.job WHERE job.number = $1 ORDER BY call.id DESC LIMIT $2",
        );
        Ok(query.bind(number).bind(limit).fetch_all(&self.pool).await?)
    }

    /// Calls since then by day and cause.
    pub async fn tallies(&self, since: i64) -> Result<Vec<Tally>, StoreError> {
        let query = sqlx::query_as(
            "SELECT begun_at / 86400000 AS day, CASE WHEN ok <> 0 THEN '' ELSE coalesce(cause, 'unknown') END AS cause, count(*) AS calls
             FROM call WHERE begun_at >= $1
             GROUP BY begun_at / 86400000, CASE WHEN ok <> 0 THEN '' ELSE coalesce(cause, 'unknown') END ORDER BY 1, 3 DESC",
        );
        Ok(query.bind(since).fetch_all(&self.pool).await?)
    }

    /// How much there is of what.
    pub async fn counts(&self, now: i64) -> Result<Counts, StoreError> {
        let jobs = sqlx::query_as("SELECT state, count(*) FROM job GROUP BY state").fetch_all(&self.pool).await?;
        let mails = sqlx::query_as("SELECT state, count(*) FROM outbound GROUP BY state").fetch_all(&self.pool).await?;
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(due_at) FROM job WHERE state IN ('queued', 'waiting') AND held = 0 AND due_at <= $1",
        )
        .bind(now)
        .fetch_one(&self.pool)
        .await?;
        Ok(Counts { jobs, mails, oldest_due_ms: due.map_or(0, |due| now - due) })
    }

    /// Whether the store answers.
    pub async fn is_well(&self) -> bool {
        sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&self.pool).await.is_ok()
    }
}
