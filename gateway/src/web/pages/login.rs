//! Coming in and going out.

use std::{sync::Arc, time::Instant};

use askama::Template;
use axum::{
    Form,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use tracing::{info, warn};

use crate::{
    authorise::{self, Denied, LockOut, Proof},
    web::{
        Site,
        door::Peer,
        failure::Failure,
        frame::Html,
        session::{Act, COOKIE, chance, cookie},
        words::{filters, t},
    },
};

/// A cookie that ties the form to the browser it was shown in.
const FORM_COOKIE: &str = "answertone_form";

#[derive(Template)]
#[template(path = "web/login.html")]
struct LoginPage {
    then: String,
    form: String,
    said: &'static str,
    name: String,
}

#[derive(Deserialize)]
pub(super) struct Then {
    #[serde(default)]
    then: String,
}

#[derive(Deserialize)]
pub(super) struct Given {
    name: String,
    password: String,
    #[serde(default)]
    then: String,
    #[serde(default)]
    form: String,
}

pub(super) async fn show(State(site): State<Arc<Site>>, Query(query): Query<Then>) -> Response {
    form(&site, StatusCode::OK, query.then, "", String::new())
}

fn form(site: &Site, status: StatusCode, then: String, said: &'static str, name: String) -> Response {
    let form = chance();
    let cookie = set_cookie(site, FORM_COOKIE, &form, 3600);
    (status, [(header::SET_COOKIE, cookie)], Html(LoginPage { then, form, said, name })).into_response()
}

pub(super) async fn enter(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let again = |status, said| form(&site, status, given.then.clone(), said, given.name.clone());
    if given.form.is_empty() || cookie(&headers, FORM_COOKIE) != Some(&given.form) {
        return again(StatusCode::FORBIDDEN, t("error.old_form"));
    }
    if !site.logins.allows(peer.0.ip(), Instant::now()) {
        warn!(peer = %peer.0, "too many attempts to log in");
        return again(StatusCode::TOO_MANY_REQUESTS, t("login.too_often"));
    }
    let smtp = &site.front.config().smtp;
    let lock_out = LockOut { failures: smtp.login_failures, time: smtp.lock_out };
    match authorise::prove(site.front.store(), lock_out, &given.name, &given.password, Proof::Password).await {
        Ok(user) => {
            info!(user = user.name, peer = %peer.0, "logged in");
            let cookie = set_cookie(&site, COOKIE, &site.sessions.begin(&user.name), 0);
            ([(header::SET_COOKIE, cookie)], Redirect::to(inside(&given.then))).into_response()
        }
        Err(Denied::Store(error)) => Failure::Store(error).into_response(),
        Err(denied) => {
            warn!(user = given.name, peer = %peer.0, %denied, "login refused");
            let locked = matches!(denied, Denied::Locked(_));
            again(StatusCode::UNAUTHORIZED, if locked { t("login.locked") } else { t("login.wrong") })
        }
    }
}

/// A path here; another host's page is nowhere to go after a login.
fn inside(then: &str) -> &str {
    let here = then.starts_with('/') && !then.starts_with("//") && !then.contains(['\\', '\r', '\n']);
    if here { then } else { "/" }
}

pub(super) async fn leave(State(site): State<Arc<Site>>, headers: HeaderMap, _: Act) -> Response {
    if let Some(secret) = cookie(&headers, COOKIE) {
        site.sessions.end(secret);
    }
    let gone = set_cookie(&site, COOKIE, "", -1);
    ([(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response()
}

/// For so many seconds; 0 as long as the browser runs, less is not any more.
fn set_cookie(site: &Site, name: &str, value: &str, seconds: i64) -> String {
    let secure = if site.secure { "; Secure" } else { "" };
    let age = match seconds {
        0 => String::new(),
        seconds => format!("; Max-Age={}", seconds.max(0)),
    };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_login_nobody_is_sent_elsewhere() {
        assert_eq!(inside("/queue?at=2"), "/queue?at=2");
        for elsewhere in ["//evil.example", "https://evil.example", "", "/\\evil.example", "javascript:x"] {
            assert_eq!(inside(elsewhere), "/");
        }
    }
}
