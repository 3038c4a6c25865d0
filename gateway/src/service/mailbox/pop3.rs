//! POP3, RFC 1939, with STLS of RFC 2595.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{
    MOST_HEAD, Trouble, refuse_long, take,
    wire::{Wire, connect, seal},
};
use crate::{
    config::{Mailbox, Tls},
    service::Shared,
};

/// The longest line that is taken: what a message holds may have lines longer than POP3's own.
const LONGEST_LINE: u64 = 1 << 20;

/// Fetches all messages and goes. Those that are taken are deleted, unless they are to be kept: then they are known by
/// their Message-ID when they are fetched again.
pub(super) async fn fetch(shared: &Shared, mailbox: &Mailbox) -> Result<(), Trouble> {
    let mut session = log_in(mailbox).await?;
    for (number, size) in session.list().await? {
        if shared.stopping() {
            break;
        }
        if size > shared.config.smtp.max_message_bytes {
            let head = session.head(number).await?;
            refuse_long(shared, mailbox, &head, size).await?;
            continue;
        }
        let raw = session.message(number, shared.config.smtp.max_message_bytes).await?;
        if take(shared, mailbox, raw).await? && !mailbox.keep {
            session.command(&format!("DELE {number}")).await?;
        }
    }
    // Only now the server deletes.
    session.command("QUIT").await.map(drop)
}

async fn log_in(mailbox: &Mailbox) -> Result<Pop3, Trouble> {
    let mut session = Pop3(BufReader::new(connect(mailbox).await?));
    session.answer().await?;
    if mailbox.tls == Tls::Required {
        session.command("STLS").await?;
        session = Pop3(BufReader::new(seal(mailbox, session.0.into_inner()).await?));
    }
    let password = mailbox.password.as_ref().map_or("", |password| password.0.as_str());
    session.command(&format!("USER {}", mailbox.user)).await?;
    session.command(&format!("PASS {password}")).await?;
    Ok(session)
}

struct Pop3(BufReader<Box<dyn Wire>>);

impl Pop3 {
    /// Says something and hears what the server says to that.
    async fn command(&mut self, command: &str) -> Result<String, Trouble> {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await?;
        self.0.flush().await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<String, Trouble> {
        let line = String::from_utf8_lossy(&self.line().await?).into_owned();
        match line.strip_prefix("+OK") {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(Trouble::Said(format!("the server says {:?}", line.trim_end()))),
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Trouble> {
        let mut line = vec![];
        (&mut self.0).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        match line.last() {
            Some(b'\n') => Ok(line),
            Some(_) => Err(Trouble::Said("the server sends a line without end".into())),
            None => Err(Trouble::Said("the server has gone".into())),
        }
    }

    /// Numbers and sizes of all messages.
    async fn list(&mut self) -> Result<Vec<(u32, usize)>, Trouble> {
        self.command("LIST").await?;
        let text = self.lines(LONGEST_LINE as usize).await?;
        let listed = String::from_utf8_lossy(&text).into_owned();
        let pair = |line: &str| {
            let (number, size) = line.trim().split_once(' ')?;
            Some((number.parse().ok()?, size.trim().parse().ok()?))
        };
        Ok(listed.lines().filter_map(pair).collect())
    }

    /// The headers of a message, as far as anybody needs them.
    async fn head(&mut self, number: u32) -> Result<Vec<u8>, Trouble> {
        self.command(&format!("TOP {number} 0")).await?;
        let mut head = vec![];
        while let Some(line) = self.line_of_many().await? {
            if head.len() < MOST_HEAD {
                head.extend_from_slice(&line);
            }
        }
        Ok(head)
    }

    async fn message(&mut self, number: u32, most: usize) -> Result<Vec<u8>, Trouble> {
        self.command(&format!("RETR {number}")).await?;
        self.lines(most).await
    }

    async fn lines(&mut self, most: usize) -> Result<Vec<u8>, Trouble> {
        let mut text = vec![];
        while let Some(line) = self.line_of_many().await? {
            text.extend_from_slice(&line);
            if text.len() > most {
                return Err(Trouble::Said(format!("the server sends more than {most} octets")));
            }
        }
        Ok(text)
    }

    /// The next line; none when it is a dot alone. A dot before another is taken away.
    async fn line_of_many(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        let mut line = self.line().await?;
        match &line[..] {
            b".\r\n" | b".\n" => return Ok(None),
            [b'.', ..] => drop(line.remove(0)),
            _ => {}
        }
        Ok(Some(line))
    }
}
