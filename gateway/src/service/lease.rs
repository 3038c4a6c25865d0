//! Several gateways on one store: each says that it lives, and takes over from those that no longer do.
//!
//! A gateway that cannot say so for a whole lease has to believe that others have taken over: its calls are ended, so that
//! no number is called by two.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use tracing::{error, warn};

use super::Shared;

/// So often a lease is renewed before it runs out.
const RENEWALS: u32 = 3;

/// Goes on while calls end, so it is ended last.
pub(super) async fn work(shared: Arc<Shared>) {
    let lease = shared.config.store.lease;
    let mut renewed = Instant::now();
    loop {
        let renewal = tokio::time::timeout(lease / RENEWALS, shared.store.renew()).await;
        if matches!(renewal, Ok(Ok(()))) {
            renewed = Instant::now();
        }
        let lost = renewed.elapsed() > lease * (RENEWALS - 1) / RENEWALS;
        if lost && !shared.hang_up.swap(lost, Ordering::Relaxed) {
            error!("the store cannot be reached; calls are ended, for others may take them over");
        }
        if !lost && !shared.stopping() && shared.hang_up.swap(false, Ordering::Relaxed) {
            warn!("the store is there again");
        }
        if let Err(error) = shared.recover().await {
            error!(%error, "what other gateways have left cannot be seen");
        }
        tokio::time::sleep(lease / RENEWALS).await;
    }
}
