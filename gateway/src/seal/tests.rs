//! Mail that openssl and gpg signed and sealed themselves, and ours that they open.

use std::{fs, path::Path, process::Command};

use super::*;
use crate::mail::Mailbox;

fn ran(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn there_are(program: &str, cases: usize) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        answertone_vectors::not_run(cases, &format!("{program} is not installed"));
    }
    found
}

const INNER: &str = "Content-Type: text/plain\r\n\r\nThe letter itself.\r\n";

fn fields(of: &[u8]) -> Vec<u8> {
    [b"From: me@office.example\r\nMessage-ID: <a@b>\r\nMIME-Version: 1.0\r\n".as_slice(), of].concat()
}

#[test]
fn smime_is_opened_and_known_by_its_signer_and_sealed_for_others() {
    if !there_are("openssl", 5) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name).display().to_string();
    for (name, address) in [("ours", "fax@gw.example"), ("me", "me@office.example"), ("evil", "me@office.example")] {
        let (key, certificate) = (place(&format!("{name}.key")), place(&format!("{name}.pem")));
        let (subject, alternative) = (format!("/CN={name}"), format!("subjectAltName=email:{address}"));
        ran(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                &subject,
                "-addext",
                &alternative,
                "-addext",
                "extendedKeyUsage=emailProtection",
                "-keyout",
                &key,
                "-out",
                &certificate,
            ],
        );
    }
    let keys = Seal {
        smime_certificate_file: place("ours.pem"),
        smime_key_file: place("ours.key"),
        smime_authorities_file: place("me.pem"),
        ..Seal::default()
    };
    fs::write(place("inner"), INNER).unwrap();
    let sign = |who: &str, more: &[&str]| {
        let (key, certificate) = (place(&format!("{who}.key")), place(&format!("{who}.pem")));
        let args = [
            "cms",
            "-sign",
            "-binary",
            "-in",
            &place("inner"),
            "-signer",
            &certificate,
            "-inkey",
            &key,
            "-out",
            &place("out"),
        ];
        ran("openssl", &[&args, more].concat());
        fields(&fs::read(place("out")).unwrap())
    };
    for (who, signers) in [("me", vec!["me@office.example".to_owned()]), ("evil", vec![])] {
        let clear = sign(who, &[]);
        assert_eq!(open(&keys, clear.clone()), Ok(Opened { raw: clear, signers: signers.clone() }), "{who}");
        let opened = open(&keys, sign(who, &["-nodetach"])).unwrap();
        assert!(String::from_utf8_lossy(&opened.raw).contains("The letter itself."));
        assert_eq!(opened.signers, signers, "{who}");
    }
    let mailbox = Mailbox::parse("fax@gw.example").unwrap();
    let to = [SealTo { mailbox, certificate_file: place("ours.pem") }];
    let letter = fields(INNER.as_bytes());
    let sealed = close(&keys, &to, "FAX@gw.example", &letter).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("letter") && sealed.starts_with(b"From: me@office.example"));
    assert_eq!(open(&keys, sealed.clone()).unwrap(), Opened { raw: letter.clone(), signers: vec![] });
    assert_eq!(close(&keys, &to, "other@gw.example", &letter).unwrap(), letter);
    let others = Seal { smime_certificate_file: place("me.pem"), smime_key_file: place("me.key"), ..keys };
    assert!(matches!(open(&others, sealed.clone()), Err(SealError::Closed(_))));
    assert!(open(&Seal::default(), sealed).unwrap_err().to_string().contains("no S/MIME certificate"));
}

fn key_for(home: &Path, address: &str) {
    let home = home.to_str().unwrap();
    ran(
        "gpg",
        &[
            "--batch",
            "--quiet",
            "--homedir",
            home,
            "--passphrase",
            "",
            "--quick-generate-key",
            address,
            "ed25519",
            "sign",
        ],
    );
    let listed =
        Command::new("gpg").args(["--homedir", home, "--with-colons", "--list-keys", address]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let print =
        text.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':').to_owned();
    ran(
        "gpg",
        &["--batch", "--quiet", "--homedir", home, "--passphrase", "", "--quick-add-key", &print, "cv25519", "encr"],
    );
}

#[test]
fn openpgp_is_opened_and_known_by_its_signer_and_sealed_for_others() {
    if !there_are("gpg", 4) {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for address in ["fax@gw.example", "me@office.example"] {
        key_for(dir.path(), address);
    }
    let home = dir.path().display().to_string();
    let keys = Seal { openpgp_home: home.clone(), ..Seal::default() };
    let (inner, out) = (dir.path().join("inner").display().to_string(), dir.path().join("out").display().to_string());
    fs::write(&inner, INNER.trim_end_matches("\r\n")).unwrap();
    ran(
        "gpg",
        &[
            "--batch",
            "--homedir",
            &home,
            "--armor",
            "--local-user",
            "me@office.example",
            "--output",
            &out,
            "--detach-sign",
            &inner,
        ],
    );
    let signature = fs::read_to_string(&out).unwrap();
    let signed = fields(
        format!(
            "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=b\r\n\r\n--b\r\n{}\r\n\
             --b\r\nContent-Type: application/pgp-signature\r\n\r\n{signature}\r\n--b--\r\n",
            INNER.trim_end_matches("\r\n")
        )
        .as_bytes(),
    );
    assert_eq!(open(&keys, signed.clone()).unwrap().signers, ["me@office.example"]);
    let forged = String::from_utf8(signed).unwrap().replace("letter", "forgery").into_bytes();
    assert!(open(&keys, forged).unwrap().signers.is_empty());
    let to = [SealTo { mailbox: Mailbox::parse("fax@gw.example").unwrap(), certificate_file: String::new() }];
    let letter = fields(INNER.as_bytes());
    let sealed = close(&keys, &to, "fax@gw.example", &letter).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("letter"));
    assert_eq!(open(&keys, sealed.clone()).unwrap().raw, letter);
    assert!(open(&Seal::default(), sealed).unwrap_err().to_string().contains("no OpenPGP key"));
    let _ = Command::new("gpgconf").args(["--homedir", &home, "--kill", "all"]).status();
}
