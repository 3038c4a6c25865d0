//! What is told of the mails of received faxes, and what follows from it: another form of the fax for who would rather have
//! that (RFC 3297), a notice by fax for its caller (RFC 4160 4.6).

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use tracing::{info, warn};

use crate::{
    config::{FaxNotices, FaxNoticesTo, Purpose},
    ifax::{
        address::PhoneNumber,
        message::{Completeness, Letter, fax_of, form_for},
        negotiation::PREFERRED,
        reply::{self, Reply},
    },
    service::{Shared, onramp},
    store::{Fax, NewMail, NewMessage, NewRecipient, StoreError},
};

/// A fax is mailed to the same recipient so often at most: the first time, another form, and that again if it was lost.
const MOST_MAILS: i64 = 3;

/// Whose faxes notices are, for the bounds of what is used.
const ACCOUNT: &str = "notices by fax";

impl Shared {
    /// Notes what a report tells of received faxes; whether it was of any.
    pub(in crate::service) async fn noted(&self, raw: &[u8]) -> Result<bool, StoreError> {
        let mut known = false;
        for reply in reply::replies(raw) {
            let of = reply.recipient.as_deref();
            let is_known = self.store.mail_replied(reply.fax, reply.begun_at, of, &reply.said).await?;
            info!(fax = reply.fax, said = reply.said, is_known, "told of a fax's mail");
            known |= is_known;
            match is_known {
                true if reply.said == PREFERRED => self.send_other_form(&reply).await?,
                true => self.tell_caller(&reply).await?,
                false => {}
            }
        }
        Ok(known)
    }

    /// Of a fax whose mail no relay takes its caller is told as if its recipient had.
    pub(in crate::service) async fn undelivered(
        &self,
        raw: &[u8],
        recipient: &str,
        said: &str,
    ) -> Result<(), StoreError> {
        let headers = mail_parser::MessageParser::default().parse_headers(raw);
        let id = headers.as_ref().and_then(|headers| headers.message_id());
        let Some((fax, begun_at)) = id.and_then(fax_of) else { return Ok(()) };
        let (recipient, words) = (Some(recipient.to_owned()), format!("No mail server takes it: {said}"));
        self.tell_caller(&Reply { fax, begun_at, recipient, said: "failed".into(), words, ..Reply::default() }).await
    }

    async fn send_other_form(&self, reply: &Reply) -> Result<(), StoreError> {
        let Some(recipient) = reply.recipient.as_deref().filter(|_| self.config.onramp.negotiate) else {
            return Ok(());
        };
        let sent = self.store.mails_of_fax(reply.fax, reply.begun_at, recipient).await?;
        let Some((mailbox, sent)) = sent.filter(|(_, sent)| *sent < MOST_MAILS) else {
            warn!(fax = reply.fax, recipient, "another form of the fax is asked for again; it was sent before");
            return Ok(());
        };
        let mail = self.other_form(reply, &mailbox, sent).await?;
        let queued = self.store.mail_again(reply.fax, &mail, sent).await?;
        info!(fax = reply.fax, recipient, queued, "another form of the fax is asked for");
        self.mail_due.notify_one();
        Ok(())
    }

    /// The mail that answers; `number` tells it from those before.
    async fn other_form(&self, reply: &Reply, mailbox: &str, number: i64) -> Result<NewMail, StoreError> {
        let fax = self.store.fax(reply.fax).await?;
        let pages = onramp::kept_pages(self, fax.id).await?;
        let complete = match fax.state.as_str() {
            "complete" => Completeness::Complete,
            _ => Completeness::Partial(fax.said.clone().unwrap_or_default()),
        };
        let config = &self.config;
        let letter = Letter {
            fax: &fax,
            pages: &pages,
            complete: &complete,
            onramp: &config.onramp,
            mailbox,
            hostname: &config.hostname,
        };
        if pages.is_empty() {
            return Ok(letter.no_other("its pages are no longer kept here", number));
        }
        let made = match form_for(reply.accepts.as_deref(), &pages) {
            None => return Ok(letter.no_other("no form that it can be given fits what was asked for", number)),
            Some(form) => letter.again(form, number),
        };
        Ok(made.unwrap_or_else(|error| letter.no_other(&error.to_string(), number)))
    }

    /// Tells the caller by fax, if that is wanted and it has a number that may be called.
    async fn tell_caller(&self, reply: &Reply) -> Result<(), StoreError> {
        if !Fate::of(&reply.said).is_told(self.config.onramp.fax_notices) {
            return Ok(());
        }
        let Some(fax) = self.store.known_fax(reply.fax).await?.filter(|fax| fax.begun_at == reply.begun_at) else {
            return Ok(());
        };
        let number = match self.number_of_caller(&fax) {
            Ok(number) => number,
            Err(why) => {
                info!(fax = fax.id, why, "its caller is not told by fax");
                return Ok(());
            }
        };
        let recipient = reply.recipient.clone().unwrap_or_default();
        let notice = self.notice_by_fax(&fax, &number, &recipient, reply);
        let accepted = self.store.accept(&notice).await?;
        info!(fax = fax.id, jobs = accepted.jobs, said = reply.said, "its caller is told by fax");
        self.job_due.notify_waiters();
        self.job_due.notify_one();
        Ok(())
    }

    /// The number that a notice to the caller of a fax goes to; or why there is none.
    fn number_of_caller(&self, fax: &Fax) -> Result<PhoneNumber, String> {
        let (plan, onramp) = (&self.config.offramp.dial, &self.config.onramp);
        let station = (onramp.fax_notices_to == FaxNoticesTo::Station).then_some(fax.remote_ident.as_str());
        let known = [Some(fax.caller.as_str()), station];
        let number = known.into_iter().flatten().find_map(|number| plan.number(number).ok());
        let number = number.ok_or("no number of it is known")?;
        if PhoneNumber::parse(&self.config.identity.station).is_ok_and(|own| own == number) {
            return Err("its number is our own".into());
        }
        plan.judge(&number).map_err(|error| error.to_string())?;
        match self.config.lines.iter().any(|line| line.purpose != Purpose::Receive) {
            true => Ok(number),
            false => Err("no line is for sending".into()),
        }
    }

    /// The notice as a message with one recipient. Nobody is told what becomes of it, and one goes for each fate of the mail:
    /// what a report says besides may be anything.
    fn notice_by_fax(&self, fax: &Fax, number: &PhoneNumber, recipient: &str, reply: &Reply) -> NewMessage {
        let hostname = &self.config.hostname;
        let address = format!("FAX={number}@{hostname}");
        let raw = MessageBuilder::new()
            .from(self.config.onramp.from.to_string())
            .to(address.clone())
            .subject("What became of your fax")
            .text_body(words(fax, recipient, reply))
            .write_to_vec()
            .expect("writing to memory");
        NewMessage {
            identity: Some(format!(
                "told.{}.{}.{}.{:?}@{hostname}",
                fax.id,
                fax.begun_at,
                recipient.to_lowercase(),
                Fate::of(&reply.said)
            )),
            subject: "What became of your fax".into(),
            is_notice: true,
            account: ACCOUNT.into(),
            peer: hostname.clone(),
            recipients: vec![NewRecipient { address, number: number.to_string(), ..NewRecipient::default() }],
            raw,
            ..NewMessage::default()
        }
    }
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delayed,
    Failed,
    Delivered,
    Shown,
    Processed,
    /// Something else, by a word that is not known.
    Other,
}

impl Fate {
    fn of(said: &str) -> Self {
        match said {
            "delayed" => Self::Delayed,
            "delivered" | "relayed" | "expanded" => Self::Delivered,
            "displayed" => Self::Shown,
            "processed" | "dispatched" => Self::Processed,
            said if said == "failed" || said.starts_with("failed/") || said.contains("/error") => Self::Failed,
            _ => Self::Other,
        }
    }

    /// Whether the caller is told. What only takes time is not.
    fn is_told(self, wanted: FaxNotices) -> bool {
        match wanted {
            FaxNotices::Never => false,
            FaxNotices::Failures => self == Self::Failed,
            FaxNotices::All => self != Self::Delayed,
        }
    }

    /// What a fax is said to have met.
    fn words(self) -> &'static str {
        match self {
            Self::Delivered => "was delivered to the recipient's mail server",
            Self::Shown => "was shown to the recipient",
            Self::Processed => "was processed by the recipient's system",
            Self::Failed => "COULD NOT BE DELIVERED",
            Self::Delayed | Self::Other => "has been dealt with",
        }
    }
}

/// For people, and the codes as they came, RFC 4160 4.6.
fn words(fax: &Fax, recipient: &str, reply: &Reply) -> String {
    let when = Timestamp::from_millisecond(fax.begun_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let subaddress = match fax.subaddress.as_str() {
        "" => String::new(),
        subaddress => format!("  Subaddress: {subaddress}\n"),
    };
    format!(
        "Your fax {}.\n\n  Sent:       {}\n  To:         {recipient}\n{subaddress}  Status:     {}\n\n{}\n\n{}\n",
        Fate::of(&reply.said).words(),
        when.strftime("%Y-%m-%d %H:%M UTC"),
        reply.said,
        reply.words.trim(),
        reply.codes.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_the_operator_wants() {
        let told = |wanted| {
            ["failed", "processed/error", "displayed", "delivered", "delayed"]
                .map(|said| Fate::of(said).is_told(wanted))
        };
        assert_eq!(told(FaxNotices::Never), [false; 5]);
        assert_eq!(told(FaxNotices::Failures), [true, true, false, false, false]);
        assert_eq!(told(FaxNotices::All), [true, true, true, true, false]);
        assert_eq!(Fate::of("failed/1"), Fate::of("failed/2"), "one notice, however it is said");
        let reply = Reply {
            said: "failed".into(),
            words: "No such user.".into(),
            codes: "Status: 5.1.1".into(),
            ..Reply::default()
        };
        let page = words(&Fax { begun_at: 1_700_000_000_000, ..Fax::default() }, "a@b.example", &reply);
        for part in ["COULD NOT BE DELIVERED", "2023-11-14 22:13 UTC", "a@b.example", "No such user.", "Status: 5.1.1"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
