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
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr},
};
use thiserror::Error;

use super::group;

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
}

impl Terminal {
    /// A terminal that echoes nothing and changes nothing of what goes through.
    pub fn open(access: &Access) -> Result<Self, TerminalError> {
        let (ours, path) = pair().map_err(TerminalError::None)?;
        let terminal = Self { ours, path };
        terminal.set_access(access)?;
        terminal.make_raw().map_err(TerminalError::None)?;
        // A host that opened and went leaves the state "nobody is there", which is where we begin.
        drop(OpenOptions::new().read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32).open(&terminal.path));
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

    /// Whether nobody has the terminal open, and somebody did who wrote what was never read.
    pub fn has_leftovers(&self) -> bool {
        let mut ours = [PollFd::new(&self.ours, PollFlags::IN)];
        let _ = poll(&mut ours, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        ours[0].revents().contains(PollFlags::HUP | PollFlags::IN)
    }

    /// Makes the terminal ready for the next host: its modes, and nothing left over.
    pub fn renew(&mut self) {
        // What the last host wrote is read to its end, and not flushed: the next one may have begun to write.
        let mut left = [0; 4096];
        while matches!(self.ours.read(&mut left), Ok(1..)) {}
        // What fails here fails for the next host too, which then finds the terminal as the last one left it.
        let _ = tcflush(&self.ours, QueueSelector::OFlush);
        let _ = self.make_raw();
    }

    /// Waits so long for octets of the host. Whether a host is there.
    pub fn wait(&self, patience: Duration) -> bool {
        let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
        let mut ours = [PollFd::new(&self.ours, PollFlags::IN)];
        // A signal ends the wait early, which does no harm.
        let _ = poll(&mut ours, Some(&timeout));
        !ours[0].revents().contains(PollFlags::HUP)
    }

    /// Whether a host has the terminal open.
    pub fn has_host(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Octets of the host that are there now.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        if buf.is_empty() { 0 } else { self.ours.read(buf).unwrap_or(0) }
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
