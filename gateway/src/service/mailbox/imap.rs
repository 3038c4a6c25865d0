//! IMAP, RFC 3501, with IDLE, RFC 2177.

use std::time::Duration;

use async_imap::{Client, Session};
use futures_util::StreamExt;

use super::{
    MOST_HEAD, Trouble, pass, refuse_long, take,
    wire::{Wire, connect, seal},
};
use crate::{
    config::{Mailbox, Tls},
    service::Shared,
};

type Logged = Session<Box<dyn Wire>>;

/// A server may end a connection that is idle for half an hour.
const LONGEST_IDLE: Duration = Duration::from_secs(25 * 60);

/// Fetches what is new, again and again, until the connection or the gateway ends.
pub(super) async fn fetch(shared: &Shared, mailbox: &Mailbox) -> Result<(), Trouble> {
    let mut session = log_in(mailbox).await?;
    session.select(&mailbox.folder).await?;
    let idles = session.capabilities().await?.has_str("IDLE");
    while !shared.stopping() {
        let waiting = take_new(shared, mailbox, &mut session).await?;
        if idles && !waiting {
            session = idle(shared, session).await?;
        } else {
            pass(shared, mailbox.poll).await;
            session.noop().await?;
        }
    }
    Ok(session.logout().await?)
}

async fn log_in(mailbox: &Mailbox) -> Result<Logged, Trouble> {
    let mut client = Client::new(connect(mailbox).await?);
    greeting(&mut client).await?;
    if mailbox.tls == Tls::Required {
        client.run_command_and_check_ok("STARTTLS", None).await?;
        client = Client::new(seal(mailbox, client.into_inner()).await?);
    }
    let password = mailbox.password.as_ref().map_or("", |password| password.0.as_str());
    client.login(&mailbox.user, password).await.map_err(|(error, _)| Trouble::Imap(error))
}

async fn greeting(client: &mut Client<Box<dyn Wire>>) -> Result<(), Trouble> {
    match client.read_response().await? {
        Some(_) => Ok(()),
        None => Err(Trouble::Said("the server says nothing".into())),
    }
}

/// Takes all messages that were not seen; whether one of them has to wait.
async fn take_new(shared: &Shared, mailbox: &Mailbox, session: &mut Logged) -> Result<bool, Trouble> {
    let mut numbers: Vec<_> = session.uid_search("UNSEEN UNDELETED").await?.into_iter().collect();
    numbers.sort_unstable();
    let mut waiting = false;
    for number in numbers {
        let Some(octets) = one(session, number, "(UID RFC822.SIZE)", |fetched| fetched.size).await? else { continue };
        if octets as usize > shared.config.smtp.max_message_bytes {
            let what = format!("(UID BODY.PEEK[HEADER]<0.{MOST_HEAD}>)");
            let head = one(session, number, &what, |fetched| fetched.header().map(<[u8]>::to_vec)).await?;
            refuse_long(shared, mailbox, &head.unwrap_or_default(), octets as usize).await?;
            mark(session, number, "+FLAGS.SILENT (\\Seen)").await?;
            continue;
        }
        let raw = one(session, number, "(UID BODY.PEEK[])", |fetched| fetched.body().map(<[u8]>::to_vec)).await?;
        let Some(raw) = raw else { continue };
        if take(shared, mailbox, raw).await? {
            done_with(mailbox, session, number).await?;
        } else {
            waiting = true;
        }
    }
    Ok(waiting)
}

async fn one<T>(
    session: &mut Logged,
    number: u32,
    what: &str,
    wanted: impl Fn(&async_imap::types::Fetch) -> Option<T>,
) -> Result<Option<T>, Trouble> {
    let mut answers = session.uid_fetch(number.to_string(), what).await?;
    let mut found = None;
    while let Some(answer) = answers.next().await {
        found = wanted(&answer?).or(found);
    }
    Ok(found)
}

async fn mark(session: &mut Logged, number: u32, flags: &str) -> Result<(), Trouble> {
    session.uid_store(number.to_string(), flags).await?.for_each(async |_| {}).await;
    Ok(())
}

async fn done_with(mailbox: &Mailbox, session: &mut Logged, number: u32) -> Result<(), Trouble> {
    let flags = if mailbox.keep { "+FLAGS.SILENT (\\Seen)" } else { "+FLAGS.SILENT (\\Seen \\Deleted)" };
    mark(session, number, flags).await?;
    if !mailbox.keep {
        session.expunge().await?.for_each(async |_| {}).await;
    }
    Ok(())
}

/// Waits until the server tells of something, or the gateway stops.
async fn idle(shared: &Shared, session: Logged) -> Result<Logged, Trouble> {
    let mut idle = session.idle();
    idle.init().await?;
    let mut stop = shared.stop.subscribe();
    let (told, interrupt) = idle.wait_with_timeout(LONGEST_IDLE);
    tokio::select! {
        told = told => drop(told?),
        _ = stop.wait_for(|stop| *stop) => {}
    }
    drop(interrupt);
    Ok(idle.done().await?)
}
