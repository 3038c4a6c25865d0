//! `answertone pty`: fax modems on pseudo-terminals.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, thread};

use answertone_dsp::units::Dbm0;
use answertone_hw::LineUri;
use answertone_t30::audio::AudioConfig;
use clap::Args;
use tracing_subscriber::EnvFilter;

use super::error::{CliError, with_causes};
use crate::pty::{Access, Driver, Link, Stop, Terminal, Watchman, nth_line, nth_path, trunk};

/// Fax modems on pseudo-terminals, for HylaFAX, efax and everything else that owns a serial port.
///
/// The modems answer the AT commands of Class 1 and 1.0 (ITU-T T.31) and of Class 2, 2.0 and 2.1 (T.32) and make the sound
/// on the line. A modem whose host closes the terminal hangs up.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  answertone pty --line sim: --link /tmp/modem\n  \
                        answertone pty --line 'exchange:/run/answertone/exchange?number=100' --link /dev/ttyAT0 --group uucp\n  \
                        answertone pty --line 'exchange:/run/answertone/exchange?number=100%n' --link /dev/ttyAT%d --count 8")]
pub(super) struct PtyArgs {
    /// The line: exchange:PATH?number=N, sim:, stdio: and the others. With --count, %d is the modem's place from 0 and %n
    /// behind a number adds the place to it.
    #[arg(long, value_name = "LINE")]
    line: String,
    /// A symbolic link to the terminal; %d is the modem's place, which else is put behind when there are many.
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// How many modems.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// Permissions of the terminals, in octal.
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = mode)]
    mode: u32,
    /// The group that may use the terminals, by name or number.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Be busy to callers while no program has the terminal open.
    #[arg(long)]
    busy_out: bool,
    /// Whose dial tone, busy tone and the like an analogue line has: us, de, gb ...; any, if that is not known.
    #[arg(long, value_name = "COUNTRY", default_value = "any")]
    country: String,
    /// Level of our signals in dBm0.
    #[arg(long, value_name = "DBM0", default_value_t = -14.0, allow_negative_numbers = true)]
    level: f32,
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "give permissions in octal from 0 to 777, as 660".to_owned())
}

/// Runs the command until it is told to end.
pub(super) fn run(args: &PtyArgs) -> Result<ExitCode, CliError> {
    if !(-43.0..=0.0).contains(&args.level) {
        return Err(CliError::usage(format!("--level {}: give a level from -43 to 0 dBm0, usually -14", args.level)));
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let watchman = Watchman::new().map_err(|error| {
        CliError::failed(format!("terminals cannot be watched: {error}; raise fs.inotify.max_user_instances"))
    })?;
    let modems =
        (0..usize::from(args.count)).map(|place| args.modem(place, &watchman)).collect::<Result<Vec<_>, _>>()?;
    let stop = Stop::default();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.stop()).map_err(CliError::failed)?;
    let (links, drivers): (Vec<Option<Link>>, Vec<Driver>) = modems.into_iter().unzip();
    thread::scope(|scope| {
        for driver in drivers {
            scope.spawn(|| driver.run(&stop));
        }
    });
    drop(links);
    Ok(ExitCode::SUCCESS)
}

impl PtyArgs {
    fn modem(&self, place: usize, watchman: &Watchman) -> Result<(Option<Link>, Driver), CliError> {
        let line: LineUri =
            nth_line(&self.line, place).parse().map_err(|error| CliError::usage(format!("--line: {error}")))?;
        if matches!(line, LineUri::Stdio { .. }) && self.count > 1 {
            return Err(CliError::usage("stdio: is one line; leave --count out"));
        }
        let on_stdio = matches!(line, LineUri::Stdio { .. });
        let trunk = trunk(&line, &self.country).map_err(CliError::failed)?;
        let access = Access { mode: self.mode, group: self.group.clone() };
        let terminal = Terminal::open(&access, watchman).map_err(|error| CliError::failed(with_causes(&error)))?;
        let link = match &self.link {
            Some(path) => {
                let path = nth_path(path, place, self.count.into());
                Some(Link::make(&path, terminal.path()).map_err(CliError::failed)?)
            }
            None => None,
        };
        if !on_stdio {
            println!("{}", terminal.path().display());
        }
        let audio = AudioConfig { level: Dbm0(self.level), ..AudioConfig::default() };
        Ok((link, Driver::new(terminal, trunk, audio, self.busy_out)))
    }
}
