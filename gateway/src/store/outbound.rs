//! Mail waiting for the relay. It leaves the queue when the relay has taken it, and never otherwise.

use sqlx::{AnyConnection, FromRow};

use super::{Store, StoreError, now};

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// A received fax.
    Fax(i64),
    /// What became of a job; of several, the first.
    Notice(i64),
    /// Somebody's mail passed on.
    Passed,
}

/// A mail to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// About what.
    pub kind: MailKind,
    /// Return path; empty is the null sender.
    pub mail_from: String,
    /// To whom.
    pub recipient: String,
    /// The message.
    pub raw: Vec<u8>,
}

/// A queued mail.
#[derive(Clone, Debug, FromRow)]
pub struct Mail {
    /// Row.
    pub id: i64,
    /// `fax`, `notice` or `mail`.
    pub kind: String,
    /// Return path.
    pub mail_from: String,
    /// To whom.
    pub recipient: String,
    /// The message.
    pub raw: Vec<u8>,
    /// Failed attempts so far.
    pub attempts: i64,
}

impl Store {
    /// The mail that has been due longest, this gateway's for a lease. It stays queued: only its delivery changes that.
    pub async fn due_mail(&self) -> Result<Option<Mail>, StoreError> {
        let terms = &self.terms;
        let take = format!(
            "UPDATE outbound SET node = $1, lease_until = {} WHERE id =
               (SELECT id FROM outbound WHERE state IN ('queued', 'waiting') AND due_at <= $2
                 AND (node = $1 OR node = '' OR {}) ORDER BY due_at, id LIMIT 1 {})
             RETURNING id, kind, mail_from, recipient, raw, attempts",
            terms.lease_end, terms.abandoned, terms.skip_locked
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(take));
        Ok(query.bind(&self.node).bind(now()).fetch_optional(&self.pool).await?)
    }

    /// When the next mail falls due.
    pub async fn next_mail_due(&self) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT min(due_at) FROM outbound WHERE state IN ('queued', 'waiting')");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// The relay has it.
    pub async fn mail_delivered(&self, mail: i64, relay: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbound SET state = 'delivered', said = NULL, attempts = attempts + 1, finished_at = $1, relay = $2 WHERE id = $3",
        )
        .bind(now())
        .bind(relay)
        .bind(mail)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Something was told of the mail of a fax, by one recipient or of all of them; false when no such mail is known.
    pub async fn mail_replied(
        &self,
        fax: i64,
        begun_at: i64,
        recipient: Option<&str>,
        reply: &str,
    ) -> Result<bool, StoreError> {
        let note = sqlx::query(
            "UPDATE outbound SET reply = $1, replied_at = $2
             WHERE fax IN (SELECT id FROM fax WHERE id = $3 AND begun_at = $4)
               AND lower(recipient) = lower(coalesce($5, recipient))",
        );
        let note = note.bind(reply).bind(now()).bind(fax).bind(begun_at).bind(recipient);
        Ok(note.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// How many mails of a fax have gone to that recipient, as whom the first of them named it; none when there was none.
    pub async fn mails_of_fax(
        &self,
        fax: i64,
        begun_at: i64,
        recipient: &str,
    ) -> Result<Option<(String, i64)>, StoreError> {
        let query = sqlx::query_as(
            "SELECT min(recipient), count(*) FROM outbound
             WHERE fax IN (SELECT id FROM fax WHERE id = $1 AND begun_at = $2) AND lower(recipient) = lower($3)",
        );
        let query = query.bind(fax).bind(begun_at).bind(recipient);
        let (named, count): (Option<String>, i64) = query.fetch_one(&self.pool).await?;
        Ok(named.map(|named| (named, count)))
    }

    /// Queues one more mail of a fax, unless there are no longer so many of it to that recipient.
    pub async fn mail_again(&self, fax: i64, mail: &NewMail, before: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        self.terms.lock(&mut tx, &format!("fax {fax}")).await?;
        let count = sqlx::query_scalar("SELECT count(*) FROM outbound WHERE fax = $1 AND recipient = $2");
        let count: i64 = count.bind(fax).bind(&mail.recipient).fetch_one(&mut *tx).await?;
        if count != before {
            return Ok(false);
        }
        insert_mail(&mut tx, mail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The relay could not be reached or asked for patience.
    pub async fn mail_waits(&self, mail: i64, due_at: i64, said: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbound SET state = 'waiting', attempts = attempts + 1, due_at = $1, said = $2, node = '' WHERE id = $3",
        )
        .bind(due_at)
        .bind(said)
        .bind(mail)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Makes a waiting or refused mail due now; false when it is neither.
    pub async fn retry_mail(&self, mail: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE outbound SET state = 'waiting', due_at = $1 WHERE id = $2 AND state IN ('waiting', 'refused') AND length(raw) > 0",
        )
        .bind(now())
        .bind(mail)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

pub(super) async fn insert_mail(tx: &mut AnyConnection, mail: &NewMail) -> Result<i64, sqlx::Error> {
    let (kind, fax, job) = match mail.kind {
        MailKind::Fax(fax) => ("fax", Some(fax), None),
        MailKind::Notice(job) => ("notice", None, Some(job)),
        MailKind::Passed => ("mail", None, None),
    };
    sqlx::query_scalar(
        "INSERT INTO outbound (kind, fax, job, mail_from, recipient, raw, state, due_at) VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7) RETURNING id",
    )
    .bind(kind)
    .bind(fax)
    .bind(job)
    .bind(&mail.mail_from)
    .bind(&mail.recipient)
    .bind(&mail.raw)
    .bind(now())
    .fetch_one(tx)
    .await
}
