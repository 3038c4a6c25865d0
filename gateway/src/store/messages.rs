//! Messages that came in, each with a job for every recipient.

use sqlx::AnyConnection;

use super::{MailKind, NewMail, Store, StoreError, now, outbound::insert_mail};
use crate::ifax::priority::Priority;

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
    /// By what copies of it are known: its Message-ID, or a digest of what it holds.
    pub identity: Option<String>,
    /// Whether an envelope told the recipients. Without one, a copy is dropped for all of them, RFC 4161 2.1.2.
    pub without_envelope: bool,
    /// Subject.
    pub subject: String,
    /// Where a disposition notification was asked to go.
    pub mdn_to: Option<String>,
    /// Whether it is a report itself, of which nobody is told anything.
    pub is_notice: bool,
    /// Whose limits it counts against.
    pub account: String,
    /// How urgent it is.
    pub priority: Priority,
    /// When its first call may be made, milliseconds since 1970; 0: at once.
    pub due_at: i64,
    /// Who brought it.
    pub peer: String,
    /// The message.
    pub raw: Vec<u8>,
    /// Fax recipients.
    pub recipients: Vec<NewRecipient>,
    /// Mail to pass on unchanged: postmaster's.
    pub passed_on: Vec<NewMail>,
    /// What it is said to be another form of.
    pub replaces: Option<Replaced>,
}

/// A message whose sender was asked for another form of it, RFC 3297 3.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its Message-ID.
    pub message_id: String,
    /// Whether this is the other form; else there is none, and what came first goes now.
    pub by_this: bool,
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
    /// Keys pressed after the answer; empty for none.
    pub post_dial: String,
    /// A mail that goes out with this recipient's job, and until when the job waits for what it brings.
    pub first_asks: Option<(NewMail, i64)>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its row.
    pub message: i64,
    /// New jobs.
    pub jobs: usize,
    /// Recipients that already have a job for this message.
    pub duplicates: usize,
}

impl Store {
    /// Keeps a message and one job for each recipient, together or not at all.
    pub async fn accept(&self, new: &NewMessage) -> Result<Accepted, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(identity) = &new.identity {
            self.terms.lock(&mut tx, identity).await?;
        }
        let known = if new.without_envelope { known(&mut tx, new).await? } else { None };
        if let Some(message) = known {
            return Ok(Accepted { message, jobs: 0, duplicates: new.recipients.len() });
        }
        let message = insert_message(&mut tx, new).await?;
        let mut jobs = 0;
        for recipient in &new.recipients {
            if !told_of_before(&mut tx, message, new, recipient).await? {
                jobs += insert_job(&mut tx, message, new, recipient).await?;
            }
        }
        for mail in &new.passed_on {
            insert_mail(&mut tx, mail).await?;
        }
        tx.commit().await?;
        Ok(Accepted { message, jobs, duplicates: new.recipients.len() - jobs })
    }
}

async fn known(tx: &mut AnyConnection, new: &NewMessage) -> Result<Option<i64>, sqlx::Error> {
    let query = sqlx::query_scalar("SELECT id FROM message WHERE identity = $1 ORDER BY id LIMIT 1");
    query.bind(&new.identity).fetch_optional(tx).await
}

/// Puts a job that has not begun out of the way of another form of its message, or lets it go when there is none. Whether
/// this recipient was given the message before, so that no job of its own is wanted.
async fn told_of_before(
    tx: &mut AnyConnection,
    message: i64,
    new: &NewMessage,
    recipient: &NewRecipient,
) -> Result<bool, sqlx::Error> {
    let Some(replaced) = &new.replaces else { return Ok(false) };
    let of_sender = "job.message IN (SELECT id FROM message WHERE message_id = $1 AND mail_from = $2)
        AND number = $3 AND subaddress = $4";
    let change = if replaced.by_this {
        "state = 'cancelled', cause = 'replaced', said = $6, told = 1, hooked = 1, finished_at = $5"
    } else {
        "due_at = $5, said = $6"
    };
    let said =
        if replaced.by_this { format!("replaced by message {message}") } else { "there is no other form".into() };
    let change =
        format!("UPDATE job SET {change} WHERE {of_sender} AND state IN ('queued', 'waiting') AND attempts = 0");
    let change = sqlx::query(sqlx::AssertSqlSafe(change));
    let change = change.bind(&replaced.message_id).bind(&new.mail_from).bind(&recipient.number);
    let changed = change.bind(&recipient.subaddress).bind(now()).bind(said).execute(&mut *tx).await?.rows_affected();
    if changed > 0 {
        return Ok(!replaced.by_this);
    }
    let known = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM job WHERE {of_sender}")));
    let known = known.bind(&replaced.message_id).bind(&new.mail_from).bind(&recipient.number);
    let known: i64 = known.bind(&recipient.subaddress).fetch_one(tx).await?;
    Ok(known > 0)
}

async fn insert_message(tx: &mut AnyConnection, new: &NewMessage) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO message (received_at, mail_from, envelope_id, return_full, message_id, mdn_to, peer, raw,
                              identity, subject, account, is_notice)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
    )
    .bind(now())
    .bind(&new.mail_from)
    .bind(&new.envelope_id)
    .bind(i64::from(new.return_full))
    .bind(&new.message_id)
    .bind(&new.mdn_to)
    .bind(&new.peer)
    .bind(&new.raw)
    .bind(&new.identity)
    .bind(&new.subject)
    .bind(&new.account)
    .bind(i64::from(new.is_notice))
    .fetch_one(tx)
    .await
}

async fn insert_job(
    tx: &mut AnyConnection,
    message: i64,
    new: &NewMessage,
    recipient: &NewRecipient,
) -> Result<usize, sqlx::Error> {
    let asked = recipient.first_asks.as_ref();
    let said = asked.map(|_| "its sender was asked for a better form of it");
    let due = asked.map_or(new.due_at, |(_, until)| new.due_at.max(*until));
    let insert = sqlx::query_scalar(
        "INSERT INTO job (message, message_id, recipient, orcpt, notify, number, subaddress, state, due_at,
                          identity, post_dial, priority, said)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING id",
    );
    let insert = insert
        .bind(message)
        .bind(&new.message_id)
        .bind(&recipient.address)
        .bind(&recipient.orcpt)
        .bind(recipient.notify as i64)
        .bind(&recipient.number)
        .bind(&recipient.subaddress)
        .bind(due.max(now()))
        .bind(&new.identity)
        .bind(&recipient.post_dial)
        .bind(new.priority.rank())
        .bind(said);
    let job: Option<i64> = insert.fetch_optional(&mut *tx).await?;
    if let (Some(job), Some((mail, _))) = (job, asked) {
        insert_mail(tx, &NewMail { kind: MailKind::Notice(job), ..mail.clone() }).await?;
    }
    Ok(usize::from(job.is_some()))
}
