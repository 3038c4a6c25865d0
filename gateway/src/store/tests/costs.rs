//! What the queue costs.

use std::time::Instant;

use super::*;

/// Prints what the queue's operations cost with up to 10,000 jobs and 50 lines.
#[tokio::test]
#[ignore = "it measures and prints; run it by its name with --ignored --nocapture"]
async fn ten_thousand_jobs() {
    let (_dir, sqlite) = store().await;
    costs("SQLite", &sqlite).await;
    let Some(server) = postgres::Server::start(1) else { return };
    costs("PostgreSQL", &shared(&server.database("many")).await).await;
}

async fn costs(name: &str, store: &Store) {
    let mut kept = 0;
    for jobs in [100, 1_000, 10_000] {
        let new = jobs - kept;
        let accept = timed(new, async || {
            for first in (kept..jobs).step_by(10) {
                let numbers: Vec<String> = (first..first + 10).map(|n| format!("+1555{n:05}")).collect();
                let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
                store.accept(&message(&format!("m{first}"), &numbers)).await.unwrap();
            }
        });
        println!("{name}, {jobs} jobs, ms each: accept {:.2}", accept.await);
        kept = jobs;
        of_fifty_lines(store).await;
        store.set_all("due_at = due_at + 86400000", "state = 'queued'").await;
        looked_at(store, "when none is due").await;
        store.set_all("due_at = due_at - 86400000", "state = 'queued'").await;
        store.set_all("state = 'queued', next_page = 0, told = 0", "state = 'done'").await;
    }
    for n in 0..10_000 {
        store.accept(&message(&format!("one number {n}"), &["+44"])).await.unwrap();
    }
    store.set_all("held = 1", "number <> '+44'").await;
    store.claim_job("line", Carries::Anything, 0).await.unwrap().unwrap();
    println!("{name}, 10000 jobs for one number that is being called, ms each:");
    looked_at(store, "when none is free").await;
}

/// Fifty calls begin, have a page confirmed and end.
async fn of_fifty_lines(store: &Store) {
    const LINES: usize = 50;
    let mut jobs = vec![];
    let claim = timed(LINES, async || {
        for line in 0..LINES {
            jobs.push(store.claim_job(&format!("line {line}"), Carries::Anything, 60_000).await.unwrap().unwrap());
        }
    });
    let claim = claim.await;
    let end = timed(LINES, async || {
        for job in &jobs {
            store.page_confirmed(job.id, 1).await.unwrap();
            store.job_ends(job.id, Ending::Done, &Verdict { cause: None, said: "", status: "2.0.0" }).await.unwrap();
        }
    });
    let end = end.await;
    let tell = timed(LINES, async || {
        for _ in &jobs {
            let untold = store.untold(true).await.unwrap();
            store.told(&[], &untold.iter().map(|job| job.id).collect::<Vec<_>>()).await.unwrap();
        }
    });
    println!("  claim {claim:.2}, page and end {end:.2}, tell {:.2}", tell.await);
}

async fn looked_at(store: &Store, when: &str) {
    const TIMES: usize = 20;
    let claim = timed(TIMES, async || {
        for _ in 0..TIMES {
            assert!(store.claim_job("line", Carries::Anything, 60_000).await.unwrap().is_none());
        }
    });
    let claim = claim.await;
    let next = timed(TIMES, async || {
        for _ in 0..TIMES {
            store.next_job_due().await.unwrap();
        }
    });
    let next = next.await;
    let rest = timed(TIMES, async || {
        for _ in 0..TIMES {
            store.renew().await.unwrap();
            store.recover_jobs().await.unwrap();
            store.adopt_faxes().await.unwrap();
            store.delayed(now()).await.unwrap();
            store.queue_webhooks(&[]).await.unwrap();
        }
    });
    let rest = rest.await;
    let recent = LogFilter { way: Some("offramp".into()), limit: Some(100), ..LogFilter::default() };
    let log = timed(1, async || drop(store.history(&recent).await.unwrap()));
    println!(
        "  {when}: claim {claim:.2}, when is the next due {next:.2}, lease and notices {rest:.2}, a hundred rows of the log {:.1}",
        log.await
    );
}

/// Milliseconds that each of so many took.
async fn timed(times: usize, work: impl AsyncFnOnce()) -> f64 {
    let begun = Instant::now();
    work().await;
    begun.elapsed().as_secs_f64() * 1e3 / times as f64
}

impl Store {
    async fn set_all(&self, what: &str, of: &str) {
        let change = format!("UPDATE job SET {what} WHERE {of}");
        sqlx::query(sqlx::AssertSqlSafe(change)).execute(&self.pool).await.unwrap();
    }
}
