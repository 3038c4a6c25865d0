//! Phases C and D at the receiver: the page without error correction, and what every page goes through at its end.
//!
//! ```text
//! sender    page  75 ms  MPS | EOM | EOP                    ▶ page | phase B | DCN
//! receiver                               MCF | RTP | RTN
//! ```

use std::ops::RangeInclusive;

use super::{
    Event,
    burst::Heard,
    config::{Keeping, QualityLimits},
    core::Core,
    ecm_receive::ReceiveBlocks,
    goodbye::Goodbye,
    identify::{AwaitCommand, Silence},
    keep::Keep,
    operator::{self, AwaitOperator},
    outcome::{Cause, Outcome, Phase},
    report::{PageReport, ReceivedPage, Verdict},
    state::{Sign, State, Step},
    terms::Terms,
    timers::Timer,
    training::CheckTraining,
};
use crate::{
    frame::{Fcf, PartialPage, PostMessage},
    image::{Bitmap, DecodeLimits, DecodedPage, Page, PageDecoder},
    seam::{Carrier, Framing, Listen},
    time::{LineSpan, LineTime},
};

/// A command that begins so soon after our answer leaves no room for a page between: it is said again.
const NO_PAGE_BETWEEN: LineSpan = LineSpan::ms(250);

/// A command said again because our answer was not heard begins so long after the answer: T4, of automatic to manual
/// sets, less the length of the answer.
const REPEATED_AFTER: RangeInclusive<LineSpan> = LineSpan::ms(1000)..=LineSpan::ms(4200);

/// The command after a page begins no later than this after the page's carrier went, 75 ms with room for slow senders.
/// When it comes later and the page's end was not received, the carrier broke off for us only.
const COMMAND_FOLLOWS: LineSpan = LineSpan::ms(1000);

/// The wait for a sign of the sender when the signal of a page broke off: about what a page takes.
const BROKEN_OFF: LineSpan = LineSpan::ms(60_000);

/// The longest a coded row may be on the line, ITU-T T.4: 5 s.
const LONGEST_ROW: LineSpan = LineSpan::ms(5_000);

/// A page without error correction is awaited or coming in.
pub(super) struct ReceivePage {
    terms: Terms,
    decoder: Option<Box<PageDecoder>>,
    octets: u64,
    /// Rows so far, and octets before the last of them ended.
    rows: (u32, u64),
    /// A row was longer on the line than any may be.
    endless_row: bool,
    /// Something of a fast signal was noticed.
    noticed: bool,
    /// When the page's carrier went away first.
    down: Option<LineTime>,
    /// A fast signal was there after that: the page went on without us.
    went_on: bool,
}

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Following {
    /// A page on these terms.
    Page(Terms),
    /// Phase B.
    Identification,
    /// Nothing.
    Nothing,
}

/// The state that receives the next page while our answer is on the air.
pub(super) fn page(core: &mut Core, terms: Terms) -> State {
    match terms.ecm {
        Some(size) => ReceiveBlocks::enter(core, terms, size),
        None => ReceivePage::awaited(terms).into(),
    }
}

/// A decoder of a page on these terms.
pub(super) fn decoder(core: &Core, terms: &Terms) -> PageDecoder {
    let limits = DecodeLimits { max_rows: core.config.limits.page_rows };
    PageDecoder::new(terms.pels(), terms.coding, limits)
}

/// What a command says of the time after the page.
pub(super) fn following(command: &Heard, terms: Terms) -> Option<Following> {
    let then = match command.fcf {
        Fcf::Mps | Fcf::PriMps => PostMessage::Mps,
        Fcf::Eom | Fcf::PriEom | Fcf::Eos => PostMessage::Eom,
        Fcf::Eop | Fcf::PriEop => PostMessage::Eop,
        Fcf::Pps => PartialPage::read(&command.field)?.then,
        Fcf::Eor => PostMessage::from_code(*command.field.first()?)?,
        _ => return None,
    };
    Some(match then {
        PostMessage::Null | PostMessage::Mps | PostMessage::PriMps => Following::Page(terms),
        PostMessage::Eom | PostMessage::PriEom | PostMessage::Eos => Following::Identification,
        PostMessage::Eop | PostMessage::PriEop => Following::Nothing,
    })
}

/// A page that has come to its end.
pub(super) struct Arrived {
    pub(super) decoded: DecodedPage,
    pub(super) verdict: Verdict,
    pub(super) octets: u64,
    pub(super) retransmitted_frames: u32,
}

/// Gives a page out, unless it is refused, and answers its command, at once or when the page is kept.
pub(super) fn conclude(core: &mut Core, terms: Terms, arrived: Arrived, command: Heard, following: Following) -> State {
    let Arrived { decoded, verdict, octets, retransmitted_frames } = arrived;
    let number = core.pages_received + 1;
    core.page_done(PageReport {
        sent: false,
        number,
        rows: decoded.bitmap.height(),
        bad_rows: decoded.bad_rows,
        octets,
        retransmitted_frames,
        verdict,
        direct: false,
        carrier: terms.carrier,
        coding: terms.coding,
        resolution: terms.resolution,
        width: terms.width,
    });
    let given_out = verdict != Verdict::Rejected && decoded.bitmap.height() > 0;
    if given_out {
        core.pages_received += 1;
        let page = Page { bitmap: decoded.bitmap, resolution: terms.resolution };
        let (bad_rows, ended, picture) = (decoded.bad_rows, decoded.ended, decoded.picture);
        core.event(Event::Page(Box::new(ReceivedPage { number, page, picture, bad_rows, ended, verdict })));
    }
    match core.config.keeping {
        Keeping::Awaited if given_out => Keep::enter(core, terms, command, verdict, following),
        _ => answer(core, command, verdict, following),
    }
}

/// Answers a page's command, when it asks for a person after one was called.
pub(super) fn answer(core: &mut Core, command: Heard, verdict: Verdict, following: Following) -> State {
    if operator::is_wanted(core, &command) {
        return AwaitOperator::enter(core, command, verdict, following);
    }
    say_verdict(core, command, verdict, following)
}

/// Says the verdict and goes on to what follows.
pub(super) fn say_verdict(core: &mut Core, command: Heard, verdict: Verdict, following: Following) -> State {
    let reply = match verdict {
        Verdict::Confirmed | Verdict::ConfirmedInterrupt => Fcf::Mcf,
        Verdict::ConfirmedRetrain => Fcf::Rtp,
        Verdict::Rejected | Verdict::RejectedInterrupt | Verdict::RejectedYetTaken => Fcf::Rtn,
        // A part is missing, and the sender knows.
        Verdict::Abandoned if command.fcf == Fcf::Eor => Fcf::Err,
        Verdict::Abandoned => Fcf::Mcf,
        Verdict::Diagnosed => Fcf::Fdm,
    };
    core.answer(command, reply, &[]);
    if verdict.is_good() && following != Following::Nothing && core.has_enough_pages() {
        core.note("the pages wanted are here");
        return Goodbye::after_answer(Outcome::Completed);
    }
    match following {
        Following::Page(terms) if matches!(reply, Fcf::Mcf | Fcf::Err) => page(core, terms),
        Following::Page(_) => AwaitCommand::enter(Silence::Lost),
        Following::Identification => AwaitCommand::enter(Silence::Identify),
        Following::Nothing => AwaitCommand::enter(Silence::Done),
    }
}

/// The verdict on a page that may have bad rows.
fn quality(limits: &QualityLimits, page: &DecodedPage) -> Verdict {
    match () {
        () if limits.refuse(page) => Verdict::Rejected,
        () if page.bad_share() > limits.retrain_bad_rows => Verdict::ConfirmedRetrain,
        () => Verdict::Confirmed,
    }
}

/// The beginning and the end of a fast signal, for timers and listening, whatever rides on it. `rest`: none when the end
/// of the page or block was received. Else the signal broke off for us, but the sender may go on for so long: it is
/// listened for on, so that it shows while it lasts, and a command is awaited longer.
pub(super) fn follow_carrier(core: &mut Core, sign: Sign, rest: Option<LineSpan>) {
    match sign {
        Sign::CarrierUp(Carrier::V21) => {}
        Sign::CarrierUp(_) | Sign::Trained(_) | Sign::TrainingFailed => {
            core.await_command();
            if !core.timers.runs(Timer::Page) {
                core.start(Timer::Page, core.config.limits.page);
            }
        }
        Sign::FastDown => match rest {
            None => {
                core.listen_to_frames();
                core.await_command();
            }
            Some(rest) => core.start(Timer::T2, rest),
        },
        Sign::Tone(_) => {}
    }
}

impl ReceivePage {
    fn awaited(terms: Terms) -> Self {
        Self {
            terms,
            decoder: None,
            octets: 0,
            rows: (0, 0),
            endless_row: false,
            noticed: false,
            down: None,
            went_on: false,
        }
    }

    /// Notes when rows ended and whether one takes too long.
    fn time_rows(&mut self, core: &mut Core, rows: u32) {
        if rows != self.rows.0 {
            self.rows = (rows, self.octets);
        }
        let limit = u64::from(self.terms.carrier.bit_rate()) * LONGEST_ROW.as_ms() / 8000;
        if !self.endless_row && self.octets - self.rows.1 > limit {
            self.endless_row = true;
            core.note(format_args!("no end of row {} for 5 s", rows + 1));
        }
    }

    fn listen(&self, core: &mut Core) {
        core.listen(Listen::To { carrier: self.terms.retrained_shortly(), framing: Framing::Raw });
        core.await_command();
    }

    fn begin(&mut self, core: &mut Core) {
        if self.decoder.is_none() {
            core.event(Event::PageBegun { number: core.pages_received + 1 });
            self.decoder = Some(Box::new(decoder(core, &self.terms)));
        }
    }

    /// Whether the command belongs to the page before this one: nothing of a page was noticed, and it comes when a
    /// command comes that is said again.
    fn is_repeated(&self, core: &Core, command: &Heard, began: LineTime) -> bool {
        let after = began.since(core.spoke_until);
        core.is_repeated(command)
            && !self.noticed
            && self.decoder.is_none()
            && (after <= NO_PAGE_BETWEEN || REPEATED_AFTER.contains(&after))
    }

    /// Whether the page's carrier went long before the command came, or came again: a part of the page was not heard.
    fn broke_off(&self, began: LineTime) -> bool {
        self.went_on || self.down.is_some_and(|down| began.since(down) > COMMAND_FOLLOWS)
    }

    fn ended(self, core: &mut Core, command: Heard, began: LineTime, following: Following) -> State {
        core.timers.stop(Timer::Page);
        let broke_off = self.broke_off(began);
        let decoder = self.decoder.map_or_else(|| decoder(core, &self.terms), |decoder| *decoder);
        let decoded = decoder.finish();
        core.note(format_args!("page of {} rows, {} of them bad", decoded.bitmap.height(), decoded.bad_rows));
        let verdict = match self.endless_row || broke_off && !decoded.ended {
            true => Verdict::Rejected,
            false => quality(&core.config.quality, &decoded),
        };
        let arrived = Arrived { decoded, verdict, octets: self.octets, retransmitted_frames: 0 };
        conclude(core, self.terms, arrived, command, following)
    }
}

impl Step for ReceivePage {
    fn phase(&self) -> Phase {
        Phase::C
    }

    fn rows(&self) -> u32 {
        self.decoder.as_ref().map_or(0, |decoder| decoder.rows())
    }

    fn bitmap(&self) -> Option<&Bitmap> {
        Some(self.decoder.as_ref()?.bitmap())
    }

    fn sent(self, core: &mut Core) -> State {
        self.listen(core);
        self.into()
    }

    fn sign(mut self, core: &mut Core, sign: Sign) -> State {
        let ended = self.decoder.as_ref().is_some_and(|decoder| decoder.is_ended());
        follow_carrier(core, sign, (!ended).then_some(BROKEN_OFF));
        match sign {
            Sign::Trained(_) => self.begin(core),
            Sign::CarrierUp(Carrier::V21) | Sign::Tone(_) => return self.into(),
            // The rest of a signal that broke off was heard to its end: the command follows.
            Sign::FastDown if self.went_on => core.await_command(),
            Sign::FastDown if self.decoder.is_some() => {
                self.down.get_or_insert(core.quiet_since);
            }
            _ => self.went_on |= self.down.is_some(),
        }
        self.noticed = true;
        self.into()
    }

    fn octets(mut self, core: &mut Core, octets: &[u8]) -> State {
        if let Some(decoder) = &mut self.decoder {
            decoder.push(octets);
            self.octets += octets.len() as u64;
            let (rows, ended) = (decoder.rows(), decoder.is_ended());
            if !ended {
                self.time_rows(core, rows);
            }
        }
        self.into()
    }

    fn may_ask_again(&self) -> bool {
        self.decoder.is_some()
    }

    fn heard(self, core: &mut Core, heard: Heard, began: LineTime) -> State {
        core.await_command();
        match (heard.fcf, following(&heard, self.terms)) {
            (Fcf::Dcs, _) => CheckTraining::enter(core, heard),
            (fcf, _) if fcf == Fcf::Crp || self.is_repeated(core, &heard, began) => {
                core.answer_again();
                self.into()
            }
            (Fcf::Pps | Fcf::Eor, _) | (_, None) => self.unexpected(core, &heard),
            (_, Some(following)) => self.ended(core, heard, began, following),
        }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        core.await_command();
        self.into()
    }

    /// What is to become of the page is not known: it is not confirmed.
    fn unknown_heard(self, core: &mut Core) -> State {
        match self.decoder {
            Some(_) => self.fail(core, Cause::UnknownCommand, None, "after the page"),
            None => self.nothing_heard(core),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::Page => self.fail(core, Cause::TooLong, Some(timer), "the page has no end"),
            _ if self.decoder.is_some() => self.fail(core, Cause::PeerSilent, Some(timer), "no command after the page"),
            _ => self.fail(core, Cause::PeerSilent, Some(timer), "no page"),
        }
    }
}
