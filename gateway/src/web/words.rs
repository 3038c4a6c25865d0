//! Values as people read them.

use jiff::{Timestamp, tz::TimeZone};

use super::messages::message;
use crate::store::now;

/// The text of a key.
pub(super) fn t(key: &str) -> &'static str {
    message(key).unwrap_or("?")
}

/// The word for a value of a kind, as `state.queued`; the value itself when there is none.
pub(super) fn word(kind: &str, value: &str) -> String {
    match message(&format!("{kind}.{value}")) {
        Some(text) => text.to_owned(),
        None => value.replace('_', " "),
    }
}

/// A moment where this machine is.
pub(super) fn moment(at: i64) -> String {
    written(at, "%Y-%m-%d %H:%M")
}

/// The same for programs.
pub(super) fn stamp(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn written(at: i64, form: &str) -> String {
    let zoned = Timestamp::from_millisecond(at).map(|at| at.to_zoned(TimeZone::system()));
    zoned.map_or_else(|_| at.to_string(), |at| at.strftime(form).to_string())
}

/// How long it is until then, or was; in the largest unit that counts.
pub(super) fn distance(at: i64) -> String {
    let seconds = (at - now()) / 1000;
    let span = span(seconds.unsigned_abs());
    let key = if seconds > 0 { "time.in" } else { "time.ago" };
    t(key).replace("{}", &span)
}

/// Seconds as people say them.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Minutes and seconds of a call.
pub(super) fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// What templates may do with a value.
#[allow(unreachable_pub, reason = "the macro makes items that are")]
pub(super) mod filters {
    use askama::{Result, Values, filter_fn};

    #[filter_fn]
    pub(crate) fn t(key: &str, _: &dyn Values) -> Result<&'static str> {
        Ok(super::t(key))
    }

    #[filter_fn]
    pub(crate) fn word(value: &str, _: &dyn Values, kind: &str) -> Result<String> {
        Ok(super::word(kind, value))
    }

    /// As it stands in a path or a query.
    #[filter_fn]
    pub(crate) fn quoted(text: &str, _: &dyn Values) -> Result<String> {
        Ok(crate::web::failure::quoted(text))
    }

    #[filter_fn]
    pub(crate) fn moment(at: &i64, _: &dyn Values) -> Result<String> {
        Ok(super::moment(*at))
    }

    #[filter_fn]
    pub(crate) fn stamp(at: &i64, _: &dyn Values) -> Result<String> {
        Ok(super::stamp(*at))
    }

    #[filter_fn]
    pub(crate) fn distance(at: &i64, _: &dyn Values) -> Result<String> {
        Ok(super::distance(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_words_are_for_people() {
        assert_eq!(
            (span(59), span(61), span(7_260), span(200_000)),
            ("59 s".into(), "1 min".into(), "2 h 1 min".into(), "2 d".into())
        );
        assert_eq!(clock(125), "2:05");
        assert_eq!(word("state", "no_such_state"), "no such state");
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z");
    }
}
