//! Two gateways: what is mailed to one is called over T.38 within DTLS and mailed by the other.

use std::{fs, path::Path};

use answertone_gateway::t38::sealed::Identity;

use super::{
    daemon::{Gateway, Sink, wait_for},
    direct::Between,
    mail::{submit, text_mail},
    programs::ports,
};

#[test]
fn a_mail_to_one_gateway_is_a_fax_over_sealed_packets_to_the_other() {
    let folder = tempfile::tempdir().expect("there is room");
    let (sink, [near, far]) = (Sink::new(), ports());
    let files = ["near.pem", "far.pem"].map(|name| folder.path().join(name));
    let theirs = files.each_ref().map(|file| Identity::kept(file).expect("there is room").fingerprint());
    let line = |here: u16, there: u16, role: &str, end: usize| {
        let (file, theirs) = (files[end].display(), &theirs[1 - end]);
        format!(
            "t38:local=127.0.0.1:{here}&remote=127.0.0.1:{there}&pace=free&dtls={role}&identity={file}&fingerprint={theirs}"
        )
    };
    let home = |name: &str| {
        let home = folder.path().join(name);
        fs::create_dir(&home).expect("there is room");
        home
    };
    let (receiver, sender) = (home("receiver"), home("sender"));
    let _receiver = start(&receiver, &sink, &line(far, near, "passive", 1), "receive");
    let sender = start(&sender, &sink, &line(near, far, "active", 0), "send");
    // A line that waits for its call wants silence before it.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let mail = text_mail("sealed", "This line goes by a way that nobody can read.");
    submit(sender.port, "me@office.example", "FAX=+15550100@fax.example", "", &mail).expect("the mail is taken");
    wait_for("the fax as a mail", || sink.find("image/tiff").is_some());
}

#[test]
fn a_mail_to_one_gateway_is_brought_to_the_other_directly_while_they_are_in_a_call() {
    let folder = tempfile::tempdir().expect("there is room");
    let (sink, [near, far], door) = (Sink::new(), ports(), Sink::free_port());
    let way = Between::breaking(door, usize::MAX);
    let line = |here: u16, there: u16| format!("t38:local=127.0.0.1:{here}&remote=127.0.0.1:{there}&pace=free");
    let (receiver, sender) = (folder.path().join("receiver"), folder.path().join("sender"));
    for home in [&receiver, &sender] {
        fs::create_dir(home).expect("there is room");
    }
    let direct = format!("[direct]\nlisten = \"127.0.0.1:{door}\"\naddress = \"{}\"\n", way.address);
    let _receiver = start_with(&receiver, &sink, &line(far, near), "receive", &direct);
    let sender = start_with(&sender, &sink, &line(near, far), "send", "[direct]\nto = [\"127.0.0.0/8\"]\n");
    // A line that waits for its call wants silence before it.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let mail = text_mail("beside", "This letter goes beside the call.");
    submit(sender.port, "me@office.example", "FAX=+15550100@fax.example", "", &mail).expect("the mail is taken");
    wait_for("the fax as a mail", || sink.find("image/tiff").is_some());
    assert_eq!(way.came(), 1, "it went beside the call");
}

fn start_with(home: &Path, sink: &Sink, uri: &str, purpose: &str, more: &str) -> Gateway {
    Gateway::start_changed(home, sink.port, |text| {
        text.replace("\"sim:?far=onramp&snr=35\"", &format!("\"{uri}\"\nuse = \"{purpose}\"")) + "\n" + more
    })
}

fn start(home: &Path, sink: &Sink, uri: &str, purpose: &str) -> Gateway {
    start_with(home, sink, uri, purpose, "")
}
