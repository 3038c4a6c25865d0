//! A pseudo-terminal that a host opens as it would a serial port.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, PermissionsExt, chown},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    io::ioctl_fionread,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, tcflush, tcgetattr, tcsetattr},
};
use thiserror::Error;

use super::{
    group,
    visits::{Visits, Watchman},
};

/// Modes in which octets are changed, taken out or acted on, on their way in.
const CHANGING: InputModes = InputModes::ISTRIP
    .union(InputModes::INLCR)
    .union(InputModes::IGNCR)
    .union(InputModes::ICRNL)
    .union(InputModes::IXON)
    .union(InputModes::PARMRK);

/// Who may open the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// The group, by name or number; none: as the system made it.
    pub group: Option<String>,
}

/// Why there is no terminal.
#[derive(Debug, Error)]
pub enum TerminalError {
    /// The system gave none.
    #[error("no pseudo-terminal can be had: {0}; check that /dev/pts is mounted")]
    None(#[source] io::Error),
    /// Nobody would tell who opens and closes it.
    #[error("the terminal cannot be watched: {0}; raise fs.inotify.max_user_watches, of which each modem needs one")]
    Unwatched(#[source] io::Error),
    /// The group is not known.
    #[error("group '{0}' is not known; name a group of /etc/group or give its number")]
    Group(String),
    /// The permissions cannot be set.
    #[error("{path}: the permissions cannot be set: {cause}", path = .0.display(), cause = .1)]
    Access(PathBuf, io::Error),
}

/// Our end of a pseudo-terminal.
pub struct Terminal {
    ours: File,
    path: PathBuf,
    visits: Visits,
}

/// What a look at the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// A host has it open.
    pub there: bool,
    /// Whoever had it open has gone since the last look.
    pub went: bool,
}

impl Terminal {
    /// A terminal that echoes nothing and changes nothing of what goes through.
    pub fn open(access: &Access, watchman: &Watchman) -> Result<Self, TerminalError> {
        let (ours, path) = pair().map_err(TerminalError::None)?;
        // A host that opened and went leaves the state "nobody is there", which is where we begin.
        drop(OpenOptions::new().read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32).open(&path));
        let visits = watchman.watch(&path).map_err(TerminalError::Unwatched)?;
        let terminal = Self { ours, path, visits };
        terminal.make_raw().map_err(TerminalError::None)?;
        terminal.set_access(access)?;
        Ok(terminal)
    }

    /// The path a host opens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn set_access(&self, access: &Access) -> Result<(), TerminalError> {
        let failed = |cause| TerminalError::Access(self.path.clone(), cause);
        fs::set_permissions(&self.path, fs::Permissions::from_mode(access.mode)).map_err(failed)?;
        if let Some(name) = &access.group {
            let group = group::number(name).ok_or_else(|| TerminalError::Group(name.clone()))?;
            chown(&self.path, None, Some(group)).map_err(failed)?;
        }
        Ok(())
    }

    fn make_raw(&self) -> io::Result<()> {
        let mut modes = tcgetattr(&self.ours)?;
        modes.make_raw();
        Ok(tcsetattr(&self.ours, OptionalActions::Now, &modes)?)
    }

    /// Looks who is there. What those wrote who are gone is thrown away; of a host that is there nothing is.
    pub fn look(&mut self) -> Look {
        let went = self.visits.all_went();
        loop {
            // What was written before nobody was there is of hosts that are gone, and no more than that is.
            self.has_host();
            let left = ioctl_fionread(&self.ours).unwrap_or(0);
            if self.has_host() {
                return Look { there: true, went };
            }
            if left == 0 || !self.discard(left) {
                return Look { there: false, went };
            }
        }
    }

    /// Reads so many octets for nobody; whether they were there.
    fn discard(&mut self, mut count: u64) -> bool {
        let mut octets = [0; 4096];
        while count > 0 {
            let most = count.min(octets.len() as u64) as usize;
            let Ok(read @ 1..) = self.ours.read(&mut octets[..most]) else { return false };
            count -= read as u64;
        }
        true
    }

    /// Makes the terminal ready for the next host: its modes, and no answer that the last one did not read.
    pub fn renew(&mut self) {
        // What fails here fails for the next host too, which then finds the terminal as the last one left it.
        let _ = tcflush(&self.ours, QueueSelector::OFlush);
        // The next host may be setting modes of its own by now: they are touched only where the last one left them so
        // that octets would change on their way.
        if !self.is_raw() {
            let _ = self.make_raw();
        }
    }

    fn is_raw(&self) -> bool {
        tcgetattr(&self.ours).is_ok_and(|modes| {
            !modes.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN)
                && !modes.output_modes.contains(OutputModes::OPOST)
                && !modes.input_modes.intersects(CHANGING)
        })
    }

    /// Waits so long for octets of the host. Whether a host is there.
    pub fn wait(&self, patience: Duration) -> bool {
        let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
        let mut ours = [PollFd::new(&self.ours, PollFlags::IN)];
        // A signal ends the wait early, which does no harm.
        let _ = poll(&mut ours, Some(&timeout));
        !ours[0].revents().contains(PollFlags::HUP)
    }

    /// Whether a host has the terminal open. What is on its way to us has arrived then.
    fn has_host(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Octets of the host that are there now.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        if buf.is_empty() { 0 } else { self.ours.read(buf).unwrap_or(0) }
    }

    /// Adds all octets that are there now.
    pub fn read_all(&mut self, octets: &mut Vec<u8>) {
        let count = ioctl_fionread(&self.ours).unwrap_or(0) as usize;
        let before = octets.len();
        octets.resize(before + count, 0);
        let read = self.read(&mut octets[before..]);
        octets.truncate(before + read);
    }

    /// Gives the host octets; how many it took.
    pub fn write(&mut self, octets: &[u8]) -> usize {
        self.ours.write(octets).unwrap_or(0)
    }
}

fn pair() -> io::Result<(File, PathBuf)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let path = ptsname(&ours, Vec::new())?;
    fcntl_setfl(&ours, OFlags::NONBLOCK)?;
    Ok((File::from(ours), PathBuf::from(OsStr::from_bytes(path.as_bytes()))))
}
