//! `answertone decode`: what a recording of a call holds.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use answertone_t30::{
    image::{
        Coding,
        tiff::{FilePage, Profile, WriteOptions, write},
    },
    observe::{CallKind, ObservedPage, Step},
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{
    error::{CliError, NO, with_causes},
    files::write_whole,
};
use crate::{
    decode::{self, Decoded, pictures},
    ifax::pdf_of_pages,
    plot::{chart::sheet_png, svg::chart_svg},
};

/// Fast signals that are drawn.
const MOST_SIGNALS: usize = 100;

/// Decode a recording of a call: dialling, tones, every frame and training, and all pages.
///
/// One channel holds one side or both, two channels one side each. Nothing need be known of the call. Ends with status 1
/// when nothing in the recording was recognised.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  answertone decode call.wav\n  answertone decode call.wav --out seen --report call.html\n  \
                        answertone decode call.wav --json | jq .verdict"
)]
pub(super) struct DecodeArgs {
    /// Recording: WAV of any coding, FLAC or MP3, 8 to 48 kHz.
    recording: PathBuf,
    /// Write pages, timeline, JSON and pictures into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write only the pages into this folder, as pages.tiff and pages.pdf.
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Write a report with all pictures as one HTML file.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Print JSON instead of the timeline.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

/// Runs the command.
pub(super) fn run(args: &DecodeArgs) -> Result<ExitCode, CliError> {
    let decoded = args.decode()?;
    let name = args.recording.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let text = decode::text::text(&name, &source(&decoded), &decoded.call);
    let json = serde_json::to_string_pretty(&decode::json::json(&name, source_json(&decoded), &decoded.call));
    let json = json.map_err(CliError::failed)?;
    if let Some(folder) = &args.out {
        keep(folder, "timeline.txt", text.as_bytes())?;
        keep(folder, "call.json", json.as_bytes())?;
    }
    if let Some(folder) = &args.out {
        keep_pictures(folder, &name, &decoded)?;
    }
    if let Some(path) = &args.report {
        let html = decode::report::html(&name, &source(&decoded), &decoded).map_err(CliError::failed)?;
        write_whole(path, html.as_bytes()).map_err(|error| {
            CliError::failed(format!("{}: {error}; give a file that can be written", path.display()))
        })?;
    }
    for folder in args.out.iter().chain(&args.pages) {
        keep_pages(folder, &decoded.call.pages)?;
    }
    let told = if args.json { json + "\n" } else { text };
    // Whoever reads may stop reading.
    let _ = std::io::stdout().write_all(told.as_bytes());
    let nothing = decoded.call.kind == CallKind::Nothing && decoded.call.steps.is_empty();
    Ok(if nothing { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

impl DecodeArgs {
    fn decode(&self) -> Result<Decoded, CliError> {
        let wrong = |error: decode::DecodeError| {
            CliError::usage(format!("{}: {}", self.recording.display(), with_causes(&error)))
        };
        let recording = decode::audio::Recording::open(&self.recording).map_err(wrong)?;
        let pictures = self.out.is_some() || self.report.is_some();
        let bar = self.bar(recording.info().seconds);
        let decoded = decode::listen(recording, pictures, |seconds| bar.set_position(seconds as u64)).map_err(wrong)?;
        bar.finish_and_clear();
        Ok(decoded)
    }

    fn bar(&self, seconds: Option<f64>) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} s heard, {eta} left");
        let bar = ProgressBar::new(seconds.unwrap_or_default() as u64);
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

fn source(decoded: &Decoded) -> String {
    let info = &decoded.info;
    let channels = if info.channels == 1 { "1 channel".into() } else { format!("{} channels", info.channels) };
    format!("{} Hz, {channels}, {}", info.rate, info.coding)
}

fn source_json(decoded: &Decoded) -> serde_json::Value {
    json!({"rate": decoded.info.rate, "channels": decoded.info.channels, "coding": decoded.info.coding})
}

fn keep_pages(folder: &Path, pages: &[ObservedPage]) -> Result<(), CliError> {
    if pages.is_empty() {
        return Ok(());
    }
    let files: Vec<FilePage<'_>> = pages.iter().map(file_page).collect();
    let tiff = write(&files, &WriteOptions::plain(Profile::F(Coding::Mmr))).map_err(CliError::failed)?;
    keep(folder, "pages.tiff", &tiff)?;
    keep(folder, "pages.pdf", &pdf_of_pages(pages.iter().map(|page| &page.page)))
}

/// The call, its levels and each fast signal, as PNG and as SVG.
fn keep_pictures(folder: &Path, name: &str, decoded: &Decoded) -> Result<(), CliError> {
    let call = &decoded.call;
    keep(folder, "call.png", &pictures::overview(name, decoded).map_err(CliError::failed)?)?;
    let levels = pictures::levels(call);
    keep(folder, "levels.svg", chart_svg(&levels).as_bytes())?;
    keep(folder, "levels.png", &sheet_png(name, "", &[levels]).map_err(CliError::failed)?)?;
    for (place, burst) in call.steps.iter().filter_map(Step::burst).enumerate().take(MOST_SIGNALS) {
        let number = place + 1;
        let charts = [
            ("points", pictures::constellation(burst)),
            ("errors", pictures::errors(burst)),
            ("equaliser", pictures::equalizer(burst)),
        ];
        for (what, chart) in &charts {
            keep(folder, &format!("signal-{number}-{what}.svg"), chart_svg(chart).as_bytes())?;
        }
        let png = sheet_png(&format!("Signal {number}"), &burst.to_string(), &charts.map(|(_, chart)| chart));
        keep(folder, &format!("signal-{number}.png"), &png.map_err(CliError::failed)?)?;
    }
    Ok(())
}

fn file_page(page: &ObservedPage) -> FilePage<'_> {
    FilePage {
        page: &page.page,
        bad_rows: page.bad_rows,
        longest_bad_run: page.longest_bad_run,
        picture: page.picture.as_ref(),
    }
}

fn keep(folder: &Path, name: &str, octets: &[u8]) -> Result<(), CliError> {
    let failed = |error| {
        CliError::failed(format!("{}: {error}; give a folder that can be written", folder.join(name).display()))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    write_whole(&folder.join(name), octets).map_err(failed)
}
