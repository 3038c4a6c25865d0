//! Where a server is: NAPTR, SRV and addresses, RFC 3263, for the account's transport. The rest of the choice, which place
//! answers, is made by asking one after the other.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::{
    TokioResolver,
    net::runtime::TokioRuntimeProvider,
    proto::rr::{
        RData, Record, RecordType,
        rdata::{NAPTR, SRV},
    },
};

use super::{Transport, split_port};
use crate::dns;

/// How long a name server may take, in seconds, before it is asked once more.
const PATIENCE_S: u64 = 2;

/// Most places that are tried.
const MOST_PLACES: usize = 16;

/// Looks up hosts.
#[derive(Clone)]
pub(super) struct Locator {
    /// Where there are name servers.
    resolver: Option<TokioResolver>,
    /// Whether addresses are asked of it, too: else of the system, which knows more than DNS.
    alone: bool,
    transport: Transport,
    v4_first: bool,
}

impl Locator {
    /// Asks that name server, or those of this machine. To be made where a runtime is.
    pub(super) fn new(server: Option<SocketAddr>, transport: Transport, v4_first: bool) -> Self {
        let builder = match server {
            None => TokioResolver::builder_tokio().ok(),
            Some(server) => {
                Some(TokioResolver::builder_with_config(dns::asking(server), TokioRuntimeProvider::default()))
            }
        };
        let resolver = builder.and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = std::time::Duration::from_secs(PATIENCE_S);
            options.attempts = 2;
            builder.build().ok()
        });
        Self { resolver, alone: server.is_some(), transport, v4_first }
    }

    /// The places of `HOST` or `HOST:PORT`, best first. A port that is written, or an address, leaves nothing to look up.
    pub(super) async fn places(&self, host: &str, chance: &mut (dyn FnMut() -> u64 + Send)) -> Vec<SocketAddr> {
        let Some((name, port)) = split_port(host) else { return vec![] };
        let usual = self.transport.port();
        if let Ok(address) = name.parse::<IpAddr>() {
            return vec![SocketAddr::new(address, port.unwrap_or(usual))];
        }
        let mut places = vec![];
        if port.is_none() {
            for (target, port) in self.services(&name, chance).await {
                places.extend(self.addresses(&target, port).await);
            }
        }
        if places.is_empty() {
            places = self.addresses(&name, port.unwrap_or(usual)).await;
        }
        places.truncate(MOST_PLACES);
        places
    }

    /// Hosts and ports by NAPTR and SRV, in the order in which they are to be tried.
    async fn services(&self, name: &str, chance: &mut (dyn FnMut() -> u64 + Send)) -> Vec<(String, u16)> {
        let Some(resolver) = &self.resolver else { return vec![] };
        let (protocol, usual) = match self.transport {
            Transport::Udp => ("SIP+D2U", "_sip._udp"),
            Transport::Tcp => ("SIP+D2T", "_sip._tcp"),
            Transport::Tls => ("SIPS+D2T", "_sips._tcp"),
        };
        let rules = match resolver.lookup(absolute(name), RecordType::NAPTR).await {
            Ok(found) => records(found.answers(), |data| if let RData::NAPTR(rule) = data { Some(rule) } else { None }),
            Err(_) => vec![],
        };
        let name = service(rules, protocol).unwrap_or_else(|| absolute(&format!("{usual}.{name}")));
        match resolver.srv_lookup(name).await {
            Ok(found) => {
                let all = records(found.answers(), |data| if let RData::SRV(srv) = data { Some(srv) } else { None });
                in_order(all, chance)
            }
            Err(_) => vec![],
        }
    }

    async fn addresses(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        let mut places: Vec<SocketAddr> = match self.resolver.as_ref().filter(|_| self.alone) {
            Some(resolver) => match resolver.lookup_ip(absolute(host)).await {
                Ok(found) => found.iter().map(|address| SocketAddr::new(address, port)).collect(),
                Err(_) => vec![],
            },
            None => match tokio::net::lookup_host((host, port)).await {
                Ok(found) => found.collect(),
                Err(_) => vec![],
            },
        };
        places.sort_by_key(|place| place.is_ipv4() != self.v4_first);
        places.dedup();
        places
    }
}

/// A name that no domain of this machine is added to.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn records<T: Clone>(answers: &[Record], of: impl Fn(&RData) -> Option<&T>) -> Vec<T> {
    answers.iter().filter_map(|record| of(&record.data)).cloned().collect()
}

/// The name of the records SRV that NAPTR has for a protocol, RFC 3263 4.1.
fn service(mut rules: Vec<NAPTR>, protocol: &str) -> Option<String> {
    rules.sort_by_key(|rule| (rule.order, rule.preference));
    let fits = |rule: &&NAPTR| {
        rule.services.eq_ignore_ascii_case(protocol.as_bytes()) && rule.flags.eq_ignore_ascii_case(b"s")
    };
    rules.iter().find(fits).map(|rule| rule.replacement.to_string())
}

/// The order of RFC 2782: by priority, and within it by chance, the more often first the more it weighs; the first of them.
fn in_order(mut all: Vec<SRV>, chance: &mut (dyn FnMut() -> u64 + Send)) -> Vec<(String, u16)> {
    // A service at the root is one that is decidedly not there.
    all.retain(|srv| !srv.target.is_root());
    let mut order = vec![];
    while let Some(priority) = all.iter().map(|srv| srv.priority).min() {
        let total: u64 = all.iter().filter(|srv| srv.priority == priority).map(|srv| u64::from(srv.weight) + 1).sum();
        let mut left = chance() % total;
        let place = all.iter().position(|srv| {
            let weight = u64::from(srv.weight) + 1;
            let here = srv.priority == priority && left < weight;
            left -= if srv.priority == priority && !here { weight } else { 0 };
            here
        });
        let Some(place) = place.filter(|_| order.len() < MOST_PLACES) else { break };
        let srv = all.remove(place);
        order.push((srv.target.to_string(), srv.port));
    }
    order
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::Name;

    use super::*;

    fn srv(priority: u16, weight: u16, port: u16) -> SRV {
        SRV::new(priority, weight, port, Name::from_ascii(format!("p{port}.example.")).unwrap())
    }

    #[test]
    fn services_are_tried_by_priority_and_then_by_weight() {
        let all = vec![srv(20, 0, 4), srv(10, 90, 1), srv(10, 10, 2), srv(20, 0, 5)];
        let mut firsts = 0;
        for seed in 0..1000 {
            let mut state: u64 = seed;
            let mut chance = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 33
            };
            let ports: Vec<u16> = in_order(all.clone(), &mut chance).into_iter().map(|(_, port)| port).collect();
            assert_eq!(ports.len(), 4);
            assert!(ports[..2].contains(&1) && ports[..2].contains(&2), "{ports:?}");
            firsts += usize::from(ports[0] == 1);
        }
        assert!((830..950).contains(&firsts), "{firsts} of 1000");
    }

    #[test]
    fn a_service_that_is_not_there_is_not_tried() {
        assert_eq!(in_order(vec![SRV::new(0, 0, 0, Name::root())], &mut || 0), vec![]);
    }

    #[test]
    fn no_more_services_are_looked_up_than_places_are_tried() {
        let all = (0..1000).map(|port| srv(port, 0, port)).collect();
        let ports: Vec<u16> = in_order(all, &mut || 0).into_iter().map(|(_, port)| port).collect();
        assert_eq!(ports, (0..MOST_PLACES as u16).collect::<Vec<_>>());
    }

    #[test]
    fn rules_are_followed_for_our_transport_alone() {
        let rule = |order, service: &str, flags: &str, name: &str| {
            let octets = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
            let name = Name::from_ascii(name).unwrap();
            NAPTR::new(order, 0, octets(flags), octets(service), octets(""), name)
        };
        let rules = vec![
            rule(20, "sip+d2u", "S", "second.example."),
            rule(10, "SIPS+D2T", "s", "tls.example."),
            rule(10, "SIP+D2U", "s", "first.example."),
            rule(5, "SIP+D2U", "u", "expression.example."),
        ];
        assert_eq!(service(rules.clone(), "SIP+D2U").as_deref(), Some("first.example."));
        assert_eq!(service(rules, "SIP+D2T"), None);
    }
}
