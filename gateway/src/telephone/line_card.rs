//! The exchange's end of an analogue line, for lines that are simulated: dial tone, digits by tone and by pulse, ringing,
//! caller ID, busy tone. Behind it is a number at an exchange of this machine.

use std::{
    collections::VecDeque,
    io, thread,
    time::{Duration, Instant},
};

use answertone_dsp::{
    callerid::{CallerId, CallerIdSender, Hook as Occasion, Message, Standard},
    pcm::{BLOCK_SAMPLES, Block, SILENCE, narrow, widen},
    tone::{
        dtmf_detector::DtmfDetector,
        progress::{ProgressKind, ProgressTone},
    },
    units::Dbm0,
};
use answertone_hw::{
    Exchange, LineError, Pace, PcmLine,
    exchange::{Analogue, ExchangeError, ExchangeLine, Extension, Subscriber, SubscriberEvent},
    hook::{Hook, Signals},
};

/// A block's length in the world's time.
const BLOCK_TIME: Duration = Duration::from_millis(10);

/// The loop open for so many blocks at most is a pulse; for longer a flash; from the second on the caller has gone.
const LONGEST_PULSE: u32 = 15;
const GONE: u32 = 100;

/// Blocks closed behind the last pulse of a digit.
const AFTER_PULSES: u32 = 20;

/// Blocks without a digit after which the number is whole.
const AFTER_DIGITS: u32 = 150;

/// Blocks from the beginning of one ring to that of the next. The exchange's bell has a beat of its own, which may come
/// right after the first ring, into caller ID.
const RING_PERIOD: u32 = 600;

/// Blocks between a ring and caller ID, 500 ms.
const BEFORE_CALLER_ID: u32 = 50;

/// Seconds for which a tone is said; then the line is silent.
const TONE_SECONDS: usize = 20;

/// Level of caller ID at the exchange, Telcordia GR-30.
const CALLER_ID_LEVEL: Dbm0 = Dbm0(-13.5);

/// A simulated analogue line.
pub struct LineCard {
    subscriber: Subscriber,
    hook: Loop,
    how: Analogue,
    doing: Doing,
    ear: DtmfDetector,
    digits: String,
    /// Blocks since the last digit.
    since_digit: u32,
    pulses: u32,
    /// Blocks for which the loop has been open, and for which it has been closed.
    open: u32,
    closed: u32,
    says: VecDeque<i16>,
    due: Instant,
}

/// What the line does.
enum Doing {
    Resting,
    /// It rings: who calls, unless that was told, and blocks since this ring began.
    Ringing {
        caller: Option<String>,
        blocks: u32,
    },
    /// Off hook: it says dial tone and takes digits.
    Listening,
    /// The exchange has the number.
    Dialled,
    Talking(ExchangeLine),
    /// Nothing more until it is on hook.
    Spent,
}

/// The loop and the ringing current on it.
#[derive(Default)]
struct Loop {
    closed: bool,
    rings: bool,
}

impl Hook for Loop {
    fn set(&mut self, off_hook: bool) -> io::Result<()> {
        self.closed = off_hook;
        Ok(())
    }

    fn poll(&mut self) -> io::Result<Signals> {
        Ok(Signals { ringing: Some(self.rings), lifted: None })
    }
}

impl LineCard {
    /// Joins the exchange as an analogue line.
    pub fn join(extension: &Extension, how: &Analogue) -> Result<Self, ExchangeError> {
        Ok(Self {
            subscriber: Subscriber::join(&extension.path, &extension.number)?,
            hook: Loop::default(),
            how: how.clone(),
            doing: Doing::Resting,
            ear: DtmfDetector::new(),
            digits: String::new(),
            since_digit: 0,
            pulses: 0,
            open: GONE,
            closed: 0,
            says: VecDeque::new(),
            due: Instant::now(),
        })
    }

    /// Real lines have a clock.
    fn await_block(&mut self) {
        self.due += BLOCK_TIME;
        let now = Instant::now();
        thread::sleep(self.due.saturating_duration_since(now));
        // What was missed while nobody asked is gone.
        self.due = self.due.max(now - 10 * BLOCK_TIME);
    }

    fn look_at_hook(&mut self) {
        if !self.hook.closed {
            self.open = self.open.saturating_add(1);
            self.closed = 0;
            if self.open == GONE {
                self.rest();
            }
            return;
        }
        match std::mem::take(&mut self.open) {
            0 => {}
            open if open <= LONGEST_PULSE => {
                self.pulses += 1;
                self.since_digit = 0;
            }
            open if open < GONE => self.recall(),
            _ => self.lift(),
        }
        self.closed += 1;
        if self.closed == AFTER_PULSES && self.pulses > 0 {
            let digit = char::from_digit(std::mem::take(&mut self.pulses) % 10, 10);
            self.digit(digit.unwrap_or('0'));
        }
    }

    /// On hook for good.
    fn rest(&mut self) {
        self.subscriber.hang_up();
        self.subscriber.be_busy(false);
        self.doing = Doing::Resting;
        self.says.clear();
    }

    /// Off hook: a call that rings is answered, else there is dial tone.
    fn lift(&mut self) {
        self.hook.rings = false;
        if matches!(self.doing, Doing::Ringing { .. }) {
            self.says.clear();
            self.doing = Doing::Dialled;
            return self.subscriber.answer();
        }
        self.listen();
    }

    /// A flash: whatever there was is over, and there is dial tone again.
    fn recall(&mut self) {
        self.subscriber.hang_up();
        self.listen();
    }

    fn listen(&mut self) {
        self.subscriber.be_busy(true);
        self.doing = Doing::Listening;
        (self.since_digit, self.pulses) = (0, 0);
        self.digits.clear();
        self.ear.restart();
        self.say(ProgressKind::Dial);
    }

    fn digit(&mut self, digit: char) {
        if matches!(self.doing, Doing::Listening) {
            self.says.clear();
            self.digits.push(digit);
            self.since_digit = 0;
        }
    }

    fn hear(&mut self, tx: &Block) {
        if !matches!(self.doing, Doing::Listening) {
            return;
        }
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(tx, &mut samples);
        let mut heard = None;
        self.ear.run(&samples, |digit| heard = digit.end.is_some().then_some(digit.digit).or(heard));
        if let Some(digit) = heard {
            self.digit(digit);
        }
        self.since_digit += 1;
        if self.since_digit == AFTER_DIGITS && !self.digits.is_empty() {
            self.doing = Doing::Dialled;
            self.subscriber.be_busy(false);
            self.subscriber.dial(&self.digits);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.subscriber.event() {
            match (event, &mut self.doing) {
                (SubscriberEvent::Ring(caller), Doing::Resting) => {
                    self.doing = Doing::Ringing { caller: Some(caller.number), blocks: 0 };
                }
                (SubscriberEvent::Ringing, Doing::Dialled) => self.say(ProgressKind::Ringback),
                (SubscriberEvent::Busy, Doing::Dialled) => self.refuse(ProgressKind::Busy),
                (SubscriberEvent::NoSuchNumber, Doing::Dialled) => self.refuse(ProgressKind::Congestion),
                (SubscriberEvent::Connected(line), Doing::Dialled) => {
                    self.says.clear();
                    self.doing = Doing::Talking(line);
                }
                (SubscriberEvent::HungUp, Doing::Ringing { .. }) => self.rest(),
                (SubscriberEvent::HungUp, Doing::Dialled | Doing::Talking(_)) => self.refuse(ProgressKind::Busy),
                _ => {}
            }
        }
    }

    fn refuse(&mut self, why: ProgressKind) {
        self.doing = Doing::Spent;
        self.subscriber.be_busy(true);
        self.say(why);
    }

    fn say(&mut self, kind: ProgressKind) {
        self.says.clear();
        if let Some(tone) = ProgressTone::find(&self.how.country, kind) {
            let mut samples = vec![0; TONE_SECONDS * 8000];
            narrow(&tone.samples(samples.len()), &mut samples);
            self.says.extend(samples);
        }
    }

    /// Ringing current in the line's own cadence, and who calls after the first ring.
    fn ring(&mut self) {
        let Doing::Ringing { caller, blocks } = &mut self.doing else {
            self.hook.rings = false;
            return;
        };
        let (mut begins, mut rung) = (0, false);
        for (place, span) in self.how.cadence.iter().enumerate() {
            rung |= place % 2 == 0 && (begins..begins + span).contains(blocks);
            begins += span;
        }
        self.hook.rings = rung;
        if let Some(caller) = caller.take_if(|_| *blocks == begins + BEFORE_CALLER_ID) {
            let date = jiff::Zoned::now().strftime("%m%d%H%M").to_string();
            let who = CallerId { date: Some(date), number: Some(caller), ..CallerId::default() };
            let message = Message::multiple(&who);
            let sender = CallerIdSender::new(&message, Standard::Bellcore, Occasion::On, CALLER_ID_LEVEL);
            let samples = sender.samples();
            let mut narrowed = vec![0; samples.len()];
            narrow(&samples, &mut narrowed);
            self.says.extend(narrowed);
        }
        *blocks = (*blocks + 1) % RING_PERIOD.max(2 * begins);
    }
}

impl PcmLine for LineCard {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        self.await_block();
        self.look_at_hook();
        self.take_events();
        self.hear(tx);
        self.ring();
        *rx = SILENCE;
        if let Doing::Talking(line) = &mut self.doing {
            if line.exchange(tx, rx).is_err() {
                self.refuse(ProgressKind::Busy);
            }
        } else {
            let count = self.says.len().min(rx.len());
            rx.iter_mut().zip(self.says.drain(..count)).for_each(|(place, sample)| *place = sample);
        }
        Ok(Exchange::default())
    }

    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn hang_up(&mut self) {
        self.hook.closed = false;
        self.rest();
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        Some(&mut self.hook)
    }
}
