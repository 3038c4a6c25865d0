//! MAIL and RCPT.

use smtp_proto::{MAIL_RET_FULL, MailFrom, RcptTo};

use super::{
    super::{Envelope, Intake, LONGEST_HOLD_S, Recipient, Reply},
    Session,
};

impl<I: Intake> Session<I> {
    pub(super) fn mail<T: AsRef<str>>(&mut self, from: &MailFrom<T>) -> Result<Reply, Reply> {
        if self.greeted.is_none() {
            return Err(Reply::new(503, "5.5.1", "EHLO comes first"));
        }
        if self.envelope.is_some() {
            return Err(Reply::new(503, "5.5.1", "MAIL was given; RSET starts anew"));
        }
        if from.size > self.limits.message {
            return Err(Reply::new(552, "5.3.4", format!("at most {} octets are taken", self.limits.message)));
        }
        let hold_s = match (from.hold_for, from.hold_until) {
            (0, 0) => 0,
            (0, until) => until.saturating_sub(jiff::Timestamp::now().as_second().unsigned_abs()),
            (hold, _) => hold,
        };
        if hold_s > LONGEST_HOLD_S.unsigned_abs() {
            return Err(Reply::new(501, "5.5.4", format!("a message is held for at most {LONGEST_HOLD_S} s")));
        }
        self.intake.sender(&self.client, from.address.as_ref())?;
        self.envelope = Some(Envelope {
            client: self.client.clone(),
            from: from.address.as_ref().into(),
            envelope_id: from.env_id.as_ref().map(|id| id.as_ref().into()),
            return_full: from.flags & MAIL_RET_FULL != 0,
            hold_s,
            recipients: vec![],
        });
        Ok(Reply::new(250, "2.1.0", "sender ok"))
    }

    pub(super) async fn recipient<T: AsRef<str>>(&mut self, to: &RcptTo<T>) -> Result<Reply, Reply> {
        let Some(envelope) = &mut self.envelope else { return Err(Reply::new(503, "5.5.1", "MAIL comes first")) };
        if envelope.recipients.len() >= self.limits.recipients {
            return Err(Reply::new(
                452,
                "4.5.3",
                format!("at most {} recipients; send the others another copy", self.limits.recipients),
            ));
        }
        let address = match to.address.as_ref() {
            "" => "postmaster".into(),
            address => address.into(),
        };
        let recipient =
            Recipient { address, orcpt: to.orcpt.as_ref().map(|orcpt| orcpt.as_ref().into()), notify: to.flags & 0xf };
        self.intake.recipient(&self.client, &envelope.from, &recipient).await?;
        envelope.recipients.push(recipient);
        Ok(Reply::new(250, "2.1.5", "recipient ok"))
    }
}
