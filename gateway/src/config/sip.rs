//! `[[sip]]`: accounts at SIP servers and gateways.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Network, Secret,
    file::{File, Key, as_place, as_seconds, flag, text},
};
use crate::{
    sdp::T38,
    sip::{Policy, Transport, split_port},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    name: Spanned<String>,
    server: Key<String>,
    transport: Key<String>,
    listen: Key<String>,
    advertise: Key<String>,
    user: Key<String>,
    domain: Key<String>,
    login: Key<String>,
    password_file: Key<String>,
    password_env: Key<String>,
    register: Key<bool>,
    expires_s: Key<i64>,
    number: Key<String>,
    allowed: Key<Vec<String>>,
    calls: Key<i64>,
    ports: Key<Vec<i64>>,
    fax: Key<String>,
    t38_version: Key<i64>,
    t38_rate: Key<i64>,
    seal: Key<String>,
    rekey_s: Key<i64>,
    keys: Key<String>,
    name_server: Key<String>,
    verify: Key<bool>,
    session_s: Key<i64>,
    ca_file: Key<String>,
    certificate_file: Key<String>,
    key_file: Key<String>,
}

/// How keys are pressed after the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPress {
    /// As telephone events, RFC 4733, where the far end takes them; else to be heard.
    #[default]
    Rfc4733,
    /// By INFO.
    Info,
    /// To be heard.
    Audio,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SipAccount {
    /// Its name in `sip:NAME`.
    pub name: String,
    /// The server or gateway, as `HOST` or `HOST:PORT`; empty where calls go to addresses alone.
    pub server: String,
    /// What carries messages.
    #[serde(serialize_with = "as_name")]
    pub transport: Transport,
    /// Where messages are taken.
    pub listen: SocketAddr,
    /// The address that others see, where it is another.
    pub advertise: Option<std::net::IpAddr>,
    /// The user part of our address.
    pub user: String,
    /// The domain of our address and of numbers.
    pub domain: String,
    /// Who we are to a server that asks for proof.
    pub login: String,
    /// How we prove it.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// Whether the server is told where we are.
    pub register: bool,
    /// For how long.
    #[serde(rename = "expires_s", serialize_with = "as_seconds")]
    pub expires: Duration,
    /// The number that we call from.
    pub number: String,
    /// Whence calls are taken beside the server.
    pub allowed: Vec<Network>,
    /// Calls at once.
    pub calls: usize,
    /// The ports of media, lowest and highest; none for any.
    pub ports: Option<(u16, u16)>,
    /// Whether faxes go as T.38 where the far end takes it.
    #[serde(rename = "fax", serialize_with = "as_fax")]
    pub t38: bool,
    /// The version of T.38 that is offered.
    pub t38_version: u8,
    /// The fastest that T.38 may be, in bit/s.
    pub t38_rate: u32,
    /// Whether T.38 is sealed.
    pub seal: Policy,
    /// After how long the keys of a sealed call are changed; none for never.
    #[serde(rename = "rekey_s", serialize_with = "as_some_seconds")]
    pub rekey: Option<Duration>,
    /// How keys are pressed after the answer.
    pub keys: KeyPress,
    /// The name server that knows the server; none for those of this machine.
    #[serde(serialize_with = "as_place")]
    pub name_server: Option<SocketAddr>,
    /// Whether the certificate of whom we connect to is looked at.
    pub verify: bool,
    /// Seconds after which a call without a sign of life is ended.
    pub session_s: u32,
    /// Whom to trust besides the system's authorities.
    pub ca_file: PathBuf,
    /// Our certificate chain for those who connect to us.
    pub certificate_file: PathBuf,
    /// And its key.
    pub key_file: PathBuf,
}

impl SipAccount {
    /// What the account says of its T.38.
    pub fn own_t38(&self) -> T38 {
        T38 { max_bit_rate: self.t38_rate, ..T38::ours(self.t38_version) }
    }
}

impl File<'_> {
    pub(super) fn accounts(&self, raw: Vec<Raw>) -> Result<Vec<SipAccount>, ConfigError> {
        let mut accounts: Vec<SipAccount> = vec![];
        for each in raw {
            let name = each.name.clone();
            let account = self.account(each)?;
            if accounts.iter().any(|other| other.name == account.name) {
                return Err(self.refuse("sip.name", &name, "another account has this name; give each its own"));
            }
            accounts.push(account);
        }
        Ok(accounts)
    }

    fn account(&self, raw: Raw) -> Result<SipAccount, ConfigError> {
        let name = self.account_name(&raw.name)?;
        let transports = [("udp", Transport::Udp), ("tcp", Transport::Tcp), ("tls", Transport::Tls)];
        let transport = self.choice("sip.transport", raw.transport, Transport::Udp, &transports)?;
        let server = self.server(raw.server)?;
        let user = text(raw.user, &name);
        let host = split_port(&server).map(|(host, _)| host);
        let domain = text(raw.domain, &host.unwrap_or_else(|| "localhost".into()));
        let variable = text(raw.password_env, "ANSWERTONE_SIP_PASSWORD");
        let policies = [("required", Policy::Required), ("preferred", Policy::Preferred), ("never", Policy::Never)];
        let presses = [("rfc4733", KeyPress::Rfc4733), ("info", KeyPress::Info), ("audio", KeyPress::Audio)];
        let register = flag(raw.register.clone(), false);
        if let Some(key) = raw.register.filter(|_| register && server.is_empty()) {
            return Err(self.refuse("sip.register", &key, "there is nobody to register with; write server = \"HOST\""));
        }
        Ok(SipAccount {
            listen: self.socket("sip.listen", raw.listen, transport)?,
            advertise: self.advertised(raw.advertise)?,
            login: text(raw.login, &user),
            password: self.secret("sip.password_file", raw.password_file.as_ref(), &variable)?,
            register,
            expires: Duration::from_secs(self.number("sip.expires_s", raw.expires_s, 600, 60, 86_400)? as u64),
            number: self.own_number(raw.number)?,
            allowed: self.networks(raw.allowed)?,
            calls: self.number("sip.calls", raw.calls, 4, 1, 1000)? as usize,
            ports: self.ports(raw.ports)?,
            t38: self.choice("sip.fax", raw.fax, true, &[("t38", true), ("passthrough", false)])?,
            t38_version: self.number("sip.t38_version", raw.t38_version, 0, 0, 3)? as u8,
            t38_rate: self.number("sip.t38_rate", raw.t38_rate, 14_400, 2400, 14_400)? as u32,
            seal: self.choice("sip.seal", raw.seal, Policy::Never, &policies)?,
            rekey: Some(self.number("sip.rekey_s", raw.rekey_s, 0, 0, 86_400)? as u64)
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            keys: self.choice("sip.keys", raw.keys, KeyPress::Rfc4733, &presses)?,
            name_server: self.place("sip.name_server", raw.name_server, "192.0.2.53:53")?,
            verify: flag(raw.verify, true),
            session_s: self.number("sip.session_s", raw.session_s, 1800, 0, 86_400)? as u32,
            ca_file: text(raw.ca_file, "").into(),
            certificate_file: text(raw.certificate_file, "").into(),
            key_file: text(raw.key_file, "").into(),
            name,
            server,
            transport,
            user,
            domain,
        })
    }

    fn account_name(&self, name: &Spanned<String>) -> Result<String, ConfigError> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
            return Err(self.refuse("sip.name", name, "write letters, digits, - and _, as \"office\""));
        }
        Ok(name.get_ref().clone())
    }

    fn own_number(&self, key: Key<String>) -> Result<String, ConfigError> {
        let Some(key) = key else { return Ok(String::new()) };
        if !key.get_ref().chars().all(|sign| sign.is_ascii_digit() || sign == '+') {
            return Err(self.refuse("sip.number", &key, "write digits, with + before them if it is international"));
        }
        Ok(key.into_inner())
    }

    fn server(&self, key: Key<String>) -> Result<String, ConfigError> {
        match key {
            Some(server) if !server.get_ref().is_empty() && split_port(server.get_ref()).is_none() => {
                Err(self.refuse("sip.server", &server, "write a host, as \"pbx.example\" or \"192.0.2.1:5060\""))
            }
            server => Ok(text(server, "")),
        }
    }

    fn socket(&self, name: &str, key: Key<String>, transport: Transport) -> Result<SocketAddr, ConfigError> {
        let usual = if transport == Transport::Tls { "0.0.0.0:5061" } else { "0.0.0.0:5060" };
        let Some(key) = key else { return Ok(usual.parse().expect("a constant address")) };
        key.get_ref().parse().map_err(|_| self.refuse(name, &key, "write an address and a port, as \"0.0.0.0:5060\""))
    }

    fn advertised(&self, key: Key<String>) -> Result<Option<std::net::IpAddr>, ConfigError> {
        let Some(key) = key.filter(|key| !key.get_ref().is_empty()) else { return Ok(None) };
        let remedy = "write the address that others reach us at, as \"192.0.2.1\"";
        key.get_ref().parse().map(Some).map_err(|_| self.refuse("sip.advertise", &key, remedy))
    }

    fn networks(&self, key: Key<Vec<String>>) -> Result<Vec<Network>, ConfigError> {
        let Some(key) = key else { return Ok(vec![]) };
        let parsed = key.get_ref().iter().map(|each| each.parse()).collect::<Result<Vec<Network>, _>>();
        parsed.map_err(|_| self.refuse("sip.allowed", &key, "write networks, as [\"192.0.2.0/24\"]"))
    }

    fn ports(&self, key: Key<Vec<i64>>) -> Result<Option<(u16, u16)>, ConfigError> {
        let Some(key) = key.filter(|key| !key.get_ref().is_empty()) else { return Ok(None) };
        match key.get_ref().as_slice() {
            [low, high] if (1024..=*high).contains(low) && *high <= 65_535 => Ok(Some((*low as u16, *high as u16))),
            _ => Err(self.refuse("sip.ports", &key, "write the lowest and the highest port, as [10000, 20000]")),
        }
    }
}

fn as_name<S: serde::Serializer>(transport: &Transport, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
    })
}

fn as_some_seconds<S: serde::Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.map_or(0, |span| span.as_secs()))
}

fn as_fax<S: serde::Serializer>(t38: &bool, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(if *t38 { "t38" } else { "passthrough" })
}
