//! Before the fax begins: who is calling, and where is it to go? Asked by tones, answered by keys, RFC 4161 3.1.3 and
//! RFC 4160 4.2.1.
//!
//! ```text
//!  one beep   user #        two beeps   PIN #        three beeps   destination #        then the fax machine answers
//!  three rising tones: that was wrong; asked again, and after the last try the call is ended
//! ```

use std::sync::Arc;

use answertone_dsp::pcm::{BLOCK_SAMPLES, SILENCE};
use answertone_hw::PcmLine;
use tokio::runtime::Handle;
use tracing::warn;

use crate::{
    authorise::{
        self, LockOut, Proof,
        caller::{CallerRefused, Incoming},
    },
    config::CallerProof,
    prompt::{Ended, Question, ask},
    service::Shared,
};

/// Samples of a beep and of the pause after it, its pitch and its amplitude.
const BEEP_S: f32 = 0.2;
const BEEP_HZ: f32 = 1000.0;
const AMPLITUDE: f32 = 6000.0;

/// Special information tones, ITU-T E.180 5: what everybody knows as a call that went wrong.
const WRONG_HZ: [f32; 3] = [950.0, 1400.0, 1800.0];
const WRONG_S: f32 = 0.33;

/// Most keys of an answer.
const MOST_KEYS: usize = 32;

/// The desk of one call.
pub(super) struct Desk<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) handle: &'a Handle,
    pub(super) line: &'a mut dyn PcmLine,
}

impl Desk<'_> {
    /// Whether anything is asked at all.
    pub(super) fn is_staffed(shared: &Shared) -> bool {
        shared.config.onramp.proof == CallerProof::Pin || shared.config.onramp.collect_number
    }

    /// Asks what is to be asked.
    pub(super) fn attend(&mut self, call: &mut Incoming) -> Result<(), CallerRefused> {
        if self.shared.config.onramp.proof == CallerProof::Pin {
            call.user = self.user()?;
        }
        if self.shared.config.onramp.collect_number {
            call.keyed = self.destination(call)?;
        }
        Ok(())
    }

    fn user(&mut self) -> Result<String, CallerRefused> {
        let smtp = &self.shared.config.smtp;
        let lock_out = LockOut { failures: smtp.login_failures, time: smtp.lock_out };
        let mut said = String::new();
        for _ in 0..self.shared.config.onramp.tries {
            let user = self.answer(1).map_err(CallerRefused::Unproved)?;
            let pin = self.answer(2).map_err(CallerRefused::Unproved)?;
            let proving = authorise::prove(&self.shared.store, lock_out, &user, &pin, Proof::Pin);
            match self.handle.block_on(proving) {
                Ok(user) => return Ok(user.name),
                Err(denied) => said = denied.to_string(),
            }
            warn!(user, said, "a caller's PIN is refused");
            self.play(&wrong());
        }
        Err(CallerRefused::Unproved(said))
    }

    fn destination(&mut self, call: &Incoming) -> Result<String, CallerRefused> {
        let mut refused = CallerRefused::Unrouted("a call without a number".into());
        for _ in 0..self.shared.config.onramp.tries {
            let keyed = self.answer(3).map_err(CallerRefused::Unrouted)?;
            let call = Incoming { keyed, ..call.clone() };
            match self.handle.block_on(self.shared.route(&call)) {
                Ok(_) => return Ok(call.keyed),
                Err(error) => refused = error,
            }
            self.play(&wrong());
        }
        Err(refused)
    }

    /// The keys that answer so many beeps.
    fn answer(&mut self, beeps: usize) -> Result<String, String> {
        let question = Question {
            prompt: prompt(beeps),
            barge_in: true,
            digits: MOST_KEYS,
            terminator: Some('#'),
            first_s: 10.0,
            next_s: 5.0,
        };
        match ask(self.line, question) {
            (_, Ended::HungUp) => Err("the caller hung up".into()),
            (asking, _) if asking.digits().is_empty() => Err("nothing was keyed in".into()),
            (asking, _) => Ok(asking.digits().to_owned()),
        }
    }

    fn play(&mut self, samples: &[i16]) {
        let (mut tx, mut rx) = (SILENCE, SILENCE);
        for block in samples.chunks(BLOCK_SAMPLES) {
            tx.fill(0);
            tx[..block.len()].copy_from_slice(block);
            if self.line.exchange(&tx, &mut rx).is_err() {
                return;
            }
        }
    }

    /// Tells the caller that it came to nothing.
    pub(super) fn turn_away(&mut self) {
        self.play(&wrong());
        self.line.hang_up();
    }
}

fn tone(pitch_hz: f32, seconds: f32) -> impl Iterator<Item = i16> {
    let turn = std::f32::consts::TAU * pitch_hz / 8000.0;
    (0..(seconds * 8000.0) as usize).map(move |at| ((at as f32 * turn).sin() * AMPLITUDE) as i16)
}

fn prompt(beeps: usize) -> Vec<i16> {
    let pause = std::iter::repeat_n(0, (BEEP_S * 8000.0) as usize);
    (0..beeps).flat_map(|_| tone(BEEP_HZ, BEEP_S).chain(pause.clone())).collect()
}

fn wrong() -> Vec<i16> {
    WRONG_HZ.into_iter().flat_map(|pitch| tone(pitch, WRONG_S)).collect()
}
