//! Asterisk's side of a WebSocket call.

use std::{
    io::{ErrorKind, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use answertone_dsp::{g711::Law, pcm::SILENCE};
use tungstenite::{ClientRequestBuilder, Message, WebSocket, http::Uri, stream::MaybeTlsStream};

use super::{
    connection::welcome,
    control::{Style, Told, told},
};
use crate::{Line, LineError, LineUri, PolledLine, open_line};

const JSON_START: &str = r#"{ "event": "MEDIA_START", "connection_id": "fax", "channel": "WebSocket/fax/0x51",
    "channel_id": "1761245643.1", "format": "ulaw", "optimal_frame_size": 160, "ptime": 20,
    "channel_variables": { "DIALEDPEERNUMBER": "fax/c(ulaw)", "digit": "9" } }"#;

const JSON_DIGIT_OF_ANOTHER: &str = r#"{"channel_variables":{"digit":"9"},"event":"DTMF_END"}"#;

#[test]
fn both_ways_of_writing_are_read() {
    let plain = "MEDIA_START connection_id:fax channel:WebSocket/fax/0x51 format:alaw optimal_frame_size:160";
    assert_eq!((told(plain), Style::of(plain)), (Told::Start("alaw".into()), Style::Plain));
    assert_eq!((told(JSON_START), Style::of(JSON_START)), (Told::Start("ulaw".into()), Style::Json));
    assert_eq!(told("DTMF_END digit:7"), Told::Digit('7'));
    assert_eq!(told(r##"{"event":"DTMF_END","channel_id":"1.1","digit":"#"}"##), Told::Digit('#'));
    assert_eq!((told("MEDIA_XOFF"), told(r#"{"event":"MEDIA_XON"}"#)), (Told::Pause, Told::GoOn));
    for other in ["", "{", "{\"event\"", "STATUS queue_length:3", "DTMF_END digit:", JSON_DIGIT_OF_ANOTHER] {
        assert_eq!(told(other), Told::Other, "{other}");
    }
}

#[test]
fn errors_name_the_thing_the_value_and_the_remedy() {
    for (wrong, said) in [
        ("", "line 'websocket:' is not right; write websocket:listen=HOST:PORT"),
        ("listen=127.0.0.1:1&path=/media/x", "write websocket:listen=HOST:PORT"),
        ("listen=127.0.0.1:1&calls=0", "'calls=0' of a line websocket: is not right; write how many calls"),
        ("listen=127.0.0.1:1&rate=8000", "parameter 'rate' of a line websocket: is not known"),
    ] {
        let error = format!("websocket:{wrong}").parse::<LineUri>().unwrap_err().to_string();
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

type Asterisk = WebSocket<MaybeTlsStream<TcpStream>>;

/// A line that listens, and who has connected to it as Asterisk does.
fn call(start: &str) -> (Box<dyn PolledLine>, Asterisk) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri: LineUri = format!("websocket:listen=127.0.0.1:{port}").parse().unwrap();
    let opening = thread::spawn(move || match open_line(&uri, &|| true).unwrap() {
        Line::Polled(line) => line,
        Line::Own(_) => unreachable!("a WebSocket never waits"),
    });
    let address: Uri = format!("ws://127.0.0.1:{port}/fax?x=1&number=%2B15550100").parse().unwrap();
    let request = ClientRequestBuilder::new(address).with_sub_protocol("media").with_sub_protocol("another");
    let mut asterisk = loop {
        if let Ok((socket, _)) = tungstenite::connect(request.clone()) {
            break socket;
        }
    };
    asterisk.send(Message::text(start)).unwrap();
    (opening.join().unwrap(), asterisk)
}

/// Blocks until something was seen, in the line's own time.
fn until<T>(line: &mut dyn PolledLine, tx: i16, mut seen: impl FnMut(i16, &mut dyn PolledLine) -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        let mut rx = SILENCE;
        thread::sleep(line.due().saturating_duration_since(Instant::now()));
        line.try_exchange(Instant::now(), &[tx; 80], &mut rx).unwrap();
        if let Some(seen) = seen(rx[79], line) {
            return seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came");
    }
}

#[test]
fn samples_digits_and_the_called_number_cross_in_the_format_that_asterisk_says() {
    let (mut line, mut asterisk) = call(JSON_START);
    assert_eq!(line.called(), Some("15550100"));
    (0..20).for_each(|_| asterisk.send(Message::binary(vec![Law::Mu.encode(1000); 160])).unwrap());
    asterisk.send(Message::text(r#"{"event":"DTMF_END","digit":"5"}"#)).unwrap();
    let heard = until(line.as_mut(), -500, |sample, _| (sample != 0).then_some(sample));
    assert_eq!(heard, Law::Mu.decode(Law::Mu.encode(1000)));
    assert_eq!(until(line.as_mut(), -500, |_, line| line.digit()), '5');
    let first = asterisk.read().unwrap().into_data();
    assert_eq!((first.len(), first[0], first[159]), (160, Law::Mu.encode(-500), Law::Mu.encode(-500)));
    line.hang_up();
    let goodbye = std::iter::repeat_with(|| asterisk.read().unwrap()).find(|message| !message.is_binary()).unwrap();
    assert_eq!(goodbye.into_text().unwrap().as_str(), r#"{"command":"HANGUP"}"#);
    assert!(matches!(line.try_exchange(line.due(), &SILENCE, &mut SILENCE.clone()), Err(LineError::HungUp)));
}

#[test]
fn digits_that_come_all_at_once_are_read_as_they_are_taken() {
    let (mut line, mut asterisk) = call("MEDIA_START format:slin optimal_frame_size:320");
    (0..100).for_each(|_| asterisk.send(Message::text("DTMF_END digit:1")).unwrap());
    asterisk.send(Message::text("DTMF_END digit:2")).unwrap();
    // All have arrived before the first is read.
    thread::sleep(Duration::from_millis(100));
    let mut digits = String::new();
    until(line.as_mut(), 0, |_, line| {
        digits.extend(std::iter::from_fn(|| line.digit()));
        digits.ends_with('2').then_some(())
    });
    assert_eq!(digits.len(), 101);
}

#[test]
fn who_writes_its_handshake_drop_by_drop_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut slow = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    thread::spawn(move || {
        while slow.write_all(b"G").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(welcome(stream).map(drop).unwrap_err().kind(), ErrorKind::TimedOut);
}

/// What a line comes to when nothing is done with it.
fn outcome(line: &mut dyn PolledLine) -> LineError {
    loop {
        thread::sleep(line.due().saturating_duration_since(Instant::now()));
        if let Err(error) = line.try_exchange(Instant::now(), &SILENCE, &mut SILENCE.clone()) {
            return error;
        }
    }
}

#[test]
fn each_end_of_a_call_has_its_word() {
    let (mut line, mut asterisk) = call("MEDIA_START format:slin optimal_frame_size:320");
    asterisk.close(None).unwrap();
    assert!(matches!(outcome(line.as_mut()), LineError::HungUp));
    let (mut line, asterisk) = call("MEDIA_START format:slin optimal_frame_size:320");
    drop(asterisk);
    assert!(matches!(outcome(line.as_mut()), LineError::HungUp));
    let (mut line, _silent) = call("MEDIA_START format:slin optimal_frame_size:320");
    assert!(matches!(outcome(line.as_mut()), LineError::Stalled(_)));
    let (mut line, _opus) = call("MEDIA_START format:opus optimal_frame_size:160");
    let error = outcome(line.as_mut()).to_string();
    assert!(error.contains("'opus'; write c(slin)"), "{error}");
}

#[test]
fn nothing_is_sent_while_asterisk_wants_nothing() {
    let (mut line, mut asterisk) = call("MEDIA_START format:slin optimal_frame_size:320");
    asterisk.send(Message::text("MEDIA_XOFF")).unwrap();
    asterisk.send(Message::text("DTMF_END digit:1")).unwrap();
    until(line.as_mut(), 100, |_, line| line.digit());
    let mut blocks = 0;
    until(line.as_mut(), 200, |_, _| {
        blocks += 1;
        (blocks == 20).then_some(())
    });
    asterisk.send(Message::text("MEDIA_XON")).unwrap();
    asterisk.send(Message::text("DTMF_END digit:2")).unwrap();
    until(line.as_mut(), 100, |_, line| line.digit());
    line.hang_up();
    let sent = std::iter::from_fn(|| asterisk.read().ok()).take_while(Message::is_binary);
    let sent: Vec<u8> = sent.flat_map(|message| message.into_data().to_vec()).collect();
    let whole = sent.chunks_exact(2).filter(|pair| i16::from_le_bytes([pair[0], pair[1]]) == 200).count();
    // A block may have waited for its other half.
    assert!(whole <= 80, "{whole} samples went in the pause");
}
