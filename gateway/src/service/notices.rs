//! Tells senders how their faxes ended: once each, whatever happens in between.
//!
//! A job that is over is untold until its notice is in the mail queue; both are written together. So the notice comes
//! after the last attempt only, and a crash neither swallows nor doubles it.

use std::sync::Arc;

use tracing::{error, info};

use super::Shared;
use crate::{
    ifax::{negotiation::Wish, receipt::Writer, thumbnail},
    store::{StoreError, Untold, now, unpack},
};

pub(super) async fn work(shared: Arc<Shared>) {
    while !shared.stopping() {
        if let Err(error) = tell(&shared).await {
            error!(%error, "notices cannot be written; trying again");
        }
        shared.rest(&shared.notice_due, None).await;
    }
}

async fn tell(shared: &Shared) -> Result<(), StoreError> {
    let config = &shared.config;
    let writer = shared.writer();
    loop {
        let jobs = shared.store.untold(config.notices.gather).await?;
        let Some(first) = jobs.first() else { break };
        let thumbnail = if config.notices.thumbnail { first_page(shared, first).await } else { None };
        let told = writer.write(&jobs, thumbnail.as_deref());
        shared.store.told(&told.notices, &told.quiet).await?;
        info!(message = first.message, notices = told.notices.len(), "told");
        shared.mail_due.notify_one();
    }
    for job in shared.store.delayed(now() - config.notices.delay.as_millis() as i64).await? {
        shared.store.delay_told(job.id, &writer.delay(&job)).await?;
        shared.mail_due.notify_one();
    }
    Ok(())
}

impl Shared {
    /// Who writes notices.
    pub(super) fn writer(&self) -> Writer<'_> {
        let config = &self.config;
        Writer {
            hostname: &config.hostname,
            from: config.onramp.from.as_str(),
            notices: &config.notices,
            wish: Wish::from(&config.offramp),
        }
    }
}

/// The first page of a message in small, if it was rendered.
async fn first_page(shared: &Shared, job: &Untold) -> Option<Vec<u8>> {
    let pages = shared.store.pages(job.message).await.ok()?;
    let image = pages.into_iter().next()?;
    tokio::task::spawn_blocking(move || unpack(&image).and_then(|page| thumbnail(&page))).await.ok()?
}
