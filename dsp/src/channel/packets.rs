//! What digital networks do to samples: clock slips and lost packets.

use super::{Fill, LostPackets, Slip, Slips, noise::Chance};
use crate::filter::history::History;

/// Samples in a packet: 20 ms.
pub const PACKET_SAMPLES: usize = 160;

/// Samples held in hand for dropping, 10 ms. When all are dropped, or as many are repeated, they come at once.
const ROOM: usize = 80;

/// A buffer that is read once per sample written, but for the slips.
#[derive(Clone, Debug)]
pub(super) struct Slipping {
    slip: Slip,
    every: Option<u64>,
    until_next: Option<u64>,
    past: History,
    in_hand: usize,
}

impl Slipping {
    pub(super) fn new(slips: Slips) -> Self {
        let in_hand = match slips.slip {
            Slip::Drop => ROOM,
            Slip::Repeat => 0,
            Slip::InTurn => 1,
        };
        let every = slips.every.map(|every| every.max(1));
        Self { slip: slips.slip, every, until_next: Some(slips.first), past: History::new(ROOM + 1), in_hand }
    }

    pub(super) fn push(&mut self, sample: f32) -> f32 {
        self.past.push(sample);
        match &mut self.until_next {
            Some(0) => {
                self.slip();
                self.until_next = self.every.map(|every| every - 1);
            }
            Some(samples) => *samples -= 1,
            None => {}
        }
        self.past.last(self.in_hand + 1)[0]
    }

    fn slip(&mut self) {
        let drop = match self.slip {
            Slip::Drop => true,
            Slip::Repeat => false,
            Slip::InTurn => self.in_hand == 1,
        };
        self.in_hand = match (drop, self.in_hand) {
            (true, 0) => ROOM,
            (true, in_hand) => in_hand - 1,
            (false, ROOM) => 0,
            (false, in_hand) => in_hand + 1,
        };
    }
}

/// Packets that do not arrive.
#[derive(Clone, Debug)]
pub(super) struct Losing {
    losses: LostPackets,
    chance: Chance,
    /// Samples since the line was opened.
    passed: u64,
    /// What arrived in the last packet's time, or was put in its place.
    past: History,
    losing: bool,
}

impl Losing {
    pub(super) fn new(losses: LostPackets, seed: u64) -> Self {
        let chance = Chance::new(seed ^ 0x0F1E_2D3C_4B5A_6978);
        Self { losses, chance, passed: 0, past: History::new(PACKET_SAMPLES), losing: false }
    }

    /// The sample that is heard, and whether it stands for one that was lost.
    pub(super) fn push(&mut self, sample: f32) -> (f32, bool) {
        let drawn = self.passed.is_multiple_of(PACKET_SAMPLES as u64).then(|| self.draw());
        self.losing = drawn.unwrap_or(self.losing);
        let at = self
            .losses
            .at
            .is_some_and(|first| (first..first.saturating_add(PACKET_SAMPLES as u64)).contains(&self.passed));
        self.passed += 1;
        let lost = self.losing || at;
        let heard = match (lost, self.losses.fill) {
            (false, _) => sample,
            (true, Fill::Silence) => 0.0,
            (true, Fill::Repeat) => self.past.samples()[0],
        };
        self.past.push(heard);
        (heard, lost)
    }

    fn draw(&mut self) -> bool {
        let chance = (self.chance.next_u64() >> 40) as f32 / (1u64 << 24) as f32;
        chance < self.losses.share
    }
}
