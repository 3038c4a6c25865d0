//! What is heard while the host has not asked for it yet: carriers and frames.

use std::collections::VecDeque;

use crate::{
    seam::Carrier,
    time::{LineSpan, LineTime},
};

/// Frames kept for a host that does not ask: more than two ECM blocks' worth would be stale.
const MOST_FRAMES: usize = 64;

/// A carrier that stays this long is no reason not to speak any more.
const LONGEST_WAIT: LineSpan = LineSpan::ms(400);

/// A frame as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeardFrame {
    pub(super) octets: Vec<u8>,
    pub(super) intact: bool,
}

/// The ear: carriers that are there now, frames not yet asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Hearing {
    /// Carriers that are up, the V.21 one and the fast one.
    up: [Option<LineTime>; 2],
    /// The V.21 carrier that is up has brought its last frame.
    spent: bool,
    frames: VecDeque<HeardFrame>,
    /// When the line last became quiet.
    quiet_since: LineTime,
}

fn place(carrier: Carrier) -> usize {
    usize::from(carrier != Carrier::V21)
}

impl Hearing {
    pub(super) fn up(&mut self, carrier: Carrier, at: LineTime) {
        self.up[place(carrier)] = Some(at);
        self.spent = false;
    }

    pub(super) fn down(&mut self, carrier: Carrier, at: LineTime) {
        self.up[place(carrier)] = None;
        self.quiet_since = self.quiet_since.max(at);
    }

    pub(super) fn frame(&mut self, octets: &[u8], intact: bool) {
        if self.frames.len() < MOST_FRAMES {
            self.frames.push_back(HeardFrame { octets: octets.to_vec(), intact });
        }
    }

    /// The next frame. Behind one that says it is the last nothing more is awaited of this carrier.
    pub(super) fn take_frame(&mut self) -> Option<HeardFrame> {
        let frame = self.frames.pop_front()?;
        self.spent = frame.intact && frame.octets.get(1).is_some_and(|control| control & 0x10 != 0);
        Some(frame)
    }

    /// Whether frames are there or on their way by this carrier.
    pub(super) fn brings_frames(&self, carrier: Carrier) -> bool {
        !self.frames.is_empty() || self.up[place(carrier)].is_some() && !self.spent
    }

    /// Whether there are frames that were not asked for yet.
    pub(super) fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// We speak now: nothing that was heard before matters.
    pub(super) fn clear(&mut self) {
        *self = Self { quiet_since: self.quiet_since, ..Self::default() };
    }

    /// The end of the last signal, while none is there; a signal that does not end counts as ended.
    pub(super) fn quiet_since(&self, now: LineTime) -> Option<LineTime> {
        let lasting = |since: &LineTime| now.since(*since) < LineSpan::ms(60_000);
        let busy = self.up.iter().flatten().any(lasting);
        if busy { None } else { Some(self.quiet_since) }
    }
}

/// When to stop waiting for the other side's silence.
pub(super) fn patience(since: LineTime) -> LineTime {
    since + LONGEST_WAIT
}
