//! Documents that go another way than the line.

use super::*;

/// The certificate of who brings a document another way than the line.
const BRINGER: HalfPrint = [0xb1; 16];

/// What a page takes on that way, and an answer.
const PASSAGE: LineSpan = LineSpan::ms(100);

/// Another way than the line, as far as it goes.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Pages that come through before it breaks.
    pub(crate) pages: usize,
    /// Whether the answer to the last of them comes back.
    pub(crate) answered: bool,
    /// Whether it is told that it broke, or nothing more is heard of it.
    pub(crate) told: bool,
    awaited: bool,
    pub(super) over: bool,
    to_bring: VecDeque<(Page, bool)>,
}

impl Way {
    pub(crate) fn breaking(pages: usize, answered: bool, told: bool) -> Self {
        Self { pages, answered, told, awaited: false, over: false, to_bring: VecDeque::new() }
    }
}

impl Call<'_> {
    /// What the service does for a document that goes another way.
    pub(super) fn direct(&mut self, side: Side, step: DirectStep) {
        match step {
            DirectStep::Offered(_) => self.news(Side::Caller, DirectNews::Go(BRINGER)),
            DirectStep::Await(who) => self.way.awaited = who == BRINGER,
            DirectStep::Bring(_, pages) => {
                let last = pages.len() - 1;
                self.way.to_bring = pages.iter().enumerate().map(|(at, page)| ((**page).clone(), at == last)).collect();
                // NSS is heard a little later than it was said.
                self.at(self.now + PASSAGE, Happening::Knock);
            }
            DirectStep::Kept(_) => {
                assert_eq!(side, Side::Answerer);
                self.way.pages -= 1;
                if self.way.pages > 0 || self.way.answered {
                    let kept = self.end(Side::Answerer).result.received.len();
                    self.news(Side::Caller, DirectNews::Kept(kept));
                }
                self.bring();
            }
            DirectStep::Stop => self.way.over = true,
        }
    }

    /// The next page sets off, if the way goes on.
    pub(super) fn bring(&mut self) {
        if self.way.pages == 0 || !self.way.awaited {
            if self.way.told && !self.way.to_bring.is_empty() {
                self.news(Side::Caller, DirectNews::Over);
            }
            return;
        }
        if let Some((page, last)) = self.way.to_bring.pop_front() {
            self.news(Side::Answerer, DirectNews::Page { page, last });
        }
    }

    fn news(&mut self, by: Side, news: DirectNews) {
        self.at(self.now + PASSAGE, Happening::Direct { by, news });
    }
}
