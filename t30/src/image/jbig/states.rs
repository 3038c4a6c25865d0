//! Probability states of the arithmetic coder, ITU-T T.82 (03/93) table 24, and the same with the sense of the more
//! probable symbol built in.

/// A row of table 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QmState {
    /// Size of the interval of the less probable symbol, LSZ.
    pub lsz: u16,
    /// State after the less probable symbol, NLPS.
    pub nlps: u8,
    /// State after the more probable symbol and a renormalisation, NMPS.
    pub nmps: u8,
    /// Whether the less probable symbol becomes the more probable one, SWTCH.
    pub switches: bool,
}

const fn state(lsz: u16, nlps: u8, nmps: u8, switches: bool) -> QmState {
    QmState { lsz, nlps, nmps, switches }
}

/// ITU-T T.82 table 24.
#[rustfmt::skip]
pub const QM_STATES: [QmState; 113] = [
    state(0x5A1D, 1, 1, true), state(0x2586, 14, 2, false), state(0x1114, 16, 3, false), state(0x080B, 18, 4, false),
    state(0x03D8, 20, 5, false), state(0x01DA, 23, 6, false), state(0x00E5, 25, 7, false), state(0x006F, 28, 8, false),
    state(0x0036, 30, 9, false), state(0x001A, 33, 10, false), state(0x000D, 35, 11, false), state(0x0006, 9, 12, false),
    state(0x0003, 10, 13, false), state(0x0001, 12, 13, false), state(0x5A7F, 15, 15, true), state(0x3F25, 36, 16, false),
    state(0x2CF2, 38, 17, false), state(0x207C, 39, 18, false), state(0x17B9, 40, 19, false), state(0x1182, 42, 20, false),
    state(0x0CEF, 43, 21, false), state(0x09A1, 45, 22, false), state(0x072F, 46, 23, false), state(0x055C, 48, 24, false),
    state(0x0406, 49, 25, false), state(0x0303, 51, 26, false), state(0x0240, 52, 27, false), state(0x01B1, 54, 28, false),
    state(0x0144, 56, 29, false), state(0x00F5, 57, 30, false), state(0x00B7, 59, 31, false), state(0x008A, 60, 32, false),
    state(0x0068, 62, 33, false), state(0x004E, 63, 34, false), state(0x003B, 32, 35, false), state(0x002C, 33, 9, false),
    state(0x5AE1, 37, 37, true), state(0x484C, 64, 38, false), state(0x3A0D, 65, 39, false), state(0x2EF1, 67, 40, false),
    state(0x261F, 68, 41, false), state(0x1F33, 69, 42, false), state(0x19A8, 70, 43, false), state(0x1518, 72, 44, false),
    state(0x1177, 73, 45, false), state(0x0E74, 74, 46, false), state(0x0BFB, 75, 47, false), state(0x09F8, 77, 48, false),
    state(0x0861, 78, 49, false), state(0x0706, 79, 50, false), state(0x05CD, 48, 51, false), state(0x04DE, 50, 52, false),
    state(0x040F, 50, 53, false), state(0x0363, 51, 54, false), state(0x02D4, 52, 55, false), state(0x025C, 53, 56, false),
    state(0x01F8, 54, 57, false), state(0x01A4, 55, 58, false), state(0x0160, 56, 59, false), state(0x0125, 57, 60, false),
    state(0x00F6, 58, 61, false), state(0x00CB, 59, 62, false), state(0x00AB, 61, 63, false), state(0x008F, 61, 32, false),
    state(0x5B12, 65, 65, true), state(0x4D04, 80, 66, false), state(0x412C, 81, 67, false), state(0x37D8, 82, 68, false),
    state(0x2FE8, 83, 69, false), state(0x293C, 84, 70, false), state(0x2379, 86, 71, false), state(0x1EDF, 87, 72, false),
    state(0x1AA9, 87, 73, false), state(0x174E, 72, 74, false), state(0x1424, 72, 75, false), state(0x119C, 74, 76, false),
    state(0x0F6B, 74, 77, false), state(0x0D51, 75, 78, false), state(0x0BB6, 77, 79, false), state(0x0A40, 77, 48, false),
    state(0x5832, 80, 81, true), state(0x4D1C, 88, 82, false), state(0x438E, 89, 83, false), state(0x3BDD, 90, 84, false),
    state(0x34EE, 91, 85, false), state(0x2EAE, 92, 86, false), state(0x299A, 93, 87, false), state(0x2516, 86, 71, false),
    state(0x5570, 88, 89, true), state(0x4CA9, 95, 90, false), state(0x44D9, 96, 91, false), state(0x3E22, 97, 92, false),
    state(0x3824, 99, 93, false), state(0x32B4, 99, 94, false), state(0x2E17, 93, 86, false), state(0x56A8, 95, 96, true),
    state(0x4F46, 101, 97, false), state(0x47E5, 102, 98, false), state(0x41CF, 103, 99, false), state(0x3C3D, 104, 100, false),
    state(0x375E, 99, 93, false), state(0x5231, 105, 102, false), state(0x4C0F, 106, 103, false), state(0x4639, 107, 104, false),
    state(0x415E, 103, 99, false), state(0x5627, 105, 106, true), state(0x50E7, 108, 107, false), state(0x4B85, 109, 103, false),
    state(0x5597, 110, 109, false), state(0x504F, 111, 107, false), state(0x5A10, 110, 111, true), state(0x5522, 112, 109, false),
    state(0x59EB, 112, 111, true),];

/// What a context knows: its state twice, plus the more probable symbol.
pub(super) type Belief = u8;

/// A state with the more probable symbol: what comes next is looked up, not worked out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Size of the interval of the less probable symbol.
    pub(super) lsz: u16,
    /// Next belief after the more probable symbol.
    pub(super) more: Belief,
    /// Next belief after the less probable symbol.
    pub(super) less: Belief,
}

/// A step for each belief; those past the table are never looked up.
pub(super) static STEPS: [Step; 256] = steps();

const fn steps() -> [Step; 256] {
    let mut steps = [Step { lsz: 1, more: 0, less: 0 }; 256];
    let mut belief = 0;
    while belief < 2 * QM_STATES.len() {
        let row = QM_STATES[belief / 2];
        let symbol = belief as u8 % 2;
        steps[belief] =
            Step { lsz: row.lsz, more: row.nmps * 2 + symbol, less: row.nlps * 2 + (symbol ^ row.switches as u8) };
        belief += 1;
    }
    steps
}

/// What all contexts of a page know.
#[derive(Clone, Debug)]
pub(super) struct Beliefs(Box<[Belief; 1024]>);

impl Default for Beliefs {
    /// Nothing: all in the first state.
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

impl Beliefs {
    /// A context's belief. There are 1024 contexts.
    #[inline(always)]
    pub(super) fn of(&mut self, context: u32) -> &mut Belief {
        &mut self.0[context as usize & 0x3FF]
    }

    pub(super) fn forget(&mut self) {
        self.0.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_leads_to_states() {
        for row in QM_STATES {
            assert!(row.lsz > 0 && usize::from(row.nlps.max(row.nmps)) < QM_STATES.len());
        }
    }

    #[test]
    fn the_symbol_is_kept_and_switched() {
        assert_eq!((STEPS[0].more, STEPS[0].less), (2, 3));
        assert_eq!((STEPS[1].more, STEPS[1].less), (3, 2));
        assert_eq!((STEPS[2].more, STEPS[2].less), (4, 28));
    }
}
