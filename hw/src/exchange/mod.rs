//! A telephone exchange on a Unix socket: programs of this machine call each other by number.
//!
//! ```text
//!  program ── Join 100 ──▶ Exchange ◀── Join 200 ── program
//!          ── Dial 200 ──▶          ── Ring ──────▶
//!          ◀── Connected ──         ◀── Answer ────
//!          ◀════════ blocks of samples, in lock step ════════▶
//!          ◀── HungUp ────          ◀── HangUp ────
//! ```
//!
//! The exchange has no clock but for its bell: a call runs as fast as both ends do.

mod hub;
mod message;
mod subscriber;

use std::{io, path::PathBuf};

use thiserror::Error;

pub use hub::{Bell, Exchange};
pub use subscriber::{Caller, ExchangeLine, Subscriber, SubscriberEvent};

/// A place at an exchange, as a line's URI names it: `exchange:PATH?number=N&dial=M`, and with
/// `&loop=us&ring=400.200.400` as an analogue line is: with a loop, tones of a country and ringing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The exchange's socket.
    pub path: PathBuf,
    /// Our own number.
    pub number: String,
    /// The number to call; without one, a call is awaited.
    pub dial: Option<String>,
    /// How it is an analogue line, if it is one.
    pub analogue: Option<Analogue>,
}

/// What an analogue line is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analogue {
    /// Whose tones the exchange has: `us`, `de` ...
    pub country: String,
    /// One ring in blocks of 10 ms: sound and silence by turns.
    pub cadence: Vec<u32>,
}

/// A ring of North America, in milliseconds.
const USUAL_RING: &str = "2000";

impl Extension {
    /// Reads what follows `exchange:` in a line's URI.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (path, query) = text.split_once('?').filter(|(path, _)| !path.is_empty())?;
        let (mut number, mut dial, mut country, mut ring) = (None, None, None, USUAL_RING);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=')?;
            let as_number = || Some(value.to_owned()).filter(|value| is_number(value));
            match name {
                "number" => number = Some(as_number()?),
                "dial" => dial = Some(as_number()?),
                "loop" => country = Some(value.to_owned()),
                "ring" => ring = value,
                _ => return None,
            }
        }
        let spans = ring.split('.').map(|span| span.parse().ok().filter(|span| *span <= 5000));
        let cadence = spans.map(|span| span.map(|span: u32| span / 10)).collect::<Option<Vec<_>>>()?;
        let analogue = country.map(|country| Analogue { country, cadence });
        Some(Self { path: path.into(), number: number?, dial, analogue })
    }
}

fn is_number(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit() || b"*#".contains(&digit))
}

/// Why a call by an exchange did not come about.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// The socket cannot be used.
    #[error("the exchange at {path} cannot be reached: {cause}; start one with answertone exchange {path}", path = .0.display(), cause = .1)]
    Unreachable(PathBuf, io::Error),
    /// Another program has the number.
    #[error("the exchange did not take number {0}: another line has it; choose another number")]
    Taken(String),
    /// The number that was dialled is busy.
    #[error("number {0} is busy")]
    Busy(String),
    /// The number that was dialled belongs to nobody.
    #[error("nobody has number {0} at the exchange; start the line that has it first")]
    NoSuchNumber(String),
    /// The exchange ended.
    #[error("the exchange is gone")]
    Gone,
}

/// Joins the exchange and waits until a call is through: the one that is dialled, or the first that comes.
pub(crate) fn open(extension: &Extension) -> Result<ExchangeLine, ExchangeError> {
    let subscriber = Subscriber::join(&extension.path, &extension.number)?;
    if let Some(number) = &extension.dial {
        subscriber.dial(number);
    }
    loop {
        match subscriber.wait() {
            Some(SubscriberEvent::Ring(_)) => subscriber.answer(),
            Some(SubscriberEvent::Connected(line)) => return Ok(line.keeping(subscriber)),
            Some(SubscriberEvent::Busy) => return Err(ExchangeError::Busy(dialled(extension))),
            Some(SubscriberEvent::NoSuchNumber) => return Err(ExchangeError::NoSuchNumber(dialled(extension))),
            Some(SubscriberEvent::Ringing | SubscriberEvent::HungUp) => {}
            None => return Err(ExchangeError::Gone),
        }
    }
}

fn dialled(extension: &Extension) -> String {
    extension.dial.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use answertone_dsp::pcm::SILENCE;

    use super::*;
    use crate::{LineError, PcmLine};

    fn socket(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("answertone-exchange-{}-{name}", std::process::id()))
    }

    #[test]
    fn two_lines_talk_and_a_hang_up_ends_both() {
        let path = socket("talk");
        let exchange = Exchange::start(&path, Bell::default()).unwrap();
        let answering = Extension { path: path.clone(), number: "200".into(), dial: None, analogue: None };
        let second = Subscriber::join(&path, "201").unwrap();
        let far = std::thread::spawn(move || {
            let mut line = open(&answering).unwrap();
            let (mut rx, mut heard) = (SILENCE, Vec::new());
            while line.exchange(&[7; 80], &mut rx).is_ok() {
                heard.push(rx[0]);
            }
            heard
        });
        while !exchange.numbers().contains(&"200".to_owned()) {
            std::thread::yield_now();
        }
        let mut near =
            open(&Extension { path: path.clone(), number: "100".into(), dial: Some("200".into()), analogue: None })
                .unwrap();
        second.dial("200");
        assert!(matches!(second.wait(), Some(SubscriberEvent::Busy)));
        second.dial("999");
        assert!(matches!(second.wait(), Some(SubscriberEvent::NoSuchNumber)));
        let mut rx = SILENCE;
        for block in 1..=20 {
            near.exchange(&[block; 80], &mut rx).unwrap();
            assert_eq!(rx, [7; 80]);
        }
        near.hang_up();
        assert!(matches!(near.exchange(&SILENCE, &mut rx), Err(LineError::HungUp)));
        assert_eq!(far.join().unwrap(), (1..=20).collect::<Vec<i16>>());
    }

    #[test]
    fn a_number_has_one_line_and_a_socket_in_use_is_not_taken() {
        let path = socket("taken");
        let exchange = Exchange::start(&path, Bell::default()).unwrap();
        let first = Subscriber::join(&path, "100").unwrap();
        assert!(matches!(Subscriber::join(&path, "100"), Err(ExchangeError::Taken(_))));
        assert!(Exchange::start(&path, Bell::default()).is_err());
        drop(first);
        while !exchange.numbers().is_empty() {
            std::thread::yield_now();
        }
        drop(exchange);
        assert!(!path.exists());
        assert!(matches!(Subscriber::join(&path, "100"), Err(ExchangeError::Unreachable(..))));
    }
}
