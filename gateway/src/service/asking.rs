//! Asks senders for better forms of their documents where they say that they have some, RFC 3297. The fax waits a while for
//! it, with what came first in the store: nothing is lost when nothing comes.

use mail_parser::MessageParser;

use super::{Shared, intake::Headers};
use crate::{
    ifax::negotiation::{self, Wish},
    render,
    smtp::Recipient,
    store::{NewMail, Untold, now},
};

/// What is asked about a message.
pub(super) struct Asking<'a> {
    shared: &'a Shared,
    about: Untold,
}

impl<'a> Asking<'a> {
    /// None when there is nothing to ask for, or the sender is not to be asked. What is another form already is taken as it is,
    /// RFC 3297 3.2.3.
    pub(super) fn of(shared: &'a Shared, headers: &Headers, from: &str, raw: &[u8]) -> Option<Self> {
        let offers = headers.options.iter().any(|name| name == negotiation::AVAILABLE);
        if !offers || !shared.config.notices.negotiate || headers.original.is_some() {
            return None;
        }
        let wanted = negotiation::prefers_other(&render::read(raw)?, &Wish::from(&shared.config.offramp));
        let about = Untold {
            mail_from: from.into(),
            message_id: headers.message_id.clone(),
            mdn_to: headers.mdn_to.clone(),
            is_notice: i64::from(headers.is_notice),
            received_at: now(),
            due_at: now() + shared.config.notices.negotiate_wait.as_millis() as i64,
            raw: head(raw).into(),
            ..Untold::default()
        };
        wanted.then_some(Self { shared, about })
    }

    /// The request in the name of one recipient, and until when its fax waits for the answer.
    pub(super) fn of_recipient(&self, recipient: &Recipient, number: &str) -> Option<(NewMail, i64)> {
        let message = MessageParser::default().parse_headers(&self.about.raw)?;
        let about = Untold {
            recipient: recipient.address.clone(),
            orcpt: recipient.orcpt.clone(),
            number: number.into(),
            ..self.about.clone()
        };
        let named = negotiation::names_recipient(&message, &recipient.address);
        let mail = named.then(|| self.shared.writer().ask(&about)).flatten()?;
        Some((mail, self.about.due_at))
    }
}

/// A message's headers: there may be many recipients, and it may be long.
fn head(raw: &[u8]) -> &[u8] {
    raw.windows(4).position(|four| four == b"\r\n\r\n").map_or(raw, |end| &raw[..end + 4])
}
