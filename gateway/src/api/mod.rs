//! The interface for other programs: faxes submitted, looked at, cancelled and fetched by HTTP, JSON in and out.
//!
//! ```text
//!  program ── HTTP ──▶ token? ──────────────────┬─▶ operation ──▶ Front ──▶ store, queue
//!  command ── HTTP over a socket of its files ──┘
//! ```
//!
//! Every operation is a row of [`operations::ALL`]; the routes and the OpenAPI document are both made of that.

mod answers;
mod document;
mod operations;
mod peer;
mod received;
mod sent;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
};
use tracing::{error, info};

use self::{answers::Problem, peer::Peer};
use crate::service::Front;

/// Where everything is.
const ROOT: &str = "/api/v1";
/// What JSON and base64 add to documents.
const BODY_PER_DOCUMENT: usize = 2;

/// Serves programs at one socket until the gateway stops.
pub(crate) async fn serve(listener: TcpListener, front: Front, stop: watch::Receiver<bool>) {
    info!(address = ?listener.local_addr().ok(), "the interface for programs");
    let routes = router(front.clone()).layer(middleware::from_fn_with_state(front, with_token));
    let service = routes.into_make_service_with_connect_info::<Peer>();
    if let Err(failure) = axum::serve(listener, service).with_graceful_shutdown(stopped(stop)).await {
        error!(%failure, "the interface for programs is away");
    }
}

/// Serves commands of this machine at a socket that not everybody may open, so that is all they have to show.
pub(crate) async fn serve_here(listener: UnixListener, front: Front, stop: watch::Receiver<bool>) {
    let path = front.config().store.control();
    let service = router(front).into_make_service_with_connect_info::<Peer>();
    if let Err(failure) = axum::serve(listener, service).with_graceful_shutdown(stopped(stop)).await {
        error!(%failure, "commands of this machine are no longer served");
    }
    let _ = std::fs::remove_file(path);
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// All routes, under [`ROOT`].
fn router(front: Front) -> Router {
    let longest = front.config().smtp.max_message_bytes * BODY_PER_DOCUMENT;
    let routes = operations::ALL.iter().fold(Router::new(), |router, operation| {
        router.route(&format!("{ROOT}{}", operation.path), (operation.route)())
    });
    routes
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing here; see /api/v1/openapi.json"))
        .layer(DefaultBodyLimit::max(longest))
        .with_state(front)
}

/// Lets nobody in without the token.
async fn with_token(State(front): State<Front>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim();
    let known = front.config().api.token.as_ref().map_or("", |token| token.0.as_str());
    // In the same time whatever was shown.
    let equal = aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), known.as_bytes()).is_ok();
    if known.is_empty() || !equal {
        return Problem::new(StatusCode::UNAUTHORIZED, "show the token of api.token_file: Authorization: Bearer TOKEN")
            .into_response();
    }
    next.run(request).await
}
