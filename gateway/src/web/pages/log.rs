//! Every fax that was sent and received, and the same for spreadsheets and programs.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    cli::log_as_csv,
    store::{LogFilter, LogRow},
    web::{
        Site,
        failure::{Failure, quoted},
        frame::{Frame, Html},
        session::Visitor,
        words::filters,
    },
};

/// Rows on the page, and rows in a file.
const SHOWN: i64 = 200;
const EXPORTED: i64 = 100_000;
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    way: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    state: String,
}

#[derive(Template)]
#[template(path = "web/log.html")]
struct LogPage {
    frame: Frame,
    asked: Asked,
    query: String,
    rows: Vec<LogRow>,
}

impl Asked {
    fn filter(&self, limit: i64) -> LogFilter {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        LogFilter {
            way: given(&self.way),
            since: day(&self.since),
            until: day(&self.until).map(|day| day + DAY_MS),
            number: given(&self.number),
            state: given(&self.state),
            limit: Some(limit),
            ..LogFilter::default()
        }
    }

    fn query(&self) -> String {
        let fields = [
            ("way", &self.way),
            ("since", &self.since),
            ("until", &self.until),
            ("number", &self.number),
            ("state", &self.state),
        ];
        fields.map(|(name, value)| format!("{name}={}", quoted(value))).join("&")
    }
}

/// The first moment of a day where this machine is.
fn day(text: &str) -> Option<i64> {
    let zoned = text.trim().parse::<Date>().ok()?.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Failure> {
    visitor.operates()?;
    let mut rows = site.front.store().history(&asked.filter(SHOWN)).await?;
    rows.reverse();
    Ok(Html(LogPage { frame: Frame::new(&visitor, "log"), query: asked.query(), asked, rows }))
}

pub(super) async fn csv(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    visitor.operates()?;
    let rows = site.front.store().history(&asked.filter(EXPORTED)).await?;
    Ok(file("text/csv; charset=utf-8", "faxes.csv", log_as_csv(&rows)))
}

pub(super) async fn json(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    visitor.operates()?;
    let rows = site.front.store().history(&asked.filter(EXPORTED)).await?;
    let lines: String = rows.iter().filter_map(|row| Some(serde_json::to_string(row).ok()? + "\n")).collect();
    Ok(file("application/x-ndjson", "faxes.json", lines.into_bytes()))
}

fn file(kind: &str, name: &str, octets: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], octets).into_response()
}
