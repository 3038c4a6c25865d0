//! What SMTP may bring, and how it gets into the store.

use std::{net::IpAddr, sync::Arc};

use mail_parser::{Header, HeaderValue, MessageParser};
use tracing::{error, info, warn};

use super::{Happening, Shared};
use crate::{
    config::Purpose,
    ifax::address::{AddressError, FaxAddress},
    smtp::{Envelope, Intake, Recipient, Reply},
    store::{MailKind, NewMail, NewMessage, NewRecipient, StoreError},
};

/// More hops than these are a loop, RFC 5321 6.3.
const MOST_HOPS: usize = 50;

pub(super) struct GatewayIntake(pub(super) Arc<Shared>);

impl Intake for GatewayIntake {
    fn sender(&self, _: IpAddr, _: &str) -> Result<(), Reply> {
        Ok(())
    }

    fn recipient(&self, peer: IpAddr, recipient: &Recipient) -> Result<(), Reply> {
        if self.is_postmaster(&recipient.address) {
            return Ok(());
        }
        let fax = FaxAddress::parse(&recipient.address).map_err(|error| refusal(&error))?;
        let config = &self.0.config;
        if !config.domains.contains(&fax.domain) {
            let text = format!("{} is not a domain of this gateway; its mail is not passed on here", fax.domain);
            return Err(Reply::new(550, "5.7.1", text));
        }
        if !config.smtp.allowed_senders.iter().any(|network| network.contains(peer)) {
            let text = format!("{peer} may not have faxes sent; ask the operator to add it to smtp.allowed_senders");
            return Err(Reply::new(550, "5.7.1", text));
        }
        if config.lines.iter().all(|line| line.purpose == Purpose::Receive) {
            return Err(Reply::new(451, "4.3.5", "no telephone line is configured for sending"));
        }
        Ok(())
    }

    async fn deliver(&self, envelope: Envelope, raw: Vec<u8>) -> Result<Reply, Reply> {
        let new = self.message(envelope, raw)?;
        let accepted = self.0.store.accept(&new).await.map_err(|error| refused(&error))?;
        let (message, jobs, duplicates) = (accepted.message, accepted.jobs, accepted.duplicates);
        info!(message, jobs, duplicates, "mail taken");
        self.0.happenings.tell(Happening::MailIn { message, from: new.mail_from, jobs, duplicates });
        self.0.job_due.notify_waiters();
        self.0.job_due.notify_one();
        self.0.mail_due.notify_one();
        let copies = if duplicates > 0 { format!(", {duplicates} sent before") } else { String::new() };
        Ok(Reply::new(250, "2.0.0", format!("kept as message {message}: {jobs} to fax{copies}")))
    }
}

impl GatewayIntake {
    fn is_postmaster(&self, address: &str) -> bool {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let ours = domain.is_empty() || self.0.config.domains.contains(&domain.to_lowercase());
        local.eq_ignore_ascii_case("postmaster") && ours
    }

    fn message(&self, envelope: Envelope, raw: Vec<u8>) -> Result<NewMessage, Reply> {
        let headers = Headers::of(&raw);
        if headers.hops > MOST_HOPS {
            warn!(hops = headers.hops, "mail loop");
            return Err(Reply::new(554, "5.4.6", "too many hops; this looks like a mail loop"));
        }
        let (postmasters, faxes): (Vec<_>, Vec<_>) =
            envelope.recipients.iter().partition(|recipient| self.is_postmaster(&recipient.address));
        let passed_on = postmasters.first().map(|_| NewMail {
            kind: MailKind::Passed,
            mail_from: envelope.from.clone(),
            recipient: self.0.config.onramp.mailbox.to_string(),
            raw: raw.clone(),
        });
        Ok(NewMessage {
            recipients: faxes.into_iter().flat_map(recipients).collect(),
            passed_on: passed_on.into_iter().collect(),
            mail_from: envelope.from,
            envelope_id: envelope.envelope_id,
            return_full: envelope.return_full,
            message_id: headers.message_id,
            mdn_to: headers.mdn_to,
            peer: envelope.peer,
            raw,
        })
    }
}

/// One recipient for each subaddress, RFC 3192 3.
fn recipients(recipient: &Recipient) -> Vec<NewRecipient> {
    let Ok(fax) = FaxAddress::parse(&recipient.address) else { return vec![] };
    let subaddresses = if fax.subaddresses.is_empty() { vec![String::new()] } else { fax.subaddresses };
    let one = |subaddress| NewRecipient {
        address: recipient.address.clone(),
        orcpt: recipient.orcpt.clone(),
        notify: recipient.notify,
        number: fax.number.to_string(),
        subaddress,
    };
    subaddresses.into_iter().map(one).collect()
}

/// What is wanted of a message's headers; its recipients are not.
struct Headers {
    message_id: Option<String>,
    mdn_to: Option<String>,
    hops: usize,
}

impl Headers {
    fn of(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse_headers(raw) else {
            return Self { message_id: None, mdn_to: None, hops: 0 };
        };
        let asks = |header: &&Header<'_>| header.name().eq_ignore_ascii_case("Disposition-Notification-To");
        let mdn_to = message.headers().iter().find(asks).and_then(|header| one_address(header.value()));
        Self { message_id: message.message_id().map(str::to_owned), mdn_to, hops: message.received_all().count() }
    }
}

/// The address of a field that has exactly one: of several, which should be asked? RFC 8098 2.1.
fn one_address(value: &HeaderValue<'_>) -> Option<String> {
    match value {
        HeaderValue::Address(addresses) if addresses.iter().count() == 1 => {
            addresses.first()?.address().map(str::to_owned)
        }
        HeaderValue::Text(text) => {
            let text = text.trim();
            let bare =
                text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(inside, _)| inside);
            (!bare.contains(',') && bare.contains('@')).then(|| bare.to_owned())
        }
        _ => None,
    }
}

fn refusal(error: &AddressError) -> Reply {
    let status = match error {
        AddressError::NotFax(_) => "5.1.1",
        _ => "5.1.3",
    };
    Reply::new(550, status, error.to_string())
}

fn refused(error: &StoreError) -> Reply {
    error!(%error, "mail cannot be kept");
    match error {
        StoreError::Full(_) => Reply::new(452, "4.3.1", "no room to keep the message; try again later"),
        _ => Reply::new(451, "4.3.0", "the message cannot be kept now; try again later"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_who_is_to_be_told_and_how_often_a_mail_was_passed_on() {
        let raw = b"Received: from a by b; Sun, 22 Nov 2026 05:00:00 +0000\r\nReceived: from c by d; Sun, 22 Nov 2026 05:00:00 +0000\r\n\
            Message-ID: <x@y>\r\nDisposition-Notification-To: A Clerk <a@b.example>\r\n\r\nbody";
        let headers = Headers::of(raw);
        assert_eq!(headers.mdn_to.as_deref(), Some("a@b.example"));
        assert_eq!(headers.message_id.as_deref(), Some("x@y"));
        assert_eq!(headers.hops, 2);
        assert_eq!(Headers::of(b"Disposition-Notification-To: a@b.example, c@d.example\r\n\r\n").mdn_to, None);
    }
}
