//! Addresses in SIP: URIs, telephone numbers, and who is behind a header field. RFC 3261 19 and 20.10, RFC 3966.

use std::net::{IpAddr, SocketAddr};

use super::message::{Message, apart};

/// The port of SIP without TLS, and with it.
pub const PORT: u16 = 5060;
/// With TLS.
pub const TLS_PORT: u16 = 5061;

/// The URI in a header field's value: in angle brackets, or before the parameters.
pub(crate) fn uri(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest).trim(),
        None => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// The user part or the telephone number of a URI, without visual separators and escapes.
pub(crate) fn user(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let part = match scheme.to_ascii_lowercase().as_str() {
        "tel" => rest,
        "sip" | "sips" => rest.rsplit_once('@')?.0,
        _ => return None,
    };
    let part = part.split([';', ':']).next().unwrap_or(part);
    let user = unescaped(part);
    let digits = |letter: char| letter.is_ascii_digit() || "+*#-.() ".contains(letter);
    let number: String = user.chars().filter(|letter| !"-.() ".contains(*letter)).collect();
    Some(if user.chars().all(digits) { number } else { user }).filter(|user| !user.is_empty())
}

fn unescaped(text: &str) -> String {
    let hex = |digits: &[u8]| Some(char::from(digits[0]).to_digit(16)? * 16 + char::from(digits[1]).to_digit(16)?);
    let (mut plain, mut rest) = (vec![], text.as_bytes());
    while let Some((octet, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *octet == b'%').and_then(hex);
        plain.push(escape.map_or(*octet, |value| value as u8));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Where a URI leads: the host, and the port if it is written.
pub(crate) fn host(uri: &str) -> Option<(String, Option<u16>)> {
    let rest = uri.split_once(':')?.1;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split([';', '?']).next()?;
    split_port(rest)
}

/// The host as it is written, with its port if that is.
pub(crate) fn host_and_port(uri: &str) -> Option<String> {
    let (host, port) = host(uri)?;
    Some(port.map_or(host.clone(), |port| format!("{host}:{port}")))
}

/// Whether a call may go there: an address in SIP or a telephone number, without anything that would break a first line.
pub(crate) fn is_callable(uri: &str) -> bool {
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    let known = ["sip:", "sips:", "tel:"].iter().any(|scheme| uri.to_ascii_lowercase().starts_with(scheme));
    known && uri.chars().all(plain) && (user(uri).is_some() || host(uri).is_some())
}

/// A telephone number as an address at a domain; what is an address stays so.
pub(crate) fn at_domain(uri: &str, domain: &str) -> String {
    let number = uri.to_ascii_lowercase().starts_with("tel:").then(|| user(uri)).flatten();
    number.map_or_else(|| uri.to_owned(), |number| format!("sip:{number}@{domain}"))
}

/// A host and its port, apart.
pub fn split_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(six) => {
            let (host, rest) = six.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => Some(port.trim().parse().ok()?),
        None => None,
    };
    Some((host.trim().to_owned(), port)).filter(|(host, _)| !host.is_empty())
}

/// The address a URI leads to, if its host is one, and at the usual port if none is written.
pub(crate) fn address(uri: &str, usual: u16) -> Option<SocketAddr> {
    let (host, port) = host(uri)?;
    Some(SocketAddr::new(host.parse::<IpAddr>().ok()?, port.unwrap_or(usual)))
}

/// Who calls, and which number was called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties {
    /// The number of who calls.
    pub caller: Option<String>,
    /// The number that was called.
    pub dialled: Option<String>,
}

/// Reads both from an INVITE. What the network asserts goes before what the caller writes; a call that was diverted to us
/// was made to the number that diverted it.
pub(crate) fn parties(invite: &Message, own_user: &str) -> Parties {
    let first = |name: &str| invite.all(name).flat_map(apart).find_map(|value| user(uri(value)));
    let anonymous = |name: &String| name.eq_ignore_ascii_case("anonymous");
    let caller = first("P-Asserted-Identity")
        .or_else(|| first("Remote-Party-ID"))
        .or_else(|| first("From"))
        .filter(|name| !anonymous(name));
    let requested = match &invite.start {
        super::message::Start::Request { uri, .. } => user(uri),
        super::message::Start::Response { .. } => None,
    };
    let is_us = |name: &String| name.eq_ignore_ascii_case(own_user);
    let dialled = requested
        .filter(|name| !is_us(name))
        .or_else(|| first("Diversion"))
        .or_else(|| first("P-Called-Party-ID"))
        .or_else(|| first("To").filter(|name| !is_us(name)));
    Parties { caller, dialled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_numbers_are_read() {
        for (uri, name) in [
            ("sip:+44(0)1632-960.000@example.com;user=phone", "+4401632960000"),
            ("tel:+44-1632-960000;phone-context=x", "+441632960000"),
            ("sips:fax%2Bdesk@[2001:db8::1]:5061", "fax+desk"),
            ("sip:fax-desk;isub=1:secret@host", "fax-desk"),
            ("sip:%zz@host", "%zz"),
        ] {
            assert_eq!(user(uri).as_deref(), Some(name), "{uri}");
        }
        assert_eq!(user("sip:example.com"), None);
    }

    #[test]
    fn hosts_are_read() {
        assert_eq!(host("sip:a@[::1]:5070;transport=tcp"), Some(("::1".into(), Some(5070))));
        assert_eq!(host("sip:pbx.example"), Some(("pbx.example".into(), None)));
        assert_eq!(address("sip:a@192.0.2.1", PORT).unwrap().to_string(), "192.0.2.1:5060");
        assert_eq!(address("sip:a@pbx.example", PORT), None);
        assert_eq!(host("sip:a@b:99999"), None);
    }

    fn invite(uri: &str) -> Message {
        Message::request("INVITE", uri).with("From", "\"X\" <sip:100@a>;tag=1").with("To", "<sip:5551@a>")
    }

    #[test]
    fn the_network_s_word_goes_before_the_caller_s() {
        let asserted = invite("sip:fax@b").with("P-Asserted-Identity", "\"Y\" <sip:+15550100@a>, <tel:+15550100>");
        let both = parties(&asserted, "fax");
        assert_eq!((both.caller.as_deref(), both.dialled.as_deref()), (Some("+15550100"), Some("5551")));
        let anonymous = Message::request("INVITE", "sip:9@b").with("From", "<sip:anonymous@anonymous.invalid>");
        assert_eq!(parties(&anonymous, "fax"), Parties { caller: None, dialled: Some("9".into()) });
    }

    #[test]
    fn a_diverted_call_was_made_to_the_number_that_diverted_it() {
        let diverted = invite("sip:fax@b").with("Diversion", "<sip:7000@a>;reason=unconditional, <sip:8000@a>");
        assert_eq!(parties(&diverted, "fax").dialled.as_deref(), Some("7000"));
    }
}
