//! What a person sees while the demo runs.

use std::io::{IsTerminal, Write, stderr};

use answertone_t30::session::{Phase, Progress};

use crate::service::{Happening, Way};

/// Progress on the terminal: one line that changes, if it is one.
pub(super) struct Terminal {
    quiet: bool,
    lively: bool,
    /// Letters of the line that can be overwritten.
    open: usize,
    last: Option<(Phase, usize, u8)>,
}

impl Terminal {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, lively: stderr().is_terminal(), open: 0, last: None }
    }

    /// A line that stays.
    pub(super) fn say(&mut self, what: &str, text: &str) {
        self.end();
        if !self.quiet {
            eprintln!("{what:>9}  {text}");
        }
    }

    /// Ends the line that changes.
    pub(super) fn end(&mut self) {
        if self.open > 0 {
            eprintln!();
            self.open = 0;
        }
    }

    pub(super) fn show(&mut self, happening: &Happening) {
        match happening {
            Happening::MailIn { jobs, from, .. } => self.say("mail in", &format!("from {from}, {jobs} fax to send")),
            Happening::Rendered { pages, .. } => {
                self.say("paper", &format!("{pages} pages of 1728 pels a row, black and white"))
            }
            Happening::Dialling { number, line, attempt, .. } => {
                self.say("call", &format!("{number} on line {line}, attempt {attempt}"));
            }
            Happening::Progress(Way::Out, progress) => self.progress(progress),
            Happening::PageSent { number, .. } => self.say("page", &format!("{number} confirmed by the far machine")),
            Happening::PageKept { number, .. } => self.say("page", &format!("{number} received and on disk")),
            Happening::CallEnded(Way::Out, ended) => {
                let report = &ended.report;
                self.say("call", &format!("ended after {:.1} s of line time: {}", report.seconds, report.t30_status));
            }
            Happening::JobState { state: "waiting", said, .. } => {
                self.say("job", &format!("waits for another attempt: {said}"))
            }
            _ => {}
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let percent = progress.percent.unwrap_or(0);
        // Not a terminal: a line for each tenth.
        let step = if self.lively { percent } else { percent / 10 };
        let now = (progress.phase, progress.page, step);
        if self.quiet || self.last.replace(now) == Some(now) {
            return;
        }
        let line = describe(progress, percent);
        if self.lively {
            eprint!("\r{:>9}  {line:<w$}", phase(progress.phase), w = self.open);
            let _ = stderr().flush();
            self.open = self.open.max(line.chars().count());
        } else {
            eprintln!("{:>9}  {line}", phase(progress.phase));
        }
    }
}

fn describe(progress: &Progress, percent: u8) -> String {
    let speed = progress.carrier.map_or_else(
        || "no modem agreed yet".into(),
        |carrier| {
            format!(
                "{} {} bit/s{}",
                carrier.modem(),
                carrier.bit_rate(),
                if progress.ecm { ", errors corrected" } else { "" }
            )
        },
    );
    let of = progress.of.map_or_else(String::new, |of| format!(" of {of}"));
    match progress.page {
        0 => speed,
        page => format!("page {page}{of}, {percent} %, {speed}"),
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::A => "ringing",
        Phase::B => "agreeing",
        Phase::C => "sending",
        Phase::D => "asking",
        Phase::E => "hanging up",
    }
}
