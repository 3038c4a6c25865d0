//! What a job's pages are: its cover, its message on paper, and the header line of this call.

use std::sync::Arc;

use answertone_t30::{
    image::{
        Page,
        header::{self, Header},
    },
    session::Document,
};
use jiff::Timestamp;

use super::{Attempt, DAY_MS, Ready};
use crate::{
    authorise,
    ifax::status::{Consequence, consequence},
    render::{self, RenderError, RenderOptions},
    service::{Happening, Shared},
    store::{Job, now, pack, unpack},
};

/// The pages of a job: from the store, or rendered now and kept.
pub(super) async fn ready(shared: &Arc<Shared>, job: &Job) -> Result<Vec<Page>, Attempt> {
    let body = of_message(shared, job).await.map_err(not_rendered)?;
    let mut pages = cover(shared, job, body.len()).await.map_err(not_rendered)?;
    pages.extend(body);
    if job.attempts == 1 {
        within_quota(shared, job, pages.len()).await?;
    }
    shared.persist("the number of pages", || shared.store.set_page_count(job.id, pages.len())).await;
    Ok(pages)
}

fn not_rendered(error: RenderError) -> Attempt {
    let consequence = Consequence { status: error.status(), retry: false, simpler: false };
    Attempt::Failed { cause: "render".into(), said: error.to_string(), consequence }
}

async fn within_quota(shared: &Shared, job: &Job, pages: usize) -> Result<(), Attempt> {
    let quota = authorise::quota_of(&shared.config, &job.account);
    let used = shared.persist("reading usage", || shared.store.usage(&job.account, now() - DAY_MS)).await;
    authorise::pages_within(&job.account, &quota, &used, pages).map_err(|refusal| Attempt::Failed {
        cause: "over_quota".into(),
        said: refusal.to_string(),
        consequence: consequence("over_quota"),
    })
}

async fn of_message(shared: &Arc<Shared>, job: &Job) -> Result<Vec<Page>, RenderError> {
    let kept = shared.persist("reading pages", || shared.store.pages(job.message)).await;
    let kept: Option<Vec<Page>> = kept.iter().map(|image| unpack(image)).collect();
    if let Some(pages) = kept.filter(|pages| !pages.is_empty()) {
        return Ok(pages);
    }
    let raw = job.raw.clone();
    let (pages, images) = rendered(shared, move |options| render::message(&raw, options)).await?;
    shared.persist("rendered pages", || shared.store.keep_pages(job.message, &images)).await;
    shared.happenings.tell(Happening::Rendered { job: job.id, pages: pages.len() });
    Ok(pages)
}

/// The cover page, made once for a job.
async fn cover(shared: &Arc<Shared>, job: &Job, pages: usize) -> Result<Vec<Page>, RenderError> {
    let Some(template) = &shared.config.offramp.cover else { return Ok(vec![]) };
    let kept = shared.persist("reading a cover", || shared.store.cover(job.id)).await;
    let kept: Option<Vec<Page>> = kept.iter().map(|image| unpack(image)).collect();
    if let Some(pages) = kept.filter(|pages| !pages.is_empty()) {
        return Ok(pages);
    }
    let text = filled(template, job, pages);
    let made = rendered(shared, move |options| render::document(text.as_bytes(), "text/plain", "cover", options));
    let (pages, images) = made.await?;
    shared.persist("a cover", || shared.store.keep_cover(job.id, &images)).await;
    Ok(pages)
}

/// The template with what it asks for. Values are put in once, so none can ask for another.
fn filled(template: &str, job: &Job, pages: usize) -> String {
    let received = Timestamp::from_millisecond(job.received_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let values = [
        ("{to}", job.number.clone()),
        ("{from}", job.mail_from.clone()),
        ("{subject}", job.subject.clone()),
        ("{date}", received.strftime("%Y-%m-%d").to_string()),
        ("{pages}", pages.to_string()),
    ];
    let (mut text, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        text += &rest[..at];
        rest = &rest[at..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                text += value;
                rest = &rest[name.len()..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

/// Renders on a thread of its own, within its time.
async fn rendered(
    shared: &Arc<Shared>,
    render: impl FnOnce(&RenderOptions) -> Result<Vec<Page>, RenderError> + Send + 'static,
) -> Result<(Vec<Page>, Vec<Vec<u8>>), RenderError> {
    let options = RenderOptions { max_pages: shared.config.offramp.max_pages, ..Default::default() };
    let limit = options.time * 2;
    let rendering = tokio::task::spawn_blocking(move || {
        let pages = render(&options)?;
        let images: Vec<_> = pages.iter().map(pack).collect();
        Ok((pages, images))
    });
    let whole = || "the message".to_owned();
    match tokio::time::timeout(limit, rendering).await {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(_)) => Err(RenderError::Damaged { part: whole(), what: "it cannot be rendered".into() }),
        Err(_) => Err(RenderError::TooSlow { part: whole() }),
    }
}

/// The pages of this call with their header line.
pub(super) fn document(shared: &Shared, ready: &Ready) -> Document {
    let identity = &shared.config.identity;
    let from = [identity.header.as_str(), identity.station.as_str()].into_iter().filter(|text| !text.is_empty());
    let from = from.collect::<Vec<_>>().join("  ");
    let date = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string();
    let of = Some(ready.pages.len() as u32);
    let head = |index: usize| Header {
        date: date.clone(),
        from: from.clone(),
        to: ready.job.number.clone(),
        page: index as u32 + 1,
        of,
    };
    let (first, pages) = (ready.first, ready.pages.iter().enumerate());
    let stamped = pages.skip(first).map(|(index, page)| Arc::new(header::add(page, &head(index)))).collect();
    Document { pages: stamped, first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cover_is_filled_in_once() {
        let job = Job { number: "+1".into(), subject: "{to} and {from}".into(), ..Job::default() };
        assert_eq!(filled("To {to}: {subject}, {pages} pages {x} {", &job, 3), "To +1: {to} and {from}, 3 pages {x} {");
    }
}
