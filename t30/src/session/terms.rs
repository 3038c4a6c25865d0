//! What the two machines agree on: DIS to DCS at the sender, DCS to terms at the receiver.

use std::fmt;

use super::config::{Config, FrameSize};
use crate::{
    frame::{
        BitField, Field, LENGTHS, Length, MIN_SCAN_TIMES, MinScanRow, Modems, RATES, Width, bit, carrier_of_rate_bits,
        modems_of_rate_bits, rate_bits_of_carrier, rate_bits_of_modems, recommendation,
    },
    image::{Coding, Page, Picture, Resolution},
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
    /// JPEG: in colour, not only in grey.
    pub colour: bool,
    /// JBIG: the page in one stripe, not in stripes of 128 rows.
    pub one_stripe: bool,
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

/// Bits of a DCS that ask for what is never offered: other resolutions of colour, codings, files.
const NEVER_OFFERED: [u8; 16] = [36, 38, 53, 54, 55, 57, 60, 62, 71, 74, 75, 98, 110, 111, 116, 127];

/// The bit of each resolution beside the standard one, the best first. Those of the inch have the bits of their equals,
/// and bit 44.
const RESOLUTION_BITS: [(Resolution, u8); 9] = [
    (Resolution::Dpi1200, bit::DPI_1200),
    (Resolution::Dpi600x1200, bit::DPI_600X1200),
    (Resolution::Dpi600, bit::DPI_600),
    (Resolution::Dpi400x800, bit::DPI_400X800),
    (Resolution::Dpi300x600, bit::DPI_300X600),
    (Resolution::Dpi400, bit::DPI_400),
    (Resolution::Dpi300, bit::DPI_300),
    (Resolution::Superfine, bit::SUPERFINE),
    (Resolution::Fine, bit::FINE),
];

/// Those that need error correction: a row is many times what a buffer of the 1980s held.
const HIGHEST: [Resolution; 5] =
    [Resolution::Dpi600, Resolution::Dpi1200, Resolution::Dpi300x600, Resolution::Dpi400x800, Resolution::Dpi600x1200];

/// Resolutions of pictures beside 200 x 200, the best first.
const COLOUR_FINER: [Resolution; 2] = [Resolution::Dpi400, Resolution::Dpi300];

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
        (bit::JPEG, has_jpeg(config)),
        (bit::COLOUR, has_jpeg(config)),
        (bit::COLOUR_FINER, has_jpeg(config) && COLOUR_FINER.iter().any(|finer| config.resolutions.has(*finer))),
        // Both are taken as they are.
        (bit::INCH, config.resolutions.has(Resolution::Fine)),
        (bit::METRIC_PREFERRED, config.resolutions.has(Resolution::Fine)),
        (bit::LONG_K, config.codings.has(Coding::Mr) && HIGHEST.iter().any(|highest| has(config, *highest))),
        (bit::FIELD_NOT_VALID, config.expect_pwd.is_some()),
        (bit::SUB, true),
        (bit::PASSWORD, true),
    ];
    flags.iter().filter(|(_, on)| *on).for_each(|&(bit, _)| bits.set(bit));
    let finer = RESOLUTION_BITS.iter().filter(|(resolution, _)| has(config, *resolution));
    finer.for_each(|&(_, bit)| bits.set(bit));
    bits.set_value(Field::Rate, rate_bits_of_modems(offered_modems(config)));
    bits.set_value(Field::Width, config.width.bits());
    bits.set_value(Field::Length, 0b01);
    bits.set_value(Field::MinScan, MinScanRow::bits_for(config.min_scan_ms));
    bits
}

/// Whether we record or send at that resolution.
fn has(config: &Config, resolution: Resolution) -> bool {
    config.resolutions.has(resolution) && (config.ecm || !HIGHEST.contains(&resolution))
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

/// Carriers both sides have, in the order of falling back.
fn rungs(config: &Config, theirs: Modems) -> impl Iterator<Item = Carrier> + '_ {
    let carriers = RATES.iter().map(|row| row.carrier);
    carriers.filter(move |&carrier| fits(config, carrier) && theirs.has(Modems::of(carrier)))
}

/// The carrier's place in the order of falling back.
fn rung(carrier: Carrier) -> u8 {
    let bits = rate_bits_of_carrier(carrier);
    RATES.iter().position(|row| Some(row.bits) == bits).unwrap_or(RATES.len()) as u8
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
        let carrier = rungs(config, modems)
            .find(|&carrier| ceiling.is_none_or(|ceiling| rung(carrier) >= rung(ceiling)))
            .ok_or_else(|| Mismatch(format!("no modem in common: it has {modems}, we may use {}", config.modems)))?;
        let ecm = (config.ecm && theirs.has(bit::ECM)).then(|| frame_size(theirs));
        let resolution = resolution(config, theirs, page.resolution, ecm.is_some());
        let coding = coding(config, theirs, ecm.is_some());
        Ok(Self {
            carrier,
            ecm,
            coding,
            colour: false,
            one_stripe: coding == Coding::Jbig && theirs.has(bit::T85_STRIPES),
            resolution,
            width,
            unlimited: LENGTHS[usize::from(theirs.value(Field::Length))] == Length::Unlimited,
            min_scan_ms: if ecm.is_some() { 0 } else { min_scan_ms(theirs, resolution) },
        })
    }

    /// The same terms for a page that is to be sent as a picture; unchanged where one side cannot.
    pub(super) fn for_picture(self, config: &Config, theirs: &BitField, picture: &Picture) -> Self {
        if self.ecm.is_none() || !has_jpeg(config) || ![bit::JPEG, bit::FINE].iter().all(|&bit| theirs.has(bit)) {
            return self;
        }
        let both = |finer: &Resolution| {
            let named = RESOLUTION_BITS.iter().find(|(resolution, _)| resolution == finer);
            has(config, *finer) && named.is_some_and(|(_, bit)| theirs.has(*bit)) && self.resolution.reduces_to(*finer)
        };
        let finer = COLOUR_FINER.into_iter().find(both).filter(|_| theirs.has(bit::COLOUR_FINER));
        let resolution = finer.unwrap_or(Resolution::Fine);
        Self {
            coding: Coding::Jpeg,
            one_stripe: false,
            colour: picture.is_colour() && theirs.has(bit::COLOUR),
            resolution,
            ..self
        }
    }

    /// What to try after FTT: the next of the carriers both sides have. Another modem may train where this one does not.
    pub(super) fn fall_back(&self, config: &Config, theirs: &BitField) -> Option<Carrier> {
        let modems = modems_of_rate_bits(theirs.value(Field::Rate));
        rungs(config, modems).find(|&carrier| rung(carrier) > rung(self.carrier))
    }

    /// The next lower rate both sides have.
    pub(super) fn step_down(&self, config: &Config, theirs: &BitField) -> Option<Carrier> {
        let modems = modems_of_rate_bits(theirs.value(Field::Rate));
        let lower = |carrier: &Carrier| carrier.bit_rate() < self.carrier.bit_rate();
        rungs(config, modems).find(|carrier| rung(*carrier) > rung(self.carrier) && lower(carrier))
    }

    /// Reads a DCS that answers our DIS.
    pub(super) fn read(config: &Config, bits: &BitField) -> Result<Self, Mismatch> {
        match not_offered(config).find(|&bit| bits.has(bit)) {
            Some(asked) => Err(Mismatch(format!("its DCS asks for bit {asked}, which was not offered"))),
            None => Self::of(bits),
        }
    }

    /// Reads any DCS.
    fn of(bits: &BitField) -> Result<Self, Mismatch> {
        let rate = bits.value(Field::Rate);
        let carrier = carrier_of_rate_bits(rate).ok_or_else(|| Mismatch(format!("its DCS has rate {rate:04b}")))?;
        let ecm =
            bits.has(bit::ECM).then(|| if bits.has(bit::SHORT_FRAMES) { FrameSize::Short } else { FrameSize::Long });
        let finer = RESOLUTION_BITS.iter().find(|(_, bit)| bits.has(*bit));
        let resolution = finer.map_or(Resolution::Standard, |(resolution, _)| *resolution);
        // Of pictures only the square ones are known, and named by their equals.
        let inch = bits.has(bit::INCH) && !bits.has(bit::JPEG);
        Ok(Self {
            carrier,
            ecm,
            coding: match () {
                () if bits.has(bit::JPEG) => Coding::Jpeg,
                () if bits.has(bit::T85) => Coding::Jbig,
                () if bits.has(bit::T6) => Coding::Mmr,
                () if bits.has(bit::MR) => Coding::Mr,
                () => Coding::Mh,
            },
            colour: bits.has(bit::JPEG) && bits.has(bit::COLOUR),
            one_stripe: bits.has(bit::T85) && bits.has(bit::T85_STRIPES),
            resolution: if inch { resolution.inch() } else { resolution },
            width: Width::of_bits(bits.value(Field::Width)),
            unlimited: bits.value(Field::Length) == 0b01,
            min_scan_ms: min_scan_ms(bits, resolution),
        })
    }

    /// The DCS. `sender_identified`: SID goes with it; `subaddressed`: SUB does.
    pub(super) fn command(&self, subaddressed: bool, sender_identified: bool) -> BitField {
        let mut bits = BitField::new();
        let (jpeg, finer) = (self.coding == Coding::Jpeg, COLOUR_FINER.contains(&self.resolution));
        let flags = [
            (bit::RECEIVES, true),
            (bit::JPEG, jpeg),
            (bit::COLOUR, jpeg && self.colour),
            (bit::COLOUR_FINER, jpeg && finer),
            // Pictures have square pels.
            (bit::INCH, self.resolution != self.resolution.metric() || jpeg && self.resolution != Resolution::Dpi300),
            (bit::MR, self.coding == Coding::Mr),
            (bit::ECM, self.ecm.is_some()),
            (bit::SHORT_FRAMES, self.ecm == Some(FrameSize::Short)),
            (bit::T6, self.coding == Coding::Mmr),
            (bit::T85, self.coding == Coding::Jbig),
            (bit::T85_STRIPES, self.coding == Coding::Jbig && self.one_stripe),
            (bit::SUB, subaddressed),
            (bit::PASSWORD, sender_identified),
        ];
        flags.iter().filter(|(_, on)| *on).for_each(|&(bit, _)| bits.set(bit));
        let finer = RESOLUTION_BITS.iter().filter(|(resolution, _)| self.resolution.metric() == *resolution);
        finer.for_each(|&(_, bit)| bits.set(bit));
        bits.set_value(Field::Rate, rate_bits_of_carrier(self.carrier).unwrap_or(0));
        bits.set_value(Field::Width, self.width.bits());
        bits.set_value(Field::Length, if self.unlimited { 0b01 } else { 0b00 });
        bits.set_value(Field::MinScan, MinScanRow::bits_for(self.min_scan_ms));
        bits
    }

    /// What the information field of a DCS says, whatever was offered; none if its rate is no rate.
    pub fn of_field(field: &[u8]) -> Option<Self> {
        Self::of(&BitField::read(field)).ok()
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
        let matters = |terms: &Self| (terms.resolution, terms.width, terms.coding, terms.colour, terms.ecm);
        matters(self) == matters(other)
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, modem) = (self.carrier.bit_rate(), recommendation(self.carrier));
        write!(f, "{rate} {modem}, {}, {}", self.resolution.name(), self.coding.name().to_uppercase())?;
        if self.coding == Coding::Jpeg {
            f.write_str(if self.colour { " in colour" } else { " in grey" })?;
        }
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
fn resolution(config: &Config, theirs: &BitField, page: Resolution, ecm: bool) -> Resolution {
    let both = |&&(other, bit): &&(Resolution, u8)| {
        has(config, other) && theirs.has(bit) && (ecm || !HIGHEST.contains(&other))
    };
    let same = RESOLUTION_BITS.iter().filter(both).find(|(other, _)| *other == page.metric());
    let less = RESOLUTION_BITS.iter().filter(both).find(|(other, _)| page.reduces_to(*other));
    let metric = same.or(less).map_or(Resolution::Standard, |(resolution, _)| *resolution);
    match (theirs.has(bit::INCH), theirs.has(bit::METRIC_PREFERRED)) {
        (true, true) if page != page.metric() => metric.inch(),
        (true, false) => metric.inch(),
        _ => metric,
    }
}

/// Bits of a DCS that ask for what our DIS did not say.
fn not_offered(config: &Config) -> impl Iterator<Item = u8> + '_ {
    let resolutions = RESOLUTION_BITS.iter().filter(|(resolution, bit)| {
        // Fine was always let pass.
        *bit != bit::FINE && !has(config, *resolution)
    });
    let jbig = (!config.codings.has(Coding::Jbig)).then_some(bit::T85);
    let jpeg = (!has_jpeg(config)).then_some([bit::JPEG, bit::COLOUR]).into_iter().flatten();
    NEVER_OFFERED.into_iter().chain(resolutions.map(|(_, bit)| *bit)).chain(jbig).chain(jpeg)
}

/// T.30 Annex E: pictures need error correction, and 200 x 200 is their lowest resolution here.
fn has_jpeg(config: &Config) -> bool {
    config.ecm && config.codings.has(Coding::Jpeg) && config.resolutions.has(Resolution::Fine)
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
        finer if finer.dots_per_inch().1 > 300 && bits.has(bit::HALF_TIME) => row.fine_ms.div_ceil(2),
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
    fn another_modem_is_tried_at_the_same_rate() {
        let config = Config { modems: Modems::ALL, ..Config::default() };
        let theirs = capabilities(&config);
        let mut terms = Terms::choose(&config, &theirs, &page(Resolution::Standard), None).expect("alike");
        let mut tried = vec![terms.carrier];
        while let Some(carrier) = terms.fall_back(&config, &theirs) {
            terms.carrier = carrier;
            tried.push(carrier);
        }
        assert_eq!(tried, RATES.map(|row| row.carrier));
        let ceiling = tried[3];
        let terms = Terms::choose(&config, &theirs, &page(Resolution::Standard), Some(ceiling)).expect("alike");
        assert_eq!(terms.carrier, ceiling);
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
