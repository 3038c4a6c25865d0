//! IFP by the table of examples, and by an encoder of the general rules that knows only the ASN.1 types.

use std::fs;

use answertone_t30::t38::{
    ifp::{DataType, Field, FieldType, Ifp, Indicator, Syntax},
    tpkt,
    udptl::{ErrorCorrection, Sender},
};
use answertone_vectors::shared;
use proptest::prelude::*;

mod asn1 {
    //! The types of T.38 Annex A, as far as the packet goes. Names do not matter to the encoding, only their order.

    use rasn::prelude::*;

    #[derive(AsnType, Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
    #[rasn(enumerated, automatic_tags)]
    #[non_exhaustive]
    #[rustfmt::skip]
    pub(super) enum Indicator {
        I0, I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I11, I12, I13, I14, I15,
        #[rasn(extension_addition)] I16,
        #[rasn(extension_addition)] I17,
        #[rasn(extension_addition)] I18,
        #[rasn(extension_addition)] I19,
        #[rasn(extension_addition)] I20,
        #[rasn(extension_addition)] I21,
        #[rasn(extension_addition)] I22,
    }

    #[derive(AsnType, Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
    #[rasn(enumerated, automatic_tags)]
    #[non_exhaustive]
    #[rustfmt::skip]
    pub(super) enum DataType {
        D0, D1, D2, D3, D4, D5, D6, D7, D8,
        #[rasn(extension_addition)] D9,
        #[rasn(extension_addition)] D10,
        #[rasn(extension_addition)] D11,
        #[rasn(extension_addition)] D12,
        #[rasn(extension_addition)] D13,
        #[rasn(extension_addition)] D14,
    }

    #[derive(AsnType, Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
    #[rasn(choice, automatic_tags)]
    pub(super) enum Message {
        Indicator(Indicator),
        Data(DataType),
    }

    #[derive(AsnType, Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
    #[rasn(enumerated, automatic_tags)]
    #[rustfmt::skip]
    pub(super) enum FieldType1998 { F0, F1, F2, F3, F4, F5, F6, F7 }

    #[derive(AsnType, Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
    #[rasn(enumerated, automatic_tags)]
    #[non_exhaustive]
    #[rustfmt::skip]
    pub(super) enum FieldType2002 {
        F0, F1, F2, F3, F4, F5, F6, F7,
        #[rasn(extension_addition)] F8,
        #[rasn(extension_addition)] F9,
        #[rasn(extension_addition)] F10,
        #[rasn(extension_addition)] F11,
    }

    #[derive(AsnType, Debug, Clone, PartialEq, Eq, Encode, Decode)]
    #[rasn(automatic_tags)]
    pub(super) struct Field1998 {
        pub(super) kind: FieldType1998,
        #[rasn(size("1..=65535"))]
        pub(super) octets: Option<OctetString>,
    }

    #[derive(AsnType, Debug, Clone, PartialEq, Eq, Encode, Decode)]
    #[rasn(automatic_tags)]
    pub(super) struct Field2002 {
        pub(super) kind: FieldType2002,
        #[rasn(size("1..=65535"))]
        pub(super) octets: Option<OctetString>,
    }

    #[derive(AsnType, Debug, Clone, PartialEq, Eq, Encode, Decode)]
    #[rasn(automatic_tags)]
    pub(super) struct Packet1998 {
        pub(super) message: Message,
        pub(super) fields: Option<SequenceOf<Field1998>>,
    }

    #[derive(AsnType, Debug, Clone, PartialEq, Eq, Encode, Decode)]
    #[rasn(automatic_tags)]
    pub(super) struct Packet2002 {
        pub(super) message: Message,
        pub(super) fields: Option<SequenceOf<Field2002>>,
    }
}

/// The other encoder's octets of a packet.
fn by_the_rules(ifp: &Ifp<'_>, syntax: Syntax) -> Vec<u8> {
    use asn1::{DataType as D, FieldType1998 as F98, FieldType2002 as F02, Indicator as I};
    const INDICATORS: [I; 23] = [
        I::I0,
        I::I1,
        I::I2,
        I::I3,
        I::I4,
        I::I5,
        I::I6,
        I::I7,
        I::I8,
        I::I9,
        I::I10,
        I::I11,
        I::I12,
        I::I13,
        I::I14,
        I::I15,
        I::I16,
        I::I17,
        I::I18,
        I::I19,
        I::I20,
        I::I21,
        I::I22,
    ];
    const DATA: [D; 15] =
        [D::D0, D::D1, D::D2, D::D3, D::D4, D::D5, D::D6, D::D7, D::D8, D::D9, D::D10, D::D11, D::D12, D::D13, D::D14];
    const FIELDS_1998: [F98; 8] = [F98::F0, F98::F1, F98::F2, F98::F3, F98::F4, F98::F5, F98::F6, F98::F7];
    const FIELDS_2002: [F02; 12] =
        [F02::F0, F02::F1, F02::F2, F02::F3, F02::F4, F02::F5, F02::F6, F02::F7, F02::F8, F02::F9, F02::F10, F02::F11];
    let (message, fields) = match ifp {
        Ifp::Indicator(indicator) => (asn1::Message::Indicator(INDICATORS[indicator.number()]), None),
        Ifp::Data(kind, fields) => {
            (asn1::Message::Data(DATA[kind.number()]), Some(fields).filter(|all| !all.is_empty()))
        }
    };
    let octets = |field: &Field<'_>| (!field.octets.is_empty()).then(|| field.octets.to_vec().into());
    match syntax {
        Syntax::Y1998 => {
            let field =
                |field: &Field<'_>| asn1::Field1998 { kind: FIELDS_1998[field.kind.number()], octets: octets(field) };
            let fields = fields.map(|fields| fields.iter().map(field).collect());
            rasn::aper::encode(&asn1::Packet1998 { message, fields }).expect("it can be encoded")
        }
        Syntax::Y2002 => {
            let field =
                |field: &Field<'_>| asn1::Field2002 { kind: FIELDS_2002[field.kind.number()], octets: octets(field) };
            let fields = fields.map(|fields| fields.iter().map(field).collect());
            rasn::aper::encode(&asn1::Packet2002 { message, fields }).expect("it can be encoded")
        }
    }
}

fn syntaxes() -> impl Strategy<Value = Syntax> {
    prop_oneof![Just(Syntax::Y1998), Just(Syntax::Y2002)]
}

/// Fields with octets where they need them; each needs a type of the syntax.
fn fields(syntax: Syntax) -> impl Strategy<Value = Vec<(FieldType, Vec<u8>)>> {
    let types = if syntax == Syntax::Y1998 { 8usize } else { 12 };
    let octets = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 1..300)];
    let field = (0..types, octets).prop_map(|(number, octets)| {
        let kind = FieldType::of_number(number).expect("one of them");
        let needs = matches!(number, 0 | 6 | 8..);
        (kind, if needs && octets.is_empty() { vec![0x5a] } else { octets })
    });
    prop::collection::vec(field, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn data_is_encoded_as_the_general_rules_say_and_read_back(
        (syntax, fields) in syntaxes().prop_flat_map(|syntax| (Just(syntax), fields(syntax))),
        kind in 0usize..15,
    ) {
        let kind = DataType::of_number(kind).expect("one of them");
        let fields = fields.iter().map(|(kind, octets)| Field { kind: *kind, octets }).collect();
        let ifp = Ifp::Data(kind, fields);
        let octets = ifp.to_octets(syntax);
        prop_assert_eq!(&octets, &by_the_rules(&ifp, syntax));
        prop_assert_eq!(Ifp::read(&octets, syntax), Ok(ifp));
    }

    #[test]
    fn anything_is_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..600), syntax in syntaxes()) {
        if let Ok(ifp) = Ifp::read(&octets, syntax) {
            let again = ifp.to_octets(syntax);
            prop_assert_eq!(Ifp::read(&again, syntax), Ok(ifp));
        }
    }
}

#[test]
fn indicators_are_encoded_as_the_general_rules_say() {
    for number in 0..23 {
        let ifp = Ifp::Indicator(Indicator::of_number(number).expect("there are 23"));
        for syntax in [Syntax::Y1998, Syntax::Y2002] {
            assert_eq!(ifp.to_octets(syntax), by_the_rules(&ifp, syntax));
        }
    }
}

fn octets_of(hexadecimal: &str) -> Vec<u8> {
    hexadecimal.split(' ').map(|pair| u8::from_str_radix(pair, 16).expect("two digits")).collect()
}

/// Every packet of the table is read, and written as it stands there, and so are the datagrams around some of them.
#[test]
fn the_table_of_examples_is_read_and_written() {
    let Some(path) = shared("spec/data/t38_examples.csv", 70) else { return };
    let text = fs::read_to_string(path).expect("the table is text");
    let (mut packets, mut datagrams) = (0, 0);
    for line in text.lines().skip(1) {
        let (what, hexadecimal) = line.rsplit_once(',').expect("two columns");
        let octets = octets_of(hexadecimal);
        let what = what.trim_matches('"');
        if what.starts_with("UDPTL") || what.starts_with("TPKT") {
            datagrams += 1;
            assert!(octets.starts_with(&datagram(what)) && datagram(what).starts_with(&octets), "{what}");
            continue;
        }
        let syntax = if what.starts_with("1998") { Syntax::Y1998 } else { Syntax::Y2002 };
        let ifp = Ifp::read(&octets, syntax).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(ifp.to_octets(syntax), octets, "{what}: {ifp:?}");
        packets += 1;
    }
    assert_eq!((packets, datagrams), (63, 6));
}

/// What our senders make in the situation that a line of the table describes.
fn datagram(what: &str) -> Vec<u8> {
    let indicators = [[0x00], [0x02], [0x06]];
    let sent = |correction, before: &[&[u8]], last: &[u8]| {
        let mut sender = Sender::new(correction, 1400);
        before.iter().for_each(|packet| drop(sender.send(packet)));
        sender.send(last)
    };
    let redundancy = ErrorCorrection::Redundancy { packets: 3 };
    match what.split([' ', ',']).take(3).collect::<Vec<_>>()[..] {
        ["UDPTL", "seq", "0"] => sent(redundancy, &[], &indicators[0]),
        ["UDPTL", "seq", "1"] => sent(redundancy, &[&indicators[0]], &indicators[1]),
        ["UDPTL", "seq", "2"] => sent(redundancy, &[&indicators[0], &indicators[1]], &indicators[2]),
        ["UDPTL", "seq", "3"] => {
            let packets = [0x10, 0x11, 0x12].map(|last| [0xc0, 0x01, 0x80, 0x00, 0x00, last]);
            let before: Vec<&[u8]> = packets.iter().map(|packet| &packet[..]).collect();
            sent(ErrorCorrection::Fec { span: 3, packets: 1 }, &before, &indicators[1])
        }
        ["UDPTL", ..] => {
            let field = Field { kind: FieldType::NonEcm, octets: &[0; 200] };
            let long = Ifp::Data(DataType::V17R14400, vec![field]).to_octets(Syntax::Y2002);
            let mut sender = Sender::new(ErrorCorrection::None, 1400);
            (0..0x1234).for_each(|_| drop(sender.send(&indicators[0])));
            sender.send(&long)[..12].to_vec()
        }
        _ => tpkt::wrapped(&indicators[1]),
    }
}
