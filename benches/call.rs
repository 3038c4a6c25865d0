//! A whole call of two machines on a line that changes nothing.

use std::sync::Arc;

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::Modems,
    image::Page,
    seam::{Cut, FrontEnd},
    session::{Codings, Config, Document, Event, Outcome, Output, Session},
    time::LineTime,
};

/// Blocks after which a call that is not over has gone wrong: ten minutes.
const TOO_LONG: usize = 60_000;

/// One end of a call.
struct End {
    session: Session,
    front: AudioFrontEnd,
    due: Option<LineTime>,
    outcome: Option<Outcome>,
}

impl End {
    fn new(session: Session) -> Self {
        let front = AudioFrontEnd::new(AudioConfig::default());
        let mut end = Self { session, front, due: None, outcome: None };
        end.drain();
        end
    }

    fn block(&mut self, rx: &Block) -> Block {
        self.front.receive(rx);
        while let Some(event) = self.front.poll() {
            self.session.handle(event);
            self.drain();
        }
        if self.due.is_some_and(|due| due <= self.front.now()) {
            self.session.handle_timeout(self.front.now());
            self.drain();
        }
        let mut octets = [0; 264];
        while self.front.room() > 0 {
            let (filled, cut) = self.session.fill(&mut octets);
            self.front.supply(&octets[..filled], cut);
            if filled == 0 && cut == Cut::More {
                break;
            }
        }
        let mut tx = SILENCE;
        self.front.transmit(&mut tx);
        tx
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll() {
                Output::Order(order) => self.front.order(order),
                Output::Event(Event::Finished(outcome)) => self.outcome = Some(outcome),
                Output::Event(_) => {}
                Output::Wait(until) => {
                    self.due = until;
                    return;
                }
            }
        }
    }
}

/// Carries a page from one machine to another; how many samples each end exchanged.
///
/// # Panics
/// When the page does not arrive: its time would mean nothing.
pub fn call(page: &Arc<Page>, modems: Modems, ecm: bool) -> usize {
    let config = || Arc::new(Config { ident: "bench".into(), modems, ecm, codings: Codings::ALL, ..Config::default() });
    let document = Document { pages: vec![page.clone()], first: 0 };
    let mut calling = End::new(Session::calling(config(), document, LineTime::ZERO));
    let mut answering = End::new(Session::answering(config(), LineTime::ZERO));
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    for blocks in 1..TOO_LONG {
        let to_answerer = from_caller;
        from_caller = calling.block(&from_answerer);
        from_answerer = answering.block(&to_answerer);
        if let (Some(one), Some(other)) = (&calling.outcome, &answering.outcome) {
            assert!(*one == Outcome::Completed && *other == Outcome::Completed, "{one:?}, {other:?}");
            return blocks * BLOCK_SAMPLES;
        }
    }
    panic!("the call did not end within ten minutes of line time");
}
