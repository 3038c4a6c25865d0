//! The bench: how well and how fast our modems are, against an ideal receiver and against another maker's.
//!
//! ```text
//!  modes ─▶ trials: message ─▶ line ─▶ receiver ─▶ verdict ─▶ tables, curves ─▶ terminal, CSV, JSON, PNG
//! ```
//!
//! Everything is drawn from seeds: a run gives the same numbers on every machine, times apart.

pub mod ber;
pub mod beside;
pub mod calls;
pub mod drift;
pub mod events;
pub mod lines;
pub mod lines_at_once;
pub mod loss;
pub mod mode;
pub mod observation;
pub mod peer;
pub mod pictures;
pub mod recovery;
pub mod slips;
pub mod speed;
pub mod table;
pub mod theory;
pub mod trial;
pub mod workers;

use self::table::Table;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Most trials at one point.
    pub trials: usize,
    /// Trials of training alone.
    pub trainings: usize,
    /// Bits of a message; by the mode if not given.
    pub bits: Option<usize>,
    /// Another maker's programs, to be measured beside ours.
    pub peer: Option<peer::Peer>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// For the terminal and for files.
    pub tables: Vec<Table>,
    /// For files alone.
    pub details: Vec<Table>,
    /// File names and PNG files.
    pub pictures: Vec<(String, Vec<u8>)>,
}
