//! A fax from the browser: numbers, a note, and documents chosen or dropped.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{ConnectInfo, Multipart, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::{
    service::Sendable,
    web::{
        Site,
        door::Peer,
        failure::Failure,
        frame::{Frame, Html},
        session::Visitor,
        words::filters,
    },
};

/// Most documents of one fax.
const MOST: usize = 20;

#[derive(Template)]
#[template(path = "web/send.html")]
struct SendPage {
    frame: Frame,
    given: Given,
    said: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    to: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    note: String,
    #[serde(skip)]
    token: String,
    #[serde(skip)]
    documents: Vec<(String, String, Vec<u8>)>,
}

pub(super) async fn show(visitor: Visitor, Query(given): Query<Given>) -> impl IntoResponse {
    Html(SendPage { frame: Frame::new(&visitor, "send"), given, said: String::new() })
}

pub(super) async fn send(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    visitor: Visitor,
    form: Multipart,
) -> Result<Response, Failure> {
    let mut given = Given::read(form).await.map_err(|error| Failure::Wrong(error.body_text()))?;
    visitor.check(&given.token)?;
    let to: Vec<String> =
        given.to.split([',', ';', '\n']).map(str::trim).filter(|to| !to.is_empty()).map(Into::into).collect();
    let fax = Sendable {
        user: visitor.user.clone(),
        peer: peer.0.ip(),
        to,
        subject: given.subject.trim().to_owned(),
        note: given.note.clone(),
        documents: std::mem::take(&mut given.documents),
    };
    match site.front.submit(fax).await {
        Ok(accepted) if accepted.jobs == 1 => {
            let job = site.front.store().last_job_of(accepted.message).await?;
            Ok(Redirect::to(&job.map_or_else(|| "/queue".to_owned(), |job| format!("/jobs/{job}"))).into_response())
        }
        Ok(_) => Ok(Redirect::to("/queue").into_response()),
        Err(unsent) => {
            let page = SendPage { frame: Frame::new(&visitor, "send"), given, said: unsent.to_string() };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
        }
    }
}

impl Given {
    async fn read(mut form: Multipart) -> Result<Self, axum::extract::multipart::MultipartError> {
        let mut given = Self::default();
        while let Some(field) = form.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "document" {
                let file = field.file_name().unwrap_or_default().to_owned();
                let kind = field.content_type().unwrap_or("application/octet-stream").to_owned();
                let octets = field.bytes().await?.to_vec();
                // A browser sends an empty one when nothing was chosen.
                if !(octets.is_empty() && file.is_empty()) && given.documents.len() < MOST {
                    given.documents.push((file, kind, octets));
                }
                continue;
            }
            let text = field.text().await?;
            match name.as_str() {
                "to" => given.to = text,
                "subject" => given.subject = text,
                "note" => given.note = text,
                "token" => given.token = text,
                _ => {}
            }
        }
        Ok(given)
    }
}
