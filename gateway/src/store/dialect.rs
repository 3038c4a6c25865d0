//! Where the two databases speak differently; all other statements are the same in both.

use std::time::Duration;

use sqlx::AnyConnection;

/// Terms that are put into statements. None holds anything from outside.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Begins a transaction that will write.
    pub(super) begin: &'static str,
    /// Passes over rows that another gateway has in hand.
    pub(super) skip_locked: &'static str,
    /// Keeps a row as it is until the transaction ends.
    pub(super) share_locked: &'static str,
    /// The end of a lease that begins now, by the database's clock: those of gateways may differ.
    pub(super) lease_end: String,
    /// Whether the gateway whose name stands at a row is gone.
    pub(super) abandoned: String,
    /// Takes a lock on the hash of `$1` until the transaction ends; empty where transactions exclude each other anyway.
    lock: &'static str,
    /// Gives freed room back.
    pub(super) shrink: &'static [&'static str],
}

const POSTGRES_CLOCK: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

impl Terms {
    /// One gateway, and operators' commands beside it.
    pub(super) fn sqlite(node: &str) -> Self {
        Self {
            begin: "BEGIN IMMEDIATE",
            skip_locked: "",
            share_locked: "",
            lease_end: "0".into(),
            abandoned: format!("node <> '{node}'"),
            lock: "",
            shrink: &["PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA incremental_vacuum"],
        }
    }

    /// Several gateways.
    pub(super) fn postgres(node: &str, lease: Duration) -> Self {
        Self {
            begin: "BEGIN",
            skip_locked: "FOR UPDATE SKIP LOCKED",
            share_locked: "FOR SHARE",
            lease_end: format!("{POSTGRES_CLOCK} + {}", lease.as_millis()),
            abandoned: format!("(node <> '{node}' AND lease_until < {POSTGRES_CLOCK})"),
            lock: "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            shrink: &[],
        }
    }

    /// Keeps other gateways from doing the same to the same thing until the transaction ends.
    pub(super) async fn lock(&self, tx: &mut AnyConnection, what: &str) -> Result<(), sqlx::Error> {
        if !self.lock.is_empty() {
            sqlx::query(self.lock).bind(what).execute(tx).await?;
        }
        Ok(())
    }
}
