//! The eight numbers that T.32 describes a machine and a call by, and the rest of what a host may set.

use crate::{
    frame::{BitField, Field, Modems, Width, bit, modems_of_rate_bits},
    image::{Coding, Resolution},
    session::{self, Codings, Config, Follows, FrameSize, Keeping, Limits, QualityLimits, Resolutions},
};

/// VR, BR, WD, LN, DF, EC, BF, ST and, in Class 2.1, JP: capabilities of a machine or terms of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// 0 standard, 1 fine.
    pub(crate) resolution: u8,
    /// 2400, 4800 ... 14400 bit/s.
    pub(crate) rate: u8,
    /// A4, B4, A3.
    pub(crate) width: u8,
    /// A4, B4, as long as it is.
    pub(crate) length: u8,
    /// 0 MH, 1 MR, 3 MMR.
    pub(crate) format: u8,
    /// 0 none, 1 with frames of 64 octets, 2 with frames of 256.
    pub(crate) error_correction: u8,
    /// 0, 5, 10/5, 10, 20/10, 20, 40/20, 40 ms.
    pub(crate) scan_time: u8,
}

/// The numbers' bit rates.
const RATES: [u32; 6] = [2400, 4800, 7200, 9600, 12000, 14400];

/// The numbers' times of a row at fine resolution.
const SCAN_TIMES: [u32; 8] = [0, 5, 5, 10, 10, 20, 20, 40];

impl Default for Terms {
    /// All that can be had.
    fn default() -> Self {
        Self { resolution: 1, rate: 5, width: 0, length: 2, format: 1, error_correction: 0, scan_time: 0 }
    }
}

impl Terms {
    /// What a test command is answered.
    pub(crate) const RANGE: &'static str = "(0,1),(0-5),(0-2),(0-2),(0,1,3),(0-2),(0),(0-7)";

    /// Reads numbers; those left out stay. `None`: one is out of range.
    pub(crate) fn changed(self, text: &str) -> Option<Self> {
        let mut numbers = [
            self.resolution,
            self.rate,
            self.width,
            self.length,
            self.format,
            self.error_correction,
            0,
            self.scan_time,
            0,
        ];
        // Higher resolutions are bits of the first number: what is not had is not offered.
        const MOST: [u8; 9] = [0x7f, 13, 4, 2, 3, 3, 3, 7, 127];
        for (index, number) in text.split(',').enumerate().filter(|(_, number)| !number.trim().is_empty()) {
            let most = MOST.get(index)?;
            numbers[index] = u8::from_str_radix(number.trim(), 16).ok().filter(|number| number <= most)?;
        }
        let [resolution, rate, width, length, format, error_correction, _, scan_time, _] = numbers;
        Some(Self {
            resolution: resolution & 1,
            rate: rate.min(5),
            width: width.min(2),
            length,
            // 2 is the uncompressed mode, which nobody has.
            format: if format == 2 { 1 } else { format },
            error_correction: error_correction.min(2),
            scan_time,
        })
    }

    /// `+FDT=DF,VR,WD,LN`: the terms of a page where they are not those of the call.
    pub(crate) fn for_page(self, text: &str) -> Option<Self> {
        let numbers: Vec<&str> = text.split(',').map(str::trim).collect();
        let number = |index: usize| numbers.get(index).copied().unwrap_or_default();
        self.changed(&format!("{},,{},{},{}", number(1), number(2), number(3), number(0)))
    }

    /// As they are told; `jpeg`: with the number of Class 2.1.
    pub(crate) fn numbers(&self, jpeg: bool) -> String {
        let Self { resolution, rate, width, length, format, error_correction, scan_time } = self;
        let numbers = format!("{resolution},{rate},{width},{length},{format},{error_correction},0,{scan_time}");
        if jpeg { numbers + ",0" } else { numbers }
    }

    /// The terms of a call.
    pub(crate) fn of_call(terms: &session::Terms) -> Self {
        let rate = terms.carrier.bit_rate();
        Self {
            resolution: u8::from(terms.resolution != Resolution::Standard),
            rate: RATES.iter().position(|known| *known == rate).unwrap_or(0) as u8,
            width: terms.width.bits(),
            length: if terms.unlimited { 2 } else { 0 },
            format: match terms.coding {
                Coding::Mh => 0,
                Coding::Mr => 1,
                _ => 3,
            },
            error_correction: match terms.ecm {
                None => 0,
                Some(FrameSize::Short) => 1,
                Some(FrameSize::Long) => 2,
            },
            scan_time: SCAN_TIMES.iter().position(|time| *time == terms.min_scan_ms).unwrap_or(0) as u8,
        }
    }

    /// What a machine can do that says so in these bits.
    pub(crate) fn of_machine(bits: &BitField) -> Self {
        let modems = modems_of_rate_bits(bits.value(Field::Rate));
        let has = |bit| bits.has(bit);
        Self {
            resolution: u8::from(has(bit::FINE)),
            rate: if modems.has(Modems::V17) {
                5
            } else if modems.has(Modems::V29) {
                3
            } else {
                1
            },
            width: Width::of_bits(bits.value(Field::Width)).bits(),
            length: 2,
            format: if has(bit::T6) { 3 } else { u8::from(has(bit::MR)) },
            error_correction: if has(bit::ECM) { 2 } else { 0 },
            scan_time: 0,
        }
    }

    pub(crate) fn page_resolution(&self) -> Resolution {
        if self.resolution == 0 { Resolution::Standard } else { Resolution::Fine }
    }

    pub(crate) fn page_width(&self) -> Width {
        Width::of_bits(self.width)
    }

    fn codings(&self) -> Codings {
        match self.format {
            0 => Codings::MH,
            1 => Codings::MH | Codings::MR,
            _ => Codings::MH | Codings::MR | Codings::MMR,
        }
    }
}

/// What else a call goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) identity: String,
    pub(crate) capabilities: Terms,
    /// Whether callers may send to us.
    pub(crate) receives: bool,
    /// `+FSP`: we call to fetch a document.
    pub(crate) polls: bool,
    /// `+FNR`: whether capabilities, terms, identities and non-standard facilities are told.
    pub(crate) told: [bool; 4],
    /// Octets of pages go most significant bit first.
    pub(crate) reversed: bool,
}

impl Options {
    /// The settings of a call.
    pub(crate) fn config(&self) -> Config {
        let wanted = self.capabilities;
        Config {
            ident: self.identity.clone(),
            modems: Modems::ALL,
            max_rate: Some(RATES[usize::from(wanted.rate)]),
            ecm: wanted.error_correction > 0,
            frame_size: if wanted.error_correction == 1 { FrameSize::Short } else { FrameSize::Long },
            codings: wanted.codings(),
            resolutions: if wanted.resolution == 0 { Resolutions::STANDARD } else { Resolutions::FINE },
            width: wanted.page_width(),
            min_scan_ms: SCAN_TIMES[usize::from(wanted.scan_time)],
            keeping: Keeping::Awaited,
            // The host judges.
            quality: QualityLimits { refuse_bad_rows: 1.0, refuse_bad_run: u32::MAX, retrain_bad_rows: 1.0 },
            receives: self.receives,
            poll: self.polls,
            limits: Limits::default(),
            ..Config::default()
        }
    }
}

/// `+FET`: what follows a page, as a number.
pub(crate) fn number_of(follows: Follows) -> u8 {
    match follows {
        Follows::Page => 0,
        Follows::Document => 1,
        Follows::Nothing => 2,
    }
}
