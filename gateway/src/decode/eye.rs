//! The eye of a fast signal: the equalised signal between its symbols, laid over each other two symbols wide.
//!
//! The samples are brought down from the carrier, shaped as the sender shaped them, and equalised at any instant between
//! the receiver's own. Instant and phase of the symbols are those at which they lie nearest to the modem's points.

use std::f64::consts::{PI, TAU};

use answertone_dsp::modem::{Plan, plans};
use answertone_t30::{frame::recommendation, observe::Burst};

use crate::plot::chart::{Axis, Chart, Series, Style};

type Complex = (f64, f64);

/// Instants in a symbol, and phases in a quarter of a turn, that are tried.
const INSTANTS: usize = 16;
const PHASES: usize = 24;
/// Symbols on each side that the shape of a pulse reaches.
const REACH: f64 = 6.0;
/// Symbols that are judged.
const JUDGED: usize = 60;

/// The eye in phase, if samples of the signal were kept.
pub fn eye(burst: &Burst) -> Option<Chart> {
    let name = format!("{} {}", recommendation(burst.carrier), burst.carrier.bit_rate());
    let plan = plans().into_iter().find(|plan| plan.name == name)?;
    let signal = Signal::new(burst, plan)?;
    let (instant, turn) = signal.best(&burst.ideal);
    let (reach, traces) = signal.traces(instant, turn);
    let step = if reach > 6.0 { 2.0 } else { 1.0 };
    Some(Chart {
        title: "Eye".into(),
        x: Axis::linear("symbols", -1.0, 1.0, 0.5),
        y: Axis::linear("in phase", -reach, reach, step),
        series: vec![Series { name: String::new(), color: 0, style: Style::Traces, points: traces }],
    })
}

/// The equalised signal at sixteen instants of each symbol, of the modem's power.
struct Signal {
    at: Vec<Complex>,
}

impl Signal {
    fn new(burst: &Burst, plan: &Plan) -> Option<Self> {
        let symbol = 8000.0 / f64::from(plan.baud.0);
        let carrier = f64::from(plan.carrier.0 + burst.carrier_offset.0) / 8000.0;
        let baseband: Vec<Complex> = burst
            .sound
            .iter()
            .enumerate()
            .map(|(at, sample)| {
                let (sine, cosine) = (-TAU * carrier * at as f64).sin_cos();
                (f64::from(*sample) * cosine, f64::from(*sample) * sine)
            })
            .collect();
        let step = symbol / INSTANTS as f64;
        let shaped: Vec<Complex> = (0..(baseband.len() as f64 / step) as usize)
            .map(|place| shaped(&baseband, place as f64 * step, symbol, f64::from(plan.roll_off)))
            .collect();
        let half = INSTANTS / 2;
        let taps = &burst.sound_taps;
        let first = taps.len().checked_sub(1)? * half + (REACH as usize) * INSTANTS;
        let equalised = (first..shaped.len().saturating_sub(REACH as usize * INSTANTS)).map(|place| {
            let parts = taps.iter().enumerate().map(|(tap, weight)| {
                let weight = (f64::from(weight.0), f64::from(weight.1));
                times(shaped[place - (taps.len() - 1 - tap) * half], weight)
            });
            parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
        });
        let at: Vec<Complex> = equalised.collect();
        // The power of symbols is that of the signal at their instants, and there it is largest or smallest.
        (at.len() >= JUDGED * INSTANTS / 2).then_some(Self { at }).map(|signal| signal.of_power(plan))
    }

    fn of_power(mut self, plan: &Plan) -> Self {
        let mean = self.at.iter().map(|(re, im)| re * re + im * im).sum::<f64>() / self.at.len() as f64;
        let scale = (f64::from(plan.coding.mean_power()) / mean.max(1e-12)).sqrt();
        self.at.iter_mut().for_each(|sample| *sample = (sample.0 * scale, sample.1 * scale));
        self
    }

    /// The instant, phase and size at which symbols lie nearest to the points.
    fn best(&self, ideal: &[(f32, f32)]) -> (usize, Complex) {
        let sizes = [0.94, 1.0, 1.06];
        let tries = (0..INSTANTS).flat_map(|instant| (0..PHASES).map(move |phase| (instant, phase)));
        let tries = tries.flat_map(|(instant, phase)| sizes.map(|size| (instant, phase, size)));
        let worth = |(instant, phase, size): (usize, usize, f64)| {
            let (sine, cosine) = (PI / 2.0 * phase as f64 / PHASES as f64).sin_cos();
            let turn = (cosine * size, sine * size);
            let symbols = self.at.iter().skip(instant).step_by(INSTANTS).take(JUDGED);
            let error: f64 = symbols.map(|symbol| nearest(times(*symbol, turn), ideal)).sum();
            (error, instant, turn)
        };
        let best = tries.map(worth).min_by(|one, other| one.0.total_cmp(&other.0));
        best.map_or((0, (1.0, 0.0)), |(_, instant, turn)| (instant, turn))
    }

    /// How far traces reach, and pairs of points that are a line each.
    fn traces(&self, instant: usize, turn: Complex) -> (f64, Vec<(f64, f64)>) {
        let level = |place: usize| self.at.get(place).map(|sample| times(*sample, turn).0);
        let mut lines = Vec::new();
        for symbol in (instant + INSTANTS..self.at.len().saturating_sub(INSTANTS)).step_by(INSTANTS) {
            for step in 0..2 * INSTANTS {
                let place = symbol - INSTANTS + step;
                if let (Some(from), Some(to)) = (level(place), level(place + 1)) {
                    let x = |step: usize| step as f64 / INSTANTS as f64 - 1.0;
                    lines.extend([(x(step), from), (x(step + 1), to)]);
                }
            }
        }
        let reach = lines.iter().map(|line| line.1.abs()).fold(1.0, f64::max).min(20.0);
        (reach, lines)
    }
}

fn times(one: Complex, other: Complex) -> Complex {
    (one.0 * other.0 - one.1 * other.1, one.0 * other.1 + one.1 * other.0)
}

/// Squared distance to the nearest point.
fn nearest((re, im): Complex, ideal: &[(f32, f32)]) -> f64 {
    let distance = |point: &(f32, f32)| (re - f64::from(point.0)).powi(2) + (im - f64::from(point.1)).powi(2);
    ideal.iter().map(distance).fold(f64::MAX, f64::min)
}

/// The signal through the filter that fits its pulses, at an instant.
fn shaped(baseband: &[Complex], at: f64, symbol: f64, roll_off: f64) -> Complex {
    let reach = REACH * symbol;
    let from = (at - reach).ceil().max(0.0) as usize;
    let to = ((at + reach) as usize).min(baseband.len().saturating_sub(1));
    (from..=to).fold((0.0, 0.0), |sum, place| {
        let weight = root_raised_cosine((at - place as f64) / symbol, roll_off);
        (sum.0 + weight * baseband[place].0, sum.1 + weight * baseband[place].1)
    })
}

/// The square root of a raised cosine, at so many symbols from its middle.
fn root_raised_cosine(at: f64, roll_off: f64) -> f64 {
    let edge = 4.0 * roll_off * at;
    if at.abs() < 1e-9 {
        return 1.0 - roll_off + 4.0 * roll_off / PI;
    }
    if (edge.abs() - 1.0).abs() < 1e-9 {
        let quarter = PI / (4.0 * roll_off);
        return roll_off / 2.0_f64.sqrt() * ((1.0 + 2.0 / PI) * quarter.sin() + (1.0 - 2.0 / PI) * quarter.cos());
    }
    ((PI * at * (1.0 - roll_off)).sin() + edge * (PI * at * (1.0 + roll_off)).cos()) / (PI * at * (1.0 - edge * edge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_filters_after_each_other_leave_other_symbols_alone() {
        let through = |symbols: f64| -> f64 {
            (-800..800)
                .map(|at| f64::from(at) / 40.0)
                .map(|at| root_raised_cosine(at, 0.25) * root_raised_cosine(symbols - at, 0.25))
                .sum()
        };
        let whole = through(0.0);
        assert!((1..5).all(|symbols| (through(f64::from(symbols)) / whole).abs() < 0.01));
    }
}
