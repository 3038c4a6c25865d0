//! Who the client says it is.

use std::{io, time::Duration};

use super::{
    super::{Intake, Reply, login::Step},
    Next, Session,
};

/// How long a refused login is kept waiting, more each time.
const LOGIN_DELAY: Duration = Duration::from_millis(500);
/// Logins refused before the client is sent away.
const MOST_LOGINS: usize = 3;

impl<I: Intake> Session<I> {
    pub(super) fn may_log_in(&self) -> Result<(), Reply> {
        if !self.door.logins {
            return Err(Reply::new(502, "5.5.1", "AUTH is not offered"));
        }
        if !self.secure && !self.door.logins_in_clear {
            return Err(Reply::new(538, "5.7.11", "begin TLS first: passwords are not taken in the clear"));
        }
        match &self.client.user {
            Some(user) => Err(Reply::new(503, "5.5.1", format!("already logged in as {user}"))),
            None if self.envelope.is_some() => Err(Reply::new(503, "5.5.1", "not within a message")),
            None => Ok(()),
        }
    }

    pub(super) async fn login(&mut self, step: Step) -> io::Result<Next> {
        let (user, password) = match step {
            Step::Ask(what, login) => {
                self.write(format!("334 {what}\r\n").as_bytes()).await?;
                return Ok(Next::Answer(login));
            }
            Step::Nonsense => return self.answer(Err(Reply::new(501, "5.5.2", "that is not base64 of a login"))).await,
            Step::Claim { user, password } => (user, password),
        };
        match self.intake.authenticate(&self.client, &user, &password).await {
            Ok(()) => {
                self.client.user = Some(user);
                self.answer(Ok(Reply::new(235, "2.7.0", "welcome"))).await
            }
            Err(refusal) => {
                self.failed_logins += 1;
                tokio::time::sleep(LOGIN_DELAY * self.failed_logins as u32).await;
                let next = self.answer(Err(refusal)).await?;
                Ok(if self.failed_logins >= MOST_LOGINS { Next::Close } else { next })
            }
        }
    }
}
