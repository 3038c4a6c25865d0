//! Data messages: a type, a length, the body and a checksum.

use alloc::{string::String, vec, vec::Vec};

use crate::callerid::fields::{CallerId, Parameter};

/// Types of messages, GR-30-CORE and ETSI EN 300 659-3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A single data message: date and number without parameters.
    SingleCallSetup,
    /// A single data message about waiting messages.
    SingleMessageWaiting,
    /// A message of parameters that announces a call.
    CallSetup,
    /// A message of parameters about waiting messages.
    MessageWaiting,
    /// Any other.
    Other(u8),
}

/// Codes of message types.
const CODES: [(u8, MessageKind); 4] = [
    (0x04, MessageKind::SingleCallSetup),
    (0x06, MessageKind::SingleMessageWaiting),
    (0x80, MessageKind::CallSetup),
    (0x82, MessageKind::MessageWaiting),
];

impl MessageKind {
    /// The kind with this code.
    pub fn from_code(code: u8) -> Self {
        CODES.iter().find(|row| row.0 == code).map_or(Self::Other(code), |row| row.1)
    }

    /// Its code.
    pub fn code(self) -> u8 {
        match self {
            Self::Other(code) => code,
            kind => CODES.iter().find(|row| row.1 == kind).map_or(0, |row| row.0),
        }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleCallSetup => "sdmf_call_setup",
            Self::SingleMessageWaiting => "sdmf_message_waiting",
            Self::CallSetup => "mdmf_call_setup",
            Self::MessageWaiting => "mdmf_message_waiting",
            Self::Other(_) => "other",
        }
    }
}

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub kind: MessageKind,
    /// What is between length and checksum.
    pub body: Vec<u8>,
    /// Whether the sum of all octets is zero modulo 256.
    pub intact: bool,
}

impl Message {
    /// A message with this body; what does not fit into 255 octets is left out.
    pub fn new(kind: MessageKind, mut body: Vec<u8>) -> Self {
        body.truncate(255);
        Self { kind, body, intact: true }
    }

    /// The call setup of GR-30 with single data: month, day, hour and minute, and the number or the letter P or O.
    pub fn single(id: &CallerId) -> Self {
        let date = id.date.as_deref().unwrap_or("01010000");
        let absence = id.number_absence.map(String::from).unwrap_or_default();
        let number = id.number.as_deref().unwrap_or(&absence);
        Self::new(MessageKind::SingleCallSetup, [date.as_bytes(), number.as_bytes()].concat())
    }

    /// The call setup with parameters; of those that do not fit, none is sent.
    pub fn multiple(id: &CallerId) -> Self {
        let mut body = Vec::new();
        for Parameter { code, content } in id.parameters() {
            if body.len() + content.len() + 2 <= 255 {
                body.extend([code, content.len() as u8]);
                body.extend(content);
            }
        }
        Self::new(MessageKind::CallSetup, body)
    }

    /// The call setup of NTT: the number and its kind, or why there is none.
    pub fn japanese(id: &CallerId) -> Self {
        let kind = id.number.is_some().then(|| Parameter { code: 0x21, content: vec![0x40] });
        let told = id.parameters().into_iter().filter(|parameter| matches!(parameter.code, 0x02 | 0x04));
        let rows = told
            .chain(kind)
            .flat_map(|Parameter { code, content }| [vec![code, content.len() as u8], content].concat());
        Self::new(MessageKind::CallSetup, rows.collect())
    }

    /// The octets on the line, the checksum last.
    pub fn octets(&self) -> Vec<u8> {
        let mut octets = alloc::vec![self.kind.code(), self.body.len() as u8];
        octets.extend(&self.body);
        octets.push(octets.iter().fold(0u8, |sum, octet| sum.wrapping_sub(*octet)));
        octets
    }

    /// The first message in some octets; nothing if they end before it does.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let (kind, length) = (*octets.first()?, usize::from(*octets.get(1)?));
        let whole = octets.get(..length + 3)?;
        let sum = whole.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
        Some(Self { kind: MessageKind::from_code(kind), body: whole[2..length + 2].to_vec(), intact: sum == 0 })
    }

    /// Parameters in their order; one that is longer than what is left of the body ends them. A single data message has
    /// its two.
    pub fn parameters(&self) -> Vec<Parameter> {
        match self.kind {
            MessageKind::SingleCallSetup => single_parameters(&self.body),
            MessageKind::SingleMessageWaiting => Vec::new(),
            _ => multiple_parameters(&self.body),
        }
    }

    /// Whether its parameters, of which there is one at least, fill the body.
    pub fn is_whole(&self) -> bool {
        let filled: usize = self.parameters().iter().map(|parameter| 2 + parameter.content.len()).sum();
        filled > 0 && filled == self.body.len()
    }

    /// What the message says of the call.
    pub fn caller(&self) -> CallerId {
        CallerId::from_parameters(&self.parameters())
    }
}

fn single_parameters(body: &[u8]) -> Vec<Parameter> {
    let (date, number) = body.split_at(body.len().min(8));
    let letter = number.len() == 1 && number[0].is_ascii_alphabetic();
    let number = Parameter { code: if letter { 0x04 } else { 0x02 }, content: number.to_vec() };
    alloc::vec![Parameter { code: 0x01, content: date.to_vec() }, number]
}

fn multiple_parameters(mut rest: &[u8]) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    while let [code, length, after @ ..] = rest {
        let Some((content, left)) = after.split_at_checked(usize::from(*length)) else { break };
        parameters.push(Parameter { code: *code, content: content.to_vec() });
        rest = left;
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> CallerId {
        CallerId {
            date: Some("03240902".into()),
            number: Some("8005551212".into()),
            name: Some("JOHN DOE".into()),
            ..CallerId::default()
        }
    }

    #[test]
    fn what_is_written_is_read_and_a_wrong_octet_is_noticed() {
        for message in [Message::multiple(&id()), Message::single(&CallerId { name: None, ..id() })] {
            let mut octets = message.octets();
            assert_eq!(Message::read(&octets), Some(message.clone()));
            assert_eq!(message.caller().number.as_deref(), Some("8005551212"));
            octets[4] ^= 1;
            assert_eq!(Message::read(&octets).map(|message| message.intact), Some(false));
            assert_eq!(Message::read(&octets[..octets.len() - 1]), None);
        }
        assert_eq!(Message::multiple(&id()).caller(), id());
    }

    #[test]
    fn a_withheld_number_has_its_reason() {
        let withheld = CallerId { number: None, name: None, number_absence: Some('P'), ..id() };
        assert_eq!(Message::single(&withheld).caller(), withheld);
        assert_eq!(Message::multiple(&withheld).caller(), withheld);
    }

    #[test]
    fn broken_parameters_end_the_list() {
        let message = Message::new(MessageKind::CallSetup, alloc::vec![2, 3, b'1', b'2', b'3', 7, 200, b'x']);
        assert_eq!(message.parameters().len(), 1);
    }
}
