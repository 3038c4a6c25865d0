//! Faxes that came in.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::job::Small;
use crate::{
    ifax::pdf_of,
    store::{FaxItem, Wanted, unpack, unpack_picture},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html, Pager},
        pictures,
        session::Visitor,
        words::filters,
    },
};

const ROWS: i64 = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    at: i64,
}

#[derive(Template)]
#[template(path = "web/inbox.html")]
struct InboxPage {
    frame: Frame,
    faxes: Vec<FaxItem>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "web/fax.html")]
struct FaxPage {
    frame: Frame,
    fax: FaxItem,
    pages: Vec<i64>,
    live: Option<String>,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Failure> {
    let at = asked.at.max(0);
    let states = vec!["receiving", "complete", "partial"];
    let offset = at.saturating_mul(ROWS);
    let wanted = Wanted { owner: visitor.owner(&site), states, offset, limit: ROWS, ..Wanted::default() };
    let store = site.front.store();
    let count = store.fax_count(&wanted).await?;
    Ok(Html(InboxPage {
        frame: Frame::new(&visitor, "inbox"),
        faxes: store.faxes(&wanted).await?,
        pager: Pager { size: ROWS, at, count, path: "/inbox".into() },
    }))
}

pub(super) async fn one(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<impl IntoResponse, Failure> {
    let store = site.front.store();
    let fax = store.fax_item(id, visitor.owner(&site).as_ref()).await?.ok_or(Failure::NotFound)?;
    let live = site.front.board().calls().into_iter().find(|call| call.placed.fax == Some(id));
    Ok(Html(FaxPage {
        frame: Frame::new(&visitor, "inbox"),
        pages: store.fax_page_numbers(id).await?,
        live: live.map(|call| call.placed.id.clone()),
        fax,
    }))
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((id, number)): Path<(i64, i64)>,
    Query(small): Query<Small>,
) -> Result<Response, Failure> {
    let store = site.front.store();
    store.fax_item(id, visitor.owner(&site).as_ref()).await?.ok_or(Failure::NotFound)?;
    pictures::stored(store.fax_page(id, number).await?, small.size()).await
}

/// All pages as one document.
pub(super) async fn pdf(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<Response, Failure> {
    let store = site.front.store();
    store.fax_item(id, visitor.owner(&site).as_ref()).await?.ok_or(Failure::NotFound)?;
    let kept = store.fax_pages(id).await?;
    let drawn = tokio::task::spawn_blocking(move || {
        let page = |(image, _): &(Vec<u8>, _)| Some((unpack(image)?, unpack_picture(image)));
        let pages: Vec<_> = kept.iter().filter_map(page).collect();
        (!pages.is_empty()).then(|| pdf_of(pages.iter().map(|(page, picture)| (page, picture.as_ref()))))
    });
    let octets = drawn.await.ok().flatten().ok_or(Failure::NotFound)?;
    let name = format!("attachment; filename=\"fax-{id}.pdf\"");
    Ok(([(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)], octets)
        .into_response())
}
