//! Phases C and D at the receiver with error correction: frames to blocks, blocks to the decoder. Annex A of T.30.
//!
//! ```text
//! sender    FCD ... RCP  75 ms  PPS-x                 ▶ next block, page, or the frames asked for
//! receiver                            MCF | PPR
//! ```

use super::{
    Event,
    burst::Heard,
    config::FrameSize,
    core::Core,
    outcome::{Cause, Phase},
    receive::{self, Arrived, Following},
    report::Verdict,
    state::{Sign, State, Step},
    terms::Terms,
    timers::Timer,
    trace::TraceKind,
    training::CheckTraining,
};
use crate::{
    frame::{BitField, Fcf, Field, Frame, PartialPage, PostMessage, ResendMap, carrier_of_rate_bits},
    image::{Bitmap, Coding, PageDecoder},
    seam::{Carrier, Framing, Listen},
    time::{LineSpan, LineTime},
};

/// Frames in a block at most.
const BLOCK_FRAMES: usize = 256;

/// Octets a frame takes on the line beside those of the image: address to number, check sequence, a flag and inserted
/// zeros.
const FRAME_EXTRA_OCTETS: u64 = 16;

/// The wait for the command when a block should be over: T2 and a burst.
const COMMAND_AFTER_BLOCK: LineSpan = LineSpan::ms(8_000);

/// Blocks of a page are awaited or coming in.
pub(super) struct ReceiveBlocks {
    terms: Terms,
    /// The next signal's carrier: V.17 trains long after CTC.
    carrier: Carrier,
    page: Box<Incoming>,
}

/// A page in the making.
struct Incoming {
    decoder: PageDecoder,
    block: BlockInHand,
    octets: u64,
    retransmitted_frames: u32,
    begun: bool,
    /// A block was given up by the sender and did not come again.
    abandoned: bool,
    /// What there is of the block given up last, until it is known whether it comes again.
    given_up: Option<GivenUp>,
}

/// A block after EOR.
struct GivenUp {
    identity: (u8, u8),
    /// Frames of it that went to the decoder before.
    passed: u16,
    octets: Vec<u8>,
}

/// Frames of the block in hand.
struct BlockInHand {
    frame_octets: usize,
    octets: Vec<u8>,
    lengths: [u16; BLOCK_FRAMES],
    missing: ResendMap,
    /// Frames the block has at least.
    frames: u16,
    /// Frames from the first on that the decoder has: none of those before is missing.
    passed: u16,
    /// Frames came since the last answer.
    fresh: bool,
    /// RCP came since the last answer.
    ended: bool,
    /// Page and block number of the one confirmed last.
    confirmed: Option<(u8, u8)>,
}

impl BlockInHand {
    fn new(size: FrameSize, confirmed: Option<(u8, u8)>) -> Self {
        Self {
            frame_octets: size.octets(),
            octets: vec![0; BLOCK_FRAMES * size.octets()],
            lengths: [0; BLOCK_FRAMES],
            missing: ResendMap::ALL,
            frames: 0,
            passed: 0,
            fresh: false,
            ended: false,
            confirmed,
        }
    }

    /// The longest the sender may still speak when its signal broke off: the frames of a full block that have not come,
    /// and then its command.
    fn rest(&self, carrier: Carrier) -> LineSpan {
        let frames = BLOCK_FRAMES as u64 - u64::from(self.frames);
        let bits = frames * (self.frame_octets as u64 + FRAME_EXTRA_OCTETS) * 8;
        LineSpan::ms(bits * 1000 / u64::from(carrier.bit_rate())) + COMMAND_AFTER_BLOCK
    }

    /// Keeps a frame. One that is longer than was agreed is none.
    fn keep(&mut self, number: u8, data: &[u8]) {
        self.fresh = true;
        if data.len() > self.frame_octets || u16::from(number) < self.passed {
            return;
        }
        let begin = usize::from(number) * self.frame_octets;
        self.octets[begin..begin + data.len()].copy_from_slice(data);
        self.lengths[usize::from(number)] = data.len() as u16;
        self.missing.received(number);
        self.frames = self.frames.max(u16::from(number) + 1);
    }

    /// Whether all frames are here. Only the last may be shorter than was agreed: another that is has lost something.
    fn is_whole(&mut self) -> bool {
        let full = self.frame_octets as u16;
        for number in 0..self.frames.saturating_sub(1) as u8 {
            if self.lengths[usize::from(number)] < full {
                self.missing.lost(number);
            }
        }
        self.missing.asked(self.frames).next().is_none()
    }

    /// Hands over the frames that nothing before them can change any more, so that the page grows while it comes. One
    /// that is not full may have lost something and waits for the block's end.
    fn pass(&mut self, mut give: impl FnMut(&[u8])) {
        while self.passed < self.frames && usize::from(self.lengths[usize::from(self.passed)]) == self.frame_octets {
            give(self.frame(self.passed));
            self.passed += 1;
        }
    }

    /// Hands over what there is beyond that, in order, and is empty again.
    fn take(&mut self, confirmed: Option<(u8, u8)>, mut give: impl FnMut(&[u8])) {
        (self.passed..self.frames).for_each(|number| give(self.frame(number)));
        self.lengths = [0; BLOCK_FRAMES];
        self.missing = ResendMap::ALL;
        (self.frames, self.passed, self.fresh, self.ended) = (0, 0, false, false);
        self.confirmed = confirmed.or(self.confirmed);
    }

    fn frame(&self, number: u16) -> &[u8] {
        let begin = usize::from(number) * self.frame_octets;
        &self.octets[begin..begin + usize::from(self.lengths[usize::from(number)])]
    }
}

impl ReceiveBlocks {
    pub(super) fn enter(core: &mut Core, terms: Terms, size: FrameSize) -> State {
        let page = Incoming {
            decoder: receive::decoder(core, &terms),
            block: BlockInHand::new(size, core.confirmed_block),
            octets: 0,
            retransmitted_frames: 0,
            begun: false,
            abandoned: false,
            given_up: None,
        };
        Self { terms, carrier: terms.retrained_shortly(), page: Box::new(page) }.into()
    }

    fn listen(&self, core: &mut Core) {
        core.listen(Listen::To { carrier: self.carrier, framing: Framing::Hdlc });
        core.await_command();
    }

    fn partial_page(mut self, core: &mut Core, command: Heard) -> State {
        let Some(partial) = PartialPage::read(&command.field) else { return self.unexpected(core, &command) };
        let block = &mut self.page.block;
        let identity = (partial.page, partial.block);
        let answered = matches!(core.last_reply(), Some(Fcf::Mcf | Fcf::Err));
        if answered && !block.fresh && block.confirmed == Some(identity) {
            core.answer_again();
            return self.into();
        }
        block.frames = block.frames.max(partial.frames);
        if !block.is_whole() {
            return self.ask_again(core, command);
        }
        self.block_over(core, command, identity, partial.then)
    }

    fn ask_again(mut self, core: &mut Core, command: Heard) -> State {
        let block = &mut self.page.block;
        (block.fresh, block.ended) = (false, false);
        self.carrier = self.terms.retrained_shortly();
        self.page.retransmitted_frames += block.missing.asked(block.frames).count() as u32;
        let map = block.missing.0;
        core.answer(command, Fcf::Ppr, &map);
        self.into()
    }

    /// The block has all it will have.
    fn block_over(mut self, core: &mut Core, command: Heard, identity: (u8, u8), then: PostMessage) -> State {
        core.timers.stop(Timer::Page);
        core.confirmed_block = Some(identity);
        self.page.take_block(identity, command.fcf == Fcf::Eor);
        self.carrier = self.terms.retrained_shortly();
        if then != PostMessage::Null {
            return self.page_over(core, command);
        }
        let reply = if command.fcf == Fcf::Eor { Fcf::Err } else { Fcf::Mcf };
        core.answer(command, reply, &[]);
        self.into()
    }

    fn page_over(mut self, core: &mut Core, command: Heard) -> State {
        let following = receive::following(&command, self.terms).unwrap_or(Following::Nothing);
        self.page.settle(None);
        let Incoming { decoder, octets, retransmitted_frames, abandoned, .. } = *self.page;
        let decoded = decoder.finish();
        let verdict = match (abandoned, &decoded.picture) {
            (true, _) => Verdict::Abandoned,
            // Error correction brings what was sent; that may still be no picture.
            (false, None) if self.terms.coding == Coding::Jpeg => Verdict::Rejected,
            _ => Verdict::Confirmed,
        };
        let arrived = Arrived { decoded, verdict, octets, retransmitted_frames };
        receive::conclude(core, self.terms, arrived, command, following)
    }

    /// EOR: the sender gives the block up.
    fn given_up(self, core: &mut Core, command: Heard) -> State {
        let then = command.field.first().and_then(|&code| PostMessage::from_code(code)).unwrap_or(PostMessage::Null);
        if core.is_repeated(&command) && !self.page.block.fresh {
            core.answer_again();
            return self.into();
        }
        let identity = core.next_block();
        self.block_over(core, command, identity, then)
    }

    /// CTC: the sender goes on at another rate.
    fn change_rate(mut self, core: &mut Core, command: Heard) -> State {
        let bits = BitField::read(&command.field);
        if let Some(carrier) = carrier_of_rate_bits(bits.value(Field::Rate)) {
            self.terms.carrier = carrier;
            self.carrier = carrier;
            core.agreed(self.terms);
        }
        core.answer(command, Fcf::Ctr, &[]);
        self.into()
    }
}

impl Incoming {
    /// Gives the block to the decoder; one that was given up waits whether it comes again.
    fn take_block(&mut self, identity: (u8, u8), given_up: bool) {
        self.settle(Some(identity));
        let mut rest = Vec::new();
        let Self { decoder, block, octets, .. } = self;
        let passed = block.passed;
        block.take(Some(identity), |data| {
            if given_up {
                return rest.extend_from_slice(data);
            }
            decoder.push(data);
            *octets += data.len() as u64;
        });
        self.given_up = given_up.then_some(GivenUp { identity, passed, octets: rest });
    }

    /// What was given up stays so, unless this block is the same again.
    fn settle(&mut self, comes: Option<(u8, u8)>) {
        let Some(GivenUp { identity, passed, octets }) = self.given_up.take() else { return };
        if comes == Some(identity) {
            self.block.passed = passed;
        } else {
            self.abandoned = true;
            self.octets += octets.len() as u64;
            self.decoder.push(&octets);
        }
    }

    /// Lets the page grow; not while it is open whether this block is the one given up before.
    fn grow(&mut self) {
        let Self { decoder, block, octets, given_up: None, .. } = self else { return };
        block.pass(|data| {
            decoder.push(data);
            *octets += data.len() as u64;
        });
    }

    fn frame(&mut self, core: &mut Core, frame: Frame<'_>) {
        let Frame::Known(message) = frame else { return };
        self.block.ended |= message.fcf == Fcf::Rcp;
        let (Fcf::Fcd, Some((&number, data))) = (message.fcf, message.field.split_first()) else { return };
        if !self.begun {
            self.begun = true;
            core.event(Event::PageBegun { number: core.pages_received + 1 });
        }
        self.block.keep(number, data);
        self.grow();
    }
}

impl Step for ReceiveBlocks {
    fn phase(&self) -> Phase {
        Phase::C
    }

    fn rows(&self) -> u32 {
        self.page.decoder.rows()
    }

    fn bitmap(&self) -> Option<&Bitmap> {
        Some(self.page.decoder.bitmap())
    }

    fn sent(self, core: &mut Core) -> State {
        self.listen(core);
        self.into()
    }

    fn sign(self, core: &mut Core, sign: Sign) -> State {
        let block = &self.page.block;
        receive::follow_carrier(core, sign, (!block.ended).then(|| block.rest(self.terms.carrier)));
        if sign == Sign::FastDown && self.page.block.fresh {
            let (frames, missing) = (self.page.block.frames, self.page.block.missing);
            let have = usize::from(frames) - missing.asked(frames).count();
            core.trace.add(core.now, TraceKind::Heard, format_args!("block, {have} of at least {frames} frames"));
        }
        self.into()
    }

    fn fast_frame(mut self, core: &mut Core, octets: &[u8], intact: bool) -> State {
        if intact {
            self.page.frame(core, Frame::parse(octets));
        }
        self.into()
    }

    fn may_ask_again(&self) -> bool {
        self.page.block.fresh
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        core.await_command();
        match heard.fcf {
            Fcf::Pps => self.partial_page(core, heard),
            Fcf::Eor => self.given_up(core, heard),
            Fcf::Ctc => self.change_rate(core, heard),
            Fcf::Dcs => CheckTraining::enter(core, heard),
            // The answer to PPS was lost.
            Fcf::Rr | Fcf::Crp => {
                core.answer_again();
                self.into()
            }
            _ => self.unexpected(core, &heard),
        }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        core.await_command();
        self.into()
    }

    /// What is to become of the block is not known: it is not confirmed.
    fn unknown_heard(self, core: &mut Core) -> State {
        match self.page.block.fresh {
            true => self.fail(core, Cause::UnknownCommand, None, "after the block"),
            false => self.nothing_heard(core),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::Page => self.fail(core, Cause::TooLong, Some(timer), "the block has no end"),
            _ => self.fail(core, Cause::PeerSilent, Some(timer), "no block or no command after it"),
        }
    }
}

#[cfg(test)]
#[path = "ecm_receive_tests.rs"]
mod tests;
