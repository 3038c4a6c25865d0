//! `answertone relay`: a fax machine on a telephone line reaches T.38, and T.38 the machine.

use std::{process::ExitCode, sync::atomic::Ordering};

use answertone_dsp::units::Dbm0;
use answertone_hw::{LineUri, open_while};
use answertone_t30::{
    audio::AudioConfig,
    t38::relay::{NonStandard, Relay, RelayConfig, Transcoding},
};
use clap::{Args, ValueEnum};

use super::{
    error::{CliError, NO, with_causes},
    on_line::interruption,
    telephone::TelephoneArgs,
};
use crate::t38::{self, Relayed, run_relay};

/// Carry one call between a fax machine on a telephone line and T.38: modems on one side, packets on the other.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  answertone relay --line dahdi:1 --t38 't38:local=0.0.0.0:4000'\n  \
                        answertone relay --line rtp:local=0.0.0.0:7000 --t38 't38:local=0.0.0.0:4000&remote=pbx.example:4100'")]
pub(super) struct RelayArgs {
    /// The telephone line, as for `call`.
    #[arg(long, value_name = "LINE")]
    line: LineUri,
    /// The network, as t38:local=HOST:PORT&remote=HOST:PORT with all that `call` takes there, dtls= too.
    #[arg(long, value_name = "LINE")]
    t38: LineUri,
    /// We call on the telephone line rather than answer there; --dial says so too.
    #[arg(long)]
    calls: bool,
    /// Take error correction out of the machines' capabilities.
    #[arg(long)]
    no_ecm: bool,
    /// Let non-standard facilities pass; machines that know each other by them leave T.30, and the relay cannot follow.
    #[arg(long)]
    pass_nsf: bool,
    /// Take fill out of pages on their way to the network, and put as much as the line needs into those from it. Without
    /// error correction only; both ends of the network must know of it (T38FaxFillBitRemoval).
    #[arg(long)]
    fill_removal: bool,
    /// Send pages without error correction in another coding over the network, and in the machine's own on the line. Both
    /// ends of the network must know of it (T38FaxTranscodingMMR, T38FaxTranscodingJBIG); it takes fill out too.
    #[arg(long, value_enum, value_name = "CODING", conflicts_with = "fill_removal")]
    transcode: Option<NetworkCoding>,
    /// Level of our signals on the line in dBm0.
    #[arg(long, value_name = "DBM0", default_value_t = -14.0, allow_negative_numbers = true)]
    level: f32,
    #[command(flatten)]
    telephone: TelephoneArgs,
}

/// Codings of the network alone.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum NetworkCoding {
    /// ITU-T T.6.
    Mmr,
    /// ITU-T T.85.
    Jbig,
}

impl From<NetworkCoding> for Transcoding {
    fn from(coding: NetworkCoding) -> Self {
        match coding {
            NetworkCoding::Mmr => Self::Mmr,
            NetworkCoding::Jbig => Self::Jbig,
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &RelayArgs) -> Result<ExitCode, CliError> {
    let LineUri::T38(params) = &args.t38 else {
        return Err(CliError::usage("--t38: write t38:local=HOST:PORT&remote=HOST:PORT"));
    };
    if matches!(args.line, LineUri::T38(_) | LineUri::Sim(_)) {
        return Err(CliError::usage(
            "--line: a relay needs a line with a fax machine on it; two networks need no relay",
        ));
    }
    let interrupted = interruption();
    let mut cancelled = || interrupted.load(Ordering::Relaxed);
    let usage = |error: answertone_hw::OpenError| CliError::usage(with_causes(&error));
    let mut line = open_while(&args.line, &|| !interrupted.load(Ordering::Relaxed)).map_err(usage)?;
    let calls = args.calls || args.telephone.dials();
    args.telephone.begin(line.as_mut(), calls, &mut cancelled).map_err(CliError::failed)?;
    let mut path = t38::open(params, &|| !interrupted.load(Ordering::Relaxed)).map_err(usage)?;
    let agreed = t38::terminal(params);
    let config = RelayConfig {
        syntax: agreed.syntax,
        rate_management: agreed.rate_management,
        packet_limit: agreed.packet_limit,
        non_standard: if args.pass_nsf { NonStandard::Passed } else { NonStandard::Blocked },
        ecm: !args.no_ecm,
        fill_removal: args.fill_removal,
        transcoding: args.transcode.map(Transcoding::from),
    };
    let audio = AudioConfig { level: Dbm0(args.level), ..AudioConfig::default() };
    let relayed = run_relay(line.as_mut(), path.as_mut(), Relay::new(config), t38::wire(params), audio, &mut cancelled);
    println!("{}", summary(&relayed));
    Ok(if relayed.failure.is_none() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn summary(relayed: &Relayed) -> String {
    let end = match &relayed.failure {
        None => "relayed".to_owned(),
        Some(failure) => format!("broken off: {failure}"),
    };
    let counters = relayed.counters;
    format!(
        "{end}, {:.1} s; {} datagrams sent, {} received, {} lost, {} unreadable",
        relayed.seconds,
        relayed.sent,
        counters.received,
        counters.lost,
        counters.malformed + relayed.unread
    )
}
