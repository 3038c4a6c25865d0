//! What a gateway has in hand stays its own for as long as it says that it lives.

use super::{Store, StoreError};

/// What can be in hand.
const IN_HAND: [(&str, &str); 4] = [
    ("job", "state = 'sending'"),
    ("fax", "state = 'receiving'"),
    ("outbound", "state IN ('queued', 'waiting')"),
    ("webhook", "state = 'waiting'"),
];

impl Store {
    /// Says that this gateway lives: everything it has in hand is its own for another lease.
    pub async fn renew(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (table, in_hand) in IN_HAND {
            let renew =
                format!("UPDATE {table} SET lease_until = {} WHERE node = $1 AND {in_hand}", self.terms.lease_end);
            sqlx::query(sqlx::AssertSqlSafe(renew)).bind(&self.node).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
