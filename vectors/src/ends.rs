//! One end of a call as samples, driven block by block, and the line between two: for tests and benches of whole calls.

use std::sync::Arc;

use answertone_dsp::{
    channel::Channel,
    pcm::{BLOCK_SAMPLES, Block, SILENCE, narrow, widen},
};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    image::{Bitmap, Page, Resolution},
    seam::{Cut, FrontEnd},
    session::{Event, Outcome, Output, Session},
    time::LineTime,
};

/// One end of a call.
pub struct End {
    /// The machine.
    pub session: Session,
    /// What it hears and speaks with.
    pub front: AudioFrontEnd,
    due: Option<LineTime>,
    /// Pages received so far.
    pub pages: Vec<Page>,
    /// How the call went, when it is over.
    pub outcome: Option<Outcome>,
    /// What happened, a line each.
    pub trace: Vec<String>,
    /// Orders of the session so far.
    pub orders: usize,
}

impl End {
    /// A machine at the beginning of its call.
    pub fn new(session: Session) -> Self {
        let front = AudioFrontEnd::new(AudioConfig::default());
        let mut end =
            Self { session, front, due: None, pages: Vec::new(), outcome: None, trace: Vec::new(), orders: 0 };
        end.drain();
        end
    }

    /// Hears a block and says the next.
    pub fn block(&mut self, rx: &Block) -> Block {
        self.front.receive(rx);
        self.go_on()
    }

    /// Says the next block where the transport has lost one, and told so.
    pub fn lost_block(&mut self) -> Block {
        self.front.receive_lost();
        self.go_on()
    }

    fn go_on(&mut self) -> Block {
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
                Output::Order(order) => {
                    self.orders += 1;
                    self.front.order(order);
                }
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

/// A block through one direction of a line.
pub fn carried(line: &mut Channel, far: &Block, near: &Block) -> Block {
    let (mut input, mut echo, mut output) = ([0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES]);
    widen(far, &mut input);
    widen(near, &mut echo);
    line.run(&input, &echo, &mut output);
    let mut block = SILENCE;
    narrow(&output, &mut block);
    block
}

/// A page with enough on it that every coding has work.
pub fn page(seed: u32) -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, 320);
    for y in 0..320 {
        for x in 0..1728 {
            bitmap.set(x, y, (x / (3 + y / 20) + y / 7 + seed).is_multiple_of(3) && x % 400 < 300);
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}
