//! Two telephones made of sound devices, wired to each other, in a time of their own.
//!
//! ```text
//!  telephone a: playback callback ─▶ converter, output clock ─▶ wire ─▶ converter, input clock of b ─▶ capture callback
//! ```
//!
//! Time stands still while a line works and goes on when both wait. Everything random has a seed.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex},
};

use answertone_hw::{
    LineError, Pace,
    hook::AlwaysOff,
    sound::{
        Device, Rings, SoundLine,
        resample::Resampler,
        ring::{self, CaptureEnd, Counters, PlaybackEnd, Side, Stamp},
    },
};

/// What a telephone's device is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telephone {
    /// How much faster than true time its input runs.
    pub(crate) input_ppm: f64,
    /// How much faster than true time its output runs.
    pub(crate) output_ppm: f64,
    /// How late callbacks come at most.
    pub(crate) lateness_ms: f64,
    /// Seconds from one interruption to the next, input and output in turn.
    pub(crate) xrun_every: Option<f64>,
}

/// Frames that passed in each interruption: of the first telephone's input and output.
pub(crate) type Truth = Arc<Mutex<[Vec<u64>; 2]>>;

/// Both ends.
pub(crate) struct Ends {
    pub(crate) near: Plug,
    pub(crate) far: Plug,
}

/// An end that is not in use yet.
pub(crate) struct Plug {
    device: Box<Virtual>,
    rings: Rings,
    rate: u32,
}

impl Plug {
    /// The line. It waits until its device runs, for which the other end must be opened or run meanwhile.
    pub(crate) fn open(self) -> SoundLine {
        SoundLine::new(self.device, self.rings, self.rate, Some(AHEAD_MS), Box::new(AlwaysOff)).unwrap()
    }
}

/// A callback's length.
const PERIOD_MS: u32 = 10;

/// From a playback callback to the converter.
const OUTPUT_LATENCY: f64 = 0.035;

/// How wrong a device is about its latency at most.
const STAMP_NOISE: f64 = 0.0001;

/// When the first interruption comes.
const FIRST_XRUN: f64 = 6.5;

/// Played ahead: more than an interruption of the input, which keeps the line from speaking as well.
const AHEAD_MS: u32 = 100;

/// Virtual time between two looks at the lines.
const STEP: f64 = 0.004;

/// One direction of a device.
struct Stream {
    /// Frames in a second of true time.
    rate: f64,
    /// Frames that passed at the converter.
    frames: u64,
    /// When the next callback runs.
    due: f64,
    next_xrun: f64,
    counters: Arc<Counters>,
}

impl Stream {
    /// The true time when a frame passes the converter.
    fn time_of(&self, frame: u64) -> f64 {
        frame as f64 / self.rate
    }

    /// Whether an interruption is due; its length in frames.
    fn xrun(&mut self, now: f64, every: Option<f64>, chance: &mut Chance) -> Option<u64> {
        let every = every.filter(|_| now >= self.next_xrun)?;
        self.next_xrun += 2.0 * every;
        self.counters.interrupt();
        Some(((0.015 + 0.03 * chance.next()) * self.rate) as u64)
    }
}

struct Machine {
    telephone: Telephone,
    input: Stream,
    output: Stream,
    ears: CaptureEnd,
    mouth: PlaybackEnd,
}

/// What one telephone plays on its way to the other's converter.
struct Wire {
    played: VecDeque<f32>,
    converter: Resampler,
}

impl Wire {
    /// The next sample at the hearing end's clock.
    fn heard(&mut self) -> f32 {
        loop {
            if let Some(sample) = self.converter.pull() {
                return sample;
            }
            self.converter.push(self.played.pop_front().expect("playback is ahead of capture"));
        }
    }
}

struct State {
    now: f64,
    sides: [Machine; 2],
    /// What side 0 hears, and side 1.
    wires: [Wire; 2],
    chance: Chance,
    period: usize,
    waiting: [bool; 2],
    stopped: [bool; 2],
    epoch: u64,
    truth: Truth,
}

struct Chance(u64);

impl Chance {
    /// 0.0 to 1.0.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

/// The world.
pub(crate) struct World {
    shared: Arc<(Mutex<State>, Condvar)>,
    rings: Vec<Rings>,
    rate: u32,
    truth: Truth,
}

impl World {
    /// Two telephones whose devices run at `rate`.
    pub(crate) fn new(rate: u32, telephones: [Telephone; 2]) -> Self {
        let mut rings = Vec::new();
        let sides = telephones.map(|telephone| side(rate, telephone, &mut rings));
        let wires = [1, 0].map(|speaker: usize| {
            let mut converter = Resampler::new(rate, rate);
            converter.set_step(sides[speaker].output.rate / sides[1 - speaker].input.rate);
            Wire { played: vec![0.0; (OUTPUT_LATENCY * f64::from(rate)) as usize].into(), converter }
        });
        let truth = Truth::default();
        let state = State {
            now: 0.0,
            sides,
            wires,
            chance: Chance(7),
            period: (rate * PERIOD_MS / 1000) as usize,
            waiting: [false; 2],
            stopped: [false; 2],
            epoch: 0,
            truth: truth.clone(),
        };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), rings, rate, truth }
    }

    /// What really happened to the first telephone.
    pub(crate) fn truth(&self) -> Truth {
        self.truth.clone()
    }

    /// The ends of both telephones.
    pub(crate) fn ends(self) -> Ends {
        let Self { shared, mut rings, rate, .. } = self;
        let mut plug = |side| {
            let device = Box::new(Virtual { shared: shared.clone(), side });
            Plug { device, rings: rings.pop().unwrap(), rate }
        };
        let far = plug(1);
        Ends { near: plug(0), far }
    }
}

fn side(rate: u32, telephone: Telephone, rings: &mut Vec<Rings>) -> Machine {
    let (ears, capture) = ring::capture(rate, Side::Mono, rate as usize);
    let (mouth, playback) = ring::playback(rate, Side::Mono, rate as usize);
    let stream = |ppm: f64, first: f64, counters: &Arc<Counters>| Stream {
        rate: f64::from(rate) * (1.0 + ppm * 1e-6),
        frames: 0,
        due: 0.0,
        next_xrun: first,
        counters: counters.clone(),
    };
    let every = telephone.xrun_every.unwrap_or(0.0);
    let input = stream(telephone.input_ppm, FIRST_XRUN, &capture.counters);
    let output = stream(telephone.output_ppm, FIRST_XRUN + every, &playback.counters);
    rings.push(Rings { capture, playback });
    Machine { telephone, input, output, ears, mouth }
}

impl State {
    /// Lets time go on by a step.
    fn step(&mut self) {
        self.now += STEP;
        for side in 0..2 {
            while self.sides[side].output.due <= self.now {
                self.play(side);
            }
        }
        for side in 0..2 {
            while self.sides[side].input.due <= self.now {
                self.capture(side);
            }
        }
    }

    fn play(&mut self, side: usize) {
        let Self { sides, wires, chance, period, truth, .. } = self;
        let Machine { telephone, output, mouth, .. } = &mut sides[side];
        let wire = &mut wires[1 - side];
        if let Some(silent) = output.xrun(output.due, telephone.xrun_every, chance) {
            output.frames += silent;
            wire.played.extend(std::iter::repeat_n(0.0, silent as usize));
            if side == 0 {
                truth.lock().unwrap()[1].push(silent);
            }
            output.due = output.time_of(output.frames) + telephone.lateness_ms * 1e-3 * chance.next();
            return;
        }
        let converter = output.time_of(output.frames) + OUTPUT_LATENCY;
        let mut samples = vec![0_i16; *period];
        mouth.fill(&mut samples, 1, stamp(output.due, converter - output.due, chance));
        wire.played.extend(samples.iter().map(|sample| f32::from(*sample)));
        output.frames += *period as u64;
        output.due = output.time_of(output.frames) + telephone.lateness_ms * 1e-3 * chance.next();
    }

    fn capture(&mut self, side: usize) {
        let Self { sides, wires, chance, period, truth, .. } = self;
        let Machine { telephone, input, ears, .. } = &mut sides[side];
        let wire = &mut wires[side];
        let next = |input: &Stream, chance: &mut Chance| {
            input.time_of(input.frames + *period as u64) + telephone.lateness_ms * 1e-3 * chance.next()
        };
        if input.due == 0.0 {
            input.due = next(input, chance);
            return;
        }
        if let Some(lost) = input.xrun(input.due, telephone.xrun_every, chance) {
            input.frames += lost;
            for _ in 0..lost {
                wire.heard();
            }
            if side == 0 {
                truth.lock().unwrap()[0].push(lost);
            }
            input.due = next(input, chance);
            return;
        }
        let samples: Vec<i16> = (0..*period).map(|_| wire.heard().round() as i16).collect();
        let converter = input.time_of(input.frames);
        ears.deliver(&samples, 1, stamp(input.due, input.due - converter, chance));
        input.frames += *period as u64;
        input.due = next(input, chance);
    }
}

fn stamp(now: f64, latency: f64, chance: &mut Chance) -> Stamp {
    let wrong = STAMP_NOISE * (2.0 * chance.next() - 1.0);
    Stamp { at_ns: (now * 1e9) as u64, latency_ns: ((latency + wrong).max(0.0) * 1e9) as u64 }
}

/// One telephone's device as its line sees it.
struct Virtual {
    shared: Arc<(Mutex<State>, Condvar)>,
    side: usize,
}

impl Device for Virtual {
    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn wait(&mut self, _: usize) -> Result<(), LineError> {
        let (state, woken) = &*self.shared;
        let mut state = state.lock().unwrap();
        state.waiting[self.side] = true;
        let seen = state.epoch;
        go_on(&mut state, woken);
        while state.epoch == seen {
            state = woken.wait(state).unwrap();
        }
        Ok(())
    }

    fn stop(&mut self) {
        let (state, woken) = &*self.shared;
        let mut state = state.lock().unwrap();
        state.stopped[self.side] = true;
        if state.waiting[1 - self.side] {
            go_on(&mut state, woken);
        }
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Time goes on when nobody works.
fn go_on(state: &mut State, woken: &Condvar) {
    if (0..2).all(|side| state.waiting[side] || state.stopped[side]) {
        state.step();
        state.waiting = [false; 2];
        state.epoch += 1;
        woken.notify_all();
    }
}
