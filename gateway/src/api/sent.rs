//! Faxes to be sent.

use axum::{
    Json,
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    answers::{Problem, file},
    peer::Peer,
};
use crate::{
    live::LiveCall,
    service::{Front, Sendable},
    store::{CallRow, LogFilter, LogRow, User},
};

/// Rows of a list when nothing else is asked for.
const ROWS: i64 = 100;

/// A fax to be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// Numbers, international or as the gateway's dial plan takes them.
    to: Vec<String>,
    /// Who is told of its end by mail; empty for nobody.
    #[serde(default)]
    from: String,
    #[serde(default)]
    subject: String,
    /// A text page before the documents.
    #[serde(default)]
    text: String,
    #[serde(default)]
    documents: Vec<Enclosed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enclosed {
    #[serde(default)]
    name: String,
    /// Media type.
    #[serde(rename = "type")]
    kind: String,
    /// Base64.
    content: String,
}

/// What became of it.
#[derive(Serialize)]
pub(super) struct Submitted {
    /// The message in the store.
    message: i64,
    /// Its faxes, one for each number.
    faxes: Vec<i64>,
}

pub(super) async fn submit(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(submission): Json<Submission>,
) -> Result<(StatusCode, Json<Submitted>), Problem> {
    let mut documents = vec![];
    for enclosed in submission.documents {
        let octets = STANDARD.decode(&enclosed.content);
        let wrong = |_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{}: no base64", enclosed.name));
        documents.push((enclosed.name.clone(), enclosed.kind, octets.map_err(wrong)?));
    }
    let accepted = front.submit(Sendable {
        user: User { name: peer.user.into(), mailbox: submission.from, ..User::default() },
        peer: peer.address,
        to: submission.to,
        subject: submission.subject,
        note: submission.text,
        documents,
    });
    let message = accepted.await?.message;
    let faxes = front.store().jobs_of(message).await?;
    Ok((StatusCode::ACCEPTED, Json(Submitted { message, faxes })))
}

/// Which rows are wanted.
#[derive(Deserialize)]
pub(super) struct Wanted {
    state: Option<String>,
    number: Option<String>,
    since: Option<i64>,
    limit: Option<i64>,
}

impl Wanted {
    pub(super) fn of(self, way: &str) -> LogFilter {
        LogFilter {
            way: Some(way.into()),
            state: self.state,
            number: self.number,
            since: self.since,
            limit: Some(self.limit.unwrap_or(ROWS).clamp(0, 10 * ROWS)),
            ..LogFilter::default()
        }
    }
}

pub(super) async fn list(
    State(front): State<Front>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<LogRow>>, Problem> {
    Ok(Json(front.store().history(&wanted.of("offramp")).await?))
}

pub(super) async fn one(State(front): State<Front>, Path(id): Path<i64>) -> Result<Json<Value>, Problem> {
    let job = front.store().job(id).await?.ok_or_else(|| Problem::none("fax", id))?;
    let calls = front.store().calls_of(id).await?;
    let under_way = front.board().calls().into_iter().find(|live| live.placed.sends(id));
    Ok(Json(json!({
        "fax": job,
        "calls": calls.iter().map(call).collect::<Vec<_>>(),
        "now": under_way.map(|live| progress(&live)),
    })))
}

/// Where a call stands.
fn progress(live: &LiveCall) -> Value {
    let seen = live.glance.read();
    json!({
        "line": live.placed.line,
        "phase": seen.phase,
        "page": seen.page,
        "of": seen.of,
        "percent": seen.percent,
        "modem": seen.modem,
        "bit_rate": seen.bit_rate,
        "ecm": seen.ecm,
        "seconds": seen.seconds,
    })
}

/// A call with its report as JSON rather than as a text.
pub(super) fn call(call: &CallRow) -> Value {
    let mut value = json!(call);
    value["report"] = serde_json::from_str(&call.report).unwrap_or_default();
    value
}

pub(super) async fn cancel(State(front): State<Front>, Path(id): Path<i64>) -> Result<Json<Value>, Problem> {
    let done = front.store().cancel_job(id).await?;
    changed(&front, id, done, "it is over").await
}

pub(super) async fn retry(State(front): State<Front>, Path(id): Path<i64>) -> Result<Json<Value>, Problem> {
    let done = front.store().retry_job(id).await?;
    changed(&front, id, done, "it is being sent or was sent").await
}

async fn changed(front: &Front, id: i64, done: bool, else_said: &str) -> Result<Json<Value>, Problem> {
    let job = front.store().job(id).await?.ok_or_else(|| Problem::none("fax", id))?;
    if !done {
        return Err(Problem::new(StatusCode::CONFLICT, format!("fax {id} is {}: {else_said}", job.state)));
    }
    front.job_is_due();
    Ok(Json(json!({"id": id, "state": job.state})))
}

pub(super) async fn document(
    State(front): State<Front>,
    Path(id): Path<i64>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let message = front.store().message_of(id).await?.ok_or_else(|| Problem::none("fax", id))?;
    let mut pages = front.store().cover(id).await?;
    pages.extend(front.store().pages(message).await?);
    if pages.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("fax {id} has no pages: not yet, or not any more")));
    }
    let pages: Vec<_> = pages.into_iter().map(|image| (image, 0)).collect();
    file(&format!("fax-{id}"), &pages, &asked)
}
