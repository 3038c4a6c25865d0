//! Digest authentication: the answer to a challenge. RFC 7616, RFC 8760.

use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::message::{Message, apart};

/// A challenge, and how often it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The header field that answers it.
    answer: &'static str,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether `qop=auth` is asked for: then answers are counted.
    counted: bool,
    /// The nonce before was right but old.
    pub(super) stale: bool,
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

/// Who we are to a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credentials<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        let octets = match self {
            Self::Md5 => Md5::digest(text.as_bytes()).to_vec(),
            Self::Sha256 => Sha256::digest(text.as_bytes()).to_vec(),
        };
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl Challenge {
    /// The strongest challenge of a 401 or 407 that we can answer.
    pub(super) fn read(response: &Message) -> Option<Self> {
        let (asked, answer) = match response.status()? {
            401 => ("WWW-Authenticate", "Authorization"),
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return None,
        };
        let all: Vec<Self> = response.all(asked).filter_map(|value| Self::one(value, answer)).collect();
        all.iter().find(|each| each.algorithm == Algorithm::Sha256).or(all.first()).cloned()
    }

    fn one(value: &str, answer: &'static str) -> Option<Self> {
        let (scheme, parameters) = value.trim().split_once(char::is_whitespace)?;
        let pairs: Vec<(&str, &str)> = apart(parameters)
            .filter_map(|each| each.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
            .collect();
        let get = |name: &str| pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, it)| *it);
        let algorithm = match get("algorithm").unwrap_or("MD5").to_ascii_lowercase().as_str() {
            "md5" => Algorithm::Md5,
            "sha-256" => Algorithm::Sha256,
            _ => return None,
        };
        let qop = get("qop").unwrap_or_default();
        let counted = qop.split(',').any(|each| each.trim().eq_ignore_ascii_case("auth"));
        if !scheme.eq_ignore_ascii_case("digest") || !(counted || qop.is_empty()) {
            return None;
        }
        Some(Self {
            answer,
            realm: get("realm").unwrap_or_default().to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            algorithm,
            counted,
            stale: get("stale").is_some_and(|it| it.eq_ignore_ascii_case("true")),
            count: 0,
        })
    }

    /// Puts the answer into a request; `chance` is what makes each differ.
    pub(super) fn answer(&mut self, request: &mut Message, uri: &str, who: Credentials<'_>, chance: u64) {
        self.count += 1;
        let (realm, nonce, algorithm) = (&self.realm, &self.nonce, self.algorithm);
        let secret = algorithm.hash(&format!("{}:{realm}:{}", who.user, who.password));
        let asked = algorithm.hash(&format!("{}:{uri}", request.method()));
        let (count, client) = (format!("{:08x}", self.count), format!("{chance:016x}"));
        let response = if self.counted {
            algorithm.hash(&format!("{secret}:{nonce}:{count}:{client}:auth:{asked}"))
        } else {
            algorithm.hash(&format!("{secret}:{nonce}:{asked}"))
        };
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            who.user,
            algorithm.name()
        );
        if self.counted {
            value += &format!(", qop=auth, nc={count}, cnonce=\"{client}\"");
        }
        if let Some(opaque) = &self.opaque {
            value += &format!(", opaque=\"{opaque}\"");
        }
        request.set(self.answer, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 3.9.1, with its cnonce in place of ours.
    #[test]
    fn hashes_are_those_of_the_standard() {
        for (algorithm, wanted) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let secret = algorithm.hash("Mufasa:http-auth@example.org:Circle of Life");
            let asked = algorithm.hash("GET:/dir/index.html");
            let client = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
            assert_eq!(algorithm.hash(&format!("{secret}:{nonce}:00000001:{client}:auth:{asked}")), wanted);
        }
    }

    #[test]
    fn the_strongest_challenge_that_can_be_answered_is() {
        let request = Message::request("REGISTER", "sip:a");
        let response = Message::response(&request, 401, "Unauthorized")
            .with("WWW-Authenticate", "Digest realm=\"a, b\", nonce=\"1\", algorithm=SHA-512-256, qop=\"auth\"")
            .with("WWW-Authenticate", "Digest realm=\"a, b\", nonce=\"2\", algorithm=MD5, qop=\"auth,auth-int\"")
            .with("WWW-Authenticate", "Digest realm=\"a, b\", nonce=\"3\", algorithm=SHA-256, stale=TRUE");
        let mut challenge = Challenge::read(&response).unwrap();
        assert_eq!((challenge.nonce.as_str(), challenge.counted, challenge.stale), ("3", false, true));
        let mut request = request;
        challenge.answer(&mut request, "sip:a", Credentials { user: "u", password: "p" }, 1);
        assert!(request.header("Authorization").unwrap().starts_with("Digest username=\"u\", realm=\"a, b\""));
    }
}
