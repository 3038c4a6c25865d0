//! What is known of the numbers that were called.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};

use super::now::carrier;
use crate::{
    store::{Destination, PlacedCall},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        session::Visitor,
        words::{clock, filters},
    },
};

/// Most numbers, and most calls of one.
const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "web/destinations.html")]
struct DestinationsPage {
    frame: Frame,
    destinations: Vec<Destination>,
}

#[derive(Template)]
#[template(path = "web/destination.html")]
struct DestinationPage {
    frame: Frame,
    number: String,
    good: usize,
    calls: Vec<Call>,
}

struct Call {
    row: PlacedCall,
    length: String,
    carrier: String,
    remote: String,
}

pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<impl IntoResponse, Failure> {
    visitor.operates()?;
    let destinations = site.front.store().destinations("", MOST).await?;
    Ok(Html(DestinationsPage { frame: Frame::new(&visitor, "destinations"), destinations }))
}

pub(super) async fn one(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    visitor.operates()?;
    let calls: Vec<_> = site.front.store().calls_to(&number, MOST).await?.into_iter().map(call).collect();
    if calls.is_empty() {
        return Err(Failure::NotFound);
    }
    let good = calls.iter().filter(|call| call.row.ok).count();
    Ok(Html(DestinationPage { frame: Frame::new(&visitor, "destinations"), number, good, calls }))
}

fn call(row: PlacedCall) -> Call {
    let report: serde_json::Value = serde_json::from_str(&row.report).unwrap_or_default();
    let modem = report["modem"].as_str().zip(report["bit_rate"].as_u64());
    Call {
        length: clock(((row.ended_at - row.begun_at).max(0) / 1000) as u64),
        carrier: modem.map_or_else(String::new, |(modem, rate)| carrier(modem, rate as u32)),
        remote: report["remote_ident"].as_str().unwrap_or_default().trim().to_owned(),
        row,
    }
}
