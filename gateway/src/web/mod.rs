//! The operator's page: what the gateway does now, did, and shall do, in a browser.
//!
//! ```text
//!  browser ── http(s) ──▶ door ─▶ guard (headers, where from) ─▶ session (who) ─▶ a page ─▶ template
//!                                                                        └─ Front ─▶ store, board of live calls
//! ```
//!
//! Every page is whole without scripts. The one script replaces what changes, by asking for the same page again, and
//! takes files that are dropped on the form. All words are in `messages/en.toml`; all that a page needs comes from here.

mod assets;
mod door;
mod failure;
mod frame;
mod guard;
mod messages;
mod pages;
mod pictures;
mod session;
mod words;

use std::sync::Arc;

use axum::{Router, middleware};
pub(crate) use door::{WebDoor, open};
use tokio::sync::watch;
use tracing::{error, info};

use self::{
    door::{Doors, Peer},
    session::{Limiter, Sessions},
};
use crate::service::Front;

/// The longest that is taken of a browser at once, beside documents.
const LONGEST_FORM: usize = 1 << 20;

/// What all pages share.
pub(crate) struct Site {
    pub(crate) front: Front,
    sessions: Sessions,
    logins: Limiter,
    /// Passwords are sent over TLS, so cookies may be held to it.
    secure: bool,
}

/// Serves the page at all its doors until the gateway stops.
pub(crate) async fn serve(doors: Vec<WebDoor>, front: Front, mut stop: watch::Receiver<bool>) {
    doors.iter().for_each(|door| info!(url = door.url(), "the operator's page"));
    let secure = !doors.is_empty() && doors.iter().all(WebDoor::is_secure);
    let router = router(front, secure).into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(Doors::open(doors), router).with_graceful_shutdown(async move {
        let _ = stop.wait_for(|stop| *stop).await;
    });
    if let Err(failure) = served.await {
        error!(%failure, "the operator's page is away");
    }
}

fn router(front: Front, secure: bool) -> Router {
    let web = &front.config().web;
    let (sessions, logins) = (Sessions::new(web.session), Limiter::new(web.logins_per_minute));
    let longest = front.config().smtp.max_message_bytes + LONGEST_FORM;
    let site = Arc::new(Site { front, sessions, logins, secure });
    pages::router(longest).layer(middleware::from_fn(guard::guard)).with_state(site)
}
