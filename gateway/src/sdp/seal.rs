//! What SDP says of DTLS: `setup`, `fingerprint` and `tls-id`. RFC 7345, RFC 8122, RFC 8842.

use std::net::SocketAddr;

use super::description::{Attribute, Description, Media};

/// UDPTL in DTLS, RFC 7345 4.1.
pub const PROTOCOL: &str = "UDP/TLS/UDPTL";

/// Who begins the handshake, RFC 4145. `holdconn` is no value of DTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Who says it.
    Active,
    /// The other.
    Passive,
    /// As the other likes: what an offer says.
    ActPass,
}

/// An end's part of the seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Who begins.
    pub setup: Setup,
    /// Digests of its certificate, as `sha-256 AB:CD`.
    pub fingerprints: Vec<String>,
    /// What names this association.
    pub tls_id: Option<String>,
}

/// Our certificate and what names the association: what we say of ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSeal {
    /// As `sha-256 AB:CD`.
    pub fingerprint: String,
    /// RFC 8842 4: 20 to 255 characters of chance.
    pub tls_id: String,
    /// Its port: each association has a place of its own, RFC 8842 3.
    pub port: u16,
}

/// An association that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Our part of it.
    pub own: OwnSeal,
    /// What was agreed.
    pub sealing: Sealing,
    /// Where the far end is.
    pub remote: Option<SocketAddr>,
}

/// What both agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// Whether we send the ClientHello.
    pub active: bool,
    /// The far end's.
    pub fingerprints: Vec<String>,
    /// The far end's name of the association.
    pub tls_id: Option<String>,
    /// Our name of it: which keys of ours they are.
    pub ours: String,
}

impl Setup {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
        }
    }
}

impl Seal {
    /// Reads a medium; none if it cannot be sealed: no fingerprint of a digest that counts, or no setup that does.
    pub fn read(description: &Description, media: &Media) -> Option<Self> {
        let fingerprints: Vec<String> =
            description.values(media, "fingerprint").into_iter().filter(|value| counts(value)).map(plain).collect();
        let setup = match description.values(media, "setup").first().map(|value| value.to_ascii_lowercase()).as_deref()
        {
            Some("active") => Setup::Active,
            Some("passive") => Setup::Passive,
            Some("actpass") | None => Setup::ActPass,
            Some(_) => return None,
        };
        let tls_id = description.values(media, "tls-id").first().map(|value| (*value).to_owned());
        (!fingerprints.is_empty()).then_some(Self { setup, fingerprints, tls_id })
    }

    /// Who begins, when this was offered to us: we do, unless the offer leaves no choice. RFC 8842 5.3.
    pub fn answered(&self, own: &OwnSeal) -> Sealing {
        self.sealing(self.setup != Setup::Active, own)
    }

    /// Who begins, when this answered our `actpass`.
    pub fn agreed(&self, own: &OwnSeal) -> Sealing {
        self.sealing(self.setup == Setup::Passive, own)
    }

    fn sealing(&self, active: bool, own: &OwnSeal) -> Sealing {
        let (fingerprints, tls_id) = (self.fingerprints.clone(), self.tls_id.clone());
        Sealing { active, fingerprints, tls_id, ours: own.tls_id.clone() }
    }

    /// Whether the association goes on: neither its name nor a certificate, a role or the place has changed. RFC 8842 5.
    pub fn continues(&self, kept: &Kept, remote: Option<SocketAddr>) -> bool {
        let role = match self.setup {
            Setup::ActPass => kept.sealing.active,
            Setup::Active => false,
            Setup::Passive => true,
        };
        (&self.fingerprints, &self.tls_id, role, remote)
            == (&kept.sealing.fingerprints, &kept.sealing.tls_id, kept.sealing.active, kept.remote)
    }
}

impl OwnSeal {
    /// The attributes. An answer has a `tls-id` only where the offer had one.
    pub fn write(&self, setup: Setup, with_id: bool) -> Vec<Attribute> {
        let mut list = vec![Attribute::new("setup", setup.name()), Attribute::new("fingerprint", &self.fingerprint)];
        list.extend(with_id.then(|| Attribute::new("tls-id", &self.tls_id)));
        list
    }
}

/// MD2 and MD5 must not be used, RFC 8122 5; SHA-1 is as weak by now.
fn counts(value: &str) -> bool {
    let hash = value.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    matches!(hash.as_str(), "sha-224" | "sha-256" | "sha-384" | "sha-512")
        && value.split_whitespace().nth(1).is_some_and(|digest| digest.contains(':'))
}

/// Digests are compared in capital letters, names of hashes in small ones.
fn plain(value: &str) -> String {
    let mut words = value.split_whitespace();
    let hash = words.next().unwrap_or_default().to_ascii_lowercase();
    format!("{hash} {}", words.next().unwrap_or_default().to_ascii_uppercase())
}
