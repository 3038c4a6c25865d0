//! Content negotiation of Internet fax, RFC 3297: a sender says that it has other forms of a document, a receiver that it
//! would rather have one.
//!
//! ```text
//!  document as everybody can read it, Content-alternative: (better) ─────▶
//!  ◀───── MDN deleted/alternative-preferred, Media-Accept-Features: (what can be read)
//!  the best form that fits that, Original-Message-ID ─────▶
//! ```

use answertone_t30::image::Resolution;
use mail_parser::{Address, HeaderValue, Message, MessagePart, MimeHeaders};

use super::features::Features;
use crate::config::Offramp;

/// The modifier of a disposition by which another form is asked for, RFC 3297 6.2.
pub const PREFERRED: &str = "deleted/alternative-preferred";

/// What a gateway makes of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// As fine as it draws them.
    pub resolution: Resolution,
    /// Whether it keeps colours and greys.
    pub colour: bool,
}

impl From<&Offramp> for Wish {
    fn from(offramp: &Offramp) -> Self {
        Self { resolution: offramp.resolution, colour: offramp.colour }
    }
}

impl Wish {
    /// What it has use for, as Media-Accept-Features tells it, RFC 2530. Its lines are folded for a field.
    pub fn features(&self) -> String {
        expression(self.dots(), self.colour)
    }

    /// Pels to the inch along a row, as RFC 2879 counts them.
    fn dots(&self) -> u32 {
        dots(self.resolution).0
    }

    /// What can be read at all: what is too fine or coloured is printed less so.
    fn readable() -> Features {
        Features::parse(&expression(1200, true)).expect("it is well written")
    }

    /// How much of such a document would be left on paper: colour, then detail.
    fn worth(&self, document: &Features) -> (bool, u32) {
        let coloured = self.colour && document.names("color", &["full", "grey", "mapped", "limited"]);
        (coloured, document.most("dpi").map_or(0, |dots| dots as u32).min(self.dots()))
    }
}

/// What a gateway can read of that detail and colour.
fn expression(dots: u32, colour: bool) -> String {
    let pictures = "(& (color=[Grey,Full]) (image-coding=JPEG)\r\n\t(image-coding-constraint=JPEG-T4E))";
    let (any, coloured) = if colour { ("[Binary,Grey,Full]", pictures) } else { ("Binary", "") };
    format!(
        "(| (& (type=\"image/tiff\") (MRC-mode=0) (dpi<={dots})\r\n\t(image-file-structure=[TIFF,TIFF-limited,TIFF-minimal])\r\n\t\
         (paper-size=[A4,B4,A3,letter,legal]) (ua-media=stationery)\r\n\t(| (& (color=Binary) (image-coding=[MH,MR,MMR]))\r\n\t\
         (& (color=Binary) (image-coding=JBIG) (image-coding-constraint=JBIG-T85))\r\n\t{coloured}))\r\n\t\
         (& (type=[\"application/pdf\",\"image/jpeg\",\"image/png\"])\r\n\t(dpi<={dots}) (color={any}))\r\n\t\
         (type=[\"text/plain\",\"text/html\"]))"
    )
}

/// Pels to the inch along a row and down, as RFC 2879 counts them.
pub fn dots(resolution: Resolution) -> (u32, u32) {
    if resolution == Resolution::Standard { (200, 100) } else { resolution.inch().dots_per_inch() }
}

/// An option of Disposition-Notification-Options, RFC 8098 2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationOption {
    /// In small letters.
    pub name: String,
    /// Whether who does not know it must not answer.
    pub required: bool,
}

/// Reads Disposition-Notification-Options.
pub fn options(field: &str) -> Vec<NotificationOption> {
    let one = |option: &str| {
        let (name, values) = option.split_once('=')?;
        let required =
            values.split(',').next().is_some_and(|importance| importance.trim().eq_ignore_ascii_case("required"));
        Some(NotificationOption { name: name.trim().to_lowercase(), required })
    };
    field.split(';').filter_map(one).collect()
}

/// The option by which a sender says that it has other forms.
pub const AVAILABLE: &str = "alternative-available";
/// The option by which it says that it has them no more.
pub const NOT_AVAILABLE: &str = "alternative-not-available";

/// The field in which a part says what another form of it is made of, RFC 3297 4.
const ALTERNATIVE: &str = "Content-alternative";

/// Parts of a message, and other forms of a part, that are looked at.
const MOST_OFFERS: usize = 8;

/// Whether another form of some part that is offered would be better than what came, or can be read where that cannot.
pub fn prefers_other(message: &Message<'_>, wish: &Wish) -> bool {
    let offers = |part: &&MessagePart<'_>| part.headers.iter().any(|header| named(ALTERNATIVE)(&header));
    message.parts.iter().filter(offers).take(MOST_OFFERS).any(|part| prefers_other_of(part, wish))
}

fn prefers_other_of(part: &MessagePart<'_>, wish: &Wish) -> bool {
    let kind = part.content_type();
    let kind = kind.map_or("text/plain".into(), |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("*")));
    let as_it_came = Features::parse(&format!("(& (type=\"{}\") (color=Binary) (dpi=200))", kind.replace('"', "")));
    let Ok(as_it_came) = as_it_came else { return false };
    let readable = Wish::readable();
    let given = sets(part, "Content-features").pop().unwrap_or_default().or_as(&as_it_came);
    let given = if given.is_possible() { given } else { as_it_came };
    sets(part, ALTERNATIVE).iter().map(|other| other.or_as(&given)).any(|other| {
        let other = other.both(&readable);
        let better = wish.worth(&other) > wish.worth(&given);
        other.is_possible() && (better || !given.both(&readable).is_possible())
    })
}

/// The feature sets that a part has in fields of that name.
fn sets(part: &MessagePart<'_>, name: &str) -> Vec<Features> {
    part.headers.iter().filter(named(name)).take(MOST_OFFERS).filter_map(expression_of).collect()
}

fn named<'a>(name: &'a str) -> impl Fn(&&mail_parser::Header<'_>) -> bool + 'a {
    move |header| header.name().eq_ignore_ascii_case(name)
}

fn expression_of(header: &mail_parser::Header<'_>) -> Option<Features> {
    Features::parse(header.value().as_text()?).ok()
}

/// Whether a recipient stands in the message itself, as RFC 3297 3.2.3 asks of one who answers by itself.
pub fn names_recipient(message: &Message<'_>, recipient: &str) -> bool {
    let lists = [message.to(), message.cc(), message.bcc()];
    let addresses =
        |list: &Address<'_>| list.iter().any(|one| one.address().is_some_and(|at| at.eq_ignore_ascii_case(recipient)));
    lists.into_iter().flatten().any(addresses)
}

/// The Message-ID of what this message is another form of, RFC 3297 5; without brackets.
pub fn original(message: &Message<'_>) -> Option<String> {
    let header = message.headers().iter().find(named("Original-Message-ID"))?;
    let text = match header.value() {
        HeaderValue::TextList(texts) => texts.first()?.to_string(),
        value => value.as_text()?.to_owned(),
    };
    let id = text.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    const FINE: Wish = Wish { resolution: Resolution::Fine, colour: false };
    const FINEST: Wish = Wish { resolution: Resolution::Dpi400, colour: true };

    /// A TIFF with these fields.
    fn mail(kind: &str, fields: &str) -> String {
        format!(
            "From: a@b.example\r\nTo: FAX=+15550100@gw.example\r\nOriginal-Message-ID: <first@b>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: {kind}\r\n{fields}\r\nx\r\n--b--\r\n"
        )
    }

    fn prefers(wish: &Wish, kind: &str, fields: &str) -> bool {
        prefers_other(&MessageParser::default().parse(mail(kind, fields).as_bytes()).unwrap(), wish)
    }

    const MINIMAL: &str = "Content-features:\r\n (& (color=Binary) (image-file-structure=TIFF-minimal)\r\n  (dpi=200) (image-coding=MH))\r\n";

    #[test]
    fn what_is_finer_or_coloured_is_preferred_by_who_has_use_for_it() {
        let finer =
            format!("{MINIMAL}Content-alternative:\r\n\t(& (dpi=400) (dpi-xyratio=1)\r\n\t(image-coding=MMR))\r\n");
        assert!(prefers(&FINEST, "image/tiff", &finer) && !prefers(&FINE, "image/tiff", &finer));
        let coloured = format!(
            "{MINIMAL}Content-alternative: (& (color=Full) (image-file-structure=TIFF-limited)(image-coding=JPEG))\r\n"
        );
        assert!(prefers(&FINEST, "image/tiff", &coloured) && !prefers(&FINE, "image/tiff", &coloured));
        let mixed = format!("{MINIMAL}Content-alternative: (& (color=Full) (MRC-mode=1) (dpi=400))\r\n");
        assert!(!prefers(&FINEST, "image/tiff", &mixed), "that cannot be read");
        let spoilt = format!("{MINIMAL}Content-alternative: (& (dpi=400\r\n");
        assert!(!prefers(&FINEST, "image/tiff", &spoilt) && !prefers(&FINEST, "image/tiff", MINIMAL));
    }

    #[test]
    fn another_form_of_what_cannot_be_read_is_preferred() {
        let other = "Content-alternative: (type=\"application/pdf\")\r\n";
        assert!(prefers(&FINE, "application/x-words", other) && !prefers(&FINE, "image/tiff", other));
        assert!(!prefers(&FINE, "application/x-words", "Content-alternative: (type=\"application/x-cells\")\r\n"));
    }

    #[test]
    fn who_is_named_and_what_is_replaced_are_read() {
        let raw = mail("image/tiff", "");
        let message = MessageParser::default().parse(raw.as_bytes()).unwrap();
        assert!(names_recipient(&message, "fax=+15550100@gw.example") && !names_recipient(&message, "c@d.example"));
        assert_eq!(original(&message).as_deref(), Some("first@b"));
        let read = options("Alternative-available=optional,permanent; x = Required , 1");
        let option = |name: &str, required| NotificationOption { name: name.into(), required };
        assert_eq!(read, [option(AVAILABLE, false), option("x", true)]);
        for wish in [FINE, FINEST] {
            assert!(Features::parse(&wish.features()).unwrap().is_possible());
        }
    }
}
