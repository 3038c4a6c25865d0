//! The log of RFC 4161 2.6 and 3.2: every fax that was to be sent and every one that came, from the rows of the store.

use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError};

/// One fax of the log. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, FromRow, Serialize)]
pub struct LogRow {
    /// `offramp` or `onramp`.
    pub way: String,
    /// The job, or the received fax.
    pub id: i64,
    /// When the mail came, or the call.
    pub received_at: i64,
    /// Return path of the mail, or what the caller calls itself.
    pub sender: String,
    /// The fax address, or the mailbox.
    pub recipient: String,
    /// International number that was called, or the number that called, as far as the line told it.
    pub number: String,
    /// Whose limits it counts against.
    pub account: String,
    /// Message-ID of the mail.
    pub message_id: Option<String>,
    /// Subject of the mail.
    pub subject: String,
    /// Where it stands.
    pub state: String,
    /// Begin of the last call on the telephone network.
    pub call_begun_at: Option<i64>,
    /// Its end.
    pub call_ended_at: Option<i64>,
    /// The line it was made on.
    pub line: Option<String>,
    /// Pages that arrived.
    pub pages: i64,
    /// Octets of image on the line, in all calls.
    #[sqlx(default)]
    pub octets: i64,
    /// Dots per inch across and down.
    #[sqlx(default)]
    pub resolution: Option<String>,
    /// Data signalling rate.
    #[sqlx(default)]
    pub bit_rate: Option<i64>,
    /// What the other machine calls itself.
    #[sqlx(default)]
    pub remote_ident: Option<String>,
    /// Attempts on the telephone network, or to hand the mail over.
    pub attempts: i64,
    /// Why it failed or waits.
    pub cause: Option<String>,
    /// Enhanced status code, RFC 3463.
    pub status: String,
    /// Why, for people.
    pub said: Option<String>,
    /// Cost of the calls.
    pub cost: f64,
    /// When its sender was told of its end, or the fax was mailed.
    pub notice_at: Option<i64>,
    /// When the mail of a received fax was taken by the relay.
    pub mailed_at: Option<i64>,
    /// What was told last of that mail: `delivered`, `displayed`, `failed` or what else a report says.
    pub reply: Option<String>,
    /// When.
    pub replied_at: Option<i64>,
}

/// Which rows are wanted; what is none does not matter.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// `offramp` or `onramp`.
    pub way: Option<String>,
    /// Received at this time or later.
    pub since: Option<i64>,
    /// Received before.
    pub until: Option<i64>,
    /// Part of the number.
    pub number: Option<String>,
    /// Part of the sender.
    pub sender: Option<String>,
    /// Part of the recipient.
    pub recipient: Option<String>,
    /// Exactly this state.
    pub state: Option<String>,
    /// Exactly this cause.
    pub cause: Option<String>,
    /// At most so many, the newest.
    pub limit: Option<i64>,
}

/// Both ways in the same columns, each with when its rows came and their numbers by indexes: the newest are found without
/// looking at the others.
const SENT: &str = "SELECT 'offramp' AS way, job.id AS id, received_at, mail_from AS sender, recipient, number, account,
           message.message_id AS message_id, subject, job.state AS state,
           (SELECT max(begun_at) FROM call WHERE call.job = job.id) AS call_begun_at,
           (SELECT max(ended_at) FROM call WHERE call.job = job.id) AS call_ended_at,
           (SELECT line FROM call WHERE call.job = job.id ORDER BY call.id DESC LIMIT 1) AS line,
           next_page AS pages, job.attempts AS attempts, cause, status, job.said AS said,
           CAST(coalesce((SELECT sum(cost) FROM call WHERE call.job = job.id), 0) AS DOUBLE PRECISION) AS cost,
           (SELECT finished_at FROM outbound WHERE outbound.id = job.notice AND outbound.state = 'delivered') AS notice_at,
           CAST(NULL AS BIGINT) AS mailed_at,
           CAST(NULL AS TEXT) AS reply, CAST(NULL AS BIGINT) AS replied_at
    FROM job JOIN message ON message.id = job.message";
const CAME: &str = "SELECT 'onramp' AS way, fax.id AS id, begun_at AS received_at, remote_ident AS sender,
           coalesce((SELECT recipient FROM outbound WHERE outbound.fax = fax.id ORDER BY outbound.id LIMIT 1), '') AS recipient,
           fax.caller AS number, '' AS account, CAST(NULL AS TEXT) AS message_id, '' AS subject, fax.state AS state,
           begun_at AS call_begun_at, ended_at AS call_ended_at, line,
           (SELECT count(*) FROM fax_page WHERE fax_page.fax = fax.id) AS pages,
           coalesce((SELECT attempts FROM outbound WHERE outbound.fax = fax.id ORDER BY outbound.id LIMIT 1), 0) AS attempts,
           (SELECT cause FROM call WHERE call.fax = fax.id ORDER BY call.id DESC LIMIT 1) AS cause, '' AS status, fax.said AS said,
           CAST(0 AS DOUBLE PRECISION) AS cost, CAST(NULL AS BIGINT) AS notice_at,
           (SELECT finished_at FROM outbound WHERE outbound.fax = fax.id AND outbound.state = 'delivered'
            ORDER BY outbound.id LIMIT 1) AS mailed_at,
           (SELECT reply FROM outbound WHERE outbound.fax = fax.id AND reply IS NOT NULL ORDER BY replied_at DESC LIMIT 1) AS reply,
           (SELECT max(replied_at) FROM outbound WHERE outbound.fax = fax.id) AS replied_at
    FROM fax";

/// What is none matters not.
const WANTED: &str =
    "WHERE way = coalesce($1, way) AND state = coalesce($2, state) AND coalesce(cause, '') = coalesce($3, cause, '')
      AND lower(number) LIKE coalesce($4, '%') AND lower(sender) LIKE coalesce($5, '%')
      AND lower(recipient) LIKE coalesce($6, '%') AND received_at >= $7 AND received_at < $8
    ORDER BY received_at DESC, id DESC LIMIT $9";

/// What the reports of calls hold of it.
#[derive(FromRow)]
struct Reported {
    report: String,
}

impl Store {
    /// The rows wanted, oldest first.
    pub async fn history(&self, filter: &LogFilter) -> Result<Vec<LogRow>, StoreError> {
        let mut rows = vec![];
        for (way, columns) in [("offramp", SENT), ("onramp", CAME)] {
            if filter.way.as_deref().is_none_or(|wanted| wanted == way) {
                rows.extend(self.rows_of(columns, filter).await?);
            }
        }
        rows.sort_by(|a, b| (b.received_at, &a.way, b.id).cmp(&(a.received_at, &b.way, a.id)));
        rows.truncate(filter.limit.map_or(usize::MAX, |limit| limit.max(0) as usize));
        rows.reverse();
        for row in &mut rows {
            self.add_reports(row).await?;
        }
        Ok(rows)
    }

    async fn rows_of(&self, columns: &str, filter: &LogFilter) -> Result<Vec<LogRow>, StoreError> {
        let within = |part: &Option<String>| part.as_ref().map(|part| format!("%{}%", part.to_lowercase()));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT * FROM ({columns}) AS log {WANTED}")))
            .bind(&filter.way)
            .bind(&filter.state)
            .bind(&filter.cause)
            .bind(within(&filter.number))
            .bind(within(&filter.sender))
            .bind(within(&filter.recipient))
            .bind(filter.since.unwrap_or(i64::MIN))
            .bind(filter.until.unwrap_or(i64::MAX))
            .bind(filter.limit.unwrap_or(i64::MAX));
        Ok(query.fetch_all(&self.pool).await?)
    }

    async fn add_reports(&self, row: &mut LogRow) -> Result<(), StoreError> {
        let statement = match row.way.as_str() {
            "offramp" => "SELECT report FROM call WHERE job = $1 ORDER BY id",
            _ => "SELECT report FROM call WHERE fax = $1 ORDER BY id",
        };
        let reports: Vec<Reported> = sqlx::query_as(statement).bind(row.id).fetch_all(&self.pool).await?;
        for Reported { report } in reports {
            let report: serde_json::Value = serde_json::from_str(&report).unwrap_or_default();
            let pages = report["page"].as_array().map_or(&[][..], Vec::as_slice);
            row.octets += pages.iter().filter_map(|page| page["octets"].as_i64()).sum::<i64>();
            if let (Some(x), Some(y)) = (report["x_dpi"].as_i64(), report["y_lpi"].as_i64()) {
                row.resolution = Some(format!("{x}x{y}"));
            }
            row.bit_rate = report["bit_rate"].as_i64().or(row.bit_rate);
            row.remote_ident = report["remote_ident"].as_str().map(str::to_owned).or(row.remote_ident.take());
        }
        Ok(())
    }
}
