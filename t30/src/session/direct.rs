//! A document that goes another way than the telephone line while the call is up: where it may be brought is said in NSF,
//! who brings it in NSS. The way itself is the service's; the call waits, and when the way fails the call goes on with what
//! was not kept yet.
//!
//! ```text
//! caller                      NSS                     DCN            CRP                DCS ... pages that are left
//! answerer  NSF DIS                 (pages another way)      or failed:   NSF kept, DIS
//! ```
//!
//! No page is lost and none comes twice: the caller counts a page as delivered when the other way, or NSF, says that it
//! is kept; and before it goes on by the telephone line it has heard NSF say how many are.

use std::sync::Arc;

use super::{
    Event,
    burst::Heard,
    config::{Keeping, NotKept},
    core::Core,
    goodbye::Goodbye,
    identify::Identify,
    negotiate::{self, TRIES, identities},
    outcome::{Cause, Outcome, Phase},
    report::{PageReport, ReceivedPage, Verdict},
    state::{State, Step},
    timers::Timer,
    training::CheckTraining,
};
use crate::{
    frame::{DirectBringer, DirectOffer, DirectPlace, Fcf, HalfPrint, Width},
    image::{Coding, Page},
    seam::Carrier,
    time::{LineSpan, LineTime},
};

/// How long the service may take to say whether a document is to go directly.
const DECISION: LineSpan = LineSpan::ms(1000);

/// The caller's patience with a page on the other way.
const BRINGING: LineSpan = LineSpan::ms(25_000);

/// The answerer's: longer, since the caller asks for the call to go on.
const AWAITING: LineSpan = LineSpan::ms(30_000);

/// Whether documents go directly between machines of ours, ITU-T T.30 5.3.6.1.3: by non-standard facilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direct {
    /// No: nothing is said of it, and nothing is heard.
    #[default]
    Never,
    /// Answering: they may be brought there.
    Offered(DirectPlace),
    /// Calling: where it is offered the service is asked, [`DirectStep::Offered`].
    Wanted,
}

/// What the service is to do for a document that goes directly.
#[derive(Clone, Debug, PartialEq)]
pub enum DirectStep {
    /// Calling: documents may be brought there. [`DirectNews::Go`] or [`DirectNews::Stay`] is awaited.
    Offered(DirectPlace),
    /// Calling: the pages are to be brought there now.
    Bring(DirectPlace, Vec<Arc<Page>>),
    /// Answering: who has this certificate will bring pages.
    Await(HalfPrint),
    /// Answering: so many pages are kept.
    Kept(usize),
    /// The other way is over, whatever it is at.
    Stop,
}

/// What comes of the other way.
#[derive(Clone, Debug, PartialEq)]
pub enum DirectNews {
    /// Calling: the document goes there, under this certificate.
    Go(HalfPrint),
    /// Calling: it goes by the line.
    Stay,
    /// Calling: so many pages are kept there.
    Kept(usize),
    /// Calling: nothing more will come of it.
    Over,
    /// Answering: a page came.
    Page {
        /// The page.
        page: Page,
        /// Whether it is the last one.
        last: bool,
    },
}

/// Caller: what the document is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// The service decides.
    Deciding,
    /// NSS is on the air.
    Saying,
    /// Pages go.
    Going,
    /// It failed, and the call is to go on: CRP was said so often.
    Asking(u32),
}

/// Caller: the document goes directly.
pub(super) struct Bring {
    place: DirectPlace,
    course: Course,
    kept: usize,
}

/// Answerer: pages come directly.
pub(super) struct Fetch {
    /// A page waits for its storage; whether it is the last.
    in_hand: Option<bool>,
    /// The caller asked for the call to go on.
    asked: bool,
}

/// The paper that a page is as wide as.
fn width_of(page: &Page) -> Option<Width> {
    let widths = [Width::A4, Width::B4, Width::A3];
    widths.into_iter().find(|width| page.resolution.pels(width.paper()) == page.bitmap.width())
}

fn report_of(page: &Page, width: Width, number: usize, sent: bool) -> PageReport {
    PageReport {
        sent,
        number,
        rows: page.bitmap.height(),
        bad_rows: 0,
        octets: 0,
        retransmitted_frames: 0,
        verdict: Verdict::Confirmed,
        direct: true,
        carrier: Carrier::V21,
        coding: Coding::Mmr,
        resolution: page.resolution,
        width,
    }
}

/// What is said in NSF, if documents may be brought to us.
pub(super) fn offer(core: &Core) -> Option<Vec<u8>> {
    match core.config.direct {
        Direct::Offered(place) if core.config.receives && core.config.expect_pwd.is_none() => {
            Some(DirectOffer { kept: core.pages_received.try_into().ok()?, place }.field())
        }
        _ => None,
    }
}

/// The caller knows the other machine: the document may go directly, if it is one that loses nothing by that.
pub(super) fn begin(core: &mut Core, page: usize) -> Option<State> {
    let place = core.offer.take().filter(|_| core.config.direct == Direct::Wanted)?.place;
    let whole = page == 0 && !core.document.pages.is_empty() && core.pictures.is_empty() && !core.is_to_poll();
    if !whole || core.went_directly || !core.document.pages.iter().all(|page| width_of(page).is_some()) {
        return None;
    }
    core.went_directly = true;
    core.event(Event::Direct(DirectStep::Offered(place)));
    core.start(Timer::Direct, DECISION);
    Some(Bring { place, course: Course::Deciding, kept: 0 }.into())
}

impl Bring {
    fn go(self, core: &mut Core, fingerprint: HalfPrint) -> State {
        core.timers.stop(Timer::Direct);
        core.sending = true;
        let (said, field) = (identities(core), DirectBringer(fingerprint).field());
        let mut frames: Vec<(Fcf, &[u8])> = said.iter().map(|(fcf, field)| (*fcf, &field[..])).collect();
        frames.push((Fcf::Nss, &field));
        core.say(&frames);
        Self { course: Course::Saying, ..self }.into()
    }

    /// So many pages are kept at the other side.
    fn keep(&mut self, core: &mut Core, kept: usize) {
        for page in self.kept..kept.min(core.document.pages.len()) {
            let (number, sent) = (core.page_number(page), core.document.pages[page].clone());
            let width = width_of(&sent).unwrap_or(core.config.width);
            core.page_done(report_of(&sent, width, number, true));
            core.event(Event::PageSent { number, verdict: Verdict::Confirmed });
        }
        self.kept = self.kept.max(kept);
    }

    fn is_done(&self, core: &Core) -> bool {
        self.kept >= core.document.pages.len()
    }

    /// The other way failed: the other side is to say how many pages it has, so that the call can go on.
    fn ask(self, core: &mut Core, timer: Option<Timer>) -> State {
        let tries = if let Course::Asking(tries) = self.course { tries } else { 0 };
        if tries == 0 {
            core.note("the document does not go directly; the call goes on");
            core.event(Event::Direct(DirectStep::Stop));
        }
        if tries >= TRIES {
            let detail = "it does not say how many pages it has";
            return self.fail(core, Cause::PeerSilent, timer, detail);
        }
        core.timers.stop(Timer::Direct);
        core.offer = None;
        core.say(&[(Fcf::Crp, &[])]);
        Self { course: Course::Asking(tries + 1), ..self }.into()
    }

    /// The other side says again who it is, and how many pages it has: the call goes on from there.
    fn go_on(mut self, core: &mut Core, dis: &Heard) -> State {
        let Some(offer) = core.offer else { return self.ask(core, None) };
        if self.course == Course::Going {
            core.event(Event::Direct(DirectStep::Stop));
        }
        let kept = usize::from(offer.kept);
        // One page at a time is on the way.
        if kept < self.kept || kept > self.kept + 1 {
            let detail = format!("it says that it has {kept} pages, and {} were kept", self.kept);
            return self.fail(core, Cause::PageRejected, None, detail);
        }
        self.keep(core, kept);
        core.timers.stop(Timer::Direct);
        super::poll::note_capabilities(core, dis);
        if self.is_done(core) { Goodbye::completed(core) } else { negotiate::propose(core, self.kept, 0) }
    }
}

impl Step for Bring {
    fn phase(&self) -> Phase {
        if self.course == Course::Going { Phase::C } else { Phase::B }
    }

    fn sent(mut self, core: &mut Core) -> State {
        if self.course == Course::Saying {
            self.course = Course::Going;
            core.listen_to_frames();
            let pages = core.document.pages.clone();
            core.event(Event::Direct(DirectStep::Bring(self.place, pages)));
            core.start(Timer::Direct, BRINGING);
        } else {
            core.await_response();
        }
        self.into()
    }

    fn direct(mut self, core: &mut Core, news: DirectNews) -> State {
        match (news, self.course) {
            (DirectNews::Go(fingerprint), Course::Deciding) => return self.go(core, fingerprint),
            (DirectNews::Stay, Course::Deciding) => {
                core.timers.stop(Timer::Direct);
                return negotiate::propose(core, 0, 0);
            }
            (DirectNews::Kept(kept), Course::Going) => {
                self.keep(core, kept);
                core.start(Timer::Direct, BRINGING);
                if self.is_done(core) {
                    core.event(Event::Direct(DirectStep::Stop));
                    return Goodbye::completed(core);
                }
            }
            (DirectNews::Over, Course::Going) => return self.ask(core, None),
            _ => {}
        }
        self.into()
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dis => self.go_on(core, &heard),
            _ => self.unexpected(core, &heard),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match self.course {
            Course::Deciding => {
                core.event(Event::Direct(DirectStep::Stop));
                negotiate::propose(core, 0, 0)
            }
            _ => self.ask(core, Some(timer)),
        }
    }
}

/// The answerer heard NSS in answer to its offer; none when it is not ours, or when nothing was offered.
pub(super) fn accepted(core: &mut Core, nss: &Heard) -> Option<State> {
    let DirectBringer(fingerprint) = DirectBringer::read(&nss.field)?;
    offer(core)?;
    [Timer::T1, Timer::T2, Timer::T4].into_iter().for_each(|timer| core.timers.stop(timer));
    core.event(Event::PeerKnown(Box::new(core.report.peer.clone())));
    core.event(Event::Direct(DirectStep::Await(fingerprint)));
    core.start(Timer::Direct, AWAITING);
    Some(Fetch { in_hand: None, asked: false }.into())
}

/// The sender parts, or is gone, and all its pages came directly: then nothing is lost.
pub(super) fn parted(core: &mut Core) -> Option<State> {
    core.fetched.then(|| Goodbye::parted(core, Outcome::Completed))
}

impl Fetch {
    fn take(mut self, core: &mut Core, page: Page, last: bool) -> State {
        let Some(width) = width_of(&page).filter(|_| self.in_hand.is_none() && !core.fetched) else {
            return self.into();
        };
        core.pages_received += 1;
        let number = core.pages_received;
        core.page_done(report_of(&page, width, number, false));
        let received =
            ReceivedPage { number, page, picture: None, bad_rows: 0, ended: true, verdict: Verdict::Confirmed };
        core.event(Event::Page(Box::new(received)));
        self.in_hand = Some(last);
        match core.config.keeping {
            Keeping::Assumed => self.kept(core, Ok(())),
            Keeping::Awaited => {
                core.timers.stop(Timer::Direct);
                core.start(Timer::Keeping, core.config.limits.keeping);
                self.into()
            }
        }
    }

    /// Says again who we are and how many pages there are.
    fn go_on(core: &mut Core) -> State {
        core.event(Event::Direct(DirectStep::Stop));
        core.timers.stop(Timer::Direct);
        Identify::enter(core)
    }

    fn lost(self, core: &mut Core, timer: Option<Timer>, why: String) -> State {
        core.take_back_page();
        self.fail(core, Cause::PageNotKept, timer, why)
    }
}

impl Step for Fetch {
    fn phase(&self) -> Phase {
        Phase::C
    }

    fn direct(self, core: &mut Core, news: DirectNews) -> State {
        match news {
            DirectNews::Page { page, last } => self.take(core, page, last),
            _ => self.into(),
        }
    }

    fn kept(mut self, core: &mut Core, kept: Result<(), NotKept>) -> State {
        let Some(last) = self.in_hand.take() else { return self.into() };
        core.timers.stop(Timer::Keeping);
        if let Err(NotKept(why)) = kept {
            return self.lost(core, None, why);
        }
        core.fetched = last;
        core.event(Event::Direct(DirectStep::Kept(core.pages_received)));
        core.start(Timer::Direct, AWAITING);
        if self.asked { Self::go_on(core) } else { self.into() }
    }

    fn heard(mut self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Crp if self.in_hand.is_some() => {
                self.asked = true;
                self.into()
            }
            Fcf::Crp => Self::go_on(core),
            Fcf::Dcs => {
                core.event(Event::Direct(DirectStep::Stop));
                [Timer::Direct, Timer::Keeping].into_iter().for_each(|timer| core.timers.stop(timer));
                CheckTraining::enter(core, heard)
            }
            _ => self.unexpected(core, &heard),
        }
    }

    fn disconnected(self, core: &mut Core) -> State {
        parted(core).unwrap_or_else(|| Goodbye::left(core, Phase::C))
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::Keeping => self.lost(core, Some(timer), "storing it took too long".into()),
            _ => parted(core).unwrap_or_else(|| Self::go_on(core)),
        }
    }

    fn fail(self, core: &mut Core, cause: Cause, timer: Option<Timer>, detail: impl Into<String>) -> State {
        let lost = cause == Cause::LineLost;
        let over = if lost { parted(core) } else { None };
        over.unwrap_or_else(|| Goodbye::failed(core, cause, timer, Phase::C, detail.into()))
    }
}
