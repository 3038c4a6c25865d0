//! The engine's threads: one per core, each owning its calls.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Entry, Punctuality, Turns};

/// Calls that a thread has room for from the start.
const ROOM: usize = 256;

/// How long a thread without calls sleeps at a time.
const IDLE: Duration = Duration::from_secs(1);

/// Passes from one report of punctuality to the next.
const REPORT_PASSES: u32 = 64;

/// Threads that own calls on polled lines. When it is dropped, calls under way go on to their end.
pub struct Engine {
    threads: Vec<Owner>,
}

struct Owner {
    entries: Sender<Entry>,
    calls: Arc<AtomicUsize>,
    punctuality: Arc<Mutex<Punctuality>>,
}

impl Engine {
    /// An engine of so many threads, or of one per core.
    pub fn new(threads: Option<usize>) -> Self {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..threads.unwrap_or_else(cores).max(1)).map(Owner::start).collect();
        Self { threads }
    }

    /// Gives a call to the thread that has the fewest.
    pub fn enter(&self, entry: Entry) {
        let fewest = self.threads.iter().min_by_key(|owner| owner.calls.load(Ordering::Relaxed));
        let owner = fewest.expect("an engine has a thread");
        owner.calls.fetch_add(1, Ordering::Relaxed);
        owner.entries.send(entry).expect("a thread lasts as long as its engine");
    }

    /// Calls under way.
    pub fn calls(&self) -> usize {
        self.threads.iter().map(|owner| owner.calls.load(Ordering::Relaxed)).sum()
    }

    /// How well all blocks kept their time, up to less than a second ago.
    pub fn punctuality(&self) -> Punctuality {
        let each = self.threads.iter().map(|owner| *owner.punctuality.lock().unwrap_or_else(|held| held.into_inner()));
        each.fold(Punctuality::default(), Punctuality::with)
    }
}

impl Owner {
    fn start(number: usize) -> Self {
        let (entries, arriving) = channel();
        let (calls, punctuality) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Punctuality::default())));
        let (count, told) = (calls.clone(), punctuality.clone());
        let name = format!("engine {number}");
        let spawned = thread::Builder::new().name(name).spawn(move || own(&arriving, &count, &told));
        spawned.expect("the system gives a thread for each core");
        Self { entries, calls, punctuality }
    }
}

fn own(arriving: &Receiver<Entry>, count: &AtomicUsize, told: &Mutex<Punctuality>) {
    let mut turns = Turns::with_room(ROOM);
    let mut abandoned = false;
    for pass in (1u32..=REPORT_PASSES).cycle() {
        let before = turns.count();
        let next = turns.exchange_many(Instant::now);
        count.fetch_sub(before - turns.count(), Ordering::Relaxed);
        // Who reads it may hold it; then it is told the next time.
        if (pass == REPORT_PASSES || turns.count() == 0)
            && let Ok(mut told) = told.try_lock()
        {
            *told = turns.punctuality();
        }
        let wait = next.map_or(IDLE, |next| next.saturating_duration_since(Instant::now()));
        match next {
            None if abandoned => return,
            Some(_) if abandoned => thread::sleep(wait),
            _ => match arriving.recv_timeout(wait) {
                Ok(entry) => turns.enter(entry),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => abandoned = true,
            },
        }
    }
}
