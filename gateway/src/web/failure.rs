//! Why a page is not shown.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use tracing::error;

use super::{
    frame::{Html, Plain},
    words::t,
};
use crate::store::StoreError;

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is logged in; where it wanted to go.
    Nobody { then: String },
    /// Somebody is, but this is not its.
    NotYours,
    /// There is no such thing.
    NotFound,
    /// The form is of another session.
    OldForm,
    /// The request makes no sense.
    Wrong(String),
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, key, said) = match self {
            Self::Nobody { then } => return Redirect::to(&format!("/login?then={}", quoted(&then))).into_response(),
            Self::NotYours => (StatusCode::FORBIDDEN, "error.not_yours", String::new()),
            Self::NotFound => (StatusCode::NOT_FOUND, "error.not_found", String::new()),
            Self::OldForm => (StatusCode::FORBIDDEN, "error.old_form", String::new()),
            Self::Wrong(said) => (StatusCode::UNPROCESSABLE_ENTITY, "error.wrong", said),
            Self::Store(failure) => {
                error!(%failure, "a page cannot be shown");
                (StatusCode::SERVICE_UNAVAILABLE, "error.store", String::new())
            }
        };
        (status, Html(Plain { title: t(key), said })).into_response()
    }
}

/// A path as it stands in a query.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.~/".contains(&c);
    text.bytes().map(|c| if plain(c) { char::from(c).to_string() } else { format!("%{c:02X}") }).collect()
}
