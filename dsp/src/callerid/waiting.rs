//! Who calls while a call is on: the handshake of call waiting, both sides, GR-30-CORE and EN 300 659-2.
//!
//! ```text
//!  exchange   SAS 300 ms  CAS 80 ms                        60 to 500 ms   mark message
//!  terminal                          ACK: D or A, 60 ms                                  mute until here
//!                                    └ within 100 ms of CAS
//! ```
//!
//! Both sides are driven by blocks and do no I/O.

use alloc::vec::Vec;

use crate::{
    callerid::{
        Alert, AlertDetector, CallerIdReceiver, CallerIdSender, Hook, Message, Standard, acknowledgement,
        subscriber_alert,
    },
    pcm::BLOCK_SAMPLES,
    tone::dtmf_detector::DtmfDetector,
    units::Dbm0,
};

/// Blocks in a millisecond's tens.
const BLOCK_MS: u32 = 10;

/// Time for which a terminal waits for the message to begin after its acknowledgement, 500 ms, and for the longest
/// message of 255 octets.
const PATIENCE: u32 = (500 + 2400) / BLOCK_MS;

/// The same without a signal: 500 ms, and a block or two that the receiver takes.
const SILENCE: u32 = 540 / BLOCK_MS;

/// Time for which an exchange waits for the acknowledgement: 160 ms after CAS, and what hearing a digit takes.
const ACKNOWLEDGED_WITHIN: u32 = (160 + 60) / BLOCK_MS;

/// Time from the acknowledgement to the message: the digit is told before it is over.
const BEFORE_MESSAGE: u32 = 150 / BLOCK_MS;

/// Least mean square of a message: -45 dBm0.
fn faintest() -> f32 {
    Dbm0(-45.0).mean_square()
}

/// What a terminal found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitingCall {
    /// CAS was heard: from now on the terminal's microphone and speaker are off, and it acknowledges.
    Alerted,
    /// The message of the call that waits; intact or not, it says itself.
    Told(Message),
    /// The handshake is over, and the talk goes on. Without a message before it, none came.
    Released,
}

/// A terminal in a call: answers CAS, and hears who calls.
#[derive(Clone, Debug)]
pub struct WaitingTerminal {
    alerts: AlertDetector,
    receiver: CallerIdReceiver,
    place: TerminalPlace,
}

/// Where a terminal is.
#[derive(Clone, Debug)]
enum TerminalPlace {
    /// Somebody talks.
    Talk,
    /// Sends what is left of its acknowledgement.
    Acknowledge { samples: Vec<f32>, sent: usize },
    /// Waits for the message: blocks since the acknowledgement, and those in a row without a signal.
    Await { blocks: u32, silent: u32 },
    /// The message was told: the talk goes on with the next block.
    Done,
}

impl WaitingTerminal {
    /// A terminal that listens for CAS and one standard's messages.
    pub fn new(standard: Standard) -> Self {
        Self { alerts: AlertDetector::new(), receiver: CallerIdReceiver::new(standard), place: TerminalPlace::Talk }
    }

    /// Whether the talk is interrupted.
    pub fn is_muted(&self) -> bool {
        !matches!(self.place, TerminalPlace::Talk)
    }

    /// Takes a block of the line. While the talk is interrupted, `tx` is replaced by what the terminal sends.
    pub fn block(&mut self, rx: &[f32; BLOCK_SAMPLES], tx: &mut [f32; BLOCK_SAMPLES]) -> Option<WaitingCall> {
        match &mut self.place {
            TerminalPlace::Talk => {
                self.alerts.run(rx)?;
                self.receiver.restart();
                self.place = TerminalPlace::Acknowledge { samples: acknowledgement(), sent: 0 };
                self.acknowledge(tx);
                Some(WaitingCall::Alerted)
            }
            TerminalPlace::Acknowledge { .. } => {
                self.acknowledge(tx);
                None
            }
            TerminalPlace::Await { .. } => {
                tx.fill(0.0);
                self.await_message(rx)
            }
            TerminalPlace::Done => Some(self.release()),
        }
    }

    fn acknowledge(&mut self, tx: &mut [f32; BLOCK_SAMPLES]) {
        let TerminalPlace::Acknowledge { samples, sent } = &mut self.place else { return };
        *sent += play(&samples[*sent..], tx);
        if *sent == samples.len() {
            self.place = TerminalPlace::Await { blocks: 0, silent: 0 };
        }
    }

    fn await_message(&mut self, rx: &[f32; BLOCK_SAMPLES]) -> Option<WaitingCall> {
        let mut told = None;
        self.receiver.run(rx, |message| told = Some(message));
        if let Some(message) = told {
            self.place = TerminalPlace::Done;
            return Some(WaitingCall::Told(message));
        }
        let TerminalPlace::Await { blocks, silent } = &mut self.place else { return None };
        let power = rx.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK_SAMPLES as f32;
        *blocks += 1;
        *silent = if power < faintest() { *silent + 1 } else { 0 };
        let over = *blocks > PATIENCE || *silent > SILENCE;
        over.then(|| self.release())
    }

    fn release(&mut self) -> WaitingCall {
        self.alerts = AlertDetector::new();
        self.place = TerminalPlace::Talk;
        WaitingCall::Released
    }
}

/// How a handshake ended for the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The terminal acknowledged, and the message was sent.
    Sent,
    /// Nothing acknowledged: the terminal shows no numbers.
    NotAcknowledged,
}

/// An exchange that tells a terminal in a call who else calls.
#[derive(Clone, Debug)]
pub struct WaitingOffer {
    message: Message,
    standard: Standard,
    keys: DtmfDetector,
    place: OfferPlace,
}

/// Where an exchange is.
#[derive(Clone, Debug)]
enum OfferPlace {
    /// Sends SAS and CAS, or the message.
    Alert { samples: Vec<f32>, sent: usize },
    /// Waits for the acknowledgement: blocks since CAS.
    Await(u32),
    /// Acknowledged: blocks since.
    Pause(u32),
    /// Sends the message.
    Send { samples: Vec<f32>, sent: usize },
    /// The handshake is over.
    Over(Offered),
}

impl WaitingOffer {
    /// An offer that begins with SAS at once. The levels are those at the exchange.
    pub fn new(message: Message, standard: Standard) -> Self {
        let samples = [subscriber_alert(Dbm0(-13.0)), Alert::Cas.samples(Dbm0(-15.0))].concat();
        Self { message, standard, keys: DtmfDetector::new(), place: OfferPlace::Alert { samples, sent: 0 } }
    }

    /// Takes a block of what the terminal sends and gives the next one for it; how it ended, once it has.
    pub fn block(&mut self, rx: &[f32; BLOCK_SAMPLES], tx: &mut [f32; BLOCK_SAMPLES]) -> Option<Offered> {
        tx.fill(0.0);
        let mut acknowledged = false;
        self.keys.run(rx, |heard| acknowledged |= heard.end.is_none() && matches!(heard.digit, 'A' | 'D'));
        match &mut self.place {
            OfferPlace::Alert { samples, sent } => {
                *sent += play(&samples[*sent..], tx);
                if *sent == samples.len() {
                    self.place = OfferPlace::Await(0);
                }
            }
            OfferPlace::Await(_) if acknowledged => self.place = OfferPlace::Pause(0),
            OfferPlace::Await(blocks) if *blocks >= ACKNOWLEDGED_WITHIN => {
                self.place = OfferPlace::Over(Offered::NotAcknowledged);
            }
            OfferPlace::Pause(blocks) if *blocks >= BEFORE_MESSAGE => {
                let sender = CallerIdSender::new(&self.message, self.standard, Hook::Off, Dbm0(-13.5));
                self.place = OfferPlace::Send { samples: sender.samples(), sent: 0 };
            }
            OfferPlace::Await(blocks) | OfferPlace::Pause(blocks) => *blocks += 1,
            OfferPlace::Send { samples, sent } => {
                *sent += play(&samples[*sent..], tx);
                if *sent == samples.len() {
                    self.place = OfferPlace::Over(Offered::Sent);
                }
            }
            OfferPlace::Over(_) => {}
        }
        if let OfferPlace::Over(how) = self.place { Some(how) } else { None }
    }
}

/// Writes the next samples and silence after the last; how many were left.
fn play(samples: &[f32], tx: &mut [f32; BLOCK_SAMPLES]) -> usize {
    let count = samples.len().min(BLOCK_SAMPLES);
    tx[..count].copy_from_slice(&samples[..count]);
    tx[count..].fill(0.0);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        callerid::CallerId,
        channel::noise::Noise,
        tone::dtmf::{DtmfStyle, digits},
    };

    fn message() -> Message {
        Message::multiple(&CallerId {
            number: Some("5551212".into()),
            name: Some("JOHN DOE".into()),
            ..CallerId::default()
        })
    }

    /// Couples an offer and a terminal over a line with noise; what each said, with the block in which.
    fn couple(standard: Standard, noise: f32) -> (Option<Offered>, Vec<WaitingCall>) {
        let (mut offer, mut terminal) = (WaitingOffer::new(message(), standard), WaitingTerminal::new(standard));
        let (mut there, mut back) = ([0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES]);
        let mut noise = Noise::new(Dbm0(noise), 5);
        let (mut ended, mut told) = (None, Vec::new());
        for _ in 0..400 {
            ended = offer.block(&back, &mut there).or(ended);
            let mut heard = there;
            noise.add(&mut heard);
            back.fill(0.0);
            told.extend(terminal.block(&heard, &mut back));
            noise.add(&mut back);
        }
        assert!(!terminal.is_muted());
        (ended, told)
    }

    #[test]
    fn a_terminal_in_a_call_is_told_who_else_calls() {
        for standard in [Standard::Bellcore, Standard::Etsi, Standard::Bt] {
            let (ended, told) = couple(standard, -40.0);
            assert_eq!(ended, Some(Offered::Sent), "{standard:?}");
            assert_eq!(told, [WaitingCall::Alerted, WaitingCall::Told(message()), WaitingCall::Released]);
        }
    }

    #[test]
    fn a_terminal_that_does_not_answer_or_answers_wrongly_is_told_nothing() {
        for key in ["", "5", "C"] {
            let mut offer = WaitingOffer::new(message(), Standard::Bellcore);
            let mut answer = alloc::vec![0.0; 390 * 8];
            answer.extend(digits(key, DtmfStyle { on: 480, ..DtmfStyle::default() }));
            answer.resize(100 * BLOCK_SAMPLES, 0.0);
            let mut there = [0.0; BLOCK_SAMPLES];
            let ended = answer.as_chunks().0.iter().find_map(|back| offer.block(back, &mut there));
            assert_eq!(ended, Some(Offered::NotAcknowledged), "{key}");
        }
    }

    #[test]
    fn a_terminal_that_is_told_nothing_goes_back_to_the_talk() {
        let mut terminal = WaitingTerminal::new(Standard::Bellcore);
        let mut samples = Alert::Cas.samples(Dbm0(-20.0));
        samples.resize(120 * BLOCK_SAMPLES, 0.0);
        let mut back = [0.0; BLOCK_SAMPLES];
        let told: Vec<_> = samples
            .as_chunks()
            .0
            .iter()
            .enumerate()
            .filter_map(|(at, block)| Some((at, terminal.block(block, &mut back)?)))
            .collect();
        let [(alerted, WaitingCall::Alerted), (released, WaitingCall::Released)] = told[..] else { panic!("{told:?}") };
        // Acknowledged within 100 ms of CAS, and back within 500 ms and what the acknowledgement took.
        assert!(alerted <= 8 + 9 && (50..65).contains(&(released - alerted)), "{alerted} {released}");
    }

    #[test]
    fn the_talk_goes_on_untouched_while_there_is_no_alert() {
        let mut terminal = WaitingTerminal::new(Standard::Bellcore);
        let mut said = [1.0; BLOCK_SAMPLES];
        assert_eq!(terminal.block(&[100.0; BLOCK_SAMPLES], &mut said), None);
        assert_eq!(said, [1.0; BLOCK_SAMPLES]);
    }
}
