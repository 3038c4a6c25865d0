//! A line with a hook switch behind a modem: it listens on hook for ringing and caller ID, and dials in the voice band.
//!
//! The line has a thread of its own while there is no call; a call has the line lent, and gives it back.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    thread,
    time::Duration,
};

use answertone_dsp::{
    callerid::CallerId,
    pcm::{BLOCK_SAMPLES, Block, SILENCE, widen},
    tone::progress::{ProgressDetector, ProgressKind},
};
use answertone_hw::{DeviceHealth, Exchange, LineError, Pace, PcmLine, Transport, hook::Hook};
use answertone_t30::{
    class1::{Burst, Caller, DialStep, Progress, Ring},
    session::Instead,
    time::LineSpan,
};

use super::trunk::{Trunk, TrunkEvent};
use crate::telephone::{DialString, Listener, NoCall, dial, told};

/// Between two attempts to open a line that failed.
const RETRY: Duration = Duration::from_secs(2);

/// Blocks that a line stays on hook between two calls: the exchange takes less for a flash, or for a pulse.
const ON_HOOK_BLOCKS: u32 = 120;

/// Opens the line.
type Open = Box<dyn FnMut() -> Result<Box<dyn PcmLine>, String> + Send>;

/// The modem's side.
pub(super) struct AnalogueTrunk {
    orders: Sender<TrunkOrder>,
    events: Receiver<TrunkEvent>,
}

/// What is asked of the line's own thread.
enum TrunkOrder {
    Dial(DialString),
    Answer,
    HangUp,
    /// Off hook without a call, or on hook again.
    BeBusy(bool),
}

impl AnalogueTrunk {
    /// A line that `open` opens, now and whenever it failed. `country` is whose tones are listened for.
    pub(super) fn new(open: Open, country: &str) -> Self {
        let ((orders, taken), (told, events)) = (channel(), channel());
        let country = country.to_owned();
        thread::spawn(move || {
            Keeper { orders: taken, events: told, country, put_off: None, is_off_hook: false }.keep(open)
        });
        Self { orders, events }
    }

    /// A thread that ended has no use for orders.
    fn order(&self, order: TrunkOrder) {
        let _ = self.orders.send(order);
    }
}

impl Trunk for AnalogueTrunk {
    fn event(&mut self) -> Option<TrunkEvent> {
        self.events.try_recv().ok()
    }

    fn dial(&mut self, steps: &[DialStep]) {
        self.order(TrunkOrder::Dial(DialString::from(steps)));
    }

    fn answer(&mut self) {
        self.order(TrunkOrder::Answer);
    }

    fn hang_up(&mut self) {
        self.order(TrunkOrder::HangUp);
    }

    fn be_busy(&mut self, busy: bool) {
        self.order(TrunkOrder::BeBusy(busy));
    }
}

/// The line's own thread.
struct Keeper {
    orders: Receiver<TrunkOrder>,
    events: Sender<TrunkEvent>,
    country: String,
    /// An order that came while another was carried out.
    put_off: Option<TrunkOrder>,
    is_off_hook: bool,
}

/// Why the line is not kept any longer.
enum Parted {
    /// Nobody wants it.
    Unwanted,
    /// It failed.
    Failed(NoCall),
}

impl From<NoCall> for Parted {
    fn from(cause: NoCall) -> Self {
        Self::Failed(cause)
    }
}

impl From<LineError> for Parted {
    fn from(cause: LineError) -> Self {
        Self::Failed(cause.into())
    }
}

impl Keeper {
    fn keep(mut self, mut open: Open) {
        let mut said = false;
        loop {
            let trouble = match open() {
                Ok(line) => {
                    said = false;
                    match self.attend(line) {
                        Parted::Unwanted => return,
                        Parted::Failed(cause) => cause.to_string(),
                    }
                }
                Err(cause) => cause,
            };
            if !std::mem::replace(&mut said, true) {
                tracing::error!(trouble, "the line cannot be used; it is tried again");
            }
            if !self.refuse_for(RETRY) {
                return;
            }
        }
    }

    /// Without a line every call fails. False: nobody wants one.
    fn refuse_for(&mut self, span: Duration) -> bool {
        match self.orders.recv_timeout(span) {
            Ok(TrunkOrder::Dial(_) | TrunkOrder::Answer) => self.tell(TrunkEvent::Failed(Progress::Failed)),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// A modem that ended hears nothing.
    fn tell(&self, event: TrunkEvent) {
        let _ = self.events.send(event);
    }

    fn order(&mut self) -> Result<TrunkOrder, TryRecvError> {
        self.put_off.take().map_or_else(|| self.orders.try_recv(), Ok)
    }

    /// On hook until something happens.
    fn attend(&mut self, mut line: Box<dyn PcmLine>) -> Parted {
        loop {
            line = match self.on_hook(line).and_then(|(line, order)| self.carry_out(line, order)) {
                Ok(line) => line,
                Err(parted) => return parted,
            };
        }
    }

    /// Listens to the line until there is an order.
    fn on_hook(&mut self, mut line: Box<dyn PcmLine>) -> Result<(Box<dyn PcmLine>, TrunkOrder), Parted> {
        let mut listener = Listener::default();
        loop {
            match self.order() {
                Ok(order) => return Ok((line, order)),
                Err(TryRecvError::Disconnected) => {
                    line.hang_up();
                    return Err(Parted::Unwanted);
                }
                Err(TryRecvError::Empty) => {}
            }
            let mut heard = SILENCE;
            line.exchange(&SILENCE, &mut heard)?;
            listener.take(&heard, told(line.as_mut())?);
            if let Some(bursts) = listener.ring() {
                self.tell(TrunkEvent::Ring(None, ring(bursts)));
            }
            if let Some(caller) = listener.caller() {
                self.tell(TrunkEvent::Caller(self::caller(caller)));
            }
        }
    }

    fn carry_out(&mut self, mut line: Box<dyn PcmLine>, order: TrunkOrder) -> Result<Box<dyn PcmLine>, Parted> {
        match order {
            TrunkOrder::HangUp | TrunkOrder::BeBusy(false) => self.go_on_hook(line.as_mut())?,
            TrunkOrder::BeBusy(true) => self.go_off_hook(line.as_mut())?,
            TrunkOrder::Answer => {
                self.go_off_hook(line.as_mut())?;
                return self.lend(line);
            }
            TrunkOrder::Dial(what) => {
                let country = self.country.clone();
                self.is_off_hook = true;
                let dialled = dial(line.as_mut(), &what, &country, &mut || self.is_revoked());
                let progress = match dialled {
                    Ok(()) => return self.lend(line),
                    Err(NoCall::Cancelled) => None,
                    Err(NoCall::NoDialTone(_)) => Some(Progress::NoDialTone),
                    Err(NoCall::NoQuietAnswer(_)) => Some(Progress::NoAnswer),
                    Err(NoCall::Refused(Instead::Busy)) => Some(Progress::Busy),
                    Err(NoCall::Refused(_)) => Some(Progress::Failed),
                    Err(cause) => {
                        self.tell(TrunkEvent::Failed(Progress::Failed));
                        return Err(cause.into());
                    }
                };
                self.go_on_hook(line.as_mut())?;
                progress.into_iter().for_each(|progress| self.tell(TrunkEvent::Failed(progress)));
            }
        }
        Ok(line)
    }

    /// Another order ends the dialling.
    fn is_revoked(&mut self) -> bool {
        if self.put_off.is_none() {
            self.put_off = self.orders.try_recv().ok();
        }
        self.put_off.is_some()
    }

    /// Gives the line to the modem for a call, and waits for it.
    fn lend(&mut self, line: Box<dyn PcmLine>) -> Result<Box<dyn PcmLine>, Parted> {
        let (back, returned) = channel();
        let detector = ProgressDetector::of(&self.country);
        let lent = Lent { line: Some(line), back, detector, events: self.events.clone(), refused: None };
        self.tell(TrunkEvent::Connected(Box::new(lent)));
        let mut line = returned.recv().map_err(|_| Parted::Unwanted)?;
        self.go_on_hook(line.as_mut())?;
        Ok(line)
    }

    fn go_off_hook(&mut self, line: &mut dyn PcmLine) -> Result<(), NoCall> {
        self.is_off_hook = true;
        set(line, true)
    }

    /// On hook, and so long that the exchange notices.
    fn go_on_hook(&mut self, line: &mut dyn PcmLine) -> Result<(), NoCall> {
        set(line, false)?;
        if std::mem::take(&mut self.is_off_hook) {
            let mut heard = SILENCE;
            for _ in 0..ON_HOOK_BLOCKS {
                line.exchange(&SILENCE, &mut heard)?;
            }
        }
        Ok(())
    }
}

fn set(line: &mut dyn PcmLine, off_hook: bool) -> Result<(), NoCall> {
    line.hook().map_or(Ok(()), |hook| hook.set(off_hook)).map_err(NoCall::Hook)
}

/// A ring as the modem tells it.
fn ring(bursts: &[[u32; 2]]) -> Ring {
    let span = |blocks: u32| LineSpan::ms(u64::from(blocks) * 10);
    Ring { bursts: bursts.iter().map(|[sound, before]| Burst { on: span(*sound), before: span(*before) }).collect() }
}

/// Who calls as the modem tells it.
fn caller(caller: &CallerId) -> Caller {
    let either = |text: &Option<String>, absence: Option<char>| text.clone().or(absence.map(String::from));
    let date = caller.date.as_ref().filter(|date| date.len() == 8 && date.is_ascii());
    Caller {
        date: date.map(|date| date[..4].to_owned()),
        time: date.map(|date| date[4..].to_owned()),
        number: either(&caller.number, caller.number_absence),
        name: either(&caller.name, caller.name_absence),
    }
}

/// Blocks that a call goes on after the exchange's busy tone was told, so that it can be told why.
const AFTER_BUSY: u32 = 20;

/// A line during a call. It goes back when it is hung up or dropped.
struct Lent {
    line: Option<Box<dyn PcmLine>>,
    back: Sender<Box<dyn PcmLine>>,
    detector: ProgressDetector,
    events: Sender<TrunkEvent>,
    /// The exchange said that the call is over: blocks since.
    refused: Option<u32>,
}

impl Lent {
    /// The other end of an analogue line hangs up by the exchange's tone.
    fn listen(&mut self, heard: &Block) {
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(heard, &mut samples);
        let progress = match self.detector.run(&samples) {
            Some(ProgressKind::Busy) => Progress::Busy,
            Some(ProgressKind::Congestion | ProgressKind::Unobtainable) => Progress::Failed,
            _ => return,
        };
        self.refused = Some(0);
        // The modem has ended when there is nobody to tell.
        let _ = self.events.send(TrunkEvent::Failed(progress));
    }
}

impl PcmLine for Lent {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        let exchanged = self.line.as_mut().ok_or(LineError::HungUp)?.exchange(tx, rx)?;
        match &mut self.refused {
            None => self.listen(rx),
            Some(AFTER_BUSY) => return Err(LineError::HungUp),
            Some(blocks) => *blocks += 1,
        }
        Ok(exchanged)
    }

    fn pace(&self) -> Pace {
        self.line.as_ref().map_or(Pace::Unpaced, |line| line.pace())
    }

    fn hang_up(&mut self) {
        if let Some(line) = self.line.take() {
            // Nobody waits for it when the program ends.
            let _ = self.back.send(line);
        }
    }

    fn digit(&mut self) -> Option<char> {
        self.line.as_mut()?.digit()
    }

    fn transport(&self) -> Option<Transport> {
        self.line.as_ref()?.transport()
    }

    fn path_delay(&self) -> usize {
        self.line.as_ref().map_or(0, |line| line.path_delay())
    }

    fn health(&self) -> Option<DeviceHealth> {
        self.line.as_ref()?.health()
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        self.line.as_mut()?.hook()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.hang_up();
    }
}
