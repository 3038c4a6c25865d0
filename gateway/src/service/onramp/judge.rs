//! Whether a fax that is coming in is taken, once the calling machine has said who it is.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use answertone_t30::session::Peer;
use tokio::sync::watch;
use tracing::warn;

use crate::{
    authorise::{
        self, LockOut, Proof,
        caller::{CallerRefused, Found, Incoming, may_send, route, to_look_up},
    },
    config::CallerProof,
    service::Shared,
};

/// The judgement of one call; none before it is there.
#[derive(Clone)]
pub(super) struct Judgement {
    judged: watch::Sender<Option<Result<(), CallerRefused>>>,
    refused: Arc<AtomicBool>,
    call: Arc<Mutex<Incoming>>,
}

impl Judgement {
    pub(super) fn new(call: Incoming) -> Self {
        Self {
            judged: watch::Sender::new(None),
            refused: Arc::new(AtomicBool::new(false)),
            call: Arc::new(Mutex::new(call)),
        }
    }

    /// Judges the call by what its machine has said.
    pub(super) async fn judge(&self, shared: &Shared, fax: i64, peer: &Peer) {
        let mut call = self.call.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        call.station = peer.ident.clone().unwrap_or_default().trim().to_owned();
        call.subaddress = peer.sub.clone().unwrap_or_default().trim().to_owned();
        let judged = shared.judge(&mut call, peer.pwd.as_deref().unwrap_or_default()).await;
        if let Err(error) = shared.store.fax_peer(fax, &call).await {
            tracing::error!(%error, fax, "the caller's name is not on record");
        }
        if let Err(refusal) = &judged {
            warn!(fax, %refusal, "a fax is refused");
            self.refused.store(true, Ordering::Relaxed);
        }
        *self.call.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = call;
        self.judged.send_replace(Some(judged));
    }

    /// Waits for the judgement.
    pub(super) async fn wait(&self) -> Result<(), CallerRefused> {
        let mut judged = self.judged.subscribe();
        match judged.wait_for(Option::is_some).await {
            Ok(judged) => judged.clone().unwrap_or(Ok(())),
            Err(_) => Ok(()),
        }
    }

    /// Whether the call is to be ended.
    pub(super) fn is_refusal(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Why, if it is refused.
    pub(super) fn refusal(&self) -> Option<CallerRefused> {
        self.judged.borrow().clone().and_then(Result::err)
    }
}

impl Shared {
    async fn judge(&self, call: &mut Incoming, password: &str) -> Result<(), CallerRefused> {
        let onramp = &self.config.onramp;
        may_send(onramp, call)?;
        if onramp.proof == CallerProof::Pwd {
            let (user, pin) = password.trim().split_once('*').unwrap_or_default();
            let smtp = &self.config.smtp;
            let lock_out = LockOut { failures: smtp.login_failures, time: smtp.lock_out };
            let proved = authorise::prove(&self.store, lock_out, user, pin, Proof::Pin).await;
            call.user = proved.map_err(|denied| CallerRefused::Unproved(denied.to_string()))?.name;
        }
        self.route(call).await.map(|_| ())
    }

    /// Where a fax goes.
    pub(super) async fn route(&self, call: &Incoming) -> Result<Vec<String>, CallerRefused> {
        let (onramp, plan) = (&self.config.onramp, &self.config.offramp.dial);
        let user = if call.keyed.is_empty() { None } else { self.store.user(&call.keyed).await.ok().flatten() };
        let own = user.map(|user| user.mailbox);
        let listed = match (&self.numbers, to_look_up(onramp, plan, call, own.as_deref())) {
            (Some(numbers), Some(number)) => numbers.mailbox(&number).await,
            _ => None,
        };
        route(onramp, plan, call, &Found { own, listed })
    }
}
