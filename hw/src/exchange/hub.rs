//! The exchange itself: who has which number, and who talks to whom.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::message::Message;

/// A program that does not take a message for so long is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the exchange rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bell {
    /// From one ring to the next.
    pub every: Duration,
}

impl Default for Bell {
    /// Two seconds of ringing and four of silence.
    fn default() -> Self {
        Self { every: Duration::from_secs(6) }
    }
}

/// A running exchange; it ends when this is dropped.
pub struct Exchange {
    hub: Arc<Hub>,
    path: PathBuf,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// It wants no calls.
    Busy,
    Calling(String),
    RungBy(String),
    Talking(String),
}

struct Line {
    to: Arc<Mutex<UnixStream>>,
    doing: Doing,
}

#[derive(Default)]
struct Hub {
    lines: Mutex<HashMap<String, Line>>,
    ended: AtomicBool,
}

impl Exchange {
    /// Begins to listen on a socket. One that nobody listens on any more is replaced.
    pub fn start(path: &Path, bell: Bell) -> io::Result<Self> {
        if path.exists() && UnixStream::connect(path).is_err() {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let hub = Arc::new(Hub::default());
        let (accepting, ringing) = (Arc::clone(&hub), Arc::clone(&hub));
        thread::spawn(move || accept(&listener, &accepting));
        thread::spawn(move || ring(&ringing, bell));
        Ok(Self { hub, path: path.to_owned() })
    }

    /// The numbers that somebody has.
    pub fn numbers(&self) -> Vec<String> {
        self.hub.lines().keys().cloned().collect()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.hub.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, which ends then.
        let _ = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
        for line in self.hub.lines().drain() {
            let _ = lock(&line.1.to).shutdown(std::net::Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &UnixListener, hub: &Arc<Hub>) {
    for stream in listener.incoming().flatten() {
        if hub.ended.load(Ordering::Relaxed) {
            return;
        }
        let hub = Arc::clone(hub);
        thread::spawn(move || serve(&hub, stream));
    }
}

/// Rings all who are being called, and again after a while.
fn ring(hub: &Hub, bell: Bell) {
    while !hub.ended.load(Ordering::Relaxed) {
        thread::sleep(bell.every);
        // Nobody hangs up between the look and the ring: a ring after that would never end.
        for line in hub.lines().values() {
            if let (Doing::RungBy(caller), Ok(mut to)) = (&line.doing, line.to.try_lock()) {
                tell(&mut to, &Message::Ring(caller.clone()));
            }
        }
    }
}

/// A program that does not take a message has lost its place in the stream: it is given up.
fn tell(to: &mut UnixStream, message: &Message) {
    if message.write(to).is_err() {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

/// Serves one program until its stream ends.
fn serve(hub: &Hub, mut stream: UnixStream) {
    let Some(number) = join(hub, &mut stream) else { return };
    while let Ok(message) = Message::read(&mut stream) {
        match message {
            Message::Audio(_) => hub.pass_on(&number, &message),
            Message::Dial(called) => hub.dial(&number, &called),
            Message::Answer => hub.answer(&number),
            Message::HungUp => hub.hang_up(&number),
            Message::BeBusy(busy) => hub.be_busy(&number, busy),
            _ => {}
        }
    }
    hub.hang_up(&number);
    hub.lines().remove(&number);
}

fn join(hub: &Hub, stream: &mut UnixStream) -> Option<String> {
    let Ok(Message::Join(number)) = Message::read(stream) else { return None };
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let taken = hub.lines().contains_key(&number);
    if taken {
        let _ = Message::Refused.write(stream);
        return None;
    }
    let to = Arc::new(Mutex::new(stream.try_clone().ok()?));
    hub.lines().insert(number.clone(), Line { to, doing: Doing::Nothing });
    Message::Joined.write(stream).ok()?;
    Some(number)
}

impl Hub {
    fn lines(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        lock(&self.lines)
    }

    /// Sends without holding up the other lines.
    fn send(&self, number: &str, message: &Message) {
        let to = self.lines().get(number).map(|line| Arc::clone(&line.to));
        if let Some(to) = to {
            tell(&mut lock(&to), message);
        }
    }

    fn pass_on(&self, from: &str, message: &Message) {
        let peer = match self.lines().get(from).map(|line| line.doing.clone()) {
            Some(Doing::Talking(peer)) => peer,
            _ => return,
        };
        self.send(&peer, message);
    }

    fn dial(&self, caller: &str, called: &str) {
        self.hang_up(caller);
        let answer = self.try_dial(caller, called);
        self.send(caller, &answer);
        if answer == Message::Ringing {
            self.send(called, &Message::Ring(caller.to_owned()));
        }
    }

    fn try_dial(&self, caller: &str, called: &str) -> Message {
        let mut lines = self.lines();
        match lines.get_mut(called) {
            None => return Message::NoSuchNumber,
            Some(line) if line.doing != Doing::Nothing || caller == called => return Message::Busy,
            Some(line) => line.doing = Doing::RungBy(caller.to_owned()),
        }
        if let Some(line) = lines.get_mut(caller) {
            line.doing = Doing::Calling(called.to_owned());
        }
        Message::Ringing
    }

    fn answer(&self, called: &str) {
        let Some(caller) = self.connect(called) else { return self.send(called, &Message::HungUp) };
        self.send(&caller, &Message::Connected);
        self.send(called, &Message::Connected);
    }

    /// Joins a line that is rung and its caller.
    fn connect(&self, called: &str) -> Option<String> {
        let mut lines = self.lines();
        let Doing::RungBy(caller) = lines.get(called)?.doing.clone() else { return None };
        lines.get_mut(&caller)?.doing = Doing::Talking(called.to_owned());
        lines.get_mut(called)?.doing = Doing::Talking(caller.clone());
        Some(caller)
    }

    fn hang_up(&self, number: &str) {
        let peer = {
            let mut lines = self.lines();
            let Some(line) = lines.get_mut(number) else { return };
            let (Doing::Calling(peer) | Doing::RungBy(peer) | Doing::Talking(peer)) =
                std::mem::replace(&mut line.doing, Doing::Nothing)
            else {
                return;
            };
            if let Some(line) = lines.get_mut(&peer) {
                line.doing = Doing::Nothing;
            }
            peer
        };
        self.send(&peer, &Message::HungUp);
    }

    fn be_busy(&self, number: &str, busy: bool) {
        if let Some(line) = self.lines().get_mut(number) {
            match line.doing {
                Doing::Nothing if busy => line.doing = Doing::Busy,
                Doing::Busy if !busy => line.doing = Doing::Nothing,
                _ => {}
            }
        }
    }
}
