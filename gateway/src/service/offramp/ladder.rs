//! Simpler means for numbers that do not take the best ones: audio instead of T.38, slower, without error correction. What a
//! number needs is remembered for a while.

use answertone_t30::{frame::Modems, session::Config};

use super::DAY_MS;
use crate::{service::Shared, store::now};

/// A step of the ladder: its modems and whether errors are corrected. From the second on a fax stays audio.
const STEPS: [(&[Modems], bool); 5] = [
    (&[Modems::ALL], true),
    (&[Modems::ALL], true),
    (&[Modems::V27TER, Modems::V29], true),
    (&[Modems::V27TER], true),
    (&[Modems::V27TER, Modems::V29], false),
];

/// The settings of a call at that step.
pub(super) fn at_step(config: Config, step: i64) -> Config {
    let (modems, ecm) = STEPS[(step.max(0) as usize).min(STEPS.len() - 1)];
    let modems = modems[1..].iter().fold(modems[0], |all, one| all | *one);
    Config { modems, ecm, ..config }
}

/// The first step at which a fax stays audio: all below may go as T.38.
pub(super) const AUDIO: i64 = 1;

/// Where a call is made after one that went wrong at that step, as audio or not. The last step repeats.
fn next(step: i64, was_audio: bool) -> i64 {
    let tried = if was_audio { step.max(AUDIO) } else { step };
    (tried + 1).min(STEPS.len() as i64 - 1)
}

/// Remembers the step after one that went wrong.
pub(super) async fn climb(shared: &Shared, number: &str, step: i64, was_audio: bool) {
    let days = i64::from(shared.config.offramp.stubborn_days);
    if days > 0 {
        let (step, until) = (next(step, was_audio), now() + days * DAY_MS);
        shared.persist("a stubborn number", || shared.store.remember_step(number, step, until)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_simpler_and_the_last_one_stays() {
        let step = |step| {
            let config = at_step(Config::default(), step);
            (config.modems, config.ecm)
        };
        assert_eq!(step(0), (Modems::ALL, true));
        assert_eq!(step(AUDIO), step(0));
        assert_eq!(step(2), (Modems::V27TER | Modems::V29, true));
        assert_eq!(step(3), (Modems::V27TER, true));
        assert_eq!(step(4), (Modems::V27TER | Modems::V29, false));
        assert_eq!(step(9), step(4));
    }

    #[test]
    fn audio_is_the_step_after_t38_and_is_not_tried_twice() {
        assert_eq!((next(0, false), next(1, true), next(4, true)), (AUDIO, 2, 4));
        assert_eq!(next(0, true), 2);
    }
}
