//! The server over real sockets.

use std::sync::Mutex;

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    task::JoinHandle,
};

use super::*;

#[derive(Default)]
struct Kept(Mutex<Vec<(Envelope, Vec<u8>)>>);

impl Intake for Kept {
    fn sender(&self, _: &super::Client, from: &str) -> Result<(), Reply> {
        if from == "evil@x" { Err(Reply::new(550, "5.7.1", "no")) } else { Ok(()) }
    }
    async fn recipient(&self, _: &super::Client, _: &str, recipient: &Recipient) -> Result<(), Reply> {
        if recipient.address.starts_with("no") { Err(Reply::new(550, "5.1.1", "unknown")) } else { Ok(()) }
    }
    async fn deliver(&self, envelope: Envelope, raw: Vec<u8>) -> Result<Reply, Reply> {
        self.0.lock().unwrap().push((envelope, raw));
        Ok(Reply::new(250, "2.0.0", "kept"))
    }
}

struct Client {
    stream: BufReader<TcpStream>,
    kept: Arc<Kept>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Client {
    async fn connect() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let kept = Arc::new(Kept::default());
        let limits = Limits {
            hostname: "gw".into(),
            message: 1000,
            recipients: 2,
            connections: 1,
            idle: Duration::from_secs(20),
        };
        let server = tokio::spawn(serve(listener, Door::default(), kept.clone(), limits, stopped));
        let stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut client = Self { stream, kept, stop, server };
        assert!(client.reply().await.starts_with("220 gw"));
        client
    }

    async fn reply(&mut self) -> String {
        let mut text = String::new();
        loop {
            let from = text.len();
            if self.stream.read_line(&mut text).await.unwrap() == 0 || text.as_bytes().get(from + 3) != Some(&b'-') {
                return text;
            }
        }
    }

    async fn says(&mut self, text: &str) -> String {
        self.stream.get_mut().write_all(text.as_bytes()).await.unwrap();
        self.reply().await
    }
}

#[tokio::test]
async fn a_message_goes_in_with_its_envelope() {
    let mut client = Client::connect().await;
    let offer = client.says("EHLO me\r\n").await;
    assert!(offer.contains("250-DSN\r\n") && offer.contains("SIZE 1000"), "{offer}");
    assert!(client.says("MAIL FROM:<a@b> RET=FULL ENVID=QQ+2B1 BODY=8BITMIME\r\n").await.starts_with("250 2.1.0"));
    let rcpt = "RCPT TO:<\"FAX=+1 222/T33S=3\"@gw> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;FAX+2B@x\r\n";
    assert!(client.says(rcpt).await.starts_with("250 2.1.5"));
    assert!(client.says("DATA\r\n").await.starts_with("354"));
    assert!(client.says("Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n").await.starts_with("250 2.0.0"));
    let (envelope, raw) = client.kept.0.lock().unwrap().remove(0);
    assert_eq!(
        (envelope.from.as_str(), envelope.envelope_id.as_deref(), envelope.return_full),
        ("a@b", Some("QQ+1"), true)
    );
    assert_eq!(envelope.recipients[0].address, "FAX=+1 222/T33S=3@gw");
    assert_eq!(envelope.recipients[0].notify, notify::SUCCESS | notify::FAILURE);
    let raw = String::from_utf8(raw).unwrap();
    assert!(
        raw.starts_with("Received: from me ([127.0.0.1]) by gw") && raw.ends_with("\r\n\r\n.dot\r\nend\r\n"),
        "{raw}"
    );
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let mut client = Client::connect().await;
    let batch = "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<no@gw>\r\nRCPT TO:<yes@gw>\r\nDATA\r\n";
    assert!(client.says(batch).await.starts_with("250"));
    for expected in ["250", "550 5.1.1", "250", "354"] {
        let reply = client.reply().await;
        assert!(reply.starts_with(expected), "{reply}");
    }
    assert!(client.says(".\r\nQUIT\r\n").await.starts_with("250"));
    assert!(client.reply().await.starts_with("221"));
}

#[tokio::test]
async fn chunks_make_a_message() {
    let mut client = Client::connect().await;
    assert!(client.says("BDAT 5\r\nhello").await.starts_with("503"));
    client.says("EHLO me\r\n").await;
    client.says("MAIL FROM:<a@b>\r\n").await;
    client.says("RCPT TO:<yes@gw>\r\n").await;
    assert!(client.says("BDAT 14\r\nSubject: x\r\n\r\n").await.starts_with("250 2.0.0 14 octets"));
    assert!(client.says("DATA\r\n").await.starts_with("503"), "chunks and DATA do not mix");
    assert!(client.says("BDAT 6\r\n.\r\nend").await.starts_with("250"));
    assert!(client.says("BDAT 0 LAST\r\n").await.starts_with("250 2.0.0 kept"));
    let (_, raw) = client.kept.0.lock().unwrap().remove(0);
    assert!(raw.ends_with(b"\r\nSubject: x\r\n\r\n.\r\nend"), "{}", String::from_utf8_lossy(&raw));
    client.says("MAIL FROM:<a@b>\r\n").await;
    client.says("RCPT TO:<yes@gw>\r\n").await;
    let much = format!("BDAT 1001 LAST\r\n{}", "x".repeat(1001));
    assert!(client.says(&much).await.starts_with("552 5.3.4"));
    assert!(client.says("NOOP\r\n").await.starts_with("250"));
}

#[tokio::test]
async fn whatever_is_said_the_server_goes_on() {
    let pieces: [&[u8]; 16] = [
        b"EHLO x\r\n",
        b"LHLO x\r\n",
        b"MAIL FROM:<a@b>\r\n",
        b"RCPT TO:<yes@gw>\r\n",
        b"DATA\r\n",
        b".\r\n",
        b"BDAT 7\r\n",
        b"BDAT 99999999999999999999\r\n",
        b"BDAT 3 LAST\r\n",
        b"AUTH PLAIN AAAA\r\n",
        b"STARTTLS\r\n",
        b"RSET\r\n",
        b"\0\xff\r",
        b"\n",
        b" ",
        b"MAIL FROM:<> SIZE=99999999999999999999 RET=X\r\n",
    ];
    let mut chance = 3_u64;
    for _ in 0..60 {
        let mut client = Client::connect().await;
        let mut said = vec![];
        for _ in 0..40 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            said.extend_from_slice(pieces[(chance >> 33) as usize % pieces.len()]);
        }
        let stream = client.stream.get_mut();
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
        let mut answers = String::new();
        let _ = tokio::io::AsyncReadExt::read_to_string(&mut client.stream, &mut answers).await;
        client.stop.send(true).unwrap();
        client.server.await.expect("the server does not panic");
    }
}

#[tokio::test]
async fn bounds_are_kept_and_told() {
    let mut client = Client::connect().await;
    assert!(client.says("MAIL FROM:<a@b>\r\n").await.starts_with("503"));
    client.says("EHLO me\r\n").await;
    assert!(client.says("MAIL FROM:<a@b> SIZE=1001\r\n").await.starts_with("552 5.3.4"));
    assert!(client.says("MAIL FROM:<evil@x>\r\n").await.starts_with("550 5.7.1"));
    client.says("MAIL FROM:<a@b>\r\n").await;
    assert!(client.says("DATA\r\n").await.starts_with("554"));
    client.says("RCPT TO:<a@gw>\r\n").await;
    client.says("RCPT TO:<b@gw>\r\n").await;
    assert!(client.says("RCPT TO:<c@gw>\r\n").await.starts_with("452 4.5.3"));
    client.says("DATA\r\n").await;
    let long = "x".repeat(500) + "\r\n";
    assert!(client.says(&format!("{long}{long}{long}.\r\n")).await.starts_with("552 5.3.4"));
    assert!(client.says("VRFY a\r\n").await.starts_with("252"));
    assert!(client.says("STARTTLS\r\n").await.starts_with("502"));
    assert!(client.says("GIBBERISH\r\n").await.starts_with("500"));
    assert!(client.kept.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn endless_lines_and_endless_errors_end_the_connection() {
    let mut client = Client::connect().await;
    assert!(client.says(&"x".repeat(9000)).await.starts_with("500 5.5.2"));
    assert_eq!(client.reply().await, "");
    let mut client = Client::connect().await;
    let mut last = String::new();
    for _ in 0..=MOST {
        last = client.says("NONSENSE\r\n").await;
    }
    assert!(last.starts_with("421"), "{last}");
}

/// One more than the errors allowed.
const MOST: usize = 20;

#[tokio::test]
async fn a_stopping_server_says_so() {
    let mut client = Client::connect().await;
    client.stop.send(true).unwrap();
    assert!(client.reply().await.starts_with("421 4.3.2"));
    client.server.await.unwrap();
}
