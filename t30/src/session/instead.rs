//! What a caller may hear where a fax machine should be: for calls that are given up early.

/// What is heard instead of a fax machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instead {
    /// No dial tone to dial into.
    NoDialTone,
    /// Dial tone that goes on after dialling.
    DialTone,
    /// Busy tone.
    Busy,
    /// Congestion tone.
    Congestion,
    /// The tone of a number that does not exist.
    NumberUnobtainable,
    /// Special information tones.
    SpecialInformation,
    /// A data modem.
    DataModem,
    /// A text telephone.
    TextTelephone,
    /// The receiver of alarm panels.
    AlarmReceiver,
    /// A voice.
    Voice,
    /// An answering machine.
    AnsweringMachine,
}

impl Instead {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoDialTone,
        Self::DialTone,
        Self::Busy,
        Self::Congestion,
        Self::NumberUnobtainable,
        Self::SpecialInformation,
        Self::DataModem,
        Self::TextTelephone,
        Self::AlarmReceiver,
        Self::Voice,
        Self::AnsweringMachine,
    ];

    /// The name in machine-readable results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoDialTone => "no_dial_tone",
            Self::DialTone => "dial_tone",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::NumberUnobtainable => "number_unobtainable",
            Self::SpecialInformation => "special_information",
            Self::DataModem => "data_modem",
            Self::TextTelephone => "text_telephone",
            Self::AlarmReceiver => "alarm_receiver",
            Self::Voice => "voice",
            Self::AnsweringMachine => "answering_machine",
        }
    }

    /// What has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|instead| instead.name() == name)
    }

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::NoDialTone => "there is no dial tone",
            Self::DialTone => "the dial tone goes on",
            Self::Busy => "the line is busy",
            Self::Congestion => "the network is congested",
            Self::NumberUnobtainable => "the number does not exist",
            Self::SpecialInformation => "the network answered with special information tones",
            Self::DataModem => "a data modem answered",
            Self::TextTelephone => "a text telephone answered",
            Self::AlarmReceiver => "a receiver of alarms answered",
            Self::Voice => "a voice answered",
            Self::AnsweringMachine => "an answering machine answered",
        }
    }
}
