//! Digits beside the audio, by INFO. RFC 6086.

use super::{Call, State};
use crate::sip::{
    Tidings,
    core::{Core, Owner},
    message::Message,
};

impl Call {
    /// Tells a digit, RFC 6086.
    pub(in crate::sip) fn digit(&mut self, core: &mut Core, digit: char) {
        if matches!(self.state, State::Up) {
            let (info, hop) = self.dialog.request("INFO", core);
            let body = format!("Signal={digit}\r\nDuration=160\r\n");
            core.request(info.with_body("application/dtmf-relay", body), hop, Owner::Call(self.id));
        }
    }

    pub(super) fn informed(&mut self, core: &mut Core, info: &Message) {
        let kind = info.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
        if info.body.is_empty() {
            return core.refuse(info, 200, "OK");
        }
        if !kind.contains("dtmf") {
            return core.refuse(info, 415, "Unsupported Media Type");
        }
        core.refuse(info, 200, "OK");
        if let Some(digit) = digit_of(&String::from_utf8_lossy(&info.body)) {
            self.tell(core, Tidings::Digit(digit));
        }
    }
}

/// The key in `Signal=5` or a bare `5`.
fn digit_of(body: &str) -> Option<char> {
    let named = body.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
    });
    let sign = named.unwrap_or_else(|| body.trim());
    let code: Option<usize> = sign.parse().ok().filter(|_| sign.len() == 2);
    // Numbers from 10 on are the codes of RFC 4733.
    let digit = match code {
        Some(code) => char::from(*b"0123456789*#ABCD".get(code)?),
        None => sign.parse::<char>().ok()?.to_ascii_uppercase(),
    };
    "0123456789*#ABCD".contains(digit).then_some(digit)
}

#[cfg(test)]
mod tests {
    use super::digit_of;

    #[test]
    fn digits_of_all_spellings_are_read() {
        for (body, digit) in [
            ("Signal=5\r\nDuration=160", Some('5')),
            ("signal= *\nduration=1", Some('*')),
            ("Signal=11", Some('#')),
            ("7", Some('7')),
            ("a", Some('A')),
            ("Signal=99", None),
            ("", None),
            ("flash", None),
            ("Call me back", None),
            ("Signal=5 times", None),
            ("1A", None),
        ] {
            assert_eq!(digit_of(body), digit, "{body}");
        }
    }
}
