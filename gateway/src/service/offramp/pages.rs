//! What a job's pages are: its cover, its message on paper, and the header line of this call.

use std::sync::Arc;

use answertone_t30::{
    image::{
        PaperWidth, Picture, ReceivedPicture,
        header::{self, Header},
    },
    session::Document,
};
use jiff::Timestamp;

use super::{Attempt, DAY_MS, Leaf, Ready};
use crate::{
    authorise,
    ifax::status::{Consequence, consequence},
    render::{self, Drawn, RenderError, RenderOptions},
    service::{Happening, Shared},
    store::{Job, now, pack_with, unpack, unpack_picture},
};

/// The pages of a job: from the store, or rendered now and kept.
pub(super) async fn ready(shared: &Arc<Shared>, job: &Job) -> Result<Vec<Leaf>, Attempt> {
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

async fn of_message(shared: &Arc<Shared>, job: &Job) -> Result<Vec<Leaf>, RenderError> {
    let kept = shared.persist("reading pages", || shared.store.pages(job.message)).await;
    let kept: Option<Vec<Leaf>> = kept.iter().map(|image| unpacked(image)).collect();
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
async fn cover(shared: &Arc<Shared>, job: &Job, pages: usize) -> Result<Vec<Leaf>, RenderError> {
    let Some(template) = &shared.config.offramp.cover else { return Ok(vec![]) };
    let kept = shared.persist("reading a cover", || shared.store.cover(job.id)).await;
    let kept: Option<Vec<Leaf>> = kept.iter().map(|image| unpacked(image)).collect();
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
    render: impl FnOnce(&RenderOptions) -> Result<Vec<Drawn>, RenderError> + Send + 'static,
) -> Result<(Vec<Leaf>, Vec<Vec<u8>>), RenderError> {
    let offramp = &shared.config.offramp;
    let options = RenderOptions {
        max_pages: offramp.max_pages,
        resolution: offramp.resolution,
        pictures: offramp.colour,
        ..Default::default()
    };
    let limit = options.time * 2;
    let rendering = tokio::task::spawn_blocking(move || {
        let leaves: Vec<_> = render(&options)?.into_iter().map(leaf).collect();
        let images: Vec<_> = leaves.iter().map(|leaf| pack_with(&leaf.page, leaf.picture.as_ref())).collect();
        Ok((leaves, images))
    });
    let whole = || "the message".to_owned();
    match tokio::time::timeout(limit, rendering).await {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(_)) => Err(RenderError::Damaged { part: whole(), what: "it cannot be rendered".into() }),
        Err(_) => Err(RenderError::TooSlow { part: whole() }),
    }
}

/// A page with its picture as it would go on the line.
fn leaf(mut drawn: Drawn) -> Leaf {
    let picture = drawn.picture().and_then(|picture| {
        let jpeg = picture.jpeg(picture.resolution(), picture.paper(), true);
        ReceivedPicture::read(jpeg.to_vec())
    });
    Leaf { page: drawn.page, picture }
}

fn unpacked(image: &[u8]) -> Option<Leaf> {
    Some(Leaf { page: unpack(image)?, picture: unpack_picture(image) })
}

/// The pages of this call with their header line.
pub(super) fn document(shared: &Shared, ready: &Ready) -> Document {
    let heads = heads(shared, ready);
    let stamped = ready.pages.iter().zip(heads).skip(ready.first);
    Document {
        pages: stamped.map(|(leaf, head)| Arc::new(header::add(&leaf.page, &head))).collect(),
        first: ready.first,
    }
}

/// The pictures of these pages, where they have one, with the same line.
pub(super) fn pictures(shared: &Shared, ready: &Ready) -> Vec<Option<Arc<Picture>>> {
    let stamped = ready.pages.iter().zip(heads(shared, ready)).skip(ready.first);
    let picture = |(leaf, head): (&Leaf, Header)| {
        let received = leaf.picture.as_ref()?;
        let dots = received.dots_per_inch.map(|dots| (f32::from(dots), f32::from(dots)));
        let paper = leaf.page.paper().unwrap_or(PaperWidth::A4);
        Some(Arc::new(Picture::new(received.raster()?, dots, leaf.page.resolution, paper).with_header(head)))
    };
    stamped.map(picture).collect()
}

/// The header lines of all pages.
fn heads(shared: &Shared, ready: &Ready) -> impl Iterator<Item = Header> {
    let identity = &shared.config.identity;
    let from = [identity.header.as_str(), identity.station.as_str()].into_iter().filter(|text| !text.is_empty());
    let from = from.collect::<Vec<_>>().join("  ");
    let date = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string();
    let (to, of) = (ready.job.number.clone(), ready.pages.len() as u32);
    (1..=of).map(move |page| Header { date: date.clone(), from: from.clone(), to: to.clone(), page, of: Some(of) })
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
