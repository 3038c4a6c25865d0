//! Mail to the relay: tried again for as long as it takes.

use std::{sync::Arc, time::Duration};

use tracing::{error, info, warn};

use super::{Happening, Shared};
use crate::{
    mail::{MailOut, RelayError},
    store::{Mail, now},
};

/// When the store itself fails.
const STORE_TROUBLE: Duration = Duration::from_secs(5);

pub(super) async fn work(shared: Arc<Shared>, out: MailOut) {
    while !shared.stopping() {
        match shared.store.due_mail().await {
            Ok(Some(mail)) => hand_over(&shared, &out, mail).await,
            Ok(None) => {
                let due = shared.store.next_mail_due().await.unwrap_or_default();
                shared.rest(&shared.mail_due, due).await;
            }
            Err(error) => {
                error!(%error, "the mail queue cannot be read");
                tokio::time::sleep(STORE_TROUBLE).await;
            }
        }
    }
}

async fn hand_over(shared: &Shared, out: &MailOut, mail: Mail) {
    match out.send(&mail.mail_from, &mail.recipient, &mail.raw).await {
        Ok(()) => {
            shared.persist("a delivered mail", || shared.store.mail_delivered(mail.id)).await;
            info!(mail = mail.id, kind = mail.kind, "mail handed over");
            shared.happenings.tell(Happening::MailOut { kind: mail.kind, recipient: mail.recipient });
        }
        Err(RelayError::Never(said)) => {
            error!(mail = mail.id, kind = mail.kind, said, "mail refused; it is kept, see answertone queue list");
            shared.persist("a refused mail", || shared.store.mail_refused(mail.id, &said)).await;
        }
        Err(RelayError::Later(said)) => {
            let wait = wait(&shared.config.relay.retry, mail.attempts);
            warn!(mail = mail.id, said, wait_s = wait.as_secs(), "relay does not take mail now");
            let due = now() + wait.as_millis() as i64;
            shared.persist("a waiting mail", || shared.store.mail_waits(mail.id, due, &said)).await;
        }
    }
}

/// The waiting time after so many attempts; the last one repeats.
pub(super) fn wait(schedule: &[Duration], attempts: i64) -> Duration {
    schedule.get(attempts.max(0) as usize).or(schedule.last()).copied().unwrap_or(Duration::from_secs(60))
}
