//! Single tones: how much of one is in a signal, when it sounds, and the tones that open a fax call.

pub mod answerer;
pub mod cadence;
pub mod call;
pub mod content;
pub mod dtmf;
pub mod dtmf_detector;
mod dtmf_look;
pub mod dtmf_prompted;
pub mod ear;
mod information;
mod phasor;
mod pitch;
mod presence;
pub mod progress;
mod progress_detector;
mod progress_table;
mod text;
