//! SDP as text: a reader that takes what real machines write, and a writer that is exact. RFC 8866.

use std::{fmt, net::IpAddr};

/// Lines read at most; no call needs a tenth.
const MOST_LINES: usize = 1000;

/// Media of a description at most.
const MOST_MEDIA: usize = 32;

/// A session description: as much of it as a call needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// What follows `o=`: who made it, and which version it is.
    pub origin: String,
    /// The address of media that give none.
    pub connection: Option<Host>,
    /// Attributes of all media.
    pub attributes: Vec<Attribute>,
    /// The media, in order: an answer has as many.
    pub media: Vec<Media>,
}

/// What follows `c=IN`: an address, or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(pub String);

/// A line `m=` and what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `image` and what else there is, in small letters.
    pub kind: String,
    /// Zero declines it, and so does a port that is none.
    pub port: u16,
    /// `RTP/AVP`, `udptl`, as written.
    pub protocol: String,
    /// Payload types, or `t38`.
    pub formats: Vec<String>,
    /// Its own address.
    pub connection: Option<Host>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// A line `a=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name as written.
    pub name: String,
    /// What follows the colon; an attribute without one has none.
    pub value: Option<String>,
}

impl Host {
    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// Whether nobody is there: how RFC 2543 put a call on hold.
    pub fn is_nowhere(&self) -> bool {
        self.address().is_some_and(|address| address.is_unspecified())
    }
}

impl Attribute {
    /// An attribute with a value.
    pub fn new(name: &str, value: impl fmt::Display) -> Self {
        Self { name: name.to_owned(), value: Some(value.to_string()) }
    }

    /// An attribute that is only there.
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    fn read(text: &str) -> Self {
        match text.split_once(':') {
            Some((name, value)) => Self { name: name.trim().to_owned(), value: Some(value.trim().to_owned()) },
            None => Self { name: text.to_owned(), value: None },
        }
    }

    /// Whether it has that name, whatever its letters' size.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Media {
    /// Whether it is wanted at all.
    pub fn is_declined(&self) -> bool {
        self.port == 0
    }

    /// Whether its protocol is that one.
    pub fn goes_by(&self, protocol: &str) -> bool {
        self.protocol.eq_ignore_ascii_case(protocol)
    }

    /// The value of its first attribute of that name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|each| each.is(name))?.value.as_deref()
    }

    fn read(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let kind = words.next().unwrap_or_default().to_ascii_lowercase();
        let port = words.next().unwrap_or_default();
        // `49170/2` asks for two ports; the first is the one.
        let port = port.split('/').next().unwrap_or_default().parse().unwrap_or(0);
        let protocol = words.next().unwrap_or_default().to_owned();
        Self { kind, port, protocol, formats: words.map(str::to_owned).collect(), ..Self::default() }
    }
}

impl Description {
    /// Reads a body. What is not understood is passed over; nothing at all is an empty description.
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let mut description = Self::default();
        for line in text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).take(MOST_LINES) {
            let Some((letter, value)) = line.split_once('=') else { continue };
            description.line(letter.trim(), value.trim());
        }
        description
    }

    fn line(&mut self, letter: &str, value: &str) {
        match letter {
            "o" => value.clone_into(&mut self.origin),
            "m" if self.media.len() < MOST_MEDIA => self.media.push(Media::read(value)),
            "c" => {
                let Some(host) = host(value) else { return };
                match self.media.last_mut() {
                    Some(media) => media.connection = Some(host),
                    None => self.connection = Some(host),
                }
            }
            "a" => match self.media.last_mut() {
                Some(media) => media.attributes.push(Attribute::read(value)),
                None => self.attributes.push(Attribute::read(value)),
            },
            _ => {}
        }
    }

    /// Where a medium of it is.
    pub fn host<'a>(&'a self, media: &'a Media) -> Option<&'a Host> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// The values of all attributes of that name, of a medium or else of all.
    pub fn values<'a>(&'a self, media: &'a Media, name: &'a str) -> Vec<&'a str> {
        let of = |attributes: &'a [Attribute]| -> Vec<&'a str> {
            attributes.iter().filter(|each| each.is(name)).filter_map(|each| each.value.as_deref()).collect()
        };
        Some(of(&media.attributes)).filter(|values| !values.is_empty()).unwrap_or_else(|| of(&self.attributes))
    }
}

/// `IN IP4 192.0.2.1/127`: the address alone.
fn host(value: &str) -> Option<Host> {
    let last = value.split_whitespace().last()?;
    Some(Host(last.split('/').next()?.to_owned()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.0.contains(':') { "IP6" } else { "IP4" };
        write!(f, "IN {family} {}", self.0)
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "a={}:{value}\r\n", self.name),
            None => write!(f, "a={}\r\n", self.name),
        }
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {} {} {}\r\n", self.kind, self.port, self.protocol, self.formats.join(" "))?;
        if let Some(host) = &self.connection {
            write!(f, "c={host}\r\n")?;
        }
        self.attributes.iter().try_for_each(|each| each.fmt(f))
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns=-\r\n", self.origin)?;
        if let Some(host) = &self.connection {
            write!(f, "c={host}\r\n")?;
        }
        write!(f, "t=0 0\r\n")?;
        self.attributes.iter().try_for_each(|each| each.fmt(f))?;
        self.media.iter().try_for_each(|each| each.fmt(f))
    }
}
