//! What SMTP may bring, and how it gets into the store.

use std::{net::IpAddr, sync::Arc};

use mail_parser::{Header, HeaderValue, Message, MessageParser, MimeHeaders};
use sha2::{Digest, Sha256};
use tracing::{error, info, warn};

use super::{Happening, Shared, asking::Asking};
use crate::{
    authorise::{self, Bearer, Denied, LockOut, Proof, Refusal, origin::Origin},
    config::Purpose,
    hexadecimal::hexadecimal,
    ifax::{
        address::{AddressError, FaxAddress},
        negotiation,
        priority::Priority,
    },
    seal::{self, Opened, SealError},
    smtp::{Client, Envelope, Intake, Recipient, Reply},
    store::{MailKind, NewMail, NewMessage, NewRecipient, Replaced, StoreError, now},
};

/// More hops than these are a loop, RFC 5321 6.3.
const MOST_HOPS: usize = 50;

/// Limits of senders look back so far.
const DAY_MS: i64 = 86_400_000;

pub(super) struct GatewayIntake(pub(super) Arc<Shared>);

impl Intake for GatewayIntake {
    async fn authenticate(&self, client: &Client, user: &str, password: &str) -> Result<(), Reply> {
        let smtp = &self.0.config.smtp;
        let lock_out = LockOut { failures: smtp.login_failures, time: smtp.lock_out };
        match authorise::prove(&self.0.store, lock_out, user, password, Proof::Password).await {
            Ok(_) => Ok(()),
            Err(denied) => {
                warn!(peer = %client.peer, user, %denied, "login refused");
                let status = if matches!(denied, Denied::Store(_)) { (454, "4.7.0") } else { (535, "5.7.8") };
                Err(Reply::new(status.0, status.1, denied.to_string()))
            }
        }
    }

    fn sender(&self, _: &Client, _: &str) -> Result<(), Reply> {
        Ok(())
    }

    async fn recipient(&self, client: &Client, from: &str, recipient: &Recipient) -> Result<(), Reply> {
        if self.0.is_ours_to_read(&recipient.address) {
            return Ok(());
        }
        let bearer = Bearer { peer: Some(client.peer), user: client.user.as_deref(), from, origin: None };
        self.0.admit(&bearer, &recipient.address).await.map_err(Reply::from)
    }

    async fn deliver(&self, envelope: Envelope, raw: Vec<u8>) -> Result<Reply, Reply> {
        let for_us = envelope.recipients.iter().all(|recipient| self.0.takes_replies(&recipient.address));
        if for_us && self.0.noted(&raw).await.map_err(|error| refused(&error))? {
            return Ok(Reply::new(250, "2.0.0", "noted"));
        }
        let accepted = self.0.take(Incoming::by_smtp(envelope, raw)).await?;
        let (message, jobs, duplicates) = (accepted.message, accepted.jobs, accepted.duplicates);
        let copies = if duplicates > 0 { format!(", {duplicates} sent before") } else { String::new() };
        Ok(Reply::new(250, "2.0.0", format!("kept as message {message}: {jobs} to fax{copies}")))
    }
}

/// Why a recipient is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Number(#[from] crate::ifax::dial::NotDialled),
    #[error(transparent)]
    Sender(#[from] Refusal),
    #[error("{0} is not a domain of this gateway; its mail is not passed on here")]
    Elsewhere(String),
    #[error("no telephone line is configured for sending")]
    NoLine,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotTaken {
    /// Whether waiting helps.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Sender(refusal) => refusal.passes(),
            Self::NoLine | Self::Store(_) => true,
            Self::Address(_) | Self::Number(_) | Self::Elsewhere(_) => false,
        }
    }
}

impl From<NotTaken> for Reply {
    fn from(refusal: NotTaken) -> Self {
        let (code, status) = match &refusal {
            NotTaken::Address(AddressError::NotFax(_)) => (550, "5.1.1"),
            NotTaken::Address(_) => (550, "5.1.3"),
            NotTaken::Sender(refusal) if refusal.passes() => (450, "4.7.1"),
            NotTaken::Number(_) | NotTaken::Sender(_) | NotTaken::Elsewhere(_) => (550, "5.7.1"),
            NotTaken::NoLine => (451, "4.3.5"),
            NotTaken::Store(_) => (451, "4.3.0"),
        };
        Reply::new(code, status, refusal.to_string())
    }
}

/// A message on its way into the store.
pub(super) struct Incoming {
    pub(super) envelope: Envelope,
    pub(super) raw: Vec<u8>,
    /// Whether the recipients were told by an envelope.
    pub(super) with_envelope: bool,
    /// From where, as far as that says something of who sent it.
    pub(super) from_where: Option<IpAddr>,
    /// Who brought it, for the log.
    pub(super) peer: String,
}

impl Incoming {
    fn by_smtp(envelope: Envelope, raw: Vec<u8>) -> Self {
        Self {
            peer: envelope.client.peer.to_string(),
            from_where: Some(envelope.client.peer),
            envelope,
            raw,
            with_envelope: true,
        }
    }
}

impl Shared {
    pub(super) fn is_postmaster(&self, address: &str) -> bool {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let ours = domain.is_empty() || self.config.domains.contains(&domain.to_lowercase());
        local.eq_ignore_ascii_case("postmaster") && ours
    }

    /// Mail to people, or to the gateway itself.
    fn is_ours_to_read(&self, address: &str) -> bool {
        self.is_postmaster(address) || self.takes_replies(address)
    }

    /// Where what is told of received faxes' mails comes to.
    fn takes_replies(&self, address: &str) -> bool {
        let onramp = &self.config.onramp;
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let ours = self.config.domains.contains(&domain.to_lowercase());
        onramp.hears_replies() && ours && address.eq_ignore_ascii_case(onramp.from.as_str())
    }

    /// Whether that bearer may have a fax sent to that address.
    pub(super) async fn admit(&self, bearer: &Bearer<'_>, address: &str) -> Result<(), NotTaken> {
        let config = &self.config;
        let fax = FaxAddress::parse_at(address, &config.offramp.dial)?;
        if !config.domains.contains(&fax.domain) {
            return Err(NotTaken::Elsewhere(fax.domain));
        }
        let permit = authorise::permit(config, bearer, &fax.number)?;
        config.offramp.dial.judge(&fax.number)?;
        if config.lines.iter().all(|line| line.purpose == Purpose::Receive) {
            return Err(NotTaken::NoLine);
        }
        let since = now() - DAY_MS;
        let used = self.store.usage(&permit.account, since).await?;
        let known = self.store.has_called(&permit.account, &fax.number.to_string(), since).await?;
        Ok(authorise::within(&permit.account, &permit.quota, &used, !known)?)
    }

    /// Keeps a message whose recipients were admitted.
    pub(super) async fn take(&self, incoming: Incoming) -> Result<crate::store::Accepted, Reply> {
        let origin = self.origin(&incoming).await;
        let (incoming, signers) = self.opened(incoming).await?;
        let origin = Some(origin.unwrap_or_default().signed_by(signers));
        self.still_admitted(&incoming, origin.as_ref())?;
        let new = self.message(incoming, origin.as_ref())?;
        let accepted = self.store.accept(&new).await.map_err(|error| refused(&error))?;
        let (message, jobs, duplicates) = (accepted.message, accepted.jobs, accepted.duplicates);
        info!(message, jobs, duplicates, "mail taken");
        self.happenings.tell(Happening::MailIn { message, from: new.mail_from, jobs, duplicates });
        self.job_due.notify_waiters();
        self.job_due.notify_one();
        self.mail_due.notify_one();
        Ok(accepted)
    }

    /// Where it comes from, if that matters to anybody.
    async fn origin(&self, incoming: &Incoming) -> Option<Origin> {
        let origins = self.origins.as_ref()?;
        let from = &incoming.envelope.from;
        let origin = origins.find(&incoming.raw, from, incoming.from_where, &self.config.hostname).await;
        info!(from, ?origin, "where it comes from");
        Some(origin)
    }

    /// The message out of its seal, and who has signed it. DKIM is about the message as it came, so it was looked at before.
    async fn opened(&self, incoming: Incoming) -> Result<(Incoming, Vec<String>), Reply> {
        let (keys, raw) = (self.config.seal.clone(), incoming.raw.clone());
        let opened = tokio::task::spawn_blocking(move || seal::open(&keys, raw)).await;
        match opened {
            Ok(Ok(Opened { raw, signers })) => Ok((Incoming { raw, ..incoming }, signers)),
            Ok(Err(SealError::Closed(why))) => Err(Reply::new(554, "5.7.5", SealError::Closed(why).to_string())),
            Ok(Err(SealError::Program(why))) => Err(Reply::new(451, "4.7.5", why)),
            Err(error) => Err(Reply::new(451, "4.7.5", error.to_string())),
        }
    }

    /// Now that it is known where the message comes from.
    fn still_admitted(&self, incoming: &Incoming, origin: Option<&Origin>) -> Result<(), Reply> {
        let envelope = &incoming.envelope;
        let bearer =
            Bearer { peer: incoming.from_where, user: envelope.client.user.as_deref(), from: &envelope.from, origin };
        for recipient in &envelope.recipients {
            if let Ok(fax) = FaxAddress::parse_at(&recipient.address, &self.config.offramp.dial) {
                authorise::permit(&self.config, &bearer, &fax.number)
                    .map_err(|refusal| Reply::new(550, "5.7.1", refusal.to_string()))?;
            }
        }
        Ok(())
    }

    fn message(&self, incoming: Incoming, origin: Option<&Origin>) -> Result<NewMessage, Reply> {
        let Incoming { envelope, raw, with_envelope, from_where, peer } = incoming;
        let headers = Headers::of(&raw);
        if headers.hops > MOST_HOPS {
            warn!(hops = headers.hops, "mail loop");
            return Err(Reply::new(554, "5.4.6", "too many hops; this looks like a mail loop"));
        }
        let (postmasters, faxes): (Vec<_>, Vec<_>) =
            envelope.recipients.iter().partition(|recipient| self.is_ours_to_read(&recipient.address));
        let passed_on = postmasters.first().map(|_| NewMail {
            kind: MailKind::Passed,
            mail_from: envelope.from.clone(),
            recipient: self.config.onramp.mailbox.to_string(),
            raw: raw.clone(),
        });
        let (account, priority) = self.account(&envelope, from_where, origin, &faxes);
        let hold = i64::try_from(envelope.hold_s).unwrap_or(0).min(crate::smtp::LONGEST_HOLD_S);
        let asking = Asking::of(self, &headers, &envelope.from, &raw);
        let replaces = headers.replaces();
        let recipients = faxes.iter().flat_map(|recipient| self.recipients(recipient, asking.as_ref())).collect();
        Ok(NewMessage {
            recipients,
            passed_on: passed_on.into_iter().collect(),
            identity: Some(headers.message_id.clone().unwrap_or_else(|| digest(&raw))),
            without_envelope: !with_envelope,
            mail_from: envelope.from,
            envelope_id: envelope.envelope_id,
            return_full: envelope.return_full,
            message_id: headers.message_id,
            subject: headers.subject,
            mdn_to: headers.mdn_to,
            is_notice: headers.is_notice,
            account,
            // Nobody is more urgent than its permit says.
            priority: headers.priority.unwrap_or(priority).min(priority.max(Priority::Normal)),
            due_at: if hold > 0 { now() + hold * 1000 } else { 0 },
            replaces,
            peer,
            raw,
        })
    }

    /// The account and the priority of the first recipient's permit: all were admitted by the same table.
    fn account(
        &self,
        envelope: &Envelope,
        peer: Option<IpAddr>,
        origin: Option<&Origin>,
        faxes: &[&Recipient],
    ) -> (String, Priority) {
        let bearer = Bearer { peer, user: envelope.client.user.as_deref(), from: &envelope.from, origin };
        let first = faxes.first().and_then(|fax| FaxAddress::parse_at(&fax.address, &self.config.offramp.dial).ok());
        let permit = first.and_then(|fax| authorise::permit(&self.config, &bearer, &fax.number).ok());
        permit.map_or_else(Default::default, |permit| (permit.account, permit.priority))
    }

    /// One recipient for each subaddress, RFC 3192 3.
    fn recipients(&self, recipient: &Recipient, asking: Option<&Asking<'_>>) -> Vec<NewRecipient> {
        let Ok(fax) = FaxAddress::parse_at(&recipient.address, &self.config.offramp.dial) else { return vec![] };
        let subaddresses = if fax.subaddresses.is_empty() { vec![String::new()] } else { fax.subaddresses };
        let one = |subaddress| NewRecipient {
            address: recipient.address.clone(),
            orcpt: recipient.orcpt.clone(),
            notify: recipient.notify,
            number: fax.number.to_string(),
            subaddress,
            post_dial: fax.post_dial.clone(),
            first_asks: asking.and_then(|asking| asking.of_recipient(recipient, &fax.number.to_string())),
        };
        subaddresses.into_iter().map(one).collect()
    }
}

/// What is wanted of a message's headers; its recipients are not.
#[derive(Default)]
pub(super) struct Headers {
    pub(super) message_id: Option<String>,
    subject: String,
    pub(super) mdn_to: Option<String>,
    pub(super) is_notice: bool,
    /// Names of options of the request for a notice.
    pub(super) options: Vec<String>,
    /// The Message-ID of what this is another form of.
    pub(super) original: Option<String>,
    priority: Option<Priority>,
    hops: usize,
}

impl Headers {
    pub(super) fn of(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse_headers(raw) else { return Self::default() };
        let named = |name: &str| message.headers().iter().find(|header| header.name().eq_ignore_ascii_case(name));
        let options = named("Disposition-Notification-Options").and_then(|header| header.value().as_text());
        let options = options.map(negotiation::options).unwrap_or_default();
        let known = |name: &str| [negotiation::AVAILABLE, negotiation::NOT_AVAILABLE].contains(&name);
        let understood = options.iter().all(|option| !option.required || known(&option.name));
        let mdn_to = named("Disposition-Notification-To").and_then(|header| one_address(header.value()));
        Self {
            message_id: message.message_id().map(str::to_owned),
            subject: message.subject().unwrap_or_default().chars().filter(|c| !c.is_control()).take(500).collect(),
            // RFC 8098 2.2: what requires an option that is not known is not answered.
            mdn_to: mdn_to.filter(|_| understood),
            is_notice: is_report(&message),
            priority: message.headers().iter().find_map(priority),
            hops: message.received_all().count(),
            options: options.into_iter().map(|option| option.name).collect(),
            original: negotiation::original(&message),
        }
    }
}

impl Headers {
    fn replaces(&self) -> Option<Replaced> {
        let by_this = !self.options.iter().any(|name| name == negotiation::NOT_AVAILABLE);
        self.original.clone().map(|message_id| Replaced { message_id, by_this })
    }
}

/// RFC 8098 2.1: never a notice for a notice.
fn is_report(message: &Message<'_>) -> bool {
    let kind = message.content_type();
    kind.is_some_and(|kind| {
        let subtype = kind.subtype().unwrap_or_default().to_lowercase();
        let report = kind.ctype().eq_ignore_ascii_case("multipart") && subtype == "report";
        report || matches!(subtype.as_str(), "disposition-notification" | "delivery-status")
    })
}

fn priority(header: &Header<'_>) -> Option<Priority> {
    Priority::of_field(header.name(), header.value().as_text()?)
}

/// By what copies of a message without Message-ID are known: all of it but what its way here has added.
pub(super) fn digest(raw: &[u8]) -> String {
    let (head, body) = match raw.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(end) => raw.split_at(end),
        None => (raw, &[][..]),
    };
    let trace = ["received:", "return-path:", "delivered-to:", "x-original-to:", "envelope-to:"];
    let (mut sum, mut skipping) = (Sha256::new(), false);
    for line in head.split_inclusive(|c| *c == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name: Vec<u8> = line.iter().take(20).map(u8::to_ascii_lowercase).collect();
            skipping = trace.iter().any(|field| name.starts_with(field.as_bytes()));
        }
        if !skipping {
            sum.update(line);
        }
    }
    sum.update(body);
    format!("sha256:{}", hexadecimal(&sum.finalize()))
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
        let required =
            b"Disposition-Notification-To: a@b.example\r\nDisposition-Notification-Options: x=required,y\r\n\r\n";
        assert_eq!(Headers::of(required).mdn_to, None);
        let known = b"Disposition-Notification-To: a@b.example\r\nOriginal-Message-ID: <first@b>\r\n\
            Disposition-Notification-Options: Alternative-not-available=required,(TRUE)\r\n\r\n";
        let headers = Headers::of(known);
        assert!(headers.mdn_to.is_some());
        assert_eq!(headers.replaces(), Some(Replaced { message_id: "first@b".into(), by_this: false }));
        let report =
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\nX-Priority: 5\r\n\r\n";
        assert!(Headers::of(report).is_notice && Headers::of(report).priority == Some(Priority::Low));
    }

    #[test]
    fn copies_without_message_id_are_known_whatever_way_they_came() {
        let first = b"Received: from a\r\n\tby b\r\nSubject: x\r\n\r\nbody";
        let second = b"Return-Path: <q>\r\nReceived: from c\r\nSubject: x\r\n\r\nbody";
        assert_eq!(digest(first), digest(second));
        assert_ne!(digest(first), digest(b"Subject: x\r\n\r\nother"));
        assert_ne!(digest(first), digest(b"Subject: y\r\n\r\nbody"));
    }
}
