//! Octets for the signal being sent, made as they are asked for.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use crate::{
    frame::{Fcf, Message},
    image::PageEncoder,
    seam::Cut,
};

/// Frames of RCP behind an ECM block, ITU-T T.4 Annex A: three.
const RCP_FRAMES: u32 = 3;

/// What the signal on the air is made of.
#[derive(Clone, Debug)]
pub(super) enum Air {
    /// Nothing.
    Silent,
    /// Control frames.
    Frames(FrameQueue),
    /// So many octets of zeros: a training check.
    Zeros(usize),
    /// A page without error correction.
    Image(Box<ImageFeed>),
    /// Frames of an ECM block.
    Block(BlockFeed),
}

/// A page as a bare stream.
#[derive(Clone, Debug)]
pub(super) struct ImageFeed {
    encoder: PageEncoder,
    /// Octets given so far.
    octets: u64,
    over: bool,
}

/// Frames that go out in one burst, and how much of the first is given.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameQueue {
    frames: VecDeque<Vec<u8>>,
    given: usize,
}

/// The image octets of a block, cut into frames of equal size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) octets: Vec<u8>,
    pub(super) frame_octets: usize,
    /// The rows of the page that end in it.
    pub(super) rows: Range<u32>,
}

/// The frames of a block that are to be sent, made one at a time.
#[derive(Clone, Debug)]
pub(super) struct BlockFeed {
    block: Arc<Block>,
    wanted: VecDeque<u8>,
    /// Frames of the block up to the one made last.
    made: u16,
    rcp_left: u32,
    /// The frame being given, made in place: a block of frames goes out without an allocation.
    frame: Vec<u8>,
    given: usize,
}

impl ImageFeed {
    pub(super) fn new(encoder: PageEncoder) -> Self {
        Self { encoder, octets: 0, over: false }
    }

    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    pub(super) fn rows_done(&self) -> u32 {
        self.encoder.rows_done()
    }

    /// The encoder, to be given rows.
    pub(super) fn encoder(&mut self) -> &mut PageEncoder {
        &mut self.encoder
    }

    fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        if self.over {
            return (0, Cut::More);
        }
        let count = self.encoder.fill(buf);
        self.octets += count as u64;
        self.over = self.encoder.is_ended();
        (count, if self.over { Cut::Signal } else { Cut::More })
    }
}

impl FrameQueue {
    pub(super) fn push(&mut self, octets: Vec<u8>) {
        self.frames.push_back(octets);
    }

    /// Gives octets of the first frame. `Cut::Frame` where it ends.
    fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        let Some(frame) = self.frames.front() else { return (0, Cut::More) };
        let left = &frame[self.given..];
        let count = left.len().min(buf.len());
        buf[..count].copy_from_slice(&left[..count]);
        if count < left.len() {
            self.given += count;
            return (count, Cut::More);
        }
        self.given = 0;
        self.frames.pop_front();
        (count, Cut::Frame)
    }
}

impl Block {
    /// Frames in the block.
    pub(super) fn frames(&self) -> u16 {
        self.octets.len().div_ceil(self.frame_octets) as u16
    }

    /// Writes one frame's octets, filled up with zeros to its full size.
    fn write_frame(&self, number: u8, frame: &mut Vec<u8>) {
        let begin = usize::from(number) * self.frame_octets;
        let end = (begin + self.frame_octets).min(self.octets.len());
        Message { last: false, fcf: Fcf::Fcd, x: false, field: &[number] }.write(frame);
        let size = frame.len() + self.frame_octets;
        frame.extend_from_slice(&self.octets[begin..end]);
        frame.resize(size, 0);
    }
}

impl BlockFeed {
    pub(super) fn new(block: Arc<Block>, wanted: impl IntoIterator<Item = u8>) -> Self {
        let wanted = wanted.into_iter().collect();
        let frame = Vec::with_capacity(4 + block.frame_octets);
        Self { block, wanted, made: 0, rcp_left: RCP_FRAMES, frame, given: 0 }
    }

    /// Rows of the page up to the frame being given, as if all frames had as many.
    pub(super) fn rows_done(&self) -> u32 {
        let Range { start, end } = self.block.rows;
        start + (end - start) * u32::from(self.made) / u32::from(self.block.frames()).max(1)
    }

    fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        if self.given == self.frame.len() && !self.make_next() {
            return (0, Cut::More);
        }
        let left = &self.frame[self.given..];
        let count = left.len().min(buf.len());
        buf[..count].copy_from_slice(&left[..count]);
        self.given += count;
        match self.given == self.frame.len() {
            true if self.wanted.is_empty() && self.rcp_left == 0 => (count, Cut::Signal),
            true => (count, Cut::Frame),
            false => (count, Cut::More),
        }
    }

    /// Makes the next frame, or RCP behind the last; false when all were made.
    fn make_next(&mut self) -> bool {
        self.frame.clear();
        self.given = 0;
        match self.wanted.pop_front() {
            Some(number) => {
                self.made = u16::from(number) + 1;
                self.block.write_frame(number, &mut self.frame);
            }
            None if self.rcp_left > 0 => {
                self.rcp_left -= 1;
                Message { last: false, fcf: Fcf::Rcp, x: false, field: &[] }.write(&mut self.frame);
            }
            None => return false,
        }
        true
    }
}

impl Air {
    /// Writes the next octets: how many, and what ends with them.
    pub(super) fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        if buf.is_empty() {
            return (0, Cut::More);
        }
        let (count, cut) = match self {
            Self::Silent => (0, Cut::More),
            Self::Frames(queue) => {
                let (count, cut) = queue.fill(buf);
                (count, if cut == Cut::Frame && queue.frames.is_empty() { Cut::Signal } else { cut })
            }
            Self::Zeros(left) => {
                let count = buf.len().min(*left);
                buf[..count].fill(0);
                *left -= count;
                (count, if *left == 0 { Cut::Signal } else { Cut::More })
            }
            Self::Image(feed) => return feed.fill(buf),
            Self::Block(feed) => feed.fill(buf),
        };
        if cut == Cut::Signal {
            *self = Self::Silent;
        }
        (count, cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(air: &mut Air, room: usize) -> Vec<(Vec<u8>, Cut)> {
        let (mut buf, mut given) = (vec![0; room], Vec::new());
        loop {
            let (count, cut) = air.fill(&mut buf);
            given.push((buf[..count].to_vec(), cut));
            if cut == Cut::Signal {
                return given;
            }
        }
    }

    #[test]
    fn a_block_ends_with_three_rcp() {
        let block = Arc::new(Block { octets: vec![1; 70], frame_octets: 64, rows: 0..0 });
        assert_eq!(block.frames(), 2);
        let given = all(&mut Air::Block(BlockFeed::new(block, [0, 1])), 300);
        let lengths: Vec<usize> = given.iter().map(|(octets, _)| octets.len()).collect();
        assert_eq!(lengths, [68, 68, 3, 3, 3]);
        assert_eq!(given[4].1, Cut::Signal);
        assert!(given[..4].iter().all(|(_, cut)| *cut == Cut::Frame));
    }

    #[test]
    fn small_room_cuts_frames_where_it_must() {
        let mut queue = FrameQueue::default();
        queue.push(vec![1, 2, 3]);
        let given = all(&mut Air::Frames(queue), 2);
        assert_eq!(given, [(vec![1, 2], Cut::More), (vec![3], Cut::Signal)]);
    }
}
