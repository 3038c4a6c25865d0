//! A received fax as e-mail, RFC 3965 and RFC 4160 4.

use answertone_t30::image::{Page, ReceivedPicture, tiff::TiffError};
use jiff::Timestamp;
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, raw::Raw},
    mime::MimePart,
};

use super::{address::PhoneNumber, features::Features, form::Form};
use crate::{
    config::{Attach, Onramp},
    store::{Fax, MailKind, NewMail},
};

/// How a fax ended, for its mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// All pages the caller wanted to send.
    Complete,
    /// The call broke; why.
    Partial(String),
}

/// A page and its flaws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPage {
    /// The page.
    pub page: Page,
    /// The grey or colour picture it is a copy of.
    pub picture: Option<ReceivedPicture>,
    /// Rows that could not be decoded.
    pub bad_rows: u32,
}

/// A fax to be mailed to somebody.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The fax.
    pub fax: &'a Fax,
    /// Its pages.
    pub pages: &'a [KeptPage],
    /// How it ended.
    pub complete: &'a Completeness,
    /// How it is mailed.
    pub onramp: &'a Onramp,
    /// To whom.
    pub mailbox: &'a str,
    /// The gateway.
    pub hostname: &'a str,
}

/// What Disposition-Notification-Options says of the other forms of a document, RFC 3297 6.
const OFFERED: &str = "Alternative-available=optional,permanent";
const GONE: &str = "Alternative-not-available=required,(TRUE)";

impl Letter<'_> {
    /// The mail. Its Message-ID is made from the fax's number in the store and its time, so that a mail that is handed over
    /// twice can be recognised as one.
    ///
    /// # Errors
    /// Pages that fit no file.
    pub fn mail(&self) -> Result<NewMail, TiffError> {
        let mut parts = vec![text(self.words())];
        let forms = self.first_forms();
        for form in &forms {
            let part = self.document(*form)?;
            let is_offer = self.onramp.negotiate && *form == Form::Minimal;
            parts.push(if is_offer { self.offering(part, &forms) } else { part });
        }
        let mail = self.about(self.subject(), message_id(self.fax, self.hostname));
        let mail = if self.onramp.negotiate {
            mail.header("Disposition-Notification-Options", Raw::new(OFFERED))
        } else {
            mail
        };
        Ok(self.written(mail, parts))
    }

    /// The mail in another form, for who asked for that: RFC 3297 3.3. `number` tells it from those before.
    ///
    /// # Errors
    /// Pages that fit no file.
    pub fn again(&self, form: Form, number: i64) -> Result<NewMail, TiffError> {
        let parts = vec![text(self.words()), self.document(form)?];
        Ok(self.written(self.in_place(self.subject(), number), parts))
    }

    /// That there is no other form, for who asked for one: RFC 3297 6.3.
    pub fn no_other(&self, why: &str, number: i64) -> NewMail {
        let words = format!(
            "Another form of the fax that was mailed to you was asked for, and there is none: {why}.\n\n\
             What was mailed before is the whole fax.\n\n{}",
            self.words()
        );
        let mail = self.in_place(format!("No other form of the fax from {}", caller(self.fax)), number);
        self.written(mail.header("Disposition-Notification-Options", Raw::new(GONE)), vec![text(words)])
    }

    /// What everybody can read where better is offered, and else what holds all there is.
    fn first_forms(&self) -> Vec<Form> {
        let tiff = if self.onramp.negotiate { Form::Minimal } else { Form::Tiff };
        match self.onramp.attach {
            Attach::Tiff => vec![tiff],
            Attach::Pdf => vec![Form::Pdf],
            Attach::Both => vec![tiff, Form::Pdf],
        }
    }

    /// A document that says what it is made of, and which other forms there are.
    fn offering<'x>(&self, part: MimePart<'x>, sent: &[Form]) -> MimePart<'x> {
        let part = part.header("Content-features", Raw::new(Form::Minimal.features(self.pages)));
        let others =
            Form::BEST_FIRST.into_iter().filter(|form| !sent.contains(form) && form.adds_to_minimal(self.pages));
        others.fold(part, |part, form| part.header("Content-alternative", Raw::new(form.features(self.pages))))
    }

    fn subject(&self) -> String {
        let what = if *self.complete == Completeness::Complete { "Fax" } else { "Incomplete fax" };
        let pages = self.pages.len();
        let count = if pages == 1 { "1 page".into() } else { format!("{pages} pages") };
        format!("{what} from {}, {count}", caller(self.fax))
    }

    /// What is said to people.
    fn words(&self) -> String {
        let fax = self.fax;
        let when = Timestamp::from_millisecond(fax.begun_at).unwrap_or(Timestamp::UNIX_EPOCH);
        let subaddress =
            if fax.subaddress.is_empty() { String::new() } else { format!("Subaddress: {}\n", fax.subaddress) };
        let flaw = match self.complete {
            Completeness::Complete => String::new(),
            Completeness::Partial(why) => {
                format!(
                    "\nThe call broke off before the caller had said that this was all: {why}.\n\
                     These are the pages that came until then; what is missing has to be sent again.\n"
                )
            }
        };
        format!(
            "From:  {}\nPages: {}\nTime:  {}\nLine:  {}\n{subaddress}{flaw}",
            caller(fax),
            self.pages.len(),
            when.strftime("%Y-%m-%d %H:%M UTC"),
            fax.line,
        )
    }

    fn document<'x>(&self, form: Form) -> Result<MimePart<'x>, TiffError> {
        let name = format!("fax-{}.{}", self.fax.id, form.ending());
        Ok(form.part(self.pages)?.attachment(name))
    }

    fn about<'x>(&self, subject: String, id: String) -> MessageBuilder<'x> {
        let from = sender(self.fax, self.hostname).unwrap_or_else(|| self.onramp.from.to_string());
        let mail = MessageBuilder::new()
            .from(Address::new_address(Some(caller(self.fax)), from))
            .to(self.mailbox.to_owned())
            .subject(subject)
            .date(self.fax.begun_at / 1000)
            .message_id(id)
            .header("Message-Context", Raw::new("fax-message"))
            .header("Auto-Submitted", Raw::new("auto-generated"));
        let told = self.onramp.hears_replies();
        if told { mail.header("Disposition-Notification-To", Raw::new(self.onramp.from.to_string())) } else { mail }
    }

    /// The same for a mail that takes the place of the first.
    fn in_place<'x>(&self, subject: String, number: i64) -> MessageBuilder<'x> {
        let id = format!("fax.{}.{}.{number}@{}", self.fax.id, self.fax.begun_at, self.hostname);
        let original = format!("<{}>", message_id(self.fax, self.hostname));
        self.about(subject, id).header("Original-Message-ID", Raw::new(original))
    }

    fn written(&self, mail: MessageBuilder<'_>, parts: Vec<MimePart<'_>>) -> NewMail {
        let mail = mail.body(MimePart::new(ContentType::new("multipart/mixed"), parts));
        NewMail {
            kind: MailKind::Fax(self.fax.id),
            mail_from: self.onramp.from.to_string(),
            recipient: self.mailbox.to_owned(),
            raw: mail.write_to_vec().expect("writing to memory"),
        }
    }
}

fn text<'x>(words: String) -> MimePart<'x> {
    MimePart::new(ContentType::new("text/plain").attribute("charset", "utf-8"), words)
}

/// The form that fits what a receiver says it can take, RFC 3297 3.3: the best, and without a word that is understood the one
/// for everybody. None when it can take none.
pub fn form_for(accepted: Option<&str>, pages: &[KeptPage]) -> Option<Form> {
    match accepted.and_then(|accepted| Features::parse(accepted).ok()) {
        None => Some(Form::Minimal),
        Some(accepted) => Form::BEST_FIRST.into_iter().find(|form| form.fits(&accepted, pages)),
    }
}

/// The Message-ID of a fax's mail, without brackets.
pub fn message_id(fax: &Fax, hostname: &str) -> String {
    format!("fax.{}.{}@{hostname}", fax.id, fax.begun_at)
}

/// The number of the fax and its time that a Message-ID was made from; none when it is not ours.
pub fn fax_of(message_id: &str) -> Option<(i64, i64)> {
    let (local, _) = message_id.trim().trim_matches(['<', '>']).split_once('@')?;
    let mut numbers = local.strip_prefix("fax.")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The caller as a fax address at this gateway, RFC 4160 4.2.3: by the number the network tells, or else by what the
/// machine calls itself; none when neither is an international number.
fn sender(fax: &Fax, hostname: &str) -> Option<String> {
    let number = PhoneNumber::parse(&fax.caller).or_else(|_| PhoneNumber::parse(&fax.remote_ident)).ok()?;
    Some(format!("FAX={number}@{hostname}"))
}

fn caller(fax: &Fax) -> String {
    match fax.remote_ident.trim() {
        "" => "unknown caller".into(),
        ident => ident.chars().filter(|c| !c.is_control()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Resolution, tiff::TiffDocument};
    use mail_parser::{MessageParser, MimeHeaders};

    use super::*;
    use crate::config::Config;

    fn fax(ident: &str) -> Fax {
        Fax {
            id: 5,
            line: "one".into(),
            begun_at: 1_700_000_000_000,
            remote_ident: ident.into(),
            subaddress: "12".into(),
            ..Fax::default()
        }
    }

    fn page() -> KeptPage {
        let mut bitmap = Bitmap::white(1728, 300);
        (0..200).for_each(|i| bitmap.set(i * 5, i, true));
        KeptPage { page: Page { bitmap, resolution: Resolution::Fine }, picture: None, bad_rows: 0 }
    }

    fn letter<'a>(fax: &'a Fax, pages: &'a [KeptPage], complete: &'a Completeness, onramp: &'a Onramp) -> Letter<'a> {
        Letter { fax, pages, complete, onramp, mailbox: "office@x.example", hostname: "gw" }
    }

    #[test]
    fn the_pages_come_back_from_the_mail_pel_for_pel() {
        let onramp = Config::default().onramp;
        let new = letter(&fax("+1 222 456 7654"), &[page(), page()], &Completeness::Complete, &onramp).mail().unwrap();
        let parsed = MessageParser::default().parse(&new.raw).unwrap();
        assert_eq!(parsed.subject(), Some("Fax from +1 222 456 7654, 2 pages"));
        assert_eq!(parsed.message_id(), Some("fax.5.1700000000000@gw"));
        assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("FAX=+12224567654@gw"));
        let kinds: Vec<_> =
            parsed.attachments().map(|part| part.content_type().unwrap().subtype().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["tiff", "pdf"]);
        let tiff = parsed.attachment(0).unwrap();
        assert_eq!(tiff.content_type().unwrap().attribute("application"), Some("faxbw"));
        let read = TiffDocument::open(tiff.contents()).unwrap().fax_pages().unwrap();
        assert_eq!(read, [page().page, page().page]);
    }

    #[test]
    fn a_broken_call_is_told_in_subject_and_text() {
        let onramp = Config::default().onramp;
        let broken = Completeness::Partial("the line was lost".into());
        let new = letter(&fax(""), &[page()], &broken, &onramp).mail().unwrap();
        let parsed = MessageParser::default().parse(&new.raw).unwrap();
        assert_eq!(parsed.subject(), Some("Incomplete fax from unknown caller, 1 page"));
        assert!(parsed.body_text(0).unwrap().contains("the line was lost"));
        assert_eq!(new.mail_from, "fax@localhost");
    }
}
