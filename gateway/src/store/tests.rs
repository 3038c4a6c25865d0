//! The store by itself: what a crash, a copy or an operator does to states.

use super::*;

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

fn message(id: &str, numbers: &[&str]) -> NewMessage {
    let recipient = |number: &&str| NewRecipient { number: (*number).into(), ..Default::default() };
    NewMessage {
        message_id: Some(id.into()),
        mail_from: "a@b".into(),
        raw: b"Subject: x\r\n\r\nhello".to_vec(),
        recipients: numbers.iter().map(recipient).collect(),
        ..Default::default()
    }
}

fn mail(kind: MailKind) -> NewMail {
    NewMail { kind, mail_from: String::new(), recipient: "a@b".into(), raw: b"x".to_vec() }
}

#[tokio::test]
async fn a_copy_of_a_message_makes_no_second_fax() {
    let (_dir, store) = store().await;
    let first = store.accept(&message("one", &["+1", "+2"])).await.unwrap();
    assert_eq!((first.jobs, first.duplicates), (2, 0));
    let copy = store.accept(&message("one", &["+2", "+3"])).await.unwrap();
    assert_eq!((copy.jobs, copy.duplicates), (1, 1));
}

#[tokio::test]
async fn a_crash_in_a_call_keeps_confirmed_pages_and_gives_the_job_back() {
    let (dir, store) = store().await;
    store.accept(&message("one", &["+1"])).await.unwrap();
    let job = store.claim_job().await.unwrap().unwrap();
    assert!(store.claim_job().await.unwrap().is_none());
    store.keep_pages(job.message, &[vec![1], vec![2], vec![3]]).await.unwrap();
    store.page_confirmed(job.id, 2).await.unwrap();
    drop(store);

    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(store.recover_jobs().await.unwrap(), 1);
    let again = store.claim_job().await.unwrap().unwrap();
    assert_eq!((again.id, again.next_page, again.attempts), (job.id, 2, 2));
    assert_eq!(store.pages(job.message).await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_end_of_a_job_and_its_notice_come_together() {
    let (_dir, store) = store().await;
    store.accept(&message("one", &["+1"])).await.unwrap();
    let job = store.claim_job().await.unwrap().unwrap();
    let notice = mail(MailKind::Notice(job.id));
    store.job_ends(job.id, Ending::Failed, Some("peer_silent"), "no answer", Some(&notice)).await.unwrap();
    let overview = store.overview(false).await.unwrap();
    assert_eq!(overview.jobs[0].state, "failed");
    assert_eq!(overview.mail[0].job, Some(job.id));
}

#[tokio::test]
async fn a_fax_is_closed_once_and_mailed_once() {
    let (_dir, store) = store().await;
    let fax = store.begin_fax("one").await.unwrap();
    store.keep_fax_page(fax, 0, b"page", 0).await.unwrap();
    assert_eq!(store.open_faxes().await.unwrap().len(), 1);
    for _ in 0..2 {
        store.fax_ends(fax, FaxState::Partial, "cut", Some(&mail(MailKind::Fax(fax)))).await.unwrap();
    }
    assert_eq!(store.overview(true).await.unwrap().mail.len(), 1);
    assert!(store.open_faxes().await.unwrap().is_empty());
}

#[tokio::test]
async fn mail_leaves_the_queue_only_when_taken() {
    let (_dir, store) = store().await;
    let fax = store.begin_fax("one").await.unwrap();
    store.fax_ends(fax, FaxState::Complete, "", Some(&mail(MailKind::Fax(fax)))).await.unwrap();
    let due = store.due_mail().await.unwrap().unwrap();
    store.mail_waits(due.id, now() + 60_000, "relay away").await.unwrap();
    assert!(store.due_mail().await.unwrap().is_none());
    assert!(store.retry_mail(due.id).await.unwrap());
    assert_eq!(store.due_mail().await.unwrap().unwrap().attempts, 1);
    store.mail_delivered(due.id).await.unwrap();
    assert!(store.overview(false).await.unwrap().mail.is_empty());
}

#[tokio::test]
async fn an_operator_can_cancel_and_retry() {
    let (_dir, store) = store().await;
    store.accept(&message("one", &["+1"])).await.unwrap();
    assert!(store.cancel_job(1).await.unwrap());
    assert!(store.claim_job().await.unwrap().is_none());
    assert!(store.retry_job(1).await.unwrap());
    assert!(store.claim_job().await.unwrap().is_some());
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
