//! Pages out of fast signals: blocks of error correction put together over retransmissions, and plain image data with
//! the rows that were lost in it.

use std::collections::BTreeMap;

use super::{
    call::{Step, terms},
    heard::{Burst, Control},
};
use crate::{
    frame::{Fcf, PartialPage, PostMessage},
    image::{Bitmap, Coding, DecodeLimits, DecodedPage, Page, PageDecoder, ReceivedPicture, Resolution},
    session::Terms,
    time::{LineSpan, LineTime},
};

/// Octets of image data of one page at most, and pages at most.
const MOST_OCTETS: usize = 8 << 20;
const MOST_PAGES: usize = 1000;
/// Places of bad rows that are kept.
const MOST_PLACES: usize = 4000;
/// A signal that breaks off and begins anew so soon goes on with the same page.
const INTERRUPTION: LineSpan = LineSpan::ms(1000);
/// Widths that are tried when no DCS was heard.
const WIDTHS: [u32; 3] = [1728, 2048, 2432];

/// A page that was heard.
#[derive(Clone, Debug)]
pub struct ObservedPage {
    /// When its first signal began.
    pub from: LineTime,
    /// When its last signal ended.
    pub to: LineTime,
    /// The pels.
    pub page: Page,
    /// The grey or colour picture that `page` is a bilevel copy of.
    pub picture: Option<ReceivedPicture>,
    /// Coding.
    pub coding: Coding,
    /// Whether it came with error correction.
    pub ecm: bool,
    /// Whether coding and size were told by a DCS; else they were guessed.
    pub told: bool,
    /// Rows that could not be decoded and repeat the one before, or where decoding stopped.
    pub bad_rows: u32,
    /// The most of them in succession.
    pub longest_bad_run: u32,
    /// Where they are, as far as is known: the row and the moment of it.
    pub bad_places: Vec<(u32, LineTime)>,
    /// Whether its end was said.
    pub ended: bool,
    /// Octets of image data.
    pub octets: usize,
    /// Frames of error correction, those that came more than once, and those that never came.
    pub frames: u32,
    /// See `frames`.
    pub frames_again: u32,
    /// See `frames`.
    pub frames_missing: u32,
    /// The answer to it: MCF, RTN ...
    pub answer: Option<Fcf>,
}

/// Pages of a call.
pub(super) fn of(steps: &[Step]) -> Vec<ObservedPage> {
    let mut assembly = Assembly::default();
    for step in steps {
        if let Some(control) = step.control() {
            assembly.hears(control);
        }
        if let Some(burst) = step.burst() {
            assembly.takes(step, burst);
        }
    }
    assembly.end_page();
    assembly.pages
}

#[derive(Default)]
struct Assembly {
    terms: Option<Terms>,
    /// A DCS came, and no CFR since.
    checking: bool,
    hand: InHand,
    /// Frames of which no PPS has said yet to which block they belong, and when they came.
    pending: BTreeMap<u8, Vec<u8>>,
    pending_span: Option<(LineTime, LineTime)>,
    pages: Vec<ObservedPage>,
}

/// The page under way.
#[derive(Default)]
struct InHand {
    span: Option<(LineTime, LineTime)>,
    /// Image data of whole blocks, or without blocks; on two channels each has its own.
    octets: Vec<u8>,
    other_octets: Vec<u8>,
    /// When which octet came.
    moments: Vec<(usize, LineTime, u32)>,
    block: BTreeMap<u8, Vec<u8>>,
    /// The page and block that PPS said last, neither confirmed nor followed by another.
    partial: Option<PartialPage>,
    ecm: bool,
    frames: u32,
    again: u32,
    missing: u32,
}

impl Assembly {
    fn hears(&mut self, control: &Control) {
        if let Some(terms) = terms(control) {
            self.end_page();
            (self.terms, self.checking) = (Some(terms), true);
        }
        for frame in control.intact() {
            match frame.fcf() {
                Some(Fcf::Cfr) => self.checking = false,
                Some(Fcf::Pps) => self.partial_page(PartialPage::read(frame.field())),
                Some(Fcf::Mps | Fcf::Eom | Fcf::Eop) => self.end_page(),
                Some(answer @ (Fcf::Mcf | Fcf::Rtp | Fcf::Rtn | Fcf::Pip | Fcf::Pin | Fcf::Err)) => self.answer(answer),
                _ => {}
            }
        }
    }

    /// A PPS says which block the frames before it are of.
    fn partial_page(&mut self, partial: Option<PartialPage>) {
        let Some(partial) = partial else { return };
        let place = |partial: &PartialPage| (partial.page, partial.block);
        if let Some(before) = self.hand.partial.take_if(|before| place(before) != place(&partial)) {
            self.end_block(before);
        }
        self.sort_in();
        self.hand.partial = Some(partial);
    }

    /// Frames of the block in hand.
    fn sort_in(&mut self) {
        let frames = std::mem::take(&mut self.pending);
        self.hand.again += frames.keys().filter(|number| self.hand.block.contains_key(number)).count() as u32;
        self.hand.block.extend(frames);
        if let Some((from, to)) = self.pending_span.take() {
            self.hand.lasts(from, to);
        }
    }

    fn end_block(&mut self, partial: PartialPage) {
        self.hand.end_block(Some(partial.frames));
        if partial.then != PostMessage::Null {
            self.keep_page();
        }
    }

    fn answer(&mut self, answer: Fcf) {
        let partial = self.hand.partial.take();
        if let Some(partial) = partial {
            self.end_block(partial);
        }
        let ends_page = partial.is_none_or(|partial| partial.then != PostMessage::Null);
        if let Some(page) = self.pages.last_mut().filter(|page| page.answer.is_none() && ends_page) {
            page.answer = Some(answer);
        }
    }

    fn takes(&mut self, step: &Step, burst: &Burst) {
        let in_check =
            self.checking && !burst.has_frames() && burst.bits < u64::from(burst.carrier.bit_rate()) * 27 / 10;
        if burst.is_check() || in_check {
            return;
        }
        // Image data says that the check went well, whether or not CFR was heard.
        self.checking = false;
        let (from, to) = (step.heard.from, step.heard.to);
        let other = step.other_burst();
        if burst.has_frames() || other.is_some_and(Burst::has_frames) {
            self.take_frames(burst, other, (from, to));
        } else {
            let goes_on = self.hand.span.is_some_and(|span| from.since(span.1) < INTERRUPTION);
            if !goes_on {
                self.end_page();
            }
            self.hand.take_octets(burst, other);
            self.hand.lasts(from, to);
        }
    }

    fn take_frames(&mut self, burst: &Burst, other: Option<&Burst>, (from, to): (LineTime, LineTime)) {
        if !self.hand.ecm {
            self.end_page();
        }
        // The PPS between was not understood.
        self.sort_in();
        self.hand.ecm = true;
        for frame in other.into_iter().chain([burst]).flat_map(|burst| &burst.frames).filter(|frame| frame.intact) {
            if let (Some(Fcf::Fcd), [number, data @ ..]) = (frame.fcf(), frame.field()) {
                self.pending.insert(*number, data.to_vec());
            }
        }
        self.pending_span = Some((from, to));
    }

    /// Nothing more belongs to the page.
    fn end_page(&mut self) {
        self.sort_in();
        let frames = self.hand.partial.take().map(|partial| partial.frames);
        self.hand.end_block(frames);
        self.keep_page();
    }

    fn keep_page(&mut self) {
        let ecm = self.hand.ecm;
        let hand = std::mem::replace(&mut self.hand, InHand { ecm, ..InHand::default() });
        if !hand.octets.is_empty() && self.pages.len() < MOST_PAGES {
            self.pages.extend(hand.page(self.terms.as_ref()));
        }
    }
}

fn append(octets: &mut Vec<u8>, more: &[u8]) {
    octets.extend(more.iter().take(MOST_OCTETS.saturating_sub(octets.len())));
}

impl InHand {
    fn lasts(&mut self, from: LineTime, to: LineTime) {
        let span = self.span.get_or_insert((from, to));
        *span = (span.0.min(from), span.1.max(to));
    }

    fn take_octets(&mut self, burst: &Burst, other: Option<&Burst>) {
        self.ecm = false;
        self.moments.push((self.octets.len(), burst.trained, burst.carrier.bit_rate()));
        append(&mut self.octets, &burst.octets);
        append(&mut self.other_octets, &other.unwrap_or(burst).octets);
    }

    /// The block is as whole as it gets.
    fn end_block(&mut self, told: Option<u16>) {
        let block = std::mem::take(&mut self.block);
        let Some(last) = block.last_key_value().map(|(number, _)| u32::from(*number) + 1) else { return };
        let frames = told.map_or(last, u32::from).max(last);
        self.frames += frames;
        self.missing += frames - block.len() as u32;
        block.values().for_each(|data| append(&mut self.octets, data));
    }

    fn page(self, terms: Option<&Terms>) -> Option<ObservedPage> {
        let (coding, width, resolution, decoded, bad_places) = match terms {
            Some(terms) => {
                let (decoded, bad) = self.best(terms.coding, terms.pels());
                (terms.coding, terms.pels(), terms.resolution, decoded, bad)
            }
            None => self.guessed(),
        };
        debug_assert_eq!(decoded.bitmap.width(), width);
        let (from, to) = self.span?;
        if decoded.bitmap.height() == 0 {
            return None;
        }
        Some(ObservedPage {
            from,
            to,
            page: Page { bitmap: decoded.bitmap, resolution },
            picture: decoded.picture,
            coding,
            ecm: self.ecm,
            told: terms.is_some(),
            bad_rows: decoded.bad_rows,
            longest_bad_run: decoded.longest_bad_run,
            bad_places,
            ended: decoded.ended,
            octets: self.octets.len(),
            frames: self.frames,
            frames_again: self.again,
            frames_missing: self.missing,
            answer: None,
        })
    }

    /// Of two channels the one with fewer bad rows.
    fn best(&self, coding: Coding, width: u32) -> (DecodedPage, Vec<(u32, LineTime)>) {
        let one = self.decode(&self.octets, coding, width);
        if self.ecm || self.other_octets == self.octets {
            return one;
        }
        let other = self.decode(&self.other_octets, coding, width);
        let good = |page: &DecodedPage| page.bitmap.height() - page.bad_rows.min(page.bitmap.height());
        if (good(&other.0), other.0.ended) > (good(&one.0), one.0.ended) { other } else { one }
    }

    /// Without terms: what gives most good rows.
    fn guessed(&self) -> (Coding, u32, Resolution, DecodedPage, Vec<(u32, LineTime)>) {
        let codings: &[Coding] =
            if self.ecm { &[Coding::Mmr, Coding::Mh, Coding::Mr, Coding::Jbig] } else { &[Coding::Mh, Coding::Mr] };
        let tried = codings.iter().flat_map(|coding| WIDTHS.map(|width| (*coding, width)));
        let tried = tried.map(|(coding, width)| (coding, width, self.best(coding, width)));
        let worth = |page: &DecodedPage| i64::from(page.bitmap.height()) - 3 * i64::from(page.bad_rows);
        let best = tried.max_by_key(|(_, _, (page, _))| (page.ended, worth(page)));
        let (coding, width, (decoded, bad)) =
            best.unwrap_or_else(|| (Coding::Mh, WIDTHS[0], self.decode(&[], Coding::Mh, WIDTHS[0])));
        // A page of A4 has some 1100 rows or 2200.
        let resolution = if decoded.bitmap.height() > 1400 { Resolution::Fine } else { Resolution::Standard };
        (coding, width, resolution, decoded, bad)
    }

    fn decode(&self, octets: &[u8], coding: Coding, width: u32) -> (DecodedPage, Vec<(u32, LineTime)>) {
        let mut decoder = PageDecoder::new(width, coding, DecodeLimits::default());
        let (mut bad, mut places) = (0, Vec::new());
        for (index, octet) in octets.iter().enumerate() {
            decoder.push(std::slice::from_ref(octet));
            if decoder.bad_rows() > bad && places.len() < MOST_PLACES {
                places.push((decoder.rows().saturating_sub(1), self.moment(index)));
            }
            bad = decoder.bad_rows();
        }
        let decoded = decoder.finish();
        let height: u32 = Bitmap::height(&decoded.bitmap);
        places.retain(|(row, _)| *row < height);
        (decoded, places)
    }

    /// When an octet came; with error correction nobody can tell.
    fn moment(&self, octet: usize) -> LineTime {
        let begun = self.moments.iter().rev().find(|(first, ..)| *first <= octet);
        let at = begun.map(|(first, at, rate)| LineTime(at.0 + (octet - first) as u64 * 64_000 / u64::from(*rate)));
        at.or(self.span.map(|span| span.0)).unwrap_or(LineTime::ZERO)
    }
}
