//! A program's end of its line to the exchange.

use std::{
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    },
    thread,
    time::Duration,
};

use answertone_dsp::pcm::Block;

use super::{ExchangeError, message::Message};
use crate::{Exchange, LineError, Pace, PcmLine};

/// Blocks that may wait for a program: the ends run in lock step, so there are never more.
const BLOCKS: usize = 4;

/// How long the other end may take for a block: it may be a program that works slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number at an exchange.
pub struct Subscriber {
    to: Arc<Mutex<UnixStream>>,
    events: Receiver<SubscriberEvent>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The caller's number.
    pub number: String,
}

/// What the exchange tells.
pub enum SubscriberEvent {
    /// The bell rings, once.
    Ring(Caller),
    /// The number that was dialled rings.
    Ringing,
    /// The number that was dialled is busy.
    Busy,
    /// Nobody has the number that was dialled.
    NoSuchNumber,
    /// The call is through.
    Connected(ExchangeLine),
    /// The other end hung up, or stopped calling.
    HungUp,
}

/// A call by an exchange.
pub struct ExchangeLine {
    to: Arc<Mutex<UnixStream>>,
    audio: Receiver<Block>,
    hung_up: bool,
    /// The number, where nobody else has use for it.
    subscriber: Option<Subscriber>,
}

impl Subscriber {
    /// Takes a number.
    pub fn join(path: &Path, number: &str) -> Result<Self, ExchangeError> {
        let unreachable = |cause| ExchangeError::Unreachable(path.to_owned(), cause);
        let mut stream = UnixStream::connect(path).map_err(unreachable)?;
        Message::Join(number.to_owned()).write(&mut stream).map_err(unreachable)?;
        match Message::read(&mut stream).map_err(unreachable)? {
            Message::Joined => {}
            _ => return Err(ExchangeError::Taken(number.to_owned())),
        }
        let to = Arc::new(Mutex::new(stream.try_clone().map_err(unreachable)?));
        let (events_to, events) = channel();
        let line_to = Arc::clone(&to);
        thread::spawn(move || listen(&mut stream, &line_to, &events_to));
        Ok(Self { to, events })
    }

    /// Calls a number.
    pub fn dial(&self, number: &str) {
        send(&self.to, &Message::Dial(number.to_owned()));
    }

    /// Takes the call that rings.
    pub fn answer(&self) {
        send(&self.to, &Message::Answer);
    }

    /// Goes on hook.
    pub fn hang_up(&self) {
        send(&self.to, &Message::HungUp);
    }

    /// Is busy to callers, or not any more.
    pub fn be_busy(&self, busy: bool) {
        send(&self.to, &Message::BeBusy(busy));
    }

    /// What the exchange told, if it told something.
    pub fn event(&self) -> Option<SubscriberEvent> {
        self.events.try_recv().ok()
    }

    /// Waits for what the exchange tells next; nothing when it is gone.
    pub fn wait(&self) -> Option<SubscriberEvent> {
        self.events.recv().ok()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let stream = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

/// What cannot be sent is answered by the end of the stream, which the listening thread finds.
fn send(to: &Mutex<UnixStream>, message: &Message) {
    let _ = message.write(&mut *to.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Tells events and hands on samples until the exchange is gone.
fn listen(from: &mut UnixStream, to: &Arc<Mutex<UnixStream>>, events: &Sender<SubscriberEvent>) {
    let mut audio: Option<SyncSender<Block>> = None;
    while let Ok(message) = Message::read(from) {
        let event = match message {
            Message::Audio(block) => {
                // A call that this end has left has nobody to hear it.
                audio.take_if(|audio| audio.send(block).is_err());
                continue;
            }
            Message::Ring(number) => SubscriberEvent::Ring(Caller { number }),
            Message::Ringing => SubscriberEvent::Ringing,
            Message::Busy => SubscriberEvent::Busy,
            Message::NoSuchNumber => SubscriberEvent::NoSuchNumber,
            Message::HungUp => {
                audio = None;
                SubscriberEvent::HungUp
            }
            Message::Connected => {
                let (audio_to, blocks) = sync_channel(BLOCKS);
                audio = Some(audio_to);
                SubscriberEvent::Connected(ExchangeLine {
                    to: Arc::clone(to),
                    audio: blocks,
                    hung_up: false,
                    subscriber: None,
                })
            }
            _ => continue,
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

impl ExchangeLine {
    /// Keeps the number as long as the call.
    pub(super) fn keeping(self, subscriber: Subscriber) -> Self {
        Self { subscriber: Some(subscriber), ..self }
    }
}

impl PcmLine for ExchangeLine {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        if self.hung_up {
            return Err(LineError::HungUp);
        }
        send(&self.to, &Message::Audio(*tx));
        match self.audio.recv_timeout(PATIENCE) {
            Ok(block) => *rx = block,
            Err(RecvTimeoutError::Disconnected) => {
                self.hung_up = true;
                return Err(LineError::HungUp);
            }
            Err(RecvTimeoutError::Timeout) => return Err(LineError::Stalled(PATIENCE)),
        }
        Ok(Exchange::default())
    }

    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn hang_up(&mut self) {
        if !std::mem::replace(&mut self.hung_up, true) {
            send(&self.to, &Message::HungUp);
        }
        self.subscriber = None;
    }
}
