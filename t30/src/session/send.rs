//! Phases C and D at the sender without error correction: the page, what follows, the verdict.
//!
//! ```text
//! sender    page  75 ms  MPS | EOM | EOP                        ▶ next page | phase B | DCN
//! receiver                               MCF | RTP | RTN | PIP | PIN | FDM
//! ```
//!
//! FDM is for files, of which none is sent here: a page it is said of counts as not delivered, and is not sent again.

use std::sync::Arc;

use super::{
    Event,
    air::{Air, ImageFeed},
    burst::Heard,
    config::Refused,
    core::Core,
    ecm_send,
    goodbye::Goodbye,
    growing,
    negotiate::{self, Job, TRIES},
    operator,
    outcome::{Cause, Phase},
    poll,
    report::{PageReport, Verdict},
    setup::AwaitDis,
    state::{State, Step},
    timers::Timer,
};
use crate::{
    frame::{Fcf, bit},
    image::{Coding, Eols, Page, PageEncoder, RowEncoding},
    seam::Framing,
    time::LineTime,
};

/// A page is on the air.
pub(super) struct SendImage {
    job: Job,
}

/// The verdict on a page is awaited.
pub(super) struct AwaitVerdict {
    job: Job,
    /// Octets the page took.
    octets: u64,
    command: Fcf,
    tries: u32,
}

/// Begins a page on terms the other side confirmed.
pub(super) fn page(core: &mut Core, job: Job) -> State {
    core.timers.stop(Timer::T4);
    core.event(Event::PageBegun { number: core.page_number(job.page) });
    match job.terms.ecm {
        Some(size) => ecm_send::first_block(core, job, size),
        None => {
            let feed = ImageFeed::new(encoder(core, &job));
            core.transmit(job.terms.retrained_shortly(), Framing::Raw, Air::Image(Box::new(feed)), "page");
            SendImage { job }.into()
        }
    }
}

/// The page as its terms have it, from the coarsest rendering that has all the detail they take.
fn page_of(core: &Core, job: &Job) -> Arc<Page> {
    let resolution = job.terms.resolution;
    let renderings = core.renderings.get(&job.page).into_iter().flatten().chain([&core.document.pages[job.page]]);
    let fine_enough = renderings.filter(|page| page.resolution.reduces_to(resolution));
    let page = fine_enough.min_by_key(|page| page.bitmap.octets().len()).unwrap_or(&core.document.pages[job.page]);
    Arc::clone(page).at(resolution, job.terms.width.paper())
}

/// An encoder for the page: fill only without error correction.
pub(super) fn encoder(core: &Core, job: &Job) -> PageEncoder {
    let terms = &job.terms;
    if let (Coding::Jpeg, Some(picture)) = (terms.coding, core.pictures.get(&job.page)) {
        let paper = terms.width.paper();
        let octets = picture.jpeg(terms.resolution, paper, terms.colour);
        return PageEncoder::of_jpeg(octets, picture.rows(terms.resolution, paper));
    }
    if terms.coding == Coding::Jbig && terms.one_stripe {
        return PageEncoder::of_one_stripe(page_of(core, job));
    }
    let min_row_bits = match terms.ecm {
        None if matches!(terms.coding, Coding::Mh | Coding::Mr) => terms.carrier.bit_rate() * terms.min_scan_ms / 1000,
        _ => 0,
    };
    let encoding = RowEncoding {
        coding: terms.coding,
        k: if core.theirs().has(bit::LONG_K) { terms.resolution.long_k() } else { terms.resolution.k() },
        min_row_bits,
        eols: Eols::Plain,
        return_to_control: true,
    };
    match core.growing {
        Some(_) => PageEncoder::growing(terms.pels(), encoding),
        None => PageEncoder::new(page_of(core, job), encoding),
    }
}

/// What to say after the page: whether another follows, and on the same terms.
pub(super) fn post_page_command(core: &Core, job: &Job) -> Fcf {
    if let Some(growing) = &core.growing {
        return growing.command();
    }
    let Some(next) = negotiate::terms_of(core, job.page + 1) else {
        let polls = core.is_to_poll() && core.theirs().has(bit::POLLING);
        return if polls { Fcf::Eom } else { Fcf::Eop };
    };
    if core.breaks.contains(&(job.page + 1)) {
        return Fcf::Eom;
    }
    match next {
        Ok(terms) if terms.suit(&job.terms) => Fcf::Mps,
        _ => Fcf::Eom,
    }
}

/// The page is judged and what follows it is agreed.
pub(super) fn judged(core: &mut Core, job: Job, command: Fcf, verdict: Verdict, figures: Figures) -> State {
    core.timers.stop(Timer::T4);
    core.timers.stop(Timer::T5);
    operator::note_request(core, verdict);
    let number = core.page_number(job.page);
    let is_refused = matches!(verdict, Verdict::Rejected | Verdict::RejectedInterrupt);
    let verdict = match core.config.refused {
        Refused::TakeAsDelivered if is_refused => Verdict::RejectedYetTaken,
        _ => verdict,
    };
    core.page_done(PageReport {
        sent: true,
        number,
        rows: figures.rows,
        bad_rows: 0,
        octets: figures.octets,
        retransmitted_frames: figures.retransmitted_frames,
        verdict,
        direct: false,
        carrier: job.terms.carrier,
        coding: job.terms.coding,
        resolution: job.terms.resolution,
        width: job.terms.width,
    });
    core.event(Event::PageSent { number, verdict });
    if core.growing.is_some() {
        return growing::judged(core, job, command, verdict);
    }
    if verdict.is_good() { next(core, job, command, verdict) } else { refused(core, job, command, verdict) }
}

/// Numbers for the report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) rows: u32,
    pub(super) octets: u64,
    pub(super) retransmitted_frames: u32,
}

fn next(core: &mut Core, job: Job, command: Fcf, verdict: Verdict) -> State {
    let following = job.page + 1;
    match command {
        Fcf::Eop if core.is_to_poll() => poll::nothing_there(core),
        Fcf::Eop => Goodbye::completed(core),
        Fcf::Eom => AwaitDis::enter(core, following, 0),
        // RTP: the page was good enough, and not more than that.
        _ if verdict == Verdict::ConfirmedRetrain => negotiate::propose_slower(core, &job.terms, following, 0),
        _ if verdict != Verdict::Confirmed => negotiate::propose(core, following, 0),
        _ => page(core, Job { page: following, resends: 0, ..job }),
    }
}

fn refused(core: &mut Core, job: Job, command: Fcf, verdict: Verdict) -> State {
    // What is wrong with a file is wrong with it the next time too.
    let is_final = matches!(verdict, Verdict::Abandoned | Verdict::Diagnosed);
    if job.resends >= core.config.limits.page_resends || is_final {
        let detail = format!("page {}: {}{}", core.page_number(job.page), verdict.name(), diagnostics(core, verdict));
        return given_up(core, job.page + 1, command, detail);
    }
    match command {
        Fcf::Eom => AwaitDis::enter(core, job.page, job.resends + 1),
        _ => negotiate::propose_slower(core, &job.terms, job.page, job.resends + 1),
    }
}

/// The octets of FDM as text where they are text, and in hexadecimal.
fn diagnostics(core: &Core, verdict: Verdict) -> String {
    let octets = core.report.peer.file_diagnostics.as_deref().filter(|_| verdict == Verdict::Diagnosed);
    let Some(octets) = octets.filter(|octets| !octets.is_empty()) else { return String::new() };
    let hexadecimal: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    match std::str::from_utf8(octets).ok().filter(|text| text.chars().all(|letter| (' '..='~').contains(&letter))) {
        Some(text) => format!(" '{text}' ({hexadecimal})"),
        None => format!(" {hexadecimal}"),
    }
}

/// A page is not sent again. Another document behind EOM has its turn all the same, and the call has failed then.
fn given_up(core: &mut Core, following: usize, command: Fcf, detail: String) -> State {
    if command == Fcf::Eom && following < core.document.pages.len() {
        core.undelivered.get_or_insert(detail);
        return AwaitDis::enter(core, following, 0);
    }
    Goodbye::failed(core, Cause::PageRejected, None, Phase::D, detail)
}

/// DIS in place of a verdict: the receiver lost the page, gave up waiting and is back in phase B. The page goes again.
pub(super) fn forgotten(core: &mut Core, job: Job, dis: &Heard) -> State {
    [Timer::T4, Timer::T5].into_iter().for_each(|timer| core.timers.stop(timer));
    if job.resends >= core.config.limits.page_resends {
        let detail = "DIS in place of a verdict".to_owned();
        return Goodbye::failed(core, Cause::PageRejected, None, Phase::D, detail);
    }
    poll::note_capabilities(core, dis);
    if core.growing.is_some() {
        let detail = "DIS in place of a verdict, and the page is not kept".to_owned();
        return Goodbye::failed(core, Cause::PageRejected, None, Phase::D, detail);
    }
    negotiate::propose(core, job.page, job.resends + 1)
}

impl Step for SendImage {
    fn phase(&self) -> Phase {
        Phase::C
    }

    fn sent(self, core: &mut Core) -> State {
        let command = post_page_command(core, &self.job);
        let octets = match &core.air {
            Air::Image(feed) => feed.octets(),
            _ => 0,
        };
        core.say(&[(command, &[])]);
        AwaitVerdict { job: self.job, octets, command, tries: 1 }.into()
    }
}

impl AwaitVerdict {
    fn again(self, core: &mut Core, timer: Option<Timer>) -> State {
        if self.tries >= TRIES {
            let detail = format!("no answer to {}", self.command.name());
            return self.fail(core, Cause::PeerSilent, timer, detail);
        }
        core.say(&[(self.command, &[])]);
        Self { tries: self.tries + 1, ..self }.into()
    }
}

/// What a response says of the page.
pub(super) fn verdict_of(response: Fcf) -> Option<Verdict> {
    match response {
        Fcf::Mcf => Some(Verdict::Confirmed),
        Fcf::Rtp => Some(Verdict::ConfirmedRetrain),
        Fcf::Pip => Some(Verdict::ConfirmedInterrupt),
        Fcf::Rtn => Some(Verdict::Rejected),
        Fcf::Pin => Some(Verdict::RejectedInterrupt),
        Fcf::Fdm => Some(Verdict::Diagnosed),
        _ => None,
    }
}

impl Step for AwaitVerdict {
    fn phase(&self) -> Phase {
        Phase::D
    }

    fn percent(&self) -> Option<u8> {
        Some(100)
    }

    fn sent(self, core: &mut Core) -> State {
        core.await_response();
        self.into()
    }

    fn may_ask_again(&self) -> bool {
        true
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        if let Some(verdict) = verdict_of(heard.fcf) {
            let rows = core.rows_given;
            let figures = Figures { rows, octets: self.octets, retransmitted_frames: 0 };
            return judged(core, self.job, self.command, verdict, figures);
        }
        match heard.fcf {
            Fcf::Crp => self.again(core, None),
            Fcf::Dis | Fcf::Dtc => forgotten(core, self.job, &heard),
            _ => self.unexpected(core, &heard),
        }
    }

    fn unknown_heard(self, core: &mut Core) -> State {
        let detail = format!("its answer to {} is of no known kind", self.command.name());
        self.fail(core, Cause::UnknownResponse, None, detail)
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        self.again(core, Some(timer))
    }
}
