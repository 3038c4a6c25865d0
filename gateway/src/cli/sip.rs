//! A call on a line `sip:ACCOUNT`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use answertone_hw::sip::SipParams;
use answertone_t30::{audio::AudioConfig, session::Session, time::LineSpan};
use clap::Args;

use super::{
    attendant::Attendant,
    config::{DEFAULT_PATH, read},
    error::CliError,
    on_line::{Placing, recorder},
};
use crate::{
    engine::{CallObserver, CallReport, not_connected},
    sip::{Endpoint, Leg, NoCall},
    t38::PacketLine,
};

/// Between two looks whether anybody still wants a call.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// Where accounts are.
#[derive(Args, Clone, Debug)]
pub(super) struct SipArgs {
    /// The gateway's configuration, with the account of a line sip:ACCOUNT.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    pub(super) config: PathBuf,
}

impl SipArgs {
    /// Calls or waits for a call, and runs it to its end.
    pub(super) fn run(
        &self,
        params: &SipParams,
        calls: bool,
        placing: &Placing<'_>,
        session: impl FnOnce(LineSpan) -> Session,
        audio: AudioConfig,
        attendant: &mut Attendant,
    ) -> Result<CallReport, CliError> {
        let endpoint = self.endpoint(&params.account)?;
        let mut recorder = placing.record.map(recorder).transpose()?;
        let leg = if calls { call(&endpoint, params, attendant)? } else { answer(&endpoint, attendant)? };
        let session = session(PacketLine::DELAY);
        let report = match leg {
            Ok(mut leg) => {
                if calls {
                    let pressed = placing.telephone.begin(&mut leg, true, &mut || attendant.cancelled());
                    pressed.map_err(|no_call| CliError::failed(&no_call))?;
                }
                if let Some(number) = leg.parties().caller.as_ref().filter(|_| !calls) {
                    eprintln!("call from {number}");
                }
                let tape = recorder.as_mut().map(|recorder| recorder.tape());
                leg.talk(session, audio, &mut *attendant, tape).0
            }
            Err(NoCall { instead: Some(instead), said, .. }) => {
                eprintln!("answertone: {said}");
                not_connected(session, audio, attendant, instead)
            }
            Err(no_call) => return Err(CliError::failed(&no_call)),
        };
        if let Some(Err(error)) = recorder.map(|recorder| recorder.finish()) {
            eprintln!("answertone: the recording (--record) is not whole: {error}");
        }
        Ok(report)
    }

    fn endpoint(&self, name: &str) -> Result<Arc<Endpoint>, CliError> {
        let config = read(&self.config)?;
        let account = config.accounts.iter().find(|account| account.name == name).ok_or_else(|| {
            let file = self.config.display();
            CliError::usage(format!(
                "--line sip:{name}: {file} has no such account; write a [[sip]] table with this name"
            ))
        })?;
        Endpoint::open(account).map(Arc::new).map_err(|error| CliError::usage(error.to_string()))
    }
}

fn call(endpoint: &Endpoint, params: &SipParams, attendant: &mut Attendant) -> Result<Result<Leg, NoCall>, CliError> {
    let number = params.to.as_deref().ok_or_else(|| {
        CliError::usage(format!("--line sip:{0}: whom to call? write sip:{0}?to=NUMBER", params.account))
    })?;
    let hearing = attendant.hearing();
    Ok(endpoint.call(number, &hearing, &mut || attendant.cancelled()))
}

fn answer(endpoint: &Arc<Endpoint>, attendant: &mut Attendant) -> Result<Result<Leg, NoCall>, CliError> {
    loop {
        if attendant.is_interrupted() {
            return Err(CliError::failed("no call came before waiting was given up"));
        }
        if let Some(ringing) = endpoint.next_call(LOOK_AROUND) {
            return Ok(ringing.answer());
        }
    }
}
