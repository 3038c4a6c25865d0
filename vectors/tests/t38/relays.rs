//! Relays between fax machines on telephone lines and T.38: samples on one side, datagrams on the other, in virtual time.

use std::{collections::VecDeque, sync::Arc};

use answertone_dsp::{
    channel::{Channel, Impairments},
    pcm::{Block, SILENCE},
    units::Dbm0,
};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd, BLOCK_SPAN},
    frame::Modems,
    image::Page,
    session::{Codings, Config, Document, Event, Outcome, Session},
    t38::{
        Arrival, Call, RateManagement, TerminalConfig, Wire,
        relay::{Relay, RelayConfig, RelayCounters, Transcoding},
        udptl::ErrorCorrection,
    },
    time::{LineSpan, LineTime},
};
use answertone_vectors::ends::{End, carried};

use super::{machine, network::Network, page};

/// No call of these tests may last longer.
const LONGEST_CALL: LineTime = LineTime(8000 * 300);

/// A relay with modems on a line.
pub(crate) struct Gateway {
    front: AudioFrontEnd,
    relay: Relay,
    wire: Wire,
}

impl Gateway {
    /// The same, to which a line tells frames when they are whole.
    fn of_whole_frames(config: RelayConfig) -> Self {
        Self { front: AudioFrontEnd::new(AudioConfig::default()), ..Self::new(config) }
    }

    pub(crate) fn counters(&self) -> RelayCounters {
        self.relay.counters()
    }

    pub(crate) fn new(config: RelayConfig) -> Self {
        let wire = Wire::udptl(ErrorCorrection::default(), 1400);
        Self { front: AudioFrontEnd::new(AudioConfig::default()).telling_parts(), relay: Relay::new(config), wire }
    }

    pub(crate) fn take(&mut self, datagram: &[u8], now: LineTime) {
        self.wire.receive(datagram, now);
    }

    /// What is to be sent.
    pub(crate) fn datagrams(&mut self, now: LineTime) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.relay.poll_packet()).map(|packet| self.wire.send(&packet, now)).collect()
    }

    pub(crate) fn block(&mut self, rx: &Block, now: LineTime) -> Block {
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
    /// The line from the machine to the relay, where it is not ideal.
    noise: Option<Box<Channel>>,
}

impl Party {
    fn terminal(session: Session, method: RateManagement) -> Self {
        let config = TerminalConfig { rate_management: method, ..TerminalConfig::default() };
        let call = Call::new(session, config, Wire::udptl(ErrorCorrection::default(), 1400));
        Self::Terminal(Box::new(call), Vec::new(), None)
    }

    fn line(session: Session, config: RelayConfig) -> Self {
        Self::line_of(session, Gateway::new(config))
    }

    fn line_of(session: Session, gateway: Gateway) -> Self {
        let (gateway, machine) = (Box::new(gateway), Box::new(End::new(session)));
        Self::Line { gateway, machine, next: Box::new(Next { heard: SILENCE, said: SILENCE, noise: None }) }
    }

    fn counters(&self) -> RelayCounters {
        match self {
            Self::Terminal(..) => RelayCounters::default(),
            Self::Line { gateway, .. } => gateway.counters(),
        }
    }

    /// The same on a line with so much noise towards the relay.
    fn noisy_line(session: Session, config: RelayConfig, noise: Dbm0) -> Self {
        let mut party = Self::line(session, config);
        if let Self::Line { next, .. } = &mut party {
            let impairments = Impairments { noise: Some(noise), ..Impairments::default() };
            next.noise = Some(Box::new(Channel::new(&impairments, 5)));
        }
        party
    }

    fn take(&mut self, datagram: &[u8], now: LineTime) {
        match self {
            Self::Terminal(call, ..) => call.handle_datagram(datagram, now),
            Self::Line { gateway, .. } => gateway.take(datagram, now),
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
                let Next { heard, said, noise } = &mut **next;
                let arrives = noise.as_mut().map_or(*said, |noise| carried(noise, said, heard));
                let spoken = gateway.block(&arrives, now);
                *said = machine.block(heard);
                *heard = spoken;
                gateway.datagrams(now)
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
/// The stories of caller and answerer.
fn assert_carried(what: &str, mut parties: [Party; 2], network: Network, sent: &Page) -> [String; 2] {
    carried_over(what, &mut parties, network, sent).stories
}

/// What there is to say of a call.
struct Way {
    ended: LineTime,
    /// Of caller and answerer.
    stories: [String; 2],
    /// Octets that the caller's side sent.
    octets: usize,
}

/// The same, told at length.
fn carried_over(what: &str, parties: &mut [Party; 2], network: Network, sent: &Page) -> Way {
    let mut octets = 0;
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
                octets += if side == 0 { datagram.len() } else { 0 };
                if let Some(late) = chance.fate(&network).filter(|_| !network.is_out(now)) {
                    flights.push_back((now + network.held(now) + network.delay + late, 1 - side, datagram));
                }
            }
        }
    }
    let [caller, answerer] = parties.each_mut().map(Party::story);
    let story = format!("{what}, {now} s\ncaller\n{caller}\nanswerer\n{answerer}");
    for party in parties.iter() {
        assert_eq!(party.outcome(), Some(&Outcome::Completed), "{story}");
    }
    assert!(parties[1].pages().len() == 1 && parties[1].pages()[0].bitmap == sent.bitmap, "pels differ: {story}");
    Way { ended: now, stories: [caller, answerer], octets }
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

#[test]
fn a_far_end_that_is_late_is_waited_for_by_machines_that_hear_flags() {
    let sent = page(6, 80);
    let relay = RelayConfig::default();
    // There and back it takes longer than a machine waits for an answer.
    let network = Network { delay: LineSpan::ms(1600), ..Network::GOOD };
    for (what, config) in machines() {
        let parties = [Party::line(calling(&config, &sent), relay), Party::line(answering(&config), relay)];
        assert_carried(&format!("late, {what}"), parties, network, &sent);
    }
}

#[test]
fn a_training_check_that_was_bad_where_it_was_made_is_refused_though_the_far_one_was_good() {
    let sent = page(5, 80);
    let (_, config) = machines().pop().expect("there are machines");
    let patient = Config { path_delay: LineSpan::ms(1000), ..config.clone() };
    let method = RateManagement::LocalTcf;
    let relay = RelayConfig { rate_management: method, ..RelayConfig::default() };
    // Too much for 14400 bit/s at -14 dBm0, and little enough for less.
    let line = Party::noisy_line(calling(&config, &sent), relay, Dbm0(-32.0));
    let terminal = Party::terminal(answering(&patient), method);
    let [caller, answerer] = assert_carried("a noisy line", [line, terminal], Network::GOOD, &sent);
    assert!(caller.contains("FTT"), "the machine hears that its check was bad:\n{caller}");
    assert!(!answerer.contains("FTT"), "the terminal's own check was good:\n{answerer}");
}

#[test]
fn fill_is_taken_out_for_the_network_and_made_for_the_line() {
    let sent = page(6, 200);
    let slow = Config { ecm: false, min_scan_ms: 40, ..machine(false) };
    let slow = Config { path_delay: LineSpan::ZERO, ..slow };
    for fill_removal in [false, true] {
        let relay = RelayConfig { fill_removal, ..RelayConfig::default() };
        let parties = [Party::line(calling(&slow, &sent), relay), Party::line(answering(&slow), relay)];
        let network = Network { late_percent: 10, ..Network::GOOD };
        assert_carried(&format!("fill removal {fill_removal}"), parties, network, &sent);
    }
}

/// Pages that are MMR or JBIG between the relays, which their machines do not know.
#[test]
fn pages_are_in_another_coding_on_the_network() {
    let sent = page(6, 200);
    for codings in [Codings::MH, Codings::MH | Codings::MR] {
        let config = Config { codings, min_scan_ms: 10, path_delay: LineSpan::ZERO, ..machine(false) };
        let octets = [None, Some(Transcoding::Mmr), Some(Transcoding::Jbig)].map(|transcoding| {
            let relay = RelayConfig { transcoding, ..RelayConfig::default() };
            let mut parties = [calling(&config, &sent), answering(&config)].map(|session| Party::line(session, relay));
            let network = Network { late_percent: 10, ..Network::GOOD };
            carried_over(&format!("{codings:?} as {transcoding:?}"), &mut parties, network, &sent).octets
        });
        println!("{codings:?}: {} octets as it is, {} by MMR, {} by JBIG", octets[0], octets[1], octets[2]);
        assert!(octets[1] < octets[0] && octets[2] < octets[0], "{octets:?}");
    }
}

/// What was lost of a page on the network makes the rest of it worthless: its receiver gets no rows it could take for good.
#[test]
fn a_page_that_was_lost_between_two_codings_is_sent_again() {
    let sent = page(6, 120);
    let config = Config { path_delay: LineSpan::ZERO, ..machine(false) };
    for transcoding in [Transcoding::Mmr, Transcoding::Jbig] {
        let relay = RelayConfig { transcoding: Some(transcoding), ..RelayConfig::default() };
        let mut parties = [calling(&config, &sent), answering(&config)].map(|session| Party::line(session, relay));
        // The page is on the air from the 12th second to the 16th.
        let network = Network { outage: Some([LineTime(8000 * 13), LineTime(8000 * 29 / 2)]), ..Network::GOOD };
        let way = carried_over(&format!("{transcoding:?} and a hole"), &mut parties, network, &sent);
        assert!(way.stories[0].contains("heard    RTN"), "{}", way.stories[0]);
        assert!(way.stories[1].contains("sent     RTN"), "{}", way.stories[1]);
    }
}

/// Nothing comes for a while, in the middle of frames: those are broken off, and the call goes on.
#[test]
fn frames_that_the_network_is_too_slow_for_are_sent_whole() {
    let sent = page(6, 80);
    let (mut torn, relay) = (0, RelayConfig::default());
    let network = Network { stall: Some([LineSpan::ms(1700), LineSpan::ms(600)]), ..Network::GOOD };
    for (what, config) in machines() {
        let config = Config { ident: "+44 20 7946 0000".to_owned(), ..config };
        let mut parties = [calling(&config, &sent), answering(&config)].map(|session| Party::line(session, relay));
        carried_over(&format!("slow, {what}"), &mut parties, network, &sent);
        torn += parties.iter().map(|party| party.counters().torn).sum::<u64>();
    }
    println!("{torn} frames were broken off");
    assert!(torn > 0);
}

/// Frames that pass octet by octet are as much earlier as they are long; the network is good.
#[test]
fn octets_of_frames_pass_while_they_come() {
    let sent = page(5, 80);
    for (what, config) in machines() {
        let relay = RelayConfig::default();
        let config = Config { ident: "+44 20 7946 0000".to_owned(), ..config };
        let took = [false, true].map(|octetwise| {
            let gateway = if octetwise { Gateway::new } else { Gateway::of_whole_frames };
            let sessions = [calling(&config, &sent), answering(&config)];
            let mut parties = sessions.map(|session| Party::line_of(session, gateway(relay)));
            let way = carried_over(&format!("{what}, octets {octetwise}"), &mut parties, Network::GOOD, &sent);
            let counters = parties.each_ref().map(Party::counters);
            assert_eq!(counters.map(|counters| counters.torn), [0, 0], "{what}");
            assert_eq!(counters.map(|counters| counters.begun_early > 0), [octetwise; 2], "{what}");
            way.ended
        });
        let saved = took[0].since(took[1]);
        println!("{what}: {} s with whole frames, {} s octet by octet, {} ms less", took[0], took[1], saved.as_ms());
        assert!(saved > LineSpan::ms(500), "{what}: {took:?}");
    }
}
