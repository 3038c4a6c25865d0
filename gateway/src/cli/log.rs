//! `answertone log`: what was sent and received, for people, spreadsheets and programs.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use jiff::{Timestamp, Zoned, civil::Date};
use serde_json::Value;

use super::{
    config::{DEFAULT_PATH, read},
    error::CliError,
    queue::with_store,
};
use crate::store::{LogFilter, LogRow};

/// Of faxes sent, and of faxes received.
const STATES: [&str; 10] =
    ["queued", "sending", "waiting", "done", "failed", "cancelled", "receiving", "complete", "partial", "empty"];

/// Show the log of faxes sent and received. Works while the gateway runs.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  answertone log --since 2026-03-01 --state failed\n  answertone log --format csv > faxes.csv"
)]
pub(super) struct LogArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// Only faxes sent or only faxes received.
    #[arg(long, value_enum)]
    way: Option<Way>,
    /// Received at this time or later: a date such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,
    /// Received before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// Numbers that have this in them.
    #[arg(long)]
    number: Option<String>,
    /// Senders that have this in them.
    #[arg(long)]
    sender: Option<String>,
    /// Recipients that have this in them.
    #[arg(long)]
    recipient: Option<String>,
    /// In this state.
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// That failed by this cause.
    #[arg(long)]
    cause: Option<String>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    limit: Option<i64>,
    /// In which form.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format json: one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Offramp,
    Onramp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Csv,
    Json,
}

fn time(text: &str) -> Result<i64, String> {
    let date = || text.parse::<Date>().ok()?.to_zoned(jiff::tz::TimeZone::system()).ok();
    let at = text.parse::<Timestamp>().ok().or_else(|| date().map(|day: Zoned| day.timestamp()));
    at.map(Timestamp::as_millisecond).ok_or_else(|| "write 2026-03-01 or 2026-03-01T12:00:00Z".into())
}

/// Prints it.
pub(super) fn run(args: &LogArgs) -> Result<ExitCode, CliError> {
    let filter = LogFilter {
        way: args.way.map(|way| if matches!(way, Way::Offramp) { "offramp" } else { "onramp" }.into()),
        since: args.since,
        until: args.until,
        number: args.number.clone(),
        sender: args.sender.clone(),
        recipient: args.recipient.clone(),
        state: args.state.clone(),
        cause: args.cause.clone(),
        limit: args.limit,
    };
    let rows = with_store(&read(&args.config)?, async |store| store.history(&filter).await.map_err(CliError::failed))?;
    let format = if args.json { Format::Json } else { args.format };
    print(&rows, format, &mut io::stdout().lock()).or_else(whole)?;
    Ok(ExitCode::SUCCESS)
}

/// Who reads only the first lines has what it wanted.
fn whole(error: io::Error) -> Result<(), CliError> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(CliError::failed(error)) }
}

/// The rows as a spreadsheet reads them.
pub(crate) fn as_csv(rows: &[LogRow]) -> Vec<u8> {
    let mut octets = vec![];
    print(rows, Format::Csv, &mut octets).expect("memory takes what is written");
    octets
}

fn print(rows: &[LogRow], format: Format, to: &mut impl Write) -> io::Result<()> {
    if format == Format::Csv {
        writeln!(to, "{}\r", csv_line(fields(&LogRow::default()).iter().map(|(name, _)| Value::from(name.as_str()))))?;
    }
    for row in rows {
        match format {
            Format::Text => writeln!(to, "{}", line(row))?,
            Format::Csv => writeln!(to, "{}\r", csv_line(fields(row).into_iter().map(|(_, value)| value)))?,
            Format::Json => writeln!(to, "{}", serde_json::to_string(row)?)?,
        }
    }
    Ok(())
}

/// The fields in their order, times as people and spreadsheets read them.
fn fields(row: &LogRow) -> Vec<(String, Value)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(row) else { return vec![] };
    let shown = |(name, value): (String, Value)| match value.as_i64() {
        Some(at) if name.ends_with("_at") => (name, Value::from(shown_time(at))),
        _ => (name, value),
    };
    fields.into_iter().map(shown).collect()
}

/// RFC 4180. A text that a spreadsheet would take for a formula is led by an apostrophe.
fn csv_line(values: impl Iterator<Item = Value>) -> String {
    let cell = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let formula = text.starts_with(['=', '@', '-', '+']) && !text[1..].bytes().all(|c| c.is_ascii_digit());
            let text = if formula { format!("'{text}") } else { text };
            let quoted = text.contains([',', '"', '\r', '\n']);
            if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
        }
        other => other.to_string(),
    };
    values.map(cell).collect::<Vec<_>>().join(",")
}

fn line(row: &LogRow) -> String {
    let end = match (&row.cause, row.said.as_deref().filter(|said| !said.is_empty())) {
        (Some(cause), Some(said)) => format!(": {cause}, {said}"),
        (None, Some(said)) => format!(": {said}"),
        _ => String::new(),
    };
    format!(
        "{}  {:<7} {:<4} {:<9} {} -> {}  pages {}, octets {}, attempts {}{end}",
        shown_time(row.received_at),
        row.way,
        row.id,
        row.state,
        shown_name(&row.sender),
        shown_name(&row.recipient),
        row.pages,
        row.octets,
        row.attempts
    )
}

fn shown_name(name: &str) -> String {
    if name.is_empty() { "<>".into() } else { name.chars().filter(|c| !c.is_control()).collect() }
}

fn shown_time(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_must_be_and_disarms_formulas() {
        let row = LogRow {
            way: "offramp".into(),
            received_at: 1_700_000_000_000,
            sender: "a,\"b\"@x".into(),
            number: "+1555".into(),
            subject: "=1+1".into(),
            ..LogRow::default()
        };
        let mut csv = vec![];
        print(&[row], Format::Csv, &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        let (head, line) = csv.split_once("\r\n").unwrap();
        assert!(head.starts_with("account,") || head.starts_with("way,id,received_at"), "{head}");
        for cell in ["2023-11-14T22:13:20Z", "\"a,\"\"b\"\"@x\"", "+1555", "'=1+1"] {
            assert!(line.contains(cell), "{cell}: {line}");
        }
    }

    #[test]
    fn times_are_dates_or_moments() {
        assert_eq!(time("2026-03-01T12:00:00Z"), Ok(1_772_366_400_000));
        assert!(time("2026-03-01").is_ok() && time("yesterday").is_err());
    }
}
