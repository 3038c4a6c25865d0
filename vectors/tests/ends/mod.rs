//! One end of a call as samples, driven block by block, and the line between two.

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
pub(crate) struct End {
    /// The machine.
    pub(crate) session: Session,
    pub(crate) front: AudioFrontEnd,
    pub(crate) due: Option<LineTime>,
    pub(crate) pages: Vec<Page>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) trace: Vec<String>,
    /// Orders of the session so far.
    pub(crate) orders: usize,
}

impl End {
    pub(crate) fn new(session: Session) -> Self {
        let front = AudioFrontEnd::new(AudioConfig::default());
        let mut end =
            Self { session, front, due: None, pages: Vec::new(), outcome: None, trace: Vec::new(), orders: 0 };
        end.drain();
        end
    }

    pub(crate) fn block(&mut self, rx: &Block) -> Block {
        self.front.receive(rx);
        self.go_on()
    }

    /// What follows from what the front end has heard, and the block to send.
    pub(crate) fn go_on(&mut self) -> Block {
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
pub(crate) fn carried(line: &mut Channel, far: &Block, near: &Block) -> Block {
    let (mut input, mut echo, mut output) = ([0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES]);
    widen(far, &mut input);
    widen(near, &mut echo);
    line.run(&input, &echo, &mut output);
    let mut block = SILENCE;
    narrow(&output, &mut block);
    block
}

/// A page with enough on it that every coding has work.
pub(crate) fn page(seed: u32) -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, 320);
    for y in 0..320 {
        for x in 0..1728 {
            bitmap.set(x, y, (x / (3 + y / 20) + y / 7 + seed).is_multiple_of(3) && x % 400 < 300);
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}
