//! A port where Asterisk connects: each connection is a call, and says which.
//!
//! ```text
//!  Asterisk ── TCP, UUID ──▶ switchboard ──▶ the job that waits for this UUID
//!                                        └─▶ on-ramp, with the number that the UUID may hold
//! ```
//!
//! The port is opened again whenever it cannot be had, so another program that has it, or an address that comes up
//! late, only delays the line.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use answertone_hw::{
    Line as PcmOrPolled, OpenError,
    audiosocket::{AudioSocketParams, CallId, GREETING_OCTETS, GREETING_PATIENCE, Originate, RINGING, connected},
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::oneshot,
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

use super::{Shared, offramp::NotPlaced, onramp};
use crate::config::{Line, Purpose};

/// How long until a port that cannot be had is tried again.
const PORT_PATIENCE: Duration = Duration::from_millis(500);

/// Beyond the ringing: Asterisk connects only after the other side has answered.
const CONNECTING: Duration = Duration::from_secs(10);

/// How often Asterisk's word on a call is looked for.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// Calls that are waited for.
#[derive(Default)]
pub(super) struct Expected(Mutex<HashMap<CallId, oneshot::Sender<TcpStream>>>);

impl Expected {
    fn expect(&self, call: CallId) -> oneshot::Receiver<TcpStream> {
        let (to, stream) = oneshot::channel();
        self.calls().insert(call, to);
        stream
    }

    fn take(&self, call: CallId) -> Option<oneshot::Sender<TcpStream>> {
        self.calls().remove(&call)
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, HashMap<CallId, oneshot::Sender<TcpStream>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Takes calls at a port until the gateway stops.
pub(super) async fn work(shared: Arc<Shared>, line: Line, params: AudioSocketParams, here: SocketAddr) {
    let mut stop = shared.stop.subscribe();
    let (mut calls, mut said) = (JoinSet::new(), false);
    while !shared.stopping() {
        let serving = async {
            match TcpListener::bind(here).await {
                Ok(listener) => {
                    info!(line = line.name, %here, "taking calls");
                    take_calls(&shared, &line, &params, listener, &mut calls).await
                }
                Err(error) => error,
            }
        };
        let failure = tokio::select! {
            failure = serving => failure,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if !said {
            let failure = OpenError::listening("audiosocket:listen", here, &failure);
            error!(line = line.name, %failure, "the line is away; trying again until it comes back");
        }
        said = true;
        sleep(PORT_PATIENCE).await;
    }
    while calls.join_next().await.is_some() {}
}

/// Ends with what is wrong with the port.
async fn take_calls(
    shared: &Arc<Shared>,
    line: &Line,
    params: &AudioSocketParams,
    listener: TcpListener,
    calls: &mut JoinSet<()>,
) -> std::io::Error {
    loop {
        while calls.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, from)) => {
                let (shared, line, params) = (shared.clone(), line.clone(), params.clone());
                calls.spawn(async move {
                    if let Err(said) = connect(&shared, &line, &params, stream).await {
                        warn!(line = line.name, %from, said, "a connection is not taken");
                    }
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => return error,
        }
    }
}

async fn connect(
    shared: &Arc<Shared>,
    line: &Line,
    params: &AudioSocketParams,
    mut stream: TcpStream,
) -> Result<(), String> {
    let mut greeting = [0; GREETING_OCTETS];
    match timeout(GREETING_PATIENCE, stream.read_exact(&mut greeting)).await {
        Err(_) => return Err("it did not say which call it is".into()),
        Ok(read) => read.map_err(|error| error.to_string())?,
    };
    let call = CallId::of_greeting(&greeting).ok_or("it does not begin with a UUID frame; this is not AudioSocket")?;
    if let Some(waiting) = shared.expected.take(call) {
        return waiting.send(stream).map_err(|_| format!("nobody waits for call {call} any more"));
    }
    if line.purpose == Purpose::Send {
        return Err(format!("nobody waits for call {call}, and the line has use = \"send\""));
    }
    let pcm = taken(stream, params)?;
    let (shared, handle, name) = (shared.clone(), Handle::current(), line.name.clone());
    let answering = move || {
        let caller = onramp::Caller { dialled: call.number(), number: None };
        onramp::answer_here(&shared, &handle, &name, pcm, caller)
    };
    tokio::task::spawn_blocking(answering).await.map_err(|error| error.to_string())?
}

fn taken(stream: TcpStream, params: &AudioSocketParams) -> Result<PcmOrPolled, String> {
    let stream = stream.into_std().and_then(|stream| stream.set_nonblocking(false).map(|()| stream));
    stream.and_then(|stream| connected(stream, params)).map_err(|error| error.to_string())
}

/// Asks Asterisk for a call and waits until it is connected: the other side has answered then.
pub(super) async fn call(
    shared: &Shared,
    params: &AudioSocketParams,
    originate: &Originate,
    here: SocketAddr,
    (job, attempt): (i64, i64),
    number: &str,
) -> Result<PcmOrPolled, NotPlaced> {
    let call = call_id(job, attempt);
    let mut answered = shared.expected.expect(call);
    let mut stop = shared.stop.subscribe();
    let placed = originate.place(number, call, here).map_err(|error| {
        shared.expected.take(call);
        let spool = originate.spool.display();
        let remedy = "give Asterisk's spool folder, and the right to write beside and into it";
        NotPlaced::new("no_line", format!("spool={spool}: {error}; {remedy}"))
    })?;
    let said = async {
        loop {
            sleep(LOOK_AROUND).await;
            if let Some(said) = placed.failed() {
                return said;
            }
        }
    };
    let ended = tokio::select! {
        stream = &mut answered => stream.map_err(|_| NotPlaced::new("no_line", "the call was given up")),
        said = said => Err(NotPlaced::new("no_line", said)),
        _ = stop.wait_for(|stop| *stop) => Err(NotPlaced::new("no_line", "the gateway is stopping")),
        () = sleep(RINGING + CONNECTING) => {
            Err(NotPlaced::new("no_answer", format!("nobody answered in {} s", RINGING.as_secs())))
        }
    };
    shared.expected.take(call);
    placed.withdraw();
    taken(ended?, params).map_err(|said| NotPlaced::new("no_line", said))
}

/// A UUID with the job and the attempt in it, and enough of chance that nobody guesses it.
fn call_id(job: i64, attempt: i64) -> CallId {
    let mut octets = [0; 16];
    octets[..6].copy_from_slice(&job.to_be_bytes()[2..]);
    octets[6..8].copy_from_slice(&attempt.to_be_bytes()[6..]);
    octets[8..].copy_from_slice(&RandomState::new().hash_one((job, attempt)).to_be_bytes());
    CallId(octets)
}
