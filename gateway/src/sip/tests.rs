//! Two agents, or an agent and a script, over a network in virtual time.

use std::{net::SocketAddr, time::Duration};

use super::{Agent, CallId, EndCause, Hop, Incoming, Message, Output, Policy, Profile, Seeker, Tidings, Transport};
use crate::sdp::{Agreed, Description, Direction, Local, OwnSeal, T38, Wanted, offer};

mod calls;
mod captures;
mod chaos;
mod refusals;
mod registrar;
mod renewals;
mod ways;

/// Numbers by chance that are the same each time.
fn chance(mut seed: u64) -> Box<dyn FnMut() -> u64 + Send> {
    Box::new(move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

fn address(which: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1 + which as u8], 5060))
}

fn hop(which: usize) -> Hop {
    Hop { transport: Transport::Udp, address: address(which), connection: None }
}

fn profile(which: usize) -> Profile {
    Profile {
        user: ["alice", "bob"][which].into(),
        domain: format!("127.0.0.{}", 1 + which),
        login: "fax".into(),
        password: "secret".into(),
        servers: vec![],
        server_name: String::new(),
        transport: Transport::Udp,
        contact: address(which),
        registers: None,
        caller_id: None,
        allowed: vec!["127.0.0.0/8".parse().unwrap()],
        calls: 10,
        session_expires: 1800,
        t38: Some(T38::ours(0)),
        policy: Policy::Never,
    }
}

fn local(which: usize) -> Local {
    let seal = OwnSeal {
        fingerprint: format!("sha-256 A{which}:BB"),
        tls_id: format!("{which:020}"),
        port: 4100 + which as u16,
    };
    Local {
        address: address(which).ip(),
        port: 4000 + which as u16,
        session: 1,
        version: 1,
        t38: T38::ours(0),
        seal: Some(seal),
        kept: None,
    }
}

/// Whether a message of that side is lost on its way.
type Loss = dyn FnMut(usize, &Message) -> bool;

/// A network of two.
struct World {
    agents: [Agent; 2],
    now: Duration,
    /// When, to whom and what.
    flying: Vec<(Duration, usize, Vec<u8>)>,
    told: [Vec<Tidings>; 2],
    rung: [Vec<(CallId, Incoming)>; 2],
    /// What was to be looked up.
    sought: [Vec<(Seeker, String)>; 2],
    /// All that was sent, by whom.
    sent: Vec<(usize, Message)>,
    /// Where to.
    to: Vec<SocketAddr>,
    /// Whether that message is lost.
    loses: Box<Loss>,
}

impl World {
    fn new(profiles: [Profile; 2]) -> Self {
        let mut seed = 0;
        let agents = profiles.map(|profile| {
            seed += 1;
            Agent::new(profile, chance(seed))
        });
        Self {
            agents,
            now: Duration::ZERO,
            flying: vec![],
            told: [vec![], vec![]],
            rung: [vec![], vec![]],
            sought: [vec![], vec![]],
            sent: vec![],
            to: vec![],
            loses: Box::new(|_, _| false),
        }
    }

    fn usual() -> Self {
        Self::new([profile(0), profile(1)])
    }

    /// Takes out what the agents want.
    fn collect(&mut self) {
        for who in 0..2 {
            while let Some(output) = self.agents[who].poll() {
                match output {
                    Output::Send { to, octets } => {
                        let message = Message::read(&octets).expect("what is sent can be read");
                        let lost = (self.loses)(who, &message);
                        self.sent.push((who, message));
                        self.to.push(to.address);
                        let whom = (0..2).find(|whom| address(*whom) == to.address);
                        if let Some(whom) = whom.filter(|_| !lost) {
                            self.flying.push((self.now + Duration::from_millis(10), whom, octets));
                        }
                    }
                    Output::Tell(_, tidings) => self.told[who].push(tidings),
                    Output::Incoming(call, incoming) => self.rung[who].push((call, *incoming)),
                    Output::Find(seeker, host) => self.sought[who].push((seeker, host)),
                    Output::Registered(_) => {}
                }
            }
        }
    }

    /// Lets so much time pass.
    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        self.collect();
        loop {
            let arrival = self.flying.iter().map(|(at, ..)| *at).min();
            let due = self.agents.iter().filter_map(Agent::due).min();
            let Some(next) = [arrival, due].into_iter().flatten().min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            let (arrived, flying) = std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= self.now);
            self.flying = flying;
            let arrived: Vec<(Duration, usize, Vec<u8>)> = arrived;
            for (_, whom, octets) in arrived {
                self.agents[whom].handle(&octets, hop(1 - whom), self.now);
                self.collect();
            }
            for agent in &mut self.agents {
                agent.handle_timeout(self.now);
            }
            self.collect();
        }
        self.now = until;
    }

    fn second(&mut self) {
        self.pass(Duration::from_secs(1));
    }

    /// Alice calls Bob.
    fn dial(&mut self) -> CallId {
        let call = self.agents[0].dial("sip:+15550100@127.0.0.2", local(0), self.now).unwrap();
        self.pass(Duration::from_millis(200));
        call
    }

    /// And Bob answers.
    fn connect(&mut self) -> [CallId; 2] {
        let call = self.dial();
        let (theirs, _) = self.rung[1].pop().expect("it rings");
        self.agents[1].alert(theirs, self.now);
        self.pass(Duration::from_millis(200));
        self.agents[1].answer(theirs, local(1), self.now);
        self.second();
        [call, theirs]
    }

    fn media(&self, who: usize) -> Option<&Agreed> {
        self.told[who].iter().rev().find_map(|told| match told {
            Tidings::Media(agreed) => Some(agreed),
            _ => None,
        })
    }

    fn is_image(&self, who: usize) -> bool {
        matches!(self.media(who), Some(Agreed::Image(_)))
    }

    fn end(&self, who: usize) -> Option<EndCause> {
        self.told[who].iter().find_map(|told| match told {
            Tidings::Ended(end) => Some(end.cause),
            _ => None,
        })
    }

    /// Where messages of that kind went.
    fn sent_to(&self, who: usize, what: &str) -> Vec<SocketAddr> {
        let of = self.sent.iter().zip(&self.to);
        of.filter(|((whose, message), _)| *whose == who && is(message, what)).map(|(_, to)| *to).collect()
    }

    /// Messages of that kind sent by somebody: methods of requests, statuses of responses.
    fn sent(&self, who: usize, what: &str) -> Vec<&Message> {
        self.sent
            .iter()
            .filter(|(whose, message)| *whose == who && is(message, what))
            .map(|(_, message)| message)
            .collect()
    }
}

fn is(message: &Message, what: &str) -> bool {
    match message.status() {
        Some(status) => status.to_string() == what,
        None => message.method() == what,
    }
}
