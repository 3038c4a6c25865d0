//! A call that is answered, to its end: one session, over audio and packets by turns.

use std::time::{Duration, Instant};

use answertone_dsp::pcm::SILENCE;
use answertone_hw::{LineError, PcmLine, PolledLine};
use answertone_t30::{audio::AudioConfig, handover::Baton, session::Session, t38, time::LineTime};

use super::{LOOK_AROUND, Leg};
use crate::{
    engine::{AudioCall, CallObserver, CallReport, Tape},
    sdp::{Agreed, Image},
    sip::{
        Policy,
        media::{MediaPath, packets},
    },
    t38::{Clock, Driver, DtlsPath, Path, sealed::Far},
};

/// How long a sealed call may remain unsealed.
const SEALING: Duration = Duration::from_secs(20);

/// The last word is on its way for so long, before we hang up.
const LAST_WORD: Duration = Duration::from_millis(200);

/// What became of a stretch of a call.
enum Stretch<O> {
    Over(Box<CallReport>, O),
    Changed(Box<Session>, O, Baton, LineTime),
}

impl Leg {
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
