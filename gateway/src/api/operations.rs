//! All operations: their paths, what they are for, and who does them.

use axum::{
    Json,
    routing::{MethodRouter, delete, get, post},
};

use super::{document, received, sent};
use crate::service::Front;

/// One operation.
pub(super) struct Operation {
    /// Its HTTP method in small letters.
    pub(super) method: &'static str,
    /// Under the root.
    pub(super) path: &'static str,
    /// What it does, for people.
    pub(super) summary: &'static str,
    /// Schema of what it takes; empty for nothing.
    pub(super) takes: &'static str,
    /// Schema of what it answers; empty for a file.
    pub(super) answers: &'static str,
    /// Query parameters, each with what it means.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// Who does it.
    pub(super) route: fn() -> MethodRouter<Front>,
}

const LISTED: &[(&str, &str)] = &[
    ("state", "only those in this state"),
    ("number", "only those whose number has this in it"),
    ("since", "only those that came at this time or later, milliseconds since 1970"),
    ("limit", "at most so many, the newest; 100 when left out"),
];

/// All of them.
pub(super) const ALL: [Operation; 10] = [
    Operation {
        method: "post",
        path: "/faxes",
        summary: "Have a fax sent, to one number or several.",
        takes: "Submission",
        answers: "Submitted",
        query: &[],
        route: || post(sent::submit),
    },
    Operation {
        method: "get",
        path: "/faxes",
        summary: "Faxes that were to be sent, from the log.",
        takes: "",
        answers: "Log",
        query: LISTED,
        route: || get(sent::list),
    },
    Operation {
        method: "get",
        path: "/faxes/{id}",
        summary: "One fax, with the calls made for it and where one stands that is under way.",
        takes: "",
        answers: "Fax",
        query: &[],
        route: || get(sent::one),
    },
    Operation {
        method: "delete",
        path: "/faxes/{id}",
        summary: "Cancel a fax that is not over; a call under way is ended.",
        takes: "",
        answers: "Done",
        query: &[],
        route: || delete(sent::cancel),
    },
    Operation {
        method: "post",
        path: "/faxes/{id}/retry",
        summary: "Try a fax now that waits, failed or was cancelled.",
        takes: "",
        answers: "Done",
        query: &[],
        route: || post(sent::retry),
    },
    Operation {
        method: "get",
        path: "/faxes/{id}/document",
        summary: "The pages of a fax as they are sent, PDF or TIFF.",
        takes: "",
        answers: "",
        query: &[],
        route: || get(sent::document),
    },
    Operation {
        method: "get",
        path: "/received",
        summary: "Faxes that came in, from the log.",
        takes: "",
        answers: "Log",
        query: LISTED,
        route: || get(received::list),
    },
    Operation {
        method: "get",
        path: "/received/{id}",
        summary: "One fax that came in.",
        takes: "",
        answers: "Received",
        query: &[],
        route: || get(received::one),
    },
    Operation {
        method: "get",
        path: "/received/{id}/document",
        summary: "Its pages, PDF or TIFF.",
        takes: "",
        answers: "",
        query: &[],
        route: || get(received::document),
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        summary: "This interface, described.",
        takes: "",
        answers: "Document",
        query: &[],
        route: || get(async || Json(document::describe())),
    },
];
