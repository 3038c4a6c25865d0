//! Hosts that die in each phase of a call, flood, write garbage or never read, through a real pseudo-terminal.

use std::{
    fs,
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::bench::{Bench, PATIENCE, wait_for};

/// O_NONBLOCK of Linux.
const NONBLOCKING: i32 = 0o4000;

/// Commands written to a modem that nobody reads, at most.
const MOST_WRITES: usize = 100_000;

/// A host with its hands on the terminal.
pub(super) struct Host(fs::File);

impl Host {
    /// It never waits in the terminal itself: a test must end.
    pub(super) fn open(terminal: &Path) -> Self {
        let mut options = fs::OpenOptions::new();
        let options = options.read(true).write(true).custom_flags(NONBLOCKING);
        Self(options.open(terminal).expect("the terminal is there"))
    }

    /// Goes, and stays away as long as a program takes to start.
    fn die(self) {
        drop(self);
        thread::sleep(Duration::from_millis(100));
    }

    pub(super) fn say(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// Writes as the terminal takes it.
    fn write(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            let written = self.patiently("take octets", |terminal| terminal.write(octets));
            octets = &octets[written..];
        }
    }

    /// Tries something until the terminal is ready for it.
    fn patiently(&mut self, what: &str, mut act: impl FnMut(&mut fs::File) -> io::Result<usize>) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            match act(&mut self.0) {
                Ok(count @ 1..) => return count,
                Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("the terminal does not {what}: {error}"),
                _ => assert!(Instant::now() < until, "the terminal does not {what}"),
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Reads until this has come.
    pub(super) fn read(&mut self, wanted: &str) -> String {
        String::from_utf8_lossy(&self.read_octets(wanted.as_bytes())).into_owned()
    }

    /// Reads until these octets have come.
    pub(super) fn read_octets(&mut self, wanted: &[u8]) -> Vec<u8> {
        let (mut read, mut octet) = (Vec::new(), [0]);
        while !read.ends_with(wanted) {
            self.patiently("give octets", |terminal| terminal.read(&mut octet));
            read.push(octet[0]);
        }
        read
    }

    pub(super) fn ask(&mut self, command: &str, wanted: &str) -> String {
        self.say(command);
        self.read(wanted)
    }
}

const READY: &str = "ATZE0V1Q0+FCLASS=1\r";
pub(super) const OK: &str = "OK\r\n";

/// When a caller dies, and what goes before.
type Death = (&'static str, fn(&mut Host, &mut Host));

/// What a caller and its called host do before the caller dies.
const PHASES: [Death; 7] = [
    ("in the middle of a command", |caller, _| caller.say("AT+F")),
    ("while it rings", |_, _| {}),
    ("while the answer tone sounds", |_, called| called.say("ATA\r")),
    ("as soon as there is a carrier", |caller, called| {
        called.say("ATA\r");
        caller.read("CONNECT\r\n");
    }),
    ("in the middle of a frame", |caller, called| {
        identify(caller, called);
        caller.ask("AT+FTH=3\r", "CONNECT\r\n");
        caller.say("\u{7f}\u{3}");
    }),
    ("in the middle of a page", |caller, called| {
        identify(caller, called);
        caller.ask("AT+FTM=96\r", "CONNECT\r\n");
        caller.say(&"\0".repeat(3000));
    }),
    ("while it listens", |caller, called| {
        identify(caller, called);
        caller.say("AT+FRM=96\r");
    }),
];

/// The called host says who it is, the caller hears it.
fn identify(caller: &mut Host, called: &mut Host) {
    called.ask("ATA\r", "CONNECT\r\n");
    called.say("\u{7f}\u{13}\u{1}\u{0}\u{10}\u{3}");
    called.read(OK);
    caller.read(OK);
}

#[test]
fn a_modem_outlives_its_hosts_and_hangs_up_when_they_go() {
    let bench = Bench::new();
    let ((_one, first), (_other, second)) = (bench.modem("100"), bench.modem("101"));
    for (phase, go) in PHASES {
        eprintln!("the caller dies {phase}");
        let mut called = Host::open(&second);
        called.ask(READY, OK);
        let mut caller = Host::open(&first);
        caller.ask(READY, OK);
        caller.say("ATD101\r");
        called.read("RING\r\n");
        go(&mut caller, &mut called);
        caller.die();
        // The called host dies in its turn: a modem that stays off hook is busy to the next call.
        called.die();
    }
    let (mut called, mut caller) = (Host::open(&first), Host::open(&second));
    called.ask(READY, OK);
    caller.ask(READY, OK);
    caller.say("ATD100\r");
    called.read("RING\r\n");
}

#[test]
fn garbage_and_floods_leave_a_modem_that_answers() {
    let bench = Bench::new();
    let (_modem, terminal) = bench.modem("100");
    let mut host = Host::open(&terminal);
    let mut writer = Host(host.0.try_clone().expect("a file can be shared"));
    let flood = thread::spawn(move || {
        let garbage = (0..300_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8);
        // No T: garbage that happens to be a command would be obeyed.
        let garbage: Vec<u8> = garbage.map(|octet| if octet & 0x5f == b'T' { b'x' } else { octet }).collect();
        writer.write(&garbage);
        writer.say("\rATE1\rATQ0V1E0\rAT+GMM\r");
    });
    host.read("Answertone fax modem\r\n\r\nOK\r\n");
    flood.join().expect("the flood ends");
}

/// A host that never reads loses what it was told, and nothing else: the next one finds the modem well.
#[test]
fn a_host_that_never_reads_harms_nobody() {
    let bench = Bench::new();
    let ((_one, first), (_other, second)) = (bench.modem("100"), bench.modem("101"));
    let mut deaf = Host::open(&first);
    // The terminal fills up, and then the modem takes nothing more.
    let taken = (0..MOST_WRITES).take_while(|_| deaf.0.write_all(b"AT&V\r").is_ok()).count();
    assert!(taken < MOST_WRITES, "the modem takes more than it can answer");
    deaf.die();
    let mut called = Host::open(&first);
    called.ask(READY, OK);
    let mut caller = Host::open(&second);
    caller.ask(READY, OK);
    caller.say("ATD100\r");
    called.read("RING\r\n");
}

/// Calls of one modem, one after the other.
const CALLS: u32 = 500;

/// The calls after which a modem has all that it will ever have.
const SETTLED: u32 = 100;

/// What may come on top later: kilobytes of memory, for fragments, and open files.
const MOST_MORE: (usize, usize) = (8 * 1024, 0);

/// Hosts come, call and hang up or die, each a little later in its call than the one before.
#[test]
fn five_hundred_calls_in_a_row_cost_no_memory_and_no_files() {
    let bench = Bench::new();
    let (modem, terminal) = bench.modem_on("sim:");
    let mut settled = (0, 0);
    for call in 1..=CALLS {
        let mut host = Host::open(&terminal);
        host.ask(READY, OK);
        host.say("ATD200\r");
        thread::sleep(Duration::from_millis(u64::from(call % 16) * 5));
        if call % 3 > 0 {
            host.ask("x", "NO CARRIER\r\n");
            host.ask("ATH\r", OK);
        }
        host.die();
        if call == SETTLED {
            settled = modem.holds();
        }
    }
    // The far ends of the last calls need a moment to see that nobody is there.
    let (memory, files) = wait_for("the far ends' going", || {
        let (memory, files) = modem.holds();
        (files <= settled.1 + MOST_MORE.1).then_some((memory, files))
    });
    eprintln!("after {SETTLED} calls {settled:?} kB and files, after {CALLS} {:?}", (memory, files));
    assert!(memory <= settled.0 + MOST_MORE.0, "{memory} kB after {} kB", settled.0);
    let mut host = Host::open(&terminal);
    host.ask(READY, OK);
    host.ask("ATD200\r", "CONNECT\r\n");
}
