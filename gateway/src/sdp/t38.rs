//! The attributes of `m=image udptl t38`, ITU-T T.38 Annex D and RFC 3362, and what machines make of them.

use super::description::Attribute;

/// The longest datagram assumed of a machine that names none, or names nonsense.
const USUAL_DATAGRAM: usize = 400;

/// Datagrams shorter than this hold no frame; longer ones no network passes whole.
const DATAGRAMS: std::ops::RangeInclusive<usize> = 80..=1400;

/// The versions there are.
const NEWEST_VERSION: u8 = 3;

/// Attributes as they are compared: small letters, without `t38` and `fax`.
const NAMES: [&str; 14] = [
    "version",
    "maxbitrate",
    "fillbitremoval",
    "transcodingmmr",
    "transcodingjbig",
    "ratemanagement",
    "maxbuffer",
    "maxdatagram",
    "udpec",
    "udpecdepth",
    "udpfecmaxspan",
    "maxifp",
    "modemtype",
    "vendorinfo",
];

/// How lost datagrams are made up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correction {
    /// Not at all.
    #[default]
    None,
    /// By earlier packets.
    Redundancy,
    /// By parity.
    Fec,
}

/// What an end says of its T.38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct T38 {
    /// The version of T.38; one that is absent is 0.
    pub version: u8,
    /// Bits per second at most.
    pub max_bit_rate: u32,
    /// Whether fill bits may be left out.
    pub fill_bit_removal: bool,
    /// Whether pages may be made MMR on the way.
    pub transcoding_mmr: bool,
    /// Whether pages may be made JBIG on the way.
    pub transcoding_jbig: bool,
    /// Whether each end makes its own training check.
    pub local_tcf: bool,
    /// Octets that it can hold.
    pub max_buffer: Option<u32>,
    /// The longest datagram it takes, in octets.
    pub max_datagram: usize,
    /// How it makes up for loss.
    pub correction: Correction,
}

impl Default for T38 {
    fn default() -> Self {
        Self {
            version: 0,
            max_bit_rate: 14_400,
            fill_bit_removal: false,
            transcoding_mmr: false,
            transcoding_jbig: false,
            local_tcf: false,
            max_buffer: None,
            max_datagram: USUAL_DATAGRAM,
            correction: Correction::None,
        }
    }
}

impl T38 {
    /// What we offer.
    pub fn ours(version: u8) -> Self {
        Self { version, max_datagram: *DATAGRAMS.end(), correction: Correction::Redundancy, ..Self::default() }
    }

    /// Reads what can be read of a medium's attributes.
    pub fn read(attributes: &[Attribute]) -> Self {
        let mut said = Self::default();
        attributes.iter().for_each(|attribute| said.attribute(attribute));
        said
    }

    fn attribute(&mut self, attribute: &Attribute) {
        let value = attribute.value.as_deref().unwrap_or_default();
        match meant(&attribute.name) {
            Some("version") => self.version = number(value).map_or(0, |it| it.min(NEWEST_VERSION.into()) as u8),
            Some("maxbitrate") => {
                if let Some(rate) = number(value).filter(|rate| (2400..=33_600).contains(rate)) {
                    self.max_bit_rate = rate as u32;
                }
            }
            Some("fillbitremoval") => self.fill_bit_removal = is_so(attribute),
            Some("transcodingmmr") => self.transcoding_mmr = is_so(attribute),
            Some("transcodingjbig") => self.transcoding_jbig = is_so(attribute),
            Some("ratemanagement") => self.local_tcf = value.to_ascii_lowercase().contains("local"),
            Some("maxbuffer") => self.max_buffer = number(value).and_then(|octets| u32::try_from(octets).ok()),
            Some("maxdatagram") => self.max_datagram = datagram(value),
            Some("udpec") => self.correction = correction(value),
            _ => {}
        }
    }

    /// The attributes; a false boolean is left out, since there are machines that read `:0` as true.
    pub fn write(&self) -> Vec<Attribute> {
        let correction = match self.correction {
            Correction::None => None,
            Correction::Redundancy => Some("t38UDPRedundancy"),
            Correction::Fec => Some("t38UDPFEC"),
        };
        let rate = if self.local_tcf { "localTCF" } else { "transferredTCF" };
        let mut list = vec![
            Attribute::new("T38FaxVersion", self.version),
            Attribute::new("T38MaxBitRate", self.max_bit_rate),
            Attribute::new("T38FaxRateManagement", rate),
        ];
        let booleans = [
            (self.fill_bit_removal, "T38FaxFillBitRemoval"),
            (self.transcoding_mmr, "T38FaxTranscodingMMR"),
            (self.transcoding_jbig, "T38FaxTranscodingJBIG"),
        ];
        list.extend(booleans.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| Attribute::flag(name)));
        list.extend(self.max_buffer.map(|octets| Attribute::new("T38FaxMaxBuffer", octets)));
        list.push(Attribute::new("T38FaxMaxDatagram", self.max_datagram));
        list.extend(correction.map(|how| Attribute::new("T38FaxUdpEC", how)));
        list
    }

    /// Our answer to an offer.
    #[must_use]
    pub fn answer(&self, ours: &Self) -> Self {
        Self {
            version: self.version.min(ours.version),
            max_bit_rate: self.max_bit_rate.min(ours.max_bit_rate),
            local_tcf: self.local_tcf,
            correction: self.correction,
            ..ours.clone()
        }
    }

    /// What both keep to after `ours` was answered so, or `ours` answered it. Datagrams are as long as the far end takes.
    #[must_use]
    pub fn agreed(&self, ours: &Self) -> Self {
        Self { max_datagram: self.max_datagram, ..self.answer(ours) }
    }
}

/// The attribute that is meant by a name, however it is spelt.
fn meant(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_prefix("t38")?;
    let plain = plain.strip_prefix("fax").unwrap_or(plain);
    if let Some(exact) = NAMES.iter().find(|known| **known == plain) {
        return Some(exact);
    }
    let near = |known: &&&str| distance(known, plain) <= if known.len() > 7 { 2 } else { 1 };
    NAMES.iter().filter(near).min_by_key(|known| distance(known, plain)).copied()
}

/// Letters to change, add or leave out to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

/// A boolean: there means true, unless what follows says no.
fn is_so(attribute: &Attribute) -> bool {
    let value = attribute.value.as_deref().unwrap_or_default().to_ascii_lowercase();
    !matches!(value.as_str(), "0" | "false" | "no" | "off" | "disabled")
}

/// The digits that a value begins with.
fn number(value: &str) -> Option<u64> {
    let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().ok()
}

fn datagram(value: &str) -> usize {
    match number(value) {
        None | Some(0) => USUAL_DATAGRAM,
        Some(octets) => (octets as usize).clamp(*DATAGRAMS.start(), *DATAGRAMS.end()),
    }
}

fn correction(value: &str) -> Correction {
    let value = value.to_ascii_lowercase();
    match value {
        _ if value.contains("noec") => Correction::None,
        _ if value.contains("fec") => Correction::Fec,
        _ if value.contains("redun") => Correction::Redundancy,
        _ => Correction::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> T38 {
        let attribute = |line: &&str| match line.split_once(':') {
            Some((name, value)) => Attribute::new(name, value),
            None => Attribute::flag(line),
        };
        T38::read(&lines.iter().map(attribute).collect::<Vec<_>>())
    }

    #[test]
    fn booleans_are_read_as_they_are_meant() {
        assert!(read(&["T38FaxFillBitRemoval"]).fill_bit_removal);
        assert!(read(&["T38FaxFillBitRemoval:1"]).fill_bit_removal);
        assert!(!read(&["T38FaxFillBitRemoval:0"]).fill_bit_removal);
        assert!(!read(&[]).fill_bit_removal);
    }

    #[test]
    fn misspelt_attributes_are_understood() {
        for line in ["T38FaxMaxBitRate:9600", "T38MaxBitRate:9600", "t38maxbitrate:9600", "T38FaxMaxBitrates:9600"] {
            assert_eq!(read(&[line]).max_bit_rate, 9600, "{line}");
        }
        for line in ["T38FaxUdpEC:t38UDPRedundancy", "T38UdpEC:t38UDPRedundancy", "T38FaxUdpEc:t38UDPRedundency"] {
            assert_eq!(read(&[line]).correction, Correction::Redundancy, "{line}");
        }
        assert!(read(&["T38FaxRateManagment:localTCF"]).local_tcf);
        assert_eq!(read(&["T38FaxMaxDatagrams:200"]).max_datagram, 200);
        // The depth of redundancy is no correction.
        assert_eq!(read(&["T38FaxUdpECDepth:1 2"]).correction, Correction::None);
        assert_eq!(read(&["rtpmap:9600"]), T38::default());
    }

    #[test]
    fn absurd_numbers_have_a_meaning_that_works() {
        for (value, octets) in [("", 400), ("0", 400), ("-1", 400), ("1", 80), ("72", 80), ("316", 316)] {
            assert_eq!(read(&[&format!("T38FaxMaxDatagram:{value}")]).max_datagram, octets, "{value}");
        }
        assert_eq!(read(&["T38FaxMaxDatagram:4294967296"]).max_datagram, 1400);
        assert_eq!(read(&["T38FaxMaxDatagram:99999999999999999999999"]).max_datagram, 400);
        assert_eq!(read(&["T38FaxVersion:77"]).version, 3);
        assert_eq!(read(&["T38FaxVersion:x", "T38MaxBitRate:0"]), T38::default());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let ours = T38 { local_tcf: true, fill_bit_removal: true, max_buffer: Some(1800), ..T38::ours(3) };
        assert_eq!(T38::read(&ours.write()), ours);
        assert!(!T38::ours(0).write().iter().any(|each| each.is("T38FaxFillBitRemoval")));
    }
}
