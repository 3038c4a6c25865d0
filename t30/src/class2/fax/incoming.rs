//! A page on its way from the line to the host.

use super::*;

/// A host that does not say DC2 gets its page all the same after this.
const START_PATIENCE: LineSpan = LineSpan::ms(1500);

/// Octets of fill behind the return to control, as a line has it: hosts look ahead in their data, and efax does not see an
/// end that is the very last bit.
const FILL_OCTETS: usize = 8;

/// Octets of a received page given to the host at a time.
const CHUNK: usize = 1024;

/// A page on its way to the host.
#[derive(Debug)]
pub(super) struct Incoming {
    encoder: PageEncoder,
    coding: Coding,
    /// Rows encoded.
    given: u32,
    /// The host is ready, or counts as ready from then on.
    pub(super) starts: LineTime,
}

impl Fax {
    /// `+FDR`. `good`: what is thought of the page before. Whether there is a call that a page can be received in.
    pub(crate) fn receive(&mut self, good: bool, now: LineTime) -> bool {
        if !self.is_ready() || self.sends() {
            return false;
        }
        self.stage = Stage::Awaited;
        if std::mem::take(&mut self.unconfirmed) {
            if good {
                self.session.page_kept(Ok(()), now);
            } else {
                self.session.refuse_page(now);
            }
        }
        self.connect_incoming();
        true
    }

    /// A page comes in and the host wants it.
    pub(super) fn connect_incoming(&mut self) {
        let (Stage::Awaited, true, Some(terms)) = (&self.stage, self.page_begun, self.session.report().terms) else {
            return;
        };
        if self.dialect == Dialect::Two {
            self.news.push_back(News::Line("+FCFR".to_owned()));
        }
        self.tell_terms();
        self.news.push_back(News::Connect);
        let encoding = RowEncoding::on_line(terms.coding, terms.resolution.k());
        let encoder = PageEncoder::growing(terms.pels(), encoding);
        self.stage = Stage::Taken(Box::new(Incoming {
            encoder,
            coding: terms.coding,
            given: 0,
            starts: self.now + START_PATIENCE,
        }));
    }

    /// Gives the host what there is of the page.
    pub(super) fn give_rows(&mut self) {
        let Stage::Taken(incoming) = &mut self.stage else { return };
        if incoming.starts > self.now {
            return;
        }
        let bitmap = self.arrived.as_ref().map(|page| &page.page.bitmap).or(self.session.rows_in_hand());
        if let Some(bitmap) = bitmap {
            while incoming.encoder.ready() < CHUNK && incoming.given < bitmap.height() {
                incoming.encoder.push_row(bitmap.row(incoming.given));
                incoming.given += 1;
            }
            if self.arrived.is_some() && incoming.given >= bitmap.height() {
                incoming.encoder.finish();
            }
        }
        let mut octets = vec![0; CHUNK];
        let count = incoming.encoder.fill(&mut octets);
        octets.truncate(count);
        let ended = incoming.encoder.is_ended();
        if ended && incoming.coding != Coding::Mmr {
            octets.extend([0; FILL_OCTETS]);
        }
        if !octets.is_empty() {
            // What Class 2 calls direct is reversed for pages received: modems do it so, and hosts count on it.
            if self.options.reversed != (self.dialect == Dialect::Two) {
                octets.iter_mut().for_each(|octet| *octet = octet.reverse_bits());
            }
            self.news.push_back(News::Data(octets));
        }
        if ended {
            self.page_taken();
        }
    }

    /// The host has the page: how it was and what follows.
    pub(super) fn page_taken(&mut self) {
        let Some(page) = self.arrived.take() else { return };
        let follows = self.session.follows().unwrap_or(Follows::Nothing);
        (self.page_begun, self.unconfirmed) = (false, true);
        self.end_incoming(1, page.page.bitmap.height(), page.bad_rows, follows);
    }

    pub(super) fn end_incoming(&mut self, status: u8, rows: u32, bad: u32, follows: Follows) {
        self.news.push_back(News::EndOfData);
        let status = match self.dialect {
            Dialect::Two => format!(":{status},{rows},{bad},0"),
            _ => format!(":{status},{rows},{bad},0,0"),
        };
        self.line(Response::PageStatus, &status);
        self.news.push_back(News::Line(format!("+FET:{}", parameters::number_of(follows))));
        self.done(true);
    }

    /// A page that was refused is not given out: the host must not wait for the rest of it.
    pub(super) fn look_for_refused(&mut self) {
        let pages = &self.session.report().pages;
        let new = pages.len() > std::mem::replace(&mut self.reported, pages.len());
        let refused = pages.last().filter(|page| new && !page.sent && page.verdict == Verdict::Rejected);
        if let (Some((rows, bad)), Stage::Taken(_)) = (refused.map(|page| (page.rows, page.bad_rows)), &self.stage) {
            self.page_begun = false;
            self.end_incoming(2, rows, bad, Follows::Page);
        }
    }
}
