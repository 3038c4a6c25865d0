//! E-mail to fax: a job, its pages, a call, and what follows from how it went.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use answertone_hw::{
    Line as PcmLineOrPolled, LineUri, Pace,
    audiosocket::{AudioSocketParams, CallId, Side},
    sim,
};
use answertone_t30::{
    frame::Modems,
    image::{
        Page,
        header::{self, Header},
    },
    session::{Config as SessionConfig, Document, Event, Session},
    time::LineTime,
};
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{error, info};

use super::{
    Happening, Shared,
    call::{self, Ended, Flag, Listener, Pending, Way},
    mail_out::wait,
    onramp, switchboard,
};
use crate::{
    config::Line,
    engine::answerer,
    ifax::{
        address::PhoneNumber,
        receipt,
        status::{Consequence, DELIVERED, consequence},
    },
    render::{self, RenderError, RenderOptions},
    store::{CallRow, Ending, Job, now, pack, unpack},
};

/// When the store itself fails.
const STORE_TROUBLE: Duration = Duration::from_secs(5);
/// How often it is looked whether the operator has cancelled.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// One line's worker: job after job.
pub(super) async fn work(shared: Arc<Shared>, line: Line) {
    while !shared.stopping() {
        match shared.store.claim_job().await {
            Ok(Some(job)) => send(&shared, &line, job).await,
            Ok(None) => {
                let due = shared.store.next_job_due().await.unwrap_or_default();
                shared.rest(&shared.job_due, due).await;
            }
            Err(error) => {
                error!(%error, "the job queue cannot be read or written");
                tokio::time::sleep(STORE_TROUBLE).await;
            }
        }
    }
}

/// What one attempt came to.
enum Attempt {
    Delivered {
        pages: usize,
    },
    Failed {
        cause: String,
        said: String,
        consequence: Consequence,
        pages: Option<usize>,
    },
    /// We are stopping: the job goes on at the next start.
    Interrupted,
}

async fn send(shared: &Arc<Shared>, line: &Line, mut job: Job) {
    let attempt = match pages_of(shared, &job).await {
        Ok(pages) => call(shared, line, &mut job, pages).await,
        Err(error) => {
            let consequence = Consequence { status: error.status(), retry: false };
            Attempt::Failed { cause: "render".into(), said: error.to_string(), consequence, pages: None }
        }
    };
    conclude(shared, &job, attempt).await;
}

/// The message on paper: from the store, or rendered now and kept.
async fn pages_of(shared: &Arc<Shared>, job: &Job) -> Result<Vec<Page>, RenderError> {
    let kept = shared.persist("reading pages", || shared.store.pages(job.message)).await;
    let kept: Option<Vec<Page>> = kept.iter().map(|image| unpack(image)).collect();
    if let Some(pages) = kept.filter(|pages| !pages.is_empty()) {
        return Ok(pages);
    }
    let options = RenderOptions { max_pages: shared.config.offramp.max_pages, ..Default::default() };
    let (raw, limit) = (job.raw.clone(), options.time * 2);
    let rendering = tokio::task::spawn_blocking(move || {
        let pages = render::message(&raw, &options)?;
        let images: Vec<_> = pages.iter().map(pack).collect();
        Ok((pages, images))
    });
    let whole = || "the message".to_owned();
    let (pages, images) = match tokio::time::timeout(limit, rendering).await {
        Ok(Ok(rendered)) => rendered?,
        Ok(Err(_)) => return Err(RenderError::Damaged { part: whole(), what: "it cannot be rendered".into() }),
        Err(_) => return Err(RenderError::TooSlow { part: whole() }),
    };
    shared.persist("rendered pages", || shared.store.keep_pages(job.message, &images)).await;
    shared.happenings.tell(Happening::Rendered { job: job.id, pages: pages.len() });
    Ok(pages)
}

async fn call(shared: &Arc<Shared>, line: &Line, job: &mut Job, pages: Vec<Page>) -> Attempt {
    let count = pages.len();
    let first = (job.next_page as usize).min(count);
    if first == count {
        return Attempt::Delivered { pages: count };
    }
    let number =
        PhoneNumber::parse(&job.number).map(|number| shared.config.offramp.dial.dialled(&number)).unwrap_or_default();
    let stamped = stamp(shared, job, pages, first);
    let recording = shared.recordings.as_ref().map(|dir| dir.join(format!("call-{}-{}.wav", job.id, job.attempts)));
    info!(job = job.id, line = line.name, attempt = job.attempts, "calling");
    shared.happenings.tell(Happening::Dialling {
        job: job.id,
        number: job.number.clone(),
        dialled: number.clone(),
        line: line.name.clone(),
        attempt: job.attempts,
        pages: stamped.clone(),
        recording: recording.clone(),
    });
    let began = now();
    let dialled = Dialled {
        shared: shared.clone(),
        line: line.clone(),
        job: job.id,
        attempt: job.attempts,
        number: number.clone(),
        document: Document { pages: stamped, first },
        subaddress: job.subaddress.clone(),
        recording,
    };
    let (to, ended) = oneshot::channel();
    let handle = Handle::current();
    let spawned = thread::Builder::new().name(format!("call {}", line.name)).spawn(move || {
        let _ = to.send(dialled.run(&handle));
    });
    let ended = match spawned {
        Ok(_) => ended.await.unwrap_or_else(|_| Err("the call's thread failed".into())),
        Err(error) => Err(format!("no thread for the call: {error}")),
    };
    match ended {
        Ok((ended, confirmed)) => {
            job.next_page = job.next_page.max(confirmed as i64);
            log(shared, line, job, &number, began, &ended).await;
            let attempt = judged(shared, &ended, count);
            shared.happenings.tell(Happening::CallEnded(Way::Out, Box::new(ended)));
            attempt
        }
        Err(said) => {
            Attempt::Failed { cause: "no_line".into(), said, consequence: consequence("no_line"), pages: Some(count) }
        }
    }
}

/// The pages of this call with their header line.
fn stamp(shared: &Shared, job: &Job, pages: Vec<Page>, first: usize) -> Vec<Arc<Page>> {
    let identity = &shared.config.identity;
    let from = [identity.header.as_str(), identity.station.as_str()].into_iter().filter(|text| !text.is_empty());
    let from = from.collect::<Vec<_>>().join("  ");
    let date = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string();
    let of = Some(pages.len() as u32);
    let head = |index: usize| Header {
        date: date.clone(),
        from: from.clone(),
        to: job.number.clone(),
        page: index as u32 + 1,
        of,
    };
    pages.iter().enumerate().skip(first).map(|(index, page)| Arc::new(header::add(page, &head(index)))).collect()
}

fn judged(shared: &Shared, ended: &Ended, pages: usize) -> Attempt {
    match &ended.report.failure {
        None => Attempt::Delivered { pages },
        Some(failure)
            if failure.cause == "local_cancel" && shared.hang_up.load(std::sync::atomic::Ordering::Relaxed) =>
        {
            Attempt::Interrupted
        }
        Some(failure) => Attempt::Failed {
            cause: failure.cause.to_string(),
            said: failure.text.clone(),
            consequence: consequence(failure.cause),
            pages: Some(pages),
        },
    }
}

async fn log(shared: &Shared, line: &Line, job: &Job, dialled: &str, began: i64, ended: &Ended) {
    let row = CallRow {
        line: line.name.clone(),
        job: Some(job.id),
        fax: None,
        dialled: Some(dialled.into()),
        begun_at: began,
        ended_at: now(),
        ok: ended.report.ok,
        report: serde_json::to_string(&ended.report).unwrap_or_default(),
    };
    if let Err(error) = shared.store.log_call(&row).await {
        error!(%error, "the call is not in the log");
    }
}

async fn conclude(shared: &Arc<Shared>, job: &Job, attempt: Attempt) {
    let config = &shared.config;
    let (state, text) = match attempt {
        Attempt::Interrupted => {
            let said = "the gateway stopped during the call";
            shared.persist("an interrupted job", || shared.store.job_waits(job.id, now(), "interrupted", said)).await;
            ("waiting", said.to_owned())
        }
        Attempt::Failed { cause, said, consequence, .. }
            if consequence.retry && job.attempts < i64::from(config.offramp.attempts) =>
        {
            let due = now() + wait(&config.offramp.retry, job.attempts - 1).as_millis() as i64;
            shared.persist("a waiting job", || shared.store.job_waits(job.id, due, &cause, &said)).await;
            ("waiting", said)
        }
        Attempt::Failed { cause, said, consequence, pages } => {
            let result = receipt::Result { status: consequence.status, text: said.clone(), pages, delivered: false };
            end(shared, job, Ending::Failed, Some(&cause), &result).await;
            ("failed", said)
        }
        Attempt::Delivered { pages } => {
            let result =
                receipt::Result { status: DELIVERED, text: String::new(), pages: Some(pages), delivered: true };
            end(shared, job, Ending::Done, None, &result).await;
            ("done", String::new())
        }
    };
    info!(job = job.id, state, said = text, "job");
    shared.happenings.tell(Happening::JobState { job: job.id, state, said: text });
}

async fn end(shared: &Arc<Shared>, job: &Job, ending: Ending, cause: Option<&str>, result: &receipt::Result) {
    let config = &shared.config;
    let notice = receipt::notice(job, result, &config.hostname, config.onramp.from.as_str());
    shared
        .persist("the end of a job", || shared.store.job_ends(job.id, ending, cause, &result.text, notice.as_ref()))
        .await;
    shared.mail_due.notify_one();
}

/// A line off hook, and the thread at its far end if that is ours.
type TakenLine = (PcmLineOrPolled, Option<thread::JoinHandle<()>>);

/// A call about to be made, on its thread.
struct Dialled {
    shared: Arc<Shared>,
    line: Line,
    job: i64,
    attempt: i64,
    /// What is dialled.
    number: String,
    document: Document,
    subaddress: String,
    recording: Option<PathBuf>,
}

impl Dialled {
    /// The call's end and how many pages the far machine has confirmed in all.
    fn run(self, handle: &Handle) -> Result<(Ended, usize), String> {
        let (line, far) = self.take_line(handle)?;
        let config = SessionConfig {
            ident: self.shared.config.identity.station.clone(),
            modems: Modems::ALL,
            sub: Some(self.subaddress.clone()).filter(|sub| !sub.is_empty()),
            ..SessionConfig::default()
        };
        let session = Session::calling(Arc::new(config), self.document.clone(), LineTime::ZERO);
        let sending = Sending::new(self.shared.clone(), handle.clone(), self.job, self.document.first, line.pace());
        let (ended, sending) = call::run(&self.shared, Way::Out, line, session, sending, self.recording.as_ref())?;
        if let Some(far) = far {
            let _ = far.join();
        }
        Ok((ended, sending.confirmed))
    }

    /// The line, off hook; a simulated one with somebody at its far end.
    fn take_line(&self, handle: &Handle) -> Result<TakenLine, String> {
        let params = match &self.line.uri {
            LineUri::Sim(params) => params,
            LineUri::AudioSocket(params) => return Ok((self.connected(params, handle)?, None)),
            uri => {
                let line = answertone_hw::open_line(uri, &|| !self.shared.stopping());
                return Ok((line.map_err(|error| error.to_string())?, None));
            }
        };
        let (near, far) = sim::pair(params);
        let far = match params.far {
            sim::Far::OnRamp => {
                let far = PcmLineOrPolled::Own(Box::new(far));
                onramp::answer_on_thread(&self.shared, handle, &self.line.name, far, Some(self.number.clone()))?
            }
            sim::Far::FaxMachine => {
                let machine = answerer(far, SessionConfig { modems: Modems::ALL, ..SessionConfig::default() });
                thread::spawn(move || drop(machine.join()))
            }
        };
        Ok((PcmLineOrPolled::Own(Box::new(near)), Some(far)))
    }

    /// A call that Asterisk makes for us, or a connection that carries the number in its UUID.
    fn connected(&self, params: &AudioSocketParams, handle: &Handle) -> Result<PcmLineOrPolled, String> {
        if let (Side::Listen(here), Some(originate)) = (params.side, &params.originate) {
            let which = (self.job, self.attempt);
            return handle.block_on(switchboard::call(&self.shared, params, originate, here, which, &self.number));
        }
        let call = params.call.or_else(|| CallId::of_number(&self.number));
        let uri = LineUri::AudioSocket(AudioSocketParams { call, ..params.clone() });
        answertone_hw::open_line(&uri, &|| !self.shared.stopping()).map_err(|error| error.to_string())
    }
}

/// Keeps what the far machine confirms.
struct Sending {
    shared: Arc<Shared>,
    handle: Handle,
    job: i64,
    confirmed: usize,
    pace: Pace,
    cancelled: Flag,
    looked: Instant,
}

impl Sending {
    fn new(shared: Arc<Shared>, handle: Handle, job: i64, first: usize, pace: Pace) -> Self {
        let cancelled = Flag(Arc::new(AtomicBool::new(false)));
        Self { shared, handle, job, confirmed: first, pace, cancelled, looked: Instant::now() }
    }

    fn keep_confirmation(&self, number: usize) {
        let (shared, job) = (self.shared.clone(), self.job);
        let (to, mut done) = Pending::new(self.pace);
        self.handle.spawn(async move {
            let kept = shared.store.page_confirmed(job, number).await;
            if let Err(error) = &kept {
                error!(%error, job, page = number, "a confirmed page is not on record");
            }
            let _ = to.send(());
        });
        if self.pace == Pace::Unpaced {
            let _ = done.ready();
        }
    }
}

impl Listener for Sending {
    fn event(&mut self, event: Event) {
        if let Event::PageSent { number, verdict } = event
            && verdict.is_good()
        {
            self.confirmed = self.confirmed.max(number);
            self.keep_confirmation(number);
            self.shared.happenings.tell(Happening::PageSent { job: self.job, number });
        }
    }

    fn cancelled(&mut self) -> bool {
        if self.looked.elapsed() > LOOK_AROUND {
            self.looked = Instant::now();
            let (shared, job, flag) = (self.shared.clone(), self.job, self.cancelled.0.clone());
            self.handle.spawn(async move {
                if shared.store.is_cancelled(job).await.unwrap_or(false) {
                    flag.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
        self.cancelled.is_set()
    }
}
