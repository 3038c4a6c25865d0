//! Symbol by symbol through what was heard, with loops closed.

use super::{POINTS, Receiver, State, evm, sample_index};
use crate::{
    bits::{BitRun, Mark},
    lanes::{LANES, Lanes, VectorWork, Vectors},
    modem::{
        Train,
        carrier::CarrierGains,
        complex::Complex,
        decoder::Word,
        equalizer::{AHEAD, TAPS},
        phasors::turned,
    },
    units::SampleIndex,
};

/// Share of the newest symbol in the mean error power.
const ERROR_SHARE: f32 = 0.02;
/// Error power of a symbol that counts at most.
const MOST_ERROR: f32 = 4.0;

/// Loop gains per symbol.
#[derive(Clone, Copy, Debug)]
struct Gains {
    equalizer: f32,
    carrier: CarrierGains,
    clock: f32,
}

const TRAINING_GAINS: Gains = Gains {
    equalizer: 0.05 / TAPS as f32,
    carrier: CarrierGains { phase: 0.06, level: 0.01, jitter: 0.02 },
    clock: 0.015,
};
/// The alternation excites two frequencies only: an equaliser that followed it would forget the others.
const SHORT_TRAINING_GAINS: Gains = Gains { equalizer: 0.0, ..TRAINING_GAINS };
/// In data the level stands still: decisions that noise spoils would shrink it. Its jumps are found when symbols are lost.
///
/// The first data still teach what training was too short for.
const EARLY_GAINS: Gains = Gains {
    equalizer: 0.02 / TAPS as f32,
    carrier: CarrierGains { phase: 0.02, level: 0.0, jitter: 0.01 },
    clock: 0.005,
};
const EARLY_SYMBOLS: usize = 3000;
const DATA_GAINS: Gains = Gains {
    equalizer: 0.01 / TAPS as f32,
    carrier: CarrierGains { phase: 0.018, level: 0.0, jitter: 0.01 },
    clock: 0.004,
};

/// Where the next symbol is.
#[derive(Clone, Copy, Debug)]
pub(super) struct SymbolPlace {
    /// Its half symbols' instants, in steps of the sampler.
    steps: [i64; 2],
    /// What each of them is turned back by, and then the symbol, in turns.
    pub(super) turns: [f64; 3],
}

impl SymbolPlace {
    pub(super) const NONE: Self = Self { steps: [0; 2], turns: [0.0; 3] };
}

/// A symbol as it was heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeardSymbol {
    /// Equalised and upright.
    received: Complex,
    /// What it was turned and scaled by.
    upright: Complex,
}

impl HeardSymbol {
    pub(super) const NONE: Self = Self { received: Complex::ZERO, upright: Complex::ONE };
}

impl Receiver {
    /// Runs through all symbols whose samples were heard, up to sample `end`.
    pub(super) fn follow(&mut self, end: f64, out: &mut BitRun) {
        let isa = self.sampler.isa();
        isa.run_in_vectors(Follow { receiver: self, end, out });
    }

    /// Samples beyond the clock's instant that the next symbol takes.
    pub(super) fn reach(&self) -> f64 {
        self.sampler.reach() + self.symbol
    }

    /// Takes half symbols without a look at what comes out.
    pub(super) fn take_half_symbols(&mut self, count: usize) {
        let isa = self.sampler.isa();
        isa.run_in_vectors(HalfSymbols { receiver: self, count });
    }

    #[inline(always)]
    fn half_symbol<V: Vectors>(&mut self) -> Complex {
        let (instant, turns) = self.half_symbol_place();
        self.sampler.at_in::<V>(&self.line, instant, turns).scale(self.gain)
    }

    /// Instant and turns of the next half symbol. Goes on by it.
    #[inline(always)]
    fn half_symbol_place(&mut self) -> (f64, f64) {
        let place = (self.clock.instant(), self.turns);
        self.turns += self.clock.step() * self.offset;
        place
    }

    /// Takes the next symbol.
    #[inline(always)]
    fn take_symbol<V: Vectors>(&mut self, out: &mut BitRun) {
        let place = self.symbol_place::<V>();
        let [first, second, upright] = place.turns;
        let halves = self.hear_symbol::<V>(&place, [turned(first), turned(second)]);
        let heard = self.equalise::<V>(halves, turned(upright));
        let sent = self.decide::<V>(&heard, None, out);
        self.learn_symbol::<V>(&heard, sent);
    }

    /// Whether the next symbol lies before sample `end`.
    #[inline(always)]
    pub(super) fn is_due(&self, end: f64) -> bool {
        self.clock.instant() + self.reach() < end
    }

    /// Where the next symbol is. Goes on by it.
    #[inline(always)]
    pub(super) fn symbol_place<V: Vectors>(&mut self) -> SymbolPlace {
        if self.moment_is_due {
            self.remember_moment();
        }
        let [(first, first_turns), (second, second_turns)] = [self.half_symbol_place(), self.half_symbol_place()];
        let (first_step, first) = self.sampler.place(first, first_turns);
        let (second_step, second) = self.sampler.place(second, second_turns);
        SymbolPlace { steps: [first_step, second_step], turns: [first, second, self.carrier.upright_turns::<V>()] }
    }

    /// The half symbols of a symbol, with the unit vectors by which they are turned back.
    #[inline(always)]
    pub(super) fn hear_symbol<V: Vectors>(&self, place: &SymbolPlace, back: [Complex; 2]) -> [Complex; 2] {
        let [first, second] = self.sampler.filtered_two::<V>(&self.line, place.steps);
        [(first * back[0]).scale(self.gain), (second * back[1]).scale(self.gain)]
    }

    /// The symbol that they give, with the unit vector that turns it upright.
    #[inline(always)]
    pub(super) fn equalise<V: Vectors>(&mut self, halves: [Complex; 2], upright: Complex) -> HeardSymbol {
        let upright = upright.scale(self.carrier.state().level);
        let received = self.equalizer.output_after::<V>(halves) * upright;
        self.points[self.next_point] = received;
        self.next_point = (self.next_point + 1) % POINTS;
        HeardSymbol { received, upright }
    }

    /// What was probably sent. Bits that are decided with it are given. `distances` are the decoder's, if they are measured.
    #[inline(always)]
    pub(super) fn decide<V: Vectors>(
        &mut self,
        heard: &HeardSymbol,
        distances: Option<V::Row>,
        out: &mut BitRun,
    ) -> Complex {
        if let Some(known) = self.reference().known.get(self.symbols) {
            return *known;
        }
        if self.predictor.predicts() {
            return self.sampler.isa().run_in_vectors(DecidePredicted { receiver: self, heard, out });
        }
        let at = self.symbol_instant();
        let unwanted = &mut self.unwanted_bits;
        let error_power = self.error_power;
        let together = *unwanted == 0;
        let give = |word| wanted(word, unwanted, at, error_power, out);
        self.decoder.decode::<V>(heard.received, distances, together, give)
    }

    /// [`Receiver::decide`] where errors are predicted from the last ones.
    #[inline(always)]
    fn decide_predicted<V: Vectors>(&mut self, heard: &HeardSymbol, out: &mut BitRun) -> Complex {
        if self.lock.is_lost() || self.is_of_lost_samples() {
            self.predictor.forget();
            self.decoder.forget_errors();
        }
        let at = self.symbol_instant();
        let unwanted = &mut self.unwanted_bits;
        let error_power = self.error_power;
        let together = *unwanted == 0;
        let give = |word| wanted(word, unwanted, at, error_power, out);
        let most = libm::sqrtf(HIT * error_power);
        self.decoder.decode_predicted::<V>(heard.received, &self.predictor, most, together, give)
    }

    /// The sample in which the symbol that is decided stands.
    #[inline(always)]
    fn symbol_instant(&self) -> SampleIndex {
        sample_index(self.clock.instant() - AHEAD as f64 * self.symbol / 2.0)
    }

    /// What [`Receiver::decide`] takes for receivers of one plan.
    #[inline(always)]
    pub(super) fn measure<V: Vectors>(&self, heard: &[HeardSymbol; LANES]) -> [Option<V::Row>; LANES] {
        let mut received = [Complex::ZERO; LANES];
        for (received, heard) in received.iter_mut().zip(heard) {
            *received = heard.received;
        }
        self.decoder.distances::<V>(received)
    }

    /// Lets loops and equaliser learn from the symbol, and goes on to the next.
    #[inline(always)]
    pub(super) fn learn_symbol<V: Vectors>(&mut self, heard: &HeardSymbol, sent: Complex) {
        if self.is_of_lost_samples() {
            self.carrier.pass();
        } else {
            self.learn::<V>(heard.received, sent, heard.upright);
        }
        self.symbols += 1;
        if self.symbols <= self.reference().known.len() {
            self.learn_known(sent - heard.received);
        }
        if matches!(self.state, State::Running) {
            // What was just learned is not read at once: a processor forwards numbers one by one, not all together.
            self.moment_is_due = self.lock.wants_moment(self.symbols);
            if self.lock.is_lost() {
                self.keep_lock();
            }
        }
    }

    /// What is learned of a known symbol besides.
    fn learn_known(&mut self, error: Complex) {
        let (symbols, known) = (self.symbols, self.reference().known.len());
        if symbols == known / 4 * 3 {
            self.carrier.keep_jitter(self.error_power);
        }
        if self.train == Train::Long && (self.lock.is_lost() || self.is_of_lost_samples()) {
            self.predictor.measure_anew();
        } else if self.train == Train::Long {
            self.predictor.measure(self.limited(error));
        }
        if symbols == known {
            self.begin_to_predict();
        }
    }

    /// Errors of data are predicted from now on, if they can be. A short training sequence finds them as the one before left them.
    fn begin_to_predict(&mut self) {
        if self.train == Train::Long {
            self.predictor.settle();
            self.lock.judge_by(self.predictor.left());
        }
        if self.predictor.predicts() {
            self.decoder.predict_after(self.predictor.last());
        }
    }

    /// Whether samples that the transport lost are under the equaliser.
    #[inline(always)]
    pub(super) fn is_of_lost_samples(&self) -> bool {
        let reach = self.sampler.reach();
        let oldest = self.clock.instant() - (TAPS / 2) as f64 * self.symbol - reach;
        oldest < self.lost.end && self.clock.instant() + reach > self.lost.start
    }

    #[inline(always)]
    fn learn<V: Vectors>(&mut self, received: Complex, sent: Complex, upright: Complex) {
        let gains = match self.train {
            _ if self.symbols >= EARLY_SYMBOLS + self.reference().known.len() => DATA_GAINS,
            _ if self.symbols >= self.reference().known.len() => EARLY_GAINS,
            Train::Long => TRAINING_GAINS,
            Train::Short => SHORT_TRAINING_GAINS,
        };
        let error = sent - received;
        let power = error.power().lesser(MOST_ERROR);
        self.error_power += self.share_of_newest() * (power - self.error_power);
        let foretold = self.predictor.predicts().then(|| self.predictor.next());
        let unforeseen = foretold.map_or(power, |foretold| (error - foretold).power().lesser(MOST_ERROR));
        self.lock.watch(self.symbols, unforeseen);
        let error = self.limited(error);
        if foretold.is_some() {
            self.predictor.pass(error);
        }
        let received = sent - error;
        if self.lock.is_lost() {
            self.carrier.advance::<V>(received, sent, &CarrierGains { level: 0.0, jitter: 0.0, ..gains.carrier });
        } else {
            self.carrier.advance::<V>(received, sent, &gains.carrier);
            self.clock.correct(received, sent, gains.clock);
            self.equalizer.adapt::<V>(error * upright.conj(), gains.equalizer);
        }
    }

    /// The newest symbol's share in the mean error power: of the first ones all have the same.
    #[inline(always)]
    fn share_of_newest(&mut self) -> f32 {
        if self.judged >= (1.0 / ERROR_SHARE) as usize {
            return ERROR_SHARE;
        }
        self.judged += 1;
        1.0 / self.judged as f32
    }

    /// An error that is no greater than noise makes it.
    #[inline(always)]
    fn limited(&self, error: Complex) -> Complex {
        let (power, most) = (error.power(), HIT * self.error_power);
        if power > most { error.scale(libm::sqrtf(most / power)) } else { error }
    }
}

/// What [`Receiver::follow`] does.
struct Follow<'a> {
    receiver: &'a mut Receiver,
    end: f64,
    out: &'a mut BitRun,
}

impl VectorWork for Follow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        while self.receiver.is_due(self.end) {
            self.receiver.take_symbol::<V>(self.out);
        }
    }
}

/// What [`Receiver::decide_predicted`] does: apart, for most lines need none of it.
struct DecidePredicted<'a> {
    receiver: &'a mut Receiver,
    heard: &'a HeardSymbol,
    out: &'a mut BitRun,
}

impl VectorWork for DecidePredicted<'_> {
    type Output = Complex;

    #[inline(always)]
    fn run<V: Vectors>(self) -> Complex {
        self.receiver.decide_predicted::<V>(self.heard, self.out)
    }
}

/// What [`Receiver::take_half_symbols`] does.
struct HalfSymbols<'a> {
    receiver: &'a mut Receiver,
    count: usize,
}

impl VectorWork for HalfSymbols<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        for _ in 0..self.count {
            let half = self.receiver.half_symbol::<V>();
            self.receiver.equalizer.push::<V>(half);
        }
    }
}

/// Error power, relative to the mean, above which an error tells of a hit and not of what the loops follow.
const HIT: f32 = 8.0;

/// Passes bits on unless they belong to the training sequence; the mark stands before the first that is passed on.
#[inline(always)]
pub(super) fn wanted(word: Word, unwanted: &mut usize, at: SampleIndex, error_power: f32, out: &mut BitRun) {
    // Training ends with a symbol.
    if *unwanted == 0 {
        out.push_word(word.bits, word.count);
    } else {
        *unwanted = unwanted.saturating_sub(word.count as usize);
        if *unwanted == 0 {
            out.mark(at, Mark::Trained(evm(error_power)));
        }
    }
}
