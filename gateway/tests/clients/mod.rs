//! Mail programs that others wrote: curl, swaks and Postfix hand over to the gateway, in the clear and with TLS, by SMTP and
//! by LMTP. Where one is not installed, the cases are counted and told.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    daemon::{Gateway, Sink, operate, wait_for},
    mail::text_mail,
};

/// Whether a program is there; else so many cases are not run.
pub(crate) fn there_is(program: &str, cases: usize) -> bool {
    let found = ["/usr/bin", "/usr/sbin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists());
    if !found {
        answertone_vectors::not_run(cases, &format!("{program} is not installed"));
    }
    found
}

fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=fax.example", "-addext", "subjectAltName=DNS:fax.example,IP:127.0.0.1", "-keyout"]);
    let made = openssl.arg(&key).arg("-out").arg(&chain).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    (chain, key)
}

/// A gateway with TLS, a user and an LMTP port: itself, the port of TLS and that of LMTP.
fn gateway(folder: &Path, sink: &Sink) -> (Gateway, u16, u16) {
    let (chain, key) = certificate(folder);
    let (tls, lmtp) = (Sink::free_port(), Sink::free_port());
    let keys = format!(
        "listen_tls = [\"127.0.0.1:{tls}\"]\nlisten_lmtp = [\"127.0.0.1:{lmtp}\"]\ncertificate_file = {chain:?}\nkey_file = {key:?}\n\
         allowed_senders = [\"192.0.2.0/24\"]\n"
    );
    let gateway = Gateway::start_changed(folder, sink.port, |text| {
        text.replace("[smtp]\n", &format!("[smtp]\n{keys}")).replace("attempts = 20", "attempts = 2")
    });
    operate(folder, &["user", "set", "anna", "--password"], "a long password\n");
    (gateway, tls, lmtp)
}

fn ran(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn curl_logs_in_over_starttls_and_over_tls() {
    if !there_is("curl", 4) || !there_is("openssl", 4) {
        return;
    }
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let (gateway, tls, _) = gateway(dir.path(), &sink);
    let curl = |url: String, login: Option<&str>, id: &str| {
        let mail = dir.path().join(id);
        std::fs::write(&mail, text_mail(id, "From curl.")).unwrap();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-v", "--max-time", "60", "--url", &url, "--mail-from", "me@office.example"]);
        curl.args(["--mail-rcpt", "FAX=+15550100@fax.example", "--cacert"]).arg(dir.path().join("chain.pem"));
        curl.args(login.iter().flat_map(|login| ["--user", login])).arg("-T").arg(mail);
        curl
    };
    let plain = format!("smtp://127.0.0.1:{}", gateway.port);
    let login = Some("anna:a long password");
    let refused = ran(&mut curl(plain.clone(), None, "no-login"));
    assert!(said(&refused).contains("550 5.7.1 127.0.0.1 may not have faxes sent"), "{}", said(&refused));
    let wrong = ran(curl(plain.clone(), Some("anna:wrong"), "wrong").arg("--ssl-reqd"));
    assert!(said(&wrong).contains("535 5.7.8"), "{}", said(&wrong));
    let clear = ran(curl(plain.clone(), login, "clear").args(["--login-options", "AUTH=PLAIN"]));
    assert!(!said(&clear).contains("235 "), "no password in the clear: {}", said(&clear));
    let started = ran(curl(plain, login, "started").arg("--ssl-reqd"));
    assert!(started.status.success() && said(&started).contains("235 2.7.0"), "{}", said(&started));
    let wrapped = ran(&mut curl(format!("smtps://127.0.0.1:{tls}"), login, "wrapped"));
    assert!(wrapped.status.success(), "{}", said(&wrapped));
    wait_for("two faxes", || sink.count() == 2);
}

#[test]
fn swaks_speaks_tls_lmtp_and_pipelining() {
    if !there_is("swaks", 3) || !there_is("openssl", 3) {
        return;
    }
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let (gateway, _, lmtp) = gateway(dir.path(), &sink);
    let swaks = |port: u16, more: &[&str]| {
        let mut swaks = Command::new("swaks");
        swaks.args(["--server", "127.0.0.1", "--port", &port.to_string(), "--from", "me@office.example"]);
        swaks.args(["--to", "FAX=+15550100@fax.example", "--body", "From swaks.", "--timeout", "60"]).args(more);
        ran(&mut swaks)
    };
    let offers = swaks(gateway.port, &["--quit-after", "EHLO"]);
    for offer in ["STARTTLS", "CHUNKING", "PIPELINING", "DSN", "8BITMIME", "SIZE", "FUTURERELEASE"] {
        assert!(said(&offers).contains(offer), "{offer}: {}", said(&offers));
    }
    let refused = swaks(lmtp, &["--protocol", "LMTP"]);
    assert!(said(&refused).contains("550 5.7.1"), "{}", said(&refused));
    let login = ["--auth", "LOGIN", "--auth-user", "anna", "--auth-password", "a long password"];
    let sent = swaks(gateway.port, &[&login[..], &["--tls"]].concat());
    if said(&sent).contains("TLS not available") || said(&sent).contains("not installed") {
        return answertone_vectors::not_run(1, "swaks has no TLS here");
    }
    assert!(sent.status.success() && said(&sent).contains("235 2.7.0"), "{}", said(&sent));
    wait_for("the fax", || sink.count() == 1);
}

/// A Postfix of our own with its queue in a folder; stopped when dropped.
struct Postfix {
    folder: PathBuf,
}

impl Postfix {
    /// It hands over mail for fax.example by that transport; none where it cannot be run.
    fn start(folder: &Path, transport: &str) -> Option<Self> {
        let [config, queue, data] = ["postfix", "queue", "data"].map(|name| folder.join(name));
        [&config, &queue, &data].iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\ninet_interfaces = 127.0.0.1\nmyhostname = mx.example\n\
             mydestination =\nrelay_domains = fax.example\ntransport_maps = inline:{{fax.example={transport}}}\nmaillog_file = /dev/stdout\n\
             smtp_dns_support_level = disabled\nalias_maps =\nalias_database =\nlocal_recipient_maps =\n",
            queue.display(),
            data.display()
        );
        std::fs::write(config.join("main.cf"), main).unwrap();
        let services = "qmgr unix n - n 300 1 qmgr\ncleanup unix n - n - 0 cleanup\npickup unix n - n 60 1 pickup\n\
            smtp unix - - n - - smtp\nlmtp unix - - n - - lmtp\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
            trace unix - - n - 0 bounce\nrewrite unix - - n - - trivial-rewrite\nerror unix - - n - - error\nretry unix - - n - - error\n\
            anvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n";
        std::fs::write(config.join("master.cf"), services).unwrap();
        let chown = Command::new("chown").args(["postfix"]).arg(&data).status();
        let started = Command::new("postfix").arg("-c").arg(&config).arg("start").output();
        let running = chown.is_ok_and(|done| done.success()) && started.is_ok_and(|out| out.status.success());
        running.then_some(Self { folder: config })
    }

    fn send(&self, recipient: &str, mail: &[u8]) {
        use std::io::Write;
        let mut sendmail = Command::new("sendmail");
        sendmail.env("MAIL_CONFIG", &self.folder).args(["-N", "success,failure", "-V", "envelope-7"]);
        sendmail.args(["-f", "me@office.example", recipient]).stdin(std::process::Stdio::piped());
        let mut child = sendmail.spawn().unwrap();
        child.stdin.take().unwrap().write_all(mail).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new("postfix").arg("-c").arg(&self.folder).arg("stop").output();
    }
}

#[test]
fn postfix_hands_over_by_smtp_with_dsn_and_by_lmtp() {
    if !there_is("postfix", 2) || !there_is("openssl", 2) {
        return;
    }
    for protocol in ["smtp", "lmtp"] {
        let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
        let lmtp = Sink::free_port();
        let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
            text.replace("[smtp]\n", &format!("[smtp]\nlisten_lmtp = [\"127.0.0.1:{lmtp}\"]\n"))
        });
        let port = if protocol == "smtp" { gateway.port } else { lmtp };
        let Some(postfix) = Postfix::start(dir.path(), &format!("{protocol}:[127.0.0.1]:{port}")) else {
            return answertone_vectors::not_run(2, "postfix cannot be started by this user");
        };
        postfix.send("FAX=+15550100@fax.example", &text_mail(protocol, "By way of Postfix."));
        wait_for("fax and notice", || sink.count() == 2);
        let notice = sink.find("report-type").expect("the notice");
        assert!(
            notice.contains("Action: delivered") && notice.contains("Original-Envelope-Id: envelope-7"),
            "{notice}"
        );
    }
}
