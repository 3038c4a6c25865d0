//! What is told in text beside the samples, in either of Asterisk's two ways to write it, and what samples are made of.

use answertone_dsp::g711::Law;
use serde_json::Value;

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
        Style::Plain => message.split_whitespace().next().map(str::to_owned),
        Style::Json => value(message, "event"),
    };
    match event.as_deref() {
        Some("MEDIA_START") => Told::Start(value(message, "format").unwrap_or_default()),
        Some("DTMF_END") => {
            value(message, "digit").and_then(|digit| digit.chars().next()).map_or(Told::Other, Told::Digit)
        }
        Some("MEDIA_XOFF") => Told::Pause,
        Some("MEDIA_XON") => Told::GoOn,
        _ => Told::Other,
    }
}

/// The value of a name: `name:value` in plain text, where none that is wanted has a space in it, or of the JSON object itself.
fn value(message: &str, name: &str) -> Option<String> {
    match Style::of(message) {
        Style::Plain => {
            message.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix(':')).map(str::to_owned)
        }
        Style::Json => serde_json::from_str::<Value>(message).ok()?.get(name)?.as_str().map(str::to_owned),
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
