//! What comes before a call on a line with a hook switch, as options.

use std::str::FromStr;

use answertone_hw::PcmLine;
use answertone_t30::session::Instead;
use clap::Args;

use super::error::CliError;
use crate::{
    engine::Hearing,
    telephone::{DialString, NoCall, await_ring, dial, has_switch, lift},
};

/// Rings before a line with a hook switch is answered: caller ID comes after the first.
const USUAL_RINGS: u32 = 2;

/// Dialling and answering.
#[derive(Args, Clone, Debug)]
pub(super) struct TelephoneArgs {
    /// Dial this first, on a line sip:ACCOUNT after the answer: digits, W waits for the dial tone, a comma pauses, ! flashes, P and T are pulse and tone.
    #[arg(long, value_name = "SIGNS")]
    dial: Option<DialString>,
    /// Answer at this ring; if not given, at the second on lines with a hook switch, and at once on all others.
    #[arg(long, value_name = "N")]
    rings: Option<u32>,
    /// Whose dial tone, busy tone and the like to expect: us, de, gb ...; any, if that is not known.
    #[arg(long, value_name = "COUNTRY", default_value = "any")]
    country: String,
    /// Give up a call that we make when one of these is heard: no_dial_tone is always among them; also dial_tone, busy,
    /// congestion, number_unobtainable, special_information, data_modem, text_telephone, alarm_receiver, voice,
    /// answering_machine; or none.
    #[arg(long, value_name = "LIST", default_value = "busy,congestion,number_unobtainable,special_information")]
    give_up_on: GiveUpList,
}

impl TelephoneArgs {
    /// Dials `number` when nothing else is to be dialled, on a line with a hook switch.
    pub(super) fn or_number(&self, number: &str) -> Result<Self, CliError> {
        let number: DialString = number.parse().map_err(|error| CliError::usage(format!("--to {number}: {error}")))?;
        Ok(Self { dial: self.dial.clone().or(Some(number.after_dial_tone())), ..self.clone() })
    }

    /// Brings a line to where the call begins. `explicit` says that dialling was asked for, switch or not.
    pub(super) fn begin(
        &self,
        line: &mut dyn PcmLine,
        calls: bool,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<(), NoCall> {
        let switch = has_switch(line);
        match (calls, &self.dial) {
            (true, Some(signs)) => dial(line, signs, &self.country, cancelled),
            (true, None) => lift(line),
            (false, _) => self.answer(line, switch, cancelled),
        }
    }

    /// Whether a number is to be dialled.
    pub(super) fn dials(&self) -> bool {
        self.dial.is_some()
    }

    /// What to listen for in the call.
    pub(super) fn hearing(&self) -> Hearing {
        Hearing { country: self.country.clone(), give_up_on: self.give_up_on.0.clone() }
    }

    fn answer(&self, line: &mut dyn PcmLine, switch: bool, cancelled: &mut dyn FnMut() -> bool) -> Result<(), NoCall> {
        let rings = self.rings.unwrap_or(if switch { USUAL_RINGS } else { 0 });
        if rings == 0 {
            return lift(line);
        }
        let heard = await_ring(line, rings, cancelled)?;
        if let Some(number) = heard.caller.and_then(|caller| caller.number) {
            eprintln!("call from {number}");
        }
        Ok(())
    }
}

/// What ends a call early.
#[derive(Clone, Debug)]
struct GiveUpList(Vec<Instead>);

impl FromStr for GiveUpList {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        Hearing::give_up_list(list.split(',')).map(Self).map_err(|name| {
            let all: Vec<&str> = Instead::ALL.iter().map(|instead| instead.name()).collect();
            format!("'{name}' is nothing that can be heard; choose of {}, or none", all.join(", "))
        })
    }
}
