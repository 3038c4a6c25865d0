//! A stand-in for the channel, and the header for the numbers.

use std::{
    collections::VecDeque,
    env, fs, io,
    io::Write,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use answertone_dsp::{g711::Law, pcm::SILENCE};

use super::*;
use crate::{LineError, PolledLine, hook::Hook as _};

/// What a channel's other side sees and does.
#[derive(Default)]
struct Wire {
    to_line: VecDeque<u8>,
    from_line: Vec<u8>,
    events: VecDeque<ChannelEvent>,
    hooks: Vec<Hook>,
    dialled: Vec<String>,
}

#[derive(Clone, Default)]
struct StandIn(Arc<Mutex<Wire>>);

impl Channel for StandIn {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<Moved> {
        let mut wire = self.0.lock().unwrap();
        if !wire.events.is_empty() {
            return Ok(Moved::EventWaits);
        }
        let count = octets.len().min(wire.to_line.len());
        octets.iter_mut().zip(wire.to_line.drain(..count)).for_each(|(to, octet)| *to = octet);
        Ok(if count > 0 { Moved::Octets(count) } else { Moved::NotYet })
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<Moved> {
        self.0.lock().unwrap().from_line.extend(octets);
        Ok(Moved::Octets(octets.len()))
    }

    fn event(&mut self) -> io::Result<Option<ChannelEvent>> {
        Ok(self.0.lock().unwrap().events.pop_front())
    }

    fn hook(&mut self, hook: Hook) -> io::Result<()> {
        self.0.lock().unwrap().hooks.push(hook);
        Ok(())
    }

    fn dial(&mut self, what: &str) -> io::Result<()> {
        self.0.lock().unwrap().dialled.push(what.to_owned());
        Ok(())
    }
}

fn line(uri: &str) -> (DahdiLine<StandIn>, StandIn) {
    let channel = StandIn::default();
    let params = DahdiParams::parse(&format!("dahdi:{uri}"), uri).unwrap();
    (DahdiLine::new(channel.clone(), &params), channel)
}

#[test]
fn a_ring_is_answered_and_samples_cross_by_the_drivers_clock() {
    for (uri, law) in [("1", None), ("1?samples=alaw", Some(Law::A)), ("1?samples=ulaw", Some(Law::Mu))] {
        let (mut line, wire) = line(uri);
        let (now, mut rx) = (Instant::now(), SILENCE);
        let mut rings = |events: &[ChannelEvent]| {
            wire.0.lock().unwrap().events.extend(events);
            let later = line.due();
            assert_eq!(line.try_exchange(later, &SILENCE, &mut rx).unwrap(), None);
            line.poll().unwrap().ringing
        };
        assert_eq!(rings(&[ChannelEvent::Other(12), ChannelEvent::Polarity, ChannelEvent::OnHook]), Some(false));
        assert_eq!(rings(&[ChannelEvent::RingBegins]), Some(true));
        assert_eq!(rings(&[]), Some(true));
        assert_eq!(rings(&[ChannelEvent::RingOrOffHook]), Some(false));
        assert_eq!(rings(&[ChannelEvent::RingOrOffHook]), Some(true), "one that is told by its end alone");
        assert_eq!(rings(&[]), Some(false));
        line.set(true).unwrap();
        let now = now.max(line.due());
        assert_eq!(line.try_exchange(now, &[500; 80], &mut rx).unwrap(), None, "no block can be read yet");
        let octets: Vec<u8> = match law {
            None => [1000i16; 80].into_iter().flat_map(i16::to_ne_bytes).collect(),
            Some(law) => vec![law.encode(1000); 80],
        };
        wire.0.lock().unwrap().to_line.extend(&octets[..30]);
        let now = now + Duration::from_millis(2);
        assert_eq!(line.try_exchange(now, &[500; 80], &mut rx).unwrap(), None, "half a block is none");
        wire.0.lock().unwrap().to_line.extend(&octets[30..]);
        let now = now + Duration::from_millis(2);
        assert!(line.try_exchange(now, &[500; 80], &mut rx).unwrap().is_some());
        assert_eq!(rx[79], law.map_or(1000, |law| law.decode(law.encode(1000))));
        assert_eq!(wire.0.lock().unwrap().from_line.len(), octets.len());
        line.hang_up();
        assert_eq!(wire.0.lock().unwrap().hooks, [Hook::Off, Hook::On]);
    }
}

#[test]
fn each_way_to_lose_a_channel_has_its_word() {
    let polarity = ChannelEvent::Polarity;
    for (events, said) in [
        (vec![ChannelEvent::OnHook], "the far end hung up"),
        (vec![polarity, polarity], "the far end hung up"),
        (vec![ChannelEvent::Alarm], "in alarm"),
        (vec![ChannelEvent::Removed], "gone from this machine"),
    ] {
        let (mut line, wire) = line("3");
        line.set(true).unwrap();
        wire.0.lock().unwrap().events.extend(events);
        let error = line.try_exchange(Instant::now(), &SILENCE, &mut SILENCE.clone()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let (mut line, _wire) = line("3");
    line.set(true).unwrap();
    let later = Instant::now() + Duration::from_secs(3);
    assert!(matches!(line.try_exchange(later, &SILENCE, &mut SILENCE.clone()), Err(LineError::Stalled(_))));
}

#[test]
fn flashes_and_pulses_are_the_drivers_and_a_call_that_ended_says_nothing_of_the_next() {
    let (mut line, wire) = line("3");
    line.set(true).unwrap();
    assert!(line.flash().unwrap() && line.pulses(7).unwrap() && line.pulses(10).unwrap());
    assert_eq!(wire.0.lock().unwrap().dialled, ["P7", "P0"]);
    wire.0.lock().unwrap().events.push_back(ChannelEvent::OnHook);
    assert!(matches!(line.try_exchange(Instant::now(), &SILENCE, &mut SILENCE.clone()), Err(LineError::HungUp)));
    line.set(false).unwrap();
    line.set(true).unwrap();
    assert_eq!(line.try_exchange(Instant::now(), &SILENCE, &mut SILENCE.clone()).unwrap(), None);
    assert_eq!(wire.0.lock().unwrap().hooks, [Hook::Off, Hook::Flash, Hook::On, Hook::Off]);
}

#[test]
fn errors_name_the_thing_the_value_and_the_remedy() {
    for (wrong, said) in [
        ("", "line 'dahdi:' is not right; write the number of a channel"),
        ("0", "line 'dahdi:0' is not right"),
        ("1?samples=mp3", "'samples=mp3' of a line dahdi: is not right; write linear, ulaw or alaw"),
        ("1?rx_gain=90", "write decibels from -20 to 20"),
    ] {
        let error = DahdiParams::parse(&format!("dahdi:{wrong}"), wrong).unwrap_err().to_string();
        assert!(error.contains(said), "{wrong}: {error}");
    }
    let params = DahdiParams::parse("dahdi:1", "1").unwrap();
    if !Path::new("/dev/dahdi/channel").exists() {
        let error = super::open(&params).map(drop).unwrap_err().to_string();
        assert!(error.starts_with("dahdi=1: ") && error.contains("check that the driver is loaded"), "{error}");
    }
}

/// What the header says, by a C program that includes it.
fn by_the_header(header: &Path) -> Option<String> {
    let folder = env::temp_dir().join(format!("answertone-dahdi-{}", std::process::id()));
    fs::create_dir_all(&folder).ok()?;
    let (source, program) = (folder.join("numbers.c"), folder.join("numbers"));
    let lines: String = REQUESTS
        .iter()
        .map(|(name, _)| format!("printf(\"{name} %llu\\n\", (unsigned long long) {name});\n"))
        .collect();
    let text = format!(
        "#include <stdio.h>\n#include <dahdi/user.h>\nint main(void) {{\n{lines}\
         printf(\"bufferinfo %zu\\nhwgain %zu\\n\", sizeof(struct dahdi_bufferinfo), sizeof(struct dahdi_hwgain));\n\
         printf(\"events %d %d %d %d %d %d %d\\n\", DAHDI_EVENT_ONHOOK, DAHDI_EVENT_RINGOFFHOOK, DAHDI_EVENT_ALARM,\n\
         DAHDI_EVENT_NOALARM, DAHDI_EVENT_POLARITY, DAHDI_EVENT_RINGBEGIN, DAHDI_EVENT_REMOVED);\n\
         printf(\"hook %d %d %d\\n\", DAHDI_ONHOOK, DAHDI_OFFHOOK, DAHDI_FLASH);\n\
         printf(\"law %d %d\\n\", DAHDI_LAW_MULAW, DAHDI_LAW_ALAW);\n\
         printf(\"dial %zu %d\\n\", sizeof(struct dahdi_dialoperation), DAHDI_DIAL_OP_APPEND);\n}}\n"
    );
    fs::write(&source, text).ok()?;
    let include = header.ancestors().nth(2)?;
    let made = Command::new("cc").arg("-I").arg(include).arg("-o").arg(&program).arg(&source).status();
    let output = made.ok().filter(|made| made.success()).and_then(|_| Command::new(&program).output().ok());
    let _ = fs::remove_dir_all(&folder);
    String::from_utf8(output?.stdout).ok()
}

#[test]
fn numbers_and_structures_are_those_of_the_header() {
    let header = env::var_os("ANSWERTONE_DAHDI_HEADER").unwrap_or_else(|| "/usr/include/dahdi/user.h".into());
    let cases = REQUESTS.len() + 6;
    if !Path::new(&header).exists() {
        let _ = writeln!(io::stderr(), "not run: {cases} cases: dahdi/user.h is not there; install dahdi-source");
        return;
    }
    let Some(said) = by_the_header(Path::new(&header)) else {
        let _ = writeln!(io::stderr(), "not run: {cases} cases: no C compiler; install build-essential");
        return;
    };
    let mut expected: String = REQUESTS.iter().map(|(name, number)| format!("{name} {number}\n")).collect();
    expected += &format!("bufferinfo {}\nhwgain {}\n", size_of::<BufferInfo>(), size_of::<HardwareGain>());
    expected += "events 1 2 4 5 17 18 20\n";
    expected += &format!("hook {} {} {}\nlaw 1 2\n", Hook::On as i32, Hook::Off as i32, Hook::Flash as i32);
    let dialled = DialOperation::append("P7");
    expected += &format!("dial {} {}\n", size_of::<DialOperation>(), dialled.operation);
    assert_eq!((&dialled.signs[..3], dialled.signs[255]), (b"P7\0".as_slice(), 0));
    assert_eq!(said, expected);
}
