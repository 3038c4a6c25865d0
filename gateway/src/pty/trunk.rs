//! The telephone line behind a modem: its bell, dialling and answering.

use std::{
    sync::mpsc::{Receiver, TryRecvError, sync_channel},
    thread,
};

use answertone_hw::{
    Line, LineUri, PcmLine, Watched,
    exchange::{Extension, Subscriber, SubscriberEvent},
    open,
    sim::{self, SimEnd, SimParams},
};
use answertone_t30::{
    class1::{Caller, DialStep, Progress, Ring, number},
    frame::Modems,
    session::Config,
};

use super::analogue::AnalogueTrunk;
use crate::{
    engine::{answerer, caller, test_page},
    telephone,
};

/// What happens on a line that is not talking.
pub enum TrunkEvent {
    /// The bell has rung, once; who calls, where that is told with it.
    Ring(Option<Caller>, Ring),
    /// Who calls, told by itself.
    Caller(Caller),
    /// What was asked for came about: samples go both ways.
    Connected(Box<dyn PcmLine>),
    /// It did not.
    Failed(Progress),
}

/// A telephone line.
pub trait Trunk: Send {
    /// What happened, if something did. Does not wait.
    fn event(&mut self) -> Option<TrunkEvent>;
    /// Goes off hook and dials.
    fn dial(&mut self, steps: &[DialStep]);
    /// Goes off hook to answer.
    fn answer(&mut self);
    /// Goes on hook, whatever it was about.
    fn hang_up(&mut self);
    /// Is busy to callers, or not any more.
    fn be_busy(&mut self, busy: bool);
}

/// The line of a URI. `country` is whose tones an analogue line has. `Err` says why there is none.
pub fn trunk(uri: &LineUri, country: &str) -> Result<Box<dyn Trunk>, String> {
    Ok(match uri {
        uri if uri.has_switch() => {
            let uri = uri.clone();
            let open = move || telephone::open(&uri, &|| true).map(Line::waiting).map_err(|error| error.to_string());
            Box::new(AnalogueTrunk::new(Box::new(open), country))
        }
        LineUri::Sim(params) => Box::new(SimTrunk { params: params.clone(), ready: None }),
        LineUri::Exchange(extension) => Box::new(ExchangeTrunk::join(extension)?),
        other => Box::new(OpenTrunk { uri: other.clone(), opening: None }),
    })
}

/// A simulated line with a fax machine of ours at the far end: it answers whatever number is dialled, and when the modem
/// answers it sends a test page.
struct SimTrunk {
    params: SimParams,
    ready: Option<SimEnd>,
}

impl SimTrunk {
    fn config() -> Config {
        Config { ident: "BUILT-IN FAX".into(), modems: Modems::ALL, ..Config::default() }
    }
}

impl Trunk for SimTrunk {
    fn event(&mut self) -> Option<TrunkEvent> {
        Some(TrunkEvent::Connected(Box::new(self.ready.take()?)))
    }

    fn dial(&mut self, _: &[DialStep]) {
        let (near, far) = sim::pair(&self.params);
        answerer(far, Self::config());
        self.ready = Some(near);
    }

    fn answer(&mut self) {
        let (near, far) = sim::pair(&self.params);
        caller(far, Self::config(), vec![test_page()]);
        self.ready = Some(near);
    }

    fn hang_up(&mut self) {
        self.ready = None;
    }

    fn be_busy(&mut self, _: bool) {}
}

/// A number at an exchange of this machine.
struct ExchangeTrunk {
    subscriber: Subscriber,
    busy: bool,
    /// Dialled or answered, and no answer yet.
    waiting: bool,
}

impl ExchangeTrunk {
    fn join(extension: &Extension) -> Result<Self, String> {
        let subscriber = Subscriber::join(&extension.path, &extension.number).map_err(|error| error.to_string())?;
        Ok(Self { subscriber, busy: false, waiting: false })
    }

    /// What the exchange told of a call before matters no more.
    fn begin(&mut self) {
        if self.busy {
            self.subscriber.be_busy(false);
        }
        while self.subscriber.event().is_some() {}
        self.waiting = true;
    }
}

impl Trunk for ExchangeTrunk {
    fn event(&mut self) -> Option<TrunkEvent> {
        let failed = |progress| Some(TrunkEvent::Failed(progress));
        match self.subscriber.event()? {
            SubscriberEvent::Ring(caller) => {
                let caller = Caller { number: Some(caller.number), ..Caller::default() };
                Some(TrunkEvent::Ring(Some(caller), Ring::default()))
            }
            SubscriberEvent::Connected(line) => {
                self.waiting = false;
                Some(TrunkEvent::Connected(Box::new(line)))
            }
            SubscriberEvent::Busy => failed(Progress::Busy),
            SubscriberEvent::NoSuchNumber => failed(Progress::NoAnswer),
            SubscriberEvent::HungUp if std::mem::take(&mut self.waiting) => failed(Progress::NoAnswer),
            SubscriberEvent::HungUp | SubscriberEvent::Ringing => None,
        }
    }

    fn dial(&mut self, steps: &[DialStep]) {
        self.begin();
        self.subscriber.dial(&number(steps));
    }

    fn answer(&mut self) {
        self.begin();
        self.subscriber.answer();
    }

    fn hang_up(&mut self) {
        self.waiting = false;
        self.subscriber.hang_up();
        self.subscriber.be_busy(self.busy);
    }

    fn be_busy(&mut self, busy: bool) {
        self.busy = busy;
        self.subscriber.be_busy(busy);
    }
}

/// Any other line: to dial or to answer is to open it. It does not ring, but can be answered at any time.
struct OpenTrunk {
    uri: LineUri,
    opening: Option<Receiver<Result<Box<dyn PcmLine>, String>>>,
}

impl OpenTrunk {
    /// Opens the line on a thread of its own: a device may take its time.
    fn begin(&mut self) {
        let uri = self.uri.clone();
        let (done, opening) = sync_channel(1);
        self.opening = Some(opening);
        thread::spawn(move || {
            // A modem that hung up meanwhile does not take the line, which is closed then.
            let _ = done.send(open(&uri).map_err(|error| error.to_string()));
        });
    }
}

impl Trunk for OpenTrunk {
    fn event(&mut self) -> Option<TrunkEvent> {
        let result = match self.opening.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("the thread that opens the line ended".to_owned()),
            Ok(result) => result,
        };
        self.opening = None;
        Some(match result {
            Ok(line) => TrunkEvent::Connected(Box::new(Watched::new(line))),
            Err(error) => {
                tracing::error!(error, "the line cannot be opened");
                TrunkEvent::Failed(Progress::Failed)
            }
        })
    }

    fn dial(&mut self, _: &[DialStep]) {
        self.begin();
    }

    fn answer(&mut self) {
        self.begin();
    }

    fn hang_up(&mut self) {
        self.opening = None;
    }

    fn be_busy(&mut self, _: bool) {}
}
