//! Mailboxes that are fetched from: for gateways that nobody can hand mail to.
//!
//! ```text
//!  IMAP: new ones, then IDLE until there are more ─┐
//!                                                  ├─▶ found::take ─▶ store ─▶ deleted or seen there
//!  POP3: all, then a pause ────────────────────────┘
//! ```
//!
//! A message leaves the mailbox, or is marked as seen, when it is in the store and not before. One that is refused goes
//! on to the administrator as it is, so that nothing is lost.

mod imap;
mod pop3;
mod wire;

use std::{sync::Arc, time::Duration};

use mail_builder::{MessageBuilder, headers::raw::Raw};
use tokio::sync::Notify;
use tracing::warn;

use super::{
    Shared,
    found::{self, Found},
    intake,
};
use crate::{
    config::{Mailbox, Protocol},
    store::{MailKind, NewMail, NewMessage},
};

/// Until a server that went away is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches from one mailbox until the gateway stops.
pub(super) async fn work(shared: Arc<Shared>, mailbox: Mailbox) {
    while !shared.stopping() {
        let fetched = match mailbox.protocol {
            Protocol::Imap => imap::fetch(&shared, &mailbox).await,
            Protocol::Pop3 => pop3::fetch(&shared, &mailbox).await,
        };
        let pause = match fetched {
            Ok(()) => mailbox.poll,
            Err(error) => {
                warn!(mailbox = mailbox.name, %error, "the mailbox cannot be fetched from; trying again");
                PATIENCE.min(mailbox.poll)
            }
        };
        pass(&shared, pause).await;
    }
}

/// Waits, but not when the gateway stops.
async fn pass(shared: &Shared, pause: Duration) {
    let mut stop = shared.stop.subscribe();
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Why a mailbox cannot be fetched from.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Network(#[from] std::io::Error),
    #[error("{0}")]
    Imap(#[from] async_imap::error::Error),
    #[error("{0}")]
    Said(String),
}

/// Takes one message; false when it has to stay where it is for now.
async fn take(shared: &Shared, mailbox: &Mailbox, raw: Vec<u8>) -> Result<bool, Trouble> {
    match found::take(shared, raw.clone(), None, &mailbox.name).await {
        Found::Taken => Ok(true),
        Found::Later(why) => {
            warn!(mailbox = mailbox.name, why, "a message stays in the mailbox for now");
            Ok(false)
        }
        Found::Refused(why) => {
            warn!(mailbox = mailbox.name, why, "a message of the mailbox goes to the administrator");
            pass_on(shared, raw).await?;
            Ok(true)
        }
    }
}

/// Octets of a message's headers that are wanted when it is refused.
const MOST_HEAD: usize = 64 * 1024;

async fn pass_on(shared: &Shared, raw: Vec<u8>) -> Result<(), Trouble> {
    let recipient = shared.config.notices.administrator.to_string();
    let mail = NewMail { kind: MailKind::Passed, mail_from: String::new(), recipient, raw };
    tell(shared, NewMessage { passed_on: vec![mail], is_notice: true, ..NewMessage::default() }).await
}

async fn tell(shared: &Shared, message: NewMessage) -> Result<(), Trouble> {
    shared.store.accept(&message).await.map_err(|error| Trouble::Said(error.to_string()))?;
    Notify::notify_one(&shared.mail_due);
    Ok(())
}

/// Refuses a message that is longer than is taken, of which only the headers were fetched: the administrator is told, and its
/// sender, if that may have faxes sent. Once, however often it is found; it stays where it is.
async fn refuse_long(shared: &Shared, mailbox: &Mailbox, head: &[u8], octets: usize) -> Result<(), Trouble> {
    let most = shared.config.smtp.max_message_bytes;
    let why = format!("the message has {octets} octets, and this gateway takes {most}");
    warn!(mailbox = mailbox.name, why, "a message of the mailbox is refused; it stays there");
    let (administrator, hostname) = (shared.config.notices.administrator.to_string(), &shared.config.hostname);
    let text = format!(
        "A message in mailbox {:?} was not faxed: {why}.\nIt is still there. These are its headers:\n\n{}",
        mailbox.name,
        String::from_utf8_lossy(head)
    );
    let identity = intake::digest(head);
    let raw = MessageBuilder::new()
        .from(shared.config.onramp.from.to_string())
        .to(administrator.clone())
        .subject(format!("Too long to be faxed: a message in mailbox {}", mailbox.name))
        .message_id(format!("{}@{hostname}", identity.replace(':', ".")))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(text)
        .write_to_vec()
        .expect("writing to memory");
    let told = NewMail { kind: MailKind::Passed, mail_from: String::new(), recipient: administrator, raw };
    let sender = found::refused(shared, head, &why).await;
    let passed_on = [told].into_iter().chain(sender).collect();
    let identity = Some(format!("too long {identity}"));
    tell(shared, NewMessage { passed_on, identity, without_envelope: true, is_notice: true, ..NewMessage::default() })
        .await
}
