//! A folder whose messages are taken: for programs that write files rather than speak SMTP.
//!
//! ```text
//!  DIR/NAME.eml ─▶ recipients of its trace or header fields ─▶ store ─▶ DIR/done/NAME.eml
//!                                                         └─▶ DIR/refused/NAME.eml and NAME.why
//! ```
//!
//! A file is looked at when its name ends in `.eml`, so write under another name and rename. There is no envelope: the
//! recipients are those of this gateway in the fields that a delivery writes (`Envelope-To`, `X-Original-To`,
//! `Delivered-To`) or else in To, Cc and Bcc, and a message that was taken before is dropped for all of them, RFC 4161 2.1.2.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use mail_parser::{Address, HeaderValue, Message, MessageParser};
use tracing::{error, info, warn};

use super::{Shared, intake::Incoming};
use crate::{
    authorise::Bearer,
    smtp::{Client, Envelope, Recipient},
};

/// Who writes into the folder is somebody of this machine.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) async fn work(shared: Arc<Shared>) {
    let folder = shared.config.spool.dir.clone();
    for place in ["done", "refused"] {
        if let Err(error) = fs::create_dir_all(folder.join(place)) {
            return error!(%error, folder = %folder.display(), "spool.dir cannot be used; nothing is taken from it");
        }
    }
    while !shared.stopping() {
        for file in messages(&folder) {
            match take(&shared, &file).await {
                Ok(()) => {}
                Err(error) => warn!(%error, file = %file.display(), "a spooled message stays where it is"),
            }
        }
        shared.rest(&tokio::sync::Notify::new(), None).await;
    }
}

fn messages(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "eml") && file.is_file());
    files.sort();
    files
}

async fn take(shared: &Shared, file: &Path) -> io::Result<()> {
    let most = shared.config.smtp.max_message_bytes as u64;
    if fs::metadata(file)?.len() > most {
        return refuse(file, &format!("it is longer than smtp.max_message_bytes = {most}"));
    }
    let raw = fs::read(file)?;
    let (recipients, from) = addressed(&raw, &shared.config.domains);
    if recipients.is_empty() {
        return refuse(file, "it names no address of this gateway; write To: FAX=+NUMBER@gateway");
    }
    let bearer = Bearer { peer: Some(HERE), user: None, from: &from };
    for recipient in &recipients {
        if let Err(refusal) = shared.admit(&bearer, recipient).await {
            return refuse(file, &refusal.to_string());
        }
    }
    let recipient = |address: String| Recipient { address, ..Recipient::default() };
    let envelope = Envelope {
        client: Client { peer: HERE, user: None },
        from,
        envelope_id: None,
        return_full: false,
        hold_s: 0,
        recipients: recipients.into_iter().map(recipient).collect(),
    };
    match shared.take(Incoming { envelope, raw, with_envelope: false, peer: "spool".into() }).await {
        Ok(accepted) => {
            info!(message = accepted.message, file = %file.display(), "spooled message taken");
            put(file, "done")
        }
        Err(reply) if reply.code >= 500 => refuse(file, &reply.text),
        Err(reply) => Err(io::Error::other(reply.text)),
    }
}

fn refuse(file: &Path, why: &str) -> io::Result<()> {
    warn!(file = %file.display(), why, "a spooled message is refused");
    put(file, "refused")?;
    let name = file.with_extension("why");
    let folder = file.parent().unwrap_or(Path::new("")).join("refused");
    fs::write(folder.join(name.file_name().unwrap_or_default()), format!("{why}\n"))
}

fn put(file: &Path, place: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("")).join(place);
    fs::rename(file, folder.join(file.file_name().unwrap_or_default()))
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
