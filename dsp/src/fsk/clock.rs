//! The bit clock: four steps to a bit, pulled to the transitions between mark and space.

/// Steps to a bit.
pub(super) const STEPS: usize = 4;

/// Transitions whose crossing is searched in the whole bit, before the clock is near enough to look at its middle only.
const SEARCHED: u32 = 4;

/// Share of a measured error that is corrected once the clock has settled. 200 ppm of a bit every second bit are
/// followed with 1 % of a bit of lag.
const SETTLED_GAIN: f32 = 0.04;

/// Times the steps and decides bits.
#[derive(Clone, Debug)]
pub(super) struct BitClock {
    /// Samples to a step, as the specification has it.
    step_samples: f64,
    /// When the next step is due, in samples since the start.
    due: f64,
    /// Steps taken since the last decision.
    steps: usize,
    /// Difference of the envelopes at the last decision and at each step since.
    differences: [f32; STEPS + 1],
    /// Sum of the envelopes at the step halfway between two decisions.
    halfway: f32,
    /// Transitions seen since the signal appeared.
    transitions: u32,
    /// The first of them was seen as it came.
    is_aligned: bool,
    /// Sum of the envelopes at the last step.
    last_sum: f32,
}

impl BitClock {
    pub(super) fn new(bit_samples: f64) -> Self {
        let step_samples = bit_samples / STEPS as f64;
        Self {
            step_samples,
            due: step_samples,
            steps: 0,
            differences: [0.0; STEPS + 1],
            halfway: 0.0,
            transitions: 0,
            is_aligned: false,
            last_sum: 0.0,
        }
    }

    #[inline(always)]
    pub(super) fn due(&self) -> f64 {
        self.due
    }

    /// Whether the decision instants are known.
    #[inline(always)]
    pub(super) fn is_settled(&self) -> bool {
        self.transitions >= SEARCHED
    }

    /// Forgets the transitions seen: the next signal is a new one.
    #[inline(always)]
    pub(super) fn unsettle(&mut self) {
        self.transitions = 0;
        self.is_aligned = false;
    }

    /// Takes the difference and the sum of the envelopes of mark and space at the step that is due; the bit, if it ends
    /// there. The first change of a signal that is there tells where bits begin.
    #[inline(always)]
    pub(super) fn step(&mut self, difference: f32, sum: f32, is_there: bool) -> Option<bool> {
        self.due += self.step_samples;
        self.start_bit();
        self.steps += 1;
        self.differences[self.steps] = difference;
        let last_sum = core::mem::replace(&mut self.last_sum, sum);
        if !self.is_aligned && self.transitions == 0 && is_there && self.aligns(last_sum) {
            return None;
        }
        if self.steps == STEPS / 2 {
            self.halfway = sum;
        }
        (self.steps == STEPS).then_some(difference > 0.0)
    }

    /// Puts the clock to where the signal changes: that is the middle between two decisions. Whether it does.
    fn aligns(&mut self, last_sum: f32) -> bool {
        let (before, after) = (self.differences[self.steps - 1], self.differences[self.steps]);
        if (before > 0.0) == (after > 0.0) {
            return false;
        }
        let since = after / (after - before);
        self.halfway = if since < 0.5 { self.last_sum } else { last_sum };
        self.due -= f64::from(since) * self.step_samples;
        self.steps = STEPS / 2;
        self.differences[..STEPS / 2].fill(before);
        self.differences[STEPS / 2] = f32::MIN_POSITIVE.copysign(after);
        self.is_aligned = true;
        true
    }

    /// Lets the step that is due pass unheard if it is at a quarter of a bit and the decision instants are known: then the
    /// middle and the end of a bit tell all. Whether it did.
    #[inline(always)]
    pub(super) fn passes_quarter(&mut self) -> bool {
        let passes = self.is_settled() && self.steps.is_multiple_of(2);
        if passes {
            self.pass();
        }
        passes
    }

    /// Lets the step that is due pass unheard; whether a bit ends there.
    #[inline(always)]
    pub(super) fn pass(&mut self) -> bool {
        self.step(0.0, 0.0, false).is_some()
    }

    /// Corrects the clock after a decision, if there was a transition since the one before: whether it was to mark, and the
    /// sum of the envelopes halfway, if the clock was right.
    #[inline(always)]
    pub(super) fn follow(&mut self) -> Option<(bool, f32)> {
        let (before, after) = (self.differences[0], self.differences[STEPS]);
        if (before > 0.0) == (after > 0.0) {
            return None;
        }
        let told = (self.is_aligned || self.is_settled()).then_some((after > 0.0, self.halfway));
        let late_bits = if self.is_settled() { self.late_by_middle() } else { self.late_by_search() };
        let gain = (1.0 / (1.0 + self.transitions as f32)).max(SETTLED_GAIN);
        self.transitions = self.transitions.saturating_add(1);
        self.turn_back(f64::from(gain * late_bits * STEPS as f32));
        told
    }

    /// Sets the clock back by that many steps. Those that are over already count as taken.
    #[inline(always)]
    fn turn_back(&mut self, steps: f64) {
        if steps <= 1.0 {
            self.due -= steps * self.step_samples;
            return;
        }
        let over = libm::ceil(steps - 1.0);
        self.due += (over - steps) * self.step_samples;
        for _ in 0..over as usize {
            self.start_bit();
            self.steps += 1;
            self.differences[self.steps] = self.differences[0];
        }
    }

    /// Begins the next bit when one is complete.
    #[inline(always)]
    fn start_bit(&mut self) {
        if self.steps == STEPS {
            self.differences[0] = self.differences[STEPS];
            self.steps = 0;
        }
    }

    /// Lateness in bits from the difference half-way between two decisions, which is zero when the clock is right and
    /// leans to the newer bit when it is late.
    #[inline(always)]
    fn late_by_middle(&self) -> f32 {
        let (before, after) = (self.differences[0], self.differences[STEPS]);
        (self.differences[STEPS / 2] / (after - before) * 2.0).clamp(-1.0, 1.0) / 2.0
    }

    /// Lateness in bits from the steepest change of sign in the bit, which belongs in its middle.
    #[inline(never)]
    fn late_by_search(&self) -> f32 {
        let pairs = self.differences.windows(2).enumerate();
        let crossings = pairs.filter(|(_, pair)| (pair[0] > 0.0) != (pair[1] > 0.0));
        let steepest = crossings.max_by(|(_, a), (_, b)| (a[1] - a[0]).abs().total_cmp(&(b[1] - b[0]).abs()));
        let Some((step, pair)) = steepest else { return 0.0 };
        let crossing = step as f32 + pair[0] / (pair[0] - pair[1]);
        (STEPS as f32 / 2.0 - crossing) / STEPS as f32
    }
}
