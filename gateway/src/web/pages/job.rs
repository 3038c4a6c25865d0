//! One fax to be sent: its pages, its calls, and what may be done with it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::{
    ifax::priority::Priority,
    store::{CallRow, JobItem},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        pictures::{self, Size},
        session::{Act, Visitor},
        words::{clock, filters},
    },
};

#[derive(Template)]
#[template(path = "web/job.html")]
struct JobPage {
    frame: Frame,
    job: JobItem,
    pages: Vec<i64>,
    calls: Vec<PastCall>,
    /// The call it is in now.
    live: Option<String>,
    open: bool,
    over: bool,
}

/// A call that was made for it.
struct PastCall {
    row: CallRow,
    length: String,
    text: String,
    facts: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<impl IntoResponse, Failure> {
    let store = site.front.store();
    let job = store.job_item(id, visitor.owner(&site).as_ref()).await?.ok_or(Failure::NotFound)?;
    let live = site.front.board().calls().into_iter().find(|call| call.placed.sends(id));
    Ok(Html(JobPage {
        frame: Frame::new(&visitor, "queue"),
        pages: (0..store.rendered_pages(job.message).await?).collect(),
        calls: store.calls_of(id).await?.into_iter().map(past).collect(),
        live: live.map(|call| call.placed.id.clone()),
        open: matches!(job.state.as_str(), "queued" | "waiting"),
        over: matches!(job.state.as_str(), "failed" | "cancelled"),
        job,
    }))
}

fn past(row: CallRow) -> PastCall {
    let report: serde_json::Value = serde_json::from_str(&row.report).unwrap_or_default();
    let modem = report["modem"].as_str().zip(report["bit_rate"].as_u64());
    let modem = modem.map(|(modem, rate)| super::now::carrier(modem, rate as u32));
    let evm = report["evm_db"].as_f64().map(|evm| format!("EVM {evm:.1} dB"));
    let remote = report["remote_ident"].as_str().map(|ident| ident.trim().to_owned());
    let facts: Vec<_> = [remote, modem, evm].into_iter().flatten().filter(|fact| !fact.is_empty()).collect();
    PastCall {
        length: clock(((row.ended_at - row.begun_at).max(0) / 1000) as u64),
        text: report["failure"]["text"].as_str().unwrap_or_default().to_owned(),
        facts: facts.join(", "),
        row,
    }
}

pub(super) async fn act(
    State(site): State<Arc<Site>>,
    Path((id, action)): Path<(i64, String)>,
    act: Act,
) -> Result<Redirect, Failure> {
    let store = site.front.store();
    store.job_item(id, act.visitor.owner(&site).as_ref()).await?.ok_or(Failure::NotFound)?;
    match action.as_str() {
        "cancel" => store.cancel_job(id).await?,
        "retry" => store.retry_job(id).await?,
        "hold" => store.hold_job(id, true).await?,
        "release" => store.hold_job(id, false).await?,
        "priority" => {
            let priority = Priority::named(act.field("priority")).ok_or(Failure::NotFound)?;
            // Nobody but an operator goes before others.
            if priority == Priority::Urgent {
                act.visitor.operates()?;
            }
            store.set_priority(id, priority).await?
        }
        _ => return Err(Failure::NotFound),
    };
    tracing::info!(job = id, action, user = act.visitor.user.name, "by the page");
    site.front.job_is_due();
    Ok(Redirect::to(&format!("/jobs/{id}")))
}

#[derive(Deserialize)]
pub(super) struct Small {
    small: Option<String>,
}

impl Small {
    pub(super) fn size(&self) -> Size {
        if self.small.is_some() { Size::Small } else { Size::Large }
    }
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((id, number)): Path<(i64, i64)>,
    Query(small): Query<Small>,
) -> Result<Response, Failure> {
    let store = site.front.store();
    let job = store.job_item(id, visitor.owner(&site).as_ref()).await?.ok_or(Failure::NotFound)?;
    pictures::stored(store.page(job.message, number).await?, small.size()).await
}
