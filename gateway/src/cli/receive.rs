//! `answertone receive`: a person's fax machine, receiving.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use answertone_hw::LineUri;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    attendant::{Attendant, Show},
    call::summary,
    direct::DirectArgs,
    document::Tray,
    error::{CliError, NO},
    machine::MachineArgs,
    on_line::{self, Task, interruption},
    records::RecordArgs,
    sip::SipArgs,
    telephone::TelephoneArgs,
};
use crate::direct::{Courier, Door};

/// What received documents are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Tiff,
    Pdf,
}

impl Format {
    /// The end of a file's name.
    const fn extension(self) -> &'static str {
        match self {
            Self::Tiff => "tiff",
            Self::Pdf => "pdf",
        }
    }
}

/// Receive faxes into TIFF or PDF files.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone receive --line sim: --out inbox --count 1")]
pub(super) struct ReceiveArgs {
    /// The line.
    #[arg(long, value_name = "LINE", default_value = "sim:")]
    line: LineUri,
    /// Folder for received documents.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How they are written: TIFF keeps pages and pictures as they came, PDF has pictures in colours that every reader shows.
    #[arg(long, value_enum, default_value = "tiff")]
    format: Format,
    /// Calls to answer.
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u32,
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
    /// Report progress and results as lines of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &ReceiveArgs) -> Result<ExitCode, CliError> {
    fs::create_dir_all(&args.out).map_err(|error| CliError::usage(format!("--out {}: {error}", args.out.display())))?;
    if args.count > 1 && args.records.any() {
        return Err(CliError::usage("--record and --transcript are for one call: leave --count at 1"));
    }
    let door = args.direct.door()?;
    let interrupted = interruption();
    let mut all_well = true;
    for _ in 0..args.count {
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
        all_well &= answer(args, door.as_ref(), &interrupted)?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// Answers one call; whether it went well.
fn answer(args: &ReceiveArgs, door: Option<&Arc<Door>>, interrupted: &Arc<AtomicBool>) -> Result<bool, CliError> {
    let show = if args.json { Show::Json } else { Show::person() };
    let tray = Tray::new(free_path(&args.out, args.format));
    let attendant = Attendant::new(show, Arc::clone(interrupted))
        .with_tray(tray)
        .with_transcript(args.records.transcript.as_deref())?;
    let courier = door.cloned().map(Courier::answering);
    let (mut attendant, config) = attendant.with_courier(courier, args.machine.config()?);
    let audio = args.machine.audio()?;
    let record = args.records.record.as_deref();
    let (report, far) = on_line::run(
        &args.line,
        Task::Receive,
        config,
        audio,
        &mut attendant,
        &on_line::Placing { record, telephone: &args.telephone, sip: &args.sip },
    )?;
    let stopped = attendant.stopped().map(str::to_owned);
    let file = attendant.finish()?.filter(|tray| tray.count() > 0).map(|tray| tray.path().to_owned());
    if args.json {
        println!("{}", json!({ "event": "result", "details": report, "file": file }));
    } else {
        println!("{}", summary(&report, stopped.as_deref(), far.as_ref()));
        file.iter().for_each(|file| println!("{}", file.display()));
    }
    Ok(report.ok)
}

/// The first name in the folder that no document has.
fn free_path(folder: &Path, format: Format) -> PathBuf {
    let names = (1..).map(|number| folder.join(format!("fax-{number:04}.{}", format.extension())));
    names.into_iter().find(|path| !path.exists()).expect("numbers do not end")
}
