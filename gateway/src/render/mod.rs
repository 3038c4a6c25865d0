//! What comes by mail to what goes by fax: TIFF, PDF, pictures and text become black and white A4 pages, and what has
//! colours a picture besides, for machines that take it.
//!
//! ```text
//!  message ─▶ parts in order ─▶ TIFF ──────────────────────────────▶ page, as it is where it fits
//!                             ├▶ PDF, PNG, JPEG ─▶ sheet of grey ─▶ dither ─▶ page
//!                             └▶ text, HTML ─▶ lettering ─▶ page
//! ```
//!
//! A page is one whole sheet: what is larger is made smaller in proportion, nothing is cut off. A part that cannot be
//! shown fails the whole message, RFC 3965 2.2.4: a fax with silently missing pages is worse than none.

mod error;
pub mod lettering;
mod pdf;
mod picture;
mod shades;
mod sheet;
mod text;
mod tiff;

use std::time::{Duration, Instant};

use answertone_t30::image::{Page, PaperWidth, Picture, Raster, Resolution};
pub use error::RenderError;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Bounds of rendering.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// Most pages of a message.
    pub max_pages: usize,
    /// Time for a whole message, looked at between pages.
    pub time: Duration,
    /// What pages are drawn at. Pages of TIFF files are not made finer than they are.
    pub resolution: Resolution,
    /// Whether pages in greys and colours are kept as such besides.
    pub pictures: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { max_pages: 200, time: Duration::from_secs(120), resolution: Resolution::Fine, pictures: false }
    }
}

/// A page that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// In black and white.
    pub page: Page,
    /// In greys or colours, where there are any and they are wanted.
    pub coloured: Option<Coloured>,
}

/// A page in greys or colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Coloured {
    /// The picture, upright.
    pub raster: Raster,
    /// Its pels to the inch, both ways.
    pub dots_per_inch: f32,
}

impl Drawn {
    /// The picture made ready for the line, where there is one.
    pub fn picture(&mut self) -> Option<Picture> {
        let Coloured { raster, dots_per_inch } = self.coloured.take()?;
        let paper = self.page.paper().unwrap_or(PaperWidth::A4);
        Some(Picture::new(raster, Some((dots_per_inch, dots_per_inch)), self.page.resolution, paper))
    }
}

/// Messages inside messages are opened so many deep.
const DEEPEST_MESSAGE: usize = 4;

/// Parts that hold parts: more of them in a message are an attack on the stack of who walks through them.
const MOST_CONTAINERS: usize = 500;

/// How many parts of a message say that they hold others.
fn containers(raw: &[u8]) -> usize {
    let holds = |line: &[u8]| {
        let line: Vec<u8> =
            line.iter().take(80).filter(|c| !c.is_ascii_whitespace()).map(u8::to_ascii_lowercase).collect();
        [&b"content-type:multipart/"[..], b"content-type:message/"].iter().any(|start| line.starts_with(start))
    };
    raw.split(|c| *c == b'\n').filter(|line| holds(line)).count()
}

/// The message; none when it cannot be read, or nobody should try.
pub(crate) fn read(raw: &[u8]) -> Option<Message<'_>> {
    if containers(raw) > MOST_CONTAINERS { None } else { parsed(raw) }
}

/// The message; none when it cannot be read. The parser panics on some multiparts that were cut and stirred.
fn parsed(raw: &[u8]) -> Option<Message<'_>> {
    std::panic::catch_unwind(|| MessageParser::default().parse(raw)).ok().flatten()
}

/// Renders a whole message, all its parts in order.
pub fn message(raw: &[u8], options: &RenderOptions) -> Result<Vec<Drawn>, RenderError> {
    if containers(raw) > MOST_CONTAINERS {
        return Err(RenderError::TooDeep);
    }
    let Some(message) = parsed(raw) else { return Err(RenderError::NotMail) };
    let mut work = Work::new(options);
    work.message(&message, 0)?;
    if work.pages.is_empty() { Err(RenderError::Nothing) } else { Ok(work.pages) }
}

/// Renders one document; what it is is told by its first octets, or else by its media type.
pub fn document(
    octets: &[u8],
    media_type: &str,
    name: &str,
    options: &RenderOptions,
) -> Result<Vec<Drawn>, RenderError> {
    let mut work = Work::new(options);
    work.document(octets, media_type, name)?;
    Ok(work.pages)
}

/// Pages so far and what is left of the allowance.
pub(crate) struct Work {
    pages: Vec<Drawn>,
    max_pages: usize,
    until: Instant,
    parts: usize,
    resolution: Resolution,
    pictures: bool,
}

impl Work {
    fn new(options: &RenderOptions) -> Self {
        Self {
            pages: vec![],
            max_pages: options.max_pages,
            until: Instant::now() + options.time,
            parts: 0,
            resolution: options.resolution,
            pictures: options.pictures,
        }
    }

    /// Adds a page of that part, if there is room and time for it.
    fn drawn(&mut self, part: &str, drawn: Drawn) -> Result<(), RenderError> {
        self.allow(part, 1)?;
        self.pages.push(drawn);
        Ok(())
    }

    /// Refuses early what cannot fit.
    fn allow(&self, part: &str, more: usize) -> Result<(), RenderError> {
        if self.pages.len() + more > self.max_pages {
            return Err(RenderError::TooLong { part: part.into(), most: self.max_pages });
        }
        if Instant::now() > self.until { Err(RenderError::TooSlow { part: part.into() }) } else { Ok(()) }
    }

    fn message(&mut self, message: &Message<'_>, depth: usize) -> Result<(), RenderError> {
        if depth > DEEPEST_MESSAGE {
            return Err(RenderError::TooDeep);
        }
        self.part(message, 0, depth)
    }

    fn part(&mut self, message: &Message<'_>, id: u32, depth: usize) -> Result<(), RenderError> {
        let Some(part) = message.part(id) else { return Ok(()) };
        match &part.body {
            PartType::Multipart(children) if part.is_content_type("multipart", "alternative") => {
                match children.iter().max_by_key(|child| message.part(**child).map_or(0, worth)) {
                    Some(best) => self.part(message, *best, depth),
                    None => Ok(()),
                }
            }
            PartType::Multipart(children) => children.iter().try_for_each(|child| self.part(message, *child, depth)),
            PartType::Message(inner) => self.message(inner, depth + 1),
            _ => self.leaf(part),
        }
    }

    fn leaf(&mut self, part: &MessagePart<'_>) -> Result<(), RenderError> {
        self.parts += 1;
        let name = self.name_of(part);
        if is_signature(part) {
            return Ok(());
        }
        match &part.body {
            PartType::Text(text) if is_plain(part) => self.text(&name, text),
            PartType::Html(html) => self.text(&name, &mail_parser::decoders::html::html_to_text(html)),
            PartType::Text(other) => self.document(other.as_bytes(), &media_type(part), &name),
            PartType::Binary(octets) | PartType::InlineBinary(octets) => {
                self.document(octets, &media_type(part), &name)
            }
            PartType::Multipart(_) | PartType::Message(_) => Ok(()),
        }
    }

    fn name_of(&self, part: &MessagePart<'_>) -> String {
        match part.attachment_name() {
            Some(name) => format!(
                "part {} ({})",
                self.parts,
                name.chars().filter(|c| !c.is_control()).take(80).collect::<String>()
            ),
            None => format!("part {} ({})", self.parts, media_type(part)),
        }
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), RenderError> {
        if text.trim().is_empty() { Ok(()) } else { text::render(text, name, self) }
    }

    fn document(&mut self, octets: &[u8], media_type: &str, name: &str) -> Result<(), RenderError> {
        match Kind::of(octets, media_type) {
            Kind::Tiff => tiff::render(octets, name, self),
            Kind::Pdf => pdf::render(octets, name, self),
            Kind::Picture => picture::render(octets, name, self),
            Kind::Text => self.text(name, &String::from_utf8_lossy(octets)),
            Kind::Misnamed(claimed) => Err(RenderError::Misnamed { part: name.into(), claimed }),
            Kind::Unknown => Err(RenderError::Unknown { part: name.into(), media_type: media_type.into() }),
        }
    }
}

/// How well a part of multipart/alternative can be shown.
fn worth(part: &MessagePart<'_>) -> u32 {
    match (&part.body, media_type(part).as_str()) {
        (_, "image/tiff" | "application/pdf") => 4,
        (PartType::Text(_), "text/plain") => 3,
        (PartType::Html(_), _) => 2,
        (PartType::Multipart(_), _) => 1,
        _ => 0,
    }
}

fn media_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(kind) => format!("{}/{}", kind.c_type, kind.c_subtype.as_deref().unwrap_or("*")).to_lowercase(),
        None => "text/plain".into(),
    }
}

fn is_plain(part: &MessagePart<'_>) -> bool {
    matches!(media_type(part).as_str(), "text/plain" | "text/enriched" | "text/markdown")
}

/// Signatures mean something to a mail reader only, RFC 4161 4.
fn is_signature(part: &MessagePart<'_>) -> bool {
    media_type(part).ends_with("-signature")
}

/// What a document is.
enum Kind {
    Tiff,
    Pdf,
    Picture,
    Text,
    /// It says what it is not.
    Misnamed(&'static str),
    Unknown,
}

impl Kind {
    fn of(octets: &[u8], media_type: &str) -> Self {
        let within =
            |mark: &[u8], most: usize| octets[..octets.len().min(most)].windows(mark.len()).any(|piece| piece == mark);
        match media_type.to_lowercase().as_str() {
            _ if octets.starts_with(b"II*\0") || octets.starts_with(b"MM\0*") => Self::Tiff,
            _ if within(b"%PDF-", 1024) => Self::Pdf,
            _ if octets.starts_with(b"\x89PNG\r\n") || octets.starts_with(b"\xff\xd8\xff") => Self::Picture,
            "image/tiff" | "image/tiff-fx" => Self::Misnamed("a TIFF"),
            "application/pdf" => Self::Misnamed("a PDF"),
            "image/png" | "image/jpeg" => Self::Misnamed("a picture"),
            "text/plain" => Self::Text,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
