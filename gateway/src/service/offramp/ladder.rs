//! Simpler means for numbers that do not take the best ones: slower, without error correction. What a number needs is
//! remembered for a while.

use answertone_t30::{frame::Modems, session::Config};

use super::DAY_MS;
use crate::{service::Shared, store::now};

/// A step of the ladder: its modems and whether errors are corrected.
const STEPS: [(&[Modems], bool); 4] = [
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

/// After a call that went wrong at that step the next is made one further, the last step repeats.
pub(super) async fn climb(shared: &Shared, number: &str, step: i64) {
    let days = i64::from(shared.config.offramp.stubborn_days);
    if days > 0 {
        let (step, until) = ((step + 1).min(STEPS.len() as i64 - 1), now() + days * DAY_MS);
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
        assert_eq!(step(1), (Modems::V27TER | Modems::V29, true));
        assert_eq!(step(2), (Modems::V27TER, true));
        assert_eq!(step(3), (Modems::V27TER | Modems::V29, false));
        assert_eq!(step(9), step(3));
    }
}
