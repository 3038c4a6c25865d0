//! The pages, a file each.

mod call;
mod configuration;
mod destinations;
mod health;
mod inbox;
mod job;
mod log;
mod login;
mod now;
mod queue;
mod score;
mod search;
mod send;
mod users;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use super::{Site, assets};

/// All paths. What is sent may be as long as said, anything else as long as a form.
pub(super) fn router(longest: usize) -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(now::show))
        .route("/calls/{id}", get(call::show))
        .route("/calls/{id}/page.png", get(call::page))
        .route("/calls/{id}/hang-up", post(call::hang_up))
        .route("/send", get(send::show).post(send::send).layer(DefaultBodyLimit::max(longest)))
        .route("/queue", get(queue::show))
        .route("/jobs/{id}", get(job::show))
        .route("/jobs/{id}/{action}", post(job::act))
        .route("/jobs/{id}/pages/{number}", get(job::page))
        .route("/inbox", get(inbox::show))
        .route("/inbox/{id}", get(inbox::one))
        .route("/inbox/{id}/fax.pdf", get(inbox::pdf))
        .route("/inbox/{id}/pages/{number}", get(inbox::page))
        .route("/search", get(search::show))
        .route("/destinations", get(destinations::show))
        .route("/destinations/{number}", get(destinations::one))
        .route("/log", get(log::show))
        .route("/log.csv", get(log::csv))
        .route("/log.json", get(log::json))
        .route("/score", get(score::show))
        .route("/users", get(users::show).post(users::set))
        .route("/users/{name}/{action}", post(users::act))
        .route("/configuration", get(configuration::show).post(configuration::check))
        .route("/login", get(login::show).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/assets/{name}", get(assets::asset))
        .fallback(async || super::failure::Failure::NotFound)
}
