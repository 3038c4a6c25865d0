//! What goes wrong, and pages as files.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    ifax::{message::KeptPage, pages_as_tiff, pdf_of},
    service::Unsent,
    store::{StoreError, unpack, unpack_picture},
};

/// Why an operation did not do what it should.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    said: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, said: impl Into<String>) -> Self {
        Self { status, said: said.into() }
    }

    /// What is asked for is not there.
    pub(super) fn none(what: &str, id: i64) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} {id}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.said}))).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<Unsent> for Problem {
    fn from(unsent: Unsent) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, unsent.to_string())
    }
}

fn kept(image: &[u8], bad_rows: u32) -> Option<KeptPage> {
    Some(KeptPage { page: unpack(image)?, picture: unpack_picture(image), bad_rows })
}

/// Pages as the file the program asks for: TIFF where its Accept field names it, else PDF.
pub(super) fn file(name: &str, pages: &[(Vec<u8>, u32)], asked: &HeaderMap) -> Result<Response, Problem> {
    let unreadable = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a page in the store cannot be read");
    let pages: Option<Vec<KeptPage>> = pages.iter().map(|(image, bad_rows)| kept(image, *bad_rows)).collect();
    let pages = pages.ok_or_else(unreadable)?;
    let accept = asked.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, end, octets) = if accept.contains("image/tiff") {
        ("image/tiff", "tif", pages_as_tiff(&pages).map_err(|_| unreadable())?)
    } else {
        ("application/pdf", "pdf", pdf_of(pages.iter().map(|kept| (&kept.page, kept.picture.as_ref()))))
    };
    let disposition = format!("attachment; filename=\"{name}.{end}\"");
    let fields = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((fields, octets).into_response())
}
