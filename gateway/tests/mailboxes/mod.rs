//! Mail that waits in a mailbox: Dovecot holds it, by IMAP and by POP3, in the clear and sealed.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    clients::there_is,
    daemon::{Gateway, Sink, wait_for},
};

/// Whom Dovecot reads mail as; it does not do that as root.
const NOBODY: u32 = 65_534;

struct Dovecot {
    child: Child,
    mail: PathBuf,
    /// IMAP, IMAP with TLS, POP3, POP3 with TLS.
    ports: [u16; 4],
}

impl Dovecot {
    fn start(folder: &Path, chain: &Path, key: &Path) -> Self {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        let home = folder.join("mailbox");
        let mail = home.join("mail");
        for place in ["cur", "new", "tmp"] {
            fs::create_dir_all(mail.join(place)).unwrap();
        }
        for place in [&home, &mail, &mail.join("cur"), &mail.join("new"), &mail.join("tmp")] {
            chown(place, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let ports: [u16; 4] = std::array::from_fn(|_| Sink::free_port());
        let config = folder.join("dovecot.conf");
        fs::write(&config, settings(folder, chain, key, &home, &ports)).unwrap();
        let mut dovecot = Command::new("dovecot");
        dovecot.arg("-F").arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let child = dovecot.spawn().unwrap();
        wait_for("Dovecot", || ports.iter().all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok()));
        Self { child, mail, ports }
    }

    fn deliver(&self, name: &str, text: &str) {
        let draft = self.mail.join("tmp").join(name);
        fs::write(&draft, text).unwrap();
        chown(&draft, Some(NOBODY), Some(NOBODY)).unwrap();
        fs::rename(draft, self.mail.join("new").join(name)).unwrap();
    }

    /// Messages in the mailbox, and those of them that were seen.
    fn held(&self) -> (usize, usize) {
        let names = |place| fs::read_dir(self.mail.join(place)).unwrap().map(|one| one.unwrap().file_name());
        let all: Vec<_> = names("new").chain(names("cur")).map(|name| name.into_string().unwrap()).collect();
        let seen = |name: &&String| name.rsplit_once(":2,").is_some_and(|(_, flags)| flags.contains('S'));
        (all.len(), all.iter().filter(seen).count())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn settings(folder: &Path, chain: &Path, key: &Path, home: &Path, ports: &[u16; 4]) -> String {
    let place = |name: &str| folder.join(name).display().to_string();
    let [imap, imaps, pop3, pop3s] = ports;
    format!(
        "base_dir = {}\nstate_dir = {}\nlog_path = {}\nprotocols = imap pop3\nlisten = 127.0.0.1\nssl = yes\nssl_cert = <{}\n\
         ssl_key = <{}\ndisable_plaintext_auth = no\nmail_location = maildir:{}/mail\n\
         passdb {{\n driver = static\n args = password=a-long-password\n}}\n\
         userdb {{\n driver = static\n args = uid={NOBODY} gid={NOBODY} home={}\n}}\n\
         service imap-login {{\n inet_listener imap {{\n  port = {imap}\n }}\n inet_listener imaps {{\n  port = {imaps}\n  ssl = yes\n }}\n}}\n\
         service pop3-login {{\n inet_listener pop3 {{\n  port = {pop3}\n }}\n inet_listener pop3s {{\n  port = {pop3s}\n  ssl = yes\n }}\n}}\n",
        place("run"),
        place("state"),
        place("dovecot.log"),
        chain.display(),
        key.display(),
        home.display(),
        home.display()
    )
}

/// A certificate that is nobody's authority.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (chain, key) = (folder.join("mail.pem"), folder.join("mail-key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=mail.example", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]);
    assert!(openssl.arg(&key).arg("-out").arg(&chain).output().unwrap().status.success());
    (chain, key)
}

fn mail(id: &str, to: &str) -> String {
    format!("From: me@office.example\nTo: {to}\nMessage-ID: <{id}@test>\nSubject: x\n\nThe letter {id}.\n")
}

#[test]
fn mail_is_fetched_from_dovecot_by_imap_with_idle_and_by_pop3_in_the_clear_and_sealed() {
    if !there_is("dovecot", 4) || !there_is("openssl", 4) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    if chown(dir.path(), Some(0), Some(0)).is_err() {
        return answertone_vectors::not_run(4, "Dovecot cannot be started by this user");
    }
    let (chain, key) = certificate(dir.path());
    let dovecot = Dovecot::start(dir.path(), &chain, &key);
    fs::write(dir.path().join("password"), "a-long-password\n").unwrap();
    let [imap, imaps, pop3, pop3s] = dovecot.ports;
    let cases =
        [("imap", imap, "required"), ("imap", imaps, "wrapped"), ("pop3", pop3, "none"), ("pop3", pop3s, "wrapped")];
    for (protocol, port, tls) in cases {
        let case = format!("{protocol}-{tls}");
        let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
        dovecot.deliver(&format!("1.{case}"), &mail(&format!("{case}-first"), "FAX=+15550100@fax.example"));
        let password = dir.path().join("password");
        let tables = format!(
            "[[sender]]\nname = \"office\"\naddress = \"*@office.example\"\n[[mailbox]]\nname = \"faxes\"\nprotocol = \"{protocol}\"\n\
             host = \"127.0.0.1\"\nport = {port}\ntls = \"{tls}\"\nca_file = {chain:?}\nuser = \"faxes\"\npassword_file = {password:?}\n\
             poll_s = {}\nkeep = {}\n",
            if protocol == "imap" { 3600 } else { 1 },
            tls == "wrapped" && protocol == "imap"
        );
        let gateway = Gateway::start_changed(own.path(), sink.port, |text| {
            format!("{}{tables}", text.replace("[smtp]\n", "[smtp]\nmax_message_bytes = 40000\n"))
        });
        wait_for("the first fax", || sink.count() == 1);
        // With IMAP nothing but IDLE can tell of this one in time.
        dovecot.deliver(&format!("2.{case}"), &mail(&format!("{case}-second"), "FAX=+15550101@fax.example"));
        wait_for("the second fax", || sink.count() == 2);
        dovecot.deliver(&format!("3.{case}"), &mail(&format!("{case}-lost"), "nobody@elsewhere.example"));
        wait_for("what is not for us, at the administrator's", || sink.count() == 3);
        assert!(sink.last().contains(&format!("{case}-lost")), "{}", sink.last());
        let long = mail(&format!("{case}-long"), "FAX=+15550100@fax.example") + &"Far too much of it.\n".repeat(3000);
        dovecot.deliver(&format!("4.{case}"), &long);
        wait_for("what the administrator and the sender are told of a message that is too long", || sink.count() == 5);
        let told = sink.find("Too long to be faxed").expect("the administrator's").replace("=\r\n", "");
        assert!(told.contains("octets, and this gateway takes 40000"), "{told}");
        let told = sink.find("processed/error").expect("the sender's");
        assert!(
            told.contains(&format!("Original-Message-ID: <{case}-long@test>")) && told.contains("Error: 5.3.4"),
            "{told}"
        );
        // It stays, and by IMAP it can be marked.
        let expected = match case.as_str() {
            "imap-wrapped" => (4, 4),
            "imap-required" => (1, 1),
            _ => (1, 0),
        };
        wait_for("a mailbox that was dealt with", || dovecot.held() == expected);
        drop(gateway);
        for place in ["cur", "new"] {
            fs::read_dir(dovecot.mail.join(place))
                .unwrap()
                .for_each(|one| fs::remove_file(one.unwrap().path()).unwrap());
        }
    }
}
