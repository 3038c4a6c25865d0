//! Random faults and random events, with seeds.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mixture_of_faults_loses_a_confirmed_page(
        fates in proptest::collection::vec(0..10_u8, 200), error_correction in any::<bool>(), seed in any::<u64>(),
    ) {
        let config = Config { modems: Modems::ALL, ..ecm(error_correction) };
        let document = document([page(seed, 60, Resolution::Fine), page(seed ^ 1, 60, Resolution::Fine)]);
        let fate = |place: usize| match fates[place % fates.len()] {
            0 => Fate::Lose,
            1 => Fate::Damage,
            _ => Fate::Pass,
        };
        let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
            Passing::Signal { signal: Signal::Data { carrier, .. }, index, .. } if carrier != Carrier::V21 => {
                if fate(index) == Fate::Damage { Fate::Damage } else { Fate::Pass }
            }
            Passing::Frame { index, .. } => fate(index),
            _ => Fate::Pass,
        });
        let call = call.run();
        assert_nothing_lost(&call, &document, error_correction, "faults");
        prop_assert_eq!(call.collisions, 0, "{}", call.transcript());
    }

    #[test]
    fn blocks_survive_a_bad_line_and_a_slow_disk(
        fates in proptest::collection::vec(0..100_u8, 997), takes in 0..6000_u64, short in any::<bool>(),
    ) {
        let frame_size = if short { FrameSize::Short } else { FrameSize::Long };
        let caller = Config { codings: Codings::MH, ..ecm(true) };
        let answerer = Config { frame_size, keeping: Keeping::Awaited, ..ecm(true) };
        let document = document([page(1, 1200, Resolution::Fine), page(2, 700, Resolution::Fine)]);
        let call = Call::new(&caller, document.clone(), &answerer).with_faults(|passing| match passing {
            Passing::Frame { index, carrier, .. } => match (fates[index % fates.len()], carrier) {
                (0..=1, _) => Fate::Damage,
                (2..=5, Carrier::V29(_) | Carrier::V27ter(_)) => Fate::Lose,
                _ => Fate::Pass,
            },
            _ => Fate::Pass,
        });
        let call = call.with_storage(LineSpan::ms(takes), Ok(())).run();
        assert_nothing_lost(&call, &document, true, "bad line");
        prop_assert_eq!(call.collisions, 0, "{}", call.transcript());
        // Three answers to one command damaged in succession do end a call: T.30 has it so.
        let expected = [&document.pages[0].bitmap, &document.pages[1].bitmap];
        prop_assert!(bitmaps(&call) == expected[..call.answerer.received.len()], "{}", call.transcript());
        let (failed, _, _) = cause(&call.caller.outcome).unwrap_or((Cause::PeerSilent, None, Phase::E));
        prop_assert_eq!(failed, Cause::PeerSilent, "{}", call.transcript());
    }

    #[test]
    fn whatever_is_heard_the_session_ends_in_bounded_time(
        happenings in proptest::collection::vec((0..14_u8, any::<u8>(), 0..4000_u64), 1..400),
        calling in any::<bool>(), error_correction in any::<bool>(), polls in any::<bool>(), octets in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let limits = Limits { call: LineSpan::ms(300_000), ..Limits::default() };
        let base = Config { poll: polls, ask_again: polls, ..ecm(error_correction) };
        let config = Arc::new(Config { limits, modems: Modems::ALL, keeping: Keeping::Awaited, ..base });
        let mut now = LineTime::ZERO;
        let mut session = match calling {
            true => Session::calling(config, two_pages(), now),
            false if polls => Session::answering(config, now).then_sending(two_pages()),
            false => Session::answering(config, now),
        };
        let mut turns = happenings.iter().cycle();
        while !session.is_finished() {
            let &(kind, value, span) = turns.next().expect("a cycle");
            now += LineSpan(span);
            hear(&mut session, now, kind, value, &octets);
            while !matches!(session.poll(), Output::Wait(_)) {}
            session.handle_timeout(now);
            while !matches!(session.poll(), Output::Wait(_)) {}
            prop_assert!(now < LineTime::ZERO + LineSpan::ms(340_000), "not over at {now}");
        }
        hear(&mut session, now, 0, 0, &octets);
    }
}

/// Something happens to a session, sensible or not.
fn hear(session: &mut Session, at: LineTime, kind: u8, value: u8, octets: &[u8]) {
    let carriers = [Carrier::V21, Carrier::V21, Carrier::V29(V29Rate::R9600), Carrier::V27ter(V27terRate::R2400)];
    let carrier = carriers[usize::from(value) % carriers.len()];
    let known = Fcf::ALL[usize::from(value) % Fcf::ALL.len()];
    let partial = PartialPage { then: PostMessage::Mps, page: value, block: 0, frames: 3 };
    let frames = [
        ideal::frame(known, value & 1 == 1, octets),
        ideal::frame(Fcf::Dis, false, &[0, if value & 64 == 0 { 0xee } else { 0xef }, 0xf8, 0x44]),
        ideal::frame(Fcf::Dcs, true, &[0, 0x62, 0xf8, 0x44]),
        ideal::frame(Fcf::Dtc, false, &[0, 0xee, 0xf8, 0x44]),
        ideal::frame(Fcf::Pps, true, &partial.field(true)),
        ideal::frame(Fcf::Mps, true, &[]),
    ];
    let frame = &frames[usize::from(value) % frames.len()];
    let what = match kind {
        0 | 1 => LineEvent::Frame { carrier: Carrier::V21, octets: frame, intact: value < 220 },
        2 => LineEvent::Frame { carrier, octets, intact: true },
        3 => LineEvent::CarrierUp(carrier),
        4 | 5 => LineEvent::CarrierDown(carrier),
        6 => LineEvent::Trained { carrier, quality: Evm(-200) },
        7 => LineEvent::TrainingFailed,
        8 => LineEvent::Octets(octets),
        9 | 10 => LineEvent::Sent,
        11 => LineEvent::Tone(if value & 1 == 0 { Tone::Ced } else { Tone::Cng }),
        12 => return session.page_kept(if value & 1 == 0 { Ok(()) } else { Err(NotKept("full".into())) }, at),
        _ => {
            let mut room = vec![0; usize::from(value)];
            session.fill(&mut room);
            LineEvent::Gap(LineSpan::ms(u64::from(value)))
        }
    };
    session.handle(Stamped { at, what });
}
