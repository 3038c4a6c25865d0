//! A document that is given while the call goes on, page by page and row by row.
//!
//! ```text
//! host    begin_page          rows ... end_page(MPS)          begin_page  rows ... end_page(EOP)
//! line    DIS         DCS TCF CFR  page ............ MPS MCF              page .............. EOP MCF DCN
//! ```
//!
//! Without error correction a row that is late is covered by fill; with it, blocks wait for theirs, and a block goes out
//! short before the other side loses patience.

use std::collections::VecDeque;

use super::{
    air::Air,
    burst::Heard,
    core::Core,
    ecm_send::Consignment,
    goodbye::Goodbye,
    negotiate::{self, Job},
    outcome::{Cause, Phase},
    poll,
    report::Verdict,
    send,
    setup::AwaitDis,
    state::{State, Step},
    timers::Timer,
};
use crate::{
    frame::Fcf,
    image::PageEncoder,
    time::{LineSpan, LineTime},
};

/// Rows that wait at most: with error correction those that come while a block is on the air.
const MOST_ROWS: usize = 2048;

/// The wait for a page; then the other side has long given up.
const PAGE_PATIENCE: LineSpan = LineSpan::ms(60_000);

/// The wait for a whole block; the other side waits 6 s.
const BLOCK_PATIENCE: LineSpan = LineSpan::ms(3000);

/// What follows a page of a growing document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// A page on the same terms: MPS.
    Page,
    /// Another document: EOM.
    Document,
    /// Nothing: EOP.
    Nothing,
}

/// What came of the page in hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Growing {
    rows: VecDeque<Vec<u8>>,
    /// How the page ends; none while rows may follow.
    ended: Option<Follows>,
}

impl Growing {
    pub(super) fn waiting(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn push(&mut self, row: &[u8]) {
        if self.ended.is_none() && self.rows.len() < MOST_ROWS {
            self.rows.push_back(row.to_vec());
        }
    }

    pub(super) fn end(&mut self, follows: Follows) {
        self.ended.get_or_insert(follows);
    }

    /// Moves rows to the encoder of the page. Whether so many octets are there, or the page's last ones.
    pub(super) fn feed(&mut self, encoder: &mut PageEncoder, octets: usize) -> bool {
        while encoder.ready() < octets {
            match self.rows.pop_front() {
                Some(row) => encoder.push_row(&row),
                None if self.ended.is_some() => {
                    encoder.finish();
                    return true;
                }
                None => return false,
            }
        }
        true
    }

    /// What is said after the page.
    pub(super) fn command(&self) -> Fcf {
        match self.ended {
            Some(Follows::Page) => Fcf::Mps,
            Some(Follows::Document) => Fcf::Eom,
            Some(Follows::Nothing) | None => Fcf::Eop,
        }
    }
}

/// Gives the page on the air its next rows, and fill where they are late.
pub(super) fn feed_air(core: &mut Core, octets: usize) {
    let (Some(growing), Air::Image(feed)) = (&mut core.growing, &mut core.air) else { return };
    let encoder = feed.encoder();
    if !growing.feed(encoder, octets) {
        let missing = octets - encoder.ready();
        encoder.pad(missing);
    }
}

/// What a page is awaited after.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    /// DIS, or a page that was not taken: DCS follows.
    Identification,
    /// MCF after MPS: the page itself follows.
    Confirmation(Job),
}

/// The next page of the document is not there yet.
pub(super) struct AwaitPage {
    page: usize,
    after: After,
}

/// A page was judged.
pub(super) fn judged(core: &mut Core, job: Job, command: Fcf, verdict: Verdict) -> State {
    core.growing = Some(Growing::default());
    let following = job.page + 1;
    if verdict != Verdict::Confirmed
        && let Some(slower) = job.terms.step_down(&core.config, &core.theirs())
    {
        core.ceiling = Some(slower);
    }
    match command {
        Fcf::Eop if verdict.is_good() => Goodbye::completed(core),
        Fcf::Eom => AwaitDis::enter(core, following, 0),
        _ if verdict == Verdict::Confirmed => {
            let job = Job { page: following, resends: 0, ..job };
            AwaitPage::enter(core, following, After::Confirmation(job))
        }
        _ => AwaitPage::enter(core, following, After::Identification),
    }
}

impl AwaitPage {
    pub(super) fn enter(core: &mut Core, page: usize, after: After) -> State {
        core.listen_to_frames();
        core.start(Timer::T1, PAGE_PATIENCE);
        Self { page, after }.go_on(core)
    }

    /// Goes on where the page is there and the other side does not speak.
    fn go_on(self, core: &mut Core) -> State {
        if self.page >= core.document.pages.len() || core.line_is_busy() {
            return self.into();
        }
        core.timers.stop(Timer::T1);
        match self.after {
            After::Identification => negotiate::propose(core, self.page, 0),
            After::Confirmation(job) => send::page(core, job),
        }
    }
}

impl Step for AwaitPage {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dis | Fcf::Dtc => {
                poll::note_capabilities(core, &heard);
                Self { after: After::Identification, ..self }.go_on(core)
            }
            _ => self.unexpected(core, &heard),
        }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        self.go_on(core)
    }

    fn grown(self, core: &mut Core) -> State {
        self.go_on(core)
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        self.fail(core, Cause::NothingToSend, Some(timer), "the page was not given")
    }
}

/// The rows of a block are not there yet.
pub(super) struct AwaitRows {
    consignment: Box<Consignment>,
}

impl AwaitRows {
    pub(super) fn enter(core: &mut Core, consignment: Box<Consignment>) -> State {
        core.start(Timer::T4, BLOCK_PATIENCE);
        Self { consignment }.into()
    }
}

impl Step for AwaitRows {
    fn phase(&self) -> Phase {
        Phase::C
    }

    fn grown(self, core: &mut Core) -> State {
        match self.consignment.grown(core) {
            Ok(state) => {
                core.timers.stop(Timer::T4);
                state
            }
            Err(consignment) => Self { consignment }.into(),
        }
    }

    /// What is there goes out as a short block.
    fn expired(mut self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::T4 if self.consignment.ready() > 0 => self.consignment.send_what_is_there(core),
            Timer::T4 => Self::enter(core, self.consignment),
            _ => self.fail(core, Cause::NothingToSend, Some(timer), "the rows of the page were not given"),
        }
    }
}
