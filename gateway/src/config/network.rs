//! Networks written as address and prefix length.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Serialize, Serializer};

/// An IP network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// This machine.
    pub fn loopback() -> Vec<Self> {
        ["127.0.0.0/8", "::1/128"].iter().map(|text| text.parse().expect("well-known networks parse")).collect()
    }

    /// Whether the address is in it. An IPv4 address mapped into IPv6 counts as itself.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(one)) => same_prefix(&net.octets(), &one.octets(), self.prefix),
            (IpAddr::V6(net), IpAddr::V6(one)) => same_prefix(&net.octets(), &one.octets(), self.prefix),
            _ => false,
        }
    }
}

fn same_prefix(a: &[u8], b: &[u8], prefix: u8) -> bool {
    let bit = |octets: &[u8], i: usize| octets[i / 8] >> (7 - i % 8) & 1;
    (0..usize::from(prefix)).all(|i| bit(a, i) == bit(b, i))
}

/// Not a network.
#[derive(Debug)]
pub struct NotNetwork;

impl FromStr for Network {
    type Err = NotNetwork;
    fn from_str(text: &str) -> Result<Self, NotNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| NotNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| NotNetwork)?;
        if prefix > longest { Err(NotNetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_goes_by_prefix() {
        let office: Network = "192.168.4.0/22".parse().unwrap();
        assert!(office.contains("192.168.7.255".parse().unwrap()));
        assert!(office.contains("::ffff:192.168.4.1".parse().unwrap()));
        assert!(!office.contains("192.168.8.0".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("10.0.0.1".parse::<Network>().unwrap().contains("10.0.0.1".parse().unwrap()));
    }
}
