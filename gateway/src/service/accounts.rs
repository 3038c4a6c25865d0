//! SIP accounts at work: calls that come to them, and who makes calls by them.
//!
//! ```text
//!  [[sip]] ─▶ Endpoint ── rings ──▶ on-ramp, with who called whom
//!                       ◀─ calls ── off-ramp
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{runtime::Handle, task::JoinSet};
use tracing::{error, info, warn};

use super::{LINE_PATIENCE, Shared, call::Trunk, offramp::NotPlaced, onramp};
use crate::{
    config::{Line, Purpose, SipAccount},
    sip::{Endpoint, Ringing},
};

/// Between two looks whether the gateway stops.
const LOOK_AROUND: Duration = Duration::from_millis(200);

/// Accounts that are open, by name.
#[derive(Default)]
pub(super) struct Accounts(Mutex<HashMap<String, Arc<Endpoint>>>);

impl Accounts {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<Endpoint>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Keeps an account open and takes its calls until the gateway stops.
pub(super) async fn work(shared: Arc<Shared>, line: Line, account: SipAccount) {
    let mut said_before = String::new();
    while !shared.stopping() {
        // Looking up a server's name may take its time.
        let opening = account.clone();
        let opened = tokio::task::spawn_blocking(move || Endpoint::open(&opening)).await;
        match opened {
            Ok(Ok(endpoint)) => return take_calls(&shared, &line, Arc::new(endpoint)).await,
            Ok(Err(failure)) => {
                let said = failure.to_string();
                if said != said_before {
                    error!(line = line.name, said, "the account cannot be opened; trying again until it can");
                }
                said_before = said;
            }
            Err(failure) => error!(%failure, "an account's thread failed"),
        }
        tokio::time::sleep(LINE_PATIENCE).await;
    }
}

async fn take_calls(shared: &Arc<Shared>, line: &Line, endpoint: Arc<Endpoint>) {
    info!(line = line.name, here = %endpoint.local(), "taking calls");
    let name = endpoint.account().name.clone();
    shared.accounts.open().insert(name.clone(), endpoint.clone());
    let mut calls = JoinSet::new();
    while !shared.stopping() {
        while calls.try_join_next().is_some() {}
        let waiting = endpoint.clone();
        let ringing = tokio::task::spawn_blocking(move || waiting.next_call(LOOK_AROUND)).await;
        if let Ok(Some(ringing)) = ringing {
            let (shared, line, handle) = (shared.clone(), line.clone(), Handle::current());
            calls.spawn_blocking(move || answer(&shared, &handle, &line, ringing));
        }
    }
    while calls.join_next().await.is_some() {}
    shared.accounts.open().remove(&name);
    // Saying goodbye to the server takes a moment.
    let _ = tokio::task::spawn_blocking(move || drop(endpoint)).await;
}

fn answer(shared: &Arc<Shared>, handle: &Handle, line: &Line, ringing: Ringing) {
    if line.purpose == Purpose::Send {
        warn!(line = line.name, "a call is not taken: the line has use = \"send\"");
        return ringing.reject();
    }
    let parties = ringing.parties().clone();
    let answered = ringing.answer().map_err(|no_call| no_call.said).and_then(|leg| {
        let caller = onramp::Caller { dialled: parties.dialled, number: parties.caller };
        onramp::answer_here(shared, handle, &line.name, Trunk::Signalled(Box::new(leg)), caller)
    });
    if let Err(said) = answered {
        warn!(line = line.name, said, "a call is not answered");
    }
}

/// Calls a number. From the second step of the ladder on the fax stays audio.
pub(super) fn call(shared: &Shared, account: &str, number: &str, step: i64) -> Result<Trunk, NotPlaced> {
    let endpoint = shared.accounts.open().get(account).cloned();
    let endpoint =
        endpoint.ok_or_else(|| NotPlaced::new("no_line", format!("the account {account} is not open yet")))?;
    let hearing = &shared.config.offramp.hearing;
    let mut given_up = || shared.hang_up.load(std::sync::atomic::Ordering::Relaxed);
    let called = endpoint.call(number, hearing, &mut given_up);
    let mut leg = called.map_err(|no_call| NotPlaced::new(no_call.cause, no_call.said))?;
    if step > 0 {
        leg.keep_audio();
    }
    Ok(Trunk::Signalled(Box::new(leg)))
}
