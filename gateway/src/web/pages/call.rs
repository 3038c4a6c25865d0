//! One call, live: where it stands, how loud, the points of its modem, and its page as it grows.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::now::{CallCard, card, may_see};
use crate::{
    live::{LiveCall, Seen},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        pictures,
        session::{Act, Visitor},
        words::{filters, word},
    },
};

/// Pels of the page across one of the picture.
const ACROSS: u32 = 4;

/// Half the side of the drawing of points.
const HALF: f32 = 100.0;

#[derive(Template)]
#[template(path = "web/call.html")]
struct CallPage {
    frame: Frame,
    id: String,
    line: String,
    job: Option<i64>,
    fax: Option<i64>,
    call: CallCard,
    seen: Seen,
    phases: Vec<(&'static str, String, bool)>,
    level: String,
    error: String,
    points: Vec<(String, String)>,
    /// What the picture of the page is called, another name for each state of it; empty before the first rows.
    picture: String,
}

#[derive(Template)]
#[template(path = "web/call_over.html")]
struct OverPage {
    frame: Frame,
    id: String,
    back: String,
    transcript: Option<String>,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let frame = Frame::new(&visitor, "now");
    let Some(call) = site.front.board().call(&id) else { return over(&site, &visitor, frame, id).await };
    if !may_see(&site, &visitor, &call).await? {
        return Err(Failure::NotYours);
    }
    let seen = call.glance.read();
    Ok(Html(CallPage {
        frame,
        line: call.placed.line.clone(),
        job: call.placed.job,
        fax: call.placed.fax,
        call: card(&call, true),
        phases: ["A", "B", "C", "D", "E"].map(|phase| (phase, word("phase", phase), phase == seen.phase)).into(),
        level: format!("{:.1}", seen.level_db.max(-70.0)),
        error: seen.error_db.map_or_else(String::new, |error| format!("{error:.1} dB")),
        points: drawn(&seen.points),
        picture: picture(&call, &seen),
        seen,
        id,
    })
    .into_response())
}

/// A call that is over, or never was: what is kept of it.
async fn over(site: &Site, visitor: &Visitor, frame: Frame, id: String) -> Result<Response, Failure> {
    let owner = visitor.owner(site);
    let number = |text: &str| text.split('-').next().and_then(|number| number.parse::<i64>().ok());
    let back = if let Some(job) = id.strip_prefix("call-").and_then(number) {
        site.front.store().job_item(job, owner.as_ref()).await?.map(|job| format!("/jobs/{}", job.id))
    } else if let Some(fax) = id.strip_prefix("fax-").and_then(number) {
        site.front.store().fax_item(fax, owner.as_ref()).await?.map(|fax| format!("/inbox/{}", fax.id))
    } else {
        None
    };
    let back = back.ok_or(Failure::NotFound)?;
    // What stands between the letters is digits: the name leads nowhere but to a transcript.
    let safe = id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    let transcript = if safe { site.front.config().log.transcript(&id) } else { None };
    Ok(Html(OverPage { frame, id, back, transcript }).into_response())
}

/// Points on a square whose corners are a little outside the outermost.
fn drawn(points: &[(f32, f32)]) -> Vec<(String, String)> {
    let most = points.iter().flat_map(|(re, im)| [re.abs(), im.abs()]).fold(0.0f32, f32::max).max(1e-6) * 1.15;
    let place = |value: f32| format!("{:.1}", HALF + HALF * value / most);
    points.iter().map(|(re, im)| (place(*re), place(-*im))).collect()
}

fn picture(call: &LiveCall, seen: &Seen) -> String {
    match call.sending() {
        Some((_, rows)) if rows > 0 => format!("{}-{}", seen.page, rows / 16),
        Some(_) => String::new(),
        None => match call.sheet.extent() {
            (_, 0) => String::new(),
            (page, rows) => format!("{page}-{rows}"),
        },
    }
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let call = site.front.board().call(&id).ok_or(Failure::NotFound)?;
    if !may_see(&site, &visitor, &call).await? {
        return Err(Failure::NotYours);
    }
    let drawn = tokio::task::spawn_blocking(move || match call.sending() {
        Some((page, rows)) => Some(pictures::shrunk(page, ACROSS, rows)),
        None => call.sheet.picture(),
    });
    pictures::passing(&drawn.await.ok().flatten().ok_or(Failure::NotFound)?)
}

pub(super) async fn hang_up(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    act: Act,
) -> Result<Redirect, Failure> {
    let call = site.front.board().call(&id).ok_or(Failure::NotFound)?;
    act.visitor.operates()?;
    tracing::info!(call = id, user = act.visitor.user.name, "asked to hang up");
    call.hang_up();
    Ok(Redirect::to(&format!("/calls/{id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_on_the_square() {
        let drawn = drawn(&[(1.0, 0.0), (-1.0, 1.0)]);
        assert_eq!(drawn[0], ("187.0".to_owned(), "100.0".to_owned()));
        assert_eq!(drawn[1], ("13.0".to_owned(), "13.0".to_owned()));
        assert!(super::drawn(&[]).is_empty());
    }
}
