//! What the end of a call means to a mailer: an enhanced status code, and whether trying again makes sense.

use crate::engine::CallReport;

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// RFC 3463.
    pub status: &'static str,
    /// Whether another call may go better, RFC 4161 2.2.
    pub retry: bool,
    /// Whether it may go better with simpler means: slower, without error correction, on another line.
    pub simpler: bool,
}

/// Delivered, and as it was.
pub const DELIVERED: &str = "2.0.0";

/// Another call may help, the same way or a simpler one; or none does.
const AGAIN: (bool, bool) = (true, false);
const SIMPLER: (bool, bool) = (true, true);
const FINAL: (bool, bool) = (false, false);

/// Causes as the call's report names them, and some of the gateway's own. RFC 4161 2.2.2 wants no further calls where
/// a person or a data modem answered, where nothing does, where the paper is out or somebody pressed stop; a line that
/// breaks is worth another.
const ROWS: [(&str, &str, (bool, bool)); 32] = [
    ("busy", "4.4.1", AGAIN),
    ("congestion", "4.4.5", AGAIN),
    ("no_answer", "4.4.1", AGAIN),
    ("no_line", "4.3.2", AGAIN),
    ("no_dial_tone", "4.3.2", AGAIN),
    ("no_fax_heard", "4.4.1", FINAL),
    ("dial_tone", "4.3.2", AGAIN),
    ("voice", "5.4.0", FINAL),
    ("answering_machine", "5.4.0", FINAL),
    ("data_modem", "5.4.0", FINAL),
    ("text_telephone", "5.4.0", FINAL),
    ("alarm_receiver", "5.4.0", FINAL),
    ("number_unobtainable", "5.1.1", FINAL),
    ("number_wrong", "5.1.1", FINAL),
    ("special_information", "5.1.6", FINAL),
    ("peer_silent", "4.4.2", SIMPLER),
    ("peer_disconnected", "4.4.2", SIMPLER),
    ("peer_not_ready", "4.2.2", FINAL),
    ("peer_refused", "5.7.1", FINAL),
    ("password_refused", "5.7.1", FINAL),
    ("unknown_response", "4.4.2", SIMPLER),
    ("incompatible", "5.6.3", FINAL),
    ("training_failed", "4.4.2", SIMPLER),
    ("page_rejected", "4.4.2", SIMPLER),
    ("too_long", "5.2.3", FINAL),
    ("nothing_to_send", "5.6.1", FINAL),
    ("line_lost", "4.4.2", AGAIN),
    ("interrupted", "4.3.2", AGAIN),
    ("render", "5.6.1", FINAL),
    ("not_allowed", "5.7.1", FINAL),
    ("over_quota", "5.7.1", FINAL),
    ("cancelled", "5.7.0", FINAL),
];

/// The names of all causes.
pub fn known_causes() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, ..)| *name)
}

/// What a cause means. One that is not known is a bad connection.
pub fn consequence(cause: &str) -> Consequence {
    let row = ROWS.iter().find(|(name, ..)| *name == cause);
    let (status, (retry, simpler)) = row.map_or(("4.4.2", SIMPLER), |(_, status, then)| (*status, *then));
    Consequence { status, retry, simpler }
}

/// The cause of a failed call, with what was heard on the line: who or what answered, or why nobody did.
pub fn cause(report: &CallReport) -> Option<&'static str> {
    let failure = report.failure.as_ref()?;
    let told = if failure.cause == "no_fax_heard" { report.heard.unwrap_or(failure.cause) } else { failure.cause };
    Some(match told {
        "ringing" => "no_answer",
        "dial_tone" => "no_dial_tone",
        "special_information" | "number_unobtainable" => "number_wrong",
        "answering_machine" | "alarm_receiver" => "voice",
        "text_telephone" => "data_modem",
        heard @ ("busy" | "congestion" | "voice" | "data_modem") => heard,
        _ => failure.cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_not_rung_again_and_broken_lines_are_tried_again() {
        for never in ["no_fax_heard", "voice", "data_modem", "peer_not_ready", "number_wrong"] {
            assert!(!consequence(never).retry, "{never}");
        }
        for again in ["busy", "no_line", "line_lost", "training_failed"] {
            assert!(consequence(again).retry, "{again}");
        }
        assert!(consequence("training_failed").simpler && !consequence("busy").simpler);
        assert_eq!(consequence("something new"), Consequence { status: "4.4.2", retry: true, simpler: true });
    }

    #[test]
    fn each_cause_is_named_once() {
        let mut names: Vec<_> = known_causes().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
