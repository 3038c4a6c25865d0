//! One end of a call on a line with a clock, run to its end.

use answertone_dsp::pcm::SILENCE;
use answertone_hw::{DeviceHealth, PcmLine};
use answertone_t30::{
    image::Page,
    session::{Outcome, Report, Session},
    time::LineTime,
};
use answertone_vectors::ends::End;

/// What became of a call at one end.
pub(crate) struct Ended {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) report: Report,
    pub(crate) pages: Vec<Page>,
    pub(crate) trace: Vec<String>,
    pub(crate) health: DeviceHealth,
    pub(crate) seconds: f64,
}

/// Blocks after which a call that is not over has gone wrong: ten minutes.
const TOO_LONG: usize = 60_000;

/// Runs a call.
pub(crate) fn run(line: &mut dyn PcmLine, session: Session) -> Ended {
    let mut end = End::new(session);
    let (mut tx, mut rx) = (SILENCE, SILENCE);
    for _ in 0..TOO_LONG {
        if end.front.wants_to_hang_up() {
            break;
        }
        let exchange = line.exchange(&tx, &mut rx).unwrap();
        tx = if exchange.lost_samples > 0 { end.lost_block() } else { end.block(&rx) };
    }
    let health = line.health().unwrap();
    line.hang_up();
    let seconds = end.front.now().since(LineTime::ZERO).seconds();
    let report = end.session.report().clone();
    Ended { outcome: end.outcome, report, pages: end.pages, trace: end.trace, health, seconds }
}
