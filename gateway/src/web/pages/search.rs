//! Anything that has a word in a number, a name or a subject.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::IntoResponse,
};
use serde::Deserialize;

use crate::{
    store::{FaxItem, JobItem, Wanted},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        session::Visitor,
        words::filters,
    },
};

/// Most of each kind.
const MOST: i64 = 100;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "web/search.html")]
struct SearchPage {
    frame: Frame,
    text: String,
    jobs: Vec<JobItem>,
    faxes: Vec<FaxItem>,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Failure> {
    let text = asked.q.trim().to_owned();
    let wanted = Wanted { owner: visitor.owner(&site), text: Some(text.clone()), limit: MOST, ..Wanted::default() };
    let (jobs, faxes) = if text.is_empty() {
        (vec![], vec![])
    } else {
        (site.front.store().jobs(&wanted).await?, site.front.store().faxes(&wanted).await?)
    };
    Ok(Html(SearchPage { frame: Frame::new(&visitor, "search"), text, jobs, faxes }))
}
