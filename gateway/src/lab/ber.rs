//! Bit error rates and failed trainings in white Gaussian noise.

use answertone_dsp::channel::Impairments;

use super::{
    Findings, Plan,
    mode::Mode,
    peer::Peer,
    pictures::{Curves, one_run, waterfalls},
    table::{Cell, Table, tenths},
    trial::{LEVEL, Message, Verdict, demodulator, judge, receive},
    workers::Workers,
};
use crate::plot::PlotError;

/// Different messages; trial k carries number k modulo this.
const MESSAGES: usize = 10;

/// Bit errors after which a point is known well enough.
const ENOUGH_ERRORS: usize = 400;

/// Fewest errors of a point that is drawn.
const ERRORS_DRAWN: usize = 5;

/// Errors that a point must have at a rate, for fewer to say that the rate is passed.
const ERRORS_EXPECTED: f64 = 3.0;

/// Distance of the points of a waterfall, in decibels.
const STEP_DB: f64 = 0.5;

/// The bit error rate that the score card is about.
const WANTED_RATE: f64 = 1e-5;

/// Bits of a message in trials of training alone.
const TRAINING_BITS: usize = 2000;

/// How far above the ideal receiver's point training is tried, in decibels.
const TRAINING_MARGIN_DB: f64 = 2.0;

/// Trials at one signal to noise ratio.
#[derive(Clone, Copy, Debug, Default)]
pub struct Point {
    /// Signal to noise ratio in decibels.
    pub snr_db: f64,
    trials: usize,
    received: usize,
    bits: usize,
    errors: usize,
    missing: usize,
}

impl Point {
    /// Bit error rate. Without an error it is less than the half error that is counted here.
    pub fn rate(&self) -> f64 {
        (self.errors as f64).max(0.5) / self.bits.max(1) as f64
    }

    /// Whether enough errors were seen to draw its rate.
    pub fn is_known(&self) -> bool {
        self.errors >= ERRORS_DRAWN
    }

    fn add(&mut self, verdict: &Verdict) {
        self.trials += 1;
        self.received += usize::from(verdict.received);
        self.bits += verdict.bits;
        self.errors += verdict.errors;
        self.missing += verdict.missing;
    }
}

/// A mode's messages, to be heard again and again in other noise.
struct Messages<'mode> {
    mode: &'mode Mode,
    messages: Vec<Message>,
}

impl<'mode> Messages<'mode> {
    fn new(mode: &'mode Mode, bits: usize) -> Self {
        let message = |seed| Message::new(mode, seed as u32, bits, LEVEL);
        Self { mode, messages: (1..=MESSAGES).map(message).collect() }
    }

    fn trial(&self, snr_db: f64, number: usize) -> Verdict {
        let message = &self.messages[number % MESSAGES];
        let seed =
            (u64::from(self.mode.rate) << 32) + ((snr_db * 100.0) as i64 as u64 & 0xFFFF) * 100_000 + number as u64;
        let samples = message.over(&Impairments::default(), snr_db, seed);
        judge(self.mode, message, &receive(&mut *demodulator(self.mode), &samples, None))
    }

    /// Trials until enough errors are seen, or as many as planned.
    fn point(&self, snr_db: f64, plan: &Plan, workers: &Workers) -> Point {
        let mut point = Point { snr_db, ..Point::default() };
        let batch = 10;
        while point.trials < plan.trials && (point.errors < ENOUGH_ERRORS || point.trials < batch) {
            let last = (point.trials + batch).min(plan.trials);
            workers.begin(&format!("{} at {snr_db:.1} dB", self.mode.name()), last - point.trials);
            let verdicts = workers.all(point.trials..last, |number| self.trial(snr_db, number));
            verdicts.iter().for_each(|verdict| point.add(verdict));
        }
        point
    }

    fn failed_trainings(&self, snr_db: f64, trials: usize, workers: &Workers) -> usize {
        workers.begin(&format!("{} trainings", self.mode.name()), trials);
        let verdicts = workers.all(0..trials, |number| self.trial(snr_db, number + 50_000));
        verdicts.iter().filter(|verdict| !verdict.received).count()
    }
}

/// Points from where errors are frequent to where they are rare.
fn waterfall(mode: &Mode, plan: &Plan, workers: &Workers) -> Vec<Point> {
    let bits = plan.bits.unwrap_or(if mode.rate <= 300 { 10_000 } else { 40_000 });
    let messages = Messages::new(mode, bits);
    let mut points: Vec<Point> = vec![];
    let mut snr_db = (mode.ideal[0] * 2.0).floor() / 2.0 - 1.0;
    while snr_db <= mode.wanted + 2.0 && points.last().is_none_or(|point| point.rate() > WANTED_RATE / 5.0) {
        points.push(messages.point(snr_db, plan, workers));
        snr_db += STEP_DB;
    }
    if !points.iter().any(|point| (point.snr_db - mode.wanted).abs() < 0.01) {
        points.push(messages.point(mode.wanted, plan, workers));
        points.sort_by(|one, other| one.snr_db.total_cmp(&other.snr_db));
    }
    points
}

/// The signal to noise ratio at which a waterfall passes a rate, by straight lines between logarithms; `None` when it
/// does not, or when too few bits were sent to tell.
pub fn passes(points: &[Point], rate: f64) -> Option<f64> {
    let pair = points.windows(2).find(|pair| pair[0].rate() >= rate && pair[1].rate() < rate)?;
    if (pair[1].bits as f64) * rate < ERRORS_EXPECTED {
        return None;
    }
    let [high, low] = [pair[0].rate().log10(), pair[1].rate().log10()];
    Some(pair[0].snr_db + (high - rate.log10()) / (high - low) * (pair[1].snr_db - pair[0].snr_db))
}

/// How far above the wanted point the run is that is drawn, in decibels.
const RUN_MARGIN_DB: f64 = 6.0;

/// Trials of another maker's receiver at each point.
const PEER_TRIALS: usize = 25;

/// Measures the modes; `peer` is another maker's programs.
pub fn measure(modes: &[Mode], plan: &Plan, peer: Option<&Peer>, workers: &Workers) -> Result<Findings, String> {
    let mut card = Table::new(
        "ber",
        "SNR in dB for bit error rates of 1e-3 and 1e-5: ours, an ideal receiver, libspandsp 0.0.6; and what is wanted",
        &[
            "mode",
            "ours_1e-3",
            "ideal_1e-3",
            "peer_1e-3",
            "ours_1e-5",
            "ideal_1e-5",
            "peer_1e-5",
            "wanted_1e-5",
            "ber_at_wanted",
            "good",
        ],
    );
    let mut training = Table::new(
        "trainings",
        format!(
            "Trainings with noise before, during and after the signal, {TRAINING_MARGIN_DB} dB above the ideal receiver's 1e-5"
        ),
        &["mode", "snr_db", "trials", "failed", "failed_share", "good"],
    );
    let mut all = Table::new(
        "ber_points",
        "Every point measured",
        &["mode", "snr_db", "esn0_db", "trials", "received", "bits", "errors", "ber", "missing"],
    );
    let mut other =
        Table::new("ber_peer", "Another maker's receiver, noise beginning with the signal", &["mode", "snr_db", "ber"]);
    let mut curves = vec![];
    for mode in modes {
        let points = waterfall(mode, plan, workers);
        card.row(card_row(mode, &points));
        points.iter().for_each(|point| all.row(point_row(mode, point)));
        training.row(training_row(mode, plan, workers));
        let theirs = peer.map(|peer| peer.error_rates(mode, PEER_TRIALS)).transpose()?.unwrap_or_default();
        theirs
            .iter()
            .for_each(|(snr, rate)| other.row(vec![mode.name().into(), Cell::Number(*snr, 2), Cell::Rate(*rate)]));
        curves.push(Curves { mode: *mode, ours: points, theirs });
    }
    Ok(Findings { tables: vec![card, training], details: vec![all, other], pictures: pictures(modes, &curves)? })
}

fn pictures(modes: &[Mode], curves: &[Curves]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let failed = |error: PlotError| error.to_string();
    let mut pictures = vec![("ber.png".to_owned(), waterfalls(curves).map_err(failed)?)];
    for (mode, modem) in modes.iter().filter_map(|mode| Some((mode, mode.plan()?))) {
        let picture = one_run(mode, modem, "Flat line", &Impairments::default(), mode.wanted + RUN_MARGIN_DB);
        pictures.push((format!("{}-{}.png", mode.modem, mode.rate), picture.map_err(failed)?));
    }
    Ok(pictures)
}

fn card_row(mode: &Mode, points: &[Point]) -> Vec<Cell> {
    let known = |snr| tenths(Some(snr));
    let at_wanted = points.iter().find(|point| (point.snr_db - mode.wanted).abs() < 0.01);
    vec![
        mode.name().into(),
        tenths(passes(points, 1e-3)),
        known(mode.ideal[0]),
        known(mode.peer[0]),
        passes(points, 1e-5).map_or(Cell::None, |snr| Cell::Number(snr, 2)),
        known(mode.ideal[1]),
        known(mode.peer[1]),
        known(mode.wanted),
        at_wanted.map_or(Cell::None, |point| Cell::Rate(point.errors as f64 / point.bits.max(1) as f64)),
        at_wanted.map_or(Cell::None, |point| Cell::Good(point.received > 0 && point.rate() <= WANTED_RATE)),
    ]
}

fn point_row(mode: &Mode, point: &Point) -> Vec<Cell> {
    let counted = point.bits > 0;
    vec![
        mode.name().into(),
        Cell::Number(point.snr_db, 2),
        Cell::Number(point.snr_db + 10.0 * (4000.0 / mode.baud()).log10(), 2),
        point.trials.into(),
        point.received.into(),
        point.bits.into(),
        point.errors.into(),
        if counted { Cell::Rate(point.errors as f64 / point.bits as f64) } else { Cell::None },
        point.missing.into(),
    ]
}

fn training_row(mode: &Mode, plan: &Plan, workers: &Workers) -> Vec<Cell> {
    let snr_db = mode.ideal[1] + TRAINING_MARGIN_DB;
    let failed = Messages::new(mode, TRAINING_BITS).failed_trainings(snr_db, plan.trainings, workers);
    let share = failed as f64 / plan.trainings.max(1) as f64;
    vec![
        mode.name().into(),
        Cell::Number(snr_db, 1),
        plan.trainings.into(),
        failed.into(),
        Cell::Number(share, 3),
        (share < 0.01).into(),
    ]
}
