//! Users: who may log in, and by what.

use sqlx::FromRow;

use super::{Store, StoreError, now};

/// A user. Secrets are as [`crate::authorise::secret`] keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct User {
    /// The name; digits where it is to be keyed in on a telephone.
    pub name: String,
    /// For SMTP.
    pub password: Option<String>,
    /// For the telephone.
    pub pin: Option<String>,
    /// Where faxes for it go; empty for nowhere.
    pub mailbox: String,
    /// Failed logins since the last good one.
    pub failures: i64,
    /// Until when it is locked out, milliseconds since 1970.
    pub locked_until: i64,
}

const COLUMNS: &str = "SELECT name, password, pin, mailbox, failures, locked_until FROM account";

impl Store {
    /// One user.
    pub async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let one = format!("{COLUMNS} WHERE name = $1");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(one)).bind(name).fetch_optional(&self.pool).await?)
    }

    /// All users by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let all = format!("{COLUMNS} ORDER BY name");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(all)).fetch_all(&self.pool).await?)
    }

    /// Adds a user, or changes what is given of one: secrets left out stay as they are.
    pub async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO account (name, password, pin, mailbox, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET password = coalesce(excluded.password, account.password),
                 pin = coalesce(excluded.pin, account.pin),
                 mailbox = CASE WHEN excluded.mailbox = '' THEN account.mailbox ELSE excluded.mailbox END",
        )
        .bind(&user.name)
        .bind(&user.password)
        .bind(&user.pin)
        .bind(&user.mailbox)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes a user; false when there is no such.
    pub async fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM account WHERE name = $1").bind(name).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets a user in again; false when there is no such.
    pub async fn unlock_user(&self, name: &str) -> Result<bool, StoreError> {
        let unlock = sqlx::query("UPDATE account SET failures = 0, locked_until = 0 WHERE name = $1");
        Ok(unlock.bind(name).execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Counts a failure; with so many in succession the user is locked until then.
    pub async fn login_failed(&self, name: &str, most: i64, until: i64) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE account SET failures = CASE WHEN failures + 1 >= $1 THEN 0 ELSE failures + 1 END,
                    locked_until = CASE WHEN failures + 1 >= $1 THEN $2 ELSE locked_until END
             WHERE name = $3",
        )
        .bind(most)
        .bind(until)
        .bind(name)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets failures.
    pub async fn login_succeeded(&self, name: &str) -> Result<(), StoreError> {
        self.unlock_user(name).await.map(|_| ())
    }
}
