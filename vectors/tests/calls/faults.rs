//! One thing lost, damaged or replaced; silence; training that fails.

use super::*;

#[test]
fn any_one_frame_or_signal_may_be_lost_or_damaged() {
    for error_correction in [false, true] {
        let config = Config { modems: Modems::ALL, ..ecm(error_correction) };
        let document = two_pages();
        let clean = Call::new(&config, document.clone(), &config).run();
        assert_completed(&clean);
        // Who hears nothing at all of a signal cannot wait for its end: then, and only then, both may speak at once.
        let check = |call: CallResult, deaf: bool, exact: bool, what: String| {
            assert_nothing_lost(&call, &document, exact, &what);
            let outcomes = (&call.caller.outcome, &call.answerer.outcome);
            assert_eq!(call.caller.outcome, Some(Outcome::Completed), "{what} {outcomes:?}\n{}", call.transcript());
            assert!(deaf || call.collisions == 0, "{what}: collision\n{}", call.transcript());
        };
        for fate in [Fate::Lose, Fate::Damage] {
            for lost in 0..clean.frames {
                let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
                    Passing::Frame { index, .. } if index == lost => fate.clone(),
                    _ => Fate::Pass,
                });
                check(call.run(), false, true, format!("ECM {error_correction}, frame {lost}: {fate:?}"));
            }
            for lost in 0..clean.aired.len() {
                let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
                    Passing::Signal { index, .. } if index == lost => fate.clone(),
                    _ => Fate::Pass,
                });
                let exact = error_correction || fate == Fate::Lose;
                check(
                    call.run(),
                    fate == Fate::Lose,
                    exact,
                    format!("ECM {error_correction}, signal {lost}: {fate:?}"),
                );
            }
        }
    }
}

/// From the `from`-th signal of the answerer on, nothing of it is heard.
fn answerer_falls_silent(config: &Config, from: usize) -> CallResult {
    let mut spoken = 0;
    let call = Call::new(config, two_pages(), config).with_faults(move |passing| match passing {
        Passing::Signal { from: Side::Answerer, .. } => {
            spoken += 1;
            if spoken > from { Fate::Lose } else { Fate::Pass }
        }
        _ => Fate::Pass,
    });
    call.run()
}

#[test]
fn silence_in_every_phase_is_named_with_its_timer() {
    let causes = |error_correction: bool| -> Vec<_> {
        (0..6).map(|from| cause(&answerer_falls_silent(&ecm(error_correction), from).caller.outcome)).collect()
    };
    let expected = vec![
        Some((Cause::NoFaxHeard, Some(Timer::T0), Phase::A)),
        Some((Cause::NoFaxHeard, Some(Timer::T1), Phase::A)),
        Some((Cause::PeerSilent, Some(Timer::T4), Phase::B)),
        Some((Cause::PeerSilent, Some(Timer::T4), Phase::D)),
        Some((Cause::PeerSilent, Some(Timer::T4), Phase::D)),
        None,
    ];
    assert_eq!(causes(false), expected);
    assert_eq!(causes(true), expected);
}

#[test]
fn an_answerer_whose_caller_is_silent_gives_up_after_t1() {
    let lose_caller = |passing: Passing<'_>| match passing {
        Passing::Signal { from: Side::Caller, .. } => Fate::Lose,
        _ => Fate::Pass,
    };
    let call = Call::new(&ecm(true), two_pages(), &ecm(true)).with_faults(lose_caller).run();
    assert_eq!(cause(&call.answerer.outcome), Some((Cause::NoFaxHeard, Some(Timer::T1), Phase::B)));
    assert_eq!(cause(&call.caller.outcome), Some((Cause::PeerSilent, Some(Timer::T4), Phase::B)));
}

#[test]
fn a_caller_that_falls_silent_is_given_up_after_t2() {
    for (error_correction, from) in [(false, 2), (false, 3), (false, 4), (true, 2), (true, 3), (true, 4)] {
        let config = ecm(error_correction);
        let mut spoken = 0;
        let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
            Passing::Signal { from: Side::Caller, signal: Signal::Data { .. }, .. } => {
                spoken += 1;
                if spoken > from { Fate::Lose } else { Fate::Pass }
            }
            _ => Fate::Pass,
        });
        let call = call.run();
        let expected = Some((Cause::PeerSilent, Some(Timer::T2), Phase::C));
        assert_eq!(cause(&call.answerer.outcome), expected, "{}", call.transcript());
    }
}

#[test]
fn dcn_in_any_place_ends_the_call_at_once() {
    for error_correction in [false, true] {
        let config = ecm(error_correction);
        let clean = Call::new(&config, two_pages(), &config).run();
        for replaced in 0..clean.frames {
            let mut by = None;
            let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
                Passing::Frame { index, from, carrier: Carrier::V21, octets } if index == replaced => {
                    by = Some((from, ideal::name(octets)));
                    Fate::Instead(ideal::frame(Fcf::Dcn, from == Side::Caller, &[]))
                }
                _ => Fate::Pass,
            });
            let call = call.run();
            let Some((from, name)) = by else { continue };
            // A frame that only accompanies another is followed by it: the command counts.
            if ["CSI", "TSI", "DCN"].contains(&name) {
                assert_completed(&call);
                continue;
            }
            let hearer = if from == Side::Caller { &call.answerer } else { &call.caller };
            let (cause, timer, _) = cause(&hearer.outcome).expect("the call failed");
            assert_eq!((cause, timer), (Cause::PeerDisconnected, None), "{name}\n{}", call.transcript());
            assert_nothing_lost(&call, &two_pages(), true, name);
        }
    }
}

#[test]
fn failed_training_goes_down_the_ladder_to_its_end() {
    let config = Config { modems: Modems::ALL, ..ecm(true) };
    let spoil_above = |rate: u32| {
        let faults = move |passing: Passing<'_>| match passing {
            Passing::Signal { signal: Signal::Data { carrier, framing: Framing::Raw }, .. } => {
                if carrier.bit_rate() > rate { Fate::Damage } else { Fate::Pass }
            }
            _ => Fate::Pass,
        };
        Call::new(&config, two_pages(), &config).with_faults(faults).run()
    };
    for rate in [12000, 9600, 7200, 4800, 2400] {
        let call = spoil_above(rate);
        assert_completed(&call);
        assert_eq!(call.caller.report.terms.map(|terms| terms.carrier.bit_rate()), Some(rate));
    }
    let call = spoil_above(0);
    assert_eq!(cause(&call.caller.outcome), Some((Cause::TrainingFailed, None, Phase::B)));
    assert_eq!(call.caller.report.trainings, 8, "six rates, the lowest three times");
}
