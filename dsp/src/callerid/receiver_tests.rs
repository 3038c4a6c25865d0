use super::*;
use crate::{
    callerid::{CallerId, CallerIdSender, Hook},
    channel::{Impairments, carry},
    units::{Db, Dbm0},
};

fn received(samples: &[f32], standard: Standard) -> Vec<Message> {
    let mut receiver = CallerIdReceiver::new(standard);
    let mut messages = Vec::new();
    samples.chunks(160).for_each(|block| receiver.run(block, |message| messages.push(message)));
    messages
}

#[test]
fn messages_come_through_a_quiet_noisy_line() {
    let id = CallerId {
        date: Some("05271036".into()),
        number: Some("8128771511".into()),
        name: Some("A NAME OF 15 CH".into()),
        ..CallerId::default()
    };
    for standard in [Standard::Bellcore, Standard::Etsi, Standard::Bt, Standard::Japan] {
        for (message, hook) in
            [(Message::multiple(&id), Hook::On), (Message::multiple(&id), Hook::Off), (Message::single(&id), Hook::On)]
        {
            if standard == Standard::Japan && message.kind == MessageKind::SingleCallSetup {
                continue;
            }
            for (gain, seed) in [(8.5, 3), (0.0, 4), (-22.5, 5)] {
                let mut samples = alloc::vec![0.0; 4000];
                samples.extend(CallerIdSender::new(&message, standard, hook, Dbm0(-13.5)).samples());
                samples.extend([0.0; 800]);
                let noise = Some(Dbm0(-13.5 + gain - 12.0));
                let line = Impairments { gain: Db(gain), noise, ..Impairments::default() };
                let name = alloc::format!("{standard:?} {hook:?} {gain} dB");
                assert_eq!(
                    received(&carry(&line, seed, &samples), standard),
                    core::slice::from_ref(&message),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_message_cut_short_is_none() {
    let message = Message::multiple(&CallerId { number: Some("5551212".into()), ..CallerId::default() });
    let mut samples = CallerIdSender::new(&message, Standard::Bellcore, Hook::On, Dbm0(-13.5)).samples();
    samples.truncate(samples.len() - 400);
    samples.extend([0.0; 4000]);
    assert_eq!(received(&samples, Standard::Bellcore), []);
}
