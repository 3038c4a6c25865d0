//! `m=audio`: codecs, telephone events and who may speak. RFC 3551, RFC 4733, RFC 3264.

use answertone_hw::rtp::Codec;

use super::description::{Attribute, Description, Media};

/// The payload type of telephone events in our offers.
const EVENTS: u8 = 101;

/// Who may speak, seen from who says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// He alone.
    SendOnly,
    /// The other alone.
    RecvOnly,
    /// Nobody.
    Inactive,
}

/// The audio that an end offers, as far as it is any use to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The first codec that we have.
    pub codec: Codec,
    /// Its payload type.
    pub payload_type: u8,
    /// The payload type of telephone events.
    pub event_type: Option<u8>,
    /// Who may speak.
    pub direction: Direction,
}

impl Direction {
    const NAMES: [(&'static str, Self); 4] = [
        ("sendrecv", Self::SendRecv),
        ("sendonly", Self::SendOnly),
        ("recvonly", Self::RecvOnly),
        ("inactive", Self::Inactive),
    ];

    /// Its attribute.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, it)| *it == self).map_or("sendrecv", |(name, _)| name)
    }

    /// The same, seen from the other end: what is answered to it.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }

    /// Whether who says it hears.
    pub fn hears(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    fn read(description: &Description, media: &Media) -> Self {
        let of = |attributes: &[Attribute]| {
            Self::NAMES.iter().find(|(name, _)| attributes.iter().any(|each| each.is(name))).map(|(_, it)| *it)
        };
        // A connection to nowhere is how RFC 2543 put a call on hold.
        if description.host(media).is_some_and(super::Host::is_nowhere) {
            return Self::SendOnly;
        }
        of(&media.attributes).or_else(|| of(&description.attributes)).unwrap_or_default()
    }
}

impl Voice {
    /// Reads a medium; none if there is no codec in it that we have.
    pub fn read(description: &Description, media: &Media) -> Option<Self> {
        let usable = media.kind == "audio" && !media.is_declined() && is_plain_rtp(media);
        let types = || media.formats.iter().filter_map(|format| format.parse().ok()).filter(|format| *format < 128);
        let (payload_type, codec) =
            types().filter(|_| usable).find_map(|format| Some((format, codec(media, format)?)))?;
        let event_type = types().find(|format| maps_to(media, *format, "telephone-event"));
        Some(Self { codec, payload_type, event_type, direction: Direction::read(description, media) })
    }

    /// The medium that answers it.
    pub fn answer(&self, port: u16) -> Media {
        let direction = self.direction.mirrored();
        medium(port, &[(self.payload_type, name(self.codec))], self.event_type, direction)
    }
}

/// What we offer.
pub(crate) fn offer(port: u16, direction: Direction) -> Media {
    medium(port, &[(0, "PCMU"), (8, "PCMA")], Some(EVENTS), direction)
}

fn medium(port: u16, codecs: &[(u8, &str)], events: Option<u8>, direction: Direction) -> Media {
    let mut formats: Vec<String> = codecs.iter().map(|(format, _)| format.to_string()).collect();
    let mut attributes: Vec<Attribute> =
        codecs.iter().map(|(format, name)| Attribute::new("rtpmap", format!("{format} {name}/8000"))).collect();
    if let Some(events) = events {
        formats.push(events.to_string());
        attributes.push(Attribute::new("rtpmap", format!("{events} telephone-event/8000")));
        attributes.push(Attribute::new("fmtp", format!("{events} 0-16")));
    }
    attributes.push(Attribute::new("ptime", 20));
    attributes.push(Attribute::flag(direction.name()));
    Media { kind: "audio".into(), port, protocol: "RTP/AVP".into(), formats, connection: None, attributes }
}

fn is_plain_rtp(media: &Media) -> bool {
    media.goes_by("RTP/AVP") || media.goes_by("RTP/AVPF")
}

fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "PCMU",
        Codec::Pcma => "PCMA",
        Codec::L16 => "L16",
    }
}

fn codec(media: &Media, format: u8) -> Option<Codec> {
    match format {
        0 => Some(Codec::Pcmu),
        8 => Some(Codec::Pcma),
        _ if maps_to(media, format, "PCMU") => Some(Codec::Pcmu),
        _ if maps_to(media, format, "PCMA") => Some(Codec::Pcma),
        _ => None,
    }
}

/// Whether a payload type is mapped to a name at 8000 per second; no rate is taken for that.
fn maps_to(media: &Media, format: u8, name: &str) -> bool {
    media.attributes.iter().filter(|each| each.is("rtpmap")).filter_map(|each| each.value.as_deref()).any(|value| {
        let mut words = value.split_whitespace();
        let number = words.next().and_then(|number| number.parse().ok());
        let mut encoding = words.next().unwrap_or_default().split('/');
        number == Some(format)
            && encoding.next().is_some_and(|it| it.eq_ignore_ascii_case(name))
            && encoding.next().is_none_or(|rate| rate == "8000")
    })
}
