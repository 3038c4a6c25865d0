//! Rings and callers, as the line tells them and as the host is told, ITU-T V.253.

use crate::time::LineSpan;

/// One ring: bursts of the bell with short silence between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The bursts in order; distinctive ringing differs in these.
    pub bursts: Vec<Burst>,
}

/// A burst of the bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// The silence before it.
    pub before: LineSpan,
    /// How long the bell sounded.
    pub on: LineSpan,
}

impl Default for Ring {
    /// That of North America.
    fn default() -> Self {
        Self { bursts: vec![Burst { before: LineSpan::ms(4000), on: LineSpan::ms(2000) }] }
    }
}

/// Silence before the first ring of a call, which is told as nothing.
const NEW_CALL: LineSpan = LineSpan::ms(8000);

impl Ring {
    /// Sound and silence in tenths of a second, ITU-T V.253 `+VDR`.
    pub(super) fn lines(&self) -> Vec<String> {
        let tenths = |span: LineSpan| span.as_ms() / 100;
        let lines = |burst: &Burst| {
            let before = (burst.before < NEW_CALL).then(|| format!("DROF={}", tenths(burst.before)));
            before.into_iter().chain([format!("DRON={}", tenths(burst.on))]).collect::<Vec<_>>()
        };
        self.bursts.iter().flat_map(lines).collect()
    }
}

/// Who calls, as far as the line told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Month and day, two digits each.
    pub date: Option<String>,
    /// Hour and minute, two digits each.
    pub time: Option<String>,
    /// The number; `P` when it is withheld, `O` when it is not known.
    pub number: Option<String>,
    /// The name; `P` and `O` likewise.
    pub name: Option<String>,
}

impl Caller {
    fn fields(&self) -> [(&'static str, u8, &Option<String>); 4] {
        [("DATE", 0, &self.date), ("TIME", 0, &self.time), ("NAME", 7, &self.name), ("NMBR", 2, &self.number)]
    }

    /// `+VCID=1`: a line for each field.
    pub(super) fn lines(&self) -> Vec<String> {
        let fields = self.fields();
        let told = fields.iter().filter_map(|(name, _, value)| Some(format!("{name}={}", printable(value.as_ref()?))));
        told.collect()
    }

    /// `+VCID=2`: the message of the line in hexadecimal, Telcordia GR-30 multiple data format.
    pub(super) fn message(&self) -> String {
        let mut body = Vec::new();
        if let (Some(date), Some(time)) = (&self.date, &self.time) {
            parameter(&mut body, 1, &format!("{}{}", printable(date), printable(time)));
        }
        for (_, code, value) in self.fields() {
            if let (true, Some(value)) = (code > 0, value) {
                parameter(&mut body, code, &printable(value));
            }
        }
        let mut message = vec![0x80, body.len() as u8];
        message.append(&mut body);
        let sum = message.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
        message.push(sum.wrapping_neg());
        let digits: String = message.iter().map(|octet| format!("{octet:02X}")).collect();
        format!("MESG={digits}")
    }
}

/// Letters that cannot be taken for results or flow control, 48 at most.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| (' '..='~').contains(letter)).take(48).collect()
}

fn parameter(message: &mut Vec<u8>, code: u8, text: &str) {
    message.extend([code, text.len() as u8]);
    message.extend(text.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_told_in_both_forms() {
        let caller = Caller {
            date: Some("1122".into()),
            time: Some("0317".into()),
            number: Some("5550\r100".into()),
            name: None,
        };
        assert_eq!(caller.lines(), ["DATE=1122", "TIME=0317", "NMBR=5550100"]);
        assert_eq!(caller.message(), "MESG=8013010831313232303331370207353535303130306A");
    }
}
