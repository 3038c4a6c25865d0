//! The message itself, in one piece or in chunks.

use std::io;

use smtp_proto::request::receiver::{BdatReceiver, DummyDataReceiver, RequestReceiver};

use super::{
    super::{Intake, Protocol, Reply},
    Reading, Session,
};

impl<I: Intake> Session<I> {
    /// How a chunk is read: kept, or passed over to its end because nothing good can come of it.
    pub(super) fn chunk(&mut self, octets: usize, last: bool) -> Reading {
        let refusal = match &self.envelope {
            None => Some(Reply::new(503, "5.5.1", "MAIL comes first")),
            Some(envelope) if envelope.recipients.is_empty() => Some(Reply::new(554, "5.5.1", "no valid recipients")),
            Some(_) if self.chunks.len().saturating_add(octets) > self.limits.message => {
                Some(Reply::new(552, "5.3.4", format!("at most {} octets are taken", self.limits.message)))
            }
            Some(_) => None,
        };
        self.empty_chunk = octets == 0;
        match refusal {
            Some(reply) => {
                self.chunks = vec![];
                Reading::Skip(DummyDataReceiver::new_bdat(octets), reply)
            }
            None => {
                let so_far = std::mem::take(&mut self.chunks);
                Reading::Chunk(BdatReceiver::new(octets, last), so_far, last)
            }
        }
    }

    /// LMTP says it to each recipient, RFC 2033 4.2: all share the message's fate.
    pub(super) async fn say_of_message(&mut self, reply: &Reply, recipients: usize) -> io::Result<()> {
        let times = if self.door.protocol == Protocol::Lmtp { recipients } else { 1 };
        for _ in 0..times {
            self.say(reply).await?;
        }
        Ok(())
    }

    pub(super) async fn delivered(&mut self, message: Vec<u8>) -> io::Result<Reading> {
        let envelope = self.envelope.take().expect("DATA was only allowed with an envelope");
        let host = self.greeted.clone().unwrap_or_default();
        let mut traced = self.received_line(&host).into_bytes();
        traced.extend(message);
        self.commands = 0;
        let recipients = envelope.recipients.len();
        let reply = self.intake.deliver(envelope, traced).await.unwrap_or_else(|refusal| refusal);
        self.say_of_message(&reply, recipients).await?;
        Ok(Reading::Commands(RequestReceiver::default()))
    }

    /// The trace line of RFC 5321 4.4.
    pub(super) fn received_line(&self, host: &str) -> String {
        let plain = |c: &char| c.is_ascii_alphanumeric() || ".-:[]".contains(*c);
        let host: String = host.chars().filter(plain).take(255).collect();
        let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap_or_default();
        let kind = match (self.door.protocol, self.secure, &self.client.user) {
            (Protocol::Lmtp, ..) => "LMTP",
            (_, false, None) => "ESMTP",
            (_, true, None) => "ESMTPS",
            (_, false, Some(_)) => "ESMTPA",
            (_, true, Some(_)) => "ESMTPSA",
        };
        format!(
            "Received: from {host} ([{}]) by {} with {kind};\r\n\t{date}\r\n",
            self.client.peer, self.limits.hostname
        )
    }
}
