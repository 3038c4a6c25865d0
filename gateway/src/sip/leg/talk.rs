//! A call that is answered, to its end: one session, over audio and packets by turns.

use std::{
    io,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::SILENCE;
use answertone_hw::{LineError, PcmLine, PolledLine};
use answertone_t30::{audio::AudioConfig, handover::Baton, session::Session, t38, time::LineTime};

use super::{LOOK_AROUND, Leg, Seals};
use crate::{
    engine::{AudioCall, CallObserver, CallReport, Tape},
    sdp::{Agreed, Image},
    sip::{
        Policy,
        endpoint::Wish,
        media::{MediaPath, packets},
    },
    t38::{Clock, Driver, Path},
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
            self.say_nothing();
            self.unsealed |= begun.elapsed() > SEALING;
        }
    }

    /// A block of silence. What is sealed goes by a socket of its own: without the audio's there is only to wait for it.
    fn say_nothing(&mut self) {
        let mut rx = SILENCE;
        if self.exchange(&SILENCE, &mut rx).is_err() {
            self.line = None;
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
                (None, None) => call.line_lost(LineError::Failed(io::Error::other("the media socket cannot be used"))),
                (None, Some(line)) => {
                    if !call.turn(line, Instant::now()) {
                        let due = line.due();
                        self.rest(due.saturating_duration_since(Instant::now()).min(LOOK_AROUND));
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
        let mut session = session;
        session.limit_rate(image.t38.max_bit_rate);
        let mut call = t38::Call::resume(session, config, wire, now, baton);
        let (mut driver, mut lost) = (Driver::new(clock), None);
        let mut path = self.path(image).unwrap_or_else(|error| Box::new(Broken(Some(error))));
        while !call.is_over() && lost.is_none() {
            if self.listen() {
                let next = self.media.clone();
                if !goes_on(image, &next) {
                    self.leave_seal();
                    let (session, baton) = call.into_parts();
                    return Stretch::Changed(Box::new(session), observer, baton, clock.now());
                }
                lost = self.moved(&next, path.as_mut()).err().map(LineError::Failed);
            }
            if self.seals.as_mut().is_some_and(Seals::grow_old) {
                self.wish(Wish::NewKeys(self.call));
            }
            lost = lost.or_else(|| self.lost());
            lost = lost.or_else(|| driver.turn(path.as_mut(), &mut call, &mut observer).err());
        }
        if lost.is_none() {
            std::thread::sleep(LAST_WORD);
        }
        let report = driver.end(path.as_ref(), &mut call, lost.as_ref(), &mut observer);
        let digits: String = std::mem::take(&mut self.digits).into_iter().collect();
        Stretch::Over(Box::new(CallReport { digits, ..report }), observer)
    }

    /// The way of T.38: in clear by the socket of the audio, sealed by one of its own.
    fn path(&mut self, image: &Image) -> io::Result<Box<dyn Path>> {
        if image.sealing.is_none() {
            return Ok(Box::new(MediaPath::new(self.sockets.socket.try_clone()?, image.remote)?));
        }
        self.accept(image)?;
        let path = self.seals.as_mut().and_then(Seals::take_path);
        path.map(|path| -> Box<dyn Path> { Box::new(path) })
            .ok_or_else(|| io::Error::other("there are no keys to seal the call with"))
    }

    /// T.38 goes on elsewhere, or by new keys.
    fn moved(&mut self, media: &Agreed, path: &mut dyn Path) -> io::Result<()> {
        let Agreed::Image(image) = media else { return Ok(()) };
        path.redirect(image.remote);
        self.accept(image)
    }

    /// Takes the far end's part of a seal; new keys wait for the next.
    fn accept(&mut self, image: &Image) -> io::Result<()> {
        let (Some(seals), Some(sealing)) = (&mut self.seals, &image.sealing) else { return Ok(()) };
        if seals.accept(image, sealing)? {
            self.new_keys();
        }
        Ok(())
    }

    fn leave_seal(&mut self) {
        if self.seals.as_mut().is_some_and(Seals::leave) {
            self.new_keys();
        }
    }
}

/// Whether T.38 goes on as it is: neither as audio, nor in clear instead of sealed.
fn goes_on(image: &Image, next: &Agreed) -> bool {
    matches!(next, Agreed::Image(next) if next.sealing.is_some() == image.sealing.is_some())
}

/// A path that could not be opened.
struct Broken(Option<io::Error>);

impl Path for Broken {
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        Err(self.0.take().unwrap_or_else(|| io::ErrorKind::NotConnected.into()))
    }

    fn receive(&mut self, _: &mut [u8], _: Duration) -> io::Result<Option<usize>> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn kind(&self) -> &'static str {
        "udptl"
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use answertone_hw::rtp::Codec;

    use super::*;
    use crate::{
        config::Config,
        sdp::Audio,
        sip::{CallId, Endpoint, Parties},
    };

    #[test]
    fn a_socket_that_fails_is_not_asked_again() {
        let text = "[[sip]]\nname = \"a\"\nlisten = \"127.0.0.1:0\"\nallowed = [\"127.0.0.0/8\"]\n";
        let endpoint = Endpoint::open(&Config::parse(text, "test").unwrap().accounts[0]).unwrap();
        let (_far, tidings) = channel();
        let sockets = endpoint.sockets().unwrap();
        let mut leg = Leg::new(&endpoint, CallId(1), tidings, sockets, None, Parties::default(), false).unwrap();
        // Nothing can be sent to all the world.
        let remote = Some("255.255.255.255:9".parse().unwrap());
        leg.take(Agreed::Audio(Audio { remote, codec: Codec::Pcmu, payload_type: 0, event_type: None, heard: true }));
        assert!(leg.line.is_some());
        (0..3).for_each(|_| leg.say_nothing());
        assert!(leg.line.is_none() && leg.lost().is_none());
    }
}
