//! A received fax as e-mail, RFC 3965 and RFC 4160 4.

use answertone_t30::image::{
    Coding, Page, ReceivedPicture,
    tiff::{self, FilePage, Profile, TiffError, WriteOptions},
};
use jiff::Timestamp;
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, raw::Raw},
    mime::MimePart,
};

use super::{address::PhoneNumber, pdf_of};
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

/// The mail of a fax. Its Message-ID is made from the fax's number in the store and its time, so that a mail that is
/// handed over twice can be recognised as one.
pub fn mail(
    fax: &Fax,
    pages: &[KeptPage],
    complete: &Completeness,
    onramp: &Onramp,
    mailbox: &str,
    hostname: &str,
) -> Result<NewMail, TiffError> {
    let from = sender(fax, hostname).unwrap_or_else(|| onramp.from.to_string());
    let name = format!("fax-{}", fax.id);
    let mut parts = vec![MimePart::new(
        ContentType::new("text/plain").attribute("charset", "utf-8"),
        for_people(fax, pages.len(), complete),
    )];
    if onramp.attach != Attach::Pdf {
        let application = if pages.iter().any(|kept| kept.picture.is_some()) { "faxcolor" } else { "faxbw" };
        let kind = ContentType::new("image/tiff").attribute("application", application);
        parts.push(MimePart::new(kind, pages_as_tiff(pages)?).attachment(format!("{name}.tif")));
    }
    if onramp.attach != Attach::Tiff {
        let pdf = pdf_of(pages.iter().map(|kept| (&kept.page, kept.picture.as_ref())));
        parts.push(MimePart::new(ContentType::new("application/pdf"), pdf).attachment(format!("{name}.pdf")));
    }
    let raw = MessageBuilder::new()
        .from(Address::new_address(Some(caller(fax)), from.clone()))
        .to(mailbox.to_owned())
        .subject(subject(fax, pages.len(), complete))
        .date(fax.begun_at / 1000)
        .message_id(message_id(fax, hostname))
        .header("Message-Context", Raw::new("fax-message"))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .body(MimePart::new(ContentType::new("multipart/mixed"), parts));
    let raw =
        if onramp.confirm { raw.header("Disposition-Notification-To", Raw::new(onramp.from.to_string())) } else { raw };
    let raw = raw.write_to_vec().expect("writing to memory");
    Ok(NewMail { kind: MailKind::Fax(fax.id), mail_from: onramp.from.to_string(), recipient: mailbox.to_owned(), raw })
}

/// The Message-ID of a fax's mail, without brackets.
pub fn message_id(fax: &Fax, hostname: &str) -> String {
    format!("fax.{}.{}@{hostname}", fax.id, fax.begun_at)
}

/// The number of the fax and its time that a Message-ID was made from; none when it is not ours.
pub fn fax_of(message_id: &str) -> Option<(i64, i64)> {
    let (local, _) = message_id.trim().trim_matches(['<', '>']).split_once('@')?;
    let (fax, begun_at) = local.strip_prefix("fax.")?.split_once('.')?;
    Some((fax.parse().ok()?, begun_at.parse().ok()?))
}

fn file_page(kept: &KeptPage) -> FilePage<'_> {
    FilePage { bad_rows: kept.bad_rows, picture: kept.picture.as_ref(), ..FilePage::from(&kept.page) }
}

/// The minimum set, profile S, where the pages fit it: every receiver must read that. Otherwise profile F, and profile C of
/// pages in colour or grey.
pub fn pages_as_tiff(pages: &[KeptPage]) -> Result<Vec<u8>, TiffError> {
    let file_pages: Vec<_> = pages.iter().map(file_page).collect();
    let extended = || tiff::write(&file_pages, &WriteOptions::plain(Profile::F(Coding::Mmr)));
    if pages.iter().any(|kept| kept.picture.is_some()) {
        return extended();
    }
    match tiff::write(&file_pages, &WriteOptions::plain(Profile::S)) {
        Err(TiffError::ProfileWidth { .. }) => extended(),
        written => written,
    }
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

fn subject(fax: &Fax, pages: usize, complete: &Completeness) -> String {
    let what = if *complete == Completeness::Complete { "Fax" } else { "Incomplete fax" };
    let count = if pages == 1 { "1 page".into() } else { format!("{pages} pages") };
    format!("{what} from {}, {count}", caller(fax))
}

fn for_people(fax: &Fax, pages: usize, complete: &Completeness) -> String {
    let when = Timestamp::from_millisecond(fax.begun_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let subaddress =
        if fax.subaddress.is_empty() { String::new() } else { format!("Subaddress: {}\n", fax.subaddress) };
    let flaw = match complete {
        Completeness::Complete => String::new(),
        Completeness::Partial(why) => {
            format!(
                "\nThe call broke off before the caller had said that this was all: {why}.\n\
                 These are the pages that came until then; what is missing has to be sent again.\n"
            )
        }
    };
    format!(
        "From:  {}\nPages: {pages}\nTime:  {}\nLine:  {}\n{subaddress}{flaw}",
        caller(fax),
        when.strftime("%Y-%m-%d %H:%M UTC"),
        fax.line,
    )
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

    #[test]
    fn the_pages_come_back_from_the_mail_pel_for_pel() {
        let onramp = Config::default().onramp;
        let new = mail(
            &fax("+1 222 456 7654"),
            &[page(), page()],
            &Completeness::Complete,
            &onramp,
            "office@x.example",
            "gw",
        )
        .unwrap();
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
        let new = mail(&fax(""), &[page()], &broken, &onramp, "office@x.example", "gw").unwrap();
        let parsed = MessageParser::default().parse(&new.raw).unwrap();
        assert_eq!(parsed.subject(), Some("Incomplete fax from unknown caller, 1 page"));
        assert!(parsed.body_text(0).unwrap().contains("the line was lost"));
        assert_eq!(new.mail_from, "fax@localhost");
    }
}
