//! The filters of a plan, computed by the compiler.

use super::{sampler::MatchedFilter, transmitter::PulseTable};
use crate::units::{Baud, Hz};

/// Pulse shaping and matched filter for a symbol rate, a carrier and a roll-off.
#[derive(Debug)]
pub struct Filters {
    pub(super) send: PulseTable,
    pub(super) receive: MatchedFilter,
}

impl Filters {
    pub(super) const fn new(baud: Baud, carrier: Hz, roll_off: f32) -> Self {
        Self { send: PulseTable::new(baud, carrier, roll_off), receive: MatchedFilter::new(baud, carrier, roll_off) }
    }
}
