//! ENUM: the mailbox that a telephone number stands for, RFC 6116 with the service of RFC 4143.
//!
//! ```text
//!  +441632960083 ─▶ 3.8.0.0.6.9.2.3.6.1.4.4.e164.arpa NAPTR ─▶ E2U+ifax:mailto "!^.*$!mailto:fax@example.com!"
//! ```

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::proto::rr::{Name, RData, RecordType, rdata::NAPTR};
use mail_auth::MessageAuthenticator;
use regex::bytes::RegexBuilder;

use super::asked_of;
use crate::{ifax::address::PhoneNumber, mail::Mailbox};

/// A caller on the line waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest expression that is compiled, octets of memory: anybody can write one.
const MOST_MEMORY: usize = 64 * 1024;

/// Asks a zone for numbers.
pub struct Numbers {
    names: MessageAuthenticator,
    zone: String,
}

impl Numbers {
    /// Asks that server, or those of this machine.
    ///
    /// # Errors
    /// This machine has none, for people.
    pub fn new(zone: &str, server: Option<SocketAddr>) -> Result<Self, String> {
        Ok(Self { names: asked_of(server)?, zone: zone.into() })
    }

    /// The mailbox for faxes to a number; none when the zone knows none, or does not say so in time.
    pub async fn mailbox(&self, number: &PhoneNumber) -> Option<Mailbox> {
        let name = Name::from_ascii(domain(number, &self.zone)).ok()?;
        let asked = tokio::time::timeout(PATIENCE, self.names.resolver().lookup(name, RecordType::NAPTR)).await;
        let found = asked.ok()?.ok()?;
        let mut rules: Vec<_> = found.answers().iter().filter_map(|record| rule(&record.data)).collect();
        rules.sort_by_key(|rule| (rule.order, rule.preference));
        rules.into_iter().find_map(|rule| applied(rule, number))
    }
}

/// The digits from last to first, each a name of its own.
fn domain(number: &PhoneNumber, zone: &str) -> String {
    let digits: String = number.digits().chars().rev().flat_map(|digit| [digit, '.']).collect();
    format!("{digits}{zone}.")
}

fn rule(data: &RData) -> Option<&NAPTR> {
    match data {
        RData::NAPTR(rule) => Some(rule),
        _ => None,
    }
}

/// The mailbox that a rule makes of a number; none when it is for another service, or makes none.
fn applied(rule: &NAPTR, number: &PhoneNumber) -> Option<Mailbox> {
    let services = String::from_utf8_lossy(&rule.services).to_lowercase();
    let mut services = services.split('+');
    let is_for_fax = services.next() == Some("e2u") && services.any(|service| service == "ifax:mailto");
    if !is_for_fax || !rule.flags.eq_ignore_ascii_case(b"u") {
        return None;
    }
    let address = substituted(std::str::from_utf8(&rule.regexp).ok()?, &number.to_string())?;
    let scheme = address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))?;
    let address = address[scheme.len()..].split('?').next()?;
    Mailbox::parse(&decoded(address)?)
}

/// Pattern, replacement and flags of an expression. A mark behind a backslash is a letter like others.
fn parts(expression: &str) -> Option<[String; 3]> {
    let mut letters = expression.chars();
    let mark = letters.next()?;
    let mut parts = vec![String::new()];
    while let Some(letter) = letters.next() {
        let part = parts.last_mut()?;
        match letter {
            '\\' => {
                let next = letters.next()?;
                part.extend((next != mark).then_some('\\'));
                part.push(next);
            }
            letter if letter == mark => parts.push(String::new()),
            letter => part.push(letter),
        }
    }
    parts.try_into().ok()
}

/// What an expression of RFC 3402 3.2 makes of a text: `!pattern!replacement!flags`, with any mark for `!`.
fn substituted(expression: &str, text: &str) -> Option<String> {
    let [pattern, replacement, flags] = parts(expression)?;
    // A pattern of octets: what is matched is ASCII.
    let mut builder = RegexBuilder::new(&pattern);
    builder.unicode(false).case_insensitive(flags.eq_ignore_ascii_case("i")).size_limit(MOST_MEMORY);
    let found = builder.build().ok()?.captures(text.as_bytes())?;
    let mut made = String::new();
    let mut letters = replacement.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next().and_then(|next| next.to_digit(10))) {
            ('\\', Some(group)) => {
                letters.next();
                made += std::str::from_utf8(found.get(group as usize)?.as_bytes()).ok()?;
            }
            _ => made.push(letter),
        }
    }
    Some(made)
}

/// Without the escapes of URIs, RFC 3986 2.1.
fn decoded(text: &str) -> Option<String> {
    let mut octets = vec![];
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        octets.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::{
        super::zone::{rule, serve},
        *,
    };

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn expressions_make_what_they_say_of_a_number() {
        let made = |expression| substituted(expression, "+441632960083");
        assert_eq!(made("!^.*$!mailto:fax@example.com!").as_deref(), Some("mailto:fax@example.com"));
        assert_eq!(made("/^\\+44(16)(.*)$/mailto:\\2@\\1.x/i").as_deref(), Some("mailto:32960083@16.x"));
        assert_eq!(made("!^\\+(.*)$!mailto:a\\!\\1@x!").as_deref(), Some("mailto:a!441632960083@x"));
        for wrong in [
            "",
            "!",
            "!^.*$",
            "!^.*$!x",
            "!^.*$!x!!",
            "!^.*$!x\\",
            "!(!x!",
            "!^\\+1!mailto:a@b!",
            "!^.*$!\\3!",
            "!(((a{99}){99}){99})!x!",
        ] {
            assert_eq!(made(wrong), None, "{wrong}");
        }
        assert_eq!(decoded("FAX=%2B44/T33S=1@gw").as_deref(), Some("FAX=+44/T33S=1@gw"));
        assert_eq!((decoded("a%2"), decoded("%zz"), decoded("%ff")), (None, None, None));
    }

    #[tokio::test]
    async fn a_number_is_looked_up_and_the_first_rule_for_fax_decides() {
        let name = "3.8.0.0.6.9.2.3.6.1.4.4.e164.test";
        let server = serve(vec![
            rule(name, (10, 20), "E2U+ifax:mailto", "!^.*$!mailto:second@x.example!"),
            rule(name, (5, 1), "E2U+sip", "!^.*$!sip:fax@x.example!"),
            rule(name, (10, 10), "E2U+voice:tel+IFAX:mailto", "!^\\+(.*)$!mailto:FAX=%2B\\1@x.example?subject=no!"),
            rule("1.1.e164.test", (1, 1), "E2U+ifax:mailto", "!^.*$!mailto:not an address!"),
        ]);
        let numbers = Numbers::new("e164.test", Some(server)).unwrap();
        let found = numbers.mailbox(&number("+441632960083")).await.unwrap();
        assert_eq!(found.as_str(), "FAX=+441632960083@x.example");
        assert_eq!(numbers.mailbox(&number("+11")).await, None);
        assert_eq!(numbers.mailbox(&number("+15550100")).await, None);
    }
}
