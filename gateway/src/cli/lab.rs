//! `answertone lab`: measures our modems and draws what it found.

use std::{fs, io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use serde_json::{Map, json};

use super::{
    error::{CliError, NO},
    files::write_whole,
};
use crate::lab::{
    Findings, Plan, ber, calls, drift, lines, lines_at_once, loss,
    mode::{Mode, modes},
    peer::Peer,
    slips, speed,
    workers::Workers,
};

/// Measure the modems against an ideal receiver and, where it is at hand, another maker's.
///
/// Ends with status 1 when something measured is worse than wanted.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  answertone lab ber --modem v17 --out lab-out\n  answertone lab speed --lines 200 --seconds 60"
)]
pub(super) struct LabArgs {
    /// What to measure.
    #[arg(value_enum)]
    bench: Bench,
    /// Write tables as CSV and plots as PNG into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
    /// Only this modem.
    #[arg(long)]
    modem: Option<String>,
    /// Only this rate.
    #[arg(long)]
    rate: Option<u32>,
    /// Most trials at one point.
    #[arg(long, default_value_t = 250)]
    trials: usize,
    /// Trials of training alone.
    #[arg(long, default_value_t = 500)]
    trainings: usize,
    /// Bits of each message.
    #[arg(long)]
    bits: Option<usize>,
    /// The folder of another maker's peer-modem, peer-ber, peer-bench and peer-fax: it is measured too, on the same samples.
    #[arg(long, value_name = "PATH")]
    peer: Option<PathBuf>,
    /// `speed`: instead, run so many simulated calls at once in real time and count blocks that are late.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    lines: Option<u32>,
    /// `speed --lines`: for so many seconds.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=3600))]
    seconds: u32,
    /// `speed --lines`: real time by the wall, or by processor time, as if each thread had a core to itself: what others do
    /// on this machine does not show then.
    #[arg(long, value_enum, default_value_t = Clock::Wall)]
    clock: Clock,
    /// Threads that do trials.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Clock {
    Wall,
    Processor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Bit error rates and failed trainings in white noise.
    Ber,
    /// Loops, codecs, jitter, hits and echoes.
    Lines,
    /// A sample dropped or repeated in the middle of a message.
    Slips,
    /// 20 ms lost in the middle of a message.
    Loss,
    /// Whole calls over lines that slip and lose packets.
    Calls,
    /// Carrier and clock offsets, levels.
    Drift,
    /// Processor time per sample, and lines per core.
    Speed,
}

/// Runs the command.
pub(super) fn run(args: &LabArgs) -> Result<ExitCode, CliError> {
    let modes = args.modes()?;
    let workers = Workers::new(args.threads, args.quiet || !std::io::stderr().is_terminal());
    let findings = args.measure(&modes, &workers)?;
    workers.end();
    if let Some(folder) = &args.out {
        write(&findings, folder)?;
    }
    args.print(&findings)?;
    let short = findings.tables.iter().any(|table| table.falls_short());
    Ok(if short { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

impl LabArgs {
    fn modes(&self) -> Result<Vec<Mode>, CliError> {
        let wanted = |mode: &Mode| {
            self.modem.as_ref().is_none_or(|modem| modem == mode.modem)
                && self.rate.is_none_or(|rate| rate == mode.rate)
        };
        let all = modes();
        let chosen: Vec<_> = all.iter().filter(|mode| wanted(mode)).copied().collect();
        if chosen.is_empty() {
            let names: Vec<_> = all.iter().map(Mode::name).collect();
            return Err(CliError::usage(format!(
                "--modem and --rate name no mode that is measured; known are {}",
                names.join(", ")
            )));
        }
        Ok(chosen)
    }

    fn plan(&self) -> Result<Plan, CliError> {
        let peer = self.peer.as_deref().map(Peer::at);
        let needed = match self.bench {
            Bench::Speed => "peer-bench",
            Bench::Calls => "peer-fax",
            _ => "peer-modem",
        };
        peer.iter().try_for_each(|peer| peer.check(needed)).map_err(CliError::failed)?;
        Ok(Plan { trials: self.trials.max(1), trainings: self.trainings, bits: self.bits, peer })
    }

    fn measure(&self, modes: &[Mode], workers: &Workers) -> Result<Findings, CliError> {
        let plan = self.plan()?;
        match self.bench {
            Bench::Ber => ber::measure(modes, &plan, plan.peer.as_ref(), workers).map_err(CliError::failed),
            Bench::Lines => lines::measure(modes, &plan, workers).map_err(CliError::failed),
            Bench::Slips => Ok(slips::measure(modes, &plan, workers)),
            Bench::Loss => Ok(loss::measure(modes, &plan, workers)),
            Bench::Calls => calls::measure(&plan, workers).map_err(CliError::failed),
            Bench::Drift => Ok(drift::measure(modes, &plan, workers)),
            Bench::Speed if self.lines.is_some() => {
                let calls = self.lines.unwrap_or_default() as usize;
                let measure = match self.clock {
                    Clock::Wall => lines_at_once::measure,
                    Clock::Processor => lines_at_once::measure_by_processor_time,
                };
                measure(calls, self.seconds, self.threads, workers).map_err(CliError::failed)
            }
            Bench::Speed => speed::measure(modes, plan.peer.as_ref(), workers).map_err(CliError::failed),
        }
    }

    fn print(&self, findings: &Findings) -> Result<(), CliError> {
        if self.json {
            let tables = findings.tables.iter().chain(&findings.details);
            let tables: Map<_, _> = tables.map(|table| (table.name.to_owned(), table.json())).collect();
            println!("{}", serde_json::to_string_pretty(&json!(tables)).map_err(CliError::failed)?);
            return Ok(());
        }
        findings.tables.iter().for_each(|table| println!("{}", table.text()));
        if let Some(folder) = &self.out {
            println!("Tables and plots are in {}", folder.display());
        }
        Ok(())
    }
}

fn write(findings: &Findings, folder: &PathBuf) -> Result<(), CliError> {
    let failed = |error: std::io::Error| {
        CliError::failed(format!("{}: {error}; give a folder that can be written", folder.display()))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for table in findings.tables.iter().chain(&findings.details) {
        write_whole(&folder.join(format!("{}.csv", table.name)), table.csv().as_bytes()).map_err(failed)?;
    }
    for (name, png) in &findings.pictures {
        write_whole(&folder.join(name), png).map_err(failed)?;
    }
    Ok(())
}
