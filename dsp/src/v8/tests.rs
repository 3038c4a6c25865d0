use std::vec::Vec;

use super::*;
use crate::{pcm::BLOCK_SAMPLES, tone::call::CedGenerator, units::Dbm0};

/// What a call for fax says it is for.
const FAX: u8 = 0x81;

const LEVEL: Dbm0 = Dbm0(-14.0);

/// Both sides on a line that loses 20 dB and echoes 20 dB below; whose event, in order.
fn talk(
    mut caller: Caller,
    mut answerer: Answerer,
    mut moves: impl FnMut(&mut Caller, &mut Answerer, bool, Event),
) -> Vec<(bool, Event)> {
    let mut events = Vec::new();
    let (mut to_answerer, mut to_caller) = ([0.0_f32; BLOCK_SAMPLES], [0.0_f32; BLOCK_SAMPLES]);
    for _ in 0..1500 {
        let line = |far: &[f32; BLOCK_SAMPLES], near: &[f32; BLOCK_SAMPLES]| {
            core::array::from_fn::<f32, BLOCK_SAMPLES, _>(|place| far[place] * 0.1 + near[place] * 0.1)
        };
        let (at_caller, at_answerer) = (line(&to_caller, &to_answerer), line(&to_answerer, &to_caller));
        let happened = [(true, caller.receive(&at_caller)), (false, answerer.receive(&at_answerer))];
        for (whose, event) in happened {
            if let Some(event) = event {
                events.push((whose, event));
                moves(&mut caller, &mut answerer, whose, event);
            }
        }
        caller.transmit(&mut to_answerer);
        answerer.transmit(&mut to_caller);
    }
    events
}

#[test]
fn two_modems_agree_on_what_both_have() {
    let asked = Menu::of(&[0x81, 0x85, 0xd4, 0x90]).unwrap();
    let agreed = Menu::of(&[0x81, 0x05, 0x94, 0x90]).unwrap();
    let (caller, answerer) = (Caller::new(LEVEL, Some(FAX)), Answerer::new(LEVEL, 1900));
    let events = talk(caller, answerer, |caller, answerer, whose, event| match (whose, event) {
        (true, Event::Answered(AnswerTone::Modulated)) => caller.offer(asked),
        (false, Event::Menu(_)) => answerer.offer(agreed),
        (true, Event::Menu(_)) => caller.join(),
        _ => {}
    });
    let indicated = events.iter().filter(|event| **event == (false, Event::Indicated(FAX))).count();
    assert!(indicated > 0);
    let events: Vec<_> = events.into_iter().filter(|event| !matches!(event.1, Event::Indicated(_))).collect();
    let wanted =
        [(true, Event::Answered(AnswerTone::Modulated)), (false, Event::Menu(asked)), (true, Event::Menu(agreed))];
    assert_eq!(events[..3], wanted);
    assert!(events[3..].contains(&(true, Event::Joined)) && events[3..].contains(&(false, Event::Joined)));
    assert_eq!(events.len(), 5);
}

#[test]
fn who_hears_no_menu_says_so() {
    let silent = talk(Caller::new(LEVEL, None), Answerer::new(LEVEL, 1900), |_, _, _, _| {});
    assert_eq!(silent, [(true, Event::Answered(AnswerTone::Modulated)), (false, Event::TimedOut)]);
    let deaf = talk(Caller::new(LEVEL, None), Answerer::new(LEVEL, 0), |caller, _, whose, _| {
        if whose {
            caller.offer(Menu::of(&[FAX]).unwrap());
        }
    });
    assert!(matches!(deaf[..], [(true, Event::Answered(_)), (false, Event::Menu(_)), (true, Event::TimedOut)]));
}

#[test]
fn a_machine_without_v8_is_known_by_its_tone() {
    let tones = [
        (CedGenerator::new(LEVEL), AnswerTone::Plain),
        (CedGenerator::with_reversals(LEVEL), AnswerTone::Reversed),
        (CedGenerator::ansam(LEVEL, true), AnswerTone::Modulated),
    ];
    for (mut tone, wanted) in tones {
        let mut caller = Caller::new(LEVEL, None);
        let mut block = [0.0; BLOCK_SAMPLES];
        let heard: Vec<Event> = (0..200)
            .filter_map(|_| {
                tone.run(&mut block);
                caller.receive(&block)
            })
            .collect();
        assert_eq!(heard, [Event::Answered(wanted)]);
    }
}
