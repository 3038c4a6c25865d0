//! `answertone exchange`: a telephone exchange on a Unix socket.

use std::{path::PathBuf, process::ExitCode, sync::mpsc::channel, time::Duration};

use answertone_hw::exchange::{Bell, Exchange};
use clap::Args;

use super::error::CliError;

/// A telephone exchange of this machine, on a Unix socket: lines named exchange:SOCKET?number=N call each other.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone exchange /tmp/exchange &\n  \
                        answertone receive --line 'exchange:/tmp/exchange?number=200' --out faxes &\n  \
                        answertone call --line 'exchange:/tmp/exchange?number=100&dial=200' --send letter.tiff")]
pub(super) struct ExchangeArgs {
    /// Where the socket is to be.
    #[arg(value_name = "SOCKET")]
    socket: PathBuf,
    /// Seconds from one ring to the next.
    #[arg(long, value_name = "S", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=60))]
    ring_every: u64,
}

/// Runs the command until it is told to end.
pub(super) fn run(args: &ExchangeArgs) -> Result<ExitCode, CliError> {
    let (ask, asked) = channel();
    let end = move || {
        // The second request finds nobody who waits for it.
        let _ = ask.send(());
    };
    ctrlc::set_handler(end).map_err(CliError::failed)?;
    let bell = Bell { every: Duration::from_secs(args.ring_every) };
    let exchange = Exchange::start(&args.socket, bell)
        .map_err(|error| CliError::failed(format!("{}: {error}", args.socket.display())))?;
    println!("{}", args.socket.display());
    let _ = asked.recv();
    drop(exchange);
    Ok(ExitCode::SUCCESS)
}
