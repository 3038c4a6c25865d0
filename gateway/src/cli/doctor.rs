//! `answertone doctor`: a line examined end to end, and what to change.

use std::{process::ExitCode, thread};

use answertone_dsp::{
    pcm::{Block, SILENCE, narrow},
    tone::progress::{ProgressKind, ProgressTone},
};
use answertone_hw::{
    LineUri, PcmLine,
    sim::{self, SimEnd},
};
use clap::Args;
use serde_json::json;

use super::error::{CliError, NO, with_causes};
use crate::{
    doctor::{Examination, Finding, Verdict, examine, findings},
    telephone,
};

/// Examine a line: levels, clipping, noise, echo, clocks, latency; and say what to change.
///
/// The line is off hook for some seconds, hears what is there (a dial tone, as a rule), and sends three seconds of noise at a
/// fax machine's level. At the far end of a simulated line is a dial tone.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  answertone doctor --line cpal:\n  answertone doctor --line 'sim:?gain=-30&noise=-40' --json"
)]
pub(super) struct DoctorArgs {
    /// The line.
    #[arg(long, value_name = "LINE")]
    line: LineUri,
    /// Seconds to listen; clocks are measured in ten or more.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=600))]
    seconds: u32,
    /// Print measurements and findings as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 when the line is not fit for faxes.
pub(super) fn run(args: &DoctorArgs) -> Result<ExitCode, CliError> {
    let mut line = off_hook(&args.line)?;
    let examined = examine(line.as_mut(), args.seconds);
    line.hang_up();
    let examination = examined.map_err(|error| CliError::failed(format!("the examination was cut short: {error}")))?;
    let findings = findings(&examination);
    let fit = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    if args.json {
        println!("{}", json!({ "ok": fit, "measured": examination, "findings": findings }));
    } else {
        print!("{}", for_people(&examination, &findings, fit));
    }
    Ok(if fit { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn off_hook(uri: &LineUri) -> Result<Box<dyn PcmLine>, CliError> {
    let LineUri::Sim(params) = uri else {
        let line = telephone::open(uri, &|| true).map_err(|error| CliError::usage(with_causes(&error)))?;
        let mut line = line.waiting();
        telephone::lift(line.as_mut()).map_err(CliError::failed)?;
        return Ok(line);
    };
    let (near, far) = sim::pair(params);
    thread::spawn(move || dial_tone(far));
    Ok(Box::new(near))
}

/// An exchange that waits for a number.
fn dial_tone(mut line: SimEnd) {
    let tone = ProgressTone::find("us", ProgressKind::Dial).map_or(Vec::new(), |tone| tone.samples(8000));
    for samples in tone.chunks_exact(80).cycle() {
        let mut block: Block = SILENCE;
        narrow(samples, &mut block);
        if line.exchange(&block, &mut SILENCE.clone()).is_err() {
            return;
        }
    }
}

fn for_people(examination: &Examination, findings: &[Finding], fit: bool) -> String {
    let mut text = String::new();
    for Finding { check, verdict, text: found } in findings {
        let mark = match verdict {
            Verdict::Good => "good",
            Verdict::Poor => "poor",
            Verdict::Bad => "BAD ",
        };
        text += &format!("{mark}  {:15} {found}\n", check.replace('_', " "));
    }
    if let Some(device) = &examination.device {
        text += &format!("      device at {} samples per second\n", device.rate);
    }
    text + if fit { "This line can carry faxes.\n" } else { "This line cannot carry faxes as it is.\n" }
}
