//! Our end of a call: audio, T.38, and one session that lives over the change from one to the other.
//!
//! ```text
//!  Endpoint::call ─▶ ringing, early audio ─▶ Leg ── talk ─▶ audio ─▶ packets ─▶ audio ... ─▶ report
//!  Endpoint::next ─▶ Ringing ── answer ────▶ ┘               ▲ tidings: media change, it is over ▲
//! ```

mod placing;
mod seals;
mod talk;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{Exchange, LineError, Pace, PcmLine, PolledLine, Transport as Counted, rtp::RtpLine};

pub use self::placing::{NoCall, Ringing};
use self::seals::Seals;
pub(super) use super::media::Sockets;
use super::{
    CallId, End, EndCause, Parties, Policy, Tidings,
    endpoint::{Endpoint, Wish},
    media::rtp,
};
use crate::{
    config::KeyPress,
    sdp::{Agreed, Audio},
};

/// Between two looks at what was told.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long a caller leaves it to the far end to make the call T.38, once a fax machine was heard there.
const GRACE: Duration = Duration::from_millis(900);

/// Most digits that wait.
const MOST_DIGITS: usize = 64;

/// A call that is answered.
pub struct Leg {
    wishes: tokio::sync::mpsc::UnboundedSender<Wish>,
    call: CallId,
    tidings: Receiver<Tidings>,
    sockets: Sockets,
    local: SocketAddr,
    media: Agreed,
    line: Option<RtpLine>,
    parties: Parties,
    digits: VecDeque<char>,
    over: Option<End>,
    unsealed: bool,
    policy: Policy,
    /// The call's seals, where it can be sealed.
    seals: Option<Seals>,
    /// How keys are pressed.
    keys: KeyPress,
    /// Whether the call may become T.38, and by our wish.
    t38: bool,
    asked: bool,
    calls: bool,
}

impl Leg {
    fn new(
        endpoint: &Endpoint,
        call: CallId,
        tidings: Receiver<Tidings>,
        sockets: Sockets,
        seals: Option<Seals>,
        parties: Parties,
        calls: bool,
    ) -> std::io::Result<Self> {
        let local = sockets.socket.local_addr()?;
        let nowhere = Audio {
            remote: None,
            codec: answertone_hw::rtp::Codec::Pcmu,
            payload_type: 0,
            event_type: None,
            heard: false,
        };
        Ok(Self {
            wishes: endpoint.wishes.clone(),
            call,
            tidings,
            sockets,
            local,
            media: Agreed::Audio(nowhere),
            line: None,
            parties,
            digits: VecDeque::with_capacity(MOST_DIGITS),
            over: None,
            unsealed: false,
            policy: endpoint.account.seal,
            seals,
            keys: endpoint.account.keys,
            t38: endpoint.account.t38,
            asked: false,
            calls,
        })
    }

    /// Who calls whom.
    pub fn parties(&self) -> &Parties {
        &self.parties
    }

    /// The fax goes as audio, also where the far end asks for T.38; a call that must be sealed cannot, and goes as ever.
    pub fn keep_audio(&mut self) {
        if self.policy != Policy::Required {
            self.asked = true;
            self.wish(Wish::KeepAudio(self.call));
        }
    }

    fn wish(&self, wish: Wish) {
        let _ = self.wishes.send(wish);
    }

    /// Media are these from now on.
    fn take(&mut self, media: Agreed) {
        if let Agreed::Audio(audio) = &media {
            let same = matches!(&self.media, Agreed::Audio(old)
                if (old.codec, old.payload_type, old.event_type) == (audio.codec, audio.payload_type, audio.event_type));
            match self.line.as_mut().filter(|_| same) {
                Some(line) => line.redirect(audio.remote.filter(|_| audio.heard)),
                None => self.line = self.open_line(audio),
            }
        }
        self.media = media;
    }

    fn open_line(&self, audio: &Audio) -> Option<RtpLine> {
        let socket = self.sockets.socket.try_clone().ok()?;
        RtpLine::on(socket, &rtp(audio, self.local)).ok()
    }

    /// Takes in what was told; whether media changed.
    fn listen(&mut self) -> bool {
        let mut changed = false;
        loop {
            match self.tidings.try_recv() {
                Ok(Tidings::Media(media)) => {
                    changed = true;
                    self.take(media);
                }
                Ok(Tidings::Digit(digit)) if self.digits.len() < MOST_DIGITS => self.digits.push_back(digit),
                Ok(Tidings::Unsealed) => self.unsealed = true,
                Ok(Tidings::KeysStay) => self.keep_keys(),
                Ok(Tidings::StaysAudio { .. }) if self.policy == Policy::Required => self.unsealed = true,
                Ok(Tidings::Ended(end)) => self.over = Some(end),
                Ok(_) => {}
                Err(TryRecvError::Empty) => return changed,
                Err(TryRecvError::Disconnected) => {
                    let reason = "the account is closed".to_owned();
                    self.over.get_or_insert(End { cause: EndCause::FarEnd, status: None, reason });
                    return changed;
                }
            }
        }
    }

    /// Why the call cannot go on, if it cannot.
    fn lost(&self) -> Option<LineError> {
        if self.unsealed {
            let what = "the far end does not take T.38 sealed, and the account has seal = \"required\"";
            return Some(LineError::Failed(std::io::Error::other(what)));
        }
        self.over.as_ref().map(|_| LineError::HungUp)
    }

    /// Asks for T.38 once, when it is our turn to.
    fn ask(&mut self, fax_since: Option<Instant>) {
        let grace = if self.calls { GRACE } else { Duration::ZERO };
        if self.t38 && !self.asked && fax_since.is_some_and(|since| since.elapsed() >= grace) {
            self.asked = true;
            // Before the answer is there the far end may say hello already, RFC 8842 5.2.
            if let Some(Err(error)) = self.seals.as_mut().map(Seals::open) {
                tracing::warn!(%error, "no socket for a sealed call");
            }
            self.wish(Wish::Image(self.call));
        }
    }

    /// The far end does not take new keys: others are made, in case it wants some itself.
    fn keep_keys(&mut self) {
        if let Some(seals) = &mut self.seals {
            seals.withdraw();
        }
        self.new_keys();
    }

    /// Makes keys for the next seal. Without them the call keeps those that it has.
    fn new_keys(&mut self) {
        match self.seals.as_mut().map(Seals::renew) {
            Some(Ok(own)) => self.wish(Wish::Keys(self.call, own)),
            Some(Err(error)) => tracing::warn!(%error, "no new keys for a sealed call"),
            None => {}
        }
    }

    /// Waits so long, or less if there is something to do.
    fn rest(&mut self, span: Duration) {
        match &mut self.seals {
            Some(seals) if !span.is_zero() => seals.wait(span),
            _ => std::thread::sleep(span),
        }
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.wish(Wish::HangUp(self.call));
    }
}

/// The call's audio, for what goes before the fax: keys that are pressed, questions that are asked.
impl PcmLine for Leg {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        loop {
            self.listen();
            if let Some(error) = self.lost() {
                return Err(error);
            }
            let Some(line) = self.line.as_mut().filter(|_| matches!(self.media, Agreed::Audio(_))) else {
                std::thread::sleep(Duration::from_millis(10));
                *rx = SILENCE;
                return Ok(Exchange::default());
            };
            if let Some(exchange) = line.try_exchange(Instant::now(), tx, rx)? {
                return Ok(exchange);
            }
            let due = line.due();
            self.rest(due.saturating_duration_since(Instant::now()).min(LOOK_AROUND));
        }
    }

    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn hang_up(&mut self) {
        self.wish(Wish::HangUp(self.call));
        self.over.get_or_insert(End { cause: EndCause::FarEnd, status: None, reason: "we hung up".into() });
    }

    fn digit(&mut self) -> Option<char> {
        self.digits.pop_front().or_else(|| self.line.as_mut()?.digit())
    }

    /// As the account says: told beside the audio, where the far end takes that, or by SIP.
    fn press(&mut self, key: char) -> bool {
        let takes = matches!(&self.media, Agreed::Audio(Audio { event_type: Some(_), .. }));
        match self.keys {
            KeyPress::Rfc4733 => takes && self.line.as_mut().is_some_and(|line| line.press(key)),
            KeyPress::Info => {
                self.wish(Wish::Key(self.call, key));
                true
            }
            KeyPress::Audio => false,
        }
    }

    fn transport(&self) -> Option<Counted> {
        self.line.as_ref()?.transport()
    }
}
