//! Who we are, what we can do and how long we wait.

use std::{ops::BitOr, sync::Arc};

use super::direct::Direct;
use crate::{
    frame::{Ident, Modems, Width},
    image::{Coding, DecodedPage, Page, Resolution},
    time::LineSpan,
};

/// A set of image codings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codings(u8);

impl Codings {
    /// Modified Huffman, which every machine has.
    pub const MH: Self = Self(1);
    /// Modified READ.
    pub const MR: Self = Self(2);
    /// T.6; used with error correction only.
    pub const MMR: Self = Self(4);
    /// T.85, JBIG; used with error correction only.
    pub const JBIG: Self = Self(8);
    /// T.81 and T.42, grey and colour pictures as JPEG; used with error correction only.
    pub const JPEG: Self = Self(16);
    /// Those that nearly every machine has.
    pub const USUAL: Self = Self(7);
    /// All of them.
    pub const ALL: Self = Self(31);

    /// Whether the coding is in the set.
    pub const fn has(self, coding: Coding) -> bool {
        self.0 & Self::of(coding).0 != 0
    }

    /// The set of one coding.
    pub const fn of(coding: Coding) -> Self {
        match coding {
            Coding::Mh => Self::MH,
            Coding::Mr => Self::MR,
            Coding::Mmr => Self::MMR,
            Coding::Jbig => Self::JBIG,
            Coding::Jpeg => Self::JPEG,
        }
    }
}

impl BitOr for Codings {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A set of resolutions beside the standard one, which every machine has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolutions(u16);

impl Resolutions {
    /// Standard only.
    pub const STANDARD: Self = Self(0);
    /// Standard and fine.
    pub const FINE: Self = Self(1);
    /// Superfine beside standard and fine.
    pub const SUPERFINE: Self = Self(3);
    /// 300 x 300 dots per inch beside standard and fine.
    pub const DPI_300: Self = Self(5);
    /// R16 x 15.4 lines/mm or 400 x 400 dots per inch, beside standard and fine.
    pub const DPI_400: Self = Self(9);
    /// 600 x 600 dots per inch beside standard and fine; with error correction only, as those below.
    pub const DPI_600: Self = Self(17);
    /// 1200 x 1200.
    pub const DPI_1200: Self = Self(33);
    /// 300 x 600.
    pub const DPI_300X600: Self = Self(65);
    /// 400 x 800.
    pub const DPI_400X800: Self = Self(129);
    /// 600 x 1200.
    pub const DPI_600X1200: Self = Self(257);
    /// All of them.
    pub const ALL: Self = Self(511);

    /// Whether pages of this resolution can be recorded, or are to be sent.
    pub const fn has(self, resolution: Resolution) -> bool {
        let needed = Self::of(resolution);
        self.0 & needed.0 == needed.0
    }

    /// The set of one resolution and what goes without saying beside it. Those of the inch are in it with their equals.
    pub const fn of(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Standard => Self::STANDARD,
            Resolution::Fine | Resolution::Inch200 => Self::FINE,
            Resolution::Superfine | Resolution::Inch200x400 => Self::SUPERFINE,
            Resolution::Dpi300 => Self::DPI_300,
            Resolution::Dpi400 | Resolution::Inch400 => Self::DPI_400,
            Resolution::Dpi600 => Self::DPI_600,
            Resolution::Dpi1200 => Self::DPI_1200,
            Resolution::Dpi300x600 => Self::DPI_300X600,
            Resolution::Dpi400x800 => Self::DPI_400X800,
            Resolution::Dpi600x1200 => Self::DPI_600X1200,
        }
    }

    /// The best of them for a page of that resolution: the same, or the finest that only loses detail.
    pub fn best_for(self, page: Resolution) -> Resolution {
        let dots = |resolution: &Resolution| {
            let (across, down) = resolution.dots_per_inch();
            across * down
        };
        let coarser = Resolution::ALL.into_iter().filter(|other| self.has(*other) && page.reduces_to(*other));
        let finest = coarser.filter(|other| *other == other.metric()).max_by_key(dots);
        if self.has(page) { page } else { finest.unwrap_or(Resolution::Standard) }
    }

    /// The resolution and all that lose nothing but detail from it: what a recorder that has it can do.
    pub fn up_to(finest: Resolution) -> Self {
        let coarser = Resolution::ALL.into_iter().filter(|coarser| finest.reduces_to(*coarser));
        coarser.fold(Self::of(finest), |all, coarser| all | Self::of(coarser))
    }
}

impl BitOr for Resolutions {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// When a received page counts as received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// As soon as its event is given out.
    #[default]
    Assumed,
    /// When [`super::Session::page_kept`] says so: MCF waits for it.
    Awaited,
}

/// Why a page could not be stored; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKept(pub String);

/// Octets in an ECM frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FrameSize {
    /// 256 octets.
    #[default]
    Long,
    /// 64 octets.
    Short,
}

impl FrameSize {
    /// Octets of image in a frame.
    pub const fn octets(self) -> usize {
        match self {
            Self::Long => 256,
            Self::Short => 64,
        }
    }
}

/// What a page received without error correction may have in bad rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityLimits {
    /// More bad rows than this part of all: the page is refused, RTN.
    pub refuse_bad_rows: f32,
    /// A longer run of bad rows: the page is refused.
    pub refuse_bad_run: u32,
    /// More bad rows than this part of all: the page is taken, but training is asked for, RTP.
    pub retrain_bad_rows: f32,
}

impl QualityLimits {
    /// Whether so many rows of a page are bad that it is not taken.
    pub fn refuse(&self, page: &DecodedPage) -> bool {
        let rows = page.bitmap.height();
        rows == 0 || page.bad_share() > self.refuse_bad_rows || page.longest_bad_run > self.refuse_bad_run
    }
}

impl Default for QualityLimits {
    /// One row in twenty may be bad, and no more than three of them in succession: text stays readable. What is good
    /// enough is confirmed without new training.
    fn default() -> Self {
        Self { refuse_bad_rows: 0.05, refuse_bad_run: 3, retrain_bad_rows: 0.05 }
    }
}

/// What becomes of a page that the other side refused by RTN or PIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refused {
    /// It is sent again, as often as [`Limits::page_resends`] says; with none of them the call ends at once.
    #[default]
    SendAgain,
    /// It counts as delivered: some machines refuse pages that they have printed.
    TakeAsDelivered,
}

/// Whether a person can be called to the telephone when the other side asks for one: PRI-x, PIP, PIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operator {
    /// Nobody: the call goes on as if nobody had been asked for.
    #[default]
    Absent,
    /// [`super::Event::OperatorWanted`] calls one, and [`super::Session::operator_answers`] says whether he came.
    Called,
}

/// Bounds of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The caller's wait for any sign of a fax machine, ITU-T T.30 T0: 60 s.
    pub answer: LineSpan,
    /// The wait for the two machines to know each other, T1: 35 s.
    pub identification: LineSpan,
    /// Answering: so many DIS without answer, then DCN, as ITU-T T.30 5.4.2 has it for commands; none: DIS until T1 ends,
    /// which leaves time for a caller who presses the button late.
    pub identification_tries: Option<u32>,
    /// The longest a page may be on the line.
    pub page: LineSpan,
    /// The longest a call may last.
    pub call: LineSpan,
    /// How long the sender may be held by RNR while a page is kept; below the sender's T5.
    pub keeping: LineSpan,
    /// How often a page that was refused is sent again.
    pub page_resends: u32,
    /// After so many received pages we hang up, with success; none: no bound.
    pub pages: Option<usize>,
    /// Rows of a received page beyond these are not kept.
    pub page_rows: u32,
    /// Lines the transcript keeps while nobody takes them.
    pub trace_lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: LineSpan::ms(60_000),
            identification: LineSpan::ms(35_000),
            identification_tries: None,
            page: LineSpan::ms(20 * 60_000),
            call: LineSpan::ms(3 * 3_600_000),
            keeping: LineSpan::ms(50_000),
            page_resends: 2,
            pages: None,
            page_rows: 30_000,
            trace_lines: 2000,
        }
    }
}

/// A fax machine's settings for a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Our number, at most 20 characters; empty: none is sent.
    pub ident: String,
    /// Modems to use. Answering with V.17 offers the others too: T.30 cannot say otherwise.
    pub modems: Modems,
    /// No faster than this, in bits per second.
    pub max_rate: Option<u32>,
    /// Error correction where the other side has it.
    pub ecm: bool,
    /// The ECM frame size we prefer to receive.
    pub frame_size: FrameSize,
    /// Image codings.
    pub codings: Codings,
    /// Resolutions.
    pub resolutions: Resolutions,
    /// The widest paper we record on.
    pub width: Width,
    /// The time we need for a row without error correction, in milliseconds.
    pub min_scan_ms: u32,
    /// Line time between our end of the seam and the wire, both ways together; responses are awaited that much longer.
    pub path_delay: LineSpan,
    /// When a received page counts as received.
    pub keeping: Keeping,
    /// Which pages are good enough.
    pub quality: QualityLimits,
    /// Non-standard facilities to send with DIS: the octets of the field.
    pub nsf: Option<Vec<u8>>,
    /// Non-standard set-up to send with DCS: the octets of the field.
    pub nss: Option<Vec<u8>>,
    /// Non-standard facilities command to send with DTC: the octets of the field.
    pub nsc: Option<Vec<u8>>,
    /// Whether documents go directly between machines of ours. What is said of it takes the place of [`Self::nsf`].
    pub direct: Direct,
    /// Answering: whether callers may send to us. Without it we only hold a document to be polled.
    pub receives: bool,
    /// Calling: poll the other side, after what there is to send.
    pub poll: bool,
    /// Subaddress to send when the other side takes one.
    pub sub: Option<String>,
    /// Password to send when the other side takes one.
    pub pwd: Option<String>,
    /// Sender identification to send when the other side takes one.
    pub sid: Option<String>,
    /// Selective polling address: a caller that polls sends it; a document held under it is for those who give it.
    pub sep: Option<String>,
    /// Polled subaddress to send when the other side takes one.
    pub psa: Option<String>,
    /// Answering: the password that callers must give to send or to poll.
    pub expect_pwd: Option<String>,
    /// Whether a damaged command or response is asked for again by CRP rather than waited for.
    pub ask_again: bool,
    /// What becomes of pages the other side refuses.
    pub refused: Refused,
    /// Who is called when the other side asks for a person.
    pub operator: Operator,
    /// Bounds.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ident: String::new(),
            modems: Modems::V27TER | Modems::V29,
            max_rate: None,
            ecm: true,
            frame_size: FrameSize::Long,
            codings: Codings::USUAL,
            resolutions: Resolutions::FINE,
            width: Width::A4,
            min_scan_ms: 0,
            path_delay: LineSpan::ZERO,
            keeping: Keeping::Assumed,
            quality: QualityLimits::default(),
            nsf: None,
            nss: None,
            nsc: None,
            direct: Direct::Never,
            receives: true,
            poll: false,
            sub: None,
            pwd: None,
            sid: None,
            sep: None,
            psa: None,
            expect_pwd: None,
            ask_again: false,
            refused: Refused::SendAgain,
            operator: Operator::Absent,
            limits: Limits::default(),
        }
    }
}

impl Config {
    pub(super) fn ident(&self) -> Option<Ident> {
        Some(Ident::new(&self.ident)).filter(|ident| !ident.is_empty())
    }
}

/// Pages to send.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The pages of this call, in order.
    pub pages: Vec<Arc<Page>>,
    /// Pages before these that an earlier call delivered; numbers in events and reports count them.
    pub first: usize,
}
