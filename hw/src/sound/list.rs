//! What sound devices are there.

use cpal::{
    SampleFormat, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait},
};

use super::{
    RATES,
    cpal::{Way, offers},
};

/// A sound device and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundDevice {
    /// The sound system: `alsa`, `pulseaudio`, ...
    pub host: String,
    /// What to write after `cpal:`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Rates in which it can be heard, of those a line may have.
    pub input_rates: Vec<u32>,
    /// Rates in which it can be spoken to.
    pub output_rates: Vec<u32>,
    /// Fewest and most channels.
    pub channels: (u16, u16),
    /// Its sample formats, of those a line may have.
    pub formats: Vec<&'static str>,
    /// Whether it can be a telephone line by itself, or with another device for the other direction.
    pub fit: Fit,
}

/// Whether a device can be a telephone line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It looks like a telephone adapter.
    Telephone,
    /// It hears and speaks; whether a telephone line is connected to it cannot be known.
    Both,
    /// It hears only; another device must speak.
    InputOnly,
    /// It speaks only; another device must hear.
    OutputOnly,
    /// No rate or format that a line can use.
    No,
}

/// Words in the names of telephone adapters and of the codecs they are made with.
const TELEPHONE_WORDS: [&str; 8] = ["phone line", "telephon", "fxo", "modem", "voip", "handset", "c-media", "cm108"];

/// What could not be asked, and why.
pub type Silent = (String, String);

/// All devices of all sound systems, and the systems that do not answer.
pub fn devices() -> (Vec<SoundDevice>, Vec<Silent>) {
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    // ALSA's library complains on standard error of every device of its configuration that is not there.
    #[cfg(target_os = "linux")]
    let _complaints = alsa::Output::local_error_handler();
    for id in cpal::ALL_HOSTS {
        let name = id.name().to_lowercase();
        let listed = cpal::host_from_id(*id).and_then(|host| host.devices().map(|devices| devices.collect::<Vec<_>>()));
        match listed {
            Ok(devices) => found.extend(devices.iter().filter_map(|device| describe(&name, device))),
            Err(error) => silent.push((name, error.to_string())),
        }
    }
    (found, silent)
}

fn describe(host: &str, device: &cpal::Device) -> Option<SoundDevice> {
    let id = device.id().ok()?.id().to_owned();
    let name = device.description().map_or_else(|_| id.clone(), |about| about.name().to_owned());
    let (heard, played) = (usable(offers(device, Way::In)), usable(offers(device, Way::Out)));
    let all = || heard.iter().chain(&played);
    let channels = (
        all().map(SupportedStreamConfigRange::channels).min().unwrap_or(0),
        all().map(SupportedStreamConfigRange::channels).max().unwrap_or(0),
    );
    let formats = [(SampleFormat::I16, "i16"), (SampleFormat::I32, "i32"), (SampleFormat::F32, "f32")];
    let has = |format: SampleFormat| all().any(|offer| offer.sample_format() == format);
    let formats = formats.into_iter().filter(|(format, _)| has(*format)).map(|(_, name)| name).collect();
    let (input_rates, output_rates) = (rates(&heard), rates(&played));
    // ALSA has a device of this name that goes nowhere.
    let fit = if id == "null" { Fit::No } else { fit(&name, &input_rates, &output_rates) };
    Some(SoundDevice { host: host.to_owned(), id, name, input_rates, output_rates, channels, formats, fit })
}

fn usable(offers: Vec<SupportedStreamConfigRange>) -> Vec<SupportedStreamConfigRange> {
    let known = [SampleFormat::I16, SampleFormat::I32, SampleFormat::F32];
    offers.into_iter().filter(|offer| known.contains(&offer.sample_format())).collect()
}

fn rates(offers: &[SupportedStreamConfigRange]) -> Vec<u32> {
    RATES.into_iter().filter(|rate| offers.iter().any(|offer| offer.contains_rate(*rate))).collect()
}

fn fit(name: &str, input_rates: &[u32], output_rates: &[u32]) -> Fit {
    let name = name.to_lowercase();
    match (input_rates.is_empty(), output_rates.is_empty()) {
        (true, true) => Fit::No,
        (false, true) => Fit::InputOnly,
        (true, false) => Fit::OutputOnly,
        (false, false) if TELEPHONE_WORDS.iter().any(|word| name.contains(word)) => Fit::Telephone,
        (false, false) => Fit::Both,
    }
}

/// A HID device that can be a hook switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookDevice {
    /// What to write after `hook=`.
    pub uri: String,
    /// Its name for people.
    pub name: String,
    /// USB vendor and product.
    pub usb: (u16, u16),
    /// Whether it tells of ringing.
    pub rings: bool,
}

/// C-Media, whose codecs have pins.
const C_MEDIA: u16 = 0x0D8C;

/// All hook switches that can be found: HID telephones, codecs with pins. Devices this user may not open are left out.
pub fn hooks() -> Vec<HookDevice> {
    let Ok(api) = hidapi::HidApi::new() else { return Vec::new() };
    let mut hooks: Vec<HookDevice> = api.device_list().filter_map(|device| hook(&api, device)).collect();
    hooks.dedup_by(|one, other| one.uri == other.uri);
    hooks
}

fn hook(api: &hidapi::HidApi, device: &hidapi::DeviceInfo) -> Option<HookDevice> {
    let path = device.path().to_str().ok()?;
    let name = device.product_string().unwrap_or("(no name)").to_owned();
    let usb = (device.vendor_id(), device.product_id());
    if usb.0 == C_MEDIA {
        return Some(HookDevice { uri: format!("cm108:{path}"), name, usb, rings: true });
    }
    let mut octets = [0; hidapi::MAX_REPORT_DESCRIPTOR_SIZE];
    let length = device.open_device(api).ok()?.get_report_descriptor(&mut octets).ok()?;
    let found = crate::hook::telephony(&crate::hook::descriptor::Descriptor::parse(&octets[..length]));
    found.hook.map(|_| HookDevice { uri: format!("hid:{path}"), name, usb, rings: found.ring.is_some() })
}

/// Serial ports by path: one of them may have a relay.
pub fn serial_ports() -> Vec<String> {
    serialport::available_ports()
        .map_or_else(|_| Vec::new(), |ports| ports.into_iter().map(|port| port.port_name).collect())
}
