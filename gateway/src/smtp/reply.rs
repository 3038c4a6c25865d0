//! What the server says.

use std::fmt;

use smtp_proto::Error;

/// A reply with its enhanced status code, RFC 3463.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, RFC 5321 4.2.
    pub code: u16,
    /// Class, subject, detail; empty where none is customary.
    pub status: &'static str,
    /// For people.
    pub text: String,
}

impl Reply {
    /// A reply.
    pub fn new(code: u16, status: &'static str, text: impl Into<String>) -> Self {
        Self { code, status, text: text.into() }
    }

    /// What an unreadable command deserves.
    pub(super) fn to_bad_command(error: &Error) -> Self {
        match error {
            Error::UnknownCommand => Self::new(500, "5.5.1", "no such command here"),
            Error::InvalidSenderAddress => {
                Self::new(501, "5.1.7", "that is not a sender address; write MAIL FROM:<user@domain>")
            }
            Error::InvalidRecipientAddress => {
                Self::new(501, "5.1.3", "that is not a recipient address; write RCPT TO:<FAX=+NUMBER@gateway>")
            }
            Error::SyntaxError { syntax } => Self::new(501, "5.5.2", format!("syntax: {syntax}")),
            Error::InvalidParameter { param } => {
                Self::new(501, "5.5.4", format!("parameter {param} is not written right"))
            }
            Error::UnsupportedParameter { param } => {
                Self::new(555, "5.5.4", format!("parameter {param:?} is not offered"))
            }
            _ => Self::new(500, "5.5.2", "line too long"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String =
            self.text.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect();
        match self.status {
            "" => write!(f, "{} {text}\r\n", self.code),
            status => write!(f, "{} {status} {text}\r\n", self.code),
        }
    }
}
