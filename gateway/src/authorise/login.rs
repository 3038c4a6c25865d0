//! Users with passwords for SMTP and PINs for the telephone. Who fails too often is locked out for a while.

use std::time::Duration;

use super::secret;
use crate::store::{Store, StoreError, User, now};

/// Failures after which a user is locked out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockOut {
    /// So many in succession.
    pub failures: i64,
    /// For so long.
    pub time: Duration,
}

/// What is to be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the password.
    Password,
    /// By the PIN.
    Pin,
}

/// Why somebody is not who it says.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Wrong name or secret: which of them is not told.
    #[error("user or secret is wrong")]
    Wrong,
    /// Too many failures.
    #[error("{0} is locked after too many failures; wait, or ask the operator for `answertone user unlock`")]
    Locked(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether somebody is the user it says.
pub async fn prove(store: &Store, lock_out: LockOut, name: &str, given: &str, proof: Proof) -> Result<User, Denied> {
    let user = store.user(name).await?;
    if user.as_ref().is_some_and(|user| user.locked_until > now()) {
        return Err(Denied::Locked(name.into()));
    }
    let kept = user.as_ref().and_then(|user| match proof {
        Proof::Password => user.password.clone(),
        Proof::Pin => user.pin.clone(),
    });
    let given = given.to_owned();
    let right = tokio::task::spawn_blocking(move || match kept {
        Some(kept) => secret::is(&given, &kept),
        None => {
            secret::pretend(&given);
            false
        }
    });
    match (right.await.unwrap_or(false), user) {
        (true, Some(user)) => {
            store.login_succeeded(name).await?;
            Ok(user)
        }
        _ => {
            let until = now() + lock_out.time.as_millis() as i64;
            store.login_failed(name, lock_out.failures, until).await?;
            Err(Denied::Wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_fails_too_often_is_locked_out_until_unlocked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let pin = Some(secret::hashed("4711"));
        store.put_user(&User { name: "12".into(), pin, ..User::default() }).await.unwrap();
        let lock_out = LockOut { failures: 2, time: Duration::from_secs(60) };
        let try_pin = async |pin| prove(&store, lock_out, "12", pin, Proof::Pin).await;
        assert!(try_pin("4711").await.is_ok());
        assert!(matches!(try_pin("1").await, Err(Denied::Wrong)));
        assert!(try_pin("4711").await.is_ok(), "one failure is forgiven");
        assert!(matches!(try_pin("1").await, Err(Denied::Wrong)));
        assert!(matches!(try_pin("2").await, Err(Denied::Wrong)));
        assert!(matches!(try_pin("4711").await, Err(Denied::Locked(_))));
        assert!(store.unlock_user("12").await.unwrap());
        assert!(try_pin("4711").await.is_ok());
        assert!(matches!(prove(&store, lock_out, "12", "", Proof::Password).await, Err(Denied::Wrong)), "it has none");
    }
}
