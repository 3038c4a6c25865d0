//! A signal as our receiver sees it, and as a measuring receiver does that knows what was sent: mixed down, matched,
//! equalised on the known symbols. The latter shows the line and the transmitter, whatever our receiver makes of them.

use std::f64::consts::{PI, TAU};

use answertone_dsp::{
    bits::{BitQueue, BitRun},
    modem::{Complex, Demodulator, Plan, Protection, Receiver, Symbols, Train},
    pcm::BLOCK_SAMPLES,
};
use realfft::RealFftPlanner;
use rustfft::{FftPlanner, num_complex::Complex64};

use super::trial::Message;

/// Instants in a symbol at which the equalised signal is looked at.
pub const INSTANTS: usize = 16;

/// Symbols on each side that the matched filter reaches.
const REACH: f64 = 8.0;

/// Taps of the equaliser, half a symbol apart.
const TAPS: usize = 32;

/// Half a symbol in instants.
const HALF: usize = INSTANTS / 2;

/// Symbols that the transmitter's pulse needs to reach its middle.
const PULSE_REACH: f64 = 10.0;

/// Rounds of learning through the symbols.
const ROUNDS: usize = 6;

/// Step of learning, shared by the taps.
const STEP: f64 = 0.15;

/// Symbols looked at, after the training.
const SYMBOLS: usize = 1500;

/// What was seen.
pub struct Observation {
    /// Symbols before our receiver's decision, in the units of the plan's points.
    pub points: Vec<(f64, f64)>,
    /// The gain of our receiver's equaliser in decibels by frequency on the line.
    pub equalizer: Vec<(f64, f64)>,
    /// The measuring receiver's symbols.
    pub measured: Vec<(f64, f64)>,
    /// The real part of the equalised signal: for each symbol, its values from one symbol before to one after it.
    pub eye: Vec<Vec<f64>>,
}

/// Looks at a message of a plan as it arrived; the line's delay must be less than some symbols.
pub fn observe(plan: &'static Plan, message: &Message, samples: &[f32]) -> Observation {
    let symbol = 8000.0 / f64::from(plan.baud.0);
    let (training, sent) = symbols(plan, message);
    let first = message.start as f64 + (training as f64 + PULSE_REACH) * symbol;
    let margin = TAPS / 2 * HALF;
    let count = SYMBOLS * INSTANTS + 2 * margin;
    let instant = |index: usize| first + (index as f64 - margin as f64) * symbol / INSTANTS as f64;
    let matched: Vec<Complex64> = (0..count).map(|index| matched(plan, samples, instant(index))).collect();
    let taps = learn(&matched, &sent);
    let equalised: Vec<Complex64> = (0..SYMBOLS * INSTANTS).map(|index| output(&matched[index..], &taps)).collect();
    let eye = equalised.windows(2 * INSTANTS + 1).step_by(INSTANTS);
    let [points, equalizer] = our_receiver(plan, message, samples);
    Observation {
        points,
        equalizer,
        measured: equalised.iter().step_by(INSTANTS).map(|point| (point.re, point.im)).collect(),
        eye: eye.map(|trace| trace.iter().map(|value| value.re).collect()).collect(),
    }
}

/// The points of our receiver from its training on, and the response of its equaliser at the message's end.
fn our_receiver(plan: &'static Plan, message: &Message, samples: &[f32]) -> [Vec<(f64, f64)>; 2] {
    let (mut receiver, mut run) = (Receiver::new(plan), BitRun::with_room(16 * BLOCK_SAMPLES));
    let in_a_block = (plan.baud.0 / 100.0) as usize;
    let mut points = vec![];
    for (block, samples) in samples[..message.end].chunks(BLOCK_SAMPLES).enumerate() {
        run.clear();
        receiver.run(samples, &mut run);
        if block * BLOCK_SAMPLES > message.data && points.len() < SYMBOLS {
            let latest: Vec<Complex> = receiver.points().collect();
            let latest = &latest[latest.len().saturating_sub(in_a_block)..];
            points.extend(latest.iter().map(|point| (f64::from(point.re), f64::from(point.im))));
        }
    }
    let taps: Vec<Complex64> = receiver.equalizer_taps().map(wide).collect();
    [points, response(plan, &taps)]
}

fn wide(value: Complex) -> Complex64 {
    Complex64::new(f64::from(value.re), f64::from(value.im))
}

/// How many symbols training has, and the data's symbols.
fn symbols(plan: &'static Plan, message: &Message) -> (usize, Vec<Complex64>) {
    let mut queue = BitQueue::with_room(message.bits.bits().len());
    message.bits.bits().iter().for_each(|bit| queue.push(*bit));
    queue.finish();
    let mut symbols = Symbols::new(plan, Protection::None, Train::Long);
    let mut training = 0;
    while !symbols.is_past_training() && symbols.next(&mut queue).is_some() {
        training += 1;
    }
    (training, std::iter::from_fn(|| symbols.next(&mut queue)).map(wide).take(SYMBOLS).collect())
}

/// The signal at an instant after mixing down and the matched filter.
fn matched(plan: &Plan, samples: &[f32], at: f64) -> Complex64 {
    let symbol = 8000.0 / f64::from(plan.baud.0);
    let first = (at - REACH * symbol).ceil().max(0.0) as usize;
    let last = ((at + REACH * symbol) as usize).min(samples.len().saturating_sub(1));
    let turn = -TAU * f64::from(plan.carrier.0) / 8000.0;
    let part = |index: usize| {
        let pulse = root_raised_cosine((index as f64 - at) / symbol, f64::from(plan.roll_off));
        Complex64::from_polar(f64::from(samples[index]) * pulse, turn * index as f64)
    };
    (first..=last).map(part).sum::<Complex64>() / symbol
}

/// The root raised cosine pulse, `at` symbols from its middle.
fn root_raised_cosine(at: f64, roll_off: f64) -> f64 {
    // The formula has holes at 0 and at a quarter of the roll-off's inverse; next to them it is smooth.
    let hole = |place: f64| (at.abs() - place).abs() < 1e-6;
    let at = if hole(0.0) || hole(0.25 / roll_off) { at + 2e-6 } else { at };
    let edge = 4.0 * roll_off * at;
    ((PI * at * (1.0 - roll_off)).sin() + edge * (PI * at * (1.0 + roll_off)).cos()) / (PI * at * (1.0 - edge * edge))
}

/// The equaliser's output where its oldest half symbol is the first value.
fn output(matched: &[Complex64], taps: &[Complex64]) -> Complex64 {
    taps.iter().enumerate().map(|(tap, weight)| weight * matched[tap * HALF]).sum()
}

/// Normalised least mean squares towards the symbols that were sent.
fn learn(matched: &[Complex64], sent: &[Complex64]) -> Vec<Complex64> {
    let mut taps = vec![Complex64::ZERO; TAPS];
    for _ in 0..ROUNDS {
        for (index, symbol) in sent.iter().enumerate() {
            let under = &matched[index * INSTANTS..];
            let power: f64 = (0..TAPS).map(|tap| under[tap * HALF].norm_sqr()).sum();
            let error = symbol - output(under, &taps);
            for (tap, weight) in taps.iter_mut().enumerate() {
                *weight += error * under[tap * HALF].conj() * (STEP / power.max(1e-9));
            }
        }
    }
    taps
}

/// Gain by frequency on the line, 0 dB at the carrier.
fn response(plan: &Plan, taps: &[Complex64]) -> Vec<(f64, f64)> {
    const BINS: usize = 256;
    let mut spectrum = vec![Complex64::ZERO; BINS];
    // The taps stand in the order of time, the impulse response runs against it.
    spectrum.iter_mut().zip(taps.iter().rev()).for_each(|(bin, tap)| *bin = *tap);
    FftPlanner::new().plan_fft_forward(BINS).process(&mut spectrum);
    let (baud, carrier) = (f64::from(plan.baud.0), f64::from(plan.carrier.0));
    let middle = spectrum[0].norm_sqr().max(1e-12);
    let half_band = baud * (1.0 + f64::from(plan.roll_off)) / 2.0;
    let bin = |index: i64| {
        let value = spectrum[index.rem_euclid(BINS as i64) as usize].norm_sqr();
        (carrier + index as f64 * 2.0 * baud / BINS as f64, 10.0 * (value / middle).max(1e-12).log10())
    };
    let half = BINS as i64 / 2;
    (-half..half).map(bin).filter(|(hertz, _)| (hertz - carrier).abs() <= half_band).collect()
}

/// Power density in decibels relative to its peak, averaged over overlapping windows.
pub fn spectrum(samples: &[f32]) -> Vec<(f64, f64)> {
    const LEN: usize = 512;
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(LEN);
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let mut power = vec![0.0; LEN / 2 + 1];
    for piece in samples.windows(LEN).step_by(LEN / 2) {
        for (index, (value, sample)) in input.iter_mut().zip(piece).enumerate() {
            *value = f64::from(*sample) * (0.5 - 0.5 * (TAU * (index as f64 + 0.5) / LEN as f64).cos());
        }
        if fft.process(&mut input, &mut output).is_ok() {
            power.iter_mut().zip(&output).for_each(|(sum, bin)| *sum += bin.norm_sqr());
        }
    }
    let peak = power.iter().copied().fold(1e-12, f64::max);
    let level =
        |(bin, power): (usize, &f64)| (bin as f64 * 8000.0 / LEN as f64, 10.0 * (power / peak).max(1e-9).log10());
    power.iter().enumerate().map(level).collect()
}

#[cfg(test)]
mod tests {
    use answertone_dsp::channel::Impairments;

    use super::*;
    use crate::lab::{mode::modes, trial::LEVEL};

    #[test]
    fn symbols_stand_on_their_points_and_the_spectrum_in_its_band() {
        for mode in modes() {
            let Some(plan) = mode.plan() else { continue };
            let message = Message::new(&mode, 1, 12_000, LEVEL);
            let samples = message.over(&Impairments::default(), 40.0, 1);
            let (_, sent) = symbols(plan, &message);
            let seen = observe(plan, &message, &samples).measured;
            let error: f64 =
                seen.iter().zip(&sent).map(|(seen, sent)| (Complex64::new(seen.0, seen.1) - sent).norm_sqr()).sum();
            let power: f64 = sent.iter().map(|sent| sent.norm_sqr()).sum();
            let error_db = 10.0 * (error / power).log10();
            assert!(error_db < -28.0, "{}: {error_db} dB", mode.name());
            let outside = spectrum(&samples).into_iter().filter(|(hertz, _)| *hertz < 100.0 || *hertz > 3700.0);
            assert!(outside.map(|(_, level)| level).all(|level| level < -25.0), "{}", mode.name());
        }
    }
}
