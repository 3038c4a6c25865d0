//! Signals sent for the host.

use super::*;

impl Modem {
    /// Speaks, if the other side does not.
    pub(super) fn take_turn(&mut self) {
        let Activity::AwaitTurn { carrier, framing, .. } = self.activity else { return };
        let Some(quiet_since) = self.hearing.quiet_since(self.now) else { return };
        let at = (quiet_since + TURNAROUND).max(self.spoke_until + TURNAROUND).max(self.now);
        self.begin_sending(carrier, framing, at);
    }

    pub(super) fn begin_sending(&mut self, carrier: Carrier, framing: Framing, at: LineTime) {
        self.listen(Listen::Nothing);
        self.hearing.clear();
        self.order(Order::Send { signal: Signal::Data { carrier, framing }, at });
        self.activity = Activity::Sending(Box::new(Sending::new(carrier, framing, at)));
        self.expire();
    }

    /// Our signal has left.
    pub(super) fn sent(&mut self, at: LineTime) {
        self.spoke_until = at;
        match self.activity {
            Activity::AnswerTone => self.begin_sending(Carrier::V21, Framing::Hdlc, at + TURNAROUND),
            Activity::Sending(_) => {
                self.listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc });
                self.finish(ResultCode::Ok);
            }
            _ => {}
        }
    }
}
