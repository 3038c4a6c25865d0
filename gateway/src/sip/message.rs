//! SIP messages: a reader that takes what real machines write, and a writer that is exact. RFC 3261 7 and 25.

use std::fmt;

/// Header fields of a message at most.
const MOST_HEADERS: usize = 200;

/// The longest message that is read from a stream.
pub const LONGEST: usize = 65_536;

/// Names of one letter and what they stand for, RFC 3261 7.3.3, RFC 4028 and RFC 3841.
const COMPACT: [(&str, &str); 14] = [
    ("a", "Accept-Contact"),
    ("c", "Content-Type"),
    ("e", "Content-Encoding"),
    ("f", "From"),
    ("i", "Call-ID"),
    ("k", "Supported"),
    ("l", "Content-Length"),
    ("m", "Contact"),
    ("o", "Event"),
    ("r", "Refer-To"),
    ("s", "Subject"),
    ("t", "To"),
    ("v", "Via"),
    ("x", "Session-Expires"),
];

/// The first line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A request.
    Request {
        /// `INVITE` and its like.
        method: String,
        /// To whom.
        uri: String,
    },
    /// A response.
    Response {
        /// From 100 to 699.
        status: u16,
        /// The same for people.
        reason: String,
    },
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its first line.
    pub start: Start,
    headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Message {
    /// An empty request.
    pub fn request(method: &str, uri: &str) -> Self {
        let start = Start::Request { method: method.to_owned(), uri: uri.to_owned() };
        Self { start, headers: vec![], body: vec![] }
    }

    /// A response to a request, with all that it repeats of it.
    pub fn response(request: &Self, status: u16, reason: &str) -> Self {
        let start = Start::Response { status, reason: reason.to_owned() };
        let repeated = ["Via", "From", "To", "Call-ID", "CSeq", "Timestamp"];
        let is_repeated = |name: &str| repeated.iter().any(|each| each.eq_ignore_ascii_case(name));
        let routes = |name: &str| status < 300 && name.eq_ignore_ascii_case("Record-Route");
        let headers = request.headers.iter().filter(|(name, _)| is_repeated(name) || routes(name)).cloned().collect();
        Self { start, headers, body: vec![] }
    }

    /// Reads a datagram; none if it is no SIP.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let (head, body) = split(octets);
        let mut message = Self::read_head(head)?;
        // A length that is wrong is no reason to lose a call: the datagram has an end of its own.
        let length = message.number("Content-Length").map_or(body.len(), |length| (length as usize).min(body.len()));
        message.body = body[..length].to_vec();
        Some(message)
    }

    fn read_head(head: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
        let start = Start::read(lines.next()?)?;
        let mut headers: Vec<(String, String)> = vec![];
        for line in lines.take(MOST_HEADERS) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    *value = format!("{value} {}", plain(line));
                }
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((whole_name(name.trim()), plain(value)));
            }
        }
        Some(Self { start, headers, body: vec![] })
    }

    /// Takes the first message of a stream out of it: that message if it could be read. `Ok(None)` means that more has to
    /// come, and an error that the stream is no SIP.
    pub fn take(stream: &mut Vec<u8>) -> Result<Option<Self>, NotSip> {
        // Line ends between messages keep a connection alive, RFC 5626 4.4.1.
        let blank = stream.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        stream.drain(..blank);
        let Some(head) = head_length(stream) else {
            return if stream.len() > LONGEST { Err(NotSip) } else { Ok(None) };
        };
        let message = Self::read_head(&stream[..head]).ok_or(NotSip)?;
        let length = message.number("Content-Length").unwrap_or(0);
        let end = usize::try_from(length).ok().and_then(|length| head.checked_add(length)).ok_or(NotSip)?;
        if end > LONGEST {
            return Err(NotSip);
        }
        if stream.len() < end {
            return Ok(None);
        }
        let body = stream[head..end].to_vec();
        stream.drain(..end);
        Ok(Some(Self { body, ..message }))
    }

    /// The first header field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All header fields of that name, as lines.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All values of header fields of that name, those in one line taken apart at its commas.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(apart).map(str::to_owned).collect()
    }

    /// Whether a list such as `Supported` has that word.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.all(name).flat_map(|value| value.split(',')).any(|each| each.trim().eq_ignore_ascii_case(word))
    }

    /// The number that a header field begins with.
    pub fn number(&self, name: &str) -> Option<u64> {
        let value = self.header(name)?;
        let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
        value[..end].parse().ok()
    }

    /// Adds a header field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a header field if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Writes a header field anew, wherever it was.
    pub fn set(&mut self, name: &str, value: impl fmt::Display) {
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value.to_string(),
            None => self.headers.push((name.to_owned(), value.to_string())),
        }
    }

    /// Puts a header field before all others.
    pub fn put_first(&mut self, name: &str, value: impl fmt::Display) {
        self.headers.insert(0, (name.to_owned(), value.to_string()));
    }

    /// Leaves header fields out.
    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Adds a body.
    #[must_use]
    pub fn with_body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("Content-Type", kind)
    }

    /// The method of a request, or the one that a response answers.
    pub fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => self.header("CSeq").and_then(|it| it.split_whitespace().nth(1)).unwrap_or(""),
        }
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Response { status, .. } => Some(status),
            Start::Request { .. } => None,
        }
    }

    /// The number of its request in the dialog.
    pub fn sequence(&self) -> Option<u32> {
        self.number("CSeq").and_then(|number| u32::try_from(number).ok())
    }

    /// The tag of `From` or `To`.
    pub fn tag(&self, name: &str) -> Option<&str> {
        parameter(self.header(name)?, "tag")
    }

    /// The branch of the first `Via`.
    pub fn branch(&self) -> Option<&str> {
        parameter(apart(self.header("Via")?).next()?, "branch")
    }

    /// The session description in it, if there is one: the whole body, or a part of several.
    pub fn description(&self) -> Option<&[u8]> {
        let kind = self.header("Content-Type").unwrap_or("application/sdp").to_ascii_lowercase();
        if self.body.is_empty() || !(kind.contains("sdp") || kind.contains("multipart")) {
            return None;
        }
        if kind.contains("sdp") {
            return Some(&self.body);
        }
        let text = std::str::from_utf8(&self.body).ok()?;
        let boundary = parameter(self.header("Content-Type")?, "boundary")?.trim_matches('"').to_owned();
        let part = text.split(&format!("--{boundary}")).find(|part| part.to_ascii_lowercase().contains("/sdp"))?;
        Some(split(part.trim_start().as_bytes()).1)
    }

    /// Octets as they go.
    pub fn write(&self) -> Vec<u8> {
        self.to_string().into_bytes().into_iter().chain(self.body.iter().copied()).collect()
    }
}

/// What came on a stream is no SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSip;

impl Start {
    fn read(line: &str) -> Option<Self> {
        let (first, rest) = line.trim().split_once(char::is_whitespace)?;
        if first.to_ascii_uppercase().starts_with("SIP/") {
            let (status, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
            let status = status.parse().ok().filter(|status| (100..=699).contains(status))?;
            return Some(Self::Response { status, reason: reason.to_owned() });
        }
        let (uri, version) = rest.trim().split_once(char::is_whitespace)?;
        let is_sip = version.trim().to_ascii_uppercase().starts_with("SIP/");
        is_sip.then(|| Self::Request { method: first.to_ascii_uppercase(), uri: uri.to_owned() })
    }
}

impl fmt::Display for Message {
    /// All but the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.start {
            Start::Request { method, uri } => write!(f, "{method} {uri} SIP/2.0\r\n")?,
            Start::Response { status, reason } => write!(f, "SIP/2.0 {status} {reason}\r\n")?,
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length")) {
            write!(f, "{name}: {value}\r\n")?;
        }
        write!(f, "Content-Length: {}\r\n\r\n", self.body.len())
    }
}

/// A value without what would end its line when it is written again.
fn plain(value: &str) -> String {
    value.trim().replace(|letter: char| letter.is_control() && letter != '\t', " ")
}

fn whole_name(name: &str) -> String {
    let whole = COMPACT.iter().find(|(letter, _)| letter.eq_ignore_ascii_case(name));
    whole.map_or_else(|| name.to_owned(), |(_, whole)| (*whole).to_owned())
}

/// Octets up to and with the empty line.
fn head_length(octets: &[u8]) -> Option<usize> {
    let ends = |end: &[u8]| octets.windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    [ends(b"\r\n\r\n"), ends(b"\n\n")].into_iter().flatten().min()
}

fn split(octets: &[u8]) -> (&[u8], &[u8]) {
    let blank = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let octets = &octets[blank..];
    octets.split_at(head_length(octets).unwrap_or(octets.len()))
}

/// A header field's values, apart at commas that are in no quotes and no brackets.
pub(crate) fn apart(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    let at_comma = move |letter: char| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            ',' => return !quoted && !bracketed,
            _ => {}
        }
        false
    };
    value.split(at_comma).map(str::trim).filter(|each| !each.is_empty())
}

/// The value of a parameter after a semicolon, outside angle brackets.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let parameters = value.rsplit_once('>').map_or(value, |(_, after)| after);
    parameters.split(';').skip(usize::from(!value.contains('>'))).find_map(|each| {
        let (known, value) = each.split_once('=').unwrap_or((each, ""));
        known.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nf: \"A, B\" <sip:c@d>;tag=1\r\n\
                           t: <sip:a@b>\r\ni: x\r\nCSeq: 7 OPTIONS\r\nSubject: one\r\n two\r\nl: 2\r\n\r\nabcd";

    #[test]
    fn compact_and_folded_headers_are_read() {
        let message = Message::read(OPTIONS.as_bytes()).unwrap();
        assert_eq!((message.method(), message.sequence(), message.branch()), ("OPTIONS", Some(7), Some("z9hG4bK1")));
        assert_eq!((message.tag("From"), message.tag("To")), (Some("1"), None));
        assert_eq!((message.header("Subject"), message.body.as_slice()), (Some("one two"), b"ab".as_slice()));
        let again = Message::read(&message.write()).unwrap();
        assert_eq!((again.to_string(), again.body), (message.to_string(), message.body));
    }

    #[test]
    fn bare_line_feeds_and_blank_lines_before_are_taken() {
        let message =
            Message::read(OPTIONS.replace('\r', "").replacen("OPTIONS", "\n\noptions", 1).as_bytes()).unwrap();
        assert_eq!((message.method(), message.body.as_slice()), ("OPTIONS", b"ab".as_slice()));
    }

    #[test]
    fn a_stream_is_cut_into_messages() {
        let mut stream = format!("\r\n\r\n{OPTIONS}").into_bytes();
        stream.truncate(stream.len() - 3);
        assert_eq!(Message::take(&mut stream), Ok(None));
        stream.extend(b"bOPTIONS");
        assert_eq!(Message::take(&mut stream).unwrap().unwrap().body, b"ab");
        assert_eq!(stream, b"OPTIONS");
        assert_eq!(Message::take(&mut vec![b'x'; LONGEST + 1]), Err(NotSip));
        for length in [LONGEST as u64, u64::MAX] {
            let longer = OPTIONS.replace("l: 2", &format!("l: {length}"));
            assert_eq!(Message::take(&mut longer.into_bytes()), Err(NotSip), "{length}");
        }
    }

    #[test]
    fn values_are_taken_apart_outside_quotes_and_brackets() {
        let list: Vec<_> = apart("\"a, \\\"b\" <sip:x@y;p=1,2>;q=1, <sip:z@y>").collect();
        assert_eq!(list, ["\"a, \\\"b\" <sip:x@y;p=1,2>;q=1", "<sip:z@y>"]);
        assert_eq!(parameter(list[0], "q"), Some("1"));
        assert_eq!(parameter("sip:x@y;tag=5", "tag"), Some("5"));
        assert_eq!(parameter("<sip:x@y;tag=6>", "tag"), None);
    }

    #[test]
    fn octets_that_are_no_sip_are_no_message() {
        for octets in [&b""[..], b"\r\n", b"\0\0\0", b"SIP/2.0", b"SIP/2.0 99 low", b"GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(Message::read(octets), None);
        }
    }

    #[test]
    fn a_description_among_parts_is_found() {
        let body =
            "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--";
        let message = Message::request("INVITE", "sip:a@b").with_body("multipart/mixed;boundary=x", body);
        assert_eq!(message.description(), Some(&b"v=0\r\n"[..]));
    }
}
