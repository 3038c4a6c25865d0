//! `answertone serve`: the gateway as a daemon.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use super::{
    config::{DEFAULT_PATH, read},
    error::CliError,
};
use crate::{
    config::LogFormat,
    service::{Options, Service},
};

/// Run the gateway: mail in, faxes out, faxes in, mail out.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  answertone config example > answertone.toml\n  answertone serve --config answertone.toml\n\n\
                        SIGTERM or Ctrl-C stops it: calls under way may end first. RUST_LOG=debug tells more."
)]
pub(super) struct ServeArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// Record every outgoing call into this folder.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// Serves until told to stop.
pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, CliError> {
    let config = read(&args.config)?;
    log_to_stderr(config.log.format);
    crate::metrics::install();
    if let Some(folder) = &args.record {
        std::fs::create_dir_all(folder)
            .map_err(|error| CliError::usage(format!("--record {}: {error}", folder.display())))?;
    }
    let runtime = Runtime::new().map_err(CliError::failed)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(CliError::failed)?;
        let lines = config.lines.len();
        let options = Options { recordings: args.record.clone(), ..Options::default() };
        let service = Service::start(config, options).await.map_err(CliError::failed)?;
        for address in service.addresses() {
            tell(&format!("taking mail at {address}"));
        }
        for page in service.pages() {
            tell(&format!("the operator's page is {page}"));
        }
        for address in service.programs() {
            tell(&format!("taking requests of programs at http://{address}/api/v1"));
        }
        if lines == 0 {
            tell("no telephone line is configured; add a [[line]] table");
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tell("stopping");
        service.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Says something to who started us, who may be gone by now.
fn tell(what: &str) {
    let _ = writeln!(std::io::stdout(), "answertone: {what}");
}

fn log_to_stderr(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| "answertone_gateway=info".into());
    // Only the first in a process counts.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
