//! What is told of the mail of a received fax: delivery status notifications, RFC 3464, and disposition notifications,
//! RFC 8098.

use mail_parser::{Message, MimeHeaders};

use super::message::fax_of;
use crate::render;

/// One thing that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The fax.
    pub fax: i64,
    /// When it began, milliseconds since 1970: who knows that has seen the mail.
    pub begun_at: i64,
    /// Of which recipient; none: of all.
    pub recipient: Option<String>,
    /// `delivered`, `relayed`, `expanded`, `delayed` or `failed`; or what a disposition says: `displayed`, `processed`...
    pub said: String,
    /// Media-Accept-Features, RFC 2530.
    pub accepts: Option<String>,
    /// The fields that are for programs, of this recipient.
    pub codes: String,
    /// What is for people, at most [`MOST_WORDS`] octets of it.
    pub words: String,
}

/// So much of what is for people is kept.
pub const MOST_WORDS: usize = 4000;
/// Recipients of one report that are read: a fax's mail has one, and a list of people behind that may tell of each.
const MOST_RECIPIENTS: usize = 100;

/// Everything a report tells of faxes of ours; nothing when it is none.
pub fn replies(raw: &[u8]) -> Vec<Reply> {
    let Some(message) = render::read(raw) else { return vec![] };
    let parts = || message.parts.iter();
    let is = |kind: &str, part: &&mail_parser::MessagePart<'_>| part.is_content_type("message", kind);
    let status = parts().find(|part| is("delivery-status", part));
    let disposition = parts().find(|part| is("disposition-notification", part));
    let replies = match (status, disposition) {
        (Some(part), _) => delivery(&text(part.contents()), returned_id(&message)),
        (None, Some(part)) => read(&text(part.contents())),
        (None, None) => vec![],
    };
    let words = message.body_text(0).unwrap_or_default();
    let words: String = words.char_indices().take_while(|(at, _)| *at < MOST_WORDS).map(|(_, c)| c).collect();
    replies.into_iter().map(|reply| Reply { words: words.clone(), ..reply }).collect()
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
        value.push(' ');
        value.push_str(more.trim());
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
        let said = word(&field(group, "Action")?);
        let recipient = field(group, "Original-Recipient").or_else(|| field(group, "Final-Recipient"));
        Some(Reply { recipient: recipient.as_deref().and_then(address), said, ..reply_of(fax, begun_at, group) })
    };
    groups.filter_map(reply).take(MOST_RECIPIENTS).collect()
}

fn read(text: &str) -> Vec<Reply> {
    let id = field(text, "Original-Message-ID");
    let (Some((fax, begun_at)), Some(disposition)) = (id.as_deref().and_then(fax_of), field(text, "Disposition"))
    else {
        return vec![];
    };
    // RFC 3297 6.2 has a comma where RFC 8098 3.2.6 has a semicolon.
    let said = disposition.split_once([';', ',']).map_or(disposition.as_str(), |(_, said)| said);
    let said = word(said);
    let recipient = field(text, "Original-Recipient").or_else(|| field(text, "Final-Recipient"));
    vec![Reply { recipient: recipient.as_deref().and_then(address), said, ..reply_of(fax, begun_at, text) }]
}

/// What is said, as it is kept: in small letters, and no longer than what is known to be said.
fn word(said: &str) -> String {
    said.split_whitespace().collect::<String>().to_lowercase().chars().take(60).collect()
}

/// What fields say besides.
fn reply_of(fax: i64, begun_at: i64, group: &str) -> Reply {
    let codes = group.lines().take(40).map(|line| line.chars().take(200).collect::<String>() + "\n").collect();
    let accepts = field(group, "Media-Accept-Features");
    Reply { fax, begun_at, accepts, codes, ..Reply::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_and_reading_are_matched_to_the_fax() {
        let dsn = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt went well.\r\n\
            --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\nOriginal-Envelope-Id: fax.5.17@gw\r\n\r\n\
            Final-Recipient: rfc822; office@x.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n--b--\r\n";
        let is = |replies: Vec<Reply>, said: &str, words: &str| {
            let [reply] = &replies[..] else { panic!("{replies:?}") };
            assert_eq!((reply.fax, reply.begun_at, reply.recipient.as_deref()), (5, 17, Some("office@x.example")));
            assert_eq!((reply.said.as_str(), reply.words.trim()), (said, words));
        };
        is(replies(dsn), "delivered", "It went well.");
        assert!(replies(dsn)[0].codes.contains("Status: 2.0.0"));
        let mdn = b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\r\nSeen.\r\n\
            --b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;\r\n office@x.example\r\n\
            Original-Message-ID: <fax.5.17@gw>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n";
        is(replies(mdn), "displayed", "Seen.");
        let other = String::from_utf8(mdn.to_vec()).unwrap().replace(
            "manual-action/MDN-sent-manually; displayed",
            "automatic-action/MDN-sent-automatically,\r\n deleted/Alternative-Preferred\r\nMedia-Accept-Features: (& (dpi=200)\r\n (color=Binary))",
        );
        is(replies(other.as_bytes()), "deleted/alternative-preferred", "Seen.");
        assert_eq!(replies(other.as_bytes())[0].accepts.as_deref(), Some("(& (dpi=200) (color=Binary))"));
        assert_eq!(fax_of("fax.5.17.2@gw"), Some((5, 17)));
        let long =
            String::from_utf8(dsn.to_vec()).unwrap().replace("Action:", "\r\nAction: failed\r\n".repeat(300).as_str());
        assert_eq!(replies(long.as_bytes()).len(), MOST_RECIPIENTS);
        assert!(replies(b"Subject: nothing\r\n\r\nof the kind").is_empty());
        assert_eq!((fax_of("<fax.5.17@gw>"), fax_of("fax.x.17@gw"), fax_of("a@b")), (Some((5, 17)), None, None));
    }
}
