//! Faxes that came in.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    answers::{Problem, file},
    sent::{Wanted, call},
};
use crate::{
    service::Front,
    store::{Fax, LogRow},
};

pub(super) async fn list(
    State(front): State<Front>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<LogRow>>, Problem> {
    Ok(Json(front.store().history(&wanted.of("onramp")).await?))
}

pub(super) async fn one(State(front): State<Front>, Path(id): Path<i64>) -> Result<Json<Value>, Problem> {
    let fax = known(&front, id).await?;
    let calls = front.store().calls_into(id).await?;
    Ok(Json(json!({
        "id": fax.id,
        "line": fax.line,
        "begun_at": fax.begun_at,
        "remote_ident": fax.remote_ident,
        "subaddress": fax.subaddress,
        "dialled": fax.dialled,
        "caller": fax.caller,
        "user": fax.account,
        "pages": front.store().fax_pages(id).await?.len(),
        "calls": calls.iter().map(call).collect::<Vec<_>>(),
    })))
}

async fn known(front: &Front, id: i64) -> Result<Fax, Problem> {
    front.store().known_fax(id).await?.ok_or_else(|| Problem::none("fax", id))
}

pub(super) async fn document(
    State(front): State<Front>,
    Path(id): Path<i64>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    known(&front, id).await?;
    let mut pages = front.store().fax_pages(id).await?;
    pages.retain(|(image, _)| !image.is_empty());
    if pages.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("fax {id} has no pages: not yet, or not any more")));
    }
    file(&format!("fax-{id}"), &pages, &asked)
}
