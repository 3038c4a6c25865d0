//! What came and is not played yet.
//!
//! The stream has no time stamps and loses nothing; it only stops now and then. What is played keeps the time of the
//! line: in place of samples that are not there comes silence, and when they turn up after all they are dropped, so that
//! what follows is where it belongs. A far end that simply has nothing to say begins anew, without dropping.

use std::collections::VecDeque;

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE};

/// The most that is kept; what is more waits in the socket.
const MOST_SAMPLES: usize = 8000;

/// Blocks without samples that count as lost; after them the far end is silent rather than late.
const LOST_BLOCKS: usize = 6;

/// Blocks for which late samples are dropped after they began to come again.
const CATCHING_UP: u32 = 10;

/// A buffer that holds what came until its depth is reached.
pub(crate) struct Playout {
    samples: VecDeque<i16>,
    depth: usize,
    state: State,
    /// Whether anything was ever played.
    begun: bool,
    /// Silence played since samples ran out.
    missing: usize,
    late: u64,
    missed: u64,
    ended: bool,
}

#[derive(Clone, Copy)]
enum State {
    /// Nothing there.
    Empty,
    /// Samples come again; so many blocks have gone by meanwhile.
    Filling { blocks: u32 },
    /// Going on; what is late is dropped for so many blocks more.
    Playing { catching_up: u32 },
}

impl Playout {
    /// Plays what is `depth` samples old.
    pub(crate) fn new(depth: usize) -> Self {
        Self {
            samples: VecDeque::with_capacity(MOST_SAMPLES),
            depth,
            state: State::Empty,
            begun: false,
            missing: 0,
            late: 0,
            missed: 0,
            ended: false,
        }
    }

    /// Samples that can be taken.
    pub(crate) fn room(&self) -> usize {
        MOST_SAMPLES - self.samples.len()
    }

    /// A sample came; one too many is dropped.
    pub(crate) fn put(&mut self, sample: i16) {
        if self.room() > 0 {
            self.samples.push_back(sample);
        }
    }

    /// Nothing more will come: what is there is played without waiting for more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether everything was played and nothing more will come.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.samples.is_empty()
    }

    /// How much is there while it is played, undisturbed.
    pub(crate) fn lead(&self) -> Option<usize> {
        matches!(self.state, State::Playing { catching_up: 0 }).then_some(self.samples.len())
    }

    /// Samples that came too late, and that were missed, so far.
    pub(crate) fn tally(&self) -> (u64, u64) {
        (self.late, self.missed)
    }

    /// The next block, and how many of its samples count as lost.
    pub(crate) fn block(&mut self, rx: &mut Block) -> usize {
        self.advance();
        let State::Playing { catching_up } = self.state else { return self.silence(rx) };
        self.state = State::Playing { catching_up: catching_up.saturating_sub(1) };
        if self.samples.len() >= BLOCK_SAMPLES || self.ended {
            *rx = SILENCE;
            let there = self.samples.len().min(BLOCK_SAMPLES);
            rx.iter_mut().zip(self.samples.drain(..there)).for_each(|(to, sample)| *to = sample);
            self.begun = true;
            return 0;
        }
        (self.state, self.missing) = (State::Empty, 0);
        self.silence(rx)
    }

    fn advance(&mut self) {
        self.state = match self.state {
            State::Empty | State::Filling { .. } if self.ended => State::Playing { catching_up: 0 },
            State::Empty if self.samples.len() >= self.depth => self.play(0),
            State::Empty if self.samples.len() >= BLOCK_SAMPLES => State::Filling { blocks: 1 },
            State::Filling { blocks } if self.samples.len() >= self.depth => self.play(blocks),
            State::Filling { blocks } => State::Filling { blocks: blocks + 1 },
            State::Playing { catching_up } => {
                if catching_up > 0 {
                    self.drop_late();
                }
                State::Playing { catching_up }
            }
            State::Empty => State::Empty,
        };
    }

    /// The depth is reached, after so many blocks: at once means that it had been held up on the way.
    fn play(&mut self, blocks: u32) -> State {
        let held_up = self.begun && (blocks as usize * BLOCK_SAMPLES) * 2 < self.depth;
        if !held_up {
            return State::Playing { catching_up: 0 };
        }
        self.drop_late();
        State::Playing { catching_up: CATCHING_UP }
    }

    fn drop_late(&mut self) {
        let late = self.samples.len().saturating_sub(self.depth).min(self.missing);
        self.samples.drain(..late);
        self.missing -= late;
        self.late += late as u64;
    }

    fn silence(&mut self, rx: &mut Block) -> usize {
        *rx = SILENCE;
        self.missing += BLOCK_SAMPLES;
        if !self.begun || self.missing > LOST_BLOCKS * BLOCK_SAMPLES {
            return 0;
        }
        self.missed += BLOCK_SAMPLES as u64;
        BLOCK_SAMPLES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a stream of counted samples: at each block so many blocks come. What was heard, and blocks lost.
    fn play(depth: usize, arrivals: &[usize]) -> (Vec<i16>, usize) {
        let mut playout = Playout::new(depth);
        let (mut next, mut heard, mut lost) = (1, vec![], 0);
        for blocks in arrivals {
            for _ in 0..blocks * BLOCK_SAMPLES {
                playout.put(next);
                next += 1;
            }
            let mut rx = SILENCE;
            lost += playout.block(&mut rx) / BLOCK_SAMPLES;
            heard.push(rx[0]);
        }
        (heard, lost)
    }

    /// The n-th block's first sample, or silence.
    fn block(number: i16) -> i16 {
        (number - 1) * 80 + 1
    }

    #[test]
    fn what_comes_evenly_is_played_a_depth_later() {
        let (heard, lost) = play(320, &[2, 0, 2, 0, 2, 0, 2, 0]);
        assert_eq!(heard, [0, 0, block(1), block(2), block(3), block(4), block(5), block(6)]);
        assert_eq!(lost, 0);
    }

    #[test]
    fn a_stall_within_the_depth_is_not_heard() {
        let (heard, lost) = play(320, &[4, 1, 0, 0, 3, 1, 1]);
        assert_eq!(heard, (1..=7).map(block).collect::<Vec<_>>());
        assert_eq!(lost, 0);
    }

    #[test]
    fn what_was_held_up_is_dropped_and_what_follows_is_where_it_belongs() {
        let mut arrivals = vec![4];
        arrivals.extend([0; 8]);
        arrivals.extend([9, 1, 1, 1]);
        let (heard, lost) = play(320, &arrivals);
        assert_eq!(heard[..4], [block(1), block(2), block(3), block(4)]);
        assert_eq!(heard[4..9], [0; 5]);
        assert_eq!(heard[9..], [block(10), block(11), block(12), block(13)], "block n + 1 belongs to place n");
        assert_eq!(lost, 5);
    }

    #[test]
    fn who_has_nothing_to_say_begins_anew_without_loss_of_samples() {
        let mut arrivals = vec![4];
        arrivals.extend([0; 100]);
        arrivals.extend([1; 8]);
        let (heard, lost) = play(320, &arrivals);
        assert_eq!(lost, LOST_BLOCKS, "a pause is a loss at first and then silence");
        assert_eq!(heard[heard.len() - 5..], [block(5), block(6), block(7), block(8), block(9)]);
    }

    #[test]
    fn the_last_samples_are_played_without_waiting() {
        let mut playout = Playout::new(640);
        (0..100).for_each(|sample| playout.put(sample));
        playout.end();
        let mut rx = SILENCE;
        assert_eq!(playout.block(&mut rx), 0);
        assert_eq!((rx[79], playout.is_over()), (79, false));
        playout.block(&mut rx);
        assert_eq!((rx[19], rx[20], playout.is_over()), (99, 0, true));
    }
}
