//! Mails and a client that submits them, saying every word itself.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use mail_builder::MessageBuilder;

/// A mail of text alone.
pub(crate) fn text_mail(id: &str, text: &str) -> Vec<u8> {
    let mail = MessageBuilder::new().from("me@office.example").to("fax").message_id(format!("{id}@test"));
    mail.subject("x").text_body(text.to_owned()).write_to_vec().unwrap()
}

/// A mail with one document.
pub(crate) fn attachment(id: &str, kind: &str, name: &str, octets: &[u8]) -> Vec<u8> {
    let mail = MessageBuilder::new().from("me@office.example").to("fax").message_id(format!("{id}@test"));
    mail.subject("x").attachment(kind.to_owned(), name.to_owned(), octets.to_vec()).write_to_vec().unwrap()
}

/// Submits a mail; `rcpt` is what follows RCPT's address. The last reply, or the refusal.
pub(crate) fn submit(port: u16, from: &str, to: &str, rcpt: &str, mail: &[u8]) -> Result<String, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    let mut reader = BufReader::new(stream.try_clone().map_err(|error| error.to_string())?);
    let mut talk = |octets: &[u8], expected: &str| -> Result<String, String> {
        (&stream).write_all(octets).map_err(|error| error.to_string())?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).map_err(|error| error.to_string())?;
            match line.as_bytes().get(3) {
                Some(b'-') => {}
                _ if line.starts_with(expected) => return Ok(line),
                _ => return Err(line),
            }
        }
    };
    talk(b"", "220")?;
    talk(b"EHLO test\r\n", "250")?;
    talk(format!("MAIL FROM:<{from}>\r\n").as_bytes(), "250")?;
    talk(format!("RCPT TO:<{to}>{rcpt}\r\n").as_bytes(), "250")?;
    talk(b"DATA\r\n", "354")?;
    talk(&[mail, b"\r\n.\r\n"].concat(), "250")
}
