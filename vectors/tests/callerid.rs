//! Caller identification in recordings of others.

use std::path::Path;

use answertone_dsp::{
    callerid::{CallerId, CallerIdReceiver, CallerIdSender, Hook, Message, Standard},
    channel::{Impairments, carry},
    units::{Db, Dbm0},
};
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

/// A recorded call: file, standard, date, number and name.
type Recorded = (&'static str, Standard, &'static str, &'static str, &'static str);

/// Every recording with caller identification.
const RECORDED: [Recorded; 6] = [
    ("CallerID-1.wav", Standard::Bellcore, "05271036", "8128771511", "ROSE HULMAN INS"),
    ("CallerID-1_19.2kHz.wav", Standard::Bellcore, "05271036", "8128771511", "ROSE HULMAN INS"),
    // With an offset of half the scale, clipped.
    ("CID-3.wav", Standard::Bellcore, "06070809", "8901234567", "Susan Jones"),
    // 5 % fast, clipped.
    ("CID_UK_FSK.wav", Standard::Etsi, "06070809", "3214567890", "ABC Inc."),
    ("a53m0t4n_REC003.wav", Standard::Bellcore, "11011903", "2024561414", "WHITE HOUSE"),
    ("a53m0t4n_REC003.wav", Standard::Bellcore, "11011904", "7184397500", "PUERTO RICO RES"),
];

fn tells(messages: &[Message], (_, _, date, number, name): &Recorded) -> bool {
    messages.iter().filter(|message| message.intact).map(Message::caller).any(|caller| {
        caller.number.as_deref() == Some(number)
            && caller.name.as_deref().map(str::trim) == Some(name)
            && caller.date.as_deref() == Some(date)
    })
}

#[test]
fn recorded_calls_tell_who_calls() {
    let Some(folder) = shared("assets/3-cid-dtmf-tones", RECORDED.len()) else { return };
    let mut wrong = Vec::new();
    for call in RECORDED {
        let messages = received(&telephone(&folder.join(call.0)), call.1);
        let told_wrong = messages.iter().filter(|message| !message.intact).count();
        if !tells(&messages, &call) || told_wrong > 0 {
            wrong.push(format!("{}: {messages:?}", call.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn recorded_calls_are_told_at_every_level_through_noise() {
    let Some(folder) = shared("assets/3-cid-dtmf-tones", RECORDED.len() * 4) else { return };
    let mut wrong = Vec::new();
    for call in &RECORDED {
        let samples = telephone(&folder.join(call.0));
        // The level of the loudest second is that of the message, or above it.
        let power = |second: &[f32]| second.iter().map(|sample| sample * sample).sum::<f32>() / second.len() as f32;
        let loudest = samples.chunks(2000).map(power).fold(0.0, f32::max);
        for level in [-36.0, -25.0, -15.0, -5.0] {
            let gain = Db(level - Dbm0::from_mean_square(loudest).0);
            let line = Impairments { gain, noise: Some(Dbm0(level - 30.0)), ..Impairments::default() };
            if !tells(&received(&carry(&line, 1, &samples), call.1), call) {
                wrong.push(format!("{} at {level} dBm0", call.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of messages that noise breaks, one in 256 has a right sum by chance: all that a sum of eight bits can do.
#[test]
fn messages_broken_by_noise_are_told_as_broken() {
    let id = CallerId { number: Some("8005551212".into()), name: Some("JOHN DOE".into()), ..CallerId::default() };
    let message = Message::multiple(&id);
    let (mut intact, mut broken, mut wrong) = (0, 0, 0);
    for seed in 0..60 {
        for standard in [Standard::Bellcore, Standard::Etsi] {
            let mut samples = vec![0.0; 2000];
            samples.extend(CallerIdSender::new(&message, standard, Hook::On, Dbm0(-20.0)).samples());
            samples.extend([0.0; 2000]);
            let line = Impairments { noise: Some(Dbm0(-25.0)), ..Impairments::default() };
            for received in received(&carry(&line, seed, &samples), standard) {
                intact += usize::from(received == message);
                broken += usize::from(!received.intact);
                wrong += usize::from(received.intact && received != message);
            }
        }
    }
    println!("5 dB SNR, 120 messages: {intact} intact, {broken} told as broken, {wrong} wrong with a right sum");
    assert!(broken >= 3 && intact >= 10 && wrong <= 2, "{intact} intact, {broken} broken, {wrong} wrong");
}

#[test]
fn a_message_with_a_wrong_sum_is_told_as_broken() {
    let id = CallerId { number: Some("8005551212".into()), name: Some("JOHN DOE".into()), ..CallerId::default() };
    for standard in [Standard::Bellcore, Standard::Etsi, Standard::Bt, Standard::Japan] {
        let message = if standard == Standard::Japan { Message::japanese(&id) } else { Message::multiple(&id) };
        for octet in 4..12 {
            let mut samples = CallerIdSender::new(&message, standard, Hook::On, Dbm0(-20.0)).samples();
            // Two bits of an octet of the number: their samples are those of another digit.
            let body = samples.len() - (message.body.len() + if standard == Standard::Japan { 5 } else { 2 }) * 200 / 3;
            let at = body + octet * 200 / 3;
            samples.copy_within(at + 200 / 3..at + 400 / 3, at);
            samples.extend([0.0; 2000]);
            let told = received(&samples, standard);
            assert!(told.iter().all(|told| !told.intact || *told == message), "{standard:?} {octet}: {told:?}");
        }
    }
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
    let Some(folder) = shared("assets/6-speech-music", 50) else { return };
    for file in answertone_vectors::files_below(&folder).into_iter().step_by(6) {
        if file.extension().is_some_and(|extension| extension != "wav") {
            continue;
        }
        let samples = telephone(&file);
        for standard in [Standard::Bellcore, Standard::Etsi, Standard::Japan] {
            assert_eq!(received(&samples, standard), [], "{}", file.display());
        }
    }
}
