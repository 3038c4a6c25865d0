//! Every kind of call, and in it one thing that a front end has to tell dropped, damaged, doubled or delayed, for each
//! place. Whatever comes of it ends in bounded line time, never are two carriers on the line at once, and neither side
//! holds a page for delivered that the other does not have.

use super::*;
use ideal::Twist;

/// The longest a disturbed call may take: that of one without end is 35 s of T1 and 60 s of T5 and some repeats.
const LONGEST: LineTime = LineTime(8000 * 300);

/// How late a delayed event comes.
const DELAY: LineSpan = LineSpan::ms(250);

/// A kind of call.
struct Kind {
    name: &'static str,
    caller: Config,
    answerer: Config,
    /// Pages of the caller's documents, and of the answerer's.
    documents: [&'static [usize]; 2],
    /// Storing a page takes the answerer so long.
    keeps: Option<LineSpan>,
    /// Above this rate the first frame of each block is damaged.
    clean_at: Option<u32>,
}

impl Kind {
    fn plain(name: &'static str, error_correction: bool, pages: &'static [usize]) -> Self {
        let config = ecm(error_correction);
        Self { name, caller: config.clone(), answerer: config, documents: [pages, &[]], keeps: None, clean_at: None }
    }

    fn call(&self) -> Call<'static> {
        let documents = self.documents.map(|pages| pages.iter().map(|&pages| pages_of(pages)));
        let [caller, answerer] = [self.caller.clone(), self.answerer.clone()].map(Arc::new);
        let [mut theirs, ours] = documents;
        let caller = Session::calling(caller, theirs.next().unwrap_or_default(), LineTime::ZERO);
        let caller = theirs.fold(caller, Session::then_sending);
        let answerer = ours.fold(Session::answering(answerer, LineTime::ZERO), Session::then_sending);
        let clean_at = self.clean_at.unwrap_or(u32::MAX);
        let call = Call::between(caller, answerer).with_faults(move |passing| match passing {
            Passing::Frame { carrier, octets, .. } if ideal::name(octets) == "FCD" && octets[3] == 0 => {
                if carrier.bit_rate() > clean_at { Fate::Damage } else { Fate::Pass }
            }
            _ => Fate::Pass,
        });
        match self.keeps {
            Some(takes) => call.with_storage(takes, Ok(())),
            None => call,
        }
    }
}

fn pages_of(pages: usize) -> Document {
    document((0..pages).map(|seed| page(seed as u64 + 1, 24, Resolution::Fine)))
}

fn kinds() -> Vec<Kind> {
    let kept = |error_correction| Config { keeping: Keeping::Awaited, ..ecm(error_correction) };
    let mut kinds = Vec::new();
    for (on, names) in [
        (false, ["a page", "two pages", "two documents", "a poll", "both ways"]),
        (true, ["a page, ECM", "two pages, ECM", "two documents, ECM", "a poll, ECM", "both ways, ECM"]),
    ] {
        let [one, two, documents, poll, both] = names;
        kinds.push(Kind::plain(one, on, &[1]));
        kinds.push(Kind::plain(two, on, &[2]));
        kinds.push(Kind::plain(documents, on, &[1, 1]));
        let polls = Config { poll: true, ..ecm(on) };
        kinds.push(Kind { caller: polls.clone(), documents: [&[], &[2]], ..Kind::plain(poll, on, &[]) });
        kinds.push(Kind { caller: polls, documents: [&[1], &[1]], ..Kind::plain(both, on, &[]) });
    }
    let slow = Some(LineSpan::ms(2500));
    kinds.push(Kind { answerer: kept(true), keeps: slow, ..Kind::plain("RNR", true, &[2]) });
    let soon = Some(LineSpan::ms(500));
    kinds.push(Kind { answerer: kept(false), keeps: soon, ..Kind::plain("a slow disk", false, &[2]) });
    kinds.push(Kind { clean_at: Some(7200), ..Kind::plain("CTC", true, &[2]) });
    kinds
}

/// Pages one side holds for delivered, and those the other has.
fn accounts(call: &CallResult) -> [(usize, usize); 2] {
    let [caller, answerer] = [&call.caller, &call.answerer];
    [(caller, answerer), (answerer, caller)].map(|(from, to)| {
        let sent = from.sent.iter().filter(|(_, verdict)| verdict.is_good()).count();
        (sent, to.received.iter().filter(|page| page.verdict.is_good()).count())
    })
}

/// What is wrong with a call that was disturbed, if anything is.
fn wrong(call: &CallResult) -> Option<String> {
    let late = call.ended > LONGEST;
    let lost = accounts(call).into_iter().any(|(sent, there)| sent > there);
    let untold = call.caller.outcome.is_none() || call.answerer.outcome.is_none();
    let problems = [
        (call.collisions > 0, "two carriers at once"),
        (late, "it takes too long"),
        (lost, "a page is lost"),
        (untold, "an end does not know how it ended"),
    ];
    problems.iter().find(|(is_so, _)| *is_so).map(|(_, what)| (*what).to_owned())
}

#[test]
fn the_kinds_of_call_are_what_they_are_called() {
    for kind in kinds() {
        let call = kind.call().run();
        assert_completed(&call);
        let said = [call.said(Side::Caller), call.said(Side::Answerer)].concat();
        let sign = match kind.name {
            "RNR" => "RNR",
            "CTC" => "CTC",
            "two documents" => "EOM",
            name if name.starts_with("a poll") || name.starts_with("both ways") => "DTC",
            _ => "DCS",
        };
        assert!(said.contains(&sign), "{}: no {sign} in {said:?}", kind.name);
        let pages: usize = kind.documents.iter().flat_map(|documents| documents.iter()).sum();
        let [(out, there), (back, here)] = accounts(&call);
        assert_eq!((out + back, there + here), (pages, pages), "{}", kind.name);
    }
}

#[test]
fn one_event_disturbed_at_any_place_loses_nothing() {
    let (mut calls, mut completed, mut longer, mut found) = (0, 0, 0, Vec::new());
    for kind in kinds() {
        let CallResult { events, ended, .. } = kind.call().run();
        for twist in [Twist::Dropped, Twist::Damaged, Twist::Doubled, Twist::Delayed(DELAY)] {
            for place in 0..events {
                let call = kind.call().twisted(place, twist).run();
                calls += 1;
                completed += usize::from(call.caller.outcome == Some(Outcome::Completed));
                longer += usize::from(call.ended > ended);
                if let Some(what) = wrong(&call) {
                    found.push(format!("{}, event {place} {twist:?}: {what}\n{}", kind.name, call.transcript()));
                }
            }
        }
    }
    println!("{completed} of {calls} disturbed calls end well for the caller; {longer} took longer for it");
    assert!(longer > calls / 4, "only {longer} of {calls} calls were longer: nothing was disturbed");
    assert!(found.is_empty(), "{} of {calls}; the first:\n{}", found.len(), found[0]);
}
