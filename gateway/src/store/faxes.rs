//! Faxes that come in.

use sqlx::FromRow;

use super::{NewMail, Store, StoreError, now, outbound::insert_mail};
use crate::authorise::caller::Incoming;

/// A received fax.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Fax {
    /// Row.
    pub id: i64,
    /// The line it came by.
    pub line: String,
    /// When it was answered.
    pub begun_at: i64,
    /// What the caller calls itself.
    pub remote_ident: String,
    /// T.33 subaddress.
    pub subaddress: String,
    /// The number the call was made to.
    pub dialled: String,
    /// The number it came from.
    pub caller: String,
    /// Who proved to be calling.
    pub account: String,
    /// The destination keyed in.
    pub keyed: String,
    /// `receiving`, `complete`, `partial` or `empty`.
    pub state: String,
    /// Why it is not complete.
    pub said: Option<String>,
}

impl Fax {
    /// What is known of its call.
    pub fn incoming(&self) -> Incoming {
        Incoming {
            dialled: self.dialled.clone(),
            number: self.caller.clone(),
            station: self.remote_ident.clone(),
            subaddress: self.subaddress.clone(),
            keyed: self.keyed.clone(),
            user: self.account.clone(),
        }
    }
}

/// Columns of [`Fax`].
const COLUMNS: &str =
    "SELECT id, line, begun_at, remote_ident, subaddress, dialled, caller, account, keyed, state, said FROM fax";

/// How a received fax ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaxState {
    /// The caller said that was all.
    Complete,
    /// The call broke after some pages.
    Partial,
    /// No page came.
    Empty,
}

impl FaxState {
    fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Empty => "empty",
        }
    }
}

impl Store {
    /// A call is about to be answered.
    pub async fn begin_fax(&self, line: &str) -> Result<i64, StoreError> {
        let begin = format!(
            "INSERT INTO fax (line, begun_at, state, node, lease_until) VALUES ($1, $2, 'receiving', $3, {}) RETURNING id",
            self.terms.lease_end
        );
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(begin)).bind(line).bind(now()).bind(&self.node);
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Who is calling, as far as it is known.
    pub async fn fax_peer(&self, fax: i64, call: &Incoming) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE fax SET remote_ident = $1, subaddress = $2, dialled = $3, caller = $4, account = $5, keyed = $6
             WHERE id = $7",
        )
        .bind(&call.station)
        .bind(&call.subaddress)
        .bind(&call.dialled)
        .bind(&call.number)
        .bind(&call.user)
        .bind(&call.keyed)
        .bind(fax)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps a page; when this returns well it is on disk and may be confirmed. A page sent again replaces the first.
    /// A fax that another gateway has closed meanwhile takes no more pages.
    pub async fn keep_fax_page(&self, fax: i64, number: usize, image: &[u8], bad_rows: u32) -> Result<(), StoreError> {
        let replace = "INSERT INTO fax_page (fax, number, kept_at, image, bad_rows) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (fax, number) DO UPDATE SET kept_at = excluded.kept_at, image = excluded.image, bad_rows = excluded.bad_rows";
        let ours = format!(
            "SELECT id FROM fax WHERE id = $1 AND state = 'receiving' AND node = $2 {}",
            self.terms.share_locked
        );
        let laid = self.laid(image).await?;
        let mut tx = self.begin().await?;
        let ours: Option<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(ours)).bind(fax).bind(&self.node).fetch_optional(&mut *tx).await?;
        ours.ok_or(StoreError::TakenOver(fax))?;
        sqlx::query(replace)
            .bind(fax)
            .bind(number as i64)
            .bind(now())
            .bind(&laid[..])
            .bind(i64::from(bad_rows))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The kept pages of a fax in order, each with its bad rows.
    pub async fn fax_pages(&self, fax: i64) -> Result<Vec<(Vec<u8>, u32)>, StoreError> {
        let query = sqlx::query_as("SELECT image, bad_rows FROM fax_page WHERE fax = $1 ORDER BY number").bind(fax);
        let rows: Vec<(Vec<u8>, i64)> = query.fetch_all(&self.pool).await?;
        let mut pages = Vec::with_capacity(rows.len());
        for (kept, bad_rows) in rows {
            pages.push((self.fetched(kept).await?, bad_rows as u32));
        }
        Ok(pages)
    }

    /// One fax.
    pub async fn fax(&self, fax: i64) -> Result<Fax, StoreError> {
        self.known_fax(fax).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    /// One fax; none when there is no such.
    pub async fn known_fax(&self, fax: i64) -> Result<Option<Fax>, StoreError> {
        let one = format!("{COLUMNS} WHERE id = $1");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(one)).bind(fax).fetch_optional(&self.pool).await?)
    }

    /// The fax is over; its mails are queued in the same transaction.
    pub async fn fax_ends(&self, fax: i64, state: FaxState, said: &str, mails: &[NewMail]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done =
            sqlx::query("UPDATE fax SET state = $1, said = $2, ended_at = $3 WHERE id = $4 AND state = 'receiving'")
                .bind(state.name())
                .bind(said)
                .bind(now())
                .bind(fax)
                .execute(&mut *tx)
                .await?;
        if done.rows_affected() == 1 {
            for mail in mails {
                insert_mail(&mut tx, mail).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// Faxes whose gateway is gone: they are this one's now, to be closed.
    pub async fn adopt_faxes(&self) -> Result<Vec<Fax>, StoreError> {
        let terms = &self.terms;
        let adopt = format!(
            "UPDATE fax SET node = $1, lease_until = {} WHERE state = 'receiving' AND {}
             RETURNING id, line, begun_at, remote_ident, subaddress, dialled, caller, account, keyed, state, said",
            terms.lease_end, terms.abandoned
        );
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(adopt)).bind(&self.node).fetch_all(&self.pool).await?)
    }
}
