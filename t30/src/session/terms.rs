//! What the two machines agree on: DIS to DCS at the sender, DCS to terms at the receiver.

use std::fmt;

use super::config::{Config, FrameSize};
use crate::{
    frame::{
        BitField, Field, LENGTHS, Length, MIN_SCAN_TIMES, MinScanRow, Modems, RATES, Width, bit, carrier_of_rate_bits,
        modems_of_rate_bits, rate_bits_of_carrier, rate_bits_of_modems, recommendation,
    },
    image::{Coding, Page, Resolution},
    seam::{Carrier, Train},
};

/// The terms pages are sent on: a DCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Modem and rate; V.17 with its long training.
    pub carrier: Carrier,
    /// Error correction and its frame size.
    pub ecm: Option<FrameSize>,
    /// Coding.
    pub coding: Coding,
    /// Resolution.
    pub resolution: Resolution,
    /// Width.
    pub width: Width,
    /// Whether pages may be longer than A4.
    pub unlimited: bool,
    /// Minimum transmission time of a row in milliseconds.
    pub min_scan_ms: u32,
}

/// Why no terms were found; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch(pub String);

/// Bits of a DCS that ask for what is never offered: other resolutions, codings, files.
const NEVER_OFFERED: [u8; 16] = [36, 38, 53, 54, 55, 57, 60, 62, 68, 69, 105, 106, 107, 108, 109, 116];

/// The bit of each resolution beside the standard one, the best first.
const RESOLUTION_BITS: [(Resolution, u8); 4] = [
    (Resolution::Dpi400, bit::DPI_400),
    (Resolution::Dpi300, bit::DPI_300),
    (Resolution::Superfine, bit::SUPERFINE),
    (Resolution::Fine, bit::FINE),
];

/// Our DIS.
pub(super) fn capabilities(config: &Config) -> BitField {
    let mut bits = BitField::new();
    let flags = [
        (bit::RECEIVES, config.receives),
        (bit::SHORT_FRAMES_PREFERRED, config.ecm && config.frame_size == FrameSize::Short),
        (bit::MR, config.codings.has(Coding::Mr)),
        (bit::ECM, config.ecm),
        (bit::T6, config.ecm && config.codings.has(Coding::Mmr)),
        (bit::T85, config.ecm && config.codings.has(Coding::Jbig)),
        (bit::T85_STRIPES, config.ecm && config.codings.has(Coding::Jbig)),
        // Said where it makes a difference; those of the inch are taken as well.
        (bit::METRIC_PREFERRED, config.resolutions.has(Resolution::Dpi400)),
        (bit::SUB, true),
        (bit::PASSWORD, true),
    ];
    flags.iter().filter(|(_, on)| *on).for_each(|&(bit, _)| bits.set(bit));
    let finer = RESOLUTION_BITS.iter().filter(|(resolution, _)| config.resolutions.has(*resolution));
    finer.for_each(|&(_, bit)| bits.set(bit));
    bits.set_value(Field::Rate, rate_bits_of_modems(offered_modems(config)));
    bits.set_value(Field::Width, config.width.bits());
    bits.set_value(Field::Length, 0b01);
    bits.set_value(Field::MinScan, MinScanRow::bits_for(config.min_scan_ms));
    bits
}

/// Modems we say we have. A limit on the rate hides those that are all faster.
fn offered_modems(config: &Config) -> Modems {
    RATES
        .iter()
        .filter(|row| fits(config, row.carrier))
        .fold(Modems::default(), |modems, row| modems | Modems::of(row.carrier))
}

fn fits(config: &Config, carrier: Carrier) -> bool {
    config.modems.has(Modems::of(carrier)) && config.max_rate.is_none_or(|limit| carrier.bit_rate() <= limit)
}

/// Carriers both sides have, fastest first. Where both have V.17, V.29 adds nothing.
fn rungs(config: &Config, theirs: Modems) -> impl Iterator<Item = Carrier> + '_ {
    let both_v17 = config.modems.common(theirs).has(Modems::V17);
    let carriers = RATES.iter().map(|row| row.carrier);
    carriers.filter(move |&carrier| {
        fits(config, carrier) && theirs.has(Modems::of(carrier)) && !(both_v17 && matches!(carrier, Carrier::V29(_)))
    })
}

impl Terms {
    /// The best terms for a page that the other side's DIS and our settings allow, no faster than `ceiling`.
    pub(super) fn choose(
        config: &Config,
        theirs: &BitField,
        page: &Page,
        ceiling: Option<Carrier>,
    ) -> Result<Self, Mismatch> {
        if !theirs.has(bit::RECEIVES) {
            return Err(Mismatch("it cannot receive".into()));
        }
        // A page wider than their paper is reduced.
        let width = width_of(page)?.min(Width::of_bits(theirs.value(Field::Width)));
        let modems = modems_of_rate_bits(theirs.value(Field::Rate));
        let fastest = ceiling.map_or(u32::MAX, Carrier::bit_rate);
        let carrier = rungs(config, modems)
            .find(|carrier| carrier.bit_rate() <= fastest)
            .ok_or_else(|| Mismatch(format!("no modem in common: it has {modems}, we may use {}", config.modems)))?;
        let resolution = resolution(config, theirs, page.resolution);
        let ecm = (config.ecm && theirs.has(bit::ECM)).then(|| frame_size(theirs));
        Ok(Self {
            carrier,
            ecm,
            coding: coding(config, theirs, ecm.is_some()),
            resolution,
            width,
            unlimited: LENGTHS[usize::from(theirs.value(Field::Length))] == Length::Unlimited,
            min_scan_ms: if ecm.is_some() { 0 } else { min_scan_ms(theirs, resolution) },
        })
    }

    /// The next lower rate both sides have.
    pub(super) fn step_down(&self, config: &Config, theirs: &BitField) -> Option<Carrier> {
        let modems = modems_of_rate_bits(theirs.value(Field::Rate));
        rungs(config, modems).find(|carrier| carrier.bit_rate() < self.carrier.bit_rate())
    }

    /// Reads a DCS.
    pub(super) fn read(config: &Config, bits: &BitField) -> Result<Self, Mismatch> {
        if let Some(asked) = not_offered(config).find(|&bit| bits.has(bit)) {
            return Err(Mismatch(format!("its DCS asks for bit {asked}, which was not offered")));
        }
        let rate = bits.value(Field::Rate);
        let carrier = carrier_of_rate_bits(rate).ok_or_else(|| Mismatch(format!("its DCS has rate {rate:04b}")))?;
        let ecm =
            bits.has(bit::ECM).then(|| if bits.has(bit::SHORT_FRAMES) { FrameSize::Short } else { FrameSize::Long });
        let finer = RESOLUTION_BITS.iter().find(|(_, bit)| bits.has(*bit));
        let resolution = finer.map_or(Resolution::Standard, |(resolution, _)| *resolution);
        Ok(Self {
            carrier,
            ecm,
            coding: match () {
                () if bits.has(bit::T85) => Coding::Jbig,
                () if bits.has(bit::T6) => Coding::Mmr,
                () if bits.has(bit::MR) => Coding::Mr,
                () => Coding::Mh,
            },
            resolution,
            width: Width::of_bits(bits.value(Field::Width)),
            unlimited: bits.value(Field::Length) == 0b01,
            min_scan_ms: min_scan_ms(bits, resolution),
        })
    }

    /// The DCS. `sender_identified`: SID goes with it; `subaddressed`: SUB does.
    pub(super) fn command(&self, subaddressed: bool, sender_identified: bool) -> BitField {
        let mut bits = BitField::new();
        let flags = [
            (bit::RECEIVES, true),
            (bit::MR, self.coding == Coding::Mr),
            (bit::ECM, self.ecm.is_some()),
            (bit::SHORT_FRAMES, self.ecm == Some(FrameSize::Short)),
            (bit::T6, self.coding == Coding::Mmr),
            (bit::T85, self.coding == Coding::Jbig),
            (bit::SUB, subaddressed),
            (bit::PASSWORD, sender_identified),
        ];
        flags.iter().filter(|(_, on)| *on).for_each(|&(bit, _)| bits.set(bit));
        let finer = RESOLUTION_BITS.iter().filter(|(resolution, _)| self.resolution == *resolution);
        finer.for_each(|&(_, bit)| bits.set(bit));
        bits.set_value(Field::Rate, rate_bits_of_carrier(self.carrier).unwrap_or(0));
        bits.set_value(Field::Width, self.width.bits());
        bits.set_value(Field::Length, if self.unlimited { 0b01 } else { 0b00 });
        bits.set_value(Field::MinScan, MinScanRow::bits_for(self.min_scan_ms));
        bits
    }

    /// Pels in a row.
    pub const fn pels(&self) -> u32 {
        self.resolution.pels(self.width.paper())
    }

    /// The carrier with V.17's short training, for pages after the training check.
    pub(super) fn retrained_shortly(&self) -> Carrier {
        match self.carrier {
            Carrier::V17(rate, _) => Carrier::V17(rate, Train::Short),
            other => other,
        }
    }

    /// Whether pages can follow each other without a new DCS.
    pub(super) fn suit(&self, other: &Self) -> bool {
        (self.resolution, self.width, self.coding, self.ecm) == (other.resolution, other.width, other.coding, other.ecm)
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, modem) = (self.carrier.bit_rate(), recommendation(self.carrier));
        write!(f, "{rate} {modem}, {}, {}", self.resolution.name(), self.coding.name().to_uppercase())?;
        match self.ecm {
            Some(size) => write!(f, ", ECM {}", size.octets()),
            None => write!(f, ", {} ms", self.min_scan_ms),
        }
    }
}

fn width_of(page: &Page) -> Result<Width, Mismatch> {
    let (pels, at) = (page.bitmap.width(), page.resolution);
    let known = Width::ALL.map(|width| at.pels(width.paper()));
    let width = Width::ALL.into_iter().zip(known).find(|(_, known)| *known == pels).map(|(width, _)| width);
    width.ok_or_else(|| {
        let [a4, b4, a3] = known;
        Mismatch(format!("a page is {pels} pels wide; scale it to {a4}, {b4} or {a3} for resolution {}", at.name()))
    })
}

/// The best resolution both have that the page has detail for.
fn resolution(config: &Config, theirs: &BitField, page: Resolution) -> Resolution {
    let both = |&&(other, bit): &&(Resolution, u8)| config.resolutions.has(other) && theirs.has(bit);
    let same = RESOLUTION_BITS.iter().filter(both).find(|(other, _)| *other == page);
    let less = RESOLUTION_BITS.iter().filter(both).find(|(other, _)| page.reduces_to(*other));
    same.or(less).map_or(Resolution::Standard, |(resolution, _)| *resolution)
}

/// Bits of a DCS that ask for what our DIS did not say.
fn not_offered(config: &Config) -> impl Iterator<Item = u8> + '_ {
    let resolutions = RESOLUTION_BITS.iter().filter(|(resolution, bit)| {
        // Fine was always let pass.
        *bit != bit::FINE && !config.resolutions.has(*resolution)
    });
    let jbig = (!config.codings.has(Coding::Jbig)).then_some(bit::T85);
    NEVER_OFFERED.into_iter().chain(resolutions.map(|(_, bit)| *bit)).chain(jbig)
}

/// The receiver's preference decides.
fn frame_size(theirs: &BitField) -> FrameSize {
    if theirs.has(bit::SHORT_FRAMES_PREFERRED) { FrameSize::Short } else { FrameSize::Long }
}

fn coding(config: &Config, theirs: &BitField, ecm: bool) -> Coding {
    let both = |coding, bit| config.codings.has(coding) && theirs.has(bit);
    match () {
        () if ecm && both(Coding::Jbig, bit::T85) => Coding::Jbig,
        () if ecm && both(Coding::Mmr, bit::T6) => Coding::Mmr,
        () if both(Coding::Mr, bit::MR) => Coding::Mr,
        () => Coding::Mh,
    }
}

fn min_scan_ms(bits: &BitField, resolution: Resolution) -> u32 {
    let row = MIN_SCAN_TIMES[usize::from(bits.value(Field::MinScan))];
    match resolution {
        Resolution::Standard => row.standard_ms,
        Resolution::Superfine | Resolution::Dpi400 if bits.has(bit::HALF_TIME) => row.fine_ms.div_ceil(2),
        _ => row.fine_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{image::Bitmap, session::config::Codings};

    fn page(resolution: Resolution) -> Page {
        Page { bitmap: Bitmap::white(1728, 8), resolution }
    }

    #[test]
    fn what_both_have_is_chosen_and_reads_back() {
        let config = Config { modems: Modems::ALL, ..Config::default() };
        let terms = Terms::choose(&config, &capabilities(&config), &page(Resolution::Fine), None).expect("alike");
        assert_eq!(terms.to_string(), "14400 V.17, fine, MMR, ECM 256");
        assert_eq!(Terms::read(&config, &terms.command(false, false)), Ok(terms));
    }

    #[test]
    fn the_ladder_ends_at_2400() {
        let config = Config { modems: Modems::ALL, ..Config::default() };
        let theirs = capabilities(&config);
        let mut terms = Terms::choose(&config, &theirs, &page(Resolution::Standard), None).expect("alike");
        let mut rates = vec![terms.carrier.bit_rate()];
        while let Some(carrier) = terms.step_down(&config, &theirs) {
            terms.carrier = carrier;
            rates.push(carrier.bit_rate());
        }
        assert_eq!(rates, [14400, 12000, 9600, 7200, 4800, 2400]);
    }

    #[test]
    fn a_plain_machine_gets_plain_terms() {
        let plain = Config {
            ecm: false,
            codings: Codings::MH,
            resolutions: super::super::config::Resolutions::STANDARD,
            modems: Modems::V27TER,
            min_scan_ms: 20,
            ..Config::default()
        };
        let terms = Terms::choose(&Config::default(), &capabilities(&plain), &page(Resolution::Fine), None);
        assert_eq!(terms.expect("V.27ter is common").to_string(), "4800 V.27ter, standard, MH, 20 ms");
    }
}
