//! A message as seals see it: the fields of its envelope, and the entity they are about, octet by octet.

use mail_parser::{MessageParser, MimeHeaders};

/// A message cut into what stays and what is signed or sealed.
pub(super) struct Entity<'a> {
    /// All of it.
    raw: &'a [u8],
    /// Type, subtype and attributes, in small letters but for values.
    kind: (String, String),
    attributes: Vec<(String, String)>,
    /// Where the body begins.
    body: usize,
}

impl<'a> Entity<'a> {
    pub(super) fn of(raw: &'a [u8]) -> Self {
        let parsed = MessageParser::default().parse_headers(raw);
        let content = parsed.as_ref().and_then(|message| message.content_type());
        let kind = content.map_or_else(Default::default, |content| {
            (content.ctype().to_lowercase(), content.subtype().unwrap_or_default().to_lowercase())
        });
        let attributes = content.and_then(|content| content.attributes()).unwrap_or_default();
        let attributes = attributes.iter().map(|one| (one.name.to_lowercase(), one.value.to_string())).collect();
        let body = blank_line(raw).map_or(raw.len(), |(_, after)| after);
        Self { raw, kind, attributes, body }
    }

    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.0 == kind && self.kind.1 == subtype
    }

    /// An opaque S/MIME entity of that type; where the type is not said, what is named so is sealed.
    pub(super) fn is_smime(&self, kind: &str) -> bool {
        let opaque = self.is("application", "pkcs7-mime") || self.is("application", "x-pkcs7-mime");
        opaque && self.attribute("smime-type").as_deref().unwrap_or("enveloped-data").eq_ignore_ascii_case(kind)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// The parts of a multipart entity as they were sent, each with its fields and without the line end before the boundary.
    pub(super) fn parts(&self) -> Vec<&'a [u8]> {
        let Some(boundary) = self.attribute("boundary") else { return vec![] };
        let (mark, body) = (format!("--{boundary}"), &self.raw[self.body..]);
        let (mut parts, mut begun, mut at) = (vec![], None, 0);
        for line in body.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(mark.as_bytes()) {
                if let Some(begin) = begun {
                    parts.push(without_end(&body[begin..at]));
                }
                begun = Some(at + line.len());
            }
            at += line.len();
        }
        parts
    }

    /// The entity itself: the fields about its content, and its body.
    pub(super) fn content(&self) -> Vec<u8> {
        let mut content = self.fields(true);
        content.extend_from_slice(b"\r\n");
        content.extend_from_slice(&self.raw[self.body..]);
        content
    }

    /// The message with another entity in the place of its own.
    pub(super) fn with_content(&self, content: &[u8]) -> Vec<u8> {
        [&self.fields(false), content].concat()
    }

    /// The fields that are about the content, or the others.
    fn fields(&self, of_content: bool) -> Vec<u8> {
        let head = blank_line(self.raw).map_or(self.raw, |(before, _)| &self.raw[..before]);
        let (mut fields, mut wanted) = (vec![], false);
        for line in head.split_inclusive(|octet| *octet == b'\n') {
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                wanted = line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-")) == of_content;
            }
            if wanted {
                fields.extend_from_slice(line);
            }
        }
        fields
    }
}

/// Where the fields end and where the body begins.
fn blank_line(raw: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    for line in raw.split_inclusive(|octet| *octet == b'\n') {
        if line == b"\r\n" || line == b"\n" {
            return Some((at, at + line.len()));
        }
        at += line.len();
    }
    None
}

fn without_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}
