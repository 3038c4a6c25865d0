//! The fax machine built in for the far end of a simulated line.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use answertone_hw::sim::SimEnd;
use answertone_t30::{
    audio::AudioConfig,
    image::Page,
    session::{Config, Document, Event, Session},
    time::LineTime,
};

use super::{CallObserver, CallReport, run_call};

/// What the machine at the far end says of the call.
pub struct FarEnd {
    /// Its report.
    pub report: CallReport,
    /// Pages it received.
    pub pages: Vec<Page>,
}

/// Keeps what it receives in memory.
#[derive(Default)]
struct Tray {
    pages: Vec<Page>,
}

impl CallObserver for Tray {
    fn event(&mut self, _at: LineTime, event: Event) {
        if let Event::Page(page) = event {
            self.pages.push(page.page);
        }
    }
}

/// Answers and receives, on a thread of its own.
pub fn answerer(line: SimEnd, config: Config) -> JoinHandle<FarEnd> {
    begin(line, Session::answering(Arc::new(config), LineTime::ZERO))
}

/// Answers and holds pages to be polled, on a thread of its own.
pub fn polled(line: SimEnd, config: Config, pages: Vec<Arc<Page>>) -> JoinHandle<FarEnd> {
    let session = Session::answering(Arc::new(config), LineTime::ZERO);
    begin(line, session.then_sending(Document { pages, first: 0 }))
}

/// Calls and sends pages, on a thread of its own.
pub fn caller(line: SimEnd, config: Config, pages: Vec<Arc<Page>>) -> JoinHandle<FarEnd> {
    begin(line, Session::calling(Arc::new(config), Document { pages, first: 0 }, LineTime::ZERO))
}

fn begin(mut line: SimEnd, session: Session) -> JoinHandle<FarEnd> {
    thread::spawn(move || {
        let mut tray = Tray::default();
        let report = run_call(&mut line, session, AudioConfig::default(), &mut tray, None);
        FarEnd { report, pages: tray.pages }
    })
}
