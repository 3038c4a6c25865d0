//! Fax to e-mail: a call answered, its caller judged, its pages on disk one by one before each is confirmed, then a mail.

mod desk;
mod judge;
mod replies;

use std::{sync::Arc, thread};

use answertone_hw::{Line as PcmLineOrPolled, LineUri, OpenError, Pace, rtp::RtpParams};
use answertone_t30::{
    frame::Modems,
    session::{Codings, Config as SessionConfig, Direct, DirectNews, Event, Keeping, NotKept, ReceivedPage, Session},
    time::LineTime,
};
use tokio::runtime::Handle;
use tracing::{error, info};

use self::{desk::Desk, judge::Judgement};
use super::{
    Happening, LINE_PATIENCE, Shared,
    call::{self, Listener, Pending, Trunk, Way},
};
use crate::{
    authorise::caller::{CallerRefused, Incoming},
    config::Line,
    direct::Courier,
    ifax::message::{Completeness, KeptPage, Letter},
    live::Placed,
    store::{CallRow, FaxState, NewMail, StoreError, now, pack_with, unpack, unpack_picture},
    t38::PacketLine,
    telephone::{self, NoCall},
};

/// What the line tells of a call that comes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller {
    /// The number it was made to.
    pub(super) dialled: Option<String>,
    /// The number it came from.
    pub(super) number: Option<String>,
}

/// Answers on a line by itself: a recording and a stream once, a line that can be called again call after call. One that
/// goes away is opened again until it comes back.
pub(super) async fn work(shared: Arc<Shared>, line: Line) {
    let once = matches!(line.uri, LineUri::Wav { .. } | LineUri::Stdio { .. });
    let mut said_before = String::new();
    while !shared.stopping() {
        match answer_one(shared.clone(), line.clone()).await {
            Ok(()) => said_before.clear(),
            Err(said) if said != said_before => {
                error!(line = line.name, said, "the line cannot be answered");
                said_before = said;
            }
            Err(_) => {}
        }
        if once {
            return;
        }
        if !said_before.is_empty() {
            tokio::time::sleep(LINE_PATIENCE).await;
        }
    }
}

/// The line as one that waits for its call.
fn called(uri: &LineUri) -> LineUri {
    match uri {
        LineUri::Rtp(params) => LineUri::Rtp(RtpParams { waits_for_call: true, ..params.clone() }),
        other => other.clone(),
    }
}

async fn answer_one(shared: Arc<Shared>, line: Line) -> Result<(), String> {
    let handle = Handle::current();
    let answered = tokio::task::spawn_blocking(move || {
        let wanted = || !shared.stopping();
        if let LineUri::T38(params) = &line.uri {
            return match PacketLine::called(params, &wanted) {
                Err(OpenError::NobodyWaits) => Ok(()),
                called => {
                    let trunk = Trunk::Packets(Box::new(called.map_err(|error| error.to_string())?));
                    answer_here(&shared, &handle, &line.name, trunk, Caller::default())
                }
            };
        }
        let pcm = match telephone::open(&called(&line.uri), &wanted) {
            Err(OpenError::NobodyWaits) => return Ok(()),
            opened => opened.map_err(|error| error.to_string())?,
        };
        let (pcm, number) = match telephone::rung(pcm, &mut || shared.stopping()) {
            Err(NoCall::Cancelled) => return Ok(()),
            rung => rung.map_err(|error| error.to_string())?,
        };
        let dialled = pcm.called().map(str::to_owned);
        answer_here(&shared, &handle, &line.name, pcm, Caller { dialled, number })
    });
    answered.await.map_err(|error| error.to_string())?
}

/// Answers a call on a thread of its own. When the store cannot take a fax, the call is not answered at all.
pub(super) fn answer_on_thread(
    shared: &Arc<Shared>,
    handle: &Handle,
    name: &str,
    line: impl Into<Trunk>,
    caller: Caller,
) -> Result<thread::JoinHandle<()>, String> {
    let fax = begin(shared, handle, name)?;
    let (shared, handle, name, line) = (shared.clone(), handle.clone(), name.to_owned(), line.into());
    let answering = move || answer(&shared, &handle, &name, line, fax, caller);
    thread::Builder::new().name(format!("fax {fax}")).spawn(answering).map_err(|error| error.to_string())
}

/// Answers a call and comes back when it is over.
pub(super) fn answer_here(
    shared: &Arc<Shared>,
    handle: &Handle,
    name: &str,
    line: impl Into<Trunk>,
    caller: Caller,
) -> Result<(), String> {
    let fax = begin(shared, handle, name)?;
    answer(shared, handle, name, line.into(), fax, caller);
    Ok(())
}

fn begin(shared: &Arc<Shared>, handle: &Handle, name: &str) -> Result<i64, String> {
    handle.block_on(shared.store.begin_fax(name)).map_err(|error| format!("the call is not answered: {error}"))
}

fn answer(shared: &Arc<Shared>, handle: &Handle, name: &str, line: Trunk, fax: i64, caller: Caller) {
    shared.happenings.tell(Happening::Answering { fax, line: name.into() });
    let began = now();
    let mut call = Incoming {
        dialled: caller.dialled.clone().unwrap_or_default(),
        number: caller.number.unwrap_or_default(),
        ..Incoming::default()
    };
    let line = match attended(shared, handle, line, &mut call) {
        Ok(line) => line,
        Err(refusal) => return handle.block_on(turned_away(shared, fax, &call, &refusal)),
    };
    let courier = shared.courier(Way::In, line.pace());
    let config = SessionConfig {
        ident: shared.config.identity.station.clone(),
        modems: Modems::ALL,
        codings: codings(shared.config.onramp.colour),
        keeping: Keeping::Awaited,
        path_delay: line.delay(),
        direct: courier.as_ref().map_or(Direct::Never, Courier::terms),
        ..SessionConfig::default()
    };
    let session = Session::answering(Arc::new(config), LineTime::ZERO);
    let number_of_caller = call.number.clone();
    let judgement = Judgement::new(call);
    let receiving = Receiving {
        shared: shared.clone(),
        handle: handle.clone(),
        fax,
        pace: line.pace(),
        judgement: judgement.clone(),
        courier,
        pending: None,
    };
    let placed = Placed {
        id: format!("fax-{fax}"),
        line: name.into(),
        number: number_of_caller,
        fax: Some(fax),
        begun_at: began,
        ..Placed::default()
    };
    let (ended, _) = match call::run(shared, Way::In, line, session, receiving, placed, None) {
        Ok(ended) => ended,
        Err(said) => return handle.block_on(close(shared, fax, Err(said))),
    };
    let outcome = match (&ended.report.failure, judgement.refusal()) {
        (_, Some(refusal)) => Err(refusal.to_string()),
        (None, None) => Ok(()),
        (Some(failure), None) => Err(failure.text.clone()),
    };
    let cause = ended.report.failure.as_ref().map(|failure| failure.cause.to_owned());
    let row = CallRow {
        line: name.into(),
        job: None,
        fax: Some(fax),
        dialled: caller.dialled,
        begun_at: began,
        ended_at: now(),
        ok: ended.report.ok,
        report: serde_json::to_string(&ended.report).unwrap_or_default(),
        cause: if judgement.is_refusal() { Some("not_allowed".into()) } else { cause },
        cost: 0.0,
    };
    shared.happenings.tell(Happening::CallEnded(Way::In, Box::new(ended)));
    handle.block_on(async {
        close(shared, fax, outcome).await;
        if let Err(error) = shared.store.log_call(&row).await {
            error!(%error, "the call is not in the log");
        }
    });
}

/// The codings of a gateway's calls.
pub(super) fn codings(colour: bool) -> Codings {
    if colour { Codings::USUAL | Codings::JPEG } else { Codings::USUAL }
}

/// The line once all that is asked before the fax was answered.
fn attended(shared: &Arc<Shared>, handle: &Handle, line: Trunk, call: &mut Incoming) -> Result<Trunk, CallerRefused> {
    let line = match line {
        Trunk::Sound(line) if Desk::is_staffed(shared) => line,
        Trunk::Signalled(mut leg) if Desk::is_staffed(shared) => {
            let mut desk = Desk { shared, handle, line: leg.as_mut() };
            desk.attend(call).inspect_err(|_| desk.turn_away())?;
            return Ok(Trunk::Signalled(leg));
        }
        // Nobody can be asked by packets, and who presses no keys is judged by what else is known.
        other => return Ok(other),
    };
    let mut own = line.waiting();
    let mut desk = Desk { shared, handle, line: own.as_mut() };
    desk.attend(call).inspect_err(|_| desk.turn_away())?;
    Ok(PcmLineOrPolled::Own(own).into())
}

async fn turned_away(shared: &Shared, fax: i64, call: &Incoming, refusal: &CallerRefused) {
    tracing::warn!(fax, %refusal, "a caller is turned away");
    shared.persist("a refused caller", || shared.store.fax_peer(fax, call)).await;
    close(shared, fax, Err(refusal.to_string())).await;
}

/// Closes a fax and queues its mail, in one transaction. `Err` says why it is not complete.
pub(super) async fn close(shared: &Shared, fax: i64, outcome: Result<(), String>) {
    let (state, said, mails) = shared.persist("the end of a fax", || closing(shared, fax, &outcome)).await;
    shared.persist("the end of a fax", || shared.store.fax_ends(fax, state, &said, &mails)).await;
    info!(fax, ?state, said, "fax received");
    shared.hook_due.notify_one();
    shared.mail_due.notify_one();
}

async fn closing(
    shared: &Shared,
    fax: i64,
    outcome: &Result<(), String>,
) -> Result<(FaxState, String, Vec<NewMail>), StoreError> {
    let row = shared.store.fax(fax).await?;
    let pages = kept_pages(shared, fax).await?;
    let said = outcome.clone().err().unwrap_or_default();
    if pages.is_empty() {
        return Ok((FaxState::Empty, said, vec![]));
    }
    let (state, complete) = match outcome {
        Ok(()) => (FaxState::Complete, Completeness::Complete),
        Err(why) => (FaxState::Partial, Completeness::Partial(why.clone())),
    };
    // What was confirmed must go somewhere, even if the tables have changed since.
    let mailboxes =
        shared.route(&row.incoming()).await.unwrap_or_else(|_| vec![shared.config.onramp.mailbox.to_string()]);
    let (onramp, hostname) = (&shared.config.onramp, &shared.config.hostname);
    let letter = |mailbox| Letter { fax: &row, pages: &pages, complete: &complete, onramp, mailbox, hostname };
    match mailboxes.iter().map(|mailbox| letter(mailbox).mail()).collect() {
        Ok(mails) => Ok((state, said, mails)),
        Err(error) => {
            error!(fax, %error, "the fax's pages do not fit a mail; they stay in the store");
            Ok((state, format!("{said} {error}"), vec![]))
        }
    }
}

/// The pages of a fax that are still kept.
async fn kept_pages(shared: &Shared, fax: i64) -> Result<Vec<KeptPage>, StoreError> {
    let kept = shared.store.fax_pages(fax).await?;
    let page = |(image, bad_rows): &(Vec<u8>, u32)| {
        Some(KeptPage { page: unpack(image)?, picture: unpack_picture(image), bad_rows: *bad_rows })
    };
    Ok(kept.iter().filter_map(page).collect())
}

/// Keeps pages as they come.
struct Receiving {
    shared: Arc<Shared>,
    handle: Handle,
    fax: i64,
    pace: Pace,
    judgement: Judgement,
    courier: Option<Courier>,
    pending: Option<Pending<Result<(), String>>>,
}

impl Receiving {
    fn keep(&mut self, received: ReceivedPage) {
        let (shared, fax, judgement) = (self.shared.clone(), self.fax, self.judgement.clone());
        let (to, pending) = Pending::new(self.pace);
        self.handle.spawn(async move {
            if let Err(refusal) = judgement.wait().await {
                let _ = to.send(Err(refusal.to_string()));
                return;
            }
            let number = received.number;
            let pack = move || (pack_with(&received.page, received.picture.as_ref()), received.bad_rows);
            let packed = tokio::task::spawn_blocking(pack).await;
            let kept = match packed {
                Ok((image, bad_rows)) => shared.store.keep_fax_page(fax, number, &image, bad_rows).await,
                Err(_) => Err(StoreError::Database(sqlx::Error::WorkerCrashed)),
            };
            match &kept {
                Ok(()) => shared.happenings.tell(Happening::PageKept { fax, number }),
                Err(error) => error!(%error, fax, page = number, "a page cannot be kept; it is not confirmed"),
            }
            let _ = to.send(kept.map_err(|error| error.to_string()));
        });
        self.pending = Some(pending);
    }
}

impl Listener for Receiving {
    fn event(&mut self, event: Event) {
        if let Some(courier) = &mut self.courier {
            courier.hear(&event);
        }
        match event {
            Event::Page(page) => self.keep(*page),
            Event::PeerKnown(peer) => {
                let (shared, fax, judgement) = (self.shared.clone(), self.fax, self.judgement.clone());
                self.handle.spawn(async move { judgement.judge(&shared, fax, &peer).await });
            }
            _ => {}
        }
    }

    fn direct(&mut self) -> Option<DirectNews> {
        self.courier.as_mut()?.news()
    }

    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        let answer = self.pending.as_mut()?.ready()?;
        self.pending = None;
        Some(match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(said)) => Err(NotKept(said)),
            Err(_) => Err(NotKept("the store is gone".into())),
        })
    }

    fn cancelled(&mut self) -> bool {
        self.judgement.is_refusal()
    }
}
