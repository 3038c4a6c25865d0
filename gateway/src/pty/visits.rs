//! Who comes to terminals and goes: every opening and closing, also those between two looks.

use std::{
    collections::HashMap,
    io,
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};

/// Octets of news taken at a time; each is 16 octets, since a terminal is no folder.
const NEWS_OCTETS: usize = 1024;

/// Watches the doors of all terminals of a program: the system has few such watchmen for a user.
#[derive(Clone, Debug)]
pub struct Watchman(Arc<Mutex<Watch>>);

#[derive(Debug)]
struct Watch {
    news: OwnedFd,
    doors: HashMap<i32, Door>,
}

/// A terminal's door.
#[derive(Debug, Default)]
struct Door {
    /// How many have it open.
    open: u32,
    /// All who had it open have closed it since that was asked last.
    all_went: bool,
}

/// Counts those who have one terminal open.
#[derive(Debug)]
pub(super) struct Visits {
    watchman: Watchman,
    door: i32,
}

impl Watchman {
    /// A watchman without a door.
    pub fn new() -> io::Result<Self> {
        let news = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self(Arc::new(Mutex::new(Watch { news, doors: HashMap::new() }))))
    }

    /// Counts visits from now on; nobody has the terminal open yet.
    pub(super) fn watch(&self, terminal: &Path) -> io::Result<Visits> {
        let mut watch = self.watch_now();
        let door =
            add_watch(&watch.news, terminal, WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE)?;
        watch.doors.insert(door, Door::default());
        Ok(Visits { watchman: self.clone(), door })
    }

    /// A thread that panicked left counts that are whole.
    fn watch_now(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Takes in all news. The system forgets some only when thousands wait; who is there is then seen by the terminal's
    /// own state.
    fn take_news(&mut self) {
        let mut room = [MaybeUninit::uninit(); NEWS_OCTETS];
        let mut news = Reader::new(&self.news, &mut room);
        while let Ok(event) = news.next() {
            let Some(door) = self.doors.get_mut(&event.wd()) else { continue };
            if event.events().contains(ReadFlags::OPEN) {
                door.open += 1;
            } else {
                door.open = door.open.saturating_sub(1);
                door.all_went |= door.open == 0;
            }
        }
    }
}

impl Visits {
    /// Whether all who had it open have closed it at some moment since this was asked last; others may have come.
    pub(super) fn all_went(&mut self) -> bool {
        let mut watch = self.watchman.watch_now();
        watch.take_news();
        watch.doors.get_mut(&self.door).is_some_and(|door| std::mem::take(&mut door.all_went))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn one_that_goes_and_comes_again_between_two_looks_is_seen() {
        let (file, other) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let watchman = Watchman::new().unwrap();
        let [mut visits, mut others] = [&file, &other].map(|file| watchman.watch(file.path()).unwrap());
        assert!(!visits.all_went());
        let first = File::open(file.path()).unwrap();
        assert!(!visits.all_went());
        drop(first);
        let second = File::open(file.path()).unwrap();
        assert!(!others.all_went());
        assert!(visits.all_went());
        // One that looks in beside it is not the host.
        drop(File::open(file.path()).unwrap());
        assert!(!visits.all_went());
        drop(second);
        assert!(visits.all_went() && !visits.all_went());
    }
}
