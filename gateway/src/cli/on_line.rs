//! One call on a line named by its URI.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use answertone_hw::{
    LineUri, Pace, PcmLine, Watched,
    sim::{self, Far, SimEnd},
    t38::T38Params,
};
use answertone_t30::{
    audio::AudioConfig,
    frame::Modems,
    image::{Page, Picture},
    session::{Config, Document, Keeping, Session},
    time::{LineSpan, LineTime},
};

use super::{
    attendant::Attendant,
    document::Original,
    error::{CliError, with_causes},
    sip::SipArgs,
    telephone::TelephoneArgs,
};
use crate::{
    engine::{
        CallObserver, CallReport, FarEnd, Recorder, answerer, caller, not_connected, polled, run_call, test_page,
    },
    t38::{self, PacketLine},
    telephone,
};

/// What is to be done in a call.
pub(super) enum Task {
    /// Call and send these documents.
    Send(Vec<Vec<Original>>),
    /// Answer and receive.
    Receive,
    /// Call and poll.
    Poll,
    /// Answer and let these documents be polled; without `receives` nothing else.
    BePolled { documents: Vec<Vec<Original>>, receives: bool },
}

/// Our end of a line, and the machine at the other end of a simulated one.
type Ends = (Box<dyn PcmLine>, Option<JoinHandle<FarEnd>>);

/// How the line is dialled and answered, and where its sound is kept.
pub(super) struct Placing<'a> {
    pub(super) record: Option<&'a Path>,
    pub(super) telephone: &'a TelephoneArgs,
    pub(super) sip: &'a SipArgs,
}

/// Runs a call to its end. On a simulated line the built-in fax machine does the other part and tells of it.
pub(super) fn run(
    line: &LineUri,
    task: Task,
    config: Config,
    audio: AudioConfig,
    attendant: &mut Attendant,
    placing: &Placing<'_>,
) -> Result<(CallReport, Option<FarEnd>), CliError> {
    let Placing { record, telephone, sip } = *placing;
    if let LineUri::T38(params) = line {
        return over_packets(params, task, config, attendant, record).map(|report| (report, None));
    }
    if let LineUri::Sip(params) = line {
        let calls = matches!(task, Task::Send(_) | Task::Poll);
        attendant.listen(telephone.hearing());
        let session = |path_delay| session(task, Config { path_delay, ..config });
        return sip.run(params, calls, placing, session, audio, attendant).map(|report| (report, None));
    }
    let recorder = record.map(recorder).transpose()?;
    let (mut near, far) = off_hook(line, &task, config.poll, &|| !attendant.is_interrupted())?;
    let calls = matches!(task, Task::Send(_) | Task::Poll);
    attendant.listen(telephone.hearing());
    attendant.keep_pace(near.pace());
    let begun = telephone.begin(near.as_mut(), calls, &mut || attendant.cancelled());
    let config = Config { path_delay: LineSpan(near.path_delay() as u64), ..config };
    let session = session(task, config);
    let report = match begun {
        Ok(()) => talk(near.as_mut(), session, audio, attendant, recorder),
        Err(no_call) => {
            let why = no_call.heard().ok_or_else(|| CliError::failed(&no_call))?;
            near.hang_up();
            eprintln!("answertone: {no_call}");
            not_connected(session, audio, attendant, why)
        }
    };
    drop(near);
    let far = far.map(|far| far.join().map_err(|_| CliError::failed("the fax machine at the far end broke down")));
    Ok((report, far.transpose()?))
}

/// The same where the line carries packets of T.38: there is no sound to record.
fn over_packets(
    params: &T38Params,
    task: Task,
    config: Config,
    attendant: &mut Attendant,
    record: Option<&Path>,
) -> Result<CallReport, CliError> {
    if record.is_some() {
        return Err(CliError::usage("--record: a t38: line carries no sound; leave it out, and use --transcript"));
    }
    let interrupted = || !attendant.is_interrupted();
    let mut line = PacketLine::open(params, &interrupted).map_err(|error| CliError::usage(with_causes(&error)))?;
    let clock = t38::Clock::start();
    let session = session(task, Config { path_delay: PacketLine::DELAY, ..config });
    let call = answertone_t30::t38::Call::new(session, line.terminal, line.wire);
    Ok(t38::run_call(line.path.as_mut(), call, clock, attendant))
}

pub(super) fn recorder(path: &Path) -> Result<Recorder, CliError> {
    Recorder::create(path).map_err(|error| CliError::usage(format!("--record {}: {error}", path.display())))
}

fn off_hook(line: &LineUri, task: &Task, polls: bool, waited_for: &dyn Fn() -> bool) -> Result<Ends, CliError> {
    let LineUri::Sim(params) = line else {
        let line = telephone::open(line, waited_for).map_err(|error| CliError::usage(with_causes(&error)))?;
        return Ok((line.waiting(), None));
    };
    if params.far == Far::OnRamp {
        return Err(CliError::usage("far=onramp is for lines of the gateway's configuration; use far=fax here"));
    }
    let (near, far) = sim::pair(params);
    let far = far_end(far, task, polls);
    let near: Box<dyn PcmLine> = Box::new(near);
    Ok((if near.pace() == Pace::RealTime { Box::new(Watched::new(near)) } else { near }, Some(far)))
}

fn far_end(line: SimEnd, task: &Task, polls: bool) -> JoinHandle<FarEnd> {
    let config = Config { ident: "BUILT-IN FAX".into(), modems: Modems::ALL, ..Config::default() };
    match task {
        Task::Send(_) if polls => polled(line, config, vec![test_page()]),
        Task::Send(_) => answerer(line, config),
        Task::Receive => caller(line, config, vec![test_page()]),
        Task::Poll => polled(line, config, vec![test_page()]),
        Task::BePolled { .. } => caller(line, Config { poll: true, ..config }, Vec::new()),
    }
}

fn session(task: Task, config: Config) -> Session {
    match task {
        Task::Send(mut documents) => {
            let pages = if documents.is_empty() { Vec::new() } else { documents.remove(0) };
            let (document, beside) = apart(pages);
            let count = document.pages.len();
            let session = Session::calling(Arc::new(keeping(config)), document, LineTime::ZERO);
            with_documents(with_originals(session, 0, beside), documents, count)
        }
        Task::Receive => Session::answering(Arc::new(keeping(config)), LineTime::ZERO),
        Task::Poll => {
            let config = Config { poll: true, ..keeping(config) };
            Session::calling(Arc::new(config), Document::default(), LineTime::ZERO)
        }
        Task::BePolled { documents, receives } => {
            let config = Config { receives, ..keeping(config) };
            with_documents(Session::answering(Arc::new(config), LineTime::ZERO), documents, 0)
        }
    }
}

fn keeping(config: Config) -> Config {
    Config { keeping: Keeping::Awaited, ..config }
}

/// Gives the session documents that follow so many pages.
fn with_documents(session: Session, documents: Vec<Vec<Original>>, mut first: usize) -> Session {
    documents.into_iter().fold(session, |session, originals| {
        let (document, beside) = apart(originals);
        let here = first;
        first += document.pages.len();
        with_originals(session.then_sending(document), here, beside)
    })
}

/// What a page may be sent as instead: coarser renderings, and a picture.
type Beside = (Vec<Arc<Page>>, Option<Arc<Picture>>);

fn apart(originals: Vec<Original>) -> (Document, Vec<Beside>) {
    let apart = originals.into_iter().map(|original| (original.page, (original.coarser, original.picture)));
    let (pages, beside) = apart.unzip();
    (Document { pages, first: 0 }, beside)
}

/// Gives the pages from that one on what they may be sent as instead.
fn with_originals(session: Session, first: usize, beside: Vec<Beside>) -> Session {
    (first..).zip(beside).fold(session, |session, (page, (coarser, picture))| {
        let session = session.with_renderings(page, coarser);
        match picture {
            Some(picture) => session.with_picture(page, picture),
            None => session,
        }
    })
}

/// The call itself. What became of it is worth more than its recording: of that, only a failure is told.
fn talk(
    line: &mut dyn PcmLine,
    session: Session,
    audio: AudioConfig,
    attendant: &mut Attendant,
    recorder: Option<Recorder>,
) -> CallReport {
    let Some(mut recorder) = recorder else { return run_call(line, session, audio, attendant, None) };
    let report = run_call(line, session, audio, attendant, Some(&mut recorder));
    if let Err(error) = recorder.finish() {
        eprintln!("answertone: the recording (--record) is not whole: {error}");
    }
    report
}

/// Set by the first Ctrl-C; the second one ends the program.
pub(super) fn interruption() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&interrupted);
    let handler = move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("ending the call; once more to break it off");
    };
    // Without the handler Ctrl-C still ends the program, only less politely.
    let _ = ctrlc::set_handler(handler);
    interrupted
}
