//! Descriptors of the kinds of telephones there are, and reports they send, written after the HID class definition.
//! Those read out of devices are in `recorded`.

use super::*;

/// One kind of device: its descriptor, reports and what they mean.
struct Case {
    name: &'static str,
    descriptor: &'static [u8],
    /// Report that goes off hook, with its number.
    off_hook: Option<&'static [u8]>,
    /// Input reports, one after the other, and what is known after each.
    reports: &'static [(&'static [u8], Signals)],
}

const fn signals(ringing: Option<bool>, lifted: Option<bool>) -> Signals {
    Signals { ringing, lifted }
}

/// A headset: hook switch, mute and redial as input bits, LEDs as output; numbered reports.
const HEADSET: &[u8] = &[
    0x05, 0x0B, 0x09, 0x05, 0xA1, 0x01, // telephony page, headset, application
    0x85, 0x02, 0x05, 0x0B, 0x15, 0x00, 0x25, 0x01, // report 2
    0x09, 0x20, 0x09, 0x2F, 0x09, 0x24, 0x75, 0x01, 0x95, 0x03, 0x81, 0x02, // hook switch, mute, redial
    0x95, 0x05, 0x81, 0x01, // five bits of nothing
    0x05, 0x08, 0x09, 0x17, 0x09, 0x09, 0x09, 0x18, 0x95, 0x03, 0x91, 0x02, // LEDs: off hook, mute, ring
    0x95, 0x05, 0x91, 0x01, 0xC0,
];

/// A telephone with a ringer and a hook switch to be set, and a key pad that sends key numbers; no report numbers.
const PHONE: &[u8] = &[
    0x05, 0x0B, 0x09, 0x01, 0xA1, 0x01, // telephony page, phone
    0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x02, 0x09, 0x20, 0x09, 0x9E, 0x81, 0x02, // hook switch, ringer
    0x95, 0x06, 0x81, 0x03, // filler
    0x09, 0x06, 0xA1, 0x02, 0x19, 0xB0, 0x29, 0xBB, 0x15, 0x01, 0x25, 0x0C, 0x75, 0x08, 0x95, 0x01, 0x81, 0x00,
    0xC0, // keys 0 to 9, star, pound as 1 to 12
    0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x01, 0x09, 0x20, 0x91, 0x02, 0x95, 0x07, 0x91, 0x03, // hook out
    0xC0,
];

/// A line adapter whose hook is a feature, whose ring is an outside ring tone, after a vendor's own collection.
const ADAPTER: &[u8] = &[
    0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, 0x85, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x10, 0x09,
    0x02, 0x81, 0x02, 0xC0, // vendor page, report 1 of 16 octets
    0x05, 0x0B, 0x09, 0x01, 0xA1, 0x01, 0x85, 0x05, 0x15, 0x00, 0x25, 0x01, 0xA4, // phone, report 5, push
    0x75, 0x04, 0x95, 0x01, 0x81, 0x01, // a nibble of nothing
    0xB4, 0x75, 0x01, 0x95, 0x01, 0x0B, 0x93, 0x00, 0x0B, 0x00, 0x81, 0x02, // pop; ring tone with its page
    0x95, 0x03, 0x81, 0x01, // filler
    0x09, 0x20, 0x95, 0x01, 0xB1, 0x02, 0x95, 0x07, 0xB1, 0x01, 0xC0,
];

/// The buttons of a sound codec: consumer page only, nothing of a telephone.
const CODEC: &[u8] = &[
    0x05, 0x0C, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x25, 0x01, 0x09, 0xE9, 0x09, 0xEA, 0x75, 0x01, 0x95, 0x02, 0x81,
    0x02, 0x95, 0x06, 0x81, 0x01, 0x09, 0x00, 0x75, 0x08, 0x95, 0x03, 0x81, 0x02, 0x95, 0x04, 0x91, 0x02, 0xC0,
];

const CASES: [Case; 4] = [
    Case {
        name: "headset",
        descriptor: HEADSET,
        off_hook: Some(&[2, 0b001]),
        reports: &[
            (&[2, 0b001], signals(None, Some(true))),
            (&[2, 0b011], signals(None, Some(true))),
            (&[7, 0b000], signals(None, Some(true))),
            (&[2, 0b100], signals(None, Some(false))),
            (&[2], signals(None, Some(false))),
        ],
    },
    Case {
        name: "phone",
        descriptor: PHONE,
        off_hook: Some(&[0, 1]),
        reports: &[
            (&[0b10, 0], signals(Some(true), Some(false))),
            (&[0b01, 5], signals(Some(false), Some(true))),
            (&[], signals(Some(false), Some(true))),
        ],
    },
    Case {
        name: "adapter",
        descriptor: ADAPTER,
        off_hook: Some(&[5, 1]),
        reports: &[
            (&[5, 0b1_0000], signals(Some(true), None)),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], signals(Some(true), None)),
            (&[5, 0b0_1111], signals(Some(false), None)),
        ],
    },
    Case { name: "codec", descriptor: CODEC, off_hook: None, reports: &[(&[1, 2, 3, 4], signals(None, None))] },
];

#[test]
fn telephones_of_every_kind_are_understood() {
    for case in &CASES {
        let descriptor = Descriptor::parse(case.descriptor);
        let found = telephony(&descriptor);
        let report = found.hook.map(|field| descriptor.write(&field, true));
        assert_eq!(report.as_deref(), case.off_hook, "{}", case.name);
        let mut known = Signals { ringing: found.ring.map(|_| false), lifted: found.tells_hook.then_some(false) };
        for (report, expected) in case.reports {
            take(&mut known, &descriptor, &found, report);
            assert_eq!(known, *expected, "{} after {report:02x?}", case.name);
        }
    }
}

#[test]
fn a_device_says_what_it_is() {
    assert_eq!(Descriptor::parse(HEADSET).applications, [Usage::HEADSET]);
    assert_eq!(Descriptor::parse(ADAPTER).applications, [Usage(0xFF00_0001), Usage::PHONE]);
}

#[test]
fn keys_are_told_by_number() {
    let descriptor = Descriptor::parse(PHONE);
    let (key_0, key_pound) = (Usage(0x000B_00B0), Usage(0x000B_00BB));
    assert_eq!(descriptor.read(&[0, 1], key_0), Some(true));
    assert_eq!(descriptor.read(&[0, 12], key_pound), Some(true));
    assert_eq!(descriptor.read(&[0, 12], key_0), Some(false));
}

#[test]
fn no_descriptor_is_too_bad_to_be_read() {
    let mut chance = 1_u64;
    let mut octet = || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 56) as u8
    };
    for case in &CASES {
        for length in 0..case.descriptor.len() {
            Descriptor::parse(&case.descriptor[..length]);
        }
        for _ in 0..20_000 {
            let mut bad = case.descriptor.to_vec();
            for _ in 0..1 + octet() % 4 {
                let place = usize::from(octet()) % bad.len();
                bad[place] = octet();
            }
            let descriptor = Descriptor::parse(&bad);
            let found = telephony(&descriptor);
            found.hook.inspect(|field| assert_eq!(descriptor.write(field, true)[0], field.report_id));
            descriptor.read(&[octet(), octet(), octet()], Usage::HOOK_SWITCH);
        }
    }
}
