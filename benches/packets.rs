//! T.38 calls at once, in real time over the loopback, on two threads: what they cost of the processor and of memory.
//! Both ends of every call are here, so a gateway that has one end of each needs half.
//!
//! `cargo bench --package answertone-benches --bench packets -- 100` runs so many calls.

use std::{
    env, fs,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use answertone_t30::{
    frame::Modems,
    session::{Config, Document, Event, Outcome, Session},
    t38::{Call, TerminalConfig, Wire, udptl::ErrorCorrection},
    time::{LineSpan, LineTime},
};
use answertone_vectors::ends::page;

/// Calls if no number is given.
const USUAL: usize = 100;

/// Threads that serve them.
const THREADS: usize = 2;

/// Between two looks at every call.
const TURN: Duration = Duration::from_millis(5);

/// Calls begin one after the other within this.
const SPREAD: Duration = Duration::from_secs(3);

/// No call lasts longer.
const LONGEST: Duration = Duration::from_secs(180);

/// One end.
struct End {
    call: Call,
    socket: UdpSocket,
    far: SocketAddr,
    begins: Duration,
    outcome: Option<Outcome>,
    pages: usize,
    /// How late its worst turn was.
    late: Duration,
}

/// Both ends of a call.
fn pair(number: usize, calls: usize) -> [End; 2] {
    let config = Arc::new(Config { modems: Modems::ALL, path_delay: LineSpan::ms(1000), ..Config::default() });
    let document = Document { pages: vec![page(number as u32)], first: 0 };
    let sessions =
        [Session::calling(config.clone(), document, LineTime::ZERO), Session::answering(config, LineTime::ZERO)];
    let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("there are ports"));
    let mut addresses = sockets.each_ref().map(|socket| socket.local_addr().expect("it is bound"));
    addresses.reverse();
    let begins = SPREAD * number as u32 / calls as u32;
    let mut ends = sessions.into_iter().zip(sockets).zip(addresses).map(|((session, socket), far)| {
        socket.set_nonblocking(true).expect("sockets can be asked");
        let wire = Wire::udptl(ErrorCorrection::Redundancy { packets: 3 }, 1400);
        let call = Call::new(session, TerminalConfig::default(), wire);
        End { call, socket, far, begins, outcome: None, pages: 0, late: Duration::ZERO }
    });
    [ends.next(), ends.next()].map(|end| end.expect("a call has two ends"))
}

impl End {
    fn turn(&mut self, since: Duration, buffer: &mut [u8]) {
        let Some(age) = since.checked_sub(self.begins) else { return };
        let now = LineTime(age.as_micros() as u64 * 8 / 1000);
        if let Some(due) = self.call.due() {
            self.late = self.late.max(Duration::from_micros(now.since(due).0 * 125));
        }
        while let Ok((count, _)) = self.socket.recv_from(buffer) {
            self.call.handle_datagram(&buffer[..count], now);
        }
        self.call.handle_timeout(now);
        while let Some(datagram) = self.call.poll_datagram() {
            let _ = self.socket.send_to(&datagram, self.far);
        }
        while let Some(event) = self.call.poll_event() {
            match event.what {
                Event::Page(_) => self.pages += 1,
                Event::Finished(outcome) => self.outcome = Some(outcome),
                _ => {}
            }
        }
        self.call.session_mut().take_trace().for_each(drop);
    }
}

fn serve(mut ends: Vec<End>) -> Vec<End> {
    let (began, mut buffer) = (Instant::now(), vec![0; 2000]);
    while !ends.iter().all(|end| end.call.is_over()) && began.elapsed() < LONGEST {
        let turn = Instant::now();
        for end in ends.iter_mut().filter(|end| !end.call.is_over()) {
            end.turn(began.elapsed(), &mut buffer);
        }
        thread::sleep(TURN.saturating_sub(turn.elapsed()));
    }
    ends
}

/// Memory in use now, and the most there was, in kibibytes.
fn memory(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn main() {
    // As a test only that it is built counts.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    let calls = env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(USUAL);
    let before = memory("VmRSS:");
    let mut ends: Vec<End> = (0..calls).flat_map(|number| pair(number, calls)).collect();
    let mut shares: Vec<Vec<End>> = (0..THREADS).map(|_| Vec::new()).collect();
    for place in 0..ends.len() {
        let end = ends.pop().expect("there are as many");
        shares[place % THREADS].push(end);
    }
    let began = Instant::now();
    let threads: Vec<_> = shares.into_iter().map(|share| thread::spawn(move || (serve(share), processor()))).collect();
    let served: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it ends by itself")).collect();
    let seconds = began.elapsed().as_secs_f64();
    let cpu: Duration = served.iter().map(|(_, cpu)| *cpu).sum::<Duration>();
    let ends: Vec<End> = served.into_iter().flat_map(|(ends, _)| ends).collect();
    let completed = ends.iter().filter(|end| end.outcome == Some(Outcome::Completed)).count();
    let pages: usize = ends.iter().map(|end| end.pages).sum();
    let late = ends.iter().map(|end| end.late).max().unwrap_or_default();
    println!(
        "{calls} calls at once, {completed} of {} ends completed, {pages} pages, {seconds:.1} s; processor {:.2} s = {:.1} % of a core, \
         {:.2} % for an end; memory {} KiB more at most = {} KiB for an end; latest turn {} ms",
        2 * calls,
        cpu.as_secs_f64(),
        100.0 * cpu.as_secs_f64() / seconds,
        100.0 * cpu.as_secs_f64() / seconds / (2 * calls) as f64,
        memory("VmHWM:") - before,
        (memory("VmHWM:") - before) / (2 * calls as u64),
        late.as_millis()
    );
}

/// Processor time of the thread that asks.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}
