//! Caller identification in recordings of others.

use std::path::Path;

use answertone_dsp::callerid::{CallerIdReceiver, Message, Standard};
use answertone_vectors::{not_run, shared, wav::Recording};

fn received(samples: &[f32], standard: Standard) -> Vec<Message> {
    let mut receiver = CallerIdReceiver::new(standard);
    let mut messages = Vec::new();
    samples.chunks(80).for_each(|block| receiver.run(block, |message| messages.push(message)));
    receiver.run(&[0.0; 800], |message| messages.push(message));
    messages
}

fn telephone(path: &Path) -> Vec<f32> {
    Recording::read(path).expect("the recording can be read").telephone().swap_remove(0)
}

/// Recordings, with date, number and name.
const RECORDED: [(&str, Option<&str>, &str, &str); 2] = [
    ("CallerID-1.wav", Some("05271036"), "8128771511", "ROSE HULMAN INS"),
    ("CallerID-1_19.2kHz.wav", Some("05271036"), "8128771511", "ROSE HULMAN INS"),
];

#[test]
fn recorded_calls_tell_who_calls() {
    let Some(folder) = shared("assets/3-cid-dtmf-tones", RECORDED.len()) else { return };
    let mut wrong = Vec::new();
    for (file, date, number, name) in RECORDED {
        let messages = received(&telephone(&folder.join(file)), Standard::Bellcore);
        let told = messages.iter().filter(|message| message.intact).map(Message::caller).any(|caller| {
            caller.number.as_deref() == Some(number)
                && caller.name.as_deref().map(str::trim) == Some(name)
                && (date.is_none() || caller.date.as_deref() == date)
        });
        if !told {
            wrong.push(format!("{file}: {messages:?} {:?}", messages.first().map(Message::caller)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn octets_of_other_programs_are_read() {
    let Some(folder) = shared("assets/3-cid-dtmf-tones", 2) else { return };
    let cases = [
        ("testdata-callerid-mdmf.bytes", "03240902", "8005551212", Some("JOHN DOE")),
        ("testdata-callerid-sdmf.bytes", "09301224", "6095551212", None),
    ];
    for (file, date, number, name) in cases {
        let octets = std::fs::read(folder.join(file)).expect("the octets can be read");
        let Some(begin) = octets.iter().position(|octet| *octet == 0x80 || *octet == 0x04) else {
            not_run(1, &format!("{file} holds no message"));
            continue;
        };
        let message = Message::read(&octets[begin..]).expect("a whole message");
        let caller = message.caller();
        assert_eq!(caller.date.as_deref(), Some(date), "{file}");
        assert_eq!(caller.number.as_deref(), Some(number), "{file}");
        assert_eq!(caller.name.as_deref(), name, "{file}");
    }
}

#[test]
fn speech_tells_of_no_caller() {
    let Some(folder) = shared("assets/6-speech-music", 10) else { return };
    for file in answertone_vectors::files_below(&folder).iter().take(10) {
        for standard in [Standard::Bellcore, Standard::Etsi] {
            assert_eq!(received(&telephone(file), standard), [], "{}", file.display());
        }
    }
}
