//! `answertone call`: one call, fully controlled.

use std::{fs, path::PathBuf, process::ExitCode};

use answertone_hw::LineUri;
use answertone_t30::session::{Config, Limits};
use clap::{Args, ValueEnum};

use super::{
    attendant::{Attendant, Show},
    direct::DirectArgs,
    document::{Original, Tray, read_pages, with_header},
    error::{CliError, NO},
    machine::MachineArgs,
    on_line::{self, Task, interruption},
    sip::SipArgs,
    telephone::TelephoneArgs,
};
use crate::{
    direct::Courier,
    engine::{CallReport, FarEnd},
};

/// Which end of the call we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleArg {
    Caller,
    Answerer,
}

/// One call on one line, fully controlled.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  answertone call --line 'sim:?snr=30' --send letter.tiff --result result.json\n  \
                        answertone call --line stdio: --receive fax.tiff --ecm off --modems v27ter,v29")]
pub(super) struct CallArgs {
    /// The line, as cpal:NAME, alsa:NAME, sim:, stdio:, wav:IN.wav,OUT.wav, audiosocket:listen=HOST:PORT,
    /// websocket:listen=HOST:PORT, rtp:local=HOST:PORT&remote=HOST:PORT, dahdi:1, t38:local=HOST:PORT&remote=HOST:PORT or
    /// sip:ACCOUNT?to=NUMBER
    #[arg(long, value_name = "LINE")]
    line: LineUri,
    /// Call and send this document; as answerer, hold it to be polled.
    #[arg(long, value_name = "FILE", required_unless_present = "receive")]
    send: Option<PathBuf>,
    /// Another document to send in the same call.
    #[arg(long, value_name = "FILE", requires = "send")]
    then_send: Option<PathBuf>,
    /// Answer and receive into this file, TIFF, or PDF where its name ends so; as caller, poll. With --send the call goes both ways.
    #[arg(long, value_name = "FILE")]
    receive: Option<PathBuf>,
    /// Which end we are; if not given, the sender calls and the receiver answers.
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    telephone: TelephoneArgs,
    #[command(flatten)]
    sip: SipArgs,
    #[command(flatten)]
    direct: DirectArgs,
    /// Put a header line with this name on every page sent.
    #[arg(long, value_name = "TEXT")]
    header: Option<String>,
    /// Answering: say DIS so often without answer, then DCN; 0: until T1 ends, 35 s, as the gateway does.
    #[arg(long, value_name = "N", default_value_t = 3)]
    dis_tries: u32,
    /// Send or receive no more pages than this.
    #[arg(long, value_name = "N")]
    max_pages: Option<usize>,
    /// Write the result there as JSON.
    #[arg(long, value_name = "F.json")]
    result: Option<PathBuf>,
    /// Record the call: left is sent, right is received.
    #[arg(long, value_name = "F.wav")]
    record: Option<PathBuf>,
    /// Write what was sent, heard and awaited.
    #[arg(long, value_name = "F.txt")]
    transcript: Option<PathBuf>,
    /// Print the result as JSON; on a stdio: line to standard error.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &CallArgs) -> Result<ExitCode, CliError> {
    let mut attendant = Attendant::new(Show::Nothing, interruption()).with_transcript(args.transcript.as_deref())?;
    if let Some(path) = &args.receive {
        attendant = attendant.with_tray(Tray::new(path.clone()));
    }
    let (mut attendant, config) = attendant.with_courier(args.courier()?, args.config()?);
    let audio = args.machine.audio()?;
    let record = args.record.as_deref();
    let (report, far) = on_line::run(
        &args.line,
        args.task()?,
        config,
        audio,
        &mut attendant,
        &on_line::Placing { record, telephone: &args.telephone, sip: &args.sip },
    )?;
    let stopped = attendant.stopped().map(str::to_owned);
    attendant.finish()?;
    args.tell(&report, stopped.as_deref(), far.as_ref())?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

impl CallArgs {
    fn config(&self) -> Result<Config, CliError> {
        let config = self.machine.config()?;
        let identification_tries = Some(self.dis_tries).filter(|tries| *tries > 0);
        let limits = Limits { pages: self.max_pages, identification_tries, ..config.limits };
        Ok(Config { limits, poll: self.is_caller() && self.receive.is_some(), ..config })
    }

    fn courier(&self) -> Result<Option<Courier>, CliError> {
        if self.is_caller() { Ok(self.direct.calling()) } else { Ok(self.direct.door()?.map(Courier::answering)) }
    }

    fn is_caller(&self) -> bool {
        match self.role {
            Some(role) => role == RoleArg::Caller,
            None => self.send.is_some(),
        }
    }

    fn task(&self) -> Result<Task, CliError> {
        let receives = self.receive.is_some();
        let documents = self.documents()?;
        Ok(match (self.is_caller(), documents.is_empty()) {
            (true, false) => Task::Send(documents),
            (true, true) => Task::Poll,
            (false, true) => Task::Receive,
            (false, false) => Task::BePolled { documents, receives },
        })
    }

    fn documents(&self) -> Result<Vec<Vec<Original>>, CliError> {
        let mut room = self.max_pages.unwrap_or(usize::MAX);
        let mut documents = Vec::new();
        for path in self.send.iter().chain(&self.then_send) {
            let mut pages = read_pages(std::slice::from_ref(path), self.machine.wanted()?)?;
            pages.truncate(room);
            room -= pages.len();
            if let Some(header) = &self.header {
                pages = with_header(pages, header, "");
            }
            documents.push(pages);
        }
        documents.retain(|pages| !pages.is_empty());
        Ok(documents)
    }

    fn tell(&self, report: &CallReport, stopped: Option<&str>, far: Option<&FarEnd>) -> Result<(), CliError> {
        let json = serde_json::to_string(report).map_err(CliError::failed)?;
        if let Some(path) = &self.result {
            fs::write(path, format!("{json}\n"))
                .map_err(|error| CliError::failed(format!("--result {}: {error}", path.display())))?;
        }
        let text = if self.json { json } else { summary(report, stopped, far) };
        // Samples have standard output for themselves on a stdio: line.
        if matches!(self.line, LineUri::Stdio { .. }) {
            eprintln!("{text}")
        } else {
            println!("{text}")
        }
        Ok(())
    }
}

/// The result for people.
pub(super) fn summary(report: &CallReport, stopped: Option<&str>, far: Option<&FarEnd>) -> String {
    let mut text = match &report.failure {
        None => format!("{}, {:.1} s", pages(report.pages), report.seconds),
        Some(failure) => format!("failed after {}, {:.1} s: {}", pages(report.pages), report.seconds, failure.text),
    };
    if let (Some(rate), Some(modem)) = (report.bit_rate, report.modem) {
        text += &format!("; {rate} bit/s {modem}{}", if report.ecm { ", ECM" } else { "" });
    }
    if let Some(stopped) = stopped {
        text += &format!("; stopped here: {stopped}");
    }
    if let Some(far) = far {
        let count = if far.report.role == crate::engine::Role::Caller { far.report.pages } else { far.pages.len() };
        text += &format!("\nfar end: {}, {}", pages(count), far.report.t30_status);
    }
    text
}

/// A count of pages in words.
pub(super) fn pages(count: usize) -> String {
    if count == 1 { "1 page".into() } else { format!("{count} pages") }
}
