//! HID report descriptors: where in which report a usage is.
//!
//! USB Device Class Definition for Human Interface Devices 1.11, clause 6.2.2; usages from the HID Usage Tables. A
//! descriptor comes from a device and may say anything: nothing in it can make this fail, and what makes no sense has no
//! fields.

/// A usage: its page in the upper half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage(pub u32);

impl Usage {
    /// Telephony page: a telephone.
    pub const PHONE: Self = Self(0x000B_0001);
    /// Telephony page: a headset.
    pub const HEADSET: Self = Self(0x000B_0005);
    /// Telephony page: the hook switch.
    pub const HOOK_SWITCH: Self = Self(0x000B_0020);
    /// Telephony page: a short interruption of the loop.
    pub const FLASH: Self = Self(0x000B_0021);
    /// Telephony page: a line of the telephone.
    pub const LINE: Self = Self(0x000B_002A);
    /// Telephony page: an inside call rings.
    pub const INSIDE_RING_TONE: Self = Self(0x000B_0092);
    /// Telephony page: an outside call rings.
    pub const OUTSIDE_RING_TONE: Self = Self(0x000B_0093);
    /// Telephony page: the ringer.
    pub const RINGER: Self = Self(0x000B_009E);
    /// LED page: off hook. Telephones without a hook switch as output are told by it.
    pub const OFF_HOOK_LED: Self = Self(0x0008_0017);
    /// LED page: ringing.
    pub const RING_LED: Self = Self(0x0008_0018);

    /// The page.
    pub fn page(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// Which way a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// From the device.
    Input,
    /// To the device.
    Output,
    /// Either way, on request.
    Feature,
}

/// Usages of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The field is the value of one usage.
    Value(Usage),
    /// The field is the number of a usage: `first` when it has the value `base`, and so on to `last`.
    Choice {
        /// The first usage.
        first: Usage,
        /// The last usage.
        last: Usage,
        /// The number of the first.
        base: i32,
    },
}

/// A field of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its report's number; zero when the device does not number them.
    pub report_id: u8,
    /// Its report's direction.
    pub report: Report,
    /// First bit, counted after the report's number.
    pub bit: usize,
    /// Bits, 1 to 32.
    pub bits: usize,
    /// What it means.
    pub meaning: Meaning,
    /// Whether it tells a change, not a state.
    pub relative: bool,
}

/// All fields of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// In the order of the descriptor.
    pub fields: Vec<Field>,
    /// Usages of top-level collections: what the device says it is.
    pub applications: Vec<Usage>,
    /// Whether reports begin with their number.
    pub numbered: bool,
    /// Octets of the longest report of each direction, without its number.
    lengths: Vec<(u8, Report, usize)>,
}

/// State that lasts until changed; `Push` and `Pop` save it.
#[derive(Clone, Copy, Debug, Default)]
struct Globals {
    page: u16,
    logical_minimum: i32,
    size: u32,
    count: u32,
    report_id: u8,
}

/// State of one main item.
#[derive(Clone, Debug, Default)]
struct Locals {
    usages: Vec<Usage>,
    minimum: Option<u32>,
}

/// More than any telephone has; a descriptor that says more is cut there.
const MOST_FIELDS: usize = 2048;
const MOST_BITS: usize = 8 * 4096;
const MOST_USAGES: usize = 1024;
const MOST_SAVED: usize = 16;

impl Descriptor {
    /// Reads a descriptor.
    pub fn parse(octets: &[u8]) -> Self {
        let mut reader = Reader::default();
        let mut rest = octets;
        while let Some((&prefix, after)) = rest.split_first() {
            if prefix == LONG_ITEM {
                let length = after.first().map_or(0, |length| usize::from(*length) + 2);
                rest = after.get(length..).unwrap_or(&[]);
                continue;
            }
            let length = [0, 1, 2, 4][usize::from(prefix & 3)];
            let Some(data) = after.get(..length) else { break };
            reader.item(prefix & 0xFC, data);
            rest = &after[length..];
        }
        reader.done
    }

    /// The field of a usage in reports of one direction.
    pub fn field(&self, report: Report, usage: Usage) -> Option<&Field> {
        self.fields.iter().find(|field| field.report == report && field.has(usage))
    }

    /// Octets of a report without its number.
    pub fn length(&self, report: Report, report_id: u8) -> usize {
        let same = |(id, direction, _): &&(u8, Report, usize)| (*id, *direction) == (report_id, report);
        self.lengths.iter().find(same).map_or(0, |(_, _, bits)| bits.div_ceil(8))
    }

    /// What an input report says of a usage: nothing when the usage is not in that report.
    pub fn read(&self, report: &[u8], usage: Usage) -> Option<bool> {
        let (id, body) = if self.numbered { report.split_first().map(|(id, body)| (*id, body))? } else { (0, report) };
        let mut fields = self
            .fields
            .iter()
            .filter(|field| field.report == Report::Input && field.report_id == id && field.has(usage));
        let first = fields.next()?.says(body, usage)?;
        Some(first || fields.any(|field| field.says(body, usage) == Some(true)))
    }

    /// An output report that sets one usage of one bit and leaves all others clear, its number in front.
    pub fn write(&self, field: &Field, on: bool) -> Vec<u8> {
        let mut report = vec![0; 1 + self.length(field.report, field.report_id)];
        report[0] = field.report_id;
        if on && let Some(octet) = report.get_mut(1 + field.bit / 8) {
            *octet |= 1 << (field.bit % 8);
        }
        report
    }
}

const LONG_ITEM: u8 = 0xFE;

impl Field {
    fn has(&self, usage: Usage) -> bool {
        match self.meaning {
            Meaning::Value(value) => value == usage,
            Meaning::Choice { first, last, .. } => (first..=last).contains(&usage),
        }
    }

    fn says(&self, body: &[u8], usage: Usage) -> Option<bool> {
        let value = bits(body, self.bit, self.bits)?;
        Some(match self.meaning {
            Meaning::Value(_) => value != 0,
            Meaning::Choice { first, base, .. } => i64::from(value) == i64::from(base) + i64::from(usage.0 - first.0),
        })
    }
}

/// A little-endian number of `count` bits from bit `first`.
fn bits(body: &[u8], first: usize, count: usize) -> Option<u32> {
    (body.len() * 8 >= first + count).then(|| {
        (0..count).fold(0, |value, bit| {
            let place = first + bit;
            value | u32::from(body[place / 8] >> (place % 8) & 1) << bit
        })
    })
}

#[derive(Default)]
struct Reader {
    done: Descriptor,
    globals: Globals,
    saved: Vec<Globals>,
    locals: Locals,
    depth: usize,
}

impl Reader {
    fn item(&mut self, tag: u8, data: &[u8]) {
        let number = data.iter().rev().fold(0, |number, octet| number << 8 | u32::from(*octet));
        match tag {
            0x80 => self.main(Report::Input, number),
            0x90 => self.main(Report::Output, number),
            0xB0 => self.main(Report::Feature, number),
            0xA0 => self.collection(),
            0xC0 => self.depth = self.depth.saturating_sub(1),
            0x04 => self.globals.page = number as u16,
            0x14 => self.globals.logical_minimum = signed(number, data.len()),
            0x74 => self.globals.size = number,
            0x84 => {
                self.globals.report_id = number as u8;
                self.done.numbered = true;
            }
            0x94 => self.globals.count = number,
            0xA4 if self.saved.len() < MOST_SAVED => self.saved.push(self.globals),
            0xB4 => self.globals = self.saved.pop().unwrap_or(self.globals),
            0x08 => self.usage(number, data.len()),
            0x18 => self.locals.minimum = Some(self.whole(number, data.len())),
            0x28 => self.usage_range(number, data.len()),
            _ => {}
        }
        if matches!(tag, 0x80 | 0x90 | 0xB0 | 0xA0 | 0xC0) {
            self.locals = Locals::default();
        }
    }

    /// A usage of four octets brings its page along.
    fn whole(&self, number: u32, length: usize) -> u32 {
        if length == 4 { number } else { u32::from(self.globals.page) << 16 | number }
    }

    fn usage(&mut self, number: u32, length: usize) {
        if self.locals.usages.len() < MOST_USAGES {
            self.locals.usages.push(Usage(self.whole(number, length)));
        }
    }

    fn usage_range(&mut self, number: u32, length: usize) {
        let last = self.whole(number, length);
        let Some(first) = self.locals.minimum.take() else { return };
        let room = MOST_USAGES - self.locals.usages.len();
        self.locals.usages.extend((first..=last).take(room).map(Usage));
    }

    fn collection(&mut self) {
        if self.depth == 0 {
            self.done.applications.extend(self.locals.usages.first());
        }
        self.depth += 1;
    }

    fn main(&mut self, report: Report, flags: u32) {
        let Globals { report_id, size, count, .. } = self.globals;
        let start = self.end_of(report, report_id);
        let bits = (size as usize).saturating_mul(count as usize);
        if bits > MOST_BITS || start + bits > MOST_BITS {
            return;
        }
        let (variable, relative) = (flags & 2 != 0, flags & 4 != 0);
        if self.is_told(report, flags & 1 != 0) && (1..=32).contains(&size) {
            for place in 0..count as usize {
                let Some(meaning) = self.meaning(variable, place) else { break };
                if self.done.fields.len() == MOST_FIELDS {
                    break;
                }
                let bit = start + place * size as usize;
                self.done.fields.push(Field { report_id, report, bit, bits: size as usize, meaning, relative });
            }
        }
        self.set_end(report, report_id, start + bits);
    }

    /// Constants are filler. But there are devices that call their hook switch one and send it all the same: in input, a
    /// constant with a usage is told.
    fn is_told(&self, report: Report, constant: bool) -> bool {
        !constant || report == Report::Input && !self.locals.usages.is_empty()
    }

    /// Fields beyond the last usage share it.
    fn meaning(&self, variable: bool, place: usize) -> Option<Meaning> {
        let usages = &self.locals.usages;
        if variable {
            return usages.get(place).or(usages.last()).copied().map(Meaning::Value);
        }
        let (first, last) = (*usages.first()?, *usages.last()?);
        (first <= last).then_some(Meaning::Choice { first, last, base: self.globals.logical_minimum })
    }

    fn end_of(&self, report: Report, id: u8) -> usize {
        self.done.lengths.iter().find(|(i, r, _)| (*i, *r) == (id, report)).map_or(0, |(_, _, bits)| *bits)
    }

    fn set_end(&mut self, report: Report, id: u8, end: usize) {
        match self.done.lengths.iter_mut().find(|(i, r, _)| (*i, *r) == (id, report)) {
            Some((_, _, bits)) => *bits = end,
            None => self.done.lengths.push((id, report, end)),
        }
    }
}

fn signed(number: u32, octets: usize) -> i32 {
    match octets {
        1 => i32::from(number as u8 as i8),
        2 => i32::from(number as u16 as i16),
        _ => number as i32,
    }
}
