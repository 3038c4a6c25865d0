//! Signed and encrypted mail, seen from outside: openssl and gpg are the sender's and the recipient's programs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use crate::{
    clients::there_is,
    daemon::{Gateway, Sink, wait_for},
    mail::{submit, text_mail},
    pages::{fax_pages, rendered},
};

const NUMBER: &str = "FAX=+15550100@fax.example";
const INNER: &str = "Content-Type: text/plain; charset=utf-8\r\n\r\nThe letter itself.\r\n";

/// Who signs, who is sealed for, and us.
const PEOPLE: [&str; 3] = ["me@office.example", "office@office.example", "fax@fax.example"];

fn ran(folder: &Path, program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A mail of that content.
fn mail(id: &str, content: &str) -> Vec<u8> {
    format!("From: me@office.example\r\nMessage-ID: <{id}@test>\r\nMIME-Version: 1.0\r\n{content}").into_bytes()
}

fn with_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// What a gateway that wants signatures and seals what it mails makes of a signed and sealed letter and of an open one: the
/// mail of the fax.
fn letters(tables: &str, sealed: &[u8]) -> String {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let sender = "[[sender]]\nname = \"office\"\naddress = \"*@office.example\"\nproof = \"signed\"\n";
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| format!("{text}{sender}{tables}"));
    let send = |mail: &[u8]| submit(gateway.port, "me@office.example", NUMBER, "", mail);
    let refused = send(&text_mail("open", "Anybody can write this.")).unwrap_err();
    assert!(refused.contains("550 5.7.1"), "{refused}");
    send(sealed).unwrap();
    wait_for("the fax", || sink.count() == 1);
    let fax = sink.last();
    assert!(fax.contains("To: <office@office.example>") && !fax.contains("image/tiff"), "{fax}");
    fax
}

#[test]
fn smime_is_opened_its_signer_is_let_in_and_the_fax_goes_out_sealed() {
    if !there_is("openssl", 3) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for person in PEOPLE {
        let (key, certificate) = (format!("{person}.key"), format!("{person}.pem"));
        let (subject, alternative) = (format!("/CN={person}"), format!("subjectAltName=email:{person}"));
        let make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject];
        let more = ["-addext", &alternative, "-addext", "extendedKeyUsage=emailProtection", "-keyout", &key, "-out"];
        ran(dir.path(), "openssl", &[&make[..], &more, &[&certificate]].concat());
    }
    let place = |name: &str| dir.path().join(name);
    fs::write(place("inner"), INNER).unwrap();
    let sign = ["cms", "-sign", "-binary", "-in", "inner", "-signer", "me@office.example.pem", "-inkey"];
    ran(dir.path(), "openssl", &[&sign[..], &["me@office.example.key", "-out", "signed"]].concat());
    let seal = ["cms", "-encrypt", "-binary", "-aes256", "-in", "signed", "-out", "sealed", "fax@fax.example.pem"];
    ran(dir.path(), "openssl", &seal);
    let sealed = with_line_ends(&fs::read_to_string(place("sealed")).unwrap());
    let tables = format!(
        "[seal]\nsmime_certificate_file = {:?}\nsmime_key_file = {:?}\nsmime_authorities_file = {:?}\n\
         [[seal_to]]\nmailbox = \"office@office.example\"\ncertificate_file = {:?}\n",
        place("fax@fax.example.pem"),
        place("fax@fax.example.key"),
        place("me@office.example.pem"),
        place("office@office.example.pem")
    );
    let fax = letters(&tables, &mail("smime", sealed.trim_start_matches("MIME-Version: 1.0\r\n")));
    assert!(fax.contains("application/pkcs7-mime") || fax.contains("application/x-pkcs7-mime"), "{fax}");
    fs::write(place("came"), &fax).unwrap();
    let open = ["cms", "-decrypt", "-in", "came", "-recip", "office@office.example.pem", "-inkey"];
    let opened = ran(dir.path(), "openssl", &[&open[..], &["office@office.example.key"]].concat());
    let opened = String::from_utf8(opened.stdout).unwrap();
    assert_eq!(fax_pages(&opened), rendered(&mail("plain", INNER)));
}

#[test]
fn openpgp_is_opened_its_signer_is_let_in_and_the_fax_goes_out_sealed() {
    if !there_is("gpg", 3) {
        return;
    }
    // A socket's name is short.
    let dir = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let home = dir.path().to_str().unwrap();
    let gpg = |args: &[&str]| ran(dir.path(), "gpg", &[&["--batch", "--quiet", "--homedir", home], args].concat());
    for person in PEOPLE {
        gpg(&["--passphrase", "", "--quick-generate-key", person, "ed25519", "sign"]);
        let listed = String::from_utf8(gpg(&["--with-colons", "--list-keys", person]).stdout).unwrap();
        let print = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':');
        gpg(&["--passphrase", "", "--quick-add-key", print, "cv25519", "encr"]);
    }
    fs::write(dir.path().join("inner"), INNER).unwrap();
    let seal = ["--armor", "--trust-model", "always", "--local-user", "me@office.example", "--sign", "--encrypt"];
    gpg(&[&seal[..], &["--recipient", "fax@fax.example", "--output", "sealed", "inner"]].concat());
    let sealed = with_line_ends(&fs::read_to_string(dir.path().join("sealed")).unwrap());
    let content = format!(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\n\
         Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n{sealed}\r\n--b--\r\n"
    );
    let tables = format!("[seal]\nopenpgp_home = {home:?}\n[[seal_to]]\nmailbox = \"office@office.example\"\n");
    let fax = letters(&tables, &mail("openpgp", &content));
    let message = fax.split("-----BEGIN PGP MESSAGE-----").nth(1).expect("an OpenPGP message");
    let message = message.split("-----END PGP MESSAGE-----").next().unwrap();
    fs::write(dir.path().join("came"), format!("-----BEGIN PGP MESSAGE-----{message}-----END PGP MESSAGE-----\n"))
        .unwrap();
    let opened = String::from_utf8(gpg(&["--decrypt", "came"]).stdout).unwrap();
    assert_eq!(fax_pages(&opened), rendered(&mail("plain", INNER)));
    let _ = Command::new("gpgconf").args(["--homedir", home, "--kill", "all"]).status();
}
