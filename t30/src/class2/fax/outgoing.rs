//! A page on its way from the host to the line.

use super::*;

/// Rows that wait for the line at most: without error correction a moment's worth, with it those of the next block.
const ROWS_AHEAD: [usize; 2] = [40, 2000];

/// Zeros of an end-of-line code.
const EOL_ZEROS: u32 = 11;

/// A page on its way from the host.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) unshield: Unshield,
    decoder: PageDecoder,
    /// Pels in a row, for the format that is recognised by the first octets.
    pels: u32,
    first: Vec<u8>,
    /// Rows given to the session.
    given: u32,
    /// When the host last gave something.
    pub(super) moved: LineTime,
}

impl Outgoing {
    fn new(pels: u32, coding: Coding, now: LineTime) -> Self {
        let decoder = PageDecoder::new(pels, coding, DecodeLimits::default());
        Self { unshield: Unshield::default(), decoder, pels, first: Vec::new(), given: 0, moved: now }
    }

    /// Decodes octets. Some hosts give MMR where MMR cannot go on the line, and count on the modem: what does not begin with
    /// an end-of-line code is MMR.
    fn push(&mut self, octets: &[u8]) {
        if self.first.len() < 2 {
            self.first.extend_from_slice(octets);
            let [first, second, ..] = *self.first else { return };
            if u16::from_le_bytes([first, second]).trailing_zeros() < EOL_ZEROS {
                self.decoder = PageDecoder::new(self.pels, Coding::Mmr, DecodeLimits::default());
            }
            return self.decoder.push(&self.first);
        }
        self.decoder.push(octets);
    }
}

impl Fax {
    /// `+FDT`. Whether there is a call that a page can be sent in.
    pub(crate) fn transmit(&mut self, terms: Terms, now: LineTime) -> bool {
        if !self.is_ready() || !self.sends() {
            return false;
        }
        self.options.capabilities = terms;
        self.session.reconfigure(Arc::new(self.options.config()));
        self.stage = Stage::Ready;
        self.session.begin_page(terms.page_resolution(), terms.page_width(), now);
        true
    }

    /// Whether octets can be taken now.
    pub(crate) fn takes_octets(&self) -> bool {
        match self.stage {
            Stage::Page(_) => {
                let corrects = self.session.report().terms.is_some_and(|terms| terms.ecm.is_some());
                self.session.rows_waiting() < ROWS_AHEAD[usize::from(corrects)]
            }
            _ => true,
        }
    }

    /// The line is ready for the host's page.
    pub(super) fn connect_outgoing(&mut self) {
        let (Stage::Ready, Some(terms)) = (&self.stage, self.session.report().terms) else { return };
        self.tell_terms();
        self.news.push_back(News::Connect);
        if self.dialect == Dialect::Two {
            self.news.push_back(News::Octet(crate::class2::XON));
        }
        self.stage = Stage::Page(Box::new(Outgoing::new(terms.pels(), terms.coding, self.now)));
    }

    pub(super) fn page_octet(&mut self, taken: Unshielded) {
        let reversed = |octet: u8, options: &Options| if options.reversed { octet.reverse_bits() } else { octet };
        match taken {
            Unshielded::Nothing => {}
            Unshielded::Data(octet) => self.decode(&[reversed(octet, &self.options)]),
            Unshielded::TwoEscapes => self.decode(&[reversed(0x10, &self.options); 2]),
            Unshielded::Cancel => self.session.cancel(self.now),
            Unshielded::End if self.dialect == Dialect::Two => {
                self.flush_rows();
                self.stage = Stage::Given;
                self.news.push_back(News::Done(true));
            }
            // A page without a word of what follows is the last one.
            Unshielded::End => self.end_page(Follows::Nothing, self.now),
            Unshielded::Mark(mark) => {
                if let Some(follows) = follows_of(mark) {
                    self.end_page(follows, self.now);
                }
            }
        }
    }

    pub(super) fn decode(&mut self, octets: &[u8]) {
        let Stage::Page(outgoing) = &mut self.stage else { return };
        outgoing.push(octets);
        let (bitmap, now) = (outgoing.decoder.bitmap(), self.now);
        for row in outgoing.given..bitmap.height() {
            self.session.push_row(bitmap.row(row), now);
        }
        outgoing.given = bitmap.height();
    }

    /// The last row may want the end of the data to be told as one.
    pub(super) fn flush_rows(&mut self) {
        let Stage::Page(outgoing) = std::mem::replace(&mut self.stage, Stage::Idle) else { return };
        let Outgoing { decoder, given, .. } = *outgoing;
        let page = decoder.finish().bitmap;
        for row in given..page.height() {
            self.session.push_row(page.row(row), self.now);
        }
    }

    pub(super) fn end_page(&mut self, follows: Follows, now: LineTime) {
        self.flush_rows();
        self.session.end_page(follows, now);
        self.stage = Stage::Verdict(follows);
    }

    /// `+FET`, in Class 2. Whether a page waits for it.
    pub(crate) fn page_ends(&mut self, follows: Follows, now: LineTime) -> bool {
        let waits = matches!(self.stage, Stage::Given);
        if waits {
            self.end_page(follows, now);
        }
        waits
    }

    /// The other machine said what it thinks of the host's page.
    pub(super) fn judged(&mut self, verdict: Verdict) {
        let Stage::Verdict(follows) = self.stage else { return };
        if self.dialect == Dialect::Two {
            self.line(Response::PageStatus, &format!(":{}", number_of(verdict)));
        }
        // After the last page the host hears of the call's end, which is near.
        if follows != Follows::Nothing || !verdict.is_good() {
            self.done(verdict.is_good() || self.dialect == Dialect::Two);
        }
    }
}

/// What the mark behind the page's data says to follow, T.32: a comma, a semicolon, a full stop.
fn follows_of(mark: u8) -> Option<Follows> {
    Some(match mark {
        b',' => Follows::Page,
        b';' => Follows::Document,
        b'.' => Follows::Nothing,
        _ => return None,
    })
}

/// `+FPTS`: the number of a verdict.
fn number_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Confirmed | Verdict::RejectedYetTaken => 1,
        Verdict::Rejected | Verdict::Abandoned | Verdict::Diagnosed => 2,
        Verdict::ConfirmedRetrain => 3,
        Verdict::RejectedInterrupt => 4,
        Verdict::ConfirmedInterrupt => 5,
    }
}
