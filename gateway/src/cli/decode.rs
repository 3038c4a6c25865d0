//! `answertone decode`: what a recording of a call holds.

use std::{
    fs,
    io::{IsTerminal, Read, Write},
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
use serde_json::{Value, json};

use super::{
    error::{CliError, NO, with_causes},
    files::write_whole,
};
use crate::{
    decode::{self, Decoded, pictures},
    ifax::pdf_of,
    plot::{
        chart::{Chart, sheet_png},
        svg::chart_svg,
    },
};

/// Fast signals that are drawn.
const MOST_SIGNALS: usize = 100;

/// Decode a recording of a call: dialling, tones, every frame and training, and all pages.
///
/// One channel holds one side or both, two channels one side each; a capture of packets may hold several calls. Nothing need be known of the call. Ends with status 1
/// when nothing in the recording was recognised.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  answertone decode call.wav\n  answertone decode call.wav --out seen --report call.html\n  \
                        answertone decode call.wav --json | jq .verdict"
)]
pub(super) struct DecodeArgs {
    /// Recording: WAV of any coding, FLAC or MP3, 8 to 48 kHz; or a capture with RTP or T.38, pcap or pcapng.
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
    let calls = args.decode()?;
    let file = args.recording.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut values = Vec::new();
    for (place, decoded) in calls.iter().enumerate() {
        let name = if calls.len() > 1 { format!("{file}, call {}", place + 1) } else { file.clone() };
        values.push(args.tell(&name, decoded, &|path: &Path| numbered(path, place, calls.len()))?);
    }
    if args.json {
        let value = if values.len() == 1 { values.remove(0) } else { json!({ "calls": values }) };
        print(&(serde_json::to_string_pretty(&value).map_err(CliError::failed)? + "\n"));
    }
    let nothing = calls.iter().all(|decoded| decoded.call.kind == CallKind::Nothing);
    Ok(if nothing { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

/// Of several calls each has its own folder or file.
fn numbered(path: &Path, place: usize, calls: usize) -> PathBuf {
    if calls == 1 {
        return path.to_owned();
    }
    match path.extension() {
        Some(kind) => path.with_extension(format!("{}.{}", place + 1, kind.to_string_lossy())),
        None => path.join(format!("call-{}", place + 1)),
    }
}

/// Whoever reads may stop reading.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

impl DecodeArgs {
    /// Writes what is wanted of a call, and prints it unless JSON is wanted; its JSON.
    fn tell(&self, name: &str, decoded: &Decoded, own: &dyn Fn(&Path) -> PathBuf) -> Result<Value, CliError> {
        let text = decode::text::text(name, &decoded.source, &decoded.call);
        let value = decode::json::json(name, &decoded.source, &decoded.call);
        if let Some(folder) = self.out.as_deref().map(own) {
            let json = serde_json::to_string_pretty(&value).map_err(CliError::failed)?;
            keep(&folder, "timeline.txt", text.as_bytes())?;
            keep(&folder, "call.json", json.as_bytes())?;
            keep_pictures(&folder, name, decoded)?;
        }
        for folder in self.out.iter().chain(&self.pages) {
            keep_pages(&own(folder), &decoded.call.pages)?;
        }
        if let Some(path) = self.report.as_deref().map(own) {
            let html = decode::report::html(name, decoded).map_err(CliError::failed)?;
            write_whole(&path, html.as_bytes()).map_err(|error| {
                CliError::failed(format!("{}: {error}; give a file that can be written", path.display()))
            })?;
        }
        if !self.json {
            print(&text);
        }
        Ok(value)
    }

    fn decode(&self) -> Result<Vec<Decoded>, CliError> {
        let wrong = |error: decode::DecodeError| {
            CliError::usage(format!("{}: {}", self.recording.display(), with_causes(&error)))
        };
        let mut beginning = [0; 4];
        let is_read = fs::File::open(&self.recording).and_then(|mut file| file.read_exact(&mut beginning));
        if is_read.is_ok() && decode::capture::is_capture(&beginning) {
            return decode::capture::open(&self.recording).map_err(wrong);
        }
        let recording = decode::audio::Recording::open(&self.recording).map_err(wrong)?;
        let pictures = self.out.is_some() || self.report.is_some();
        let bar = self.bar(recording.info().seconds);
        let decoded = decode::listen(recording, pictures, |seconds| bar.set_position(seconds as u64)).map_err(wrong)?;
        bar.finish_and_clear();
        Ok(vec![decoded])
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

fn keep_pages(folder: &Path, pages: &[ObservedPage]) -> Result<(), CliError> {
    if pages.is_empty() {
        return Ok(());
    }
    let files: Vec<FilePage<'_>> = pages.iter().map(file_page).collect();
    let tiff = write(&files, &WriteOptions::plain(Profile::F(Coding::Mmr))).map_err(CliError::failed)?;
    keep(folder, "pages.tiff", &tiff)?;
    keep(folder, "pages.pdf", &pdf_of(pages.iter().map(|page| (&page.page, page.picture.as_ref()))))
}

/// The call, its levels and each fast signal, as PNG and as SVG.
fn keep_pictures(folder: &Path, name: &str, decoded: &Decoded) -> Result<(), CliError> {
    let call = &decoded.call;
    keep(folder, "call.png", &pictures::overview(name, decoded).map_err(CliError::failed)?)?;
    keep(folder, "call.svg", pictures::overview_svg(name, decoded).map_err(CliError::failed)?.as_bytes())?;
    let levels = pictures::levels(call);
    keep(folder, "levels.svg", chart_svg(&levels).as_bytes())?;
    keep(folder, "levels.png", &sheet_png(name, "", &[levels]).map_err(CliError::failed)?)?;
    for (place, burst) in call.steps.iter().filter_map(Step::burst).enumerate().take(MOST_SIGNALS) {
        let number = place + 1;
        let (names, charts): (Vec<&str>, Vec<Chart>) = pictures::of_signal(burst).into_iter().unzip();
        for (what, chart) in names.iter().zip(&charts) {
            keep(folder, &format!("signal-{number}-{what}.svg"), chart_svg(chart).as_bytes())?;
        }
        if !charts.is_empty() {
            let png = sheet_png(&format!("Signal {number}"), &burst.to_string(), &charts).map_err(CliError::failed)?;
            keep(folder, &format!("signal-{number}.png"), &png)?;
        }
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
