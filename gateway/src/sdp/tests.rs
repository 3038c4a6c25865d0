//! Offers and answers, and descriptions as machines write them.

use super::*;

fn local() -> Local {
    let seal = OwnSeal { fingerprint: "sha-256 AB:CD".into(), tls_id: "0123456789abcdefghij".into(), port: 4002 };
    Local {
        address: "192.0.2.1".parse().unwrap(),
        port: 4000,
        session: 7,
        version: 1,
        t38: T38::ours(0),
        seal: Some(seal),
        kept: None,
    }
}

const ALL: Rules = Rules { clear: true, sealed: true };

fn chosen(offer: &str, first: bool) -> Option<(Agreed, String)> {
    let offer = Description::read(offer.as_bytes());
    let choice = choose(&offer, &local(), ALL, first)?;
    let answer = answer(&local(), &offer, &choice);
    assert_eq!(answer.media.len(), offer.media.len());
    Some((choice.agreed, answer.to_string()))
}

fn image(agreed: &Agreed) -> &Image {
    match agreed {
        Agreed::Image(image) => image,
        Agreed::Audio(_) => panic!("audio"),
    }
}

#[test]
fn what_is_offered_is_exact() {
    let image = offer(&local(), Wanted::Image { sealed: false, beside: false }).to_string();
    assert_eq!(
        image,
        "v=0\r\no=answertone 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=image 4000 udptl t38\r\n\
         a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n\
         a=T38FaxMaxDatagram:1400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
    );
    let sealed = offer(&local(), Wanted::Image { sealed: true, beside: true }).to_string();
    assert!(sealed.contains("m=audio 0 RTP/AVP 0 8 101\r\n") && sealed.contains("m=image 4002 UDP/TLS/UDPTL t38\r\n"));
    for line in ["a=setup:actpass\r\n", "a=fingerprint:sha-256 AB:CD\r\n", "a=tls-id:0123456789abcdefghij\r\n"] {
        assert!(sealed.contains(line), "{sealed}");
    }
    assert_eq!(Description::read(sealed.as_bytes()).to_string(), sealed);
}

#[test]
fn t38_alone_and_beside_declined_audio_are_taken() {
    for before in ["", "m=audio 0 RTP/AVP 0\r\n"] {
        let offer = format!("c=IN IP4 192.0.2.9\r\n{before}m=image 5000 udptl t38\r\na=T38FaxUdpEC:t38UDPFEC\r\n");
        let (agreed, answer) = chosen(&offer, false).unwrap();
        let image = image(&agreed);
        assert_eq!(image.remote, Some("192.0.2.9:5000".parse().unwrap()));
        assert_eq!((image.t38.correction, image.t38.max_datagram), (Correction::Fec, 400));
        assert!(answer.contains("a=T38FaxUdpEC:t38UDPFEC"), "{answer}");
    }
}

#[test]
fn audio_begins_a_call_and_t38_changes_it() {
    let both = "c=IN IP4 192.0.2.9\r\nm=audio 6000 RTP/AVP 8\r\nm=image 5000 udptl t38\r\n";
    assert!(matches!(chosen(both, true).unwrap().0, Agreed::Audio(_)));
    let (agreed, answer) = chosen(both, false).unwrap();
    assert!(matches!(agreed, Agreed::Image(_)));
    assert!(answer.contains("m=audio 0 ") && answer.contains("m=image 4000 "), "{answer}");
}

#[test]
fn declined_absurd_and_foreign_media_are_not_chosen() {
    for offer in [
        "m=image 0 udptl t38\r\n",
        "m=image 70000 udptl t38\r\n",
        "m=image -1 udptl t38\r\n",
        "m=image\r\n",
        "m=image 5000 TCP t38\r\n",
        "m=image 5000 UDP/TLS/UDPTL t38\r\n",
        "m=image 5000 UDP/TLS/UDPTL t38\r\na=setup:holdconn\r\na=fingerprint:sha-256 AA:BB\r\n",
        "m=image 5000 UDP/TLS/UDPTL t38\r\na=setup:actpass\r\na=fingerprint:md5 AA:BB\r\n",
        "m=audio 5000 RTP/AVP 18\r\n",
        "m=audio 5000 RTP/SAVP 0\r\n",
        "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 PCMU/16000\r\n",
        "m=video 5000 RTP/AVP 0\r\n",
        "",
    ] {
        assert_eq!(chosen(&format!("c=IN IP4 192.0.2.9\r\n{offer}"), false), None, "{offer}");
    }
}

#[test]
fn odd_ports_and_addresses_of_their_own_are_taken() {
    let offer = "c=IN IP4 192.0.2.9\r\nm=image 5001/2 UDPTL T38\r\nc=IN IP6 2001:db8::1\r\n";
    assert_eq!(image(&chosen(offer, false).unwrap().0).remote, Some("[2001:db8::1]:5001".parse().unwrap()));
    let named = "c=IN IP4 pbx.example\r\nm=image 5000 udptl t38\r\n";
    assert_eq!(image(&chosen(named, false).unwrap().0).remote, None);
}

#[test]
fn audio_is_read_with_its_events_and_who_may_speak() {
    let offer = "c=IN IP4 192.0.2.9\r\na=sendonly\r\nm=audio 6001 RTP/AVP 18 96 8 97\r\na=rtpmap:96 pcmu/8000/1\r\n\
                 a=rtpmap:97 telephone-event/8000\r\n";
    let (agreed, answer) = chosen(offer, true).unwrap();
    let Agreed::Audio(audio) = agreed else { panic!("T.38") };
    assert_eq!((audio.payload_type, audio.event_type, audio.heard), (96, Some(97), false));
    assert!(answer.contains("a=recvonly") && answer.contains("m=audio 4000 RTP/AVP 96 97\r\n"), "{answer}");
    let held = "c=IN IP4 0.0.0.0\r\nm=audio 6000 RTP/AVP 0\r\n";
    assert!(matches!(chosen(held, false).unwrap().0, Agreed::Audio(Audio { heard: false, remote: None, .. })));
}

#[test]
fn sealed_offers_go_before_clear_ones_and_old_setups_are_taken() {
    for (setup, ours, active) in
        [("actpass", "active", true), ("passive", "active", true), ("active", "passive", false)]
    {
        let offer = format!(
            "c=IN IP4 192.0.2.9\r\nm=image 5000 udptl t38\r\nm=image 5002 UDP/TLS/UDPTL t38\r\na=setup:{setup}\r\n\
             a=fingerprint:SHA-256 ab:cd\r\na=fingerprint:sha-1 11:22\r\n"
        );
        let (agreed, answer) = chosen(&offer, false).unwrap();
        let sealing = image(&agreed).sealing.clone().unwrap();
        assert_eq!((sealing.active, sealing.fingerprints), (active, vec!["sha-256 AB:CD".to_owned()]));
        assert!(answer.contains(&format!("a=setup:{ours}\r\n")), "{answer}");
        // An offer without an identifier is answered without one, RFC 8842 5.3.
        assert!(!answer.contains("tls-id"), "{answer}");
    }
}

/// The far end's description of a seal at that port.
fn sealed_at(port: u16, tls_id: &str, digest: &str) -> String {
    format!(
        "c=IN IP4 192.0.2.9\r\nm=image {port} UDP/TLS/UDPTL t38\r\na=setup:actpass\r\na=fingerprint:sha-256 {digest}\r\n\
         a=tls-id:{tls_id}\r\n"
    )
}

#[test]
fn a_seal_goes_on_until_its_name_its_certificate_or_its_place_changes() {
    let next = OwnSeal { fingerprint: "sha-256 EE:FF".into(), tls_id: "next-next-next-next-".into(), port: 4004 };
    let mut local = local();
    let take = |local: &Local, offer: &str| {
        let offer = Description::read(offer.as_bytes());
        let choice = choose(&offer, local, ALL, false)?;
        let written = answer(local, &offer, &choice).to_string();
        Some((choice.agreed, written))
    };
    let (first, _) = take(&local, &sealed_at(5000, "theirs-theirs-theirs-", "AA:BB")).unwrap();
    local.settle(&first);
    assert_eq!((local.seal.as_ref(), local.kept.as_ref().unwrap().own.port), (None, 4002));
    // The same again is answered by the same keys; something new has none yet.
    let (again, written) = take(&local, &sealed_at(5000, "theirs-theirs-theirs-", "AA:BB")).unwrap();
    assert_eq!(again, first);
    assert!(written.contains("m=image 4002 ") && written.contains("a=tls-id:0123456789abcdefghij"), "{written}");
    let changes = [
        sealed_at(5000, "others-others-others-", "AA:BB"),
        sealed_at(5000, "theirs-theirs-theirs-", "CC:DD"),
        sealed_at(5002, "theirs-theirs-theirs-", "AA:BB"),
        sealed_at(5000, "theirs-theirs-theirs-", "AA:BB").replace("actpass", "active"),
    ];
    for change in &changes {
        assert_eq!(take(&local, change), None, "{change}");
    }
    local.seal = Some(next.clone());
    for change in &changes {
        let (agreed, written) = take(&local, change).unwrap();
        assert_eq!(image(&agreed).sealing.as_ref().unwrap().ours, next.tls_id, "{change}");
        assert!(written.contains("m=image 4004 ") && written.contains("a=fingerprint:sha-256 EE:FF"), "{written}");
    }
    // An offer of ours repeats what there is, or brings what is next.
    let sealed = Wanted::Image { sealed: true, beside: false };
    assert!(offer(&local, sealed).to_string().contains("m=image 4002 "));
    assert!(offer(&local.renewed(), sealed).to_string().contains("m=image 4004 "));
    let audio = take(&local, "c=IN IP4 192.0.2.9\r\nm=audio 6000 RTP/AVP 0\r\n").unwrap().0;
    local.settle(&audio);
    assert_eq!(local.kept, None);
}

#[test]
fn answers_are_judged_by_what_was_offered() {
    let read = |wanted, answer: &str| agreed(&local(), wanted, &Description::read(answer.as_bytes()));
    let (clear, sealed) =
        (Wanted::Image { sealed: false, beside: false }, Wanted::Image { sealed: true, beside: false });
    let plain = "c=IN IP4 192.0.2.9\r\nm=image 5000 udptl t38\r\na=T38FaxRateManagement:localTCF\r\n";
    // The rate method is the answer's: a gateway offered transferredTCF was seen to answer localTCF.
    assert!(image(&read(clear, plain).unwrap()).t38.local_tcf);
    assert_eq!(read(sealed, plain), Err(NoAnswer::Unsealed));
    assert_eq!(read(clear, &plain.replace("udptl", "UDP/TLS/UDPTL")), Err(NoAnswer::Declined));
    assert_eq!(read(sealed, &plain.replace("udptl", "UDP/TLS/UDPTL")), Err(NoAnswer::NoFingerprint));
    assert_eq!(read(clear, "m=image 0 udptl t38\r\n"), Err(NoAnswer::Declined));
    assert_eq!(read(clear, ""), Err(NoAnswer::Declined));
    assert_eq!(read(Wanted::Audio(Direction::SendRecv), plain), Err(NoAnswer::Declined));
}

/// What a reader is given: lines of descriptions in any order, damaged.
#[test]
fn whatever_a_description_holds_it_is_read_and_answered_in_kind() {
    bolero::check!().with_type::<Vec<(u8, u16, Vec<u8>)>>().with_iterations(2000).for_each(|pieces| {
        let lines = [
            "m=image 5000 udptl t38",
            "m=audio 6000 RTP/AVP 0 8 101",
            "a=T38FaxMaxDatagram:",
            "c=IN IP4 192.0.2.9",
            "a=T38FaxUdpEC:t38UDPFEC",
            "a=setup:actpass",
            "a=fingerprint:sha-256 AB:CD",
            "a=rtpmap:101 telephone-event/8000",
            "m=image 5002 UDP/TLS/UDPTL t38",
            "a=sendonly",
            "v=0",
            "o=- 1 1 IN IP4 192.0.2.9",
            "a=T38FaxVersion:",
            "=",
            "m=",
        ];
        let mut body = vec![];
        for (which, number, junk) in pieces {
            body.extend(lines[usize::from(*which) % lines.len()].bytes());
            match which % 4 {
                0 => body.extend(number.to_string().bytes()),
                1 => body.extend(junk),
                _ => {}
            }
            body.extend(b"\r\n");
        }
        let offer = Description::read(&body);
        let again = Description::read(offer.to_string().as_bytes());
        assert_eq!(again.media.len(), offer.media.len());
        for first in [true, false] {
            if let Some(choice) = choose(&offer, &local(), ALL, first) {
                let answer = answer(&local(), &offer, &choice);
                assert_eq!(answer.media.len(), offer.media.len());
                assert_eq!(answer.media.iter().filter(|media| !media.is_declined()).count(), 1);
                if let Agreed::Image(image) = choice.agreed {
                    assert!((80..=1400).contains(&image.t38.max_datagram) && image.t38.version <= 3);
                }
            }
        }
    });
}

/// Captures with SIP in them, how many descriptions each has, and how many of those are of T.38.
const CAPTURES: [(&str, usize, usize); 3] =
    [("vega1_t38_reinvite.pcap", 5, 2), ("08-t38fail.pcap", 5, 2), ("ast-2016-003_udptl_crash.pcap", 0, 0)];

/// The bodies of SIP messages in a capture: found by their first line, as a reader of a stream would.
fn descriptions(capture: &[u8]) -> Vec<Description> {
    let text: String = capture.iter().map(|octet| char::from(*octet)).collect();
    let bodies = text.split("\r\n\r\nv=0\r\n").skip(1);
    let end = |body: &str| {
        let is_line = |line: &&str| line.as_bytes().get(1) == Some(&b'=') && line.is_ascii();
        body.split("\r\n").take_while(is_line).collect::<Vec<_>>().join("\r\n")
    };
    bodies.map(|body| Description::read(end(body).as_bytes())).collect()
}

#[test]
fn descriptions_of_real_calls_are_read() {
    let Some(folder) = answertone_vectors::shared("assets/2-t38-pcap", CAPTURES.len()) else { return };
    for (name, count, of_t38) in CAPTURES {
        let all = descriptions(&std::fs::read(folder.join(name)).unwrap());
        let images: Vec<_> = all.iter().filter(|each| each.media[0].kind == "image").collect();
        assert_eq!((all.len(), images.len()), (count, of_t38), "{name}");
        for each in &images {
            let choice = choose(each, &local(), ALL, false).expect("T.38 of real machines is taken");
            let t38 = &image(&choice.agreed).t38;
            assert_eq!((t38.version, t38.max_bit_rate, t38.correction), (0, 14_400, Correction::Redundancy), "{name}");
            assert!(!t38.fill_bit_removal && !t38.transcoding_mmr, "{name}: booleans of :0 are false");
        }
    }
}
