//! A simulated line: two ends that exchange blocks in lock step, with a telephone channel in each direction.
//!
//! ```text
//!  SimEnd a ── tx ──▶ channel ──▶ rx ── SimEnd b
//!           ◀── rx ── channel ◀── tx ──
//! ```
//!
//! Each end may live on its own thread. An end that hangs up, or is dropped, ends the other's line.

mod cable;
mod far;
mod tables;

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use answertone_dsp::{
    channel::{Channel, Fill, Impairments, ImpulseHits, LostPackets, PhaseJitter, ShapePoint, Slip, Slips},
    g711::Law,
    pcm::{BLOCK_SAMPLES, Block, SAMPLE_RATE, SILENCE, narrow, widen},
    units::{Db, Dbm0, Hz},
};
pub use cable::{CableEnd, cable};
pub use far::Far;
pub use tables::{NAMES as LINE_NAMES, TableError, table};

use crate::{Exchange, LineError, Pace, PcmLine};

/// The level a fax machine sends at, against which [`SimParams::snr`] is meant.
const SENT_LEVEL: Dbm0 = Dbm0(-14.0);

/// How much later the listener's echo arrives, 10 ms.
const LISTENER_ECHO_DELAY: usize = 80;

/// A block's length in the world's time.
const BLOCK_TIME: Duration = Duration::from_millis(10);

/// Blocks that the channel's filters hold back: clock, frequency shift and slips.
const FILTER_BLOCKS: usize = 4;

/// What a simulated line is like, in both directions alike. The default is a line that changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct SimParams {
    /// Who answers at the far end.
    pub far: Far,
    /// Gain; negative is a loss.
    pub gain: Db,
    /// White noise as a level.
    pub noise: Option<Dbm0>,
    /// White noise below a signal sent at -14 dBm0 and changed by `gain`. Used when `noise` is not given.
    pub snr: Option<Db>,
    /// How much of what an end sends it hears back, from its own hybrid.
    pub echo: Option<Db>,
    /// After how many samples it hears that.
    pub echo_delay: usize,
    /// Companding on the way.
    pub law: Option<Law>,
    /// Samples from end to end.
    pub delay: usize,
    /// Shift of all frequencies, as carrier systems do.
    pub offset: Hz,
    /// How much faster the second end's clock runs than the first's, in parts per million.
    pub ppm: f32,
    /// Loss and delay by frequency, as [`table`] reads them; empty: the same for all.
    pub shape: Vec<ShapePoint>,
    /// Companding at the far end already.
    pub far_law: Option<Law>,
    /// Gain with which everything is heard a second time, 10 ms later.
    pub listener_echo: Option<Db>,
    /// A trembling phase.
    pub jitter: Option<PhaseJitter>,
    /// Impulses.
    pub impulses: Option<ImpulseHits>,
    /// A sample slips every so many seconds.
    pub slip_every: Option<f32>,
    /// What happens to it.
    pub slip: Slip,
    /// Share of 20 ms packets that are lost: 0.0 to 1.0.
    pub loss: f32,
    /// What is heard in their place.
    pub fill: Fill,
    /// Whether the line says that they were lost.
    pub gaps_told: bool,
    /// Blocks go by the wall clock instead of as fast as both ends work.
    pub real_time: bool,
    /// Where chance starts.
    pub seed: u64,
}

impl Default for SimParams {
    fn default() -> Self {
        Self {
            far: Far::FaxMachine,
            gain: Db(0.0),
            noise: None,
            snr: None,
            echo: None,
            echo_delay: 0,
            law: None,
            delay: 0,
            offset: Hz(0.0),
            ppm: 0.0,
            shape: vec![],
            far_law: None,
            listener_echo: None,
            jitter: None,
            impulses: None,
            slip_every: None,
            slip: Slip::InTurn,
            loss: 0.0,
            fill: Fill::Silence,
            gaps_told: true,
            real_time: false,
            seed: 1,
        }
    }
}

impl SimParams {
    /// What the first or the second end hears through.
    fn impairments(&self, end: u64) -> Impairments<'_> {
        let noise_by_ratio = self.snr.map(|snr| Dbm0(SENT_LEVEL.0 + self.gain.0 - snr.0));
        let every = self.slip_every.map(|seconds| (f64::from(seconds) * f64::from(SAMPLE_RATE.0)) as u64);
        Impairments {
            far_law: self.far_law,
            gain: self.gain,
            noise: self.noise.or(noise_by_ratio),
            echo: self.echo,
            echo_delay: self.echo_delay,
            delay: self.delay,
            law: self.law,
            carrier_offset: self.offset,
            clock_offset_ppm: if end == 0 { self.ppm } else { -self.ppm },
            phase_jitter: self.jitter,
            shape: &self.shape,
            listener_echo: self.listener_echo,
            listener_echo_delay: LISTENER_ECHO_DELAY,
            level_steps: None,
            impulses: self.impulses,
            slips: every.map(|every| Slips { slip: self.slip, first: every, every: Some(every) }),
            lost_packets: (self.loss > 0.0).then_some(LostPackets { share: self.loss, at: None, fill: self.fill }),
        }
    }
}

/// One end of a simulated line.
pub struct SimEnd {
    to_far: Option<SyncSender<Block>>,
    from_far: Receiver<Block>,
    channel: Channel,
    gaps_told: bool,
    pace: Pace,
    due: Option<Instant>,
    /// Blocks on their way when the far end hangs up; they still arrive.
    under_way: usize,
    far_is_gone: bool,
}

/// Both ends of a line like `params` says.
pub fn pair(params: &SimParams) -> (SimEnd, SimEnd) {
    let (a_to_b, b_from_a) = sync_channel(1);
    let (b_to_a, a_from_b) = sync_channel(1);
    (SimEnd::new(params, 0, a_to_b, a_from_b), SimEnd::new(params, 1, b_to_a, b_from_a))
}

impl SimEnd {
    fn new(params: &SimParams, end: u64, to_far: SyncSender<Block>, from_far: Receiver<Block>) -> Self {
        let seed = params.seed.wrapping_mul(2).wrapping_add(end);
        Self {
            to_far: Some(to_far),
            from_far,
            channel: Channel::new(&params.impairments(end), seed),
            gaps_told: params.gaps_told,
            pace: if params.real_time { Pace::RealTime } else { Pace::Unpaced },
            due: None,
            under_way: params.delay.div_ceil(BLOCK_SAMPLES) + FILTER_BLOCKS,
            far_is_gone: false,
        }
    }

    /// The far end's block, or silence once it has hung up.
    fn swap(&mut self, tx: &Block) -> Result<Block, LineError> {
        let to_far = self.to_far.as_ref().ok_or(LineError::HungUp)?;
        if !self.far_is_gone
            && to_far.send(*tx).is_ok()
            && let Ok(block) = self.from_far.recv()
        {
            return Ok(block);
        }
        self.far_is_gone = true;
        self.under_way = self.under_way.checked_sub(1).ok_or(LineError::HungUp)?;
        Ok(SILENCE)
    }

    fn wait_for_the_clock(&mut self) {
        if self.pace == Pace::RealTime {
            let due = self.due.unwrap_or_else(Instant::now) + BLOCK_TIME;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.due = Some(due);
        }
    }

    fn carry(&mut self, far: &Block, tx: &Block, rx: &mut Block) -> Exchange {
        let (mut from_far, mut near_tx, mut heard) = ([0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES]);
        widen(far, &mut from_far);
        widen(tx, &mut near_tx);
        self.channel.run(&from_far, &near_tx, &mut heard);
        narrow(&heard, rx);
        Exchange { lost_samples: if self.gaps_told { self.channel.lost_samples() } else { 0 } }
    }
}

impl PcmLine for SimEnd {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        let far = self.swap(tx)?;
        self.wait_for_the_clock();
        Ok(self.carry(&far, tx, rx))
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn hang_up(&mut self) {
        self.to_far = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_line_carries_samples_in_the_same_block() {
        let (mut a, mut b) = pair(&SimParams::default());
        let far = std::thread::spawn(move || {
            let mut heard = Vec::new();
            let mut rx = SILENCE;
            while b.exchange(&[7; 80], &mut rx).is_ok() {
                heard.push(rx[0]);
            }
            heard
        });
        let mut rx = SILENCE;
        for block in 1..=50 {
            a.exchange(&[block; 80], &mut rx).unwrap();
            assert_eq!(rx, [7; 80]);
        }
        a.hang_up();
        let silence = std::iter::repeat_n(0, FILTER_BLOCKS);
        assert_eq!(far.join().unwrap(), (1..=50).chain(silence).collect::<Vec<i16>>());
    }

    #[test]
    fn a_dropped_end_hangs_the_other_up() {
        let (mut a, b) = pair(&SimParams::default());
        drop(b);
        let blocks = (0..100).take_while(|_| a.exchange(&SILENCE, &mut SILENCE.clone()).is_ok()).count();
        assert_eq!(blocks, FILTER_BLOCKS);
    }

    #[test]
    fn what_is_under_way_arrives_before_the_hang_up() {
        let (mut a, mut b) = pair(&SimParams { delay: 800, ..SimParams::default() });
        let far = std::thread::spawn(move || {
            b.exchange(&[5; 80], &mut SILENCE.clone()).unwrap();
            b.hang_up();
        });
        let mut heard = Vec::new();
        let mut rx = SILENCE;
        while a.exchange(&SILENCE, &mut rx).is_ok() {
            heard.extend(rx);
        }
        far.join().unwrap();
        assert_eq!(heard.iter().position(|sample| *sample != 0), Some(800));
    }
}
