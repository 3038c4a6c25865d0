//! Command lines as ITU-T V.250 5.2 and 5.4 write them: the editor that collects one, and its commands one by one.

/// Octets of the longest command line taken; V.250 5.2 asks for 40 at least.
const MOST_OCTETS: usize = 512;

/// Letters after which `&`, `\`, `%` and `*` make another command.
const PREFIXES: &[u8] = b"&\\%*";

/// Where the editor is in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before `A`.
    Outside,
    /// Behind `A`.
    Begun,
    /// Behind `AT`.
    Body,
}

/// Collects a command line octet by octet.
#[derive(Clone, Debug)]
pub(super) struct Editor {
    place: Place,
    body: String,
    overlong: bool,
    /// The line before, for `A/`.
    last: String,
}

/// What an octet completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// Nothing yet.
    Nothing,
    /// A line; without the `AT`.
    Line(String),
    /// A line that is too long to be kept.
    Overlong,
}

impl Editor {
    pub(super) fn new() -> Self {
        Self { place: Place::Outside, body: String::new(), overlong: false, last: String::new() }
    }

    /// Forgets a line begun.
    pub(super) fn clear(&mut self) {
        self.place = Place::Outside;
        self.body.clear();
        self.overlong = false;
    }

    /// Takes an octet of the host; `end` and `back` are the octets of S3 and S5.
    pub(super) fn take(&mut self, octet: u8, end: u8, back: u8) -> Entered {
        // Hosts set to seven bits and parity use the eighth for it.
        let octet = octet & 0x7f;
        match self.place {
            Place::Outside if octet.eq_ignore_ascii_case(&b'a') => self.place = Place::Begun,
            Place::Begun if octet.eq_ignore_ascii_case(&b't') => {
                self.clear();
                self.place = Place::Body;
            }
            Place::Begun if octet == b'/' => {
                self.clear();
                return Entered::Line(self.last.clone());
            }
            Place::Begun if !octet.eq_ignore_ascii_case(&b'a') => self.place = Place::Outside,
            Place::Body if octet == end => return self.enter(),
            Place::Body if octet == back => drop(self.body.pop()),
            Place::Body if octet >= b' ' && self.body.len() < MOST_OCTETS => self.body.push(char::from(octet)),
            Place::Body => self.overlong |= octet >= b' ',
            Place::Outside | Place::Begun => {}
        }
        Entered::Nothing
    }

    fn enter(&mut self) -> Entered {
        let overlong = self.overlong;
        let body = std::mem::take(&mut self.body);
        self.clear();
        if overlong {
            return Entered::Overlong;
        }
        self.last.clone_from(&body);
        Entered::Line(body)
    }
}

/// One command of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// A letter, with its prefix if it has one, and its number: `E0`, `&D2`.
    Basic {
        /// `E`, `&D`.
        name: String,
        /// 0 when none is written.
        value: u32,
    },
    /// `S7=60`.
    SetRegister(u32, u32),
    /// `S7?`.
    AskRegister(u32),
    /// `D` and all that follows.
    Dial(String),
    /// `+FRH=3` and its kin.
    Extended {
        /// Capital letters, the `+` included.
        name: String,
        /// What is wanted of it.
        wanted: Wanted,
    },
}

/// What an extended command wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `+X`.
    Act,
    /// `+X=...`.
    Set(String),
    /// `+X?`.
    Ask,
    /// `+X=?`.
    Test,
}

/// A line that cannot be read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The commands of a line, read one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Commands {
    rest: String,
}

impl Commands {
    pub(super) fn new(body: &str) -> Self {
        Self { rest: body.trim().to_owned() }
    }

    /// The next command, if there is one.
    pub(super) fn next(&mut self) -> Option<Result<Command, Malformed>> {
        let rest = std::mem::take(&mut self.rest);
        let text = rest.trim_start_matches([' ', ';']);
        let first = *text.as_bytes().first()?;
        let (command, left) = match first.to_ascii_uppercase() {
            b'+' | b'-' | b'#' => extended(text),
            b'D' => (Some(Command::Dial(text[1..].to_owned())), ""),
            b'S' => register(&text[1..]),
            _ => basic(text),
        };
        self.rest = left.to_owned();
        Some(command.ok_or(Malformed))
    }
}

fn extended(text: &str) -> (Option<Command>, &str) {
    let (one, left) = text.split_at(end_of_extended(text));
    let one = one.trim_end();
    let name_ends = one[1..].find(['=', '?']).map_or(one.len(), |at| at + 1);
    let (name, tail) = one.split_at(name_ends);
    let wanted = match tail {
        "" => Wanted::Act,
        "?" => Wanted::Ask,
        "=?" => Wanted::Test,
        _ => Wanted::Set(tail[1..].trim().to_owned()),
    };
    let name = name.trim_end().to_ascii_uppercase();
    let named =
        name.len() > 1 && name[1..].bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!%-./:_".contains(&octet));
    (named.then_some(Command::Extended { name, wanted }), left)
}

/// Where an extended command ends: at the semicolon that is not between quotation marks.
fn end_of_extended(text: &str) -> usize {
    let mut quoted = false;
    let end = |octet: u8| {
        quoted ^= octet == b'"';
        octet == b';' && !quoted
    };
    text.bytes().position(end).unwrap_or(text.len())
}

fn register(text: &str) -> (Option<Command>, &str) {
    let (number, text) = number(text);
    let text = text.trim_start();
    if let Some(left) = text.strip_prefix('?') {
        return (number.map(Command::AskRegister), left);
    }
    let Some(text) = text.strip_prefix('=') else { return (None, "") };
    if let Some(left) = text.strip_prefix('?') {
        return (number.map(Command::AskRegister), left);
    }
    let (value, left) = self::number(text.trim_start());
    (number.map(|number| Command::SetRegister(number, value.unwrap_or(0))), left)
}

fn basic(text: &str) -> (Option<Command>, &str) {
    let letters = 1 + usize::from(PREFIXES.contains(&text.as_bytes()[0]));
    let Some(name) = text.get(..letters).filter(|name| name.as_bytes()[letters - 1].is_ascii_alphabetic()) else {
        return (None, "");
    };
    let (value, left) = number(&text[letters..]);
    let command = Command::Basic { name: name.to_ascii_uppercase(), value: value.unwrap_or(0) };
    (Some(command), left)
}

/// A number and what follows it; too great a number is the greatest there is.
fn number(text: &str) -> (Option<u32>, &str) {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, left) = text.split_at(digits);
    (if digits == 0 { None } else { Some(number.parse().unwrap_or(u32::MAX)) }, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<String> {
        let mut commands = Commands::new(body);
        std::iter::from_fn(|| commands.next())
            .map(|command| match command {
                Ok(Command::Basic { name, value }) => format!("{name}{value}"),
                Ok(Command::SetRegister(number, value)) => format!("S{number}={value}"),
                Ok(Command::AskRegister(number)) => format!("S{number}?"),
                Ok(Command::Dial(text)) => format!("D{text}"),
                Ok(Command::Extended { name, wanted }) => format!("{name} {wanted:?}"),
                Err(Malformed) => "malformed".to_owned(),
            })
            .collect()
    }

    #[test]
    fn lines_of_real_hosts_are_read() {
        assert_eq!(read("&FE0&D2S7=120"), ["&F0", "E0", "&D2", "S7=120"]);
        assert_eq!(read("S0=0E0V1Q0S8=2S7=60"), ["S0=0", "E0", "V1", "Q0", "S8=2", "S7=60"]);
        assert_eq!(read("+FCLASS=?"), ["+FCLASS Test"]);
        assert_eq!(read("+FRH=3"), ["+FRH Set(\"3\")"]);
        assert_eq!(read("+fts=7;+ftm=145"), ["+FTS Set(\"7\")", "+FTM Set(\"145\")"]);
        assert_eq!(read("+FLI=\"a;b\";E1"), ["+FLI Set(\"\\\"a;b\\\"\")", "E1"]);
        assert_eq!(read("l0m1 s7? dt 12;"), ["L0", "M1", "S7?", "Dt 12;"]);
        assert_eq!(read("\\Q3%C0"), ["\\Q3", "%C0"]);
        assert_eq!(read("E1)"), ["E1", "malformed"]);
        assert_eq!(read("S99999999999=1"), ["S4294967295=1"]);
    }

    #[test]
    fn the_editor_finds_lines_among_noise() {
        let mut editor = Editor::new();
        let mut lines = Vec::new();
        for octet in b"\r\nxaAT E1x\x08\rA/at\x80\xc5\x8dATZ" {
            if let Entered::Line(line) = editor.take(*octet, b'\r', 8) {
                lines.push(line);
            }
        }
        assert_eq!(lines, [" E1", " E1", "E"]);
        assert_eq!(editor.take(b'\r', b'\r', 8), Entered::Line("Z".into()));
    }

    #[test]
    fn an_overlong_line_is_told_once() {
        let mut editor = Editor::new();
        let line = [b"AT".as_slice(), &[b'E'; 3000], b"\r"].concat();
        let told: Vec<_> = line.iter().map(|octet| editor.take(*octet, b'\r', 8)).collect();
        assert_eq!(told.iter().filter(|entered| **entered == Entered::Overlong).count(), 1);
        assert!(told.iter().all(|entered| !matches!(entered, Entered::Line(_))));
    }
}
