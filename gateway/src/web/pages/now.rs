//! What every line does now.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::IntoResponse};

use crate::{
    config::{Line, Purpose},
    live::LiveCall,
    store::{FaxItem, JobItem, Wanted, now},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        session::Visitor,
        words::{clock, filters, t, word},
    },
};

#[derive(Template)]
#[template(path = "web/now.html")]
struct NowPage {
    frame: Frame,
    lines: Vec<LineCard>,
    waiting: i64,
    failed: i64,
    late: String,
    jobs: Vec<JobItem>,
    faxes: Vec<FaxItem>,
}

/// A line and its calls.
struct LineCard {
    name: String,
    uri: String,
    purpose: &'static str,
    calls: Vec<CallCard>,
}

/// A call in short.
pub(super) struct CallCard {
    pub(super) id: String,
    pub(super) way: &'static str,
    pub(super) number: String,
    pub(super) phase: String,
    pub(super) page: String,
    pub(super) percent: u32,
    pub(super) carrier: String,
    pub(super) clock: String,
}

pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<impl IntoResponse, Failure> {
    let (store, owner) = (site.front.store(), visitor.owner(&site));
    let of = |states: &[&'static str], limit| Wanted {
        owner: owner.clone(),
        states: states.to_vec(),
        limit,
        ..Wanted::default()
    };
    let punctuality = site.front.punctuality();
    Ok(Html(NowPage {
        lines: lines(&site, &visitor).await?,
        waiting: store.job_count(&of(&["queued", "waiting", "sending"], 0)).await?,
        failed: store.job_count(&of(&["failed"], 0)).await?,
        late: format!("{:.1} ms", punctuality.worst.as_secs_f64() * 1000.0),
        jobs: store.jobs(&of(&[], 5)).await?,
        faxes: store.faxes(&of(&["receiving", "complete", "partial"], 5)).await?,
        frame: Frame::new(&visitor, "now"),
    }))
}

async fn lines(site: &Site, visitor: &Visitor) -> Result<Vec<LineCard>, Failure> {
    let mut calls: HashMap<String, Vec<CallCard>> = HashMap::new();
    for call in site.front.board().calls() {
        let mine = may_see(site, visitor, &call).await?;
        calls.entry(call.placed.line.clone()).or_default().push(card(&call, mine));
    }
    let lines = site.front.config().lines.iter().map(|line| LineCard {
        name: line.name.clone(),
        uri: if visitor.operator { line.written.clone() } else { String::new() },
        purpose: purpose(line),
        calls: calls.remove(&line.name).unwrap_or_default(),
    });
    Ok(lines.collect())
}

/// Whether a call is this visitor's: an operator's is any, a user's one with a fax of its own.
pub(super) async fn may_see(site: &Site, visitor: &Visitor, call: &LiveCall) -> Result<bool, Failure> {
    let Some(owner) = visitor.owner(site) else { return Ok(true) };
    Ok(match (call.placed.job, call.placed.fax) {
        (Some(job), _) => site.front.store().job_item(job, Some(&owner)).await?.is_some(),
        (None, Some(fax)) => site.front.store().fax_item(fax, Some(&owner)).await?.is_some(),
        (None, None) => false,
    })
}

fn purpose(line: &Line) -> &'static str {
    match line.purpose {
        Purpose::Send => t("line.send"),
        Purpose::Receive => t("line.receive"),
        Purpose::Both => t("line.both"),
    }
}

/// A call in short; of a call that is somebody else's only that there is one.
pub(super) fn card(call: &LiveCall, mine: bool) -> CallCard {
    let seen = call.glance.read();
    let seconds = ((now() - call.placed.begun_at).max(0) / 1000) as u64;
    if !mine {
        return CallCard { phase: t("call.others").into(), clock: clock(seconds), ..CallCard::nobodys() };
    }
    CallCard {
        id: call.placed.id.clone(),
        way: if call.placed.job.is_some() { t("call.out") } else { t("call.in") },
        number: call.placed.number.clone(),
        phase: word("phase", seen.phase),
        page: match (seen.page, seen.of) {
            (0, _) => String::new(),
            (page, Some(of)) => {
                t("call.page_of").replacen("{}", &page.to_string(), 1).replacen("{}", &of.to_string(), 1)
            }
            (page, None) => t("call.page").replacen("{}", &page.to_string(), 1),
        },
        percent: seen.percent.unwrap_or(0),
        carrier: seen.modem.map_or_else(String::new, |modem| carrier(modem, seen.bit_rate)),
        clock: clock(seconds),
    }
}

/// A modem and its rate.
pub(super) fn carrier(modem: &str, bit_rate: u32) -> String {
    format!("{} {bit_rate} bit/s", word("modem", modem))
}

impl CallCard {
    fn nobodys() -> Self {
        let empty = String::new;
        Self {
            id: empty(),
            way: "",
            number: empty(),
            phase: empty(),
            page: empty(),
            percent: 0,
            carrier: empty(),
            clock: empty(),
        }
    }
}
