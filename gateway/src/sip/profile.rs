//! An account as the agent needs it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::core::{Hop, Transport};
use crate::{
    config::Network,
    sdp::{Local, OwnSeal, Rules, T38},
};

/// Whether T.38 is sealed with DTLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// A fax that cannot be sealed fails.
    Required,
    /// Offered sealed first, then in clear.
    Preferred,
    /// In clear.
    #[default]
    Never,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The user part of our address.
    pub user: String,
    /// The domain of our address and of numbers.
    pub domain: String,
    /// Who we are to a server that asks for proof.
    pub login: String,
    /// And how we prove it; empty for not at all.
    pub password: String,
    /// Where all goes, where there is such a place: the one in use, and then those that stand in for it.
    pub servers: Vec<Hop>,
    /// Under which name they are looked up anew; empty for not at all.
    pub server_name: String,
    /// What carries messages.
    pub transport: Transport,
    /// Where messages for us are to go.
    pub contact: SocketAddr,
    /// For how long we register; none for not at all.
    pub registers: Option<Duration>,
    /// The number that we call from, in place of the user.
    pub caller_id: Option<String>,
    /// Whence calls are taken beside the server.
    pub allowed: Vec<Network>,
    /// Calls at once.
    pub calls: usize,
    /// Seconds after which a call without a sign of life is ended; 0 for never.
    pub session_expires: u32,
    /// Our T.38; none if faxes are audio.
    pub t38: Option<T38>,
    /// Whether it is sealed.
    pub policy: Policy,
}

impl Profile {
    /// The server in use.
    pub fn server(&self) -> Option<Hop> {
        self.servers.first().copied()
    }

    /// Whether a server is there.
    pub(super) fn is_server(&self, machine: IpAddr) -> bool {
        self.servers.iter().any(|server| server.address.ip() == machine)
    }

    /// Our address for requests to us.
    pub(super) fn contact_uri(&self) -> String {
        let transport = match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:{}@{}{transport}>", self.user, self.contact)
    }

    fn fax(&self) -> &'static str {
        if self.t38.is_some() { "t38" } else { "passthrough" }
    }

    /// The feature of our contact, RFC 6913 3.
    pub(super) fn fax_feature(&self) -> String {
        format!(";+sip.fax=\"{}\"", self.fax())
    }

    /// What we prefer of whom we call, RFC 6913 4: never required.
    pub(super) fn fax_preference(&self) -> String {
        format!("*;+sip.fax=\"{}\"", self.fax())
    }

    /// What we take.
    pub fn rules(&self) -> Rules {
        Rules {
            clear: self.t38.is_some() && self.policy != Policy::Required,
            sealed: self.t38.is_some() && self.policy != Policy::Never,
        }
    }

    /// Our side of a call.
    pub fn local(&self, address: IpAddr, port: u16, session: u64) -> Local {
        let t38 = self.t38.clone().unwrap_or_default();
        Local { address, port, session, version: 1, t38, seal: None::<OwnSeal>, kept: None }
    }
}
