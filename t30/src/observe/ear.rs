//! One channel of a recording, heard with everything at once.

use super::{
    control::ControlEar,
    fast::FastEars,
    heard::{Heard, HeardFrame, What},
    line::LineLevels,
    tones::ToneEars,
};
use crate::{audio::dc::DcBlock, frame::Fcf, seam::Carrier, session::Terms};

/// Things of one channel that are kept.
const MOST: usize = 50_000;

/// All ears on one channel.
pub(super) struct Ear {
    dc: DcBlock,
    line: LineLevels,
    tones: ToneEars,
    control: ControlEar,
    fast: FastEars,
    heard: Vec<Heard>,
}

/// What a channel held.
#[derive(Clone, Debug)]
pub struct Channel {
    /// What was heard, in the order of its ends.
    pub heard: Vec<Heard>,
    /// The line.
    pub line: LineLevels,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            dc: DcBlock::default(),
            line: LineLevels::default(),
            tones: ToneEars::new(),
            control: ControlEar::new(),
            fast: FastEars::new(),
            heard: Vec::new(),
        }
    }

    /// Takes at most a block of samples. The modem that a DCS names, if one came.
    pub(super) fn run(&mut self, samples: &mut [f32]) -> Option<Carrier> {
        self.line.run(samples);
        self.dc.run(samples);
        self.line.cross(samples);
        let mut named = None;
        let message = self.control.run(samples, |frame| named = modem_of(frame).or(named));
        let burst = self.fast.run(samples);
        if self.control.hears() || self.fast.follows() {
            self.tones.rest();
        }
        let heard = &mut self.heard;
        self.tones.run(samples, &mut |what| heard.push(what));
        for what in message.into_iter().chain(burst) {
            self.keep(what);
        }
        self.heard.truncate(MOST);
        named
    }

    /// A DCS on this channel or another names a modem.
    pub(super) fn name(&mut self, carrier: Carrier) {
        self.fast.name(carrier);
    }

    pub(super) fn finish(mut self) -> Channel {
        let message = self.control.finish();
        let burst = self.fast.finish();
        let heard = &mut self.heard;
        self.tones.finish(&mut |what| heard.push(what));
        message.into_iter().chain(burst).for_each(|what| self.keep(what));
        self.heard.sort_by_key(|heard| (heard.from, heard.to));
        Channel { heard: self.heard, line: self.line }
    }

    /// Flags of V.21 without a frame that were heard within a fast signal are none.
    fn keep(&mut self, heard: Heard) {
        let is_chance = match &heard.what {
            What::Control(control) => control.intact().next().is_none() && self.fast.follows(),
            _ => false,
        };
        if !is_chance {
            self.heard.push(heard);
        }
    }
}

/// The modem that a DCS names.
fn modem_of(frame: &HeardFrame) -> Option<Carrier> {
    match frame.fcf() {
        Some(Fcf::Dcs) => Some(Terms::of_field(frame.field())?.carrier),
        _ => None,
    }
}
