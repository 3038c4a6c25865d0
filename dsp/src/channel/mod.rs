//! The simulated line, one direction: from a far transmitter to a near receiver.
//!
//! ```text
//!  far end ─▶ companding ─▶ clock ─▶ carrier ─▶ loss and delay ─▶ listener ─▶ delay ─▶ gain, ─┐
//!                           offset   offset,    by frequency      echo                 steps  │
//!                                    jitter                                                   ▼
//!  near receiver ◀─ lost packets ◀─ slips ◀─ companding ◀─ + ◀──── + ◀────────────────────────┘
//!                                                          ▲       ▲
//!                         near transmitter ─▶ talker echo ─┘       └── noise, impulses
//! ```
//!
//! The same impairments and the same seed give the same samples on every machine, however they are cut into blocks.

mod carrier;
mod clock;
mod hits;
pub mod noise;
mod packets;
mod shape;

pub use clock::CLOCK_ROOM;
pub use packets::PACKET_SAMPLES;
pub use shape::{SHAPE_DELAY, ShapePoint};

use alloc::vec::Vec;

use crate::{
    channel::{
        carrier::CarrierShift,
        clock::ClockSkew,
        hits::{Impulses, Steps},
        noise::Noise,
        packets::{Losing, Slipping},
    },
    filter::{fir::Fir, history::History},
    g711::Law,
    units::{Db, Dbm0, Hz},
};

/// What a line does to a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairments<'table> {
    /// Companding at the far end, before everything else.
    pub far_law: Option<Law>,
    /// Gain from transmitter to receiver; negative is a loss.
    pub gain: Db,
    /// Level of white Gaussian noise at the receiver, over 0 to 4000 Hz.
    pub noise: Option<Dbm0>,
    /// Gain with which the near end hears its own signal, through the hybrid; negative is a loss.
    pub echo: Option<Db>,
    /// Samples after which it hears it.
    pub echo_delay: usize,
    /// Samples that the signal takes from end to end.
    pub delay: usize,
    /// Companding on the way.
    pub law: Option<Law>,
    /// Shift of every frequency, by a carrier system whose ends disagree; adds 64 samples of delay when not zero.
    pub carrier_offset: Hz,
    /// How much the far end's sample clock is faster than the near end's, in parts per million. When not zero it adds
    /// 24 samples of delay and those that wait between the clocks: [`CLOCK_ROOM`] at first, and fewer and fewer, when
    /// the far end is fast; none at first, and more and more, when it is slow.
    pub clock_offset_ppm: f32,
    /// Trembling of the phase; adds 64 samples of delay, as `carrier_offset` does, but only once.
    pub phase_jitter: Option<PhaseJitter>,
    /// Loss and envelope delay by frequency, in the order of frequencies; empty is a flat line. When not empty it adds
    /// [`SHAPE_DELAY`] samples of delay.
    pub shape: &'table [ShapePoint],
    /// Gain with which the signal arrives a second time, twice reflected; negative is a loss.
    pub listener_echo: Option<Db>,
    /// Samples by which the second arrival is later.
    pub listener_echo_delay: usize,
    /// Steps of the level.
    pub level_steps: Option<LevelSteps>,
    /// Impulses that add to the noise.
    pub impulses: Option<ImpulseHits>,
    /// Slips between digital clocks. Dropping adds 80 samples of delay, dropping and repeating in turn adds one.
    pub slips: Option<Slips>,
    /// Packets that are lost.
    pub lost_packets: Option<LostPackets>,
}

/// A phase that swings as a sine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseJitter {
    /// From one extreme to the other.
    pub degrees: f32,
    /// How often it swings.
    pub frequency: Hz,
}

/// A level that changes to another and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelSteps {
    /// The other level, relative to the first.
    pub gain: Db,
    /// The sample of the line at which it first changes.
    pub first: u64,
    /// Samples from one step to the next; `None`: there is one.
    pub every: Option<u64>,
}

/// Impulses of 1700 Hz that decay by 1/e in 0.5 ms, with either sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImpulseHits {
    /// How many to expect in a second, at random instants.
    pub per_second: f32,
    /// A sample of the line at which one comes in any case.
    pub at: Option<u64>,
    /// Level of the sine that has the impulse's peak.
    pub peak: Dbm0,
}

/// When samples slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slips {
    /// What happens to a sample.
    pub slip: Slip,
    /// The sample of the line at which it first happens.
    pub first: u64,
    /// Samples from one slip to the next; `None`: there is one.
    pub every: Option<u64>,
}

/// What a slip does to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// It is left out. After 80 of them the line jumps back by as many.
    Drop,
    /// It is heard twice. After 80 of them the line jumps forward by as many.
    Repeat,
    /// One is left out, the next heard twice, and so on.
    InTurn,
}

/// Which packets of [`PACKET_SAMPLES`] do not arrive, and what is heard instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LostPackets {
    /// Chance of each packet to be lost, 0.0 to 1.0.
    pub share: f32,
    /// A sample of the line that begins a packet that is lost in any case.
    pub at: Option<u64>,
    /// What is heard instead.
    pub fill: Fill,
}

/// What is put in the place of a lost packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Nothing.
    Silence,
    /// The packet before it.
    Repeat,
}

impl Default for Impairments<'_> {
    /// A line that changes nothing.
    fn default() -> Self {
        Self {
            far_law: None,
            gain: Db(0.0),
            noise: None,
            echo: None,
            echo_delay: 0,
            delay: 0,
            law: None,
            carrier_offset: Hz(0.0),
            clock_offset_ppm: 0.0,
            phase_jitter: None,
            shape: &[],
            listener_echo: None,
            listener_echo_delay: 0,
            level_steps: None,
            impulses: None,
            slips: None,
            lost_packets: None,
        }
    }
}

/// One direction of a line.
#[derive(Clone, Debug)]
pub struct Channel {
    far_law: Option<Law>,
    clock: Option<ClockSkew>,
    carrier: Option<CarrierShift>,
    shape: Option<Fir>,
    listener_echo: Option<(f32, Delay)>,
    delay: Delay,
    gain: f32,
    steps: Option<Steps>,
    echo: Option<(f32, Delay)>,
    noise: Option<Noise>,
    impulses: Option<Impulses>,
    law: Option<Law>,
    slips: Option<Slipping>,
    losses: Option<Losing>,
    lost: usize,
}

impl Channel {
    /// A line with these impairments; what happens by chance depends on the seed.
    pub fn new(impairments: &Impairments, seed: u64) -> Self {
        let skewed = impairments.clock_offset_ppm != 0.0;
        let turned = impairments.carrier_offset.0 != 0.0 || impairments.phase_jitter.is_some();
        let reflection = |gain: Db| (gain.amplitude(), Delay::new(impairments.listener_echo_delay));
        Self {
            far_law: impairments.far_law,
            clock: skewed.then(|| ClockSkew::new(impairments.clock_offset_ppm)),
            carrier: turned.then(|| CarrierShift::new(impairments.carrier_offset, impairments.phase_jitter)),
            shape: (!impairments.shape.is_empty()).then(|| shape::shaping(impairments.shape)),
            listener_echo: impairments.listener_echo.map(reflection),
            delay: Delay::new(impairments.delay),
            gain: impairments.gain.amplitude(),
            steps: impairments.level_steps.map(Steps::new),
            echo: impairments.echo.map(|gain| (gain.amplitude(), Delay::new(impairments.echo_delay))),
            noise: impairments.noise.map(|level| Noise::new(level, seed)),
            impulses: impairments.impulses.map(|hits| Impulses::new(hits, seed)),
            law: impairments.law,
            slips: impairments.slips.map(Slipping::new),
            losses: impairments.lost_packets.map(|losses| Losing::new(losses, seed)),
            lost: 0,
        }
    }

    /// Carries samples of the far transmitter to the near receiver. `near_transmit` is what the near end sends
    /// meanwhile. All slices have one length.
    pub fn run(&mut self, input: &[f32], near_transmit: &[f32], out: &mut [f32]) {
        self.lost = 0;
        for ((input, near), out) in input.iter().zip(near_transmit).zip(out) {
            *out = self.carry(*input, *near);
        }
    }

    /// How many samples of the last run stand for lost ones.
    pub fn lost_samples(&self) -> usize {
        self.lost
    }

    fn carry(&mut self, input: f32, near_transmit: f32) -> f32 {
        let arriving = self.come(input);
        let echo = self.echo.as_mut().map_or(0.0, |(gain, delay)| delay.push(near_transmit) * *gain);
        let noise = self.noise.as_mut().map_or(0.0, Noise::next_sample);
        let impulse = self.impulses.as_mut().map_or(0.0, Impulses::next_sample);
        self.reach(arriving + echo + noise + impulse)
    }

    /// From the far end to the near exchange.
    fn come(&mut self, input: f32) -> f32 {
        let sent = self.far_law.map_or(input, |law| compand(law, input));
        let clocked = self.clock.as_mut().map_or(sent, |clock| clock.push(sent));
        let turned = self.carrier.as_mut().map_or(clocked, |carrier| carrier.push(clocked));
        let shaped = self.shape.as_mut().map_or(turned, |shape| shape.push(turned));
        let again = self.listener_echo.as_mut().map_or(0.0, |(gain, delay)| delay.push(shaped) * *gain);
        let arriving = self.delay.push(shaped + again) * self.gain;
        self.steps.as_mut().map_or(arriving, |steps| steps.push(arriving))
    }

    /// From the near exchange to the near receiver.
    fn reach(&mut self, heard: f32) -> f32 {
        let coded = self.law.map_or(heard, |law| compand(law, heard));
        let slipped = self.slips.as_mut().map_or(coded, |slips| slips.push(coded));
        let (left, lost) = self.losses.as_mut().map_or((slipped, false), |losses| losses.push(slipped));
        self.lost += usize::from(lost);
        left
    }
}

/// A sample after an encoder and a decoder.
fn compand(law: Law, sample: f32) -> f32 {
    f32::from(law.decode(law.encode(libm::rintf(sample).clamp(-32768.0, 32767.0) as i16)))
}

/// Holds samples back.
#[derive(Clone, Debug)]
struct Delay {
    past: History,
}

impl Delay {
    fn new(samples: usize) -> Self {
        Self { past: History::new(samples + 1) }
    }

    fn push(&mut self, sample: f32) -> f32 {
        self.past.push(sample);
        self.past.samples()[0]
    }
}

/// Runs a whole signal through a new line on which the near end is silent.
pub fn carry(impairments: &Impairments, seed: u64, input: &[f32]) -> Vec<f32> {
    let mut channel = Channel::new(impairments, seed);
    input.iter().map(|sample| channel.carry(*sample, 0.0)).collect()
}

#[cfg(test)]
mod tests;
