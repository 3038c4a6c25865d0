//! Calls with another maker's fax machine: our program on one end of a cable, a peer built on libspandsp on the other.
//!
//! The peers' sources are in the shared folder; they are copied and built in the target folder.

#[path = "peers/bench.rs"]
mod bench;
#[path = "peers/lines.rs"]
mod lines;
#[path = "peers/matrix.rs"]
mod matrix;
#[path = "peers/pictures.rs"]
mod pictures;
#[path = "peers/procedures.rs"]
mod procedures;
#[path = "peers/sizes.rs"]
mod sizes;
