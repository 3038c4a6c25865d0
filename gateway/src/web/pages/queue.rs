//! Faxes to be sent.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::IntoResponse,
};
use serde::Deserialize;

use crate::{
    store::{JobItem, Wanted},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html, Pager},
        session::Visitor,
        words::filters,
    },
};

/// Rows on a screen.
const ROWS: i64 = 50;

/// Which jobs are shown, by the name of their tab.
const TABS: [(&str, &[&str]); 4] = [
    ("open", &["queued", "waiting", "sending"]),
    ("failed", &["failed"]),
    ("done", &["done", "cancelled"]),
    ("all", &[]),
];

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    tab: String,
    #[serde(default)]
    at: i64,
}

#[derive(Template)]
#[template(path = "web/queue.html")]
struct QueuePage {
    frame: Frame,
    tabs: Vec<(&'static str, bool)>,
    jobs: Vec<JobItem>,
    pager: Pager,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Failure> {
    let (tab, states) = TABS.iter().find(|(name, _)| *name == asked.tab).unwrap_or(&TABS[0]);
    let at = asked.at.max(0);
    let wanted = Wanted {
        owner: visitor.owner(&site),
        states: states.to_vec(),
        offset: at.saturating_mul(ROWS),
        limit: ROWS,
        ..Wanted::default()
    };
    let store = site.front.store();
    let count = store.job_count(&wanted).await?;
    Ok(Html(QueuePage {
        frame: Frame::new(&visitor, "queue"),
        tabs: TABS.iter().map(|(name, _)| (*name, name == tab)).collect(),
        jobs: store.jobs(&wanted).await?,
        pager: Pager { size: ROWS, at, count, path: format!("/queue?tab={tab}") },
    }))
}
