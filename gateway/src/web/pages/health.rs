//! For machines: whether we live, whether we work, and how much.

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::web::{Site, door::Peer, failure::Failure};

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// The store answers and calls are made and answered.
pub(super) async fn ready(State(site): State<Arc<Site>>) -> Response {
    if !site.front.is_at_work() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if !site.front.store().is_well().await {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response();
    }
    "ready\n".into_response()
}

/// For Prometheus, where it is allowed to be. What came through another server is not from where it seems.
pub(super) async fn metrics(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let allowed = site.front.config().web.metrics_from.iter().any(|network| network.contains(peer.0.ip()));
    if !allowed || headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded") {
        return Err(Failure::NotYours);
    }
    let text = crate::metrics::render(&site.front).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok(text.map_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response(), |text| (kind, text).into_response()))
}
