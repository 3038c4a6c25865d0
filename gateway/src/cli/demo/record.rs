//! What the demo leaves behind, and its judgement.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use answertone_t30::image::{
    Coding, Page,
    tiff::{self, FilePage, Profile, TiffDocument, WriteOptions},
};
use serde_json::json;

use super::name_of;
use crate::{
    cli::{error::CliError, files::write_whole},
    plot,
    service::{Ended, Way},
};

/// Files, calls and pages of one demo.
pub(super) struct Record {
    folder: PathBuf,
    files: Vec<PathBuf>,
    began: Instant,
    sent: Vec<Arc<Page>>,
    received: Vec<Page>,
    recording: Option<PathBuf>,
    caller: Option<Ended>,
    cpu: Duration,
}

impl Record {
    pub(super) fn begin(folder: &Path) -> Result<Self, CliError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| CliError::usage(format!("--out {}: {error}", folder.display())))?;
        Ok(Self {
            folder: folder.into(),
            files: vec![],
            began: Instant::now(),
            sent: vec![],
            received: vec![],
            recording: None,
            caller: None,
            cpu: Duration::ZERO,
        })
    }

    pub(super) fn file(&mut self, name: &str, octets: &[u8]) -> Result<(), CliError> {
        let path = self.folder.join(name);
        write_whole(&path, octets).map_err(|error| CliError::failed(format!("{}: {error}", path.display())))?;
        self.files.push(path);
        Ok(())
    }

    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<(), CliError> {
        self.file(name, text.as_bytes())
    }

    /// The pages that are about to be sent.
    pub(super) fn sent(&mut self, pages: &[Arc<Page>], recording: Option<PathBuf>) -> Result<(), CliError> {
        self.sent = pages.to_vec();
        self.recording = recording;
        let file_pages: Vec<_> = pages.iter().map(|page| file_page(page)).collect();
        let tiff = tiff::write(&file_pages, &WriteOptions::plain(Profile::F(Coding::Mmr))).map_err(CliError::failed)?;
        self.file("sent.tif", &tiff)?;
        self.pictures("sent", &pages.iter().map(|page| (**page).clone()).collect::<Vec<_>>())
    }

    /// The TIFF that arrived.
    pub(super) fn received(&mut self, tiff: &[u8]) -> Result<(), CliError> {
        let pages = TiffDocument::open(tiff).and_then(|document| document.fax_pages());
        self.received =
            pages.map_err(|error| CliError::failed(format!("the TIFF that arrived cannot be read: {error}")))?;
        let pages = self.received.clone();
        self.pictures("received", &pages)
    }

    fn pictures(&mut self, name: &str, pages: &[Page]) -> Result<(), CliError> {
        for (index, page) in pages.iter().enumerate() {
            let png = plot::page_png(page).map_err(CliError::failed)?;
            self.file(&format!("page-{}-{name}.png", index + 1), &png)?;
        }
        Ok(())
    }

    /// A call's end.
    pub(super) fn call(&mut self, way: Way, ended: Ended) -> Result<(), CliError> {
        let mut transcript = String::new();
        for line in &ended.transcript {
            let _ = writeln!(transcript, "{line}");
        }
        self.text(&format!("transcript-{}.txt", name_of(way)), &transcript)?;
        let report = serde_json::to_string_pretty(&ended.report).map_err(CliError::failed)?;
        self.text(&format!("call-{}.json", name_of(way)), &report)?;
        self.cpu += ended.cpu.unwrap_or_default();
        if way == Way::Out {
            self.caller = Some(ended);
        }
        Ok(())
    }

    /// The recording and its picture.
    pub(super) fn conclude(&mut self) -> Result<(), CliError> {
        let (Some(recording), Some(caller)) = (self.recording.take(), &self.caller) else { return Ok(()) };
        let wav =
            std::fs::read(&recording).map_err(|error| CliError::failed(format!("{}: {error}", recording.display())))?;
        let plot = plot::call_png(&wav, &caller.transcript, &title(caller)).map_err(CliError::failed)?;
        self.file("call.wav", &wav)?;
        self.file("call.png", &plot)
    }

    /// Whether every page arrived as it was sent.
    pub(super) fn is_equal(&self) -> bool {
        !self.sent.is_empty()
            && self.sent.len() == self.received.len()
            && self.sent.iter().zip(&self.received).all(|(sent, received)| **sent == *received)
    }

    fn seconds(&self) -> f64 {
        self.caller.as_ref().map_or(0.0, |caller| caller.report.seconds)
    }

    pub(super) fn json(&self) -> serde_json::Value {
        json!({
            "ok": self.is_equal(),
            "equal": self.is_equal(),
            "pages_sent": self.sent.len(),
            "pages_received": self.received.len(),
            "call": self.caller.as_ref().map(|caller| &caller.report),
            "call_seconds": self.seconds(),
            "cpu_seconds": self.cpu.as_secs_f64(),
            "wall_seconds": self.began.elapsed().as_secs_f64(),
            "files": self.files,
        })
    }

    pub(super) fn for_people(&self) -> String {
        let mut text = String::from("\nFiles:\n");
        for file in &self.files {
            let _ = writeln!(text, "  {}", file.display());
        }
        let cpu = self.cpu.as_secs_f64();
        let _ = writeln!(
            text,
            "\nCall: {:.1} s on the line; both modems, both fax machines and the line took {cpu:.2} s of CPU, {:.0} times faster.",
            self.seconds(),
            self.seconds() / cpu.max(1e-3),
        );
        let _ = writeln!(text, "Whole demo: {:.1} s.", self.began.elapsed().as_secs_f64());
        for (index, (sent, received)) in self.sent.iter().zip(&self.received).enumerate() {
            let (width, rows) = (sent.bitmap.width(), sent.bitmap.height());
            let verdict = if **sent == *received { "equal pel for pel" } else { "NOT equal" };
            let _ = writeln!(text, "Page {}: {width} x {rows} sent, {verdict} to what arrived.", index + 1);
        }
        if self.sent.len() != self.received.len() {
            let _ = writeln!(text, "{} pages were sent, {} arrived.", self.sent.len(), self.received.len());
        }
        text
    }
}

fn file_page(page: &Page) -> FilePage<'_> {
    FilePage::from(page)
}

fn title(caller: &Ended) -> String {
    let report = &caller.report;
    let modem =
        report.modem.unwrap_or("no modem").replace("v27ter", "V.27ter").replace("v29", "V.29").replace("v17", "V.17");
    let rate = report.bit_rate.map_or_else(String::new, |rate| format!(" at {rate} bit/s"));
    let ecm = if report.ecm { ", error correction" } else { "" };
    format!("{} pages by {modem}{rate}{ecm}, {:.0} s", report.pages, report.seconds)
}
