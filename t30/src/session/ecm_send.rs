//! Phases C and D at the sender with error correction, ITU-T T.30 (09/2005) Annex A: blocks of numbered frames.
//!
//! ```text
//! sender    FCD ... FCD RCP RCP RCP  75 ms  PPS-x                   ▶ next block, page, or the frames asked for
//! receiver                                         MCF | PPR | RNR
//! sender    RR                  CTC (slower, after four PPR)        EOR-x (nothing slower is left)
//! receiver     MCF | RNR            CTR                                   ERR
//! ```

use std::sync::Arc;

use super::{
    air::{Air, Block, BlockFeed},
    burst::Heard,
    config::FrameSize,
    core::Core,
    growing::AwaitRows,
    negotiate::{Job, TRIES},
    outcome::{Cause, Phase},
    report::Verdict,
    send::{self, Figures},
    state::{State, Step},
    timers::{T5, Timer},
};
use crate::{
    frame::{BitField, Fcf, Field, PartialPage, PostMessage, ResendMap, rate_bits_of_carrier},
    image::PageEncoder,
    seam::{Carrier, Framing},
    time::LineTime,
};

/// Frames in a block at most.
const BLOCK_FRAMES: usize = 256;

/// Requests for the same block after which the rate is lowered or the block given up.
const PPR_LIMIT: u32 = 4;

/// A page on its way, block by block.
pub(super) struct Consignment {
    job: Job,
    encoder: Box<PageEncoder>,
    block: Arc<Block>,
    block_number: u8,
    /// What follows the block.
    then: PostMessage,
    /// Requests to resend since the block or the rate was new.
    requests: u32,
    /// Frames that the first of these asked for.
    missing_at_first: usize,
    figures: Figures,
}

/// Frames of a block are on the air.
pub(super) struct SendBlock {
    consignment: Box<Consignment>,
}

/// What was asked of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Pps,
    Rr,
    Ctc(Carrier),
    Eor,
}

impl Asked {
    const fn name(self) -> &'static str {
        match self {
            Self::Pps => "PPS",
            Self::Rr => "RR",
            Self::Ctc(_) => "CTC",
            Self::Eor => "EOR",
        }
    }
}

/// The answer to PPS, RR, CTC or EOR is awaited.
pub(super) struct AwaitBlockVerdict {
    consignment: Box<Consignment>,
    asked: Asked,
    /// EOR was said: RR now asks for its answer.
    given_up: bool,
    /// T5 ran out: another RNR is one too many.
    out_of_patience: bool,
    /// Frames that are asked for and not sent yet.
    missing: Vec<u8>,
    tries: u32,
}

/// Sends the page's first block.
pub(super) fn first_block(core: &mut Core, job: Job, size: FrameSize) -> State {
    let encoder = Box::new(send::encoder(core, &job));
    let block = Arc::new(Block { octets: Vec::new(), frame_octets: size.octets(), rows: 0..0 });
    let then = PostMessage::Null;
    let figures = Figures::default();
    let consignment =
        Consignment { job, encoder, block, block_number: 0, then, requests: 0, missing_at_first: 0, figures };
    Box::new(consignment).send_next(core)
}

impl Consignment {
    fn send_next(mut self: Box<Self>, core: &mut Core) -> State {
        let frame_octets = self.block.frame_octets;
        if let Some(growing) = &mut core.growing
            && !growing.feed(&mut self.encoder, BLOCK_FRAMES * frame_octets)
        {
            return AwaitRows::enter(core, self);
        }
        self.send_what_is_there(core)
    }

    /// The next block, of the octets there are.
    pub(super) fn send_what_is_there(mut self: Box<Self>, core: &mut Core) -> State {
        let frame_octets = self.block.frame_octets;
        let mut octets = vec![0; BLOCK_FRAMES * frame_octets];
        let before = self.encoder.rows_done();
        let filled = self.encoder.fill(&mut octets);
        octets.truncate(filled.max(1));
        self.then = match self.encoder.is_ended() {
            true => second_control_field(send::post_page_command(core, &self.job)),
            false => PostMessage::Null,
        };
        self.figures.octets += octets.len() as u64;
        self.figures.rows = self.encoder.rows_done();
        self.block = Arc::new(Block { octets, frame_octets, rows: before..self.encoder.rows_done() });
        self.requests = 0;
        let frames = (0..self.block.frames()).map(|frame| frame as u8).collect();
        let carrier = self.job.terms.retrained_shortly();
        self.send_frames(core, frames, carrier)
    }

    fn send_frames(self: Box<Self>, core: &mut Core, frames: Vec<u8>, carrier: Carrier) -> State {
        let what = format!("block {}, {} of {} frames", self.block_number, frames.len(), self.block.frames());
        let feed = BlockFeed::new(Arc::clone(&self.block), frames);
        core.transmit(carrier, Framing::Hdlc, Air::Block(feed), what);
        SendBlock { consignment: self }.into()
    }

    fn say(&self, core: &mut Core, asked: Asked) {
        match asked {
            Asked::Pps => core.say(&[(Fcf::Pps, &self.partial_page().field(core.x))]),
            Asked::Rr => core.say(&[(Fcf::Rr, &[])]),
            Asked::Eor => core.say(&[(Fcf::Eor, &[self.then.code(core.x)])]),
            Asked::Ctc(carrier) => {
                // As long as bits 1 to 16 of DCS, and only those of the rate mean anything.
                let mut bits = BitField::new();
                bits.set_value(Field::Rate, rate_bits_of_carrier(carrier).unwrap_or(0));
                core.say(&[(Fcf::Ctc, &bits.octets()[..2])]);
            }
        }
    }

    fn partial_page(&self) -> PartialPage {
        let page = self.job.page as u8;
        PartialPage { then: self.then, page, block: self.block_number, frames: self.block.frames() }
    }

    /// Rows came: the block that is now whole goes out, else more are awaited.
    pub(super) fn grown(mut self: Box<Self>, core: &mut Core) -> Result<State, Box<Self>> {
        let octets = BLOCK_FRAMES * self.block.frame_octets;
        let whole = core.growing.as_mut().is_none_or(|growing| growing.feed(&mut self.encoder, octets));
        if whole { Ok(self.send_what_is_there(core)) } else { Err(self) }
    }

    /// Octets of the next block that are there.
    pub(super) fn ready(&mut self) -> usize {
        self.encoder.ready()
    }

    /// The block arrived.
    fn block_done(mut self: Box<Self>, core: &mut Core, verdict: Verdict) -> State {
        core.timers.stop(Timer::T5);
        if self.then == PostMessage::Null && verdict.is_good() {
            self.block_number = self.block_number.wrapping_add(1);
            return self.send_next(core);
        }
        let command = match self.then {
            PostMessage::Eop => Fcf::Eop,
            PostMessage::Eom => Fcf::Eom,
            _ => Fcf::Mps,
        };
        send::judged(core, self.job, command, verdict, self.figures)
    }
}

fn second_control_field(command: Fcf) -> PostMessage {
    match command {
        Fcf::Mps => PostMessage::Mps,
        Fcf::Eom => PostMessage::Eom,
        _ => PostMessage::Eop,
    }
}

impl Step for SendBlock {
    fn phase(&self) -> Phase {
        Phase::C
    }

    fn sent(self, core: &mut Core) -> State {
        AwaitBlockVerdict::ask(core, self.consignment, Asked::Pps)
    }
}

impl AwaitBlockVerdict {
    fn ask(core: &mut Core, consignment: Box<Consignment>, asked: Asked) -> State {
        consignment.say(core, asked);
        Self {
            consignment,
            asked,
            given_up: asked == Asked::Eor,
            out_of_patience: false,
            missing: Vec::new(),
            tries: 1,
        }
        .into()
    }

    fn again(self, core: &mut Core, timer: Option<Timer>) -> State {
        if self.tries >= TRIES {
            let detail = format!("no answer to {}", self.asked.name());
            return self.fail(core, Cause::PeerSilent, timer, detail);
        }
        self.consignment.say(core, self.asked);
        Self { tries: self.tries + 1, ..self }.into()
    }

    fn resend(mut self, core: &mut Core, map: ResendMap) -> State {
        // Frames that the block does not have may be all it asks for: it gets the block's end.
        let missing: Vec<u8> = map.asked(self.consignment.block.frames()).collect();
        core.timers.stop(Timer::T5);
        self.consignment.requests += 1;
        if self.consignment.requests == 1 {
            self.consignment.missing_at_first = missing.len();
        }
        if self.consignment.requests >= PPR_LIMIT {
            return self.change(core, missing);
        }
        self.send_missing(core, missing)
    }

    fn send_missing(mut self, core: &mut Core, missing: Vec<u8>) -> State {
        self.consignment.figures.retransmitted_frames += missing.len() as u32;
        let carrier = match self.asked {
            Asked::Ctc(_) => self.consignment.job.terms.carrier,
            _ => self.consignment.job.terms.retrained_shortly(),
        };
        self.consignment.send_frames(core, missing, carrier)
    }

    /// Four requests for one block: slower, or not at all. When half of what was missing at first arrived meanwhile, the
    /// rate is not what frames are lost by.
    fn change(self, core: &mut Core, missing: Vec<u8>) -> State {
        let terms = self.consignment.job.terms;
        let keeps_rate = !missing.is_empty() && missing.len() * 2 <= self.consignment.missing_at_first;
        let next = if keeps_rate { Some(terms.carrier) } else { terms.step_down(&core.config, &core.theirs()) };
        let asked = next.map_or(Asked::Eor, Asked::Ctc);
        self.consignment.say(core, asked);
        Self { asked, given_up: asked == Asked::Eor, missing, tries: 1, ..self }.into()
    }

    fn slower(mut self, core: &mut Core, carrier: Carrier) -> State {
        self.consignment.job.terms.carrier = carrier;
        self.consignment.requests = 0;
        core.ceiling = Some(carrier);
        core.agreed(self.consignment.job.terms);
        let missing = std::mem::take(&mut self.missing);
        self.send_missing(core, missing)
    }

    fn not_ready(mut self, core: &mut Core) -> State {
        if self.out_of_patience {
            return self.fail(core, Cause::PeerNotReady, Some(Timer::T5), "RNR without end");
        }
        if !core.timers.runs(Timer::T5) {
            core.start(Timer::T5, T5);
        }
        self.asked = Asked::Rr;
        self.tries = 1;
        self.consignment.say(core, Asked::Rr);
        self.into()
    }
}

impl Step for AwaitBlockVerdict {
    fn phase(&self) -> Phase {
        Phase::D
    }

    fn sent(self, core: &mut Core) -> State {
        core.await_response();
        self.into()
    }

    fn may_ask_again(&self) -> bool {
        true
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match (heard.fcf, self.asked) {
            (Fcf::Err, _) | (Fcf::Mcf, Asked::Eor) if self.given_up => {
                self.consignment.block_done(core, Verdict::Abandoned)
            }
            (Fcf::Ctr, Asked::Ctc(carrier)) => self.slower(core, carrier),
            (Fcf::Rnr, _) => self.not_ready(core),
            (Fcf::Crp, _) => self.again(core, None),
            (Fcf::Dis | Fcf::Dtc, _) => send::forgotten(core, self.consignment.job, &heard),
            (Fcf::Ppr, Asked::Pps | Asked::Rr) => match ResendMap::read(&heard.field) {
                Some(map) => self.resend(core, map),
                None => self.again(core, None),
            },
            (fcf, Asked::Pps | Asked::Rr) if !self.given_up => match send::verdict_of(fcf) {
                Some(verdict) => self.consignment.block_done(core, verdict),
                None => self.unexpected(core, &heard),
            },
            _ => self.unexpected(core, &heard),
        }
    }

    fn unknown_heard(self, core: &mut Core) -> State {
        let detail = format!("its answer to {} is of no known kind", self.asked.name());
        self.fail(core, Cause::UnknownResponse, None, detail)
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            // The answer to the last RR may still be a better one.
            Timer::T5 => Self { out_of_patience: true, ..self }.into(),
            _ => self.again(core, Some(timer)),
        }
    }
}
