//! What is around every page.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html as Text, IntoResponse, Response},
};

use super::{session::Visitor, words::filters};

/// What the head of a page needs to know.
pub(super) struct Frame {
    /// Who is logged in.
    pub(super) user: String,
    pub(super) operator: bool,
    /// For forms.
    pub(super) token: String,
    /// Which entry of the menu it is under.
    pub(super) here: &'static str,
}

impl Frame {
    pub(super) fn new(visitor: &Visitor, here: &'static str) -> Self {
        Self { user: visitor.user.name.clone(), operator: visitor.operator, token: visitor.token.clone(), here }
    }

    /// The menu: key, path, and whether it is where we are.
    pub(super) fn menu(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [("now", "/"), ("send", "/send"), ("queue", "/queue"), ("inbox", "/inbox"), ("search", "/search")];
        let operators = [
            ("destinations", "/destinations"),
            ("log", "/log"),
            ("score", "/score"),
            ("users", "/users"),
            ("configuration", "/configuration"),
        ];
        let operators = operators.into_iter().filter(|_| self.operator);
        all.into_iter().chain(operators).map(|(key, path)| (key, path, key == self.here)).collect()
    }
}

/// A filled template as an answer.
pub(super) struct Html<T>(pub(super) T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(text) => Text(text).into_response(),
            Err(error) => {
                tracing::error!(%error, "a template fails");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "web/plain.html")]
pub(super) struct Plain {
    pub(super) title: &'static str,
    pub(super) said: String,
}

/// Which screen of a long list.
#[derive(Clone, Debug)]
pub(super) struct Pager {
    /// Rows on a screen.
    pub(super) size: i64,
    /// The screen, from 0.
    pub(super) at: i64,
    /// Rows in all.
    pub(super) count: i64,
    /// The path and query to which `at=` is added.
    pub(super) path: String,
}

impl Pager {
    /// The screen before.
    pub(super) fn newer(&self) -> Option<String> {
        (self.at > 0).then(|| self.link(self.at - 1))
    }

    /// The screen after.
    pub(super) fn older(&self) -> Option<String> {
        ((self.at + 1) * self.size < self.count).then(|| self.link(self.at + 1))
    }

    fn link(&self, at: i64) -> String {
        format!("{}{}at={at}", self.path, if self.path.contains('?') { '&' } else { '?' })
    }
}
