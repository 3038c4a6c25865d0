//! What an account has used, and what is known of a number.

use sqlx::FromRow;

use super::{Store, StoreError, now};

/// What an account has used since some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, FromRow)]
pub struct Usage {
    /// Faxes.
    pub jobs: i64,
    /// Pages confirmed.
    pub pages: i64,
    /// Different numbers.
    pub numbers: i64,
    /// Cost of calls.
    pub cost: f64,
}

impl Store {
    /// What an account has used since then.
    pub async fn usage(&self, account: &str, since: i64) -> Result<Usage, StoreError> {
        let query = sqlx::query_as(
            "SELECT count(*) AS jobs, CAST(coalesce(sum(next_page), 0) AS BIGINT) AS pages,
                    count(DISTINCT number) AS numbers,
                    CAST(coalesce((SELECT sum(cost) FROM call JOIN job AS called ON called.id = call.job
                      JOIN message AS sent ON sent.id = called.message
                      WHERE sent.account = $1 AND call.begun_at > $2), 0.0) AS DOUBLE PRECISION) AS cost
             FROM job JOIN message ON message.id = job.message
             WHERE account = $1 AND received_at > $2",
        );
        Ok(query.bind(account).bind(since).fetch_one(&self.pool).await?)
    }

    /// Whether an account has had a number called since then.
    pub async fn has_called(&self, account: &str, number: &str, since: i64) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT count(*) FROM job JOIN message ON message.id = job.message
             WHERE account = $1 AND number = $2 AND received_at > $3",
        );
        let count: i64 = query.bind(account).bind(number).bind(since).fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// The step of the ladder a number is called at; 0 when nothing is remembered of it.
    pub async fn ladder_step(&self, number: &str) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT step FROM destination WHERE number = $1 AND until > $2");
        Ok(query.bind(number).bind(now()).fetch_optional(&self.pool).await?.unwrap_or(0))
    }

    /// Remembers the step for a number until then.
    pub async fn remember_step(&self, number: &str, step: i64, until: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO destination (number, step, until) VALUES ($1, $2, $3)
             ON CONFLICT (number) DO UPDATE SET step = excluded.step, until = excluded.until",
        )
        .bind(number)
        .bind(step)
        .bind(until)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
