//! The store by itself: what a crash, a copy or an operator does to states.

use super::*;
use crate::config::{Config, StoreConfig};

mod costs;
mod elsewhere;
#[path = "../../tests/postgres/mod.rs"]
mod postgres;

/// Each case is run on SQLite, and all of them on PostgreSQL.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    let (_dir, store) = super::store().await;
                    super::$case(store).await;
                }
            )*
        }

        #[tokio::test]
        async fn postgres_does_the_same() {
            let Some(server) = postgres::Server::start([$(stringify!($case)),*].len()) else { return };
            $($case(shared(&server.database(stringify!($case))).await).await;)*
        }
    };
}

on_both!(
    a_copy_of_a_message_makes_no_second_fax,
    who_is_untold_is_told_once,
    one_call_at_a_time_goes_to_a_number_and_takes_more_jobs_along,
    urgent_jobs_go_first_and_held_ones_not_at_all,
    a_job_that_went_wrong_on_a_line_is_left_to_others_first,
    a_copy_without_envelope_is_dropped_for_all_recipients,
    what_an_account_uses_is_counted,
    a_stubborn_number_is_remembered_until_its_end_date,
    the_log_has_every_field_and_filters_by_it,
    what_is_old_is_wiped_and_then_forgotten_but_never_what_is_not_over,
    a_fax_is_closed_once_and_mailed_once,
    mail_leaves_the_queue_only_when_taken,
    an_operator_can_cancel_and_retry,
    programs_are_told_once_of_each_fax_that_is_over,
    what_is_told_of_a_fax_s_mail_is_in_the_log,
);

async fn shared(url: &str) -> Store {
    let config = StoreConfig { url: url.into(), ..Config::default().store };
    Store::of(&config, None).await.unwrap()
}

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

fn message(id: &str, numbers: &[&str]) -> NewMessage {
    let recipient = |number: &&str| NewRecipient { number: (*number).into(), ..Default::default() };
    NewMessage {
        message_id: Some(id.into()),
        identity: Some(id.into()),
        mail_from: "a@b".into(),
        raw: b"Subject: x\r\n\r\nhello".to_vec(),
        recipients: numbers.iter().map(recipient).collect(),
        ..Default::default()
    }
}

fn mail(kind: MailKind) -> NewMail {
    NewMail { kind, mail_from: String::new(), recipient: "a@b".into(), raw: b"x".to_vec() }
}

async fn a_copy_of_a_message_makes_no_second_fax(store: Store) {
    let first = store.accept(&message("one", &["+1", "+2"])).await.unwrap();
    assert_eq!((first.jobs, first.duplicates), (2, 0));
    let copy = store.accept(&message("one", &["+2", "+3"])).await.unwrap();
    assert_eq!((copy.jobs, copy.duplicates), (1, 1));
}

#[tokio::test]
async fn a_crash_in_a_call_keeps_confirmed_pages_and_gives_the_job_back() {
    let (dir, store) = store().await;
    store.accept(&message("one", &["+1"])).await.unwrap();
    let job = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    assert!(store.claim_job("one", Carries::Anything, 0).await.unwrap().is_none());
    store.keep_pages(job.message, &[vec![1], vec![2], vec![3]]).await.unwrap();
    store.page_confirmed(job.id, 2).await.unwrap();
    drop(store);

    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(store.recover_jobs().await.unwrap(), 1);
    let again = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    assert_eq!((again.id, again.next_page, again.attempts), (job.id, 2, 2));
    assert_eq!(store.pages(job.message).await.unwrap().len(), 3);
}

const BROKEN: Verdict<'static> = Verdict { cause: Some("line_lost"), said: "cut", status: "4.4.2" };

async fn who_is_untold_is_told_once(store: Store) {
    store.accept(&message("one", &["+1", "+2"])).await.unwrap();
    let first = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    store.job_ends(first.id, Ending::Failed, &BROKEN).await.unwrap();
    assert_eq!(store.untold(false).await.unwrap().len(), 1);
    assert!(store.untold(true).await.unwrap().is_empty(), "the other is not over");
    let second = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    store.job_ends(second.id, Ending::Done, &Verdict { cause: None, said: "", status: "2.0.0" }).await.unwrap();
    let untold = store.untold(true).await.unwrap();
    assert_eq!(untold.iter().map(|job| job.state.as_str()).collect::<Vec<_>>(), ["failed", "done"]);
    store.told(&[(vec![first.id], mail(MailKind::Notice(first.id)))], &[second.id]).await.unwrap();
    assert!(store.untold(false).await.unwrap().is_empty());
    assert_eq!(store.overview(false).await.unwrap().mail[0].job, Some(first.id));
}

async fn one_call_at_a_time_goes_to_a_number_and_takes_more_jobs_along(store: Store) {
    for (id, numbers) in [("one", &["+1"][..]), ("two", &["+1", "+2"]), ("three", &["+1"])] {
        store.accept(&message(id, numbers)).await.unwrap();
    }
    let first = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    assert_eq!(first.number, "+1");
    assert_eq!(store.claim_job("two", Carries::Anything, 0).await.unwrap().unwrap().number, "+2");
    assert!(store.claim_job("two", Carries::Anything, 0).await.unwrap().is_none());
    let along = store.claim_companions(&first, 1).await.unwrap();
    assert_eq!(along.iter().map(|job| job.id).collect::<Vec<_>>(), [2]);
    store.job_untried(along[0].id, now()).await.unwrap();
    assert_eq!(
        store.claim_companions(&first, 9).await.unwrap().iter().map(|job| job.attempts).collect::<Vec<_>>(),
        [1, 1]
    );
}

async fn urgent_jobs_go_first_and_held_ones_not_at_all(store: Store) {
    store.accept(&message("one", &["+1", "+2", "+3"])).await.unwrap();
    assert!(store.set_priority(3, crate::ifax::priority::Priority::Urgent).await.unwrap());
    assert!(store.hold_job(1, true).await.unwrap());
    assert_eq!(store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap().id, 3);
    assert_eq!(store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap().id, 2);
    assert!(store.claim_job("one", Carries::Anything, 0).await.unwrap().is_none());
    assert!(store.hold_job(1, false).await.unwrap());
    assert_eq!(store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap().id, 1);
}

async fn a_job_that_went_wrong_on_a_line_is_left_to_others_first(store: Store) {
    store.accept(&message("one", &["+1"])).await.unwrap();
    for times in 1..=2 {
        let job = store.claim_job("two", Carries::Anything, 60_000).await.unwrap().unwrap();
        assert_eq!(job.causes().get("line_lost"), (times > 1).then_some(&1));
        store.job_waits(&job, now(), &BROKEN, "one").await.unwrap();
        assert!(store.claim_job("one", Carries::Anything, 60_000).await.unwrap().is_none());
    }
    assert!(store.claim_job("one", Carries::Anything, 0).await.unwrap().is_some());
}

async fn a_copy_without_envelope_is_dropped_for_all_recipients(store: Store) {
    store.accept(&message("one", &["+1"])).await.unwrap();
    let copy = NewMessage { without_envelope: true, ..message("one", &["+1", "+2"]) };
    let accepted = store.accept(&copy).await.unwrap();
    assert_eq!((accepted.message, accepted.jobs, accepted.duplicates), (1, 0, 2));
}

async fn what_an_account_uses_is_counted(store: Store) {
    store.accept(&NewMessage { account: "a".into(), ..message("one", &["+1", "+2"]) }).await.unwrap();
    store.accept(&NewMessage { account: "b".into(), ..message("two", &["+3"]) }).await.unwrap();
    store.page_confirmed(1, 4).await.unwrap();
    let call = CallRow { job: Some(2), begun_at: now(), cost: 0.5, ..CallRow::default() };
    store.log_call(&call).await.unwrap();
    assert_eq!(store.usage("a", 0).await.unwrap(), Usage { jobs: 2, pages: 4, numbers: 2, cost: 0.5 });
    assert_eq!(store.usage("a", now() + 1000).await.unwrap(), Usage::default());
    assert!(store.has_called("a", "+1", 0).await.unwrap() && !store.has_called("a", "+3", 0).await.unwrap());
}

async fn a_stubborn_number_is_remembered_until_its_end_date(store: Store) {
    assert_eq!(store.ladder_step("+1").await.unwrap(), 0);
    store.remember_step("+1", 1, now() + 60_000).await.unwrap();
    store.remember_step("+1", 2, now() + 60_000).await.unwrap();
    assert_eq!(store.ladder_step("+1").await.unwrap(), 2);
    store.accept(&message("one", &["+1"])).await.unwrap();
    assert!(store.claim_job("packets", Carries::Packets, 0).await.unwrap().is_none(), "it needs sound");
    store.remember_step("+1", 3, now() - 1).await.unwrap();
    assert_eq!(store.ladder_step("+1").await.unwrap(), 0);
    assert!(store.claim_job("packets", Carries::Packets, 0).await.unwrap().is_some());
}

async fn the_log_has_every_field_and_filters_by_it(store: Store) {
    store.accept(&message("one", &["+1", "+2"])).await.unwrap();
    let job = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    let report =
        r#"{"page":[{"octets":100},{"octets":23}],"x_dpi":204,"y_lpi":196,"bit_rate":14400,"remote_ident":"+1"}"#;
    let call = CallRow {
        line: "one".into(),
        job: Some(job.id),
        begun_at: 5,
        ended_at: 9,
        report: report.into(),
        cost: 0.25,
        ..CallRow::default()
    };
    store.log_call(&call).await.unwrap();
    store.job_ends(job.id, Ending::Failed, &BROKEN).await.unwrap();
    let fax = store.begin_fax("two").await.unwrap();
    store.keep_fax_page(fax, 0, b"page", 0).await.unwrap();
    let all = store.history(&LogFilter::default()).await.unwrap();
    assert_eq!(all.iter().map(|row| row.way.as_str()).collect::<Vec<_>>(), ["offramp", "offramp", "onramp"]);
    let failed = LogFilter { state: Some("failed".into()), sender: Some("a@".into()), ..LogFilter::default() };
    let rows = store.history(&failed).await.unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.call_begun_at, row.call_ended_at, row.octets, row.attempts), (Some(5), Some(9), 123, 1));
    assert_eq!((row.resolution.as_deref(), row.bit_rate, row.cost), (Some("204x196"), Some(14400), 0.25));
    assert_eq!((row.cause.as_deref(), row.status.as_str()), (Some("line_lost"), "4.4.2"));
    let onramp = LogFilter { way: Some("onramp".into()), limit: Some(1), ..LogFilter::default() };
    assert_eq!(store.history(&onramp).await.unwrap()[0].pages, 1);
    assert!(store.history(&LogFilter { until: Some(1), ..LogFilter::default() }).await.unwrap().is_empty());
}

async fn what_is_old_is_wiped_and_then_forgotten_but_never_what_is_not_over(store: Store) {
    store.accept(&message("one", &["+1"])).await.unwrap();
    store.accept(&message("two", &["+2"])).await.unwrap();
    let job = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    store.keep_pages(job.message, &[b"a page".to_vec()]).await.unwrap();
    store.job_ends(job.id, Ending::Failed, &BROKEN).await.unwrap();
    let fax = store.begin_fax("one").await.unwrap();
    store.keep_fax_page(fax, 0, b"page", 0).await.unwrap();
    store.fax_ends(fax, FaxState::Complete, "", &[mail(MailKind::Fax(fax))]).await.unwrap();
    let later = now() + 1000;
    store.wipe(later).await.unwrap();
    assert_eq!(store.pages(job.message).await.unwrap().len(), 1, "its sender is not told yet");
    assert_eq!(store.fax_pages(fax).await.unwrap()[0].0, b"page", "its mail is not delivered yet");
    store.told(&[], &[job.id]).await.unwrap();
    store.queue_webhooks(&["http://a/".into(), "http://b/".into()]).await.unwrap();
    let hook = store.due_webhook().await.unwrap().unwrap();
    store.webhook_ends(hook.id, true, None).await.unwrap();
    let due = store.due_mail().await.unwrap().unwrap();
    store.mail_delivered(due.id, "relay:25").await.unwrap();
    assert!(store.wipe(later).await.unwrap() >= 5);
    let hooks = sqlx::query_scalar("SELECT count(*) FROM webhook").fetch_one(&store.pool);
    assert_eq!(hooks.await.map_err(|error| error.to_string()), Ok(3_i64), "of four told and untold");
    assert!(store.pages(job.message).await.unwrap().is_empty());
    assert!(store.fax_pages(fax).await.unwrap()[0].0.is_empty());
    assert_eq!(store.history(&LogFilter::default()).await.unwrap().len(), 3, "the log keeps all");
    store.forget(later).await.unwrap();
    let left = store.history(&LogFilter::default()).await.unwrap();
    assert_eq!(left.iter().map(|row| row.number.as_str()).collect::<Vec<_>>(), ["+2"]);
    assert!(!store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap().raw.is_empty());
}

#[tokio::test]
async fn migrations_go_back_and_forth() {
    let (dir, store) = store().await;
    store.accept(&message("one", &["+1"])).await.unwrap();
    let migrator = &database::SQLITE;
    migrator.undo(&store.pool, 1).await.unwrap();
    assert!(store.claim_job("one", Carries::Anything, 0).await.is_err(), "the old shape knows no priority");
    drop(store);
    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap().mail_from, "a@b");
    migrator.undo(&store.pool, 0).await.unwrap();
    migrator.run(&store.pool).await.unwrap();
    assert!(store.overview(true).await.unwrap().jobs.is_empty());
}

async fn a_fax_is_closed_once_and_mailed_once(store: Store) {
    let fax = store.begin_fax("one").await.unwrap();
    store.keep_fax_page(fax, 0, b"page", 0).await.unwrap();
    assert!(store.adopt_faxes().await.unwrap().is_empty(), "its gateway lives");
    for _ in 0..2 {
        store.fax_ends(fax, FaxState::Partial, "cut", &[mail(MailKind::Fax(fax))]).await.unwrap();
    }
    assert_eq!(store.overview(true).await.unwrap().mail.len(), 1);
}

async fn mail_leaves_the_queue_only_when_taken(store: Store) {
    let fax = store.begin_fax("one").await.unwrap();
    store.fax_ends(fax, FaxState::Complete, "", &[mail(MailKind::Fax(fax))]).await.unwrap();
    let due = store.due_mail().await.unwrap().unwrap();
    store.mail_waits(due.id, now() + 60_000, "relay away").await.unwrap();
    assert!(store.due_mail().await.unwrap().is_none());
    assert!(store.retry_mail(due.id).await.unwrap());
    assert_eq!(store.due_mail().await.unwrap().unwrap().attempts, 1);
    store.mail_delivered(due.id, "relay:25").await.unwrap();
    assert!(store.overview(false).await.unwrap().mail.is_empty());
}

async fn an_operator_can_cancel_and_retry(store: Store) {
    store.accept(&message("one", &["+1"])).await.unwrap();
    assert!(store.cancel_job(1).await.unwrap());
    assert!(store.claim_job("one", Carries::Anything, 0).await.unwrap().is_none());
    assert!(store.retry_job(1).await.unwrap());
    assert!(store.claim_job("one", Carries::Anything, 0).await.unwrap().is_some());
    assert!(!store.retry_job(7).await.unwrap());
}

#[tokio::test]
async fn a_folder_in_use_or_unusable_is_refused_clearly() {
    let dir = tempfile::tempdir().unwrap();
    let held = Store::claim(dir.path()).unwrap();
    let refused = Store::claim(dir.path()).err().unwrap().to_string();
    assert!(refused.contains("in use by another"), "{refused}");
    drop(held);
    std::fs::write(dir.path().join("file"), "").unwrap();
    let refused = Store::open(&dir.path().join("file/store")).await.err().unwrap().to_string();
    assert!(refused.contains("store.dir"), "{refused}");
}

#[tokio::test]
async fn of_two_gateways_one_takes_over_what_the_other_left_and_what_that_still_writes_is_nothing() {
    let Some(server) = postgres::Server::start(1) else { return };
    let config = StoreConfig {
        url: server.database("shared"),
        lease: std::time::Duration::from_secs(2),
        ..Config::default().store
    };
    let (first, second) = (Store::of(&config, None).await.unwrap(), Store::of(&config, None).await.unwrap());
    first.accept(&message("one", &["+1", "+2"])).await.unwrap();
    // The fax first: when the job's lease has run out, so has the fax's.
    let fax = first.begin_fax("line").await.unwrap();
    first.keep_fax_page(fax, 0, b"page", 0).await.unwrap();
    let job = first.claim_job("line", Carries::Anything, 0).await.unwrap().unwrap();
    assert_eq!(
        second.claim_job("line", Carries::Anything, 0).await.unwrap().unwrap().number,
        "+2",
        "the first is another's"
    );
    assert!(second.claim_job("line", Carries::Anything, 0).await.unwrap().is_none());
    assert_eq!(second.recover_jobs().await.unwrap(), 0, "the first lives");
    while second.recover_jobs().await.unwrap() == 0 {
        second.renew().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let again = second.claim_job("line", Carries::Anything, 0).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (job.id, 2));
    first.job_ends(job.id, Ending::Done, &BROKEN).await.unwrap();
    assert_eq!(second.job(job.id).await.unwrap().unwrap().state, "sending", "it is no longer the first one's to end");
    assert_eq!(second.adopt_faxes().await.unwrap().len(), 1);
    assert!(matches!(first.keep_fax_page(fax, 1, b"late", 0).await, Err(StoreError::TakenOver(_))));
    assert_eq!(second.fax_pages(fax).await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_gateways_that_claim_at_once_never_call_one_number_twice() {
    const NUMBERS: usize = 12;
    let Some(server) = postgres::Server::start(1) else { return };
    let url = server.database("claims");
    let stores = [shared(&url).await, shared(&url).await];
    let numbers: Vec<String> = (0..NUMBERS).map(|n| format!("+{n}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    for id in ["one", "two", "three"] {
        stores[0].accept(&message(id, &numbers)).await.unwrap();
    }
    let claims = (0..4 * NUMBERS).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move { store.claim_job("line", Carries::Anything, 0).await.unwrap().map(|job| job.number) })
    });
    let mut called = vec![];
    for claim in claims.collect::<Vec<_>>() {
        called.extend(claim.await.unwrap());
    }
    called.sort();
    let mut once = called.clone();
    once.dedup();
    assert_eq!((called.len(), once.len()), (NUMBERS, NUMBERS));
}

#[tokio::test]
async fn the_tables_of_postgres_go_and_come_again() {
    let Some(server) = postgres::Server::start(1) else { return };
    let store = shared(&server.database("migrated")).await;
    database::POSTGRES.undo(&store.pool, 0).await.unwrap();
    assert!(store.overview(true).await.is_err());
    database::POSTGRES.run(&store.pool).await.unwrap();
    assert!(store.overview(true).await.unwrap().jobs.is_empty());
}

#[tokio::test]
async fn a_database_is_reached_by_tls_when_its_certificate_is_right_and_not_else() {
    let Some(server) = postgres::Server::start_with_tls(3) else { return };
    server.database("sealed");
    let store = shared(&server.by_tls("sealed", "localhost", "authority.pem")).await;
    let sealed =
        sqlx::query_scalar("SELECT CAST(count(*) AS BIGINT) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl");
    assert_eq!(sealed.fetch_one(&store.pool).await.map_err(|error| error.to_string()), Ok(1_i64));
    for (host, authority) in [("localhost", "another.pem"), ("127.0.0.1", "authority.pem")] {
        let config = StoreConfig { url: server.by_tls("sealed", host, authority), ..Config::default().store };
        let refused = Store::of(&config, None).await.err().unwrap().to_string();
        assert!(refused.starts_with("store.url: ") && refused.contains("certificate"), "{refused}");
    }
}

async fn programs_are_told_once_of_each_fax_that_is_over(store: Store) {
    store.accept(&message("one", &["+1", "+2"])).await.unwrap();
    let urls = ["http://a/".to_owned(), "http://b/".to_owned()];
    assert_eq!(store.queue_webhooks(&urls).await.unwrap(), 0, "none is over");
    let job = store.claim_job("one", Carries::Anything, 0).await.unwrap().unwrap();
    store.job_ends(job.id, Ending::Failed, &BROKEN).await.unwrap();
    assert_eq!(store.queue_webhooks(&urls).await.unwrap(), 1);
    assert_eq!(store.queue_webhooks(&urls).await.unwrap(), 0, "of this it was told");
    let first = store.due_webhook().await.unwrap().unwrap();
    assert!(first.body.contains("\"state\":\"failed\"") && first.url == "http://a/", "{first:?}");
    store.webhook_waits(first.id, now() + 60_000, "away").await.unwrap();
    let second = store.due_webhook().await.unwrap().unwrap();
    store.webhook_ends(second.id, true, None).await.unwrap();
    assert!(store.due_webhook().await.unwrap().is_none());
    assert!(store.next_webhook_due().await.unwrap().is_some());
}

async fn what_is_told_of_a_fax_s_mail_is_in_the_log(store: Store) {
    let fax = store.begin_fax("one").await.unwrap();
    store.fax_ends(fax, FaxState::Complete, "", &[mail(MailKind::Fax(fax))]).await.unwrap();
    let begun_at = store.fax(fax).await.unwrap().begun_at;
    assert!(!store.mail_replied(fax, begun_at + 1, None, "delivered").await.unwrap(), "another fax");
    assert!(!store.mail_replied(fax, begun_at, Some("c@d"), "delivered").await.unwrap(), "another recipient");
    assert!(store.mail_replied(fax, begun_at, Some("A@B"), "displayed").await.unwrap());
    let rows = store.history(&LogFilter::default()).await.unwrap();
    assert_eq!(rows[0].reply.as_deref(), Some("displayed"));
    assert!(rows[0].replied_at.is_some());
}
