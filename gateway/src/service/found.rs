//! Mail that is found, in a folder or a mailbox, rather than handed over: there is no envelope.
//!
//! The recipients are those of this gateway in the fields that a delivery writes (`Envelope-To`, `X-Original-To`,
//! `Delivered-To`) or else in To, Cc and Bcc, and a message that was taken before is dropped for all of them,
//! RFC 4161 2.1.2.

use std::net::{IpAddr, Ipv4Addr};

use mail_parser::{Address, HeaderValue, Message, MessageParser};
use tracing::info;

use super::{
    Shared,
    intake::{Headers, Incoming},
};
use crate::{
    authorise::Bearer,
    ifax::address::FaxAddress,
    smtp::{Client, Envelope, Recipient},
    store::{MailKind, NewMail, Untold, now},
};

/// What became of it.
pub(super) enum Found {
    /// It is in the store.
    Taken,
    /// It never will be; why, for people.
    Refused(String),
    /// Not now; why, for people.
    Later(String),
}

/// Takes a message; `from_where` is none when anybody could have put it there.
pub(super) async fn take(shared: &Shared, raw: Vec<u8>, from_where: Option<IpAddr>, place: &str) -> Found {
    let (recipients, from) = addressed(&raw, &shared.config.domains);
    if recipients.is_empty() {
        return Found::Refused("it names no address of this gateway; write To: FAX=+NUMBER@gateway".into());
    }
    let bearer = Bearer { peer: from_where, user: None, from: &from, origin: None };
    for recipient in &recipients {
        if let Err(refusal) = shared.admit(&bearer, recipient).await {
            return if refusal.passes() {
                Found::Later(refusal.to_string())
            } else {
                Found::Refused(refusal.to_string())
            };
        }
    }
    let recipient = |address: String| Recipient { address, ..Recipient::default() };
    let envelope = Envelope {
        client: Client { peer: from_where.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), user: None },
        from,
        envelope_id: None,
        return_full: false,
        hold_s: 0,
        recipients: recipients.into_iter().map(recipient).collect(),
    };
    let incoming = Incoming { envelope, raw, with_envelope: false, from_where, peer: place.into() };
    match shared.take(incoming).await {
        Ok(accepted) => {
            info!(message = accepted.message, place, "a message that was found is taken");
            Found::Taken
        }
        Err(reply) if reply.code >= 500 => Found::Refused(reply.text),
        Err(reply) => Found::Later(reply.text),
    }
}

/// The notice to the sender of a message that was refused when only its headers were there; none where the sender may not have
/// faxes sent, since then anybody may have written its name, or is not to be told.
pub(super) async fn refused(shared: &Shared, head: &[u8], why: &str) -> Option<NewMail> {
    let (recipients, from) = addressed(head, &shared.config.domains);
    let recipient = recipients.into_iter().next()?;
    let bearer = Bearer { peer: None, user: None, from: &from, origin: None };
    shared.admit(&bearer, &recipient).await.ok()?;
    let headers = Headers::of(head);
    let number = FaxAddress::parse_at(&recipient, &shared.config.offramp.dial).ok()?.number.to_string();
    let job = Untold {
        recipient,
        number,
        state: "failed".into(),
        status: "5.3.4".into(),
        said: Some(why.into()),
        mail_from: from.clone(),
        message_id: headers.message_id,
        mdn_to: headers.mdn_to,
        is_notice: i64::from(headers.is_notice),
        received_at: now(),
        // No job has this number, so that the notice's name is its own.
        id: -now(),
        raw: head.into(),
        ..Untold::default()
    };
    let (_, notice) = shared.writer().write(&[job], None).notices.pop()?;
    Some(NewMail { kind: MailKind::Passed, ..notice })
}

/// The recipients of this gateway, each once, and the return path.
fn addressed(raw: &[u8], domains: &[String]) -> (Vec<String>, String) {
    let Some(message) = MessageParser::default().parse_headers(raw) else { return (vec![], String::new()) };
    let traced: Vec<_> =
        ["Envelope-To", "X-Original-To", "Delivered-To"].iter().flat_map(|name| field(&message, name)).collect();
    let named = || [message.to(), message.cc(), message.bcc()].into_iter().flatten().flat_map(addresses).collect();
    let mut found: Vec<String> = if traced.is_empty() { named() } else { traced };
    let ours =
        |address: &String| address.rsplit_once('@').is_some_and(|(_, domain)| domains.contains(&domain.to_lowercase()));
    found.retain(ours);
    let mut seen = std::collections::HashSet::new();
    found.retain(|address| seen.insert(address.clone()));
    let from = match field(&message, "Return-Path").into_iter().next() {
        Some(path) => path,
        None => message.from().into_iter().flat_map(addresses).next().unwrap_or_default(),
    };
    (found, from)
}

fn addresses(list: &Address<'_>) -> Vec<String> {
    list.iter().filter_map(|one| one.address().map(str::to_owned)).collect()
}

/// All addresses in all fields of that name.
fn field(message: &Message<'_>, name: &str) -> Vec<String> {
    let values = message.headers().iter().filter(|header| header.name().eq_ignore_ascii_case(name));
    let texts = values.flat_map(|header| match header.value() {
        HeaderValue::Address(list) => addresses(list),
        HeaderValue::Text(text) => text.split(',').map(str::to_owned).collect(),
        HeaderValue::TextList(texts) => texts.iter().map(|text| text.to_string()).collect(),
        _ => vec![],
    });
    texts.map(|text| text.trim().trim_matches(['<', '>']).to_owned()).filter(|text| text.contains('@')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_s_fields_go_before_those_of_the_writer() {
        let domains = ["gw.example".to_owned()];
        let named = b"From: Me <me@x.example>\r\nTo: Fax <FAX=+1555@gw.example>, you@y.example\r\nCc: FAX=+1556@gw.example\r\n\r\n";
        let expected = vec!["FAX=+1555@gw.example".to_owned(), "FAX=+1556@gw.example".to_owned()];
        assert_eq!(addressed(named, &domains), (expected, "me@x.example".to_owned()));
        let traced = b"Return-Path: <back@x.example>\r\nDelivered-To: FAX=+1557@gw.example\r\nTo: FAX=+1555@gw.example\r\nFrom: me@x.example\r\n\r\n";
        let expected = vec!["FAX=+1557@gw.example".to_owned()];
        assert_eq!(addressed(traced, &domains), (expected, "back@x.example".to_owned()));
        assert!(addressed(b"To: you@y.example\r\n\r\n", &domains).0.is_empty());
    }
}
