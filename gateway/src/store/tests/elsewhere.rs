//! Pages outside the database: in a folder, and at a server that speaks S3.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use object_store::aws::AmazonS3Builder;

use super::*;

/// Objects by their paths.
type Lying = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A server that speaks as much S3 as is needed.
fn s3() -> (u16, Lying) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, objects) = (socket.local_addr().unwrap().port(), Lying::default());
    let kept = objects.clone();
    std::thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            let (head, body) = request(&stream);
            let (status, answer) = answer(&mut kept.lock().unwrap(), &head, body);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"e\"\r\nLast-Modified: Wed, 01 Jan 2020 00:00:00 GMT\r\n\
                 Connection: close\r\n\r\n",
                answer.len()
            );
            let _ = (&stream).write_all(&[head.as_bytes(), &answer].concat());
        }
    });
    (port, objects)
}

/// Head and body.
fn request(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        head += &std::mem::take(&mut line);
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

/// Status and body, for who signs with our key.
fn answer(objects: &mut BTreeMap<String, Vec<u8>>, head: &str, body: Vec<u8>) -> (&'static str, Vec<u8>) {
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match method {
        _ if !head.to_lowercase().contains("authorization: aws4-hmac-sha256 credential=key") => {
            ("403 Forbidden", vec![])
        }
        "PUT" => {
            objects.insert(path.into(), body);
            ("200 OK", vec![])
        }
        "DELETE" => {
            objects.remove(path);
            ("204 No Content", vec![])
        }
        "GET" if path.contains("list-type=2") => ("200 OK", listed(objects).into_bytes()),
        "GET" => objects.get(path).map_or(("404 Not Found", vec![]), |octets| ("200 OK", octets.clone())),
        _ => ("405 Method Not Allowed", vec![]),
    }
}

fn listed(objects: &BTreeMap<String, Vec<u8>>) -> String {
    let entry = |(path, octets): (&String, &Vec<u8>)| {
        let (key, size) = (path.trim_start_matches("/bucket/"), octets.len());
        let when = "<LastModified>2020-01-01T00:00:00.000Z</LastModified><ETag>e</ETag>";
        format!("<Contents><Key>{key}</Key>{when}<Size>{size}</Size></Contents>")
    };
    let all: String = objects.iter().map(entry).collect();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{all}</ListBucketResult>")
}

/// What holds for pages outside the database, wherever they lie. `lying` counts them.
async fn pages_lie_elsewhere(pages: Objects, lying: impl Fn() -> usize) {
    let (_dir, inside) = store().await;
    inside.accept(&message("one", &["+1"])).await.unwrap();
    inside.keep_pages(1, &[b"\x01 in the database".to_vec()]).await.unwrap();
    let store = Store { pages: Some(pages), ..inside.clone() };
    store.accept(&message("two", &["+2"])).await.unwrap();
    let pages = [b"\x01 first".to_vec(), b"\x01 second".to_vec()];
    store.keep_pages(2, &pages).await.unwrap();
    store.keep_cover(2, &pages[..1]).await.unwrap();
    let fax = store.begin_fax("line").await.unwrap();
    for _ in 0..2 {
        store.keep_fax_page(fax, 0, b"\x01 came", 0).await.unwrap();
    }
    assert_eq!(lying(), 5);
    assert_eq!(store.pages(1).await.unwrap(), [b"\x01 in the database".to_vec()]);
    assert_eq!((store.pages(2).await.unwrap(), store.cover(2).await.unwrap()), (pages.to_vec(), pages[..1].to_vec()));
    assert_eq!(store.page(2, 1).await.unwrap().as_ref(), Some(&pages[1]));
    assert_eq!(store.fax_pages(fax).await.unwrap(), [(b"\x01 came".to_vec(), 0)]);
    assert_eq!(store.fax_page(fax, 0).await.unwrap().unwrap(), b"\x01 came");
    assert!(inside.pages(2).await.unwrap_err().to_string().contains("store.pages"), "nobody said where they lie");
    assert_eq!(store.sweep(-60_000).await.unwrap(), 1, "the page that came again");
    let done = store.claim_job("line", Carries::Anything, 0).await.unwrap().unwrap();
    let job = store.claim_job("line", Carries::Anything, 0).await.unwrap().unwrap();
    for job in [done, job] {
        store.job_ends(job.id, Ending::Failed, &BROKEN).await.unwrap();
        store.told(&[], &[job.id]).await.unwrap();
    }
    store.wipe(now() + 1000).await.unwrap();
    assert_eq!(store.sweep(-60_000).await.unwrap(), 3, "what was wiped; the fax is not over");
    assert_eq!(lying(), 1);
}

#[tokio::test]
async fn pages_lie_in_a_folder_and_go_with_their_rows() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pages");
    let pages = Objects::open(&format!("file://{}", folder.display())).unwrap();
    let strangers = [folder.join("answertone.sqlite"), folder.join("letters").join("0123456789abcdef".repeat(2))];
    std::fs::create_dir(folder.join("letters")).unwrap();
    strangers.iter().for_each(|stranger| std::fs::write(stranger, "not ours").unwrap());
    pages_lie_elsewhere(pages, || std::fs::read_dir(&folder).unwrap().count() - strangers.len()).await;
    assert!(strangers.iter().all(|stranger| stranger.exists()), "only pages are swept away");
    let wrong =
        StoreConfig { dir: dir.path().into(), pages: "file:///proc/no/pages".into(), ..Config::default().store };
    assert!(Store::of(&wrong, None).await.err().unwrap().to_string().contains("store.pages"));
}

#[tokio::test]
async fn pages_lie_at_a_server_that_speaks_s3_and_go_with_their_rows() {
    let (port, objects) = s3();
    let endpoint = format!("http://127.0.0.1:{port}");
    let server = AmazonS3Builder::new().with_endpoint(endpoint).with_allow_http(true);
    let server = server.with_access_key_id("key").with_secret_access_key("secret");
    let pages = Objects::at_server("s3://bucket/faxes", server).unwrap();
    pages_lie_elsewhere(pages, || objects.lock().unwrap().len()).await;
}
