//! Why a call ended, as a number: T.32's hang-up status codes.

use crate::session::{Cause, Outcome, Phase};

/// The code of an outcome. The first digit is the phase and the direction.
pub(crate) fn hang_up_code(outcome: &Outcome, sending: bool) -> u8 {
    let Outcome::Failed(failure) = outcome else { return 0 };
    match (failure.cause, failure.phase) {
        (Cause::LocalCancel, _) => 2,
        (Cause::NoFaxHeard, _) => 11,
        (_, Phase::A) => 10,
        (_, Phase::B) => {
            if sending {
                20
            } else {
                70
            }
        }
        (_, Phase::C) => {
            if sending {
                40
            } else {
                90
            }
        }
        (_, Phase::D | Phase::E) => {
            if sending {
                50
            } else {
                100
            }
        }
    }
}
