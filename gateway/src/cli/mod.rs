//! The command line: one file per command.

mod attendant;
mod call;
mod config;
mod decode;
mod demo;
mod direct;
mod doctor;
mod document;
pub mod error;
mod exchange;
pub mod files;
mod lab;
mod lines;
mod log;
mod machine;
mod manual;
mod modem;
mod on_line;
mod pty;
mod queue;
mod queued;
mod receive;
mod records;
mod relay;
mod send;
mod serve;
mod sip;
mod telephone;
mod tones;
mod user;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
pub(crate) use log::as_csv as log_as_csv;

use self::error::CliError;

/// Telephone lines, fax machines and an Internet-fax gateway in software.
#[derive(Parser, Debug)]
#[command(name = "answertone", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Send(send::SendArgs),
    Receive(receive::ReceiveArgs),
    Call(Box<call::CallArgs>),
    Decode(decode::DecodeArgs),
    Modem(modem::ModemArgs),
    Tones(tones::TonesArgs),
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Config(config::ConfigArgs),
    Queue(queue::QueueArgs),
    Log(log::LogArgs),
    User(user::UserArgs),
    Lab(lab::LabArgs),
    Pty(pty::PtyArgs),
    Relay(relay::RelayArgs),
    Exchange(exchange::ExchangeArgs),
    Lines(lines::LinesArgs),
    Doctor(doctor::DoctorArgs),
    Man(manual::ManArgs),
    Completions(manual::CompletionsArgs),
}

/// Runs the program: 0 for success, 1 when it ran and the answer is no, 2 for wrong use.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    execute(&cli.command).unwrap_or_else(|error| {
        eprintln!("answertone: {error}");
        error.exit_code()
    })
}

fn execute(command: &Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Send(args) => send::run(args),
        Command::Receive(args) => receive::run(args),
        Command::Call(args) => call::run(args),
        Command::Decode(args) => decode::run(args),
        Command::Modem(args) => modem::run(args),
        Command::Tones(args) => tones::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Config(args) => config::run(args),
        Command::Queue(args) => queue::run(args),
        Command::Log(args) => log::run(args),
        Command::User(args) => user::run(args),
        Command::Lab(args) => lab::run(args),
        Command::Pty(args) => pty::run(args),
        Command::Relay(args) => relay::run(args),
        Command::Exchange(args) => exchange::run(args),
        Command::Lines(args) => lines::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Man(args) => manual::man(args, Cli::command()),
        Command::Completions(args) => manual::completions(args, Cli::command()),
    }
}
