//! Mail to the relay: tried again for as long as it takes.

use std::{sync::Arc, time::Duration};

use mail_builder::{MessageBuilder, headers::raw::Raw};
use mail_parser::MessageParser;
use tracing::{error, info, warn};

use super::{Happening, Shared};
use crate::{
    mail::{MailOut, Outgoing, RelayError},
    seal,
    store::{Mail, MailKind, NewMail, now},
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
    let id = if shared.config.onramp.confirm { fax_id(&mail) } else { None };
    let raw = match sealed(shared, &mail).await {
        Ok(raw) => raw,
        Err(said) => return later(shared, &mail, &said).await,
    };
    let outgoing = Outgoing { from: &mail.mail_from, to: &mail.recipient, envelope_id: id.as_deref(), raw: &raw };
    match out.send(outgoing).await {
        Ok(relay) => {
            shared.persist("a delivered mail", || shared.store.mail_delivered(mail.id, &relay)).await;
            info!(mail = mail.id, kind = mail.kind, relay, "mail handed over");
            shared.happenings.tell(Happening::MailOut { kind: mail.kind, recipient: mail.recipient });
        }
        Err(RelayError::Never(said)) => give_up(shared, &mail, &said).await,
        Err(RelayError::Later(said))
            if mail.kind == "notice" && mail.attempts + 1 >= shared.config.notices.attempts =>
        {
            give_up(shared, &mail, &said).await;
        }
        Err(RelayError::Later(said)) => later(shared, &mail, &said).await,
    }
}

async fn later(shared: &Shared, mail: &Mail, said: &str) {
    let wait = wait(&shared.config.relay.retry, mail.attempts);
    warn!(mail = mail.id, said, wait_s = wait.as_secs(), "the mail waits");
    let due = now() + wait.as_millis() as i64;
    shared.persist("a waiting mail", || shared.store.mail_waits(mail.id, due, said)).await;
}

/// The mail of a fax as it goes out. One that should be sealed never goes out open.
async fn sealed(shared: &Shared, mail: &Mail) -> Result<Vec<u8>, String> {
    let rows = &shared.config.seal_to;
    if mail.kind != "fax" || rows.is_empty() {
        return Ok(mail.raw.clone());
    }
    let (keys, rows, mail) = (shared.config.seal.clone(), rows.clone(), mail.clone());
    let sealed = tokio::task::spawn_blocking(move || seal::close(&keys, &rows, &mail.recipient, &mail.raw)).await;
    sealed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// The Message-ID of a fax's mail, under which its delivery is told.
fn fax_id(mail: &Mail) -> Option<String> {
    let message = MessageParser::default().parse_headers(&mail.raw).filter(|_| mail.kind == "fax")?;
    message.message_id().map(str::to_owned)
}

/// The mail stays where it is, for the operator; of a notice or a fax the administrator is told, RFC 4161 2.5.
async fn give_up(shared: &Shared, mail: &Mail, said: &str) {
    error!(mail = mail.id, kind = mail.kind, said, "mail refused; it is kept, see answertone queue list");
    let administrator = shared.config.notices.administrator.as_str();
    let told = (mail.kind != "mail" && mail.recipient != administrator).then(|| undeliverable(shared, mail, said));
    shared.persist("a refused mail", || shared.store.mail_given_up(mail.id, said, told.as_ref())).await;
    if mail.kind == "fax" {
        shared.persist("a notice by fax", || shared.undelivered(&mail.raw, &mail.recipient, said)).await;
    }
    shared.mail_due.notify_one();
}

/// What the administrator is told.
fn undeliverable(shared: &Shared, mail: &Mail, said: &str) -> NewMail {
    let (hostname, to) = (&shared.config.hostname, shared.config.notices.administrator.to_string());
    let text = format!(
        "The {} for <{}> could not be handed over after {} attempts:\n\n{said}\n\nIt is kept as mail {}: \
         `answertone queue retry --mail {}` tries it again.\n",
        mail.kind,
        mail.recipient,
        mail.attempts + 1,
        mail.id,
        mail.id
    );
    let raw = MessageBuilder::new()
        .from(shared.config.onramp.from.to_string())
        .to(to.clone())
        .subject(format!("Undeliverable {}: {}", mail.kind, mail.recipient))
        .date(now() / 1000)
        .message_id(format!("undeliverable.{}.{}@{hostname}", mail.id, mail.attempts))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(text)
        .write_to_vec()
        .expect("writing to memory");
    NewMail { kind: MailKind::Passed, mail_from: String::new(), recipient: to, raw }
}

/// The waiting time after so many attempts; the last one repeats.
pub(super) fn wait(schedule: &[Duration], attempts: i64) -> Duration {
    schedule.get(attempts.max(0) as usize).or(schedule.last()).copied().unwrap_or(Duration::from_secs(60))
}
