//! `answertone queue`: what waits, and what to do about it.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Runtime;

use super::{
    call::pages,
    config::{DEFAULT_PATH, read},
    error::{CliError, NO},
};
use crate::{
    config::Config,
    ifax::priority::Priority,
    store::{CallRow, JobItem, MailRow, Store, StoreError},
};

/// List, show, retry or cancel what is in the queue. Works while the gateway runs.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  answertone queue list\n  answertone queue retry 12\n  answertone queue retry --mail 3\n  answertone queue priority 12 urgent"
)]
pub(super) struct QueueArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH, global = true)]
    config: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Jobs and mail that are not over, and jobs that failed.
    List {
        /// Also what is over.
        #[arg(long)]
        all: bool,
    },
    /// One job and its calls.
    Show {
        /// Number of the job.
        job: i64,
    },
    /// Try a job or mail again now.
    Retry {
        /// Number of the job, or of the mail with --mail.
        number: i64,
        /// It is a mail.
        #[arg(long)]
        mail: bool,
    },
    /// Give up a job; a call under way is ended.
    Cancel {
        /// Number of the job.
        job: i64,
    },
    /// Keep a job from being sent until it is released.
    Hold {
        /// Number of the job.
        job: i64,
    },
    /// Let a held job go.
    Release {
        /// Number of the job.
        job: i64,
    },
    /// Change which jobs go first.
    Priority {
        /// Number of the job.
        job: i64,
        /// low, normal or urgent.
        #[arg(value_parser = priority)]
        priority: Priority,
    },
}

fn priority(name: &str) -> Result<Priority, String> {
    Priority::named(name).ok_or_else(|| "write low, normal or urgent".into())
}

/// Does what was asked.
pub(super) fn run(args: &QueueArgs) -> Result<ExitCode, CliError> {
    with_store(&read(&args.config)?, async |store| act(store, args).await)
}

/// Does something with the store of a gateway that may be running.
pub(super) fn with_store<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Store) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let folder = &config.store.dir;
    if config.store.url.is_empty() && !folder.join("answertone.sqlite").exists() {
        return Err(CliError::usage(format!(
            "store.dir = {}: there is no store yet; answertone serve makes one",
            folder.display()
        )));
    }
    let runtime = Runtime::new().map_err(CliError::failed)?;
    runtime.block_on(async {
        let store = Store::of(&config.store, None).await.map_err(CliError::failed)?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}

async fn act(store: &Store, args: &QueueArgs) -> Result<ExitCode, CliError> {
    match args.action {
        Action::List { all } => {
            let overview = store.overview(all).await.map_err(CliError::failed)?;
            if args.json {
                print_json(&json!(overview));
            } else {
                overview.jobs.iter().for_each(print_job);
                overview.mail.iter().for_each(print_mail);
                if overview.jobs.is_empty() && overview.mail.is_empty() {
                    println!("nothing waits");
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Show { job } => {
            let Some(row) = store.job(job).await.map_err(CliError::failed)? else { return no_job(job) };
            let calls = store.calls_of(job).await.map_err(CliError::failed)?;
            if args.json {
                print_json(&json!({"job": row, "calls": calls.iter().map(call_json).collect::<Vec<_>>()}));
            } else {
                print_job(&row);
                calls.iter().for_each(print_call);
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Retry { number, mail: true } => {
            let done = store.retry_mail(number).await.map_err(CliError::failed)?;
            told(done, args, "mail", number, "due now", "is not there, was taken, or is wiped")
        }
        Action::Retry { number: job, mail: false } => {
            let done = store.retry_job(job).await;
            changed(store, done, args, job, "due now", "it is being sent, was sent, or is wiped").await
        }
        Action::Cancel { job } => {
            let done = store.cancel_job(job).await;
            changed(store, done, args, job, "cancelled", "it is over").await
        }
        Action::Hold { job } => {
            let done = store.hold_job(job, true).await;
            changed(store, done, args, job, "held", "only what waits can be held").await
        }
        Action::Release { job } => {
            let done = store.hold_job(job, false).await;
            changed(store, done, args, job, "released", "only what waits can be released").await
        }
        Action::Priority { job, priority } => {
            let done = store.set_priority(job, priority).await;
            changed(store, done, args, job, priority.name(), "only what waits has a turn").await
        }
    }
}

/// Tells of a job that was to be changed, and why it was not.
async fn changed(
    store: &Store,
    done: Result<bool, StoreError>,
    args: &QueueArgs,
    job: i64,
    state: &str,
    else_said: &str,
) -> Result<ExitCode, CliError> {
    let done = done.map_err(CliError::failed)?;
    let Some(row) = store.job(job).await.map_err(CliError::failed)? else { return no_job(job) };
    told(done, args, "job", job, state, &format!("is {}: {else_said}", row.state))
}

fn no_job(job: i64) -> Result<ExitCode, CliError> {
    Err(CliError::failed(format!("there is no job {job}; answertone queue list --all shows all")))
}

fn told(
    done: bool,
    args: &QueueArgs,
    what: &str,
    number: i64,
    state: &str,
    else_said: &str,
) -> Result<ExitCode, CliError> {
    if args.json {
        print_json(&json!({"ok": done, what: number}));
    } else if done {
        println!("{what} {number}: {state}");
    } else {
        eprintln!("answertone: {what} {number} {else_said}");
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn print_json(value: &serde_json::Value) {
    println!("{value:#}");
}

fn print_job(job: &JobItem) {
    let pages = job.page_count.map_or("?".into(), |count| count.to_string());
    let said = job.said.as_deref().filter(|said| !said.is_empty()).map_or(String::new(), |said| format!(": {said}"));
    let held = if job.held != 0 { ", held" } else { "" };
    let due = if job.state == "waiting" { format!(", due {}", time(job.due_at)) } else { String::new() };
    println!(
        "job {:<5} {:<9} {:<16} pages {}/{pages}, attempts {}{due}{held}, from <{}>{said}",
        job.id, job.state, job.number, job.next_page, job.attempts, job.mail_from
    );
}

fn print_mail(mail: &MailRow) {
    let said = mail.said.as_deref().map_or(String::new(), |said| format!(": {said}"));
    println!(
        "mail {:<4} {:<9} {:<6} to <{}>, attempts {}, due {}{said}",
        mail.id,
        mail.state,
        mail.kind,
        mail.recipient,
        mail.attempts,
        time(mail.due_at)
    );
}

fn print_call(call: &CallRow) {
    let report: serde_json::Value = serde_json::from_str(&call.report).unwrap_or_default();
    println!(
        "  {} to {} on line {}: {}",
        time(call.begun_at),
        call.dialled.as_deref().unwrap_or("?"),
        call.line,
        outcome(&report)
    );
}

/// How a call went, for people.
fn outcome(report: &serde_json::Value) -> String {
    let pages = pages(report["page"].as_array().map_or(0, Vec::len));
    let failure = report["failure"]["text"].as_str().map_or(String::new(), |text| format!("failed: {text}; "));
    let means = report["modem"].as_str().map_or(String::new(), |modem| {
        let ecm = if report["ecm"] == true { " with error correction" } else { "" };
        format!(", {} bit/s {modem}{ecm}", report["bit_rate"])
    });
    let who = report["remote_ident"].as_str().map_or(String::new(), |ident| format!(", {ident}"));
    format!("{failure}{pages}{means}, {:.0} s{who}", report["seconds"].as_f64().unwrap_or(0.0))
}

fn call_json(call: &CallRow) -> serde_json::Value {
    let report: serde_json::Value = serde_json::from_str(&call.report).unwrap_or_default();
    json!({"line": call.line, "dialled": call.dialled, "begun_at": call.begun_at, "ended_at": call.ended_at, "ok": call.ok, "report": report})
}

pub(super) fn time(at: i64) -> String {
    Timestamp::from_millisecond(at)
        .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
