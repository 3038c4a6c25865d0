//! A call about to be made, on its thread.

use std::{path::PathBuf, sync::Arc, thread};

use answertone_dsp::{
    pcm::{BLOCK_SAMPLES, SILENCE},
    tone::dtmf::{DtmfStyle, digits},
};
use answertone_hw::{
    Line as PcmLineOrPolled, LineUri, PcmLine,
    audiosocket::{AudioSocketParams, CallId, Side},
    sim,
};
use answertone_t30::{
    frame::Modems,
    image::Picture,
    session::{Config as SessionConfig, Direct, Document, Instead, Resolutions, Session},
    time::LineTime,
};
use tokio::runtime::Handle;

use super::{
    NotPlaced, ladder,
    sending::{Part, Sending},
};
use crate::{
    config::Line,
    direct::Courier,
    engine::answerer,
    live::Placed,
    prompt::rounded,
    service::{
        Shared, accounts,
        call::{self, Ended, Trunk, Way},
        onramp, switchboard,
    },
    store::now,
    t38::PacketLine,
    telephone::{self, DialString, dial, has_switch},
};

/// A line off hook, and the thread at its far end if that is ours.
type TakenLine = (Trunk, Option<thread::JoinHandle<()>>);

pub(super) struct Dialled {
    pub(super) shared: Arc<Shared>,
    pub(super) line: Line,
    /// The first job, whose number names the call.
    pub(super) job: i64,
    pub(super) attempt: i64,
    /// The international number,
    pub(super) called: String,
    /// and what is dialled for it.
    pub(super) number: String,
    /// The documents of the call, one for each job,
    pub(super) documents: Vec<Document>,
    /// the pictures of their pages,
    pub(super) pictures: Vec<Option<Arc<Picture>>>,
    /// and whose pages they are.
    pub(super) parts: Vec<Part>,
    pub(super) subaddress: String,
    /// Keys pressed after the answer.
    pub(super) post_dial: String,
    /// The step of the ladder.
    pub(super) step: i64,
    pub(super) recording: Option<PathBuf>,
}

impl Dialled {
    /// The call's end, and for each job how many of its pages the far machine has confirmed in all.
    pub(super) fn run(mut self, handle: &Handle) -> Result<(Ended, Vec<usize>), NotPlaced> {
        let (mut line, far) = self.take_line(handle)?;
        if !self.post_dial.is_empty() {
            line = self.pressed(line)?;
        }
        let courier = self.shared.courier(Way::Out, line.pace());
        let config = SessionConfig {
            ident: self.shared.config.identity.station.clone(),
            sub: Some(self.subaddress.clone()).filter(|sub| !sub.is_empty()),
            codings: onramp::codings(self.shared.config.offramp.colour),
            resolutions: Resolutions::up_to(self.shared.config.offramp.resolution),
            path_delay: line.delay(),
            direct: courier.as_ref().map_or(Direct::Never, Courier::terms),
            ..SessionConfig::default()
        };
        let config = Arc::new(ladder::at_step(config, self.step));
        let placed = Placed {
            id: format!("call-{}-{}", self.job, self.attempt),
            line: self.line.name.clone(),
            number: self.called.clone(),
            job: Some(self.job),
            companions: self.parts.iter().skip(1).map(|part| part.job).collect(),
            first: self.documents.first().map_or(0, |document| document.first),
            pages: self.documents.iter().flat_map(|document| document.pages.clone()).collect(),
            begun_at: now(),
            ..Placed::default()
        };
        let mut documents = std::mem::take(&mut self.documents).into_iter();
        let session = Session::calling(config, documents.next().unwrap_or_default(), LineTime::ZERO);
        let session = documents.fold(session, Session::then_sending);
        let pictures = std::mem::take(&mut self.pictures).into_iter().enumerate();
        let session = pictures
            .filter_map(|(page, picture)| Some((page, picture?)))
            .fold(session, |session, (page, picture)| session.with_picture(page, picture));
        let parts = std::mem::take(&mut self.parts);
        let sending = Sending::new(self.shared.clone(), handle.clone(), parts, line.pace()).with_courier(courier);
        let ended = call::run(&self.shared, Way::Out, line, session, sending, placed, self.recording.as_ref());
        let (ended, sending) = ended.map_err(|said| NotPlaced::new("no_line", said))?;
        if let Some(far) = far {
            let _ = far.join();
        }
        Ok((ended, sending.confirmed()))
    }

    /// The line when the keys were pressed that were asked for.
    fn pressed(&self, line: Trunk) -> Result<Trunk, NotPlaced> {
        let line = match line {
            Trunk::Signalled(mut leg) => {
                press(leg.as_mut(), &self.post_dial).map_err(|error| NotPlaced::new("line_lost", error))?;
                return Ok(Trunk::Signalled(leg));
            }
            other => other,
        };
        let Trunk::Sound(line) = line else {
            let said = "a t38: line carries no keys; leave the post-dial string out, or use a line with sound";
            return Err(NotPlaced::new("no_line", said));
        };
        let mut own = line.waiting();
        press(own.as_mut(), &self.post_dial).map_err(|error| NotPlaced::new("line_lost", error))?;
        Ok(PcmLineOrPolled::Own(own).into())
    }

    /// The line, off hook; a simulated one with somebody at its far end.
    fn take_line(&self, handle: &Handle) -> Result<TakenLine, NotPlaced> {
        let params = match &self.line.uri {
            LineUri::Sim(params) => params,
            LineUri::AudioSocket(params) => return Ok((self.connected(params, handle)?.into(), None)),
            LineUri::T38(params) => {
                let line = PacketLine::open(params, &|| !self.shared.stopping());
                let line = line.map_err(|error| NotPlaced::new("no_line", error))?;
                return Ok((Trunk::Packets(Box::new(line)), None));
            }
            LineUri::Sip(params) => {
                let number = params.to.as_deref().unwrap_or(&self.number);
                return Ok((accounts::call(&self.shared, &params.account, number, self.step)?, None));
            }
            uri => {
                let line = telephone::open(uri, &|| !self.shared.stopping());
                let mut line = line.map_err(|error| NotPlaced::new("no_line", error))?;
                self.dial_on(&mut line)?;
                return Ok((line.into(), None));
            }
        };
        let (near, far) = sim::pair(params);
        let far = match params.far {
            sim::Far::OnRamp => {
                let far = PcmLineOrPolled::Own(Box::new(far));
                let caller = onramp::Caller {
                    dialled: Some(self.number.clone()),
                    number: Some(self.shared.config.identity.station.clone()).filter(|station| !station.is_empty()),
                };
                let answered = onramp::answer_on_thread(&self.shared, handle, &self.line.name, far, caller);
                answered.map_err(|said| NotPlaced::new("no_line", said))?
            }
            sim::Far::FaxMachine => {
                let machine = answerer(far, SessionConfig { modems: Modems::ALL, ..SessionConfig::default() });
                thread::spawn(move || drop(machine.join()))
            }
        };
        Ok((PcmLineOrPolled::Own(Box::new(near)).into(), Some(far)))
    }

    /// On a line with a hook switch the number is dialled in the voice band.
    fn dial_on(&self, line: &mut PcmLineOrPolled) -> Result<(), NotPlaced> {
        if !line.wait_on(has_switch) {
            return Ok(());
        }
        let number: DialString = self.number.parse().map_err(|error| NotPlaced::new("no_line", error))?;
        let number = number.after_dial_tone();
        line.wait_on(|line| dial(line, &number, ANY_COUNTRY, &mut || self.shared.stopping()))
            .map_err(|error| NotPlaced::new(error.heard().map_or("no_line", Instead::name), error))
    }

    /// A call that Asterisk makes for us, or a connection that carries the number in its UUID.
    fn connected(&self, params: &AudioSocketParams, handle: &Handle) -> Result<PcmLineOrPolled, NotPlaced> {
        if let (Side::Listen(here), Some(originate)) = (params.side, &params.originate) {
            let which = (self.job, self.attempt);
            return handle.block_on(switchboard::call(&self.shared, params, originate, here, which, &self.number));
        }
        let call = params.call.or_else(|| CallId::of_number(&self.number));
        let uri = LineUri::AudioSocket(AudioSocketParams { call, ..params.clone() });
        answertone_hw::open_line(&uri, &|| !self.shared.stopping()).map_err(|error| NotPlaced::new("no_line", error))
    }
}

/// Tones of whatever country the line is in.
const ANY_COUNTRY: &str = "any";

/// Seconds that `P` and `W` wait: RFC 2846 2.1 leaves their length to the gateway.
const PAUSE_S: usize = 1;
const TONE_WAIT_S: usize = 3;

/// Milliseconds that a key takes which is pressed beside the audio.
const PRESSED_MS: usize = 250;

/// Presses keys on a line that was answered, beside the audio where it has a way for that.
fn press(line: &mut dyn PcmLine, keys: &str) -> Result<(), String> {
    say(line, &[0; 8000])?;
    for key in keys.chars() {
        match key {
            'P' => say(line, &vec![0; PAUSE_S * 8000])?,
            'W' => say(line, &vec![0; TONE_WAIT_S * 8000])?,
            key if line.press(key) => say(line, &[0; PRESSED_MS * 8])?,
            key => say(line, &rounded(&digits(&key.to_string(), DtmfStyle::default())))?,
        }
    }
    Ok(())
}

fn say(line: &mut dyn PcmLine, samples: &[i16]) -> Result<(), String> {
    let (mut tx, mut rx) = (SILENCE, SILENCE);
    for block in samples.chunks(BLOCK_SAMPLES) {
        tx.fill(0);
        tx[..block.len()].copy_from_slice(block);
        line.exchange(&tx, &mut rx).map_err(|error| error.to_string())?;
    }
    Ok(())
}
