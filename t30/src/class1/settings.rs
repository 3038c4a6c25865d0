//! What a host can set: S registers, letters and parameters, with their ranges.

use crate::{class2::Dialect, time::LineSpan};

use super::{pages::Pages, v8::V8Settings};

/// What the modem does when it dials or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Data, which this modem does not carry.
    Data,
    /// T.31.
    One,
    /// T.31 with the V.8 commands.
    OneV8,
    /// T.30 is the modem's own.
    Two(Dialect),
}

/// Classes by the names that `+FCLASS` has for them.
const CLASSES: [(&str, Class); 6] = [
    ("0", Class::Data),
    ("1", Class::One),
    ("1.0", Class::OneV8),
    ("2", Class::Two(Dialect::Two)),
    ("2.0", Class::Two(Dialect::TwoZero)),
    ("2.1", Class::Two(Dialect::TwoOne)),
];

/// Registers with another value than 0 at the start, ITU-T V.250 and common use.
const REGISTERS: [(usize, u8); 11] =
    [(2, 43), (3, 13), (4, 10), (5, 8), (6, 2), (7, 50), (8, 2), (9, 6), (10, 14), (11, 95), (12, 50)];

/// Registers that hold characters of the command line.
const CHARACTERS: std::ops::RangeInclusive<u32> = 3..=5;

/// A parameter of numbers: its name, what a test command is answered, the greatest value of each number and the first.
struct Parameter {
    name: &'static str,
    test: &'static str,
    most: &'static [u32],
    first: &'static [u32],
}

const fn parameter(name: &'static str, test: &'static str, most: &'static [u32], first: &'static [u32]) -> Parameter {
    Parameter { name, test, most, first }
}

/// The parameters of T.31, V.250 and V.253 that are kept; those that mean nothing here are taken and told again.
const PARAMETERS: [Parameter; 37] = [
    parameter("+FAR", "0,1", &[1], &[0]),
    parameter("+FCL", "0-255", &[255], &[0]),
    parameter("+FDD", "0,1", &[1], &[0]),
    parameter("+FLO", "0-2", &[2], &[1]),
    parameter("+VCID", "0-2", &[2], &[0]),
    parameter("+VDR", "(0,1),(0-255)", &[1, 255], &[0, 0]),
    parameter("+FAE", "0", &[0], &[0]),
    parameter("+FPR", "0-24", &[24], &[0]),
    parameter("+A8T", "0", &[0], &[0]),
    parameter("+F34", "(0),(0),(0)", &[14, 14, 2], &[0, 0, 0]),
    parameter("+IPR", "(),(0,300-115200)", &[4_000_000], &[0]),
    parameter("+ICF", "(0-6),(0-3)", &[6, 3], &[3, 3]),
    parameter("+IFC", "(0-2),(0-2)", &[3, 2], &[2, 2]),
    parameter("+ILRR", "0,1", &[1], &[0]),
    parameter("+DR", "0,1", &[1], &[0]),
    parameter("+ER", "0,1", &[1], &[0]),
    parameter("+MR", "0,1", &[1], &[0]),
    parameter("+DS", "(0)", &[0], &[0]),
    parameter("+ES", "(0)", &[0], &[0]),
    parameter("+FIE", "0", &[0], &[0]),
    parameter("+FCT", "0-255", &[255], &[30]),
    parameter("+FPHCTO", "0-255", &[255], &[30]),
    parameter("+FCQ", "(0),(0)", &[2, 2], &[0, 0]),
    parameter("+FLP", "0", &[0], &[0]),
    parameter("+FLPL", "0", &[0], &[0]),
    parameter("+FBU", "0", &[1], &[0]),
    parameter("+FBUG", "0", &[1], &[0]),
    parameter("+FEA", "0", &[0], &[0]),
    parameter("+FFC", "(0),(0),(0),(0)", &[0, 0, 0, 0], &[0, 0, 0, 0]),
    parameter("+FRQ", "(0-100),(0-255)", &[100, 255], &[0, 0]),
    parameter("+FRY", "0-255", &[255], &[0]),
    parameter("+FMS", "0-5", &[5], &[0]),
    parameter("+FMINSP", "0-5", &[5], &[0]),
    parameter("+FIT", "(0-255),(0)", &[255, 1], &[0, 0]),
    parameter("+FAA", "0", &[1], &[0]),
    parameter("+FPP", "0", &[1], &[0]),
    parameter("+FTBC", "0", &[255], &[0]),
];

const FAR: usize = 0;
const FCL: usize = 1;
const FDD: usize = 2;
const FLO: usize = 3;
const VCID: usize = 4;
const VDR: usize = 5;

/// Numbers of a parameter at most.
const MOST_NUMBERS: usize = 4;

/// Everything that `&F` brings back.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    registers: [u8; 256],
    parameters: [[u32; MOST_NUMBERS]; PARAMETERS.len()],
    pub(super) class: Class,
    pub(super) echo: bool,
    quiet: bool,
    verbose: bool,
    /// X: 2 and 4 wait for dial tone.
    pub(super) progress: u32,
    /// Digits go by pulses.
    pub(super) pulses: bool,
    /// &D: 3 resets the modem when the host goes.
    pub(super) host_gone: u32,
    /// Class 2: what calls go by.
    pub(super) pages: Pages,
    /// V.8.
    pub(super) v8: V8Settings,
}

/// Why a setting was not taken: there is no such thing, or not with this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotTaken;

impl Settings {
    pub(super) fn new() -> Self {
        let mut registers = [0; 256];
        REGISTERS.into_iter().for_each(|(number, value)| registers[number] = value);
        let mut parameters = [[0; MOST_NUMBERS]; PARAMETERS.len()];
        for (values, parameter) in parameters.iter_mut().zip(&PARAMETERS) {
            values[..parameter.first.len()].copy_from_slice(parameter.first);
        }
        Self {
            registers,
            parameters,
            class: Class::Data,
            echo: true,
            quiet: false,
            verbose: true,
            progress: 4,
            pulses: false,
            host_gone: 2,
            pages: Pages::default(),
            v8: V8Settings::default(),
        }
    }

    /// Takes a letter with its number. Those of speakers, data modems and serial lines are taken and mean nothing here.
    pub(super) fn letter(&mut self, name: &str, value: u32) -> Result<(), NotTaken> {
        let most = match name {
            "E" | "Q" | "V" => 1,
            "X" => 4,
            "P" | "T" | "&F" | "&W" | "&Y" => 1,
            "&D" => 3,
            "B" | "L" | "M" | "N" | "W" | "Y" => 15,
            "&A" | "&B" | "&C" | "&G" | "&H" | "&I" | "&J" | "&K" | "&L" | "&M" | "&N" | "&P" | "&Q" | "&R" | "&S"
            | "&T" | "&U" | "&X" => 15,
            _ if name.starts_with(['\\', '%', '*']) => 255,
            _ => return Err(NotTaken),
        };
        if value > most {
            return Err(NotTaken);
        }
        match name {
            "E" => self.echo = value == 1,
            "Q" => self.quiet = value == 1,
            "V" => self.verbose = value == 1,
            "X" => self.progress = value,
            "P" => self.pulses = true,
            "T" => self.pulses = false,
            "&D" => self.host_gone = value,
            "&F" => *self = Self::new(),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn set_register(&mut self, number: u32, value: u32) -> Result<(), NotTaken> {
        let most = if CHARACTERS.contains(&number) { 127 } else { 255 };
        let place = self.registers.get_mut(number as usize).ok_or(NotTaken)?;
        *place = u8::try_from(value).ok().filter(|value| *value <= most).ok_or(NotTaken)?;
        Ok(())
    }

    pub(super) fn register(&self, number: u32) -> Result<u8, NotTaken> {
        self.registers.get(number as usize).copied().ok_or(NotTaken)
    }

    /// A register of seconds.
    pub(super) fn seconds(&self, number: usize) -> LineSpan {
        LineSpan::ms(1000 * u64::from(self.registers[number]))
    }

    pub(super) fn set_class(&mut self, name: &str) -> Result<(), NotTaken> {
        self.class = CLASSES.iter().find(|(known, _)| *known == name).ok_or(NotTaken)?.1;
        Ok(())
    }

    pub(super) fn class_name(&self) -> &'static str {
        CLASSES.iter().find(|(_, class)| *class == self.class).map_or("0", |(name, _)| name)
    }

    pub(super) fn class_names() -> String {
        CLASSES.map(|(name, _)| name).join(",")
    }

    /// Sets a parameter; numbers left out keep their value.
    pub(super) fn set(&mut self, name: &str, text: &str) -> Result<(), NotTaken> {
        if name == "+A8E" {
            return self.v8.set(text);
        }
        if let Some(taken) = self.pages.set(name, text) {
            return if taken { Ok(()) } else { Err(NotTaken) };
        }
        let place = place(name).ok_or(NotTaken)?;
        let most = PARAMETERS[place].most;
        let mut values = self.parameters[place];
        for (index, number) in text.split(',').enumerate() {
            let most = most.get(index).ok_or(NotTaken)?;
            if !number.trim().is_empty() {
                values[index] = number.trim().parse().ok().filter(|value| value <= most).ok_or(NotTaken)?;
            }
        }
        self.parameters[place] = values;
        Ok(())
    }

    /// A parameter's numbers as they are told.
    pub(super) fn value(&self, name: &str) -> Result<String, NotTaken> {
        if name == "+A8E" {
            return Ok(self.v8.value());
        }
        if let Some(value) = self.pages.value(name) {
            return Ok(value);
        }
        let place = place(name).ok_or(NotTaken)?;
        let numbers = &self.parameters[place][..PARAMETERS[place].most.len()];
        Ok(numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
    }

    /// What a parameter can be.
    pub(super) fn range(name: &str) -> Result<&'static str, NotTaken> {
        match name {
            "+A8E" => return Ok(V8Settings::RANGE),
            "+A8M" => return Ok(""),
            _ => {}
        }
        if let Some(range) = Pages::range(name) {
            return Ok(range);
        }
        Ok(PARAMETERS[place(name).ok_or(NotTaken)?].test)
    }

    pub(super) fn rings_to_answer(&self) -> u8 {
        self.registers[0]
    }

    /// S1: rings so far.
    pub(super) fn count_ring(&mut self) -> u8 {
        self.registers[1] = self.registers[1].saturating_add(1);
        self.registers[1]
    }

    pub(super) fn forget_rings(&mut self) {
        self.registers[1] = 0;
    }

    pub(super) fn end_of_line(&self) -> u8 {
        self.registers[3]
    }

    pub(super) fn line_feed(&self) -> u8 {
        self.registers[4]
    }

    pub(super) fn backspace(&self) -> u8 {
        self.registers[5]
    }

    pub(super) fn quiet(&self) -> bool {
        self.quiet
    }

    pub(super) fn verbose(&self) -> bool {
        self.verbose
    }

    /// +FAR=1: frames may come where data were asked for.
    pub(super) fn adaptive(&self) -> bool {
        self.parameters[FAR][0] == 1
    }

    /// +FCL: a carrier that was lost may take so long to come back.
    pub(super) fn carrier_loss(&self) -> LineSpan {
        LineSpan::ms(100 * u64::from(self.parameters[FCL][0]))
    }

    pub(super) fn pairs_of_escapes(&self) -> bool {
        self.parameters[FDD][0] == 1
    }

    /// +FLO=1: flow control by XON and XOFF.
    pub(super) fn flow_in_stream(&self) -> bool {
        self.parameters[FLO][0] == 1
    }

    /// +VCID: 1 tells callers line by line, 2 as a message in hexadecimal.
    pub(super) fn caller_id(&self) -> u32 {
        self.parameters[VCID][0]
    }

    /// +VDR=1: rings are told with their lengths.
    pub(super) fn tells_ring_lengths(&self) -> bool {
        self.parameters[VDR][0] == 1
    }

    /// Names of all parameters.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        PARAMETERS.iter().map(|parameter| parameter.name)
    }
}

fn place(name: &str) -> Option<usize> {
    PARAMETERS.iter().position(|parameter| parameter.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_stand_at_their_places() {
        for (place, name) in
            [(FAR, "+FAR"), (FCL, "+FCL"), (FDD, "+FDD"), (FLO, "+FLO"), (VCID, "+VCID"), (VDR, "+VDR")]
        {
            assert_eq!(PARAMETERS[place].name, name);
        }
        assert!(PARAMETERS.iter().all(|parameter| parameter.most.len() == parameter.first.len()));
    }

    #[test]
    fn values_out_of_range_change_nothing() {
        let mut settings = Settings::new();
        assert_eq!(settings.set("+FAR", "2"), Err(NotTaken));
        assert_eq!(settings.set("+VDR", "1,20"), Ok(()));
        assert_eq!(settings.value("+VDR").unwrap(), "1,20");
        assert_eq!(settings.set("+VDR", "0,1,2"), Err(NotTaken));
        assert_eq!(settings.set_register(3, 200), Err(NotTaken));
        assert_eq!(settings.set_register(256, 0), Err(NotTaken));
        assert_eq!(settings.letter("E", 2), Err(NotTaken));
        assert_eq!(settings.letter("&Z", 0), Err(NotTaken));
        assert_eq!((settings.register(3), settings.value("+VDR").unwrap().as_str()), (Ok(13), "1,20"));
    }
}
