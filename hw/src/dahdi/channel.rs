//! A channel as a line needs it, and the kernel's.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::OpenOptionsExt,
    },
};

use nix::errno::Errno;

use super::sys::{self, BufferInfo, DialOperation, HardwareGain};

/// The device that stands for any channel, once it was told which.
const DEVICE: &str = "/dev/dahdi/channel";

/// The error with which reading and writing say that there is an event.
const EVENT_WAITS: i32 = 500;

/// What a channel's hook is set to, by the kernel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// On hook.
    On = 0,
    /// Off hook.
    Off = 1,
    /// On hook for a moment, by the driver's clock.
    Flash = 3,
}

/// What happens on a channel beside audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// The far side went on hook.
    OnHook,
    /// It rang, or went off hook.
    RingOrOffHook,
    /// A ring has begun.
    RingBegins,
    /// Battery was reversed: on many exchanges the other side has answered, or gone.
    Polarity,
    /// The span is in alarm: no signal.
    Alarm,
    /// The alarm is over.
    AlarmOver,
    /// The channel is gone from the machine.
    Removed,
    /// Another one, by its number.
    Other(i32),
}

impl ChannelEvent {
    /// The event of the kernel's number.
    pub fn of(number: i32) -> Option<Self> {
        Some(match number {
            0 => return None,
            1 => Self::OnHook,
            2 => Self::RingOrOffHook,
            4 => Self::Alarm,
            5 => Self::AlarmOver,
            17 => Self::Polarity,
            18 => Self::RingBegins,
            20 => Self::Removed,
            other => Self::Other(other),
        })
    }
}

/// What reading or writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many octets.
    Octets(usize),
    /// Nothing can be had or taken now.
    NotYet,
    /// An event waits and must be fetched first.
    EventWaits,
}

/// A telephone channel that never waits.
pub trait Channel: Send {
    /// Reads samples.
    fn read(&mut self, octets: &mut [u8]) -> io::Result<Moved>;
    /// Writes samples.
    fn write(&mut self, octets: &[u8]) -> io::Result<Moved>;
    /// The oldest event.
    fn event(&mut self) -> io::Result<Option<ChannelEvent>>;
    /// Goes on or off hook.
    fn hook(&mut self, hook: Hook) -> io::Result<()>;
    /// Lets the driver dial: `P` and digits are pulses.
    fn dial(&mut self, what: &str) -> io::Result<()>;
}

/// How a channel is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelSetup {
    /// Its number.
    pub number: u32,
    /// Octets of a block.
    pub block_octets: usize,
    /// Whether samples are 16 bit rather than companded.
    pub linear: bool,
    /// The law if they are companded: 1 mu-law, 2 A-law.
    pub law: i32,
    /// Gains in tenths of a decibel, received and sent.
    pub gains: [Option<i32>; 2],
}

/// A channel of the kernel's driver.
pub struct KernelChannel(File);

impl KernelChannel {
    /// Opens a channel, with its echo canceller off: a fax modem wants the line as it is.
    pub fn open(setup: &ChannelSetup) -> io::Result<Self> {
        let nonblocking = nix::libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(DEVICE)?;
        let channel = Self(file);
        channel.say(sys::specify, setup.number as i32)?;
        channel.say(sys::set_block_octets, setup.block_octets as i32)?;
        let octets = setup.block_octets as i32;
        let buffers = BufferInfo { buffers: 4, octets, ..BufferInfo::default() };
        channel.give(sys::set_buffers, &buffers)?;
        if !setup.linear {
            channel.say(sys::set_law, setup.law)?;
        }
        channel.say(sys::set_linear, i32::from(setup.linear))?;
        channel.say(sys::echo_canceller, 0)?;
        for (direction, gain) in setup.gains.into_iter().enumerate() {
            if let Some(tenths_db) = gain {
                channel.give(sys::set_hardware_gain, &HardwareGain { tenths_db, direction: direction as u32 })?;
            }
        }
        Ok(channel)
    }

    fn say(&self, request: unsafe fn(RawFd, *const i32) -> nix::Result<i32>, value: i32) -> io::Result<()> {
        self.give(request, &value)
    }

    #[allow(unsafe_code)]
    fn give<T>(&self, request: unsafe fn(RawFd, *const T) -> nix::Result<i32>, value: &T) -> io::Result<()> {
        // SAFETY: the file is open, and the kernel reads one value of the request's type through the pointer.
        unsafe { request(self.0.as_raw_fd(), value) }.map(drop).map_err(io::Error::from)
    }
}

fn moved(result: io::Result<usize>) -> io::Result<Moved> {
    match result {
        Ok(octets) => Ok(Moved::Octets(octets)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(Moved::NotYet),
        Err(error) if error.raw_os_error() == Some(EVENT_WAITS) => Ok(Moved::EventWaits),
        Err(error) => Err(error),
    }
}

impl Channel for KernelChannel {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<Moved> {
        moved(self.0.read(octets))
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<Moved> {
        moved(self.0.write(octets))
    }

    #[allow(unsafe_code)]
    fn event(&mut self) -> io::Result<Option<ChannelEvent>> {
        let mut number = 0;
        // SAFETY: the file is open, and the kernel writes one int through the pointer.
        unsafe { sys::event(self.0.as_raw_fd(), &raw mut number) }?;
        Ok(ChannelEvent::of(number))
    }

    fn hook(&mut self, hook: Hook) -> io::Result<()> {
        match self.say(sys::hook, hook as i32) {
            // It is being done; an event tells when it is.
            Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => Ok(()),
            done => done,
        }
    }

    fn dial(&mut self, what: &str) -> io::Result<()> {
        self.give(sys::dial, &DialOperation::append(what))
    }
}
