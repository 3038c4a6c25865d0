//! What is told in text beside the samples, in either of Asterisk's two ways to write it, and what samples are made of.

use answertone_dsp::g711::Law;

/// What Asterisk tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The call begins; the name of its samples' format.
    Start(String),
    /// A digit was pressed.
    Digit(char),
    /// Nothing more is taken for now.
    Pause,
    /// It is taken again.
    GoOn,
    /// Anything else.
    Other,
}

/// How Asterisk's side writes and reads what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `MEDIA_START format:ulaw ...`
    Plain,
    /// `{"event": "MEDIA_START", "format": "ulaw", ...}`
    Json,
}

impl Style {
    /// How a message is written.
    pub(super) fn of(message: &str) -> Self {
        if message.trim_start().starts_with('{') { Self::Json } else { Self::Plain }
    }

    /// The message that ends the call.
    pub(super) fn hang_up(self) -> &'static str {
        match self {
            Self::Plain => "HANGUP",
            Self::Json => r#"{"command":"HANGUP"}"#,
        }
    }
}

/// Reads a message.
pub(super) fn told(message: &str) -> Told {
    let event = match Style::of(message) {
        Style::Plain => message.split_whitespace().next(),
        Style::Json => value(message, "event"),
    };
    match event {
        Some("MEDIA_START") => Told::Start(value(message, "format").unwrap_or_default().to_owned()),
        Some("DTMF_END") => {
            value(message, "digit").and_then(|digit| digit.chars().next()).map_or(Told::Other, Told::Digit)
        }
        Some("MEDIA_XOFF") => Told::Pause,
        Some("MEDIA_XON") => Told::GoOn,
        _ => Told::Other,
    }
}

/// The value of a name: `name:value` in plain text, `"name": "value"` in JSON. None of those that are wanted has a space
/// or an escape in it.
fn value<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    match Style::of(message) {
        Style::Plain => message.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix(':')),
        Style::Json => {
            let quoted = format!("\"{name}\"");
            let after = &message[message.find(&quoted)? + quoted.len()..];
            after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()
        }
    }
}

/// What samples are made of, by Asterisk's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 16 bit, least significant octet first, 8000 per second.
    Slin,
    /// G.711.
    Companded(Law),
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "slin" => Some(Self::Slin),
            "ulaw" => Some(Self::Companded(Law::Mu)),
            "alaw" => Some(Self::Companded(Law::A)),
            _ => None,
        }
    }

    pub(super) fn encode(self, sample: i16, to: &mut Vec<u8>) {
        match self {
            Self::Slin => to.extend(sample.to_le_bytes()),
            Self::Companded(law) => to.push(law.encode(sample)),
        }
    }

    /// Hands on the samples in these octets.
    pub(super) fn decode(self, octets: &[u8], mut take: impl FnMut(i16)) {
        match self {
            Self::Slin => octets.chunks_exact(2).for_each(|pair| take(i16::from_le_bytes([pair[0], pair[1]]))),
            Self::Companded(law) => octets.iter().for_each(|octet| take(law.decode(*octet))),
        }
    }
}
