//! Once an hour: what is old is wiped, and later forgotten.

use std::{sync::Arc, time::Duration};

use tracing::{error, info};

use super::Shared;
use crate::store::now;

const HOUR: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 86_400_000;
/// A page that lies outside the database has its row long before this.
const UNNAMED_MS: i64 = 3_600_000;

pub(super) async fn work(shared: Arc<Shared>) {
    let mut stop = shared.stop.subscribe();
    while !shared.stopping() {
        clean(&shared).await;
        tokio::select! {
            () = tokio::time::sleep(HOUR) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

async fn clean(shared: &Shared) {
    let files = shared.config.log.remove_old(std::time::SystemTime::now());
    if files > 0 {
        info!(files, "old transcripts and recordings are removed");
    }
    let (store, config) = (&shared.store, &shared.config.store);
    let since = |days: i64| now() - days * DAY_MS;
    if config.wipe_after_days > 0 {
        match store.wipe(since(config.wipe_after_days)).await {
            Ok(rows) if rows > 0 => info!(rows, "what was old is wiped"),
            Ok(_) => {}
            Err(error) => error!(%error, "what is old cannot be wiped; trying again in an hour"),
        }
    }
    match store.sweep(UNNAMED_MS).await {
        Ok(pages) if pages > 0 => info!(pages, "pages that nobody needs are removed from store.pages"),
        Ok(_) => {}
        Err(error) => error!(%error, "pages that nobody needs cannot be removed; trying again in an hour"),
    }
    if config.forget_after_days > 0
        && let Err(error) = store.forget(since(config.forget_after_days)).await
    {
        error!(%error, "what is old cannot be forgotten; trying again in an hour");
    }
}
