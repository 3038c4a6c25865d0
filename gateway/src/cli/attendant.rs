//! Who stands beside the fax machine: keeps pages, watches progress, writes the transcript, stops the call.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use answertone_hw::Pace;
use answertone_t30::{
    session::{Config, DirectNews, DirectStep, Event, NotKept, Phase, Progress, ReceivedPage, TraceLine},
    time::LineTime,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{
    document::Tray,
    error::{CliError, with_causes},
};
use crate::{
    direct::Courier,
    engine::{CallObserver, Hearing},
};

/// Line time between two reports of progress, in seconds.
const PROGRESS_SECONDS: f64 = 0.25;

/// How a call is shown while it lasts.
pub(super) enum Show {
    /// Not at all.
    Nothing,
    /// A line of JSON for each event.
    Json,
    /// A bar on a terminal, a line for each event elsewhere.
    Person(ProgressBar),
}

impl Show {
    /// For a person in front of standard error.
    pub(super) fn person() -> Self {
        let bar = ProgressBar::new(100);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::Person(bar)
    }

    /// Tells of an event: its name and details, or the same for people.
    pub(super) fn say(&self, event: &str, text: &str, details: serde_json::Value) {
        match self {
            Self::Nothing => {}
            Self::Json => println!("{}", json!({ "event": event, "details": details })),
            Self::Person(bar) if bar.is_hidden() => eprintln!("{text}"),
            Self::Person(bar) => bar.println(text),
        }
    }

    /// Moves the bar to so many percent, where that is known, with a word beside it.
    pub(super) fn at(&self, percent: Option<u64>, text: &str) {
        if let Self::Person(bar) = self {
            bar.set_position(percent.unwrap_or(0));
            bar.set_message(text.to_owned());
        }
    }
}

/// What an attendant has to see to.
pub(super) struct Attendant {
    show: Show,
    transcript: Option<BufWriter<File>>,
    tray: Option<Tray>,
    kept: Option<Result<(), NotKept>>,
    /// Why the call was stopped here.
    stopped: Option<String>,
    interrupted: Arc<AtomicBool>,
    hearing: Hearing,
    courier: Option<Courier>,
    /// Reports of progress since the page began.
    page_ticks: u32,
    /// A person was called to the telephone, and nobody knows yet whether he comes.
    operator_called: bool,
}

impl Attendant {
    /// One who only watches.
    pub(super) fn new(show: Show, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            show,
            transcript: None,
            tray: None,
            kept: None,
            stopped: None,
            interrupted,
            hearing: Hearing::default(),
            courier: None,
            page_ticks: 0,
            operator_called: false,
        }
    }

    /// Listens for this.
    pub(super) fn listen(&mut self, hearing: Hearing) {
        self.hearing = hearing;
    }

    /// Lets documents go directly, and says so in the call's settings.
    pub(super) fn with_courier(self, courier: Option<Courier>, config: Config) -> (Self, Config) {
        let direct = courier.as_ref().map_or(config.direct, Courier::terms);
        (Self { courier, ..self }, Config { direct, ..config })
    }

    /// The line has this pace.
    pub(super) fn keep_pace(&mut self, pace: Pace) {
        self.courier = self.courier.take().map(|courier| courier.at_pace(pace));
    }

    /// Stores pages there.
    pub(super) fn with_tray(self, tray: Tray) -> Self {
        Self { tray: Some(tray), ..self }
    }

    /// Writes the transcript there.
    pub(super) fn with_transcript(self, path: Option<&Path>) -> Result<Self, CliError> {
        let create = |path: &Path| {
            File::create(path).map_err(|error| CliError::usage(format!("--transcript {}: {error}", path.display())))
        };
        Ok(Self { transcript: path.map(create).transpose()?.map(BufWriter::new), ..self })
    }

    /// Whether somebody wants the call to end.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Why the call was stopped here, if it was.
    pub(super) fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Ends the display and gives the tray back.
    pub(super) fn finish(mut self) -> Result<Option<Tray>, CliError> {
        if let Show::Person(bar) = &self.show {
            bar.finish_and_clear();
        }
        if let Some(transcript) = &mut self.transcript {
            transcript.flush().map_err(|error| CliError::failed(format!("the transcript is not whole: {error}")))?;
        }
        Ok(self.tray)
    }

    fn say(&self, event: &str, text: &str, details: serde_json::Value) {
        self.show.say(event, text, details);
    }

    fn page(&mut self, page: ReceivedPage) {
        let (number, rows, verdict) = (page.number, page.page.bitmap.height(), page.verdict.name());
        if let Some(tray) = &mut self.tray {
            let kept = tray.add(page);
            self.kept =
                Some(kept.map_err(|error| NotKept(format!("{}: {}", tray.path().display(), with_causes(&error)))));
        }
        let text = format!("page {number} received, {rows} rows: {verdict}");
        self.say("page_received", &text, json!({ "page": number, "rows": rows, "verdict": verdict }));
    }

    fn stop(&mut self, why: String) {
        self.stopped.get_or_insert(why);
    }
}

impl CallObserver for Attendant {
    fn event(&mut self, _at: LineTime, event: Event) {
        if let Some(courier) = &mut self.courier {
            courier.hear(&event);
        }
        match event {
            Event::PeerKnown(peer) => {
                let ident = peer.ident.clone().unwrap_or_else(|| "without a name".to_owned());
                self.say("peer_known", &format!("the other fax machine: {ident}"), json!({ "ident": peer.ident }));
            }
            Event::Agreed(terms) => {
                self.say("agreed", &format!("agreed on {terms}"), json!({ "terms": terms.to_string() }));
            }
            Event::PageBegun { number } => {
                self.page_ticks = 0;
                self.say("page_begun", &format!("page {number} on the line"), json!({ "page": number }));
            }
            Event::Page(page) => self.page(*page),
            Event::PageSent { number, verdict } => {
                let text = format!("page {number} sent: {}", verdict.name());
                self.say("page_sent", &text, json!({ "page": number, "verdict": verdict.name() }));
            }
            Event::OperatorWanted => {
                self.operator_called = true;
                let text = "the other side wants to talk: take up the telephone";
                self.say("operator_wanted", text, json!({}));
            }
            Event::Direct(DirectStep::Bring(place, _)) => {
                let text = format!("the document goes directly to {}", place.address);
                self.say("direct", &text, json!({ "to": place.address.to_string() }));
            }
            Event::Direct(DirectStep::Await(_)) => self.say("direct", "a document comes directly", json!({})),
            Event::Direct(_) | Event::Finished(_) => {}
        }
    }

    /// Who asked for it by --operator is there.
    fn operator(&mut self) -> Option<bool> {
        std::mem::take(&mut self.operator_called).then_some(true)
    }

    fn direct(&mut self) -> Option<DirectNews> {
        self.courier.as_mut()?.news()
    }

    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        self.kept.take()
    }

    fn progress(&mut self, progress: &Progress) {
        self.page_ticks += 1;
        let left = progress.percent.and_then(|percent| seconds_left(percent, self.page_ticks));
        match &self.show {
            Show::Nothing => {}
            Show::Json => println!("{}", progress_json(progress, left)),
            Show::Person(bar) => {
                bar.set_position(progress.percent.unwrap_or(0).into());
                bar.set_message(progress_text(progress, left));
            }
        }
    }

    fn trace(&mut self, line: &TraceLine) {
        if let Some(transcript) = &mut self.transcript {
            // A transcript that cannot be written is told at the end; the call goes on.
            let _ = writeln!(transcript, "{line}");
        }
    }

    fn hearing(&self) -> Hearing {
        self.hearing.clone()
    }

    fn cancelled(&mut self) -> bool {
        if self.interrupted.load(Ordering::Relaxed) {
            self.stop("interrupted".to_owned());
        }
        self.stopped.is_some()
    }
}

fn seconds_left(percent: u8, ticks: u32) -> Option<u32> {
    let done = f64::from(percent);
    (percent >= 5).then(|| (f64::from(ticks) * PROGRESS_SECONDS * (100.0 - done) / done).round() as u32)
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::A => "calling",
        Phase::B => "agreeing",
        Phase::C => "page",
        Phase::D => "confirming",
        Phase::E => "ending",
    }
}

fn progress_text(progress: &Progress, left: Option<u32>) -> String {
    let mut text = phase(progress.phase).to_owned();
    if progress.page > 0 {
        text += &format!(" {}", progress.page);
        text += &progress.of.map(|of| format!(" of {of}")).unwrap_or_default();
    }
    if let Some(carrier) = progress.carrier {
        text += &format!(", {} bit/s {}", carrier.bit_rate(), carrier.modem());
    }
    match (progress.phase, left) {
        (Phase::C, Some(left)) => text + &format!(", {left} s left"),
        (Phase::C, None) if progress.rows > 0 => text + &format!(", {} rows", progress.rows),
        _ => text,
    }
}

fn progress_json(progress: &Progress, left: Option<u32>) -> serde_json::Value {
    json!({ "event": "progress", "details": {
        "phase": progress.phase.name(),
        "page": progress.page,
        "of": progress.of,
        "percent": progress.percent,
        "rows": progress.rows,
        "bit_rate": progress.carrier.map(|carrier| carrier.bit_rate()),
        "modem": progress.carrier.map(|carrier| carrier.modem()),
        "ecm": progress.ecm,
        "seconds_left": left,
    }})
}
