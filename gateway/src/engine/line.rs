//! The block loop.
//!
//! ```text
//!  line ── rx block ──▶ front end ── events ──▶ session ── events ──▶ observer
//!       ◀── tx block ──           ◀── orders ──         ◀── octets for the signal being sent
//! ```

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{Exchange, LineError, PcmLine};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    seam::{Cut, FrontEnd},
    session::{Output, Session},
    time::LineTime,
};

use super::{CallObserver, CallReport, Recorder, Role};

/// Octets asked of the session at a time; an ECM frame has 260.
const SUPPLY_OCTETS: usize = 264;

/// Blocks from one report of progress to the next: 250 ms.
const PROGRESS_BLOCKS: u32 = 25;

/// Silence that stands for a line hung up at the other end: the demodulators let go of what they still hold.
const CLOSING_BLOCKS: usize = 8;

/// A call under way.
pub(super) struct Call<'a> {
    front: AudioFrontEnd,
    session: Session,
    role: Role,
    observer: &'a mut dyn CallObserver,
    /// When the session wants to be woken.
    due: Option<LineTime>,
    blocks: u32,
    cancelled: bool,
    lost: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(session: Session, audio: AudioConfig, observer: &'a mut dyn CallObserver) -> Self {
        let front = AudioFrontEnd::new(audio);
        let role = if session.is_caller() { Role::Caller } else { Role::Answerer };
        let mut call = Self { front, session, role, observer, due: None, blocks: 0, cancelled: false, lost: false };
        call.drain();
        call
    }

    /// Exchanges blocks until the session is over or the line is.
    pub(super) fn run(mut self, line: &mut dyn PcmLine, mut recorder: Option<&mut Recorder>) -> CallReport {
        let (mut tx, mut rx) = (SILENCE, SILENCE);
        while !self.front.wants_to_hang_up() && !self.lost {
            match line.exchange(&tx, &mut rx) {
                Ok(exchange) => {
                    if let Some(recorder) = recorder.as_deref_mut() {
                        recorder.write(&tx, &rx);
                    }
                    self.block(exchange, &rx, &mut tx);
                    self.observe();
                }
                Err(error) => self.line_lost(&error),
            }
        }
        // The last block made is still in hand; a line that is gone does not take it.
        if line.exchange(&tx, &mut rx).is_ok()
            && let Some(recorder) = recorder
        {
            recorder.write(&tx, &rx);
        }
        line.hang_up();
        self.observe();
        if self.front.events_lost() > 0 {
            tracing::warn!(
                events = self.front.events_lost(),
                "the line brought more in one block than there is room for"
            );
        }
        CallReport::new(self.role, &self.session, &self.front)
    }

    /// One block each way.
    fn block(&mut self, exchange: Exchange, rx: &Block, tx: &mut Block) {
        if exchange.lost_samples > 0 {
            self.front.receive_lost();
        } else {
            self.front.receive(rx);
        }
        while let Some(event) = self.front.poll() {
            self.session.handle(event);
            self.drain();
        }
        let now = self.front.now();
        if self.due.is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
            self.drain();
        }
        self.top_up();
        self.front.transmit(tx);
    }

    /// Moves what the session wants to where it belongs.
    fn drain(&mut self) {
        loop {
            match self.session.poll() {
                Output::Order(order) => self.front.order(order),
                Output::Event(event) => self.observer.event(self.front.now(), event),
                Output::Wait(until) => {
                    self.due = until;
                    break;
                }
            }
        }
    }

    /// Gives the signal being sent what it has room for.
    fn top_up(&mut self) {
        let mut octets = [0; SUPPLY_OCTETS];
        loop {
            let room = self.front.room().min(SUPPLY_OCTETS);
            if room == 0 {
                break;
            }
            let (filled, cut) = self.session.fill(&mut octets[..room]);
            self.front.supply(&octets[..filled], cut);
            if filled == 0 && cut == Cut::More {
                break;
            }
        }
    }

    /// What the observer wants and gets between blocks.
    fn observe(&mut self) {
        let now = self.front.now();
        if let Some(kept) = self.observer.page_kept() {
            self.session.page_kept(kept, now);
            self.drain();
        }
        if !self.cancelled && self.observer.cancelled() {
            self.cancelled = true;
            self.session.cancel(now);
            self.drain();
        }
        for line in self.session.take_trace() {
            self.observer.trace(&line);
        }
        self.blocks += 1;
        if self.blocks.is_multiple_of(PROGRESS_BLOCKS) {
            self.observer.progress(&self.session.progress());
        }
    }

    /// The other end may have hung up on its last word: that is heard out before the line counts as lost.
    fn line_lost(&mut self, error: &LineError) {
        tracing::debug!(%error, "line lost");
        for _ in 0..CLOSING_BLOCKS {
            self.block(Exchange::default(), &SILENCE, &mut SILENCE.clone());
        }
        self.session.line_lost(self.front.now());
        self.drain();
        self.lost = true;
    }
}
