//! The configuration that holds, and whether another one would be right.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::IntoResponse};

use crate::{
    config::Config,
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        session::{Act, Visitor},
        words::{filters, t},
    },
};

#[derive(Template)]
#[template(path = "web/configuration.html")]
struct ConfigurationPage {
    frame: Frame,
    running: String,
    text: String,
    said: String,
    right: bool,
}

pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<impl IntoResponse, Failure> {
    visitor.operates()?;
    let running = site.front.config().to_toml();
    let frame = Frame::new(&visitor, "configuration");
    Ok(Html(ConfigurationPage { frame, text: running.clone(), running, said: String::new(), right: false }))
}

/// Checks a text as `answertone config check` checks a file. Nothing is changed.
pub(super) async fn check(State(site): State<Arc<Site>>, act: Act) -> Result<impl IntoResponse, Failure> {
    act.visitor.operates()?;
    let text = act.field("text").to_owned();
    let (right, said) = match Config::parse(&text, "answertone.toml") {
        Ok(_) => (true, t("configuration.right").to_owned()),
        Err(error) => (false, error.to_string()),
    };
    let frame = Frame::new(&act.visitor, "configuration");
    Ok(Html(ConfigurationPage { frame, running: site.front.config().to_toml(), text, said, right }))
}
