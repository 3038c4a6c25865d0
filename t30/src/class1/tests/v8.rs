//! Class 1.0: two modems that know V.8, one that does not, led by themselves or by their hosts.

use super::*;

/// Both hosts in class 1.0 with V.8 set as each says.
fn set_up(caller: &str, answerer: &str) -> Pair {
    let mut pair = Pair::new();
    pair.set_up();
    for (who, v8) in [(0, caller), (1, answerer)] {
        pair.say(who, &format!("AT+FCLASS=1.0;+A8E={v8}"), "OK\r\n");
    }
    pair
}

/// The answerer sends its frame, and the caller hears it.
fn identify(pair: &mut Pair) {
    pair.stations[1].write(&[DIS, b"\x10\x03"].concat());
    assert_eq!(pair.frame(0), DIS);
    pair.read(1, "OK\r\n");
}

#[test]
fn modems_agree_by_themselves_and_tell_what_on_request() {
    for (caller, answerer, told) in [("1,1", "1,1", false), ("6,5", "6,5", true), ("6,5,81", "6,5", true)] {
        let mut pair = set_up(caller, answerer);
        pair.call();
        let read = pair.read(1, "CONNECT\r\n");
        let answerer = String::from_utf8_lossy(&read).into_owned();
        assert_eq!(answerer.contains("+A8M:8105D490\r\n\r\n+A8J:1\r\n"), told, "{answerer:?}");
        assert_eq!(answerer.contains("+A8I:81\r\n"), caller.ends_with("81"), "{answerer:?}");
        if told {
            pair.read(0, "+A8A:1\r\n\r\n+A8M:8105D490\r\n\r\n+A8J:1\r\n");
        }
        identify(&mut pair);
    }
}

#[test]
fn a_machine_without_v8_is_called_and_answered_all_the_same() {
    for (classes, told) in [(["1.0", "1"], "+A8A:2\r\n"), (["1", "1.0"], "")] {
        let mut pair = set_up("6,5", "6,5");
        for (who, class) in classes.into_iter().enumerate() {
            pair.say(who, &format!("AT+FCLASS={class}"), "OK\r\n");
        }
        pair.call();
        pair.read(1, "CONNECT\r\n");
        if !told.is_empty() {
            pair.read(0, told);
        }
        identify(&mut pair);
    }
}

#[test]
fn hosts_lead_and_a_menu_that_promises_too_much_is_refused() {
    let mut pair = set_up("3,,", ",2");
    pair.stations[0].write(b"ATD200\r");
    pair.read(1, "RING\r\n");
    pair.stations[1].write(b"ATA\r");
    pair.read(0, "+A8A:1\r\n\r\nOK\r\n");
    pair.say(0, "AT+A8M=8185D490", "ERROR\r\n");
    pair.stations[0].write(b"AT+A8M=81051490\r");
    pair.read(1, "+A8M:81051490\r\n\r\nOK\r\n");
    pair.stations[1].write(b"AT+A8M=81051490\r");
    pair.read(0, "+A8M:81051490\r\n\r\nOK\r\n");
    pair.stations[0].write(b"ATO\r");
    pair.read(0, "+A8J:1\r\n");
    pair.read(1, "+A8J:1\r\n\r\nOK\r\n");
    pair.say(1, "ATO", "CONNECT\r\n");
    identify(&mut pair);
    pair.say(0, "ATH", "OK\r\n");
    pair.block();
    assert!(pair.stations.iter().all(|station| !station.modem.is_off_hook()));
}

#[test]
fn a_host_that_leads_hears_when_nothing_comes() {
    let mut pair = set_up("3", "1");
    pair.say(1, "AT+FCLASS=1", "OK\r\n");
    pair.call();
    pair.read(0, "+A8A:2\r\n\r\nOK\r\n");
    pair.stations[0].write(b"ATO\r");
    pair.read(1, "CONNECT\r\n");
    identify(&mut pair);
    let mut pair = set_up("0", ",2");
    pair.call();
    pair.read(1, "+A8M:0\r\n\r\nOK\r\n");
    pair.say(1, "ATO", "CONNECT\r\n");
    identify(&mut pair);
}

#[test]
fn commands_of_v8_are_told_and_refused_as_they_should_be() {
    let mut pair = set_up("1,1", "1,1");
    for (command, answer) in [
        ("AT+A8E?", "1,1,00,0\r\n"),
        ("AT+A8E=?", "(0-3,6),(0-2,5),(00,81,A1),(0)\r\n"),
        ("AT+A8E=9", "ERROR\r\n"),
        ("AT+A8M=8105", "ERROR\r\n"),
        ("AT+A8T=?", "0\r\n"),
        ("AT+A8T=1", "ERROR\r\n"),
        ("AT+F34=14,4,2", "OK\r\n"),
        ("AT+F34=?", "(0),(0),(0)\r\n"),
        ("ATO", "NO CARRIER\r\n"),
    ] {
        pair.say(0, command, answer);
    }
}

#[test]
fn a_call_that_is_broken_off_in_v8_leaves_the_line_on_hook() {
    let mut pair = set_up("1", "1");
    pair.call();
    (0..420).for_each(|_| pair.block());
    pair.stations[0].write(b"x");
    pair.read(0, "NO CARRIER\r\n");
    (0..5).for_each(|_| pair.block());
    pair.read(1, "NO CARRIER\r\n");
    assert!(pair.stations.iter().all(|station| !station.modem.is_off_hook() && station.v8.is_none()));
}
