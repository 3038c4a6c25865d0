//! Fingerprints of certificates, RFC 8122 5.

use std::{fmt, str::FromStr};

use answertone_t30::frame::HalfPrint;
use aws_lc_rs::digest;
use thiserror::Error;

/// Octets of a SHA-256.
const OCTETS: usize = 32;

/// The SHA-256 of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; OCTETS]);

/// Not a fingerprint that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is no fingerprint; write sha-256: and 32 pairs of hexadecimal digits with colons between them")]
pub struct NotFingerprint(String);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let mut octets = [0; OCTETS];
        octets.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
        Self(octets)
    }

    /// As the value of SDP's attribute `fingerprint`: `sha-256 AB:CD:...`.
    pub fn to_sdp(&self) -> String {
        format!("sha-256 {}", self.pairs())
    }

    /// Its first half, where there is no room for all of it.
    pub fn half(&self) -> HalfPrint {
        std::array::from_fn(|place| self.0[place])
    }

    fn pairs(&self) -> String {
        self.0.map(|octet| format!("{octet:02X}")).join(":")
    }
}

impl FromStr for Fingerprint {
    type Err = NotFingerprint;

    /// Reads `sha-256:AB:CD:...` or, as SDP has it, `sha-256 AB:CD:...`. Weaker hashes are not taken.
    fn from_str(text: &str) -> Result<Self, NotFingerprint> {
        let wrong = || NotFingerprint(text.to_owned());
        let (hash, pairs) = text.trim().split_once([':', ' ']).ok_or_else(wrong)?;
        let octet = |pair: &str| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2);
        let octets = pairs.trim().split(':').map(octet).collect::<Option<Vec<u8>>>().ok_or_else(wrong)?;
        match <[u8; OCTETS]>::try_from(octets) {
            Ok(octets) if hash.eq_ignore_ascii_case("sha-256") => Ok(Self(octets)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha-256:{}", self.pairs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_sdp_and_uris_have_them() {
        let fingerprint = Fingerprint::of(b"a certificate");
        for text in [fingerprint.to_string(), fingerprint.to_sdp(), fingerprint.to_sdp().to_lowercase()] {
            assert_eq!(text.parse(), Ok(fingerprint.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_weak_or_short_is_refused() {
        let good = Fingerprint::of(b"").to_sdp();
        for text in
            ["", "sha-256", "sha-256 AB", "sha-256 +A:CD", &good.replace("sha-256", "md5"), &good[..good.len() - 3]]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
