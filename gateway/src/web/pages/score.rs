//! The last 30 days: how many calls went well, and why others did not.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use jiff::{ToSpan, civil::date};

use crate::{
    store::{Tally, now},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        session::Visitor,
        words::{filters, word},
    },
};

const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// Height of the drawing.
const HEIGHT: f64 = 140.0;
/// Width of a day in it.
const DAY_WIDTH: f64 = 20.0;

#[derive(Template)]
#[template(path = "web/score.html")]
struct ScorePage {
    frame: Frame,
    calls: i64,
    good: i64,
    percent: String,
    causes: Vec<CauseRow>,
    days: Vec<Day>,
    width: f64,
}

/// A cause, how often it ended a call, and how much of all failures that is.
#[derive(Debug, PartialEq)]
struct CauseRow {
    cause: String,
    calls: i64,
    percent: i64,
}

/// A day of the drawing.
#[derive(Debug, PartialEq)]
struct Day {
    name: String,
    good: i64,
    failed: i64,
    x: f64,
    good_y: f64,
    good_height: f64,
    failed_y: f64,
    failed_height: f64,
}

pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<impl IntoResponse, Failure> {
    visitor.operates()?;
    let today = now() / DAY_MS;
    let tallies = site.front.store().tallies((today - DAYS + 1) * DAY_MS).await?;
    let sum = |good: bool| tallies.iter().filter(|tally| tally.cause.is_empty() == good).map(|tally| tally.calls).sum();
    let (good, failed): (i64, i64) = (sum(true), sum(false));
    let share = 100.0 * good as f64 / (good + failed).max(1) as f64;
    Ok(Html(ScorePage {
        frame: Frame::new(&visitor, "score"),
        calls: good + failed,
        good,
        percent: if good + failed == 0 { "–".into() } else { format!("{share:.1} %") },
        causes: causes(&tallies),
        days: days(&tallies, today),
        width: DAYS as f64 * DAY_WIDTH,
    }))
}

/// Causes, the most frequent first.
fn causes(tallies: &[Tally]) -> Vec<CauseRow> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for tally in tallies.iter().filter(|tally| !tally.cause.is_empty()) {
        *sums.entry(&tally.cause).or_default() += tally.calls;
    }
    let all: i64 = sums.values().sum();
    let row = |(cause, calls): (&str, i64)| CauseRow {
        cause: word("cause", cause),
        calls,
        percent: 100 * calls / all.max(1),
    };
    let mut rows: Vec<_> = sums.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
    rows
}

fn days(tallies: &[Tally], today: i64) -> Vec<Day> {
    let of = |day: i64, good: bool| -> i64 {
        let fits = |tally: &&Tally| tally.day == day && tally.cause.is_empty() == good;
        tallies.iter().filter(fits).map(|tally| tally.calls).sum()
    };
    let range = today - DAYS + 1..=today;
    let most = range.clone().map(|day| of(day, true) + of(day, false)).max().unwrap_or(0).max(1) as f64;
    range
        .enumerate()
        .map(|(place, day)| {
            let (good, failed) = (of(day, true), of(day, false));
            let (good_height, failed_height) = (HEIGHT * good as f64 / most, HEIGHT * failed as f64 / most);
            Day {
                name: (date(1970, 1, 1).saturating_add(day.days())).strftime("%m-%d").to_string(),
                good,
                failed,
                x: place as f64 * DAY_WIDTH,
                good_y: HEIGHT - good_height,
                good_height,
                failed_y: HEIGHT - good_height - failed_height,
                failed_height,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_drawn_by_the_fullest_and_causes_by_how_many() {
        let tally = |day, cause: &str, calls| Tally { day, cause: cause.into(), calls };
        let tallies = [tally(100, "", 6), tally(100, "busy", 2), tally(99, "voice", 3), tally(99, "busy", 2)];
        let causes = causes(&tallies);
        assert_eq!(causes.iter().map(|row| (row.calls, row.percent)).collect::<Vec<_>>(), [(4, 57), (3, 42)]);
        let days = days(&tallies, 100);
        assert_eq!(days.len(), 30);
        assert_eq!((days[29].good_height, days[29].failed_height, days[29].failed_y), (105.0, 35.0, 0.0));
        assert_eq!((days[28].good, days[28].failed, days[28].name.as_str()), (0, 5, "04-10"));
    }
}
