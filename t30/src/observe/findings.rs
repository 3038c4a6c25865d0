//! What is to be said of a call: what failed, and why, by the clause.

use super::{
    call::{CallKind, Station, Step, terms},
    heard::{Burst, Unknown, What},
    line::LineLevels,
    pages::ObservedPage,
};
use crate::{
    frame::{Fcf, recommendation},
    time::{LineSpan, LineTime},
};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Good to know.
    Note,
    /// Out of what the Recommendations allow, or harmful.
    Fault,
    /// Why the call failed, or that it did not.
    Verdict,
}

/// Something to be said of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// When, if it has a time.
    pub at: Option<LineTime>,
    /// Its name for programs.
    pub name: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// The clause it is measured by; empty where there is none.
    pub clause: &'static str,
    /// For people.
    pub text: String,
}

/// ITU-T T.30 5.3.2.1 and 5.1: 75 ± 20 ms between signals; below what follows is harmful.
const LEAST_GAP: LineSpan = LineSpan::ms(40);
/// How long after a DCS its training begins at the latest: 75 ms, and what echo protection takes.
const TRAINING_DUE: LineSpan = LineSpan::ms(1500);
/// Levels of carriers: ITU-T V.2 has at most -13 dBm0 for a channel, receivers need -43 dBm. ITU-T T.30 5.3.
const SOFT: f32 = -43.0;
/// Packets have no level.
const NOT_HEARD: f32 = -100.0;
const LOUD: f32 = -3.0;
/// ITU-T V.17 5.1, V.29: a receiver takes 7 Hz; V.27ter likewise.
const MOST_SHIFT: f32 = 7.0;
/// ITU-T V.17, V.29: symbol rates are exact to 1 in 10000.
const MOST_CLOCK: f32 = 100.0;
/// Runs of samples at the limit that are no chance.
const CLIPPED_RUNS: u64 = 100;
/// A constant so large, in 16-bit scale, takes room from the signal.
const CONSTANT: f32 = 300.0;
/// The other side is heard so loud that it disturbs.
const NEAR_ECHO: f32 = 12.0;

/// An echo of its own that a fast modem does not bear: V.17 at 14400 bit/s wants the line 25 dB clean.
const FAR_ECHO: f32 = 25.0;
/// Signals with the same tail that are no chance.
const ECHOES: usize = 3;

/// Findings of a call, the verdict first.
pub(super) fn of(kind: CallKind, steps: &[Step], pages: &[ObservedPage], lines: &[LineLevels]) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    findings.verdict(kind, steps, pages);
    findings.trainings(steps);
    findings.gaps(steps);
    steps.iter().for_each(|step| findings.step(step));
    pages.iter().enumerate().for_each(|(place, page)| findings.page(place, page));
    findings.echo(steps);
    findings.own_echo(steps, lines);
    lines.iter().enumerate().for_each(|(channel, line)| findings.line(channel, line, lines.len()));
    findings
        .0
        .sort_by_key(|finding| (std::cmp::Reverse(finding.weight == Weight::Verdict), finding.at.unwrap_or_default()));
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, at: Option<LineTime>, name: &'static str, weight: Weight, clause: &'static str, text: String) {
        self.0.push(Finding { at, name, weight, clause, text });
    }

    fn verdict(&mut self, kind: CallKind, steps: &[Step], pages: &[ObservedPage]) {
        let (name, clause, text) = match kind {
            CallKind::Fax => fax_verdict(steps, pages),
            CallKind::SuperG3 => {
                let text = "fax by V.34: both machines agreed on it in V.8; its signals are not decoded".into();
                ("super_g3", "ITU-T T.30 Annex F", text)
            }
            CallKind::Data => ("data_call", "ITU-T V.8", data_text(steps)),
            CallKind::Other(who) => ("no_fax", "", format!("no fax: {} answered", words(who.name()))),
            CallKind::TonesOnly => ("tones_only", "ITU-T T.30 4", tones_text(steps)),
            CallKind::Opening => ("no_answer", "", opening_text(steps)),
            CallKind::Nothing => ("nothing", "", "no signal of a fax machine, a modem or an exchange was heard".into()),
        };
        self.add(None, name, Weight::Verdict, clause, text);
    }

    /// Each DCS wants a training after it.
    fn trainings(&mut self, steps: &[Step]) {
        for (place, step) in steps.iter().enumerate() {
            let Some(terms) = step.control().and_then(terms) else { continue };
            let next = steps[place + 1..].iter().find(|next| next.burst().is_some() || next.control().is_some());
            let wanted = recommendation(terms.carrier);
            let rate = terms.carrier.bit_rate();
            let end = step.heard.to;
            match next.map(|next| (next, next.burst())) {
                Some((next, Some(burst)))
                    if burst.carrier.bit_rate() != rate || burst.carrier.modem() != terms.carrier.modem() =>
                {
                    let text = format!(
                        "the DCS says {wanted} at {rate} bit/s, but {} at {} bit/s was sent",
                        recommendation(burst.carrier),
                        burst.carrier.bit_rate()
                    );
                    self.add(Some(next.heard.from), "other_modem", Weight::Fault, "ITU-T T.30 5.3.6.2", text);
                }
                Some((next, Some(_))) if next.heard.from.since(end) > TRAINING_DUE => {
                    let ms = next.heard.from.since(end).as_ms();
                    let text = format!("training began only {ms} ms after the DCS");
                    self.add(Some(end), "training_late", Weight::Note, "ITU-T T.30 5.3.2.1", text);
                }
                Some((_, Some(_))) => {}
                _ => {
                    let sounds = steps[place + 1..].iter().any(|next| {
                        matches!(next.heard.what, What::Unknown(_)) && next.heard.from.since(end) <= TRAINING_DUE
                    });
                    let text = match sounds {
                        true => format!(
                            "after the DCS came a signal to which no modem trained; {wanted} at {rate} bit/s was due"
                        ),
                        false => format!("after the DCS came no training of {wanted} at {rate} bit/s"),
                    };
                    self.add(Some(end), "no_training", Weight::Fault, "ITU-T T.30 5.3.2.1", text);
                }
            }
        }
    }

    /// Silence of 75 ms is due between a message of V.21 and what comes next from either side.
    fn gaps(&mut self, steps: &[Step]) {
        let signals: Vec<&Step> =
            steps.iter().filter(|step| step.control().is_some() || step.burst().is_some()).collect();
        for pair in signals.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let both_fast = before.burst().is_some() && after.burst().is_some();
            let unheard = before.level.0 < NOT_HEARD || after.level.0 < NOT_HEARD;
            if unheard || both_fast || before.channel != after.channel && !heard_together(before, after) {
                continue;
            }
            let gap = after.heard.from.0 as i64 - before.heard.to.0 as i64;
            if gap >= LEAST_GAP.0 as i64 {
                continue;
            }
            let what = if after.burst().is_some() { "training" } else { "the next message" };
            let ms = gap / 8;
            let text = if gap < 0 {
                format!("{what} began {} ms before the signal before it was over", -ms)
            } else {
                format!("only {ms} ms lie before {what}; 75 ± 20 ms are due")
            };
            self.add(Some(after.heard.from), "gap_too_short", Weight::Fault, "ITU-T T.30 5.3.2.1", text);
        }
    }

    fn step(&mut self, step: &Step) {
        match &step.heard.what {
            What::Burst(burst) => self.burst(step, burst),
            What::Control(control) => {
                let damaged = control.frames.iter().filter(|frame| !frame.intact).count();
                if damaged > 0 {
                    let text =
                        format!("{damaged} of {} frames of the control channel are damaged", control.frames.len());
                    self.add(Some(step.heard.from), "damaged_frames", Weight::Fault, "ITU-T T.30 5.3.7", text);
                }
                self.level(step);
            }
            _ => {}
        }
    }

    fn burst(&mut self, step: &Step, burst: &Burst) {
        let at = Some(burst.trained);
        let modem = format!("{} at {} bit/s", recommendation(burst.carrier), burst.carrier.bit_rate());
        let shift = burst.carrier_offset.0;
        if shift.abs() > MOST_SHIFT {
            let text = format!("the carrier of {modem} is off by {shift:.1} Hz; 7 Hz are allowed");
            self.add(at, "frequency_shift", Weight::Fault, "ITU-T V.17 5.1", text);
        }
        let clock = burst.clock_offset_ppm;
        if clock.abs() > MOST_CLOCK * 2.0 {
            let text = format!("the clock of {modem} is off by {clock:.0} ppm");
            self.add(at, "clock", Weight::Fault, "ITU-T V.17 2.2", text);
        }
        if !burst.slips.is_empty() {
            let text = format!("slips of the line in {modem}: {}", times(&burst.slips));
            self.add(burst.slips.first().copied(), "slips", Weight::Fault, "ITU-T G.822", text);
        }
        if !burst.returns.is_empty() {
            let text = format!("{modem} broke off and came back: {}", times(&burst.returns));
            self.add(burst.returns.first().copied(), "interrupted", Weight::Fault, "", text);
        }
        if !burst.relayed && burst.is_check() && burst.longest_zeros < u64::from(burst.carrier.bit_rate()) {
            let text = format!(
                "the training check of {modem} has errors: its longest run of zeros is {} bits",
                burst.longest_zeros
            );
            self.add(at, "check_errors", Weight::Fault, "ITU-T T.30 5.3.6.1.3", text);
        }
        self.level(step);
    }

    fn level(&mut self, step: &Step) {
        if step.level.0 < NOT_HEARD {
            return;
        }
        let level = step.level.0;
        // What is louder on its own channel left the machine at that level; a mixed channel says nothing of loudness.
        if level < SOFT {
            let text = format!("the signal is soft: {level:.0} dBm0; receivers need -43 dBm");
            self.add(Some(step.heard.from), "soft", Weight::Fault, "ITU-T V.17 4.4", text);
        } else if level > LOUD {
            let text = format!("the signal is loud: {level:.0} dBm0");
            self.add(Some(step.heard.from), "loud", Weight::Note, "ITU-T V.2", text);
        }
    }

    fn page(&mut self, place: usize, page: &ObservedPage) {
        let number = place + 1;
        let rows = page.page.bitmap.height();
        if page.bad_rows > 0 {
            let text = format!(
                "page {number}: {} of {rows} rows were damaged, at most {} in succession; each repeats the row above",
                page.bad_rows, page.longest_bad_run
            );
            self.add(Some(page.from), "bad_rows", Weight::Fault, "ITU-T T.4 4.1", text);
        }
        if page.frames_missing > 0 {
            let text = format!("page {number}: {} of {} frames never came undamaged", page.frames_missing, page.frames);
            self.add(Some(page.from), "frames_missing", Weight::Fault, "ITU-T T.30 Annex A", text);
        }
        if !page.ended {
            let text = format!("page {number}: its end was not heard");
            self.add(Some(page.to), "no_end_of_page", Weight::Fault, "ITU-T T.4 4.1.4", text);
        }
        if !page.told {
            let text = format!("page {number}: no DCS was heard; coding and size are guessed");
            self.add(Some(page.from), "guessed", Weight::Note, "", text);
        }
        if matches!(page.answer, Some(Fcf::Rtn | Fcf::Pin | Fcf::Err)) {
            let answer = page.answer.map_or("", Fcf::name);
            let text = format!("page {number} was refused with {answer}");
            self.add(Some(page.to), "refused", Weight::Fault, "ITU-T T.30 5.3.6.1.7", text);
        }
    }

    /// How loud each side is heard on the other's channel.
    fn echo(&mut self, steps: &[Step]) {
        let leaks = steps.iter().filter(|step| step.burst().is_some() || step.control().is_some());
        let leaks: Vec<_> = leaks.filter_map(|step| Some((step, step.leak.as_ref()?))).collect();
        let Some((step, loudest)) = leaks.iter().min_by(|one, other| one.1.softer.total_cmp(&other.1.softer)) else {
            return;
        };
        if loudest.softer < 0.5 && loudest.later == 0 {
            let text = "both channels are the same recording".into();
            return self.add(None, "same_channels", Weight::Note, "", text);
        }
        let text = format!(
            "both channels have both sides: one is heard on the other's channel {:.0} dB softer and {:.0} ms later",
            loudest.softer,
            loudest.later as f64 / 8.0
        );
        let weight = if loudest.softer < NEAR_ECHO { Weight::Fault } else { Weight::Note };
        self.add(Some(step.heard.from), "echo", weight, "ITU-T G.131", text);
    }

    /// What a line brings back of its own signal: each signal has the same tail.
    fn own_echo(&mut self, steps: &[Step], lines: &[LineLevels]) {
        for (channel, line) in lines.iter().enumerate() {
            let signals = steps.iter().filter(|step| step.channel == channel);
            let signals = signals.filter(|step| step.burst().is_some() || step.control().is_some());
            let tails: Vec<_> =
                signals.filter_map(|step| Some((step, line.tail(step.level, step.heard.to)?))).collect();
            let like = |one: &(f32, LineSpan), other: &(f32, LineSpan)| {
                (one.0 - other.0).abs() <= 3.0 && one.1.as_ms().abs_diff(other.1.as_ms()) <= 20
            };
            let alike = |tail: &(f32, LineSpan)| tails.iter().filter(|other| like(tail, &other.1)).count();
            let Some((step, (softer, later))) = tails.iter().find(|(_, tail)| alike(tail) >= ECHOES) else { continue };
            let text = format!("the line gives signals back {softer:.0} dB softer and some {} ms later", later.as_ms());
            let weight = if *softer < FAR_ECHO { Weight::Fault } else { Weight::Note };
            self.add(Some(step.heard.to), "own_echo", weight, "ITU-T G.131", text);
        }
    }

    fn line(&mut self, channel: usize, line: &LineLevels, channels: usize) {
        let on = if channels > 1 { format!(" on channel {}", channel + 1) } else { String::new() };
        let (runs, first) = line.flat_runs();
        if runs >= CLIPPED_RUNS {
            let text = format!("the recording is clipped{on}: samples in a row lie at the limit {runs} times");
            self.add(first, "clipping", Weight::Fault, "", text);
        }
        if line.constant().abs() > CONSTANT {
            let text = format!("the samples have a constant of {:.0}{on}", line.constant());
            self.add(None, "dc", Weight::Fault, "", text);
        }
    }
}

/// Whether both are heard on one channel, so that their times compare.
fn heard_together(one: &Step, other: &Step) -> bool {
    one.leak.is_some() && other.leak.is_some()
}

fn times(moments: &[LineTime]) -> String {
    let mut text = moments.iter().take(8).map(|at| format!("{at} s")).collect::<Vec<_>>().join(", ");
    if moments.len() > 8 {
        text.push_str(&format!(" and {} more", moments.len() - 8));
    }
    text
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn data_text(steps: &[Step]) -> String {
    let menu = steps.iter().rev().find_map(|step| match &step.heard.what {
        What::V8(message) => Some(message.to_string()),
        _ => None,
    });
    match menu {
        Some(menu) => format!("a call of data modems, no fax: {menu}"),
        None => "a call of data modems, no fax".into(),
    }
}

fn opening_text(steps: &[Step]) -> String {
    let digits: String = steps
        .iter()
        .filter_map(|step| match step.heard.what {
            What::Digit(digit) => Some(digit),
            _ => None,
        })
        .collect();
    let dialled = (!digits.is_empty()).then(|| format!("digits {digits}"));
    let others = steps.iter().filter(|step| matches!(step.heard.what, What::CallerId(_) | What::Progress(_)));
    let mut parts: Vec<String> = others.map(|step| step.heard.what.to_string()).collect();
    parts.dedup();
    let parts: Vec<String> = dialled.into_iter().chain(parts).take(8).collect();
    format!("no fax machine and no modem was heard, only {}", parts.join("; "))
}

fn tones_text(steps: &[Step]) -> String {
    let heard = |is: fn(&What) -> bool| steps.iter().any(|step| is(&step.heard.what));
    let tones = match (heard(|what| matches!(what, What::Cng)), heard(|what| matches!(what, What::Answer(_)))) {
        (true, true) => "CNG and an answer tone",
        (true, false) => "CNG",
        (false, true) => "an answer tone",
        (false, false) => "no tone",
    };
    let flags = heard(|what| matches!(what, What::Control(_) | What::Unknown(Unknown::LikeControl)));
    let then = if flags { "; then V.21 begins, but no frame of it is whole" } else { ", and nothing of T.30 after it" };
    format!("the beginning of a fax call: {tones}{then}")
}

/// How a fax call went: the name, the clause and the words.
fn fax_verdict(steps: &[Step], pages: &[ObservedPage]) -> (&'static str, &'static str, String) {
    let has = |fcf: Fcf| steps.iter().filter_map(Step::control).filter(|control| control.has(fcf)).count();
    let one_sided = [Station::Caller, Station::Answerer]
        .iter()
        .any(|side| !steps.iter().any(|step| step.station == *side && step.control().is_some()));
    let refused = |page: &&ObservedPage| matches!(page.answer, Some(Fcf::Rtn | Fcf::Pin | Fcf::Err));
    let good = pages.len() - pages.iter().filter(refused).count();
    let pages_text = match good {
        1 => "1 page".to_owned(),
        more => format!("{more} pages"),
    };
    let last_answered = pages.last().is_some_and(|page| page.answer.is_some());
    let phase_d = "ITU-T T.30 3.5";
    match () {
        () if good > 0 && (last_answered || one_sided) && has(Fcf::Dcn) > 0 => {
            ("completed", phase_d, format!("the call was completed: {pages_text}"))
        }
        () if good > 0 && last_answered => {
            ("completed", phase_d, format!("{pages_text}, confirmed; the end of the call was not heard"))
        }
        () if good > 0 => {
            ("broken_off", phase_d, format!("{pages_text}, the last without an answer: the call broke off"))
        }
        () if !pages.is_empty() => {
            let answers: Vec<&str> = pages.iter().filter_map(|page| Some(page.answer?.name())).collect();
            let text = format!("no page was confirmed: the receiver answered {}", answers.join(", "));
            ("refused", "ITU-T T.30 5.3.6.1.7", text)
        }
        () if has(Fcf::Ftt) > 0 => {
            let text = format!(
                "no page: the receiver refused every training check, {} times FTT at {}",
                has(Fcf::Ftt),
                rates(steps)
            );
            ("training_failed", "ITU-T T.30 5.3.6.1.4", text)
        }
        () if has(Fcf::Dcs) > 0 && has(Fcf::Cfr) == 0 => {
            ("no_confirmation", "ITU-T T.30 5.3.6.1.4", "no page: a DCS was sent, and no CFR or FTT answered it".into())
        }
        () if has(Fcf::Dcs) > 0 => {
            ("no_page", "ITU-T T.30 5.3", "no page: training succeeded, and no image followed".into())
        }
        () if has(Fcf::Mcf) > 0 => {
            let text = format!(
                "only the side that received is in the recording: it confirmed {} times with MCF",
                has(Fcf::Mcf)
            );
            ("one_side", phase_d, text)
        }
        () if has(Fcf::Dis) > 0 => {
            let text = format!("no page: the answerer said DIS {} times, and no DCS or DTC came", has(Fcf::Dis));
            ("no_command", "ITU-T T.30 5.4.3.1", text)
        }
        () => ("no_page", "", "frames of a fax call, and no page".into()),
    }
}

fn rates(steps: &[Step]) -> String {
    let mut named: Vec<String> = Vec::new();
    for terms in steps.iter().filter_map(Step::control).filter_map(terms) {
        let name = format!("{} {}", recommendation(terms.carrier), terms.carrier.bit_rate());
        if !named.contains(&name) {
            named.push(name);
        }
    }
    named.join(", ")
}
