//! A call as one HTML file: it opens from disk, and nothing in it comes from elsewhere.

use answertone_t30::observe::{Finding, ObservedPage, Step, Weight};
use askama::Template;
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Decoded,
    json::has_level,
    pictures,
    text::{self, seconds},
};
use crate::plot::{PlotError, chart::Chart, svg::chart_svg};

/// Fast signals that are drawn.
const MOST_SIGNALS: usize = 40;
/// Pages that are shown.
const MOST_PAGES: usize = 60;

#[derive(Template)]
#[template(path = "call.html")]
struct Report {
    name: String,
    source: String,
    verdict: String,
    clause: &'static str,
    good: bool,
    findings: Vec<Said>,
    ladder: Vec<Rung>,
    overview: String,
    levels: String,
    signals: Vec<Signal>,
    pages: Vec<Sheet>,
}

struct Said {
    at: String,
    fault: bool,
    text: String,
    clause: &'static str,
}

struct Rung {
    at: String,
    side: &'static str,
    level: String,
    text: String,
}

struct Signal {
    at: String,
    text: String,
    charts: Vec<String>,
}

struct Sheet {
    number: usize,
    text: String,
    png: String,
    /// Places of bad rows in hundredths of the page's height.
    marks: Vec<String>,
}

/// The report of a call.
///
/// # Errors
/// When a picture or the page cannot be made.
pub fn html(name: &str, decoded: &Decoded) -> Result<String, ReportError> {
    let call = &decoded.call;
    let verdict = call.findings.iter().find(|finding| finding.weight == Weight::Verdict);
    let others = call.findings.iter().filter(|finding| finding.weight != Weight::Verdict);
    let steps = call.steps.iter().filter(|step| text::is_told(call, step));
    let signals = call.steps.iter().filter_map(signal).take(MOST_SIGNALS);
    let report = Report {
        name: name.into(),
        source: format!("{:.1} s, {}", call.length().seconds(), decoded.source),
        verdict: verdict.map_or_else(String::new, |finding| finding.text.clone()),
        clause: verdict.map_or("", |finding| finding.clause),
        good: verdict.is_some_and(|finding| finding.name == "completed"),
        findings: others.map(said).collect(),
        ladder: steps.flat_map(rungs).collect(),
        overview: BASE64_STANDARD.encode(pictures::overview(name, decoded)?),
        levels: chart_svg(&pictures::levels(call)),
        signals: signals.collect(),
        pages: call.pages.iter().take(MOST_PAGES).enumerate().map(sheet).collect::<Result<_, _>>()?,
    };
    Ok(report.render()?)
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A picture.
    #[error(transparent)]
    Picture(#[from] PlotError),
    /// The page.
    #[error("the report cannot be written: {0}")]
    Page(#[from] askama::Error),
}

fn said(finding: &Finding) -> Said {
    Said {
        at: finding.at.map_or_else(String::new, |at| format!("{:.3} s", seconds(at))),
        fault: finding.weight == Weight::Fault,
        text: finding.text.clone(),
        clause: finding.clause,
    }
}

fn rungs(step: &Step) -> Vec<Rung> {
    let level = if has_level(step) { format!("{:.0} dBm0", step.level.0) } else { String::new() };
    let rung = |at, text: String| Rung {
        at: format!("{:.3}", seconds(at)),
        side: step.station.name(),
        level: level.clone(),
        text,
    };
    match step.control() {
        Some(control) if !control.frames.is_empty() => {
            control.frames.iter().map(|frame| rung(frame.from, frame.words())).collect()
        }
        _ => vec![rung(step.heard.from, step.heard.what.to_string())],
    }
}

fn signal(step: &Step) -> Option<Signal> {
    let burst = step.burst()?;
    let charts: Vec<Chart> = pictures::of_signal(burst).into_iter().map(|(_, chart)| chart).collect();
    Some(Signal {
        at: format!("{:.3}", seconds(step.heard.from)),
        text: burst.to_string(),
        charts: charts.iter().map(chart_svg).collect(),
    })
}

fn sheet((place, page): (usize, &ObservedPage)) -> Result<Sheet, PlotError> {
    let rows = f64::from(page.page.bitmap.height().max(1));
    Ok(Sheet {
        number: place + 1,
        text: text::page_line(place, page),
        png: BASE64_STANDARD.encode(pictures::page(page)?),
        marks: page.bad_places.iter().map(|(row, _)| format!("{:.2}", f64::from(*row) / rows * 100.0)).collect(),
    })
}
