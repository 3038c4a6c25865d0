//! Media features, RFC 2533: what a document is made of and what a machine can take, as expressions of tags such as those
//! of RFC 2879.
//!
//! ```text
//!  (& (color=Binary) (dpi=[200,400]) (| (image-coding=MH) (image-coding=MMR)))
//! ```
//!
//! An expression is read into the ways in which it can be true, each a bound for each tag that it names. A tag that one
//! of two expressions does not name is no obstacle to their match.

use std::collections::BTreeMap;

/// Longest expression that is read, octets.
const MOST_OCTETS: usize = 8 * 1024;
/// Deepest nesting that is read.
const DEEPEST: usize = 32;
/// Most ways in which an expression may be true.
const MOST_WAYS: usize = 256;
/// Most items `(tag=value)` of an expression, and most values of a tag: both multiply when sets are compared.
const MOST_ITEMS: usize = 256;
const MOST_VALUES: usize = 64;

/// A feature set: the ways in which its expression is true.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features(Vec<Way>);

/// What each tag that is named may be.
type Way = BTreeMap<String, Allowed>;

/// What a tag may be.
#[derive(Clone, Debug, PartialEq)]
enum Allowed {
    Among(Vec<Piece>),
    Except(Vec<Piece>),
}

/// Some values of a tag.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// Numbers between these, both of them included.
    Numbers(f64, f64),
    /// A token or a string, in small letters.
    Text(String),
}

/// What is wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// Not of that language.
    #[error("not a feature expression at octet {0}")]
    Syntax(usize),
    /// Of that language, but larger than anybody needs.
    #[error("a feature expression is too large or too deep")]
    TooLarge,
}

impl Features {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, FeatureError> {
        if text.len() > MOST_OCTETS {
            return Err(FeatureError::TooLarge);
        }
        let mut reader = Reader { text: text.as_bytes(), at: 0, items: 0 };
        let ways = reader.filter(false, 0)?;
        if reader.next().is_some() { Err(FeatureError::Syntax(reader.at)) } else { Ok(Self(ways)) }
    }

    /// What both allow.
    pub fn both(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().filter_map(move |two| met(one, two)));
        Self(pairs.take(MOST_WAYS).collect())
    }

    /// Whether anything is allowed.
    pub fn is_possible(&self) -> bool {
        !self.0.is_empty()
    }

    /// The set with what it does not name taken from another, RFC 3297 4.
    pub fn or_as(&self, other: &Self) -> Self {
        let filled = |way: &Way, rest: &Way| rest.clone().into_iter().chain(way.clone()).collect();
        let pairs = self.0.iter().flat_map(|way| other.0.iter().map(move |rest| filled(way, rest)));
        Self(pairs.take(MOST_WAYS).collect())
    }

    /// The largest number that a tag may be; none where it is not bound.
    pub fn most(&self, tag: &str) -> Option<f64> {
        let of_way = |way: &Way| match way.get(tag)? {
            Allowed::Among(pieces) => pieces.iter().filter_map(Piece::most).reduce(f64::max),
            Allowed::Except(_) => None,
        };
        self.0.iter().filter_map(of_way).reduce(f64::max)
    }

    /// Whether a tag is said to be one of these, in small letters.
    pub fn names(&self, tag: &str, values: &[&str]) -> bool {
        let is = |piece: &Piece| matches!(piece, Piece::Text(text) if values.contains(&text.as_str()));
        self.0.iter().any(|way| matches!(way.get(tag), Some(Allowed::Among(pieces)) if pieces.iter().any(is)))
    }
}

impl Piece {
    fn most(&self) -> Option<f64> {
        match self {
            Self::Numbers(_, most) if most.is_finite() => Some(*most),
            _ => None,
        }
    }

    fn met(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Numbers(from, to), Self::Numbers(other_from, other_to)) => {
                let (from, to) = (from.max(*other_from), to.min(*other_to));
                (from <= to).then_some(Self::Numbers(from, to))
            }
            _ => (self == other).then(|| self.clone()),
        }
    }

    /// Whether all of it is in the other.
    fn is_within(&self, other: &Self) -> bool {
        self.met(other).as_ref() == Some(self)
    }
}

impl Allowed {
    /// What both allow; none when that is nothing. Of more values than anybody names, some.
    fn met(&self, other: &Self) -> Option<Self> {
        let left = |pieces: &[Piece], without: &[Piece]| {
            pieces.iter().filter(|piece| !without.iter().any(|other| piece.is_within(other))).cloned().collect()
        };
        let met = match (self, other) {
            (Self::Among(ours), Self::Among(theirs)) => {
                ours.iter().flat_map(|one| theirs.iter().filter_map(|two| one.met(two))).take(MOST_VALUES).collect()
            }
            (Self::Among(pieces), Self::Except(without)) | (Self::Except(without), Self::Among(pieces)) => {
                left(pieces, without)
            }
            (Self::Except(ours), Self::Except(theirs)) => return Some(Self::Except([&ours[..], theirs].concat())),
        };
        let met: Vec<Piece> = met;
        (!met.is_empty()).then_some(Self::Among(met))
    }
}

/// What both ways allow; none when some tag cannot be as both want it.
fn met(one: &Way, two: &Way) -> Option<Way> {
    let mut both = one.clone();
    for (tag, allowed) in two {
        let allowed = match one.get(tag) {
            Some(ours) => ours.met(allowed)?,
            None => allowed.clone(),
        };
        both.insert(tag.clone(), allowed);
    }
    Some(both)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Items so far.
    items: usize,
}

impl Reader<'_> {
    /// The next octet that is no space, which is not taken.
    fn next(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Takes an octet if it is the next.
    fn takes(&mut self, octet: u8) -> bool {
        let is = self.next() == Some(octet);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, octet: u8) -> Result<(), FeatureError> {
        if self.takes(octet) { Ok(()) } else { Err(FeatureError::Syntax(self.at)) }
    }

    /// A filter, or what is true when it is not.
    fn filter(&mut self, negated: bool, depth: usize) -> Result<Vec<Way>, FeatureError> {
        if depth > DEEPEST {
            return Err(FeatureError::TooLarge);
        }
        self.expect(b'(')?;
        let ways = match self.next() {
            Some(b'&') => self.list(negated, negated, depth)?,
            Some(b'|') => self.list(negated, !negated, depth)?,
            Some(b'!') => {
                self.at += 1;
                self.filter(!negated, depth + 1)?
            }
            _ => self.item(negated)?,
        };
        self.expect(b')')?;
        while self.takes(b';') {
            self.parameter();
        }
        Ok(ways)
    }

    /// Filters of which any has to be true, or all.
    fn list(&mut self, negated: bool, any: bool, depth: usize) -> Result<Vec<Way>, FeatureError> {
        self.at += 1;
        let mut ways = self.filter(negated, depth + 1)?;
        while self.next() == Some(b'(') {
            let more = self.filter(negated, depth + 1)?;
            if any {
                ways.extend(more);
            } else if ways.len() * more.len() > 16 * MOST_WAYS {
                return Err(FeatureError::TooLarge);
            } else {
                ways = ways.iter().flat_map(|one| more.iter().filter_map(move |two| met(one, two))).collect();
            }
            if ways.len() > MOST_WAYS {
                return Err(FeatureError::TooLarge);
            }
        }
        Ok(ways)
    }

    /// How much a filter is preferred, which matters to nobody here.
    fn parameter(&mut self) {
        while self.text.get(self.at).is_some_and(|octet| !b"();".contains(octet)) {
            self.at += 1;
        }
    }

    /// A tag and what it is to be.
    fn item(&mut self, negated: bool) -> Result<Vec<Way>, FeatureError> {
        self.items += 1;
        if self.items > MOST_ITEMS {
            return Err(FeatureError::TooLarge);
        }
        let tag = self.word(b"=<>()[],\"")?.to_ascii_lowercase();
        let pieces = match self.next() {
            Some(b'<') => vec![Piece::Numbers(f64::NEG_INFINITY, self.bound()?)],
            Some(b'>') => vec![Piece::Numbers(self.bound()?, f64::INFINITY)],
            _ => {
                self.expect(b'=')?;
                self.values()?
            }
        };
        let allowed = if negated { Allowed::Except(pieces) } else { Allowed::Among(pieces) };
        Ok(vec![Way::from([(tag, allowed)])])
    }

    /// The number after `<=` or `>=`.
    fn bound(&mut self) -> Result<f64, FeatureError> {
        self.at += 1;
        self.expect(b'=')?;
        match self.value()? {
            Piece::Numbers(number, _) => Ok(number),
            Piece::Text(_) => Err(FeatureError::Syntax(self.at)),
        }
    }

    /// One value, or a set of values and ranges.
    fn values(&mut self) -> Result<Vec<Piece>, FeatureError> {
        if !self.takes(b'[') {
            return Ok(vec![self.value()?]);
        }
        let mut pieces = vec![];
        loop {
            let from = self.value()?;
            let is_range = self.next() == Some(b'.') && self.text[self.at..].starts_with(b"..");
            pieces.push(if is_range { self.up_to(&from)? } else { from });
            if self.takes(b']') {
                return Ok(pieces);
            }
            if pieces.len() == MOST_VALUES {
                return Err(FeatureError::TooLarge);
            }
            self.expect(b',')?;
        }
    }

    fn up_to(&mut self, from: &Piece) -> Result<Piece, FeatureError> {
        self.at += 2;
        match (from, self.value()?) {
            (Piece::Numbers(from, _), Piece::Numbers(to, _)) => Ok(Piece::Numbers(*from, to)),
            _ => Err(FeatureError::Syntax(self.at)),
        }
    }

    fn value(&mut self) -> Result<Piece, FeatureError> {
        if self.takes(b'"') {
            let length = self.text[self.at..].iter().position(|octet| *octet == b'"');
            let length = length.ok_or(FeatureError::Syntax(self.at))?;
            let text = String::from_utf8_lossy(&self.text[self.at..self.at + length]).to_lowercase();
            self.at += length + 1;
            return Ok(Piece::Text(text));
        }
        let word = self.word(b"=<>()[],\"")?;
        Ok(number(&word).map_or_else(|| Piece::Text(word.to_lowercase()), |number| Piece::Numbers(number, number)))
    }

    /// All up to a space, one of these, or the dots of a range.
    fn word(&mut self, ends: &[u8]) -> Result<String, FeatureError> {
        self.next();
        let rest = &self.text[self.at..];
        let ends_at = |at: &usize| {
            let octet = rest[*at];
            ends.contains(&octet) || octet.is_ascii_whitespace() || rest[*at..].starts_with(b"..")
        };
        let length = (0..rest.len()).find(ends_at).unwrap_or(rest.len());
        if length == 0 {
            return Err(FeatureError::Syntax(self.at));
        }
        self.at += length;
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }
}

/// An integer, or a fraction of two.
fn number(word: &str) -> Option<f64> {
    let (above, below) = word.split_once('/').unwrap_or((word, "1"));
    let (above, below): (i64, i64) = (above.parse().ok()?, below.parse().ok()?);
    (below > 0).then(|| above as f64 / below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Features {
        Features::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn match_of(one: &str, two: &str) -> bool {
        let (one, two) = (features(one), features(two));
        assert_eq!(one.both(&two).is_possible(), two.both(&one).is_possible());
        one.both(&two).is_possible()
    }

    /// The receiver of the first example of RFC 3297 8.1, said in our own order.
    const RECEIVER: &str = "(& (type=\"image/tiff\") (color=Binary) (MRC-mode=0) (paper-size=[A4,B4])\r\n\t\
        (| (& (dpi=200) (dpi-xyratio=[1,200/100])) (& (dpi=400) (dpi-xyratio=1)))\r\n\t\
        (| (image-coding=[MH,MR,MMR]) (& (image-coding=JBIG) (JBIG-stripe-size=128))))";

    #[test]
    fn a_document_matches_who_takes_all_that_it_is_made_of() {
        assert!(match_of(RECEIVER, "(& (color=binary) (dpi=400) (dpi-xyratio=1) (paper-size=a4) (image-coding=MMR))"));
        assert!(match_of(RECEIVER, "(& (dpi=200) (dpi-xyratio=2) (image-coding=jbig) (never-heard-of=it))"));
        assert!(!match_of(RECEIVER, "(& (dpi=400) (dpi-xyratio=200/100))"));
        assert!(!match_of(RECEIVER, "(color=Full)"));
        assert!(!match_of(RECEIVER, "(type=\"application/pdf\")"));
        assert!(!match_of(RECEIVER, "(& (image-coding=JBIG) (JBIG-stripe-size=64))"));
    }

    #[test]
    fn bounds_ranges_and_not_are_what_they_say() {
        assert!(match_of("(dpi<=300)", "(dpi=[200,400])") && !match_of("(dpi<=300)", "(dpi=400)"));
        assert!(match_of("(dpi=[100..300])", "(dpi>=300)") && !match_of("(dpi=[100..299])", "(dpi>=300)"));
        assert!(match_of("(! (color=Full))", "(color=Grey)") && !match_of("(!(color=Full))", "(color=full)"));
        assert!(!match_of("(! (| (dpi=200) (dpi=[300..400])))", "(dpi=[200,350])"));
        assert!(match_of("(! (& (dpi=200) (color=Full)))", "(& (dpi=200) (color=Grey))"));
        assert!(match_of("(! (dpi=200))", "(! (dpi=400))"));
        assert!(match_of("(| (& (x=1) (y=2)) ; q=0.5 (z=3)); a=b", "(z=3)"));
    }

    #[test]
    fn what_is_not_named_is_as_before() {
        let given = features("(& (type=\"image/tiff\") (dpi=200) (color=Binary))");
        let other = features("(& (dpi=[300,400]) (color=[Grey,Full]))").or_as(&given);
        assert_eq!((other.most("dpi"), other.most("paper")), (Some(400.0), None));
        assert!(other.names("type", &["image/tiff"]) && other.names("color", &["full"]));
        assert!(!other.names("color", &["binary"]));
    }

    #[test]
    fn what_is_no_expression_or_too_large_is_refused() {
        for text in
            ["", "(", "()", "(dpi)", "(dpi=)", "dpi=200", "(& )", "(dpi=[200)", "(dpi<200)", "(dpi<=A4)", "(a=b) c"]
        {
            assert!(matches!(Features::parse(text), Err(FeatureError::Syntax(_))), "{text}");
        }
        let deep = format!("{}(a=1){}", "(!".repeat(100), ")".repeat(100));
        assert_eq!(Features::parse(&deep), Err(FeatureError::TooLarge));
        let many = format!("(& {})", "(| (a=1) (b=2))".repeat(40));
        assert_eq!(Features::parse(&many), Err(FeatureError::TooLarge));
        assert_eq!(Features::parse(&"(a=1)".repeat(10_000)), Err(FeatureError::TooLarge));
        let values = |count| format!("(a=[{}])", vec!["1"; count].join(","));
        assert!(Features::parse(&values(MOST_VALUES)).is_ok());
        assert_eq!(Features::parse(&values(MOST_VALUES + 1)), Err(FeatureError::TooLarge));
        assert_eq!(Features::parse(&format!("(& {})", "(a=1)".repeat(MOST_ITEMS + 1))), Err(FeatureError::TooLarge));
    }

    #[test]
    fn values_that_all_meet_each_other_stay_few() {
        let ranges = format!("(a=[{}])", vec!["1..9"; MOST_VALUES].join(","));
        let Features(ways) = features(&format!("(& {})", ranges.repeat(20)));
        assert!(matches!(&ways[0]["a"], Allowed::Among(pieces) if pieces.len() == MOST_VALUES));
    }
}
