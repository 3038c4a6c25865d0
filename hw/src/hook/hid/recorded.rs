//! Descriptors read out of devices: each file of `tests/hid` says whose and where it was published, and whether its reports
//! were recorded as well.

use super::*;

/// Name and text of each.
const DEVICES: [(&str, &str); 4] = [
    ("polycom-cx300", include_str!("../../../tests/hid/polycom-cx300.txt")),
    ("plantronics-blackwire-3220", include_str!("../../../tests/hid/plantronics-blackwire-3220.txt")),
    ("boya-mini-2", include_str!("../../../tests/hid/boya-mini-2.txt")),
    ("epos-impact-dw", include_str!("../../../tests/hid/epos-impact-dw.txt")),
];

/// The lines of a part: from its title to the next empty line.
fn part<'a>(text: &'a str, title: &str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().skip_while(move |line| *line != title).skip(1);
    lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with('#'))
}

fn octets(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect()
}

fn descriptor(text: &str) -> Descriptor {
    Descriptor::parse(&part(text, "descriptor").flat_map(octets).collect::<Vec<u8>>())
}

#[test]
fn devices_are_put_off_hook_by_the_report_their_descriptor_asks_for() {
    for (name, text) in DEVICES {
        let descriptor = descriptor(text);
        let hook = telephony(&descriptor).hook.unwrap_or_else(|| panic!("{name} has a hook"));
        let expected: Vec<Vec<u8>> = part(text, "off hook").map(octets).collect();
        assert_eq!(vec![descriptor.write(&hook, true)], expected, "{name}");
    }
}

#[test]
fn reports_of_devices_tell_the_hook_and_the_key() {
    let mut reports = 0;
    for (name, text) in DEVICES {
        let descriptor = descriptor(text);
        let found = telephony(&descriptor);
        assert!(found.tells_hook && found.ring.is_none(), "{name}");
        let mut known = Signals { ringing: None, lifted: Some(false) };
        for line in part(text, "reports") {
            let (report, meaning) = line.split_once("  ").unwrap();
            let mut meaning = meaning.split_whitespace();
            take(&mut known, &descriptor, &found, &octets(report));
            let lifted = meaning.next() == Some("lifted");
            assert_eq!(known, Signals { ringing: None, lifted: Some(lifted) }, "{name} after {report}");
            for usage in meaning {
                let usage = Usage(u32::from_str_radix(usage, 16).unwrap());
                assert_eq!(descriptor.read(&octets(report), usage), Some(true), "{name}: {usage:x?} in {report}");
            }
            reports += 1;
        }
    }
    assert_eq!(reports, 26);
}
