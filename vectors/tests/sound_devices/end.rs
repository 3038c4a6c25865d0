//! One end of a call on a line with a clock, run to its end.

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{DeviceHealth, Exchange, PcmLine};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    image::Page,
    seam::{Cut, FrontEnd},
    session::{Event, Outcome, Output, Report, Session},
    time::LineTime,
};

/// What became of a call at one end.
pub(crate) struct Ended {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) report: Report,
    pub(crate) pages: Vec<Page>,
    pub(crate) trace: Vec<String>,
    pub(crate) health: DeviceHealth,
    pub(crate) seconds: f64,
}

/// A call under way.
struct End {
    session: Session,
    front: AudioFrontEnd,
    due: Option<LineTime>,
    pages: Vec<Page>,
    outcome: Option<Outcome>,
    trace: Vec<String>,
}

/// Blocks after which a call that is not over has gone wrong: ten minutes.
const TOO_LONG: usize = 60_000;

/// Runs a call.
pub(crate) fn run(line: &mut dyn PcmLine, session: Session) -> Ended {
    let front = AudioFrontEnd::new(AudioConfig::default());
    let mut end = End { session, front, due: None, pages: vec![], outcome: None, trace: vec![] };
    end.drain();
    let (mut tx, mut rx) = (SILENCE, SILENCE);
    for _ in 0..TOO_LONG {
        if end.front.wants_to_hang_up() {
            break;
        }
        let exchange = line.exchange(&tx, &mut rx).unwrap();
        tx = end.block(exchange, &rx);
    }
    let health = line.health().unwrap();
    line.hang_up();
    let seconds = end.front.now().since(LineTime::ZERO).seconds();
    let report = end.session.report().clone();
    Ended { outcome: end.outcome, report, pages: end.pages, trace: end.trace, health, seconds }
}

impl End {
    fn block(&mut self, exchange: Exchange, rx: &Block) -> Block {
        if exchange.lost_samples > 0 {
            self.front.receive_lost();
        } else {
            self.front.receive(rx);
        }
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
                Output::Event(Event::Page(page)) => self.pages.push(page.page),
                Output::Event(Event::Finished(outcome)) => self.outcome = Some(outcome),
                Output::Event(_) => {}
                Output::Wait(until) => {
                    self.due = until;
                    break;
                }
            }
        }
        self.trace.extend(self.session.take_trace().map(|line| line.to_string()));
    }
}
