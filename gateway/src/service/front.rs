//! What the operator's page and programs may ask of a gateway at work.

use std::{net::IpAddr, sync::Arc};

use mail_builder::{MessageBuilder, headers::address::Address};

use super::{Shared, intake::Incoming};
use crate::{
    authorise::Bearer,
    config::Config,
    engine::Punctuality,
    live::Board,
    smtp::{Client, Envelope, Recipient},
    store::{Accepted, Store, User},
};

/// A gateway at work, as seen from outside.
#[derive(Clone)]
pub(crate) struct Front(Arc<Shared>);

/// A fax that somebody who is logged in wants to have sent.
pub(crate) struct Sendable {
    /// Who.
    pub(crate) user: User,
    /// From where.
    pub(crate) peer: IpAddr,
    /// Numbers, as written.
    pub(crate) to: Vec<String>,
    /// What it is about.
    pub(crate) subject: String,
    /// A text page before the documents; empty for none.
    pub(crate) note: String,
    /// Documents: name, media type and octets.
    pub(crate) documents: Vec<(String, String, Vec<u8>)>,
}

/// Why a fax is not taken, for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unsent(String);

impl Front {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The configuration that holds.
    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Calls under way.
    pub(crate) fn board(&self) -> &Board {
        &self.0.board
    }

    /// How well blocks kept their time.
    pub(crate) fn punctuality(&self) -> Punctuality {
        self.0.engine.punctuality()
    }

    /// Whether calls are still made and answered.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.0.stopping()
    }

    /// Has the lines look at the queue now.
    pub(crate) fn job_is_due(&self) {
        self.0.job_due.notify_waiters();
        self.0.job_due.notify_one();
    }

    /// Takes a fax as a mail of its user, under the same rules.
    pub(crate) async fn submit(&self, fax: Sendable) -> Result<Accepted, Unsent> {
        if fax.documents.is_empty() && fax.note.trim().is_empty() {
            return Err(Unsent("there is nothing to send; add a document or a note".into()));
        }
        if fax.to.is_empty() {
            return Err(Unsent("no number is given; write one such as +44 1632 960000".into()));
        }
        let domain = &self.config().domains[0];
        let from = fax.user.mailbox.clone();
        let addresses: Vec<_> = fax.to.iter().map(|number| format!("FAX={}@{domain}", plain(number))).collect();
        let bearer = Bearer { peer: Some(fax.peer), user: Some(&fax.user.name), from: &from, origin: None };
        for address in &addresses {
            self.0.admit(&bearer, address).await.map_err(|refusal| Unsent(refusal.to_string()))?;
        }
        let raw = self.written(&fax, &addresses).map_err(|error| Unsent(error.to_string()))?;
        let most = self.config().smtp.max_message_bytes;
        if raw.len() > most {
            return Err(Unsent(format!("the documents are longer than smtp.max_message_bytes = {most}")));
        }
        let recipient = |address| Recipient { address, ..Recipient::default() };
        let envelope = Envelope {
            client: Client { peer: fax.peer, user: Some(fax.user.name.clone()) },
            from,
            envelope_id: None,
            return_full: false,
            hold_s: 0,
            recipients: addresses.into_iter().map(recipient).collect(),
        };
        let incoming =
            Incoming { envelope, raw, with_envelope: true, from_where: Some(fax.peer), peer: fax.peer.to_string() };
        self.0.take(incoming).await.map_err(|reply| Unsent(reply.text))
    }

    fn written(&self, fax: &Sendable, addresses: &[String]) -> std::io::Result<Vec<u8>> {
        let from = if fax.user.mailbox.is_empty() {
            format!("{}@{}", fax.user.name, self.config().hostname)
        } else {
            fax.user.mailbox.clone()
        };
        let to: Vec<Address<'_>> = addresses.iter().map(|address| Address::from(address.as_str())).collect();
        let mut mail = MessageBuilder::new().from(from.as_str()).to(to).subject(fax.subject.as_str());
        if !fax.note.trim().is_empty() {
            mail = mail.text_body(fax.note.as_str());
        }
        for (name, kind, octets) in &fax.documents {
            mail = mail.attachment(kind.as_str(), name.as_str(), octets.as_slice());
        }
        mail.write_to_vec()
    }
}

/// A number as it stands in an address: separators that people write are left out.
fn plain(number: &str) -> String {
    number.chars().filter(|c| !c.is_whitespace() && !"-.()".contains(*c)).collect()
}
