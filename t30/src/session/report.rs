//! What is known of the other machine, what was agreed, and what became of every page.

use crate::{
    frame::{BitField, Width},
    image::{Coding, Page, ReceivedPicture, Resolution},
    seam::{Carrier, Evm},
    session::outcome::{Outcome, Phase},
    session::terms::Terms,
    time::{LineSpan, LineTime},
};

/// The other machine, as it named itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// CSI, TSI or CIG.
    pub ident: Option<String>,
    /// Octets of NSF, NSS or NSC.
    pub nsf: Option<Vec<u8>>,
    /// Who made it, as those octets tell.
    pub vendor: Option<String>,
    /// The machine's own name in those octets.
    pub model: Option<String>,
    /// Subaddress it sent.
    pub sub: Option<String>,
    /// Password it sent.
    pub pwd: Option<String>,
    /// Sender identification it sent.
    pub sid: Option<String>,
    /// Selective polling address it sent.
    pub sep: Option<String>,
    /// Polled subaddress it sent.
    pub psa: Option<String>,
    /// Its internet address: TSA, CIA or CSA.
    pub internet_address: Option<String>,
    /// The internet address a document is to go to or to come from: IRA or ISP.
    pub routing_address: Option<String>,
    /// Octets of FNV: what it finds not valid in what we sent.
    pub not_valid: Option<Vec<u8>>,
    /// Octets of FDM: what it says of a page in place of a verdict.
    pub file_diagnostics: Option<Vec<u8>>,
    /// Its DIS or DTC.
    pub capabilities: Option<BitField>,
}

/// What was said of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// MCF: good.
    Confirmed,
    /// RTP: good, and train again.
    ConfirmedRetrain,
    /// PIP: good, and an operator is wanted.
    ConfirmedInterrupt,
    /// RTN: bad, train again.
    Rejected,
    /// PIN: bad, and an operator is wanted.
    RejectedInterrupt,
    /// RTN or PIN, and counted as delivered all the same.
    RejectedYetTaken,
    /// ERR: parts that were never received were given up.
    Abandoned,
    /// FDM: taken for a file, and something was wrong with it.
    Diagnosed,
}

impl Verdict {
    /// The frame's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "MCF",
            Self::ConfirmedRetrain => "RTP",
            Self::ConfirmedInterrupt => "PIP",
            Self::Rejected | Self::RejectedYetTaken => "RTN",
            Self::RejectedInterrupt => "PIN",
            Self::Abandoned => "ERR",
            Self::Diagnosed => "FDM",
        }
    }

    /// Whether the page counts as delivered.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Confirmed | Self::ConfirmedRetrain | Self::ConfirmedInterrupt | Self::RejectedYetTaken)
    }
}

/// A page that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPage {
    /// Counted from 1.
    pub number: usize,
    /// The page.
    pub page: Page,
    /// The grey or colour picture it is a bilevel copy of.
    pub picture: Option<ReceivedPicture>,
    /// Rows that repeat the one before because they could not be decoded.
    pub bad_rows: u32,
    /// Whether the page's end was received. Not so when the sender gave up on a part of it.
    pub ended: bool,
    /// What we say of it.
    pub verdict: Verdict,
}

/// A page's entry in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageReport {
    /// Whether we sent it.
    pub sent: bool,
    /// Counted from 1 in its direction; a page sent twice has two entries.
    pub number: usize,
    /// Rows.
    pub rows: u32,
    /// Rows of it that were bad; known to the receiver.
    pub bad_rows: u32,
    /// Octets of image data that were sent, or received and good; without retransmissions.
    pub octets: u64,
    /// ECM frames that went over the line again.
    pub retransmitted_frames: u32,
    /// What was said of it.
    pub verdict: Verdict,
    /// Whether it went another way than the line.
    pub direct: bool,
    /// Modem and rate at its end; of a page that went directly, the control channel.
    pub carrier: Carrier,
    /// Coding.
    pub coding: Coding,
    /// Resolution.
    pub resolution: Resolution,
    /// Width of the paper.
    pub width: Width,
}

/// What there is to tell of a call.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The other machine.
    pub peer: Peer,
    /// What was agreed last.
    pub terms: Option<Terms>,
    /// Pages, in the order they were over.
    pub pages: Vec<PageReport>,
    /// Training checks sent or judged.
    pub trainings: u32,
    /// Control frames that arrived damaged.
    pub damaged_frames: u32,
    /// Control frames of no known kind, whole and addressed as ITU-T T.30 5.3.4 has it.
    pub unknown_frames: u32,
    /// Line time the transport lost.
    pub lost: LineSpan,
    /// Error vector magnitude of the last training heard.
    pub quality: Option<Evm>,
    /// When the session began.
    pub began: LineTime,
    /// When it ended.
    pub ended: Option<LineTime>,
    /// A person took the telephone: PIP or PIN was said, and the line is his.
    pub handed_over: bool,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl Report {
    /// Pages that count as delivered.
    pub fn good_pages(&self) -> usize {
        self.pages.iter().filter(|page| page.verdict.is_good()).count()
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Phase.
    pub phase: Phase,
    /// The page in hand or last done, counted from 1; 0 before the first.
    pub page: usize,
    /// Pages to send; none when receiving.
    pub of: Option<usize>,
    /// How much of the page is on the line or received, when that can be known.
    pub percent: Option<u8>,
    /// Rows of the page received so far.
    pub rows: u32,
    /// Modem and rate, once agreed.
    pub carrier: Option<Carrier>,
    /// Whether errors are corrected.
    pub ecm: bool,
}
