//! What is wrong with a line, and what to change.
//!
//! ```text
//!  listen ──▶ level, clipping, direct current, hum, noise       ┐
//!  probe with noise ──▶ echo: how much of it, how late          ├─▶ findings in words
//!  the device's own counters ──▶ clocks, interruptions, latency ┘
//! ```

mod echo;
mod findings;
mod listening;

use answertone_dsp::{
    channel::noise::Noise,
    pcm::{BLOCK_SAMPLES, Block, SILENCE, narrow},
    units::Dbm0,
};
use answertone_hw::{LineError, PcmLine};
pub use echo::Echo;
pub use findings::{Finding, Verdict, findings};
pub use listening::Heard;
use serde::Serialize;

use crate::engine::DeviceReport;

/// Blocks listened to at least, two seconds.
const LISTENING_BLOCKS: usize = 200;

/// Blocks of probing, three seconds.
const PROBING_BLOCKS: usize = 300;

/// Level of the probe: a fax machine's.
const PROBE: Dbm0 = Dbm0(-14.0);

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Examination {
    /// What is there when we are silent.
    pub heard: Heard,
    /// What comes back of what we send.
    pub echo: Option<Echo>,
    /// The sound device.
    pub device: Option<DeviceReport>,
}

/// Listens for `seconds` and probes. The line is off hook.
pub fn examine(line: &mut dyn PcmLine, seconds: u32) -> Result<Examination, LineError> {
    let mut samples = Vec::new();
    for _ in 0..LISTENING_BLOCKS.max(seconds as usize * 100) {
        samples.extend(exchange(line, &SILENCE)?);
    }
    let heard = Heard::new(&samples);
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    let mut source = Noise::new(PROBE, 1);
    for _ in 0..PROBING_BLOCKS {
        let mut probe = [0.0; BLOCK_SAMPLES];
        probe.iter_mut().for_each(|sample| *sample = source.next_sample());
        let mut block = SILENCE;
        narrow(&probe, &mut block);
        received.extend(exchange(line, &block)?);
        sent.extend(block);
    }
    let echo = Echo::find(&sent, &received);
    Ok(Examination { heard, echo, device: line.health().as_ref().map(DeviceReport::new) })
}

fn exchange(line: &mut dyn PcmLine, tx: &Block) -> Result<Block, LineError> {
    let mut rx = SILENCE;
    line.exchange(tx, &mut rx)?;
    Ok(rx)
}
