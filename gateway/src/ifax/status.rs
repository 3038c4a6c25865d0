//! What the end of a call means to a mailer: an enhanced status code, and whether trying again makes sense.

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// RFC 3463.
    pub status: &'static str,
    /// Whether another call may go better, RFC 4161 2.2.
    pub retry: bool,
}

/// Delivered, and as it was.
pub const DELIVERED: &str = "2.0.0";

/// Causes as the call's report names them, and some of the gateway's own. RFC 4161 2.2.2 wants no further calls where
/// a person may have answered or where the paper is out; a line that breaks is worth another.
const ROWS: [(&str, &str, bool); 23] = [
    ("no_fax_heard", "4.4.1", false),
    ("peer_silent", "4.4.2", true),
    ("peer_disconnected", "4.4.2", true),
    ("peer_not_ready", "4.2.2", false),
    ("incompatible", "5.6.3", false),
    ("training_failed", "4.4.2", true),
    ("page_rejected", "4.4.2", true),
    ("too_long", "5.2.3", false),
    ("nothing_to_send", "5.6.1", false),
    ("line_lost", "4.4.2", true),
    ("busy", "4.4.1", true),
    ("congestion", "4.4.5", true),
    ("no_dial_tone", "4.4.2", true),
    ("dial_tone", "4.4.2", true),
    ("number_unobtainable", "5.1.1", false),
    ("special_information", "5.1.6", false),
    ("voice", "5.4.0", false),
    ("answering_machine", "5.4.0", false),
    ("data_modem", "5.4.0", false),
    ("text_telephone", "5.4.0", false),
    ("alarm_receiver", "5.4.0", false),
    ("no_line", "4.3.2", true),
    ("interrupted", "4.3.2", true),
];

/// What a cause means. One that is not known is a bad connection.
pub fn consequence(cause: &str) -> Consequence {
    let row = ROWS.iter().find(|(name, ..)| *name == cause);
    row.map_or(Consequence { status: "4.4.2", retry: true }, |(_, status, retry)| Consequence { status, retry: *retry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_not_rung_again_and_broken_lines_are_tried_again() {
        assert!(!consequence("no_fax_heard").retry);
        assert!(!consequence("peer_not_ready").retry);
        assert!(consequence("line_lost").retry && consequence("busy").retry);
        assert!(!consequence("voice").retry && !consequence("special_information").retry);
        assert_eq!(consequence("something new"), Consequence { status: "4.4.2", retry: true });
    }
}
