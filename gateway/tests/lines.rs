//! Lines that come and go under a running gateway: a port somebody else has, a far end that dies in mid-call, a gateway
//! that dies in mid-call. Real processes over AudioSocket; the program itself is the far end.

// Other tests of the gateway use the rest of these.
#[allow(dead_code)]
mod daemon;
#[allow(dead_code)]
mod mail;

use std::{
    collections::VecDeque,
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use answertone_gateway::store::Store;
use answertone_hw::exchange::{Bell, Exchange, Subscriber};
use daemon::{Gateway, PROGRAM, Sink, wait_for};
use mail::{submit, text_mail};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Runtime;
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

/// The program at the far end of a line, on one call.
fn call(folder: &Path, line: &str, what: [&str; 2], result: &str) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(["call", "--line", line]).args(what).args(["--result", result]);
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn result(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// A short document to send.
fn document(folder: &Path) {
    fs::write(folder.join("page.txt"), "This line comes back by itself.\n").unwrap();
}

/// In the middle of a call: a page takes a quarter of a minute by the wall clock.
const MID_CALL: Duration = Duration::from_secs(6);

#[test]
fn a_port_that_is_taken_is_had_as_soon_as_it_is_free() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let _gateway =
        Gateway::start_on_line(own.path(), sink.port, &format!("audiosocket:listen=127.0.0.1:{port}&pace=free"));
    thread::sleep(Duration::from_millis(300));
    drop(taken);
    wait_for("the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    document(own.path());
    let line = format!("audiosocket:connect=127.0.0.1:{port}&pace=free");
    assert!(call(own.path(), &line, ["--send", "page.txt"], "result.json").wait().unwrap().success());
    wait_for("the fax", || sink.count() == 1);
}

#[test]
fn a_gateway_that_dies_ends_the_call_and_takes_the_next_one_when_it_is_back() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let port = Sink::free_port();
    let here = format!("audiosocket:listen=127.0.0.1:{port}");
    let there = format!("audiosocket:connect=127.0.0.1:{port}");
    document(own.path());
    let mut gateway = Gateway::start_on_line(own.path(), sink.port, &here);
    wait_for("the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let mut caller = call(own.path(), &there, ["--send", "page.txt"], "first.json");
    thread::sleep(MID_CALL);
    gateway.kill();
    let died = Instant::now();
    assert!(!caller.wait().unwrap().success());
    println!("the call ended {:.1} s after the gateway died", died.elapsed().as_secs_f32());
    let first = result(own.path(), "first.json");
    assert_eq!(first["failure"]["cause"], "line_lost");
    let said = first["failure"]["text"].as_str().unwrap();
    assert!(said.contains("the far end hung up"), "{said}");
    drop(gateway);
    let _gateway = Gateway::start_on_line(own.path(), sink.port, &format!("{here}&pace=free"));
    wait_for("the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let mut caller = call(own.path(), &format!("{there}&pace=free"), ["--send", "page.txt"], "second.json");
    assert!(caller.wait().unwrap().success());
    wait_for("the fax", || sink.find("fax-message").is_some());
}

#[test]
fn a_job_whose_far_end_dies_is_sent_when_there_is_another() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let port = Sink::free_port();
    let there = format!("audiosocket:listen=127.0.0.1:{port}");
    let mut far = call(own.path(), &there, ["--receive", "first.tiff"], "first.json");
    let line = format!("audiosocket:connect=127.0.0.1:{port}");
    let gateway = Gateway::start_on_line(own.path(), sink.port, &line);
    let mail = text_mail("dropped", "Sent although the first call broke.");
    submit(gateway.port, "me@office.example", "FAX=+15550100@fax.example", "NOTIFY=SUCCESS", &mail).unwrap();
    thread::sleep(MID_CALL);
    far.kill().unwrap();
    far.wait().unwrap();
    let died = Instant::now();
    wait_for("the end of the call", || gateway.queue().contains("\"waiting\"") || gateway.queue().contains("no_line"));
    println!("the job waited {:.1} s after the far end died", died.elapsed().as_secs_f32());
    let mut far = call(own.path(), &format!("{there}&pace=real"), ["--receive", "second.tiff"], "second.json");
    assert!(far.wait().unwrap().success());
    let second = result(own.path(), "second.json");
    assert_eq!((&second["ok"], &second["pages"]), (&Value::Bool(true), &Value::from(1)));
    wait_for("the notice", || sink.find("Action: delivered").is_some());
}

#[test]
fn a_gateway_that_stops_takes_back_the_call_that_nobody_has_answered() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let spool = own.path().join("spool/outgoing");
    fs::create_dir_all(&spool).unwrap();
    let line = format!(
        "audiosocket:listen=127.0.0.1:{}&spool={}&channel=PJSIP/{{number}}@trunk",
        Sink::free_port(),
        spool.display()
    );
    let mut gateway = Gateway::start_on_line(own.path(), sink.port, &line);
    letter(&gateway);
    let wishes = || fs::read_dir(&spool).unwrap().map(|wish| wish.unwrap().path()).collect::<Vec<_>>();
    wait_for("the call file", || !wishes().is_empty());
    let mode = fs::metadata(&wishes()[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "Asterisk reads it by its group");
    assert!(gateway.terminate().success());
    assert_eq!(wishes(), [] as [PathBuf; 0], "Asterisk would still call");
    let queue = gateway.queue();
    assert!(queue.contains("\"waiting\"") && !queue.contains("no_line"), "{queue}");
}

/// An analogue line of the exchange in this folder.
fn analogue(folder: &Path, number: &str) -> String {
    format!("exchange:{}?number={number}&loop=us", folder.join("exchange").display())
}

fn exchange(folder: &Path) -> Exchange {
    Exchange::start(&folder.join("exchange"), Bell::default()).unwrap()
}

fn letter(gateway: &Gateway) {
    let mail = text_mail("dialled", "This was dialled in the voice band.");
    submit(gateway.port, "me@office.example", "FAX=+15550100@fax.example", "NOTIFY=SUCCESS", &mail).unwrap();
}

#[test]
fn a_number_is_dialled_after_the_dial_tone_and_again_when_it_was_busy() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let _exchange = exchange(own.path());
    // As the dial plan writes it.
    let number = "0015550100";
    let talker = Subscriber::join(&own.path().join("exchange"), number).unwrap();
    talker.be_busy(true);
    let gateway = Gateway::start_on_line(own.path(), sink.port, &analogue(own.path(), "100"));
    letter(&gateway);
    wait_for("the busy tone", || gateway.queue().contains("\"busy\""));
    drop(talker);
    let there = format!("exchange:{}?number={number}", own.path().join("exchange").display());
    let mut far = call(own.path(), &there, ["--receive", "fax.tiff"], "far.json");
    assert!(far.wait().unwrap().success());
    let far = result(own.path(), "far.json");
    assert_eq!((&far["ok"], &far["pages"]), (&Value::Bool(true), &Value::from(1)), "{far}");
    wait_for("the notice", || sink.find("Action: delivered").is_some());
}

#[test]
fn a_line_without_dial_tone_is_told_by_that_name() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let _exchange = exchange(own.path());
    let silent = analogue(own.path(), "100").replace("loop=us", "loop=nowhere");
    let gateway = Gateway::start_on_line(own.path(), sink.port, &silent);
    letter(&gateway);
    wait_for("the end of the wait", || gateway.queue().contains("\"no_dial_tone\""));
}

#[test]
fn a_ringing_line_is_answered_and_the_mail_knows_who_called() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let exchange = exchange(own.path());
    let receiving = format!("{}\"\nuse = \"receive", analogue(own.path(), "200"));
    let gateway = Gateway::start_on_line(own.path(), sink.port, &receiving);
    wait_for("the gateway's line", || exchange.numbers().contains(&"200".to_owned()));
    document(own.path());
    let line = analogue(own.path(), "5550123");
    let mut command = Command::new(PROGRAM);
    command.args(["send", "page.txt", "--to", "200", "--line", &line]);
    let sent = command.current_dir(own.path()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(sent.success());
    wait_for("the fax", || sink.find("fax-message").is_some());
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&gateway.store())).unwrap();
    assert_eq!(runtime.block_on(store.fax(1)).unwrap().caller, "5550123");
}

#[test]
fn a_disk_that_fills_in_mid_call_confirms_no_more_and_the_line_takes_the_next_call() {
    const PAGES: usize = 5;
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let port = Sink::free_port();
    let here = format!("audiosocket:listen=127.0.0.1:{port}&pace=free");
    let gateway = Gateway::start_on_line_and_small_disk(own.path(), sink.port, &here);
    if !gateway.fill_disk(false) {
        return answertone_vectors::not_run(1, "there is no prlimit here");
    }
    wait_for("the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    document(own.path());
    let text: Vec<String> = (1..=PAGES).map(|page| format!("Page {page} of a long letter.")).collect();
    fs::write(own.path().join("letter.txt"), text.join("\x0c")).unwrap();
    let there = format!("audiosocket:connect=127.0.0.1:{port}&pace=free");
    let mut caller = call(own.path(), &there, ["--send", "letter.txt"], "first.json");
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&gateway.store())).unwrap();
    wait_for("the first page", || runtime.block_on(store.fax_pages(1)).is_ok_and(|pages| !pages.is_empty()));
    assert!(gateway.fill_disk(true));
    assert!(!caller.wait().unwrap().success(), "a page that nobody keeps was confirmed");
    let first = result(own.path(), "first.json");
    let kept = runtime.block_on(store.fax_pages(1)).unwrap().len();
    println!("{kept} pages kept: {}", first["failure"]);
    assert!((1..PAGES).contains(&kept), "{kept} pages");
    assert!(first["pages"].as_u64().unwrap() <= kept as u64, "{first}");
    assert!(gateway.fill_disk(false));
    wait_for("what was kept", || sink.find("Subject: Incomplete fax").is_some());
    let mut caller = call(own.path(), &there, ["--send", "page.txt"], "second.json");
    assert!(caller.wait().unwrap().success());
    wait_for("the fax", || sink.find("Subject: Fax from").is_some());
}

/// A connection that lets nobody else write: what a disk that stands still comes to.
struct HeldStore {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl HeldStore {
    fn hold(folder: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let url = format!("sqlite://{}", folder.join("answertone.sqlite").display());
        let mut connection = runtime.block_on(SqliteConnection::connect(&url)).unwrap();
        runtime.block_on(sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection)).unwrap();
        Self { runtime, connection }
    }

    fn release(mut self) {
        self.runtime.block_on(sqlx::raw_sql("ROLLBACK").execute(&mut self.connection)).unwrap();
    }
}

#[test]
fn a_store_that_stands_still_delays_no_call_that_does_not_wait_for_it() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let [sends, receives] = [Sink::free_port(), Sink::free_port()];
    let lines = format!(
        "audiosocket:connect=127.0.0.1:{sends}\"\nuse = \"send\"\n[[line]]\nname = \"in\"\nuse = \"receive\"\n\
         uri = \"audiosocket:listen=127.0.0.1:{receives}"
    );
    fs::write(own.path().join("letter.txt"), "The first page.\x0cThe second page.").unwrap();
    let far_line = format!("audiosocket:listen=127.0.0.1:{sends}&pace=real");
    let mut far = call(own.path(), &far_line, ["--receive", "sent.tiff"], "far.json");
    let gateway = Gateway::start_on_line(own.path(), sink.port, &lines);
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&gateway.store())).unwrap();
    let caller_line = format!("audiosocket:connect=127.0.0.1:{receives}");
    let mut caller = call(own.path(), &caller_line, ["--send", "letter.txt"], "caller.json");
    wait_for("the call answered", || runtime.block_on(store.fax(1)).is_ok());
    letter(&gateway);
    wait_for("the call placed", || gateway.queue().contains("\"sending\""));
    thread::sleep(MID_CALL);
    let held = HeldStore::hold(&gateway.store());
    assert!(far.try_wait().unwrap().is_none(), "the call was over before the store stood still");
    let sent = far.wait().unwrap().success();
    let confirmed = caller.try_wait().unwrap().is_some_and(|status| status.success());
    held.release();
    assert!(sent && !confirmed, "sent: {sent}; a page that was not kept is confirmed: {confirmed}");
    let far = result(own.path(), "far.json");
    assert_eq!((&far["ok"], &far["pages"]), (&Value::Bool(true), &Value::from(1)), "{far}");
    wait_for("the notice", || sink.find("Action: delivered").is_some());
    // Who waits for the store longer than it waits for a writer is not confirmed, and calls again.
    if !caller.wait().unwrap().success() {
        assert!(call(own.path(), &caller_line, ["--send", "letter.txt"], "again.json").wait().unwrap().success());
    }
    wait_for("the fax", || sink.find("Subject: Fax from").is_some());
}

/// A mu-law channel of Asterisk over a WebSocket that it has opened.
fn channel(address: &str) -> WebSocket<MaybeTlsStream<TcpStream>> {
    let mut socket = None;
    wait_for("the port", || {
        socket = tungstenite::connect(address).ok();
        socket.is_some()
    });
    let (mut socket, _) = socket.unwrap();
    let start = "MEDIA_START connection_id:fax channel:WebSocket/fax/0x1 format:ulaw optimal_frame_size:160";
    socket.send(Message::text(start)).unwrap();
    let MaybeTlsStream::Plain(stream) = socket.get_ref() else { panic!("there is no TLS here") };
    stream.set_nonblocking(true).unwrap();
    socket
}

/// Joins two channels as Asterisk does: every 20 ms, by its own clock, each hears what the other has said, or silence.
fn join(addresses: [String; 2]) {
    const FRAME: usize = 160;
    let mut channels = addresses.map(|address| channel(&address));
    let mut waiting = [VecDeque::new(), VecDeque::new()];
    let (mut over, mut due) = (None, Instant::now());
    while over.is_none_or(|side: usize| !waiting[side].is_empty()) {
        for side in 0..2 {
            loop {
                match channels[side].read() {
                    Ok(Message::Binary(octets)) => waiting[1 - side].extend(octets),
                    Err(tungstenite::Error::Io(_)) => break,
                    Ok(message) if message.is_text() => assert_eq!(message.into_text().unwrap().as_str(), "HANGUP"),
                    _ => {
                        over = Some(1 - side);
                        break;
                    }
                }
            }
            let there = waiting[side].len().min(FRAME);
            let mut frame: Vec<u8> = waiting[side].drain(..there).collect();
            frame.resize(FRAME, 0xff);
            // Who has hung up hears nothing.
            let _ = channels[side].send(Message::binary(frame));
        }
        due += Duration::from_millis(20);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    channels.iter_mut().for_each(|channel| drop(channel.close(None)));
}

#[test]
fn a_page_crosses_two_websocket_channels_of_asterisk_and_the_called_number_comes_with_it() {
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let ports = [Sink::free_port(), Sink::free_port()];
    let line = |port| format!("websocket:listen=127.0.0.1:{port}");
    let gateway = Gateway::start_on_line(own.path(), sink.port, &format!("{}&calls=2", line(ports[1])));
    document(own.path());
    let mut caller = call(own.path(), &line(ports[0]), ["--send", "page.txt"], "result.json");
    join([format!("ws://127.0.0.1:{}/", ports[0]), format!("ws://127.0.0.1:{}/fax?number=15550123", ports[1])]);
    assert!(caller.wait().unwrap().success());
    println!("{}", result(own.path(), "result.json")["transport"]);
    wait_for("the fax", || sink.find("fax-message").is_some());
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&gateway.store())).unwrap();
    assert_eq!(runtime.block_on(store.fax(1)).unwrap().dialled, "15550123");
}
