//! `answertone send`: a person's fax machine, sending by itself or through a gateway at work.

use std::{path::PathBuf, process::ExitCode};

use answertone_hw::{LineUri, sip::SipParams};
use clap::Args;
use serde_json::json;

use super::{
    attendant::{Attendant, Show},
    call::summary,
    direct::DirectArgs,
    document::{read_pages, with_header},
    error::{CliError, NO},
    machine::MachineArgs,
    on_line::{self, Task, interruption},
    queued::{self, QueuedArgs},
    records::RecordArgs,
    sip::SipArgs,
    telephone::TelephoneArgs,
};

/// Send documents to a fax machine.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  answertone send letter.pdf --to '+1 555 0100' --line 'sim:?snr=30'\n  answertone send letter.pdf --to '+1 555 0100' --queue\n\n\
                        With --queue, Ctrl-C leaves the fax in the gateway's queue; answertone queue shows and cancels it."
)]
pub(super) struct SendArgs {
    /// Documents, in order: TIFF, PDF, PNG, JPEG or text.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The number to call; on lines that are already connected it only goes into the header line.
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// The line.
    #[arg(long, value_name = "LINE", default_value = "sim:")]
    line: LineUri,
    /// Leave the header line out.
    #[arg(long)]
    no_header: bool,
    #[command(flatten)]
    queued: QueuedArgs,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    telephone: TelephoneArgs,
    #[command(flatten)]
    sip: SipArgs,
    #[command(flatten)]
    direct: DirectArgs,
    #[command(flatten)]
    records: RecordArgs,
    /// Report progress and result as lines of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &SendArgs) -> Result<ExitCode, CliError> {
    if args.queued.is_wanted() {
        return queued::run(&args.files, &args.to, args.json, &args.sip.config, &args.queued);
    }
    let mut pages = read_pages(&args.files, args.machine.wanted()?)?;
    if !args.no_header {
        pages = with_header(pages, args.machine.ident(), &args.to);
    }
    let show = if args.json { Show::Json } else { Show::person() };
    let attendant = Attendant::new(show, interruption()).with_transcript(args.records.transcript.as_deref())?;
    let (mut attendant, config) = attendant.with_courier(args.direct.calling(), args.machine.config()?);
    let audio = args.machine.audio()?;
    let task = Task::Send(vec![pages]);
    let telephone = if args.line.has_switch() { args.telephone.or_number(&args.to)? } else { args.telephone.clone() };
    let record = args.records.record.as_deref();
    let (report, far) = on_line::run(
        &called(&args.line, &args.to),
        task,
        config,
        audio,
        &mut attendant,
        &on_line::Placing { record, telephone: &telephone, sip: &args.sip },
    )?;
    let stopped = attendant.stopped().map(str::to_owned);
    attendant.finish()?;
    if args.json {
        println!("{}", json!({ "event": "result", "details": report }));
    } else {
        println!("{}", summary(&report, stopped.as_deref(), far.as_ref()));
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// The line with the number to call, where the line takes one.
fn called(line: &LineUri, number: &str) -> LineUri {
    match line {
        LineUri::Sip(params) if params.to.is_none() => {
            LineUri::Sip(SipParams { to: Some(number.to_owned()), ..params.clone() })
        }
        other => other.clone(),
    }
}
