//! Relays between fax machines on telephone lines and T.38: samples on one side, datagrams on the other, in virtual time.

use std::{collections::VecDeque, sync::Arc};

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd, BLOCK_SPAN},
    frame::Modems,
    image::Page,
    session::{Config, Document, Event, Outcome, Session},
    t38::{
        Arrival, Call, RateManagement, TerminalConfig, Wire,
        relay::{Relay, RelayConfig},
        udptl::ErrorCorrection,
    },
    time::{LineSpan, LineTime},
};
use answertone_vectors::ends::End;

use super::{machine, network::Network, page};

/// The way of every datagram takes so long.
const DELAY: LineSpan = LineSpan::ms(60);

/// No call of these tests may last longer.
const LONGEST_CALL: LineTime = LineTime(8000 * 300);

/// A relay with modems on a line.
struct Gateway {
    front: AudioFrontEnd,
    relay: Relay,
    wire: Wire,
}

impl Gateway {
    fn new(config: RelayConfig) -> Self {
        let wire = Wire::udptl(ErrorCorrection::default(), 1400);
        Self { front: AudioFrontEnd::new(AudioConfig::default()), relay: Relay::new(config), wire }
    }

    fn block(&mut self, rx: &Block, now: LineTime) -> Block {
        self.front.receive(rx);
        while let Some(arrival) = self.wire.poll(now) {
            match arrival {
                Arrival::Packet(packet) => self.relay.handle_packet(packet, now).expect("our packets are right"),
                Arrival::Lost(count) => self.relay.handle_loss(count),
            }
        }
        self.relay.advance(&mut self.front, now);
        let mut tx = SILENCE;
        self.front.transmit(&mut tx);
        tx
    }
}

/// One end of the network.
enum Party {
    /// A terminal.
    Terminal(Box<Call>, Vec<Page>, Option<Outcome>),
    /// A relay, the machine on its line, and what is between them.
    Line { gateway: Box<Gateway>, machine: Box<End>, next: Box<Next> },
}

/// What a line carries next.
struct Next {
    heard: Block,
    said: Block,
}

impl Party {
    fn terminal(session: Session, method: RateManagement) -> Self {
        let config = TerminalConfig { rate_management: method, ..TerminalConfig::default() };
        let call = Call::new(session, config, Wire::udptl(ErrorCorrection::default(), 1400));
        Self::Terminal(Box::new(call), Vec::new(), None)
    }

    fn line(session: Session, config: RelayConfig) -> Self {
        let (gateway, machine) = (Box::new(Gateway::new(config)), Box::new(End::new(session)));
        Self::Line { gateway, machine, next: Box::new(Next { heard: SILENCE, said: SILENCE }) }
    }

    fn take(&mut self, datagram: &[u8], now: LineTime) {
        match self {
            Self::Terminal(call, ..) => call.handle_datagram(datagram, now),
            Self::Line { gateway, .. } => gateway.wire.receive(datagram, now),
        }
    }

    /// A block of time goes by; what is to be sent.
    fn block(&mut self, now: LineTime) -> Vec<Vec<u8>> {
        match self {
            Self::Terminal(call, pages, outcome) => {
                call.handle_timeout(now);
                while let Some(event) = call.poll_event() {
                    match event.what {
                        Event::Page(page) => pages.push(page.page),
                        Event::Finished(over) => *outcome = Some(over),
                        _ => {}
                    }
                }
                std::iter::from_fn(|| call.poll_datagram()).collect()
            }
            Self::Line { gateway, machine, next } => {
                let heard = gateway.block(&next.said, now);
                **next = Next { heard, said: machine.block(&next.heard) };
                std::iter::from_fn(|| gateway.relay.poll_packet())
                    .map(|packet| gateway.wire.send(&packet, now))
                    .collect()
            }
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Terminal(_, _, outcome) => outcome.as_ref(),
            Self::Line { machine, .. } => machine.outcome.as_ref(),
        }
    }

    fn pages(&self) -> &[Page] {
        match self {
            Self::Terminal(_, pages, _) => pages,
            Self::Line { machine, .. } => &machine.pages,
        }
    }

    fn story(&mut self) -> String {
        match self {
            Self::Terminal(call, ..) => {
                call.session_mut().take_trace().map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
            }
            Self::Line { machine, .. } => machine.trace.join("\n"),
        }
    }
}

/// Lets a call go between the two; the page must arrive as it was sent.
fn assert_carried(what: &str, mut parties: [Party; 2], network: Network, sent: &Page) {
    let (mut now, mut chance) = (LineTime::ZERO, network.chance(0));
    let mut flights: VecDeque<(LineTime, usize, Vec<u8>)> = VecDeque::new();
    while parties.iter().any(|party| party.outcome().is_none()) && now < LONGEST_CALL {
        now += BLOCK_SPAN;
        let (due, later) = flights.into_iter().partition(|(at, ..)| *at <= now);
        flights = later;
        let mut due: Vec<_> = due.into();
        due.sort_by_key(|(at, ..)| *at);
        due.iter().for_each(|(_, to, datagram)| parties[*to].take(datagram, now));
        for side in [0, 1] {
            for datagram in parties[side].block(now) {
                if let Some(late) = chance.fate(&network) {
                    flights.push_back((now + DELAY + late, 1 - side, datagram));
                }
            }
        }
    }
    let [caller, answerer] = parties.each_mut().map(Party::story);
    let story = format!("{what}, {now} s\ncaller\n{caller}\nanswerer\n{answerer}");
    for party in &parties {
        assert_eq!(party.outcome(), Some(&Outcome::Completed), "{story}");
    }
    assert!(parties[1].pages().len() == 1 && parties[1].pages()[0].bitmap == sent.bitmap, "pels differ: {story}");
}

/// Machines by modem, with and without error correction.
fn machines() -> Vec<(String, Config)> {
    let modems = [Modems::V27TER, Modems::V27TER | Modems::V29, Modems::ALL];
    let each = modems.into_iter().flat_map(|modems| [true, false].map(|ecm| (modems, ecm)));
    each.map(|(modems, ecm)| {
        let config = Config { modems, path_delay: LineSpan::ZERO, ..machine(ecm) };
        (format!("{modems:?}, ECM {ecm}"), config)
    })
    .collect()
}

fn calling(config: &Config, sent: &Arc<Page>) -> Session {
    let document = Document { pages: vec![sent.clone()], first: 0 };
    Session::calling(Arc::new(config.clone()), document, LineTime::ZERO)
}

fn answering(config: &Config) -> Session {
    Session::answering(Arc::new(config.clone()), LineTime::ZERO)
}

#[test]
fn a_machine_on_a_line_sends_to_a_terminal_and_receives_from_one() {
    let sent = page(5, 80);
    for (what, config) in machines() {
        let patient = Config { path_delay: LineSpan::ms(1000), ..config.clone() };
        for method in [RateManagement::TransferredTcf, RateManagement::LocalTcf] {
            let relay = RelayConfig { rate_management: method, ..RelayConfig::default() };
            let parties = [Party::line(calling(&config, &sent), relay), Party::terminal(answering(&patient), method)];
            assert_carried(&format!("line to terminal, {what}, {method:?}"), parties, Network::GOOD, &sent);
            let parties = [Party::terminal(calling(&patient, &sent), method), Party::line(answering(&config), relay)];
            assert_carried(&format!("terminal to line, {what}, {method:?}"), parties, Network::GOOD, &sent);
        }
    }
}

#[test]
fn two_machines_on_lines_reach_each_other_over_the_network() {
    let sent = page(6, 80);
    for (what, config) in machines() {
        let relay = RelayConfig::default();
        let parties = [Party::line(calling(&config, &sent), relay), Party::line(answering(&config), relay)];
        assert_carried(&format!("line to line, {what}"), parties, Network::GOOD, &sent);
    }
}
