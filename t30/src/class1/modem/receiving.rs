//! Signals received for the host.

use super::*;

impl Modem {
    pub(super) fn carrier_up(&mut self, carrier: Carrier, at: LineTime) {
        self.hearing.up(carrier, at);
        self.moved = self.now;
        let Activity::Receiving(receiving) = self.activity else { return };
        match (receiving.carrier, carrier) {
            (Carrier::V21, Carrier::V21) => self.give_frame(),
            (Carrier::V21, _) | (_, Carrier::V21) if receiving.carrier == carrier => {}
            (_, Carrier::V21) => self.frames_instead(receiving),
            _ => {}
        }
    }

    /// V.21 came where a fast carrier was awaited.
    pub(super) fn frames_instead(&mut self, receiving: Receiving) {
        if receiving.connected {
            return self.end_receiving();
        }
        if !self.settings.adaptive() {
            return self.finish(ResultCode::CarrierError);
        }
        let (carrier, framing) = (Carrier::V21, Framing::Hdlc);
        self.terminal.line(&format!("+FRH:{}", modulation::V21), &self.settings);
        self.activity = Activity::Receiving(Receiving { carrier, framing, ..receiving });
        self.give_frame();
    }

    pub(super) fn trained(&mut self, carrier: Carrier) {
        let Activity::Receiving(receiving) = &mut self.activity else { return };
        if receiving.carrier != carrier {
            return;
        }
        receiving.loss_until = None;
        if !std::mem::replace(&mut receiving.connected, true) {
            self.terminal.result(ResultCode::Connect, &self.settings);
        }
        self.moved = self.now;
    }

    pub(super) fn carrier_down(&mut self, carrier: Carrier, at: LineTime) {
        self.hearing.down(carrier, at);
        match &mut self.activity {
            Activity::AwaitTurn { .. } => self.take_turn(),
            Activity::Receiving(receiving) if receiving.carrier == carrier && receiving.connected => {
                let patience = self.settings.carrier_loss();
                if carrier == Carrier::V21 || patience == LineSpan::ZERO {
                    self.end_receiving();
                } else {
                    receiving.loss_until = Some(self.now + patience);
                }
            }
            _ => {}
        }
    }

    pub(super) fn frame(&mut self, octets: &[u8], intact: bool) {
        self.moved = self.now;
        self.hearing.frame(octets, intact);
        // The other side does not wait for V.8.
        if intact && matches!(self.activity, Activity::Negotiating) {
            return self.proceed();
        }
        self.give_frame();
    }

    /// CONNECT as soon as there is a carrier to bring frames, and the frame as soon as it is whole.
    pub(super) fn give_frame(&mut self) {
        let Activity::Receiving(receiving) = &mut self.activity else { return };
        if receiving.framing != Framing::Hdlc || !receiving.connected && !self.hearing.brings_frames(receiving.carrier)
        {
            return;
        }
        let called = receiving.answer_by.take().is_some();
        if !std::mem::replace(&mut receiving.connected, true) {
            self.terminal.result(ResultCode::Connect, &self.settings);
        }
        if called {
            self.order(Order::Hush);
            self.end_v8();
        }
        let Some(frame) = self.hearing.take_frame() else { return };
        let mut check = hdlc::frame_check_sequence(&frame.octets);
        if !frame.intact {
            check[0] = !check[0];
        }
        self.terminal.data(&[frame.octets.as_slice(), &check].concat(), &self.settings);
        self.terminal.end_of_data();
        self.finish(if frame.intact { ResultCode::Ok } else { ResultCode::Error });
    }

    pub(super) fn octets(&mut self, octets: &[u8]) {
        if let Activity::Receiving(Receiving { connected: true, framing: Framing::Raw, .. }) = self.activity
            && self.terminal.data(octets, &self.settings)
        {
            self.moved = self.now;
        }
    }

    /// The carrier, or the line, is gone.
    pub(super) fn end_receiving(&mut self) {
        let Activity::Receiving(receiving) = self.activity else { return };
        self.terminal.pause(false);
        if receiving.connected {
            self.terminal.end_of_data();
        }
        self.finish(ResultCode::NoCarrier);
    }
}
