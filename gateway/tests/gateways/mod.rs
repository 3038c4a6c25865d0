//! Two gateways on one PostgreSQL; one is killed, again and again, and the other goes on.

use answertone_gateway::{
    config::{Config, StoreConfig},
    store::Store,
};

use crate::{
    daemon::{Gateway, Sink, wait_for},
    mail::{submit, text_mail},
    pages::{Seen, fax_pages, rendered},
    postgres::Server,
};

const MESSAGES: i64 = 8;
const KILLS: usize = 4;

#[test]
fn of_two_gateways_on_one_postgres_one_is_killed_and_nothing_is_lost_or_done_twice() {
    let Some(server) = Server::start(1) else { return };
    let (sink, dirs) = (Sink::new(), [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()]);
    let url = server.database("gateways");
    let start = |dir: &tempfile::TempDir| {
        Gateway::start_changed(dir.path(), sink.port, |text| {
            text.replace("[store]\n", &format!("[store]\nurl = {url:?}\nlease_s = 2\n"))
        })
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = StoreConfig { url: url.clone(), ..Config::default().store };
    let store = runtime.block_on(Store::of(&config, None)).unwrap();
    let (mut killed, lives) = (start(&dirs[0]), start(&dirs[1]));
    let mut seen = Seen::default();
    for n in 0..MESSAGES {
        let mail = text_mail(&format!("shared-{n}"), &format!("Message {n}, first\x0cMessage {n}, second"));
        seen.expect(n, rendered(&mail));
        // Each to a number of its own, by either gateway.
        let to = format!("FAX=+1555010{n}@fax.example");
        let port = if n % 2 == 0 { killed.port } else { lives.port };
        submit(port, "me@office.example", &to, " NOTIFY=SUCCESS,FAILURE", &mail).unwrap();
    }
    for kill in 0..KILLS {
        let over =
            || runtime.block_on(store.overview(true)).unwrap().jobs.iter().filter(|job| job.state == "done").count();
        wait_for("some of the faxes", || over() > kill);
        killed.kill();
        if kill + 1 < KILLS {
            killed = start(&dirs[0]);
        }
    }
    let told = |jobs: usize| {
        let told = |mail: &String| mail.contains("report-type") && mail.contains("Action: delivered");
        sink.distinct().iter().filter(|mail| told(mail)).count() == jobs
    };
    wait_for("every sender to be told", || told(MESSAGES as usize));
    wait_for("an empty queue", || lives.queue().contains("\"mail\": []"));
    let notices = sink.distinct().iter().filter(|mail| mail.contains("report-type")).count();
    assert_eq!(notices, MESSAGES as usize, "every sender is told once");
    for mail in sink.distinct().iter().filter(|mail| mail.contains("Message-Context: fax-message")) {
        seen.arrived(&fax_pages(mail));
    }
    let repeated = seen.repeated();
    println!("{KILLS} kills, {repeated} pages twice");
    assert!(repeated <= KILLS, "only a page in flight may come twice, one a kill: {repeated}");
    runtime.block_on(calls_do_not_overlap(&store));
}

/// No job and no number has two calls at one time.
async fn calls_do_not_overlap(store: &Store) {
    for job in 1..=MESSAGES {
        let mut calls = store.calls_of(job).await.unwrap();
        calls.sort_by_key(|call| call.begun_at);
        assert!(calls.windows(2).all(|two| two[0].ended_at <= two[1].begun_at), "{calls:?}");
    }
}
