//! AUTH: the mechanisms PLAIN (RFC 4616) and LOGIN, RFC 4954.

use mail_parser::decoders::base64::base64_decode;
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN};

/// Longest line of an answer, RFC 4954 4.
pub(super) const LONGEST_LINE: usize = 12_288;

/// A login under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Plain,
    User,
    Password { user: String },
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The client is asked, and its answer is for this login.
    Ask(&'static str, Login),
    /// Who it says it is.
    Claim { user: String, password: String },
    /// It cannot be read.
    Nonsense,
}

/// Begins a login; none when the mechanism is not known.
pub(super) fn begin(mechanism: u64, initial: &str) -> Option<Step> {
    let login = match mechanism {
        AUTH_PLAIN => Login::Plain,
        AUTH_LOGIN => Login::User,
        _ => return None,
    };
    Some(match (initial, &login) {
        ("", Login::Plain) => Step::Ask("", login),
        // "Username:" as clients expect it, in base64.
        ("", _) => Step::Ask("VXNlcm5hbWU6", login),
        (initial, _) => login.answered(initial.as_bytes()),
    })
}

impl Login {
    /// Takes a line of the client's.
    pub(super) fn answered(self, line: &[u8]) -> Step {
        let text = base64_decode(line.trim_ascii()).and_then(|octets| String::from_utf8(octets).ok());
        match (self, text) {
            (_, None) => Step::Nonsense,
            (Self::Plain, Some(text)) => plain(&text),
            // "Password:".
            (Self::User, Some(user)) => Step::Ask("UGFzc3dvcmQ6", Self::Password { user }),
            (Self::Password { user }, Some(password)) => Step::Claim { user, password },
        }
    }
}

/// Nobody acts for another here, so what it would act as must be empty or the same.
fn plain(text: &str) -> Step {
    let mut parts = text.split('\0');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(actor), Some(user), Some(password), None) if actor.is_empty() || actor == user => {
            Step::Claim { user: user.into(), password: password.into() }
        }
        _ => Step::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_mechanisms_come_to_a_claim() {
        let claim = Step::Claim { user: "anna".into(), password: "geheim".into() };
        assert_eq!(begin(AUTH_PLAIN, "AGFubmEAZ2VoZWlt"), Some(claim.clone()));
        assert_eq!(begin(AUTH_PLAIN, ""), Some(Step::Ask("", Login::Plain)));
        let Some(Step::Ask(_, login)) = begin(AUTH_LOGIN, "") else { panic!("LOGIN asks for the user") };
        let Step::Ask(_, login) = login.answered(b"YW5uYQ==\r") else { panic!("then for the password") };
        assert_eq!(login.answered(b"Z2VoZWlt"), claim);
        assert_eq!(begin(AUTH_PLAIN, "!!!"), Some(Step::Nonsense));
        assert_eq!(begin(AUTH_PLAIN, "Ym9iAGFubmEAZ2VoZWlt"), Some(Step::Nonsense), "bob as anna");
        assert_eq!(begin(1, ""), None);
    }
}
