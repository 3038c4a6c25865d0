//! A hook switch that speaks HID: telephony usages, wherever the report descriptor puts them.

use std::{ffi::CString, io};

use hidapi::{HidApi, HidDevice};

use super::{
    Hook, Signals,
    descriptor::{Descriptor, Field, Report, Usage},
};

/// Usages that set the hook, best first.
const HOOK_OUT: [Usage; 2] = [Usage::HOOK_SWITCH, Usage::OFF_HOOK_LED];

/// Usages that tell of ringing.
const RING_IN: [Usage; 4] = [Usage::RINGER, Usage::OUTSIDE_RING_TONE, Usage::INSIDE_RING_TONE, Usage::RING_LED];

/// Longest report read.
const LONGEST_REPORT: usize = 256;

/// What a descriptor offers a telephone line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telephony {
    /// What sets the hook.
    pub hook: Option<Field>,
    /// What tells of ringing.
    pub ring: Option<Usage>,
    /// Whether the device tells its own hook.
    pub tells_hook: bool,
}

/// What of a telephone is in a descriptor.
pub fn telephony(descriptor: &Descriptor) -> Telephony {
    let output = |usage: &Usage| {
        let reports = [Report::Output, Report::Feature];
        reports.iter().find_map(|report| descriptor.field(*report, *usage)).filter(|field| field.bits == 1)
    };
    Telephony {
        hook: HOOK_OUT.iter().find_map(output).copied(),
        ring: RING_IN.into_iter().find(|usage| descriptor.field(Report::Input, *usage).is_some()),
        tells_hook: descriptor.field(Report::Input, Usage::HOOK_SWITCH).is_some(),
    }
}

/// A hook switch behind `/dev/hidraw*`.
pub struct HidHook {
    device: HidDevice,
    descriptor: Descriptor,
    telephony: Telephony,
    hook: Field,
    signals: Signals,
}

impl HidHook {
    /// Opens it and goes on hook.
    pub fn open(path: &str) -> Result<Self, String> {
        let device = open_device(path)?;
        let mut octets = [0; hidapi::MAX_REPORT_DESCRIPTOR_SIZE];
        let length = device.get_report_descriptor(&mut octets).map_err(|error| format!("hook=hid:{path}: {error}"))?;
        let descriptor = Descriptor::parse(&octets[..length]);
        let telephony = telephony(&descriptor);
        let hook = telephony.hook.ok_or_else(|| {
            format!("hook=hid:{path} has no hook switch in its report descriptor; `answertone lines` lists devices that have")
        })?;
        let signals = Signals { ringing: telephony.ring.map(|_| false), lifted: telephony.tells_hook.then_some(false) };
        let mut switch = Self { device, descriptor, telephony, hook, signals };
        switch.set(false).map_err(|error| format!("hook=hid:{path} cannot be set: {error}"))?;
        Ok(switch)
    }
}

/// Opens a HID device without blocking reads.
pub(super) fn open_device(path: &str) -> Result<HidDevice, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "hook device {path} cannot be opened: {error}; is it there, and may this user open it (see the udev rule)?"
        )
    };
    let api = HidApi::new().map_err(|error| failed(&error))?;
    let name = CString::new(path).map_err(|error| failed(&error))?;
    let device = api.open_path(&name).map_err(|error| failed(&error))?;
    device.set_blocking_mode(false).map_err(|error| failed(&error))?;
    Ok(device)
}

impl Hook for HidHook {
    fn set(&mut self, off_hook: bool) -> io::Result<()> {
        let report = self.descriptor.write(&self.hook, off_hook);
        match self.hook.report {
            Report::Feature => self.device.send_feature_report(&report),
            _ => self.device.write(&report).map(|_| ()),
        }
        .map_err(io::Error::other)
    }

    fn poll(&mut self) -> io::Result<Signals> {
        let mut report = [0; LONGEST_REPORT];
        loop {
            let length = self.device.read(&mut report).map_err(io::Error::other)?;
            if length == 0 {
                return Ok(self.signals);
            }
            take(&mut self.signals, &self.descriptor, &self.telephony, &report[..length]);
        }
    }
}

/// What an input report changes.
fn take(signals: &mut Signals, descriptor: &Descriptor, telephony: &Telephony, report: &[u8]) {
    if let Some(ringing) = telephony.ring.and_then(|usage| descriptor.read(report, usage)) {
        signals.ringing = Some(ringing);
    }
    if let Some(lifted) = descriptor.read(report, Usage::HOOK_SWITCH) {
        signals.lifted = Some(lifted);
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
