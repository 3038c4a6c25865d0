//! A call as text: what it was, the ladder, the pages and the findings.

use std::fmt::Write;

use answertone_t30::{
    observe::{Call, Finding, ObservedPage, Station, Step, Weight, What},
    time::LineTime,
};

/// The call for people.
pub fn text(name: &str, what: &str, call: &Call) -> String {
    let mut text = format!("{name}: {:.1} s, {what}\n", call.length().seconds());
    // Writing to a String cannot fail.
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    call.findings.iter().filter(|finding| finding.weight == Weight::Verdict).for_each(|finding| line(said(finding)));
    line(String::new());
    let steps: Vec<&Step> = call.steps.iter().filter(|step| is_told(call, step)).collect();
    steps.chunk_by(|one, next| digit(one).is_some() && digit(next).is_some()).flat_map(together).for_each(&mut line);
    if !call.pages.is_empty() {
        line(String::new());
        call.pages.iter().enumerate().for_each(|(place, page)| line(page_line(place, page)));
    }
    let others = call.findings.iter().filter(|finding| finding.weight != Weight::Verdict);
    for (place, finding) in others.enumerate() {
        if place == 0 {
            line(String::new());
        }
        line(said(finding));
    }
    text
}

/// Between data modems, what is not understood is their data.
pub(super) fn is_told(call: &Call, step: &Step) -> bool {
    use answertone_t30::observe::CallKind;
    !matches!((call.kind, &step.heard.what), (CallKind::Data | CallKind::SuperG3, What::Unknown(_)))
}

fn digit(step: &Step) -> Option<char> {
    match step.heard.what {
        What::Digit(digit) => Some(digit),
        _ => None,
    }
}

/// Digits in a row make one rung.
fn together(steps: &[&Step]) -> Vec<String> {
    let digits: String = steps.iter().filter_map(|step| digit(step)).collect();
    match steps {
        [first, .., last] if !digits.is_empty() => {
            let length = last.heard.to.since(first.heard.from).seconds();
            vec![rung(first, first.heard.from, &format!("digits {digits}  ({length:.2} s)"))]
        }
        steps => steps.iter().flat_map(|step| rungs(step)).collect(),
    }
}

fn rung(step: &Step, at: LineTime, text: &str) -> String {
    let arrow = match step.station {
        Station::Caller => "caller ──▶         ",
        Station::Answerer => "       ◀── answerer",
        Station::Unknown => "       ───         ",
    };
    format!("{:>10.3}  {arrow}  {text}", seconds(at))
}

/// The rungs of the ladder that a step is: the caller stands on the left, the answerer on the right.
fn rungs(step: &Step) -> Vec<String> {
    match &step.heard.what {
        What::Control(control) if !control.frames.is_empty() => {
            control.frames.iter().map(|frame| rung(step, frame.from, &frame.words())).collect()
        }
        what => {
            let length = step.heard.to.since(step.heard.from).seconds();
            let length = if length > 0.0 { format!("  ({length:.2} s)") } else { String::new() };
            vec![rung(step, step.heard.from, &format!("{what}{length}"))]
        }
    }
}

pub(super) fn page_line(place: usize, page: &ObservedPage) -> String {
    let bitmap = &page.page.bitmap;
    let how =
        if page.ecm { format!("ECM, {} frames, {} again", page.frames, page.frames_again) } else { "no ECM".into() };
    let bad = if page.bad_rows > 0 { format!(", {} rows damaged", page.bad_rows) } else { String::new() };
    let answer = page.answer.map_or("no answer heard", |answer| answer.name());
    format!(
        "page {}: {} x {}, {}, {}, {how}{bad}; {answer}",
        place + 1,
        bitmap.width(),
        bitmap.height(),
        page.page.resolution.name(),
        page.coding.name().to_uppercase()
    )
}

fn said(finding: &Finding) -> String {
    let mark = match finding.weight {
        Weight::Verdict => "=>",
        Weight::Fault => "!!",
        Weight::Note => " i",
    };
    let at = finding.at.map_or(String::new(), |at| format!("{:.3} s: ", seconds(at)));
    let clause = if finding.clause.is_empty() { String::new() } else { format!(" [{}]", finding.clause) };
    format!("{mark} {at}{}{clause}", finding.text)
}

pub(super) fn seconds(at: LineTime) -> f64 {
    at.0 as f64 / 8000.0
}
