//! Our end of a call: audio, T.38, and one session that lives over the change from one to the other.
//!
//! ```text
//!  Endpoint::call ─▶ ringing, early audio ─▶ Leg ── talk ─▶ audio ─▶ packets ─▶ audio ... ─▶ report
//!  Endpoint::next ─▶ Ringing ── answer ────▶ ┘               ▲ tidings: media change, it is over ▲
//! ```

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel},
    },
    time::{Duration, Instant},
};

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{Exchange, LineError, Pace, PcmLine, PolledLine, Transport as Counted, rtp::RtpLine};
use answertone_t30::{
    audio::AudioConfig,
    handover::Baton,
    session::{Instead, Session},
    t38,
    time::LineTime,
};

pub(super) use super::media::Sockets;
use super::{
    CallId, End, EndCause, Parties, Policy, Tidings,
    endpoint::{Endpoint, Rung, Wish},
    media::{MediaPath, packets, rtp},
};
use crate::{
    engine::{AudioCall, CallEar, CallObserver, CallReport, Hearing, Tape},
    sdp::{Agreed, Audio, Image, Local, OwnSeal, T38},
    t38::{
        Clock, Driver, DtlsPath, Path,
        sealed::{Far, Identity, Sealed},
    },
};

/// How long it may ring.
const RINGING: Duration = Duration::from_secs(90);

/// Between two looks at what was told.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long a caller leaves it to the far end to make the call T.38, once a fax machine was heard there.
const GRACE: Duration = Duration::from_millis(900);

/// How long a sealed call may remain unsealed.
const SEALING: Duration = Duration::from_secs(20);

/// The last word is on its way for so long, before we hang up.
const LAST_WORD: Duration = Duration::from_millis(200);

/// Most digits that wait.
const MOST_DIGITS: usize = 64;

/// A call that is answered.
pub struct Leg {
    wishes: tokio::sync::mpsc::UnboundedSender<Wish>,
    call: CallId,
    tidings: Receiver<Tidings>,
    sockets: Sockets,
    local: SocketAddr,
    media: Agreed,
    line: Option<RtpLine>,
    parties: Parties,
    digits: VecDeque<char>,
    over: Option<End>,
    unsealed: bool,
    policy: Policy,
    /// Our certificate, until the call is sealed with it.
    seal: Option<Sealed>,
    /// Whether the call may become T.38, and by our wish.
    t38: bool,
    asked: bool,
    calls: bool,
}

/// A call that rings.
pub struct Ringing {
    endpoint: Arc<Endpoint>,
    rung: Rung,
}

/// Why there is no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct NoCall {
    /// As the job's cause.
    pub cause: &'static str,
    /// What was heard in place of a fax machine, if that was it.
    pub instead: Option<Instead>,
    /// For people.
    pub said: String,
}

impl NoCall {
    fn new(cause: &'static str, instead: Option<Instead>, said: impl Into<String>) -> Self {
        Self { cause, instead, said: said.into() }
    }

    /// What the far end's refusal means.
    fn of(end: &End) -> Self {
        let said = match end.status {
            Some(status) => format!("the call was not taken: {status} {}", end.reason),
            None => end.reason.clone(),
        };
        let (cause, instead) = match end.status.unwrap_or_default() {
            486 | 600 => ("busy", Some(Instead::Busy)),
            404 | 410 | 484 | 485 | 604 => ("number_wrong", Some(Instead::NumberUnobtainable)),
            480 | 487 | 603 => ("no_answer", None),
            401 | 403 | 407 | 408 => ("no_line", None),
            488 | 606 | 415 => ("no_line", None),
            500..=599 => ("congestion", Some(Instead::Congestion)),
            _ => ("no_answer", None),
        };
        Self::new(cause, instead, said)
    }
}

impl Endpoint {
    /// Calls a number, and waits until it is answered, or `cancelled`. What is heard before the answer may end the call too.
    pub fn call(&self, number: &str, hearing: &Hearing, cancelled: &mut dyn FnMut() -> bool) -> Result<Leg, NoCall> {
        let failed = |error: &dyn std::fmt::Display| NoCall::new("no_line", None, error.to_string());
        let sockets = self.sockets().map_err(|error| failed(&error))?;
        let (to, tidings) = channel();
        let (placed, place) = channel();
        let seal = self.seal().map_err(|error| failed(&error))?;
        let local = self.description(&sockets, seal.as_ref());
        self.wish(Wish::Dial { number: number.to_owned(), local, tidings: to, placed });
        let call = place.recv().ok().flatten().ok_or_else(|| {
            failed(&format!("{number}: the account has no server, and this is no address such as sip:fax@192.0.2.1"))
        })?;
        let parties = Parties { caller: None, dialled: Some(number.to_owned()) };
        let mut leg = Leg::new(self, call, tidings, sockets, seal, parties, true).map_err(|error| failed(&error))?;
        let answered = leg.until_answered(hearing, cancelled);
        answered.map(|()| leg)
    }

    /// A certificate for one call, where calls may be sealed.
    fn seal(&self) -> std::io::Result<Option<Sealed>> {
        let seals = self.account.t38 && self.account.seal != Policy::Never;
        seals.then(|| Identity::fresh().map(Sealed::offer)).transpose()
    }

    fn description(&self, sockets: &Sockets, seal: Option<&Sealed>) -> Local {
        let t38 = T38::ours(self.account.t38_version);
        let own =
            |seal: &Sealed| OwnSeal { fingerprint: seal.fingerprint().to_sdp(), tls_id: seal.tls_id().to_owned() };
        Local {
            address: self.address,
            port: sockets.port,
            session: u64::from(sockets.port),
            version: 1,
            t38,
            seal: seal.map(own),
        }
    }

    /// Waits so long for a call to come.
    pub fn next_call(self: &Arc<Self>, wait: Duration) -> Option<Ringing> {
        self.rung(wait).map(|rung| Ringing { endpoint: self.clone(), rung })
    }
}

impl Ringing {
    /// Who calls whom.
    pub fn parties(&self) -> &Parties {
        &self.rung.incoming.parties
    }

    /// Answers it.
    pub fn answer(self) -> Result<Leg, NoCall> {
        let failed = |error: &dyn std::fmt::Display| NoCall::new("no_line", None, error.to_string());
        let Rung { call, incoming, tidings } = self.rung;
        let prepared = self.endpoint.sockets().and_then(|sockets| Ok((sockets, self.endpoint.seal()?)));
        let (sockets, seal) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.endpoint.wish(Wish::Reject(call, 503, "Service Unavailable"));
                return Err(failed(&error));
            }
        };
        let local = self.endpoint.description(&sockets, seal.as_ref());
        self.endpoint.wish(Wish::Answer(call, local));
        let leg = Leg::new(&self.endpoint, call, tidings, sockets, seal, incoming.parties, false);
        let mut leg = leg.map_err(|error| failed(&error))?;
        leg.asked |= incoming.wants_audio;
        leg.until_answered(&Hearing::default(), &mut || false)?;
        Ok(leg)
    }

    /// Turns it away.
    pub fn reject(self) {
        self.endpoint.wish(Wish::Reject(self.rung.call, 480, "Temporarily Unavailable"));
    }
}

/// What became of a stretch of a call.
enum Stretch<O> {
    Over(Box<CallReport>, O),
    Changed(Box<Session>, O, Baton, LineTime),
}

impl Leg {
    fn new(
        endpoint: &Endpoint,
        call: CallId,
        tidings: Receiver<Tidings>,
        sockets: Sockets,
        seal: Option<Sealed>,
        parties: Parties,
        calls: bool,
    ) -> std::io::Result<Self> {
        let local = sockets.socket.local_addr()?;
        let nowhere = Audio {
            remote: None,
            codec: answertone_hw::rtp::Codec::Pcmu,
            payload_type: 0,
            event_type: None,
            heard: false,
        };
        Ok(Self {
            wishes: endpoint.wishes.clone(),
            call,
            tidings,
            sockets,
            local,
            media: Agreed::Audio(nowhere),
            line: None,
            parties,
            digits: VecDeque::with_capacity(MOST_DIGITS),
            over: None,
            unsealed: false,
            policy: endpoint.account.seal,
            seal,
            t38: endpoint.account.t38,
            asked: false,
            calls,
        })
    }

    /// Who calls whom.
    pub fn parties(&self) -> &Parties {
        &self.parties
    }

    /// The fax goes as audio, unless the far end asks for T.38.
    pub fn keep_audio(&mut self) {
        self.asked = true;
    }

    fn wish(&self, wish: Wish) {
        let _ = self.wishes.send(wish);
    }

    /// Waits for the answer; what is heard before may end the call.
    fn until_answered(&mut self, hearing: &Hearing, cancelled: &mut dyn FnMut() -> bool) -> Result<(), NoCall> {
        let (until, mut ear) = (Instant::now() + RINGING, CallEar::new(hearing));
        loop {
            match self.tidings.recv_timeout(LOOK_AROUND.min(self.until_due())) {
                Ok(Tidings::Media(media)) => {
                    self.take(media);
                    return Ok(());
                }
                Ok(Tidings::Early(media)) => self.take(media),
                Ok(Tidings::Ended(end)) => return Err(NoCall::of(&end)),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(NoCall::new("no_line", None, "the account is closed"));
                }
            }
            if let Some(instead) = self.heard_early(&mut ear) {
                self.wish(Wish::HangUp(self.call));
                return Err(NoCall::new("busy", Some(instead), format!("heard before the answer: {}", instead.name())));
            }
            if cancelled() {
                self.wish(Wish::HangUp(self.call));
                return Err(NoCall::new("cancelled", None, "the call was given up before the answer"));
            }
            if Instant::now() > until {
                self.wish(Wish::HangUp(self.call));
                return Err(NoCall::new("no_answer", None, format!("nobody answered in {} s", RINGING.as_secs())));
            }
        }
    }

    fn until_due(&self) -> Duration {
        self.line.as_ref().map_or(LOOK_AROUND, |line| line.due().saturating_duration_since(Instant::now()))
    }

    fn heard_early(&mut self, ear: &mut CallEar) -> Option<Instead> {
        let mut rx = SILENCE;
        let heard = self.line.as_mut()?.try_exchange(Instant::now(), &SILENCE, &mut rx);
        matches!(heard, Ok(Some(_))).then(|| ear.hear(&rx)).flatten()
    }

    /// Media are these from now on.
    fn take(&mut self, media: Agreed) {
        if let Agreed::Audio(audio) = &media {
            let same = matches!(&self.media, Agreed::Audio(old)
                if (old.codec, old.payload_type, old.event_type) == (audio.codec, audio.payload_type, audio.event_type));
            match self.line.as_mut().filter(|_| same) {
                Some(line) => line.redirect(audio.remote.filter(|_| audio.heard)),
                None => self.line = self.open_line(audio),
            }
        }
        self.media = media;
    }

    fn open_line(&self, audio: &Audio) -> Option<RtpLine> {
        let socket = self.sockets.socket.try_clone().ok()?;
        RtpLine::on(socket, &rtp(audio, self.local)).ok()
    }

    /// Takes in what was told; whether media changed.
    fn listen(&mut self) -> bool {
        let mut changed = false;
        loop {
            match self.tidings.try_recv() {
                Ok(Tidings::Media(media)) => {
                    changed = true;
                    self.take(media);
                }
                Ok(Tidings::Digit(digit)) if self.digits.len() < MOST_DIGITS => self.digits.push_back(digit),
                Ok(Tidings::Unsealed) => self.unsealed = true,
                Ok(Tidings::StaysAudio { .. }) if self.policy == Policy::Required => self.unsealed = true,
                Ok(Tidings::Ended(end)) => self.over = Some(end),
                Ok(_) => {}
                Err(TryRecvError::Empty) => return changed,
                Err(TryRecvError::Disconnected) => {
                    let reason = "the account is closed".to_owned();
                    self.over.get_or_insert(End { cause: EndCause::FarEnd, status: None, reason });
                    return changed;
                }
            }
        }
    }

    /// Why the call cannot go on, if it cannot.
    fn lost(&self) -> Option<LineError> {
        if self.unsealed {
            let what = "the far end does not take T.38 sealed, and the account has seal = \"required\"";
            return Some(LineError::Failed(std::io::Error::other(what)));
        }
        self.over.as_ref().map(|_| LineError::HungUp)
    }

    /// Asks for T.38 once, when it is our turn to.
    fn ask(&mut self, fax_since: Option<Instant>) {
        let grace = if self.calls { GRACE } else { Duration::ZERO };
        if self.t38 && !self.asked && fax_since.is_some_and(|since| since.elapsed() >= grace) {
            self.asked = true;
            self.wish(Wish::Image(self.call));
        }
    }

    /// Runs the call to its end, and hangs up.
    pub fn talk<O: CallObserver>(
        mut self,
        session: Session,
        audio: AudioConfig,
        observer: O,
        tape: Option<Tape>,
    ) -> (CallReport, O) {
        if self.policy == Policy::Required {
            self.await_seal();
        }
        let (mut session, mut observer, mut baton, mut now) = (session, observer, Baton::default(), LineTime::ZERO);
        loop {
            let stretch = match self.media.clone() {
                Agreed::Audio(_) => self.talk_audio(session, audio, observer, tape.clone(), now, baton),
                Agreed::Image(image) => self.talk_packets(&image, session, observer, now, baton),
            };
            match stretch {
                Stretch::Over(report, observer) => {
                    self.hang_up();
                    return (*report, observer);
                }
                Stretch::Changed(next, whose, how, at) => {
                    (session, observer, baton, now) = (*next, whose, how, at);
                }
            }
        }
    }

    /// Nothing is said before the call is sealed.
    fn await_seal(&mut self) {
        let begun = Instant::now();
        while matches!(self.media, Agreed::Audio(_)) && self.lost().is_none() {
            self.ask(Some(begun));
            let mut rx = SILENCE;
            let _ = self.exchange(&SILENCE, &mut rx);
            self.unsealed |= begun.elapsed() > SEALING;
        }
    }

    fn talk_audio<O: CallObserver>(
        &mut self,
        session: Session,
        audio: AudioConfig,
        observer: O,
        tape: Option<Tape>,
        now: LineTime,
        baton: Baton,
    ) -> Stretch<O> {
        let mut call = AudioCall::resume(session, audio, observer, tape, now, baton);
        let mut fax_since = None;
        while !call.is_over() {
            if self.listen() && matches!(self.media, Agreed::Image(_)) {
                let at = call.now();
                let (session, observer, baton) = call.into_parts();
                return Stretch::Changed(Box::new(session), observer, baton, at);
            }
            if call.is_fax() {
                fax_since.get_or_insert_with(Instant::now);
            }
            self.ask(fax_since);
            while let Some(digit) = self.digits.pop_front() {
                call.digit(digit);
            }
            let lost = self.lost();
            match (lost, self.line.as_mut()) {
                (Some(error), _) => call.line_lost(error),
                (None, None) => {
                    call.line_lost(LineError::Failed(std::io::Error::other("the media socket cannot be used")))
                }
                (None, Some(line)) => {
                    if !call.turn(line, Instant::now()) {
                        std::thread::sleep(line.due().saturating_duration_since(Instant::now()).min(LOOK_AROUND));
                    }
                }
            }
        }
        // The last block made is still in hand.
        if let Some(line) = self.line.as_mut().filter(|_| self.over.is_none()) {
            let due = line.due();
            let _ = call.turn(line, due);
            std::thread::sleep(LAST_WORD);
        }
        let (report, observer) = call.end(self.line.as_ref().and_then(PolledLine::transport));
        Stretch::Over(Box::new(report), observer)
    }

    fn talk_packets<O: CallObserver>(
        &mut self,
        image: &Image,
        session: Session,
        mut observer: O,
        now: LineTime,
        baton: Baton,
    ) -> Stretch<O> {
        self.line = None;
        let clock = Clock::at(now);
        let (config, wire) = packets(image);
        let mut call = t38::Call::resume(session, config, wire, now, baton);
        let (mut driver, mut lost) = (Driver::new(clock), None);
        let mut path = self.path(image).unwrap_or_else(|error| Box::new(Broken(Some(error))));
        while !call.is_over() && lost.is_none() {
            if self.listen() {
                match self.media.clone() {
                    Agreed::Audio(_) => {
                        let (session, baton) = call.into_parts();
                        return Stretch::Changed(Box::new(session), observer, baton, clock.now());
                    }
                    Agreed::Image(next) => path.redirect(next.remote),
                }
            }
            lost = self.lost().or_else(|| driver.turn(path.as_mut(), &mut call, &mut observer).err());
        }
        if lost.is_none() {
            std::thread::sleep(LAST_WORD);
        }
        let report = driver.end(path.as_ref(), &mut call, lost.as_ref(), &mut observer);
        let digits: String = std::mem::take(&mut self.digits).into_iter().collect();
        Stretch::Over(Box::new(CallReport { digits, ..report }), observer)
    }

    fn path(&mut self, image: &Image) -> std::io::Result<Box<dyn Path>> {
        let socket = self.sockets.socket.try_clone()?;
        let Some(sealing) = &image.sealing else { return Ok(Box::new(MediaPath::new(socket, image.remote)?)) };
        // A second association would need another place, RFC 8842 3; nobody goes back to clear in between.
        let gone = "the call was sealed before, and is not sealed anew at the same port";
        let mut seal = self.seal.take().ok_or_else(|| std::io::Error::other(gone))?;
        socket.set_nonblocking(false)?;
        let fingerprints = sealing.fingerprints.iter().filter_map(|each| each.parse().ok()).collect();
        let far = Far { fingerprints, we_are_active: sealing.active, address: image.remote };
        seal.accept(far, Instant::now());
        Ok(Box::new(DtlsPath::new(socket, seal)?))
    }
}

/// A path that could not be opened.
struct Broken(Option<std::io::Error>);

impl Path for Broken {
    fn send(&mut self, _: &[u8]) -> std::io::Result<()> {
        Err(self.0.take().unwrap_or_else(|| std::io::ErrorKind::NotConnected.into()))
    }

    fn receive(&mut self, _: &mut [u8], _: Duration) -> std::io::Result<Option<usize>> {
        Err(std::io::ErrorKind::NotConnected.into())
    }

    fn kind(&self) -> &'static str {
        "udptl"
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.wish(Wish::HangUp(self.call));
    }
}

/// The call's audio, for what goes before the fax: keys that are pressed, questions that are asked.
impl PcmLine for Leg {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        loop {
            self.listen();
            if let Some(error) = self.lost() {
                return Err(error);
            }
            let Some(line) = self.line.as_mut().filter(|_| matches!(self.media, Agreed::Audio(_))) else {
                std::thread::sleep(Duration::from_millis(10));
                *rx = SILENCE;
                return Ok(Exchange::default());
            };
            if let Some(exchange) = line.try_exchange(Instant::now(), tx, rx)? {
                return Ok(exchange);
            }
            std::thread::sleep(line.due().saturating_duration_since(Instant::now()).min(LOOK_AROUND));
        }
    }

    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn hang_up(&mut self) {
        self.wish(Wish::HangUp(self.call));
        self.over.get_or_insert(End { cause: EndCause::FarEnd, status: None, reason: "we hung up".into() });
    }

    fn digit(&mut self) -> Option<char> {
        self.digits.pop_front().or_else(|| self.line.as_mut()?.digit())
    }

    fn transport(&self) -> Option<Counted> {
        self.line.as_ref()?.transport()
    }
}
