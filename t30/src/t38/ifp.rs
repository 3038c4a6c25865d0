//! IFP packets: one indicator, or fields of data of one modem. ITU-T T.38 clause 7, aligned packed encoding rules.
//!
//! ```text
//!  indicator  0 0 e vvvv 0             value below 16;   001 0 vvvvvv 00..  beyond
//!  data       d 1 0 vvvv 0  count  field ...             d: fields follow
//!  field      p 0 ttt  |  p tttt (1998)   [align, length - 1 in two octets, octets]      p: octets follow
//! ```
//!
//! Octets here are those of the packet: the bit that goes first on a line is the **most** significant one. Everywhere else
//! in this crate it is the least significant; [`turned`] turns one into the other.

use thiserror::Error;

use super::per::{Reader, Writer};
use crate::seam::{Carrier, Train, V17Rate, V27terRate, V29Rate};

/// Fields a packet is read to have at most; senders put one frame in it, or two.
const MOST_FIELDS: usize = 512;

/// Octets a field has at most.
const MOST_OCTETS: usize = 65_535;

/// Which ASN.1 module the far end speaks: they differ in the type of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// T.38 (06/98), version 0: eight types of fields, three bits.
    #[default]
    Y1998,
    /// T.38 (2002) and later, and the corrigendum to 1998, versions 1 to 3: more types of fields may come.
    Y2002,
}

impl Syntax {
    /// The syntax of a `T38FaxVersion`.
    pub const fn of_version(version: u8) -> Self {
        if version == 0 { Self::Y1998 } else { Self::Y2002 }
    }
}

/// A signal that begins, or none. T.38 7.3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Indicator {
    /// No signal.
    NoSignal,
    /// Calling tone, 1100 Hz.
    Cng,
    /// Answer tone, 2100 Hz.
    Ced,
    /// Flags before V.21 frames.
    V21Preamble,
    /// Training of a fast modem.
    Training(Carrier),
    /// V.8 answer tone.
    V8Ansam,
    /// A V.8 signal.
    V8Signal,
    /// V.34 control channel at 1200 bit/s.
    V34Control,
    /// V.34 primary channel.
    V34Primary,
    /// V.34 control channel, trained again.
    V34ControlRetrain,
    /// V.33 training at 12000 bit/s.
    V33Training12000,
    /// V.33 training at 14400 bit/s.
    V33Training14400,
}

/// Indicators by their number; those from 16 on are behind the extension marker.
const INDICATORS: [Indicator; 23] = {
    use Indicator::{
        Ced, Cng, NoSignal, Training, V8Ansam, V8Signal, V21Preamble, V33Training12000, V33Training14400, V34Control,
        V34ControlRetrain, V34Primary,
    };
    [
        NoSignal,
        Cng,
        Ced,
        V21Preamble,
        Training(Carrier::V27ter(V27terRate::R2400)),
        Training(Carrier::V27ter(V27terRate::R4800)),
        Training(Carrier::V29(V29Rate::R7200)),
        Training(Carrier::V29(V29Rate::R9600)),
        Training(Carrier::V17(V17Rate::R7200, Train::Short)),
        Training(Carrier::V17(V17Rate::R7200, Train::Long)),
        Training(Carrier::V17(V17Rate::R9600, Train::Short)),
        Training(Carrier::V17(V17Rate::R9600, Train::Long)),
        Training(Carrier::V17(V17Rate::R12000, Train::Short)),
        Training(Carrier::V17(V17Rate::R12000, Train::Long)),
        Training(Carrier::V17(V17Rate::R14400, Train::Short)),
        Training(Carrier::V17(V17Rate::R14400, Train::Long)),
        V8Ansam,
        V8Signal,
        V34Control,
        V34Primary,
        V34ControlRetrain,
        V33Training12000,
        V33Training14400,
    ]
};

/// Which modem data is of. T.38 7.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// V.21 channel 2.
    V21,
    /// V.27ter at 2400 bit/s.
    V27ter2400,
    /// V.27ter at 4800 bit/s.
    V27ter4800,
    /// V.29 at 7200 bit/s.
    V29R7200,
    /// V.29 at 9600 bit/s.
    V29R9600,
    /// V.17 at 7200 bit/s.
    V17R7200,
    /// V.17 at 9600 bit/s.
    V17R9600,
    /// V.17 at 12000 bit/s.
    V17R12000,
    /// V.17 at 14400 bit/s.
    V17R14400,
    /// V.8.
    V8,
    /// V.34 primary channel rate.
    V34PrimaryRate,
    /// V.34 control channel at 1200 bit/s.
    V34Control,
    /// V.34 primary channel.
    V34Primary,
    /// V.33 at 12000 bit/s.
    V33R12000,
    /// V.33 at 14400 bit/s.
    V33R14400,
}

/// Data types by their number; those from 9 on are behind the extension marker.
const DATA_TYPES: [DataType; 15] = {
    use DataType::{
        V8, V17R7200, V17R9600, V17R12000, V17R14400, V21, V27ter2400, V27ter4800, V29R7200, V29R9600, V33R12000,
        V33R14400, V34Control, V34Primary, V34PrimaryRate,
    };
    [
        V21,
        V27ter2400,
        V27ter4800,
        V29R7200,
        V29R9600,
        V17R7200,
        V17R9600,
        V17R12000,
        V17R14400,
        V8,
        V34PrimaryRate,
        V34Control,
        V34Primary,
        V33R12000,
        V33R14400,
    ]
};

/// What a field holds. T.38 7.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Octets of an HDLC frame, from address on.
    Hdlc,
    /// The HDLC signal is over.
    HdlcSigEnd,
    /// The frame is over, its check sequence was right.
    FcsOk,
    /// The frame is over, its check sequence was wrong.
    FcsBad,
    /// The frame, rightly, and the signal are over.
    FcsOkSigEnd,
    /// The frame, with a wrong check sequence, and the signal are over.
    FcsBadSigEnd,
    /// Octets of a stream without HDLC: an image, or a training check.
    NonEcm,
    /// The stream is over.
    NonEcmSigEnd,
    /// V.8 CM.
    Cm,
    /// V.8 JM.
    Jm,
    /// V.8 CI.
    Ci,
    /// The rate of V.34 as three digits.
    V34Rate,
}

/// Field types by their number; those from 8 on are behind the extension marker of the later syntax.
const FIELD_TYPES: [FieldType; 12] = {
    use FieldType::{
        Ci, Cm, FcsBad, FcsBadSigEnd, FcsOk, FcsOkSigEnd, Hdlc, HdlcSigEnd, Jm, NonEcm, NonEcmSigEnd, V34Rate,
    };
    [Hdlc, HdlcSigEnd, FcsOk, FcsBad, FcsOkSigEnd, FcsBadSigEnd, NonEcm, NonEcmSigEnd, Cm, Jm, Ci, V34Rate]
};

/// Values of the three enumerations that need no extension.
const INDICATOR_ROOT: usize = 16;
const DATA_TYPE_ROOT: usize = 9;
const FIELD_TYPE_ROOT: usize = 8;

/// A field of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// What it holds.
    pub kind: FieldType,
    /// Its octets; none: the field has no octets at all.
    pub octets: &'a [u8],
}

/// An IFP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ifp<'a> {
    /// A signal begins, or none is there.
    Indicator(Indicator),
    /// Data of a modem.
    Data(DataType, Vec<Field<'a>>),
}

/// Why octets are no IFP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoIfp {
    /// It ends in the middle.
    #[error("the packet ends in the middle of something")]
    Short,
    /// A value that no edition of T.38 has.
    #[error("the packet has a value that T.38 does not know")]
    Unknown,
    /// More fields than make sense.
    #[error("the packet has more than {MOST_FIELDS} fields")]
    TooMany,
    /// Octets are left.
    #[error("octets are left when all that the datagram says it has was read")]
    Long,
}

/// Octets with the order of their bits turned round: from a packet to the line's view, or back.
pub fn turned(octets: &[u8]) -> impl Iterator<Item = u8> + '_ {
    octets.iter().map(|octet| octet.reverse_bits())
}

impl Indicator {
    /// Its number, 0 to 22.
    pub fn number(self) -> usize {
        INDICATORS.iter().position(|&one| one == self).unwrap_or(0)
    }

    /// The indicator of that number.
    pub fn of_number(number: usize) -> Option<Self> {
        INDICATORS.get(number).copied()
    }

    /// What tells that a carrier begins.
    pub fn of_carrier(carrier: Carrier) -> Self {
        match carrier {
            Carrier::V21 => Self::V21Preamble,
            // V.29 at 4800 bit/s has no indicator, and T.30 does not use it.
            Carrier::V29(V29Rate::R4800) => Self::Training(Carrier::V29(V29Rate::R7200)),
            fast => Self::Training(fast),
        }
    }
}

impl DataType {
    /// Its number, 0 to 14.
    pub fn number(self) -> usize {
        DATA_TYPES.iter().position(|&one| one == self).unwrap_or(0)
    }

    /// The data type of that number.
    pub fn of_number(number: usize) -> Option<Self> {
        DATA_TYPES.get(number).copied()
    }

    /// The data type of a carrier.
    pub fn of_carrier(carrier: Carrier) -> Self {
        match carrier {
            Carrier::V21 => Self::V21,
            Carrier::V27ter(V27terRate::R2400) => Self::V27ter2400,
            Carrier::V27ter(V27terRate::R4800) => Self::V27ter4800,
            Carrier::V29(V29Rate::R4800 | V29Rate::R7200) => Self::V29R7200,
            Carrier::V29(V29Rate::R9600) => Self::V29R9600,
            Carrier::V17(V17Rate::R7200, _) => Self::V17R7200,
            Carrier::V17(V17Rate::R9600, _) => Self::V17R9600,
            Carrier::V17(V17Rate::R12000, _) => Self::V17R12000,
            Carrier::V17(V17Rate::R14400, _) => Self::V17R14400,
        }
    }

    /// The carrier, of those of T.30; which training went before is not known to the data.
    pub fn carrier(self, train: Train) -> Option<Carrier> {
        Some(match self {
            Self::V21 => Carrier::V21,
            Self::V27ter2400 => Carrier::V27ter(V27terRate::R2400),
            Self::V27ter4800 => Carrier::V27ter(V27terRate::R4800),
            Self::V29R7200 => Carrier::V29(V29Rate::R7200),
            Self::V29R9600 => Carrier::V29(V29Rate::R9600),
            Self::V17R7200 => Carrier::V17(V17Rate::R7200, train),
            Self::V17R9600 => Carrier::V17(V17Rate::R9600, train),
            Self::V17R12000 => Carrier::V17(V17Rate::R12000, train),
            Self::V17R14400 => Carrier::V17(V17Rate::R14400, train),
            _ => return None,
        })
    }
}

impl FieldType {
    /// Its number, 0 to 11.
    pub fn number(self) -> usize {
        FIELD_TYPES.iter().position(|&one| one == self).unwrap_or(0)
    }

    /// The field type of that number.
    pub fn of_number(number: usize) -> Option<Self> {
        FIELD_TYPES.get(number).copied()
    }

    /// Whether such a field is of use with octets, and of none without.
    const fn wants_octets(self) -> bool {
        matches!(self, Self::Hdlc | Self::NonEcm | Self::Cm | Self::Jm | Self::Ci | Self::V34Rate)
    }
}

impl<'a> Ifp<'a> {
    /// Reads a packet. Zeros behind it are ignored: parity gives packets back with the length of the longest.
    ///
    /// Two fields without octets in succession share an octet by the encoding rules, but some senders begin each field
    /// with a new one: what makes no sense by the rules is read that way.
    pub fn read(octets: &'a [u8], syntax: Syntax) -> Result<Self, NoIfp> {
        let mut reader = Reader::new(octets);
        let has_fields = reader.bit()?;
        if !reader.bit()? {
            let number = reader.enumerated(4, INDICATOR_ROOT)?;
            return Indicator::of_number(number).map(Self::Indicator).ok_or(NoIfp::Unknown);
        }
        let number = reader.enumerated(4, DATA_TYPE_ROOT)?;
        let kind = DataType::of_number(number).ok_or(NoIfp::Unknown)?;
        if !has_fields {
            return Ok(Self::Data(kind, Vec::new()));
        }
        let count = reader.length()?;
        if count > MOST_FIELDS {
            return Err(NoIfp::TooMany);
        }
        let strictly = read_fields(reader, count, syntax, false);
        let fields = match strictly {
            Ok((fields, true)) => fields,
            strictly => match read_fields(reader, count, syntax, true) {
                Ok((fields, true)) => fields,
                _ => strictly?.0,
            },
        };
        Ok(Self::Data(kind, fields))
    }

    /// How many octets the packet at the front of a stream has; [`NoIfp::Short`]: more than there are. Fields without octets
    /// are taken to follow each other by the encoding rules.
    pub fn length(octets: &[u8], syntax: Syntax) -> Result<usize, NoIfp> {
        let mut reader = Reader::new(octets);
        let has_fields = reader.bit()?;
        if reader.bit()? {
            reader.enumerated(4, DATA_TYPE_ROOT)?;
            let count = if has_fields { reader.length()? } else { 0 };
            if count > MOST_FIELDS {
                return Err(NoIfp::TooMany);
            }
            for _ in 0..count {
                Field::read(&mut reader, syntax)?;
            }
        } else {
            reader.enumerated(4, INDICATOR_ROOT)?;
        }
        reader.octets_taken()
    }

    /// Adds the packet's octets to `out`. A field's octets beyond 65535 are left out.
    pub fn write(&self, syntax: Syntax, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match self {
            Self::Indicator(indicator) => {
                writer.bits(0, 2);
                writer.enumerated(indicator.number(), 4, INDICATOR_ROOT);
            }
            Self::Data(kind, fields) => {
                writer.bit(!fields.is_empty());
                writer.bit(true);
                writer.enumerated(kind.number(), 4, DATA_TYPE_ROOT);
                if !fields.is_empty() {
                    writer.length(fields.len());
                }
                fields.iter().for_each(|field| field.write(syntax, &mut writer));
            }
        }
    }

    /// The packet's octets.
    pub fn to_octets(&self, syntax: Syntax) -> Vec<u8> {
        let mut octets = Vec::new();
        self.write(syntax, &mut octets);
        octets
    }
}

/// Reads so many fields; whether they make sense, and nothing but zeros is left.
fn read_fields<'a>(
    mut reader: Reader<'a>,
    count: usize,
    syntax: Syntax,
    octet_each: bool,
) -> Result<(Vec<Field<'a>>, bool), NoIfp> {
    let mut fields = Vec::with_capacity(count.min(8));
    for _ in 0..count {
        if octet_each {
            reader.align();
        }
        fields.push(Field::read(&mut reader, syntax)?);
    }
    let sensible = fields.iter().all(|field| !field.kind.wants_octets() || !field.octets.is_empty());
    Ok((fields, sensible && reader.is_zero_from_here()))
}

impl<'a> Field<'a> {
    /// A field without octets.
    pub const fn mark(kind: FieldType) -> Self {
        Self { kind, octets: &[] }
    }

    fn read(reader: &mut Reader<'a>, syntax: Syntax) -> Result<Self, NoIfp> {
        let has_octets = reader.bit()?;
        let number = match syntax {
            Syntax::Y1998 => reader.bits(3)?,
            Syntax::Y2002 => reader.enumerated(3, FIELD_TYPE_ROOT)?,
        };
        let kind = FieldType::of_number(number).ok_or(NoIfp::Unknown)?;
        let octets = if has_octets { reader.octets()? } else { &[] };
        Ok(Self { kind, octets })
    }

    fn write(&self, syntax: Syntax, writer: &mut Writer<'_>) {
        writer.bit(!self.octets.is_empty());
        match syntax {
            Syntax::Y1998 => writer.bits(self.kind.number() & 7, 3),
            Syntax::Y2002 => writer.enumerated(self.kind.number(), 3, FIELD_TYPE_ROOT),
        }
        if !self.octets.is_empty() {
            writer.octets(&self.octets[..self.octets.len().min(MOST_OCTETS)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indicator_is_its_number_shifted() {
        assert_eq!(Ifp::Indicator(Indicator::V21Preamble).to_octets(Syntax::Y1998), [0x06]);
        assert_eq!(Ifp::Indicator(Indicator::V8Ansam).to_octets(Syntax::Y2002), [0x20, 0x00]);
        assert_eq!(Ifp::read(&[0x1e], Syntax::Y1998), Ok(Ifp::Indicator(INDICATORS[15])));
        assert_eq!(Ifp::read(&[0x22, 0x00], Syntax::Y2002), Err(NoIfp::Unknown));
        assert_eq!(Ifp::read(&[], Syntax::Y2002), Err(NoIfp::Short));
    }

    #[test]
    fn two_fields_without_octets_are_read_either_way() {
        let both = Ifp::Data(DataType::V21, vec![Field::mark(FieldType::FcsOk), Field::mark(FieldType::HdlcSigEnd)]);
        assert_eq!(both.to_octets(Syntax::Y2002), [0xc0, 0x02, 0x10, 0x40]);
        assert_eq!(Ifp::read(&[0xc0, 0x02, 0x10, 0x40], Syntax::Y2002), Ok(both.clone()));
        assert_eq!(Ifp::read(&[0xc0, 0x02, 0x10, 0x08], Syntax::Y2002), Ok(both.clone()));
        assert_eq!(Ifp::read(&[0xc0, 0x02, 0x21], Syntax::Y1998), Ok(both.clone()));
        assert_eq!(Ifp::read(&[0xc0, 0x02, 0x20, 0x10], Syntax::Y1998), Ok(both));
    }

    #[test]
    fn zeros_behind_a_packet_are_no_matter() {
        let dcn = [0xc0, 0x02, 0x80, 0x00, 0x02, 0xff, 0xc8, 0xdf, 0x40, 0x00, 0x00];
        let Ok(Ifp::Data(DataType::V21, fields)) = Ifp::read(&dcn, Syntax::Y1998) else { panic!("not read") };
        assert_eq!(fields[0], Field { kind: FieldType::Hdlc, octets: &[0xff, 0xc8, 0xdf] });
        assert_eq!(fields[1], Field::mark(FieldType::FcsOkSigEnd));
    }
}
