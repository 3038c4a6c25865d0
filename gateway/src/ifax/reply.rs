//! What is told of the mail of a received fax: delivery status notifications, RFC 3464, and disposition notifications,
//! RFC 8098.

use mail_parser::{Message, MessageParser, MimeHeaders};

use super::message::fax_of;

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The fax.
    pub fax: i64,
    /// When it began, milliseconds since 1970: who knows that has seen the mail.
    pub begun_at: i64,
    /// Of which recipient; none: of all.
    pub recipient: Option<String>,
    /// `delivered`, `relayed`, `expanded`, `delayed` or `failed`; or what a disposition says: `displayed`, `processed`...
    pub said: String,
}

/// Everything a report tells of faxes of ours; nothing when it is none.
pub fn replies(raw: &[u8]) -> Vec<Reply> {
    let Some(message) = MessageParser::default().parse(raw) else { return vec![] };
    let parts = || message.parts.iter();
    let is = |kind: &str, part: &&mail_parser::MessagePart<'_>| part.is_content_type("message", kind);
    let status = parts().find(|part| is("delivery-status", part));
    let disposition = parts().find(|part| is("disposition-notification", part));
    match (status, disposition) {
        (Some(part), _) => delivery(&text(part.contents()), returned_id(&message)),
        (None, Some(part)) => read(&text(part.contents())),
        (None, None) => vec![],
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).replace("\r\n", "\n")
}

/// The Message-ID in what is returned of the mail.
fn returned_id(message: &Message<'_>) -> Option<String> {
    let part = message
        .parts
        .iter()
        .rfind(|part| part.is_content_type("message", "rfc822") || part.is_content_type("text", "rfc822-headers"))?;
    field(&text(part.contents()), "Message-ID")
}

/// A field of a group, its value in one line.
fn field(group: &str, name: &str) -> Option<String> {
    let mut lines = group.lines().skip_while(|line| {
        line.get(..name.len()).is_none_or(|start| !start.eq_ignore_ascii_case(name))
            || line.as_bytes().get(name.len()) != Some(&b':')
    });
    let mut value = lines.next()?[name.len() + 1..].trim().to_owned();
    for more in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value = format!("{value} {}", more.trim());
    }
    Some(value)
}

/// The address in a field such as `rfc822; office@example.com`.
fn address(value: &str) -> Option<String> {
    let (_, address) = value.split_once(';')?;
    Some(address.trim().to_owned())
}

/// One reply for each recipient. The envelope's identifier is the Message-ID that we gave it.
fn delivery(text: &str, returned: Option<String>) -> Vec<Reply> {
    let mut groups = text.split("\n\n");
    let of_message = groups.next().unwrap_or_default();
    let id = field(of_message, "Original-Envelope-Id").filter(|id| fax_of(id).is_some()).or(returned);
    let Some((fax, begun_at)) = id.as_deref().and_then(fax_of) else { return vec![] };
    let reply = |group: &str| {
        let said = field(group, "Action")?.to_lowercase();
        let recipient = field(group, "Original-Recipient").or_else(|| field(group, "Final-Recipient"));
        Some(Reply { fax, begun_at, recipient: recipient.as_deref().and_then(address), said })
    };
    groups.filter_map(reply).collect()
}

fn read(text: &str) -> Vec<Reply> {
    let id = field(text, "Original-Message-ID");
    let (Some((fax, begun_at)), Some(disposition)) = (id.as_deref().and_then(fax_of), field(text, "Disposition"))
    else {
        return vec![];
    };
    let said = disposition.rsplit(';').next().unwrap_or_default().trim().to_lowercase();
    let recipient = field(text, "Original-Recipient").or_else(|| field(text, "Final-Recipient"));
    vec![Reply { fax, begun_at, recipient: recipient.as_deref().and_then(address), said }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_and_reading_are_matched_to_the_fax() {
        let dsn = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt went well.\r\n\
            --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\nOriginal-Envelope-Id: fax.5.17@gw\r\n\r\n\
            Final-Recipient: rfc822; office@x.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n--b--\r\n";
        let reply =
            |said: &str| Reply { fax: 5, begun_at: 17, recipient: Some("office@x.example".into()), said: said.into() };
        assert_eq!(replies(dsn), [reply("delivered")]);
        let mdn = b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\r\nSeen.\r\n\
            --b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;\r\n office@x.example\r\n\
            Original-Message-ID: <fax.5.17@gw>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n";
        assert_eq!(replies(mdn), [reply("displayed")]);
        assert!(replies(b"Subject: nothing\r\n\r\nof the kind").is_empty());
        assert_eq!((fax_of("<fax.5.17@gw>"), fax_of("fax.x.17@gw"), fax_of("a@b")), (Some((5, 17)), None, None));
    }
}
