//! E-mail to fax: jobs, their pages, a call, and what follows from how it went.
//!
//! ```text
//!  claim ─▶ hours? ─▶ pages (kept, or rendered now) ─▶ companions ─▶ call ─▶ each job: done | waiting | failed
//!                                                                     └─ page by page: confirmed, kept
//! ```

mod dialled;
mod ladder;
mod pages;
mod sending;

use std::{sync::Arc, time::Duration};

use answertone_hw::LineUri;
use answertone_t30::image::{Page, ReceivedPicture};
use dialled::Dialled;
use jiff::Zoned;
use sending::Part;
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{error, info};

use super::{
    Happening, LINE_PATIENCE, Shared,
    call::{Ended, Way},
};
use crate::{
    config::{Line, Purpose},
    ifax::{
        address::PhoneNumber,
        priority::Priority,
        status::{self, Consequence, DELIVERED, consequence},
    },
    store::{CallRow, Carries, Ending, Job, Verdict, now},
};

/// When the store itself fails.
const STORE_TROUBLE: Duration = Duration::from_secs(5);
/// How long a job that went wrong on one line is left to others, milliseconds.
const OTHERS_FIRST_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// One line's worker: call after call.
pub(super) async fn work(shared: Arc<Shared>, line: Line) {
    let carries = carries(&shared, &line);
    while !shared.stopping() {
        match shared.store.claim_job(&line.name, carries, OTHERS_FIRST_MS).await {
            Ok(Some(job)) => send(&shared, &line, job).await,
            Ok(None) => {
                let due = shared.store.next_job_due().await.unwrap_or_default();
                // What is due already but not for us is another line's, or waits for its number.
                let due = due.filter(|due| *due > now());
                shared.rest(&shared.job_due, due).await;
            }
            Err(error) => {
                error!(%error, "the job queue cannot be read or written");
                tokio::time::sleep(STORE_TROUBLE).await;
            }
        }
    }
}

/// A line that has only packets leaves numbers that need sound to others, where there are others.
fn carries(shared: &Shared, line: &Line) -> Carries {
    let only_packets = |line: &Line| matches!(line.uri, LineUri::T38(_));
    let others = shared.config.lines.iter().any(|other| !only_packets(other) && other.purpose != Purpose::Receive);
    if only_packets(line) && others { Carries::Packets } else { Carries::Anything }
}

/// A page, and the picture that may go in its place.
struct Leaf {
    page: Page,
    picture: Option<ReceivedPicture>,
}

/// A job with its pages, those of its cover first.
struct Ready {
    job: Job,
    pages: Vec<Leaf>,
    /// Pages that earlier calls delivered.
    first: usize,
}

impl Ready {
    fn new(job: Job, pages: Vec<Leaf>) -> Self {
        let first = (job.next_page as usize).min(pages.len());
        Self { job, pages, first }
    }

    fn is_done(&self) -> bool {
        self.first == self.pages.len()
    }
}

/// What an attempt came to for one job.
enum Attempt {
    Delivered,
    Failed {
        cause: String,
        said: String,
        consequence: Consequence,
    },
    /// The call did not come to it.
    Untried,
    /// We are stopping: the job goes on at the next start.
    Interrupted,
}

/// What a call came to.
struct CallEnd {
    confirmed: Vec<usize>,
    /// The cause and the same for people; none when all went well.
    failure: Option<(String, String)>,
    interrupted: bool,
}

async fn send(shared: &Arc<Shared>, line: &Line, job: Job) {
    let priority = Priority::ranked(job.priority);
    if let Some(later) = shared.config.offramp.postponed(&job.number, priority, &Zoned::now()) {
        let due = later.timestamp().as_millisecond();
        return shared.persist("a postponed job", || shared.store.job_untried(job.id, due)).await;
    }
    let companions = match shared.config.offramp.jobs_per_call {
        1 => vec![],
        most => shared.persist("more jobs for a call", || shared.store.claim_companions(&job, most - 1)).await,
    };
    let mut ready = vec![];
    for job in [job].into_iter().chain(companions) {
        match pages::ready(shared, &job).await {
            Ok(pages) => ready.push(Ready::new(job, pages)),
            Err(attempt) => conclude(shared, line, &job, attempt, false).await,
        }
    }
    let (done, open): (Vec<_>, Vec<_>) = ready.into_iter().partition(Ready::is_done);
    for ready in done {
        conclude(shared, line, &ready.job, Attempt::Delivered, false).await;
    }
    if !open.is_empty() {
        call(shared, line, open).await;
    }
}

async fn call(shared: &Arc<Shared>, line: &Line, mut ready: Vec<Ready>) {
    let step = shared.persist("what is known of a number", || shared.store.ladder_step(&ready[0].job.number)).await;
    let began = now();
    let (end, ended) = make(shared, line, &ready, step).await;
    for (ready, confirmed) in ready.iter_mut().zip(&end.confirmed) {
        ready.job.next_page = ready.job.next_page.max(*confirmed as i64);
    }
    log(shared, line, &ready, began, &end, ended.as_deref()).await;
    let line_was_there = ended.is_some();
    let was_audio = ended.as_ref().is_none_or(|ended| !went_as_t38(line, ended));
    if let Some(ended) = ended {
        shared.happenings.tell(Happening::CallEnded(Way::Out, ended));
    }
    // Who hangs up on packets may well take sound.
    let simpler = |cause: &str| consequence(cause).simpler || (cause == "line_lost" && !was_audio);
    let simpler = end.failure.as_ref().is_some_and(|(cause, _)| simpler(cause));
    if simpler {
        ladder::climb(shared, &ready[0].job.number, step, was_audio).await;
    }
    let attempts = judged(&end, &ready);
    for (ready, attempt) in ready.iter().zip(attempts) {
        conclude(shared, line, &ready.job, attempt, simpler).await;
    }
    // Else a line that is gone for a moment would use up all attempts of all jobs in that moment.
    if !line_was_there && !shared.stopping() {
        tokio::time::sleep(LINE_PATIENCE).await;
    }
}

/// Makes the call on a thread of its own.
async fn make(shared: &Arc<Shared>, line: &Line, ready: &[Ready], step: i64) -> (CallEnd, Option<Box<Ended>>) {
    let job = &ready[0].job;
    let number =
        PhoneNumber::parse(&job.number).map(|number| shared.config.offramp.dial.dialled(&number)).unwrap_or_default();
    let recording = shared.recordings.as_ref().map(|dir| dir.join(format!("call-{}-{}.wav", job.id, job.attempts)));
    info!(job = job.id, jobs = ready.len(), line = line.name, attempt = job.attempts, step, "calling");
    let documents: Vec<_> = ready.iter().map(|ready| pages::document(shared, ready)).collect();
    shared.happenings.tell(Happening::Dialling {
        job: job.id,
        number: job.number.clone(),
        dialled: number.clone(),
        line: line.name.clone(),
        attempt: job.attempts,
        pages: documents[0].pages.clone(),
        recording: recording.clone(),
    });
    let dialled = Dialled {
        shared: shared.clone(),
        line: line.clone(),
        job: job.id,
        attempt: job.attempts,
        called: job.number.clone(),
        number,
        pictures: ready.iter().flat_map(|ready| pages::pictures(shared, ready)).collect(),
        parts: ready.iter().map(|ready| Part::new(ready.job.id, ready.first, ready.pages.len())).collect(),
        documents,
        subaddress: job.subaddress.clone(),
        post_dial: job.post_dial.clone(),
        step,
        recording,
    };
    let (to, ended) = oneshot::channel();
    let handle = Handle::current();
    let name = format!("call {}", line.name);
    let spawned = std::thread::Builder::new().name(name).spawn(move || drop(to.send(dialled.run(&handle))));
    let ended = match spawned {
        Ok(_) => ended.await.unwrap_or_else(|_| Err(NotPlaced::new("no_line", "the call's thread failed"))),
        Err(error) => Err(NotPlaced::new("no_line", format!("no thread for the call: {error}"))),
    };
    match ended {
        Ok((ended, confirmed)) => (CallEnd::of(shared, line, &ended, confirmed), Some(Box::new(ended))),
        Err(NotPlaced { cause, said }) => {
            let confirmed = ready.iter().map(|ready| ready.first).collect();
            // A gateway that stops gives calls up that nobody has answered yet.
            (CallEnd { confirmed, failure: Some((cause.into(), said)), interrupted: shared.stopping() }, None)
        }
    }
}

/// Why there was no call.
pub(super) struct NotPlaced {
    /// As [`status`] knows it.
    pub(super) cause: &'static str,
    /// For people.
    pub(super) said: String,
}

impl NotPlaced {
    pub(super) fn new(cause: &'static str, said: impl ToString) -> Self {
        Self { cause, said: said.to_string() }
    }
}

impl CallEnd {
    fn of(shared: &Shared, line: &Line, ended: &Ended, confirmed: Vec<usize>) -> Self {
        let stopping = shared.hang_up.load(std::sync::atomic::Ordering::Relaxed);
        let failure = ended.report.failure.as_ref().map(|failure| {
            let cause = match status::cause(&ended.report).unwrap_or(failure.cause) {
                // Packets that do not come through tell nothing of who is there.
                "no_fax_heard" if went_as_t38(line, ended) => "peer_silent",
                cause => cause,
            };
            let heard = ended.report.heard.filter(|_| cause != failure.cause);
            let text = heard.map_or_else(|| failure.text.clone(), |heard| format!("{}; heard: {heard}", failure.text));
            (cause.to_owned(), text)
        });
        let interrupted = stopping && failure.as_ref().is_some_and(|(cause, _)| cause == "local_cancel");
        Self { confirmed, failure, interrupted }
    }
}

/// Whether the fax went in packets rather than as sound.
fn went_as_t38(line: &Line, ended: &Ended) -> bool {
    let kind = ended.report.transport.as_ref().map_or("", |transport| transport.kind);
    matches!(line.uri, LineUri::T38(_)) || ["udptl", "tcp", "dtls", "tls"].contains(&kind)
}

/// What the call's end means to each of its jobs. A call that broke among the pages of one says nothing of those after it.
fn judged(end: &CallEnd, ready: &[Ready]) -> Vec<Attempt> {
    let begun = ready.iter().zip(&end.confirmed).any(|(ready, confirmed)| *confirmed > ready.first);
    let mut broken = false;
    let mut judge = |ready: &Ready, confirmed: usize| match &end.failure {
        _ if confirmed == ready.pages.len() => Attempt::Delivered,
        _ if end.interrupted => Attempt::Interrupted,
        Some((cause, _)) if broken && begun && consequence(cause).retry => Attempt::Untried,
        Some((cause, said)) => {
            broken = true;
            Attempt::Failed { cause: cause.clone(), said: said.clone(), consequence: consequence(cause) }
        }
        None => Attempt::Untried,
    };
    ready.iter().zip(&end.confirmed).map(|(ready, confirmed)| judge(ready, *confirmed)).collect()
}

/// A call is logged with each of its jobs, and its cost with the first.
async fn log(shared: &Shared, line: &Line, ready: &[Ready], began: i64, end: &CallEnd, ended: Option<&Ended>) {
    let ended_at = now();
    let number = &ready[0].job.number;
    let dialled = PhoneNumber::parse(number).map(|number| shared.config.offramp.dial.dialled(&number)).ok();
    let mut cost = ended.map_or(0.0, |ended| shared.config.offramp.cost(number, ended.report.seconds));
    let mut numbers_before = ready[0].first;
    for ready in ready {
        let pages = ready.pages.len() - ready.first;
        let row = CallRow {
            line: line.name.clone(),
            job: Some(ready.job.id),
            fax: None,
            dialled: dialled.clone(),
            begun_at: began,
            ended_at,
            ok: end.failure.is_none(),
            report: report(end, ended, numbers_before..numbers_before + pages),
            cause: end.failure.as_ref().map(|(cause, _)| cause.clone()),
            cost: std::mem::take(&mut cost),
        };
        numbers_before += pages;
        if let Err(error) = shared.store.log_call(&row).await {
            error!(%error, "the call is not in the log");
        }
    }
}

/// The call's report with the pages of one job, whose numbers lie in the range counted from 0.
fn report(end: &CallEnd, ended: Option<&Ended>, of_job: std::ops::Range<usize>) -> String {
    let mut report = match (ended, &end.failure) {
        (Some(ended), _) => serde_json::to_value(&ended.report).unwrap_or_default(),
        (None, failure) => {
            let failure = failure.as_ref().map(|(cause, text)| serde_json::json!({"cause": cause, "text": text}));
            serde_json::json!({"ok": false, "failure": failure})
        }
    };
    if let Some(pages) = report["page"].as_array_mut() {
        pages.retain(|page| page["number"].as_u64().is_some_and(|n| of_job.contains(&(n as usize).saturating_sub(1))));
    }
    report.to_string()
}

async fn conclude(shared: &Arc<Shared>, line: &Line, job: &Job, attempt: Attempt, simpler: bool) {
    let (state, text) = match attempt {
        Attempt::Untried => {
            shared.persist("a job given back", || shared.store.job_untried(job.id, now())).await;
            ("waiting", String::new())
        }
        Attempt::Interrupted => {
            let said = "the gateway stopped during the call";
            let verdict = Verdict { cause: Some("interrupted"), said, status: "" };
            shared.persist("an interrupted job", || shared.store.job_waits(job, now(), &verdict, "")).await;
            ("waiting", said.to_owned())
        }
        Attempt::Failed { cause, said, consequence } => {
            let verdict = Verdict { cause: Some(&cause), said: &said, status: consequence.status };
            let times = job.causes().get(&cause).copied().unwrap_or(0) + 1;
            match shared.config.offramp.wait_after(&cause, times, job.attempts as u32) {
                Some(wait) => {
                    let (due, avoid) = (now() + wait.as_millis() as i64, avoided(shared, line, simpler));
                    shared.persist("a waiting job", || shared.store.job_waits(job, due, &verdict, avoid)).await;
                    ("waiting", said)
                }
                None => {
                    shared.persist("a failed job", || shared.store.job_ends(job.id, Ending::Failed, &verdict)).await;
                    ("failed", said)
                }
            }
        }
        Attempt::Delivered => {
            let verdict = Verdict { cause: None, said: "", status: DELIVERED };
            shared.persist("the end of a job", || shared.store.job_ends(job.id, Ending::Done, &verdict)).await;
            ("done", String::new())
        }
    };
    info!(job = job.id, state, said = text, "job");
    shared.notice_due.notify_one();
    shared.hook_due.notify_one();
    shared.happenings.tell(Happening::JobState { job: job.id, state, said: text });
}

/// The line that another is to be taken for next time, if there is another.
fn avoided<'a>(shared: &Shared, line: &'a Line, simpler: bool) -> &'a str {
    let others = shared.config.lines.iter().any(|other| other.name != line.name && other.purpose != Purpose::Receive);
    if simpler && others { &line.name } else { "" }
}
