//! Other programs: curl uses the HTTP interface, and a small server is told of what is over.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use crate::{
    clients::there_is,
    daemon::{Gateway, Sink, wait_for},
};

const TOKEN: &str = "a token that is long enough";

/// A program that is told things by POST: it refuses the first, then takes all. What came, head and body.
fn listener() -> (u16, Arc<Mutex<Vec<String>>>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, told) = (socket.local_addr().unwrap().port(), Arc::new(Mutex::new(vec![])));
    let keeps = told.clone();
    std::thread::spawn(move || {
        for (n, stream) in socket.incoming().flatten().enumerate() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut request, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(octets) = line.to_lowercase().strip_prefix("content-length:") {
                    length = octets.trim().parse().unwrap();
                }
                request += &line;
                if line == "\r\n" || line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            request += &String::from_utf8(body).unwrap();
            keeps.lock().unwrap().push(request);
            let answer = if n == 0 { "503 Away" } else { "200 OK" };
            let _ = write!(&stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (port, told)
}

/// What curl brings: the status, and the body.
fn curl(port: u16, args: &[&str], path: &str) -> (String, Vec<u8>) {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-S", "-w", "%{stderr}%{http_code}"]).args(args);
    let output = curl.arg(format!("http://127.0.0.1:{port}/api/v1{path}")).output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.stdout)
}

fn json(port: u16, args: &[&str], path: &str) -> (String, serde_json::Value) {
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let (status, body) = curl(port, &[&["-H", &bearer], args].concat(), path);
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&body))))
}

fn start(folder: &Path, sink: &Sink, hooks: u16) -> (Gateway, u16) {
    let port = Sink::free_port();
    std::fs::write(folder.join("token"), TOKEN).unwrap();
    std::fs::write(folder.join("secret"), "between us").unwrap();
    let (token, secret) = (folder.join("token"), folder.join("secret"));
    let table = format!(
        "[api]\nlisten = [\"127.0.0.1:{port}\"]\ntoken_file = {token:?}\nwebhooks = [\"http://127.0.0.1:{hooks}/faxes\"]\n\
         webhook_secret_file = {secret:?}\n"
    );
    (
        Gateway::start_changed(folder, sink.port, |text| {
            format!("{}{table}", text.replace("[offramp]\n", "[offramp]\ncountry_code = \"1\"\n"))
        }),
        port,
    )
}

/// Has an independent program judge the description, where it is there.
fn validate(folder: &Path, described: &serde_json::Value) {
    let file = folder.join("openapi.json");
    std::fs::write(&file, described.to_string()).unwrap();
    match Command::new("openapi-spec-validator").arg(&file).output() {
        Ok(judged) => assert!(judged.status.success(), "{judged:?}"),
        Err(_) => answertone_vectors::not_run(1, "there is no openapi-spec-validator here"),
    }
}

#[test]
fn curl_submits_looks_at_fetches_and_cancels_faxes_and_a_program_is_told_of_each() {
    if !there_is("curl", 1) {
        return;
    }
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let (hooks, told) = listener();
    let (_gateway, port) = start(dir.path(), &sink, hooks);
    assert_eq!(curl(port, &[], "/faxes").0, "401");
    assert_eq!(curl(port, &["-H", "Authorization: Bearer guess"], "/faxes").0, "401");

    let submission = r#"{"to": ["+1 555 0100"], "from": "me@office.example", "subject": "By HTTP", "text": "A note.",
        "documents": [{"name": "a.txt", "type": "text/plain", "content": "VGhlIGRvY3VtZW50Lg=="}]}"#;
    let post = ["-H", "Content-Type: application/json", "--data", submission];
    let (status, submitted) = json(port, &post, "/faxes");
    assert_eq!((status.as_str(), &submitted["faxes"]), ("202", &serde_json::json!([1])), "{submitted}");
    let state = |id: i64| json(port, &[], &format!("/faxes/{id}")).1["fax"]["state"].clone();
    wait_for("the fax to be sent", || state(1) == "done");
    let (_, sent) = json(port, &[], "/faxes/1");
    assert!(sent["calls"][0]["report"]["ok"] == true && sent["fax"]["page_count"] == 2, "{sent}");

    wait_for("the fax to be received", || json(port, &[], "/received?state=complete").1[0]["pages"] == 2);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    for (way, accept, magic) in [
        ("faxes", "image/tiff", &b"II*\0"[..]),
        ("received", "application/pdf", b"%PDF"),
        ("received", "image/tiff", b"II*\0"),
    ] {
        let accept = format!("Accept: {accept}");
        let (status, file) = curl(port, &["-H", &bearer, "-H", &accept], &format!("/{way}/1/document"));
        assert!(status == "200" && file.starts_with(magic), "{way} {accept}: {status}");
    }

    let refused = json(
        port,
        &["-H", "Content-Type: application/json", "--data", r#"{"to": ["+1 911 555 0100"], "text": "x"}"#],
        "/faxes",
    );
    assert!(refused.0 == "422" && refused.1["error"].as_str().unwrap().contains("emergency"), "{refused:?}");
    assert_eq!(json(port, &["-X", "DELETE"], "/faxes/1").0, "409");
    assert_eq!(json(port, &[], "/faxes/77").0, "404");
    assert_eq!(json(port, &[], "/nothing").0, "404");
    let (_, described) = json(port, &[], "/openapi.json");
    assert!(described["paths"]["/api/v1/faxes/{id}"]["delete"].is_object(), "{described}");

    validate(dir.path(), &described);

    wait_for("the program to be told", || told.lock().unwrap().len() >= 2);
    let told = told.lock().unwrap().clone();
    let first = told.iter().find(|request| request.contains(r#""event":"sent""#)).expect("what was sent");
    assert!(
        first.contains(r#""state":"done""#) && first.to_lowercase().contains("answertone-signature: sha256="),
        "{first}"
    );
}
