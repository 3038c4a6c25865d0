//! Measurements judged, in words that say what to change.

use serde::Serialize;

use super::{Echo, Examination, Heard};
use crate::engine::DeviceReport;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Faxes will go through, but not as well as they could.
    Poor,
    /// Faxes will fail.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What: `level`, `clipping`, `noise`, `hum`, `direct_current`, `echo`, `latency`, `clocks`, `interruptions`.
    pub check: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found and what to do.
    pub text: String,
}

/// A fax machine's signal is to arrive at about this level, in dBm0.
const WANTED_LEVEL: f32 = -15.0;

/// All findings of an examination, in the order in which one would change things.
pub fn findings(examination: &Examination) -> Vec<Finding> {
    let heard = &examination.heard;
    let mut all = vec![level(heard), clipping(heard), noise(heard), hum(heard), direct_current(heard)];
    all.push(echo(examination.echo.as_ref()));
    if let Some(device) = &examination.device {
        all.extend([latency(device), clocks(device), interruptions(device)]);
    }
    all
}

fn finding(check: &'static str, verdict: Verdict, text: String) -> Finding {
    Finding { check, verdict, text }
}

fn level(heard: &Heard) -> Finding {
    let level = heard.level_dbm0;
    let change = WANTED_LEVEL - level;
    let (verdict, advice) = match level {
        _ if level < -55.0 => (
            Verdict::Bad,
            "nothing is heard, not even a dial tone: check the wiring, the hook switch, the chosen input and whether it is muted".into(),
        ),
        _ if level < -40.0 => (Verdict::Bad, format!("far too quiet: raise the capture volume by {change:.0} dB")),
        _ if level < -30.0 => (Verdict::Poor, format!("quiet: raise the capture volume by {change:.0} dB")),
        _ if level > -4.0 => (Verdict::Bad, format!("too loud: lower the capture volume by {:.0} dB", -change)),
        _ => (Verdict::Good, "a good level".into()),
    };
    let tone = heard.tone_hz.map_or(String::new(), |hertz| format!(", loudest at {hertz:.0} Hz"));
    finding("level", verdict, format!("{level:.1} dBm0 heard{tone}; {advice}"))
}

fn clipping(heard: &Heard) -> Finding {
    match heard.clipped {
        0 => finding("clipping", Verdict::Good, "no sample is clipped".into()),
        count => {
            let text = format!(
                "{count} samples are clipped; lower the capture volume by 10 dB, and switch microphone boost off"
            );
            finding("clipping", Verdict::Bad, text)
        }
    }
}

fn noise(heard: &Heard) -> Finding {
    let noise = heard.noise_dbm0;
    let (verdict, advice) = match noise {
        _ if noise > -38.0 => (
            Verdict::Bad,
            "14 400 bit/s needs less than -45: switch off automatic gain and microphone boost, shorten the cable, take a better adapter",
        ),
        _ if noise > -45.0 => {
            (Verdict::Poor, "fast modes will fall back: switch off automatic gain and microphone boost")
        }
        _ => (Verdict::Good, "quiet enough for 14 400 bit/s"),
    };
    finding("noise", verdict, format!("noise floor {noise:.1} dBm0; {advice}"))
}

fn hum(heard: &Heard) -> Finding {
    let hum = heard.hum_dbm0;
    let (verdict, advice) = match hum {
        _ if hum > -25.0 => {
            (Verdict::Bad, "a ground loop: use an adapter with a transformer, or another USB port or supply")
        }
        _ if hum > -40.0 => (Verdict::Poor, "some of it from the mains: keep the cable away from power supplies"),
        _ => (Verdict::Good, "none to speak of"),
    };
    finding("hum", verdict, format!("mains hum {hum:.1} dBm0; {advice}"))
}

fn direct_current(heard: &Heard) -> Finding {
    let percent = heard.direct_current * 100.0;
    if percent.abs() < 2.0 {
        return finding("direct_current", Verdict::Good, format!("direct current {percent:.1} % of full scale"));
    }
    let text = format!(
        "direct current {percent:.1} % of full scale takes room from the signal; the input is not made for this source"
    );
    finding("direct_current", Verdict::Poor, text)
}

fn echo(echo: Option<&Echo>) -> Finding {
    let Some(Echo { return_loss_db: loss, delay_ms: delay }) = echo else {
        let text = "no echo; a line with two wires always has some, so either this one has four or what we send does not leave: \
                    if a call is silent at the far end, raise the playback volume";
        return finding("echo", Verdict::Good, text.into());
    };
    let (verdict, advice) = match *loss {
        loss if loss < 0.0 => (
            Verdict::Bad,
            "it is louder than what we send: mute the monitor or loopback control of the mixer, and lower the capture volume",
        ),
        loss if loss < 6.0 => {
            (Verdict::Poor, "a bad balance: lower the playback volume, or take an adapter with a better hybrid")
        }
        _ => (Verdict::Good, "a usual hybrid"),
    };
    finding("echo", verdict, format!("our own signal comes back {loss:.1} dB weaker after {delay:.0} ms; {advice}"))
}

fn latency(device: &DeviceReport) -> Finding {
    let latency = device.latency_ms;
    let (verdict, advice) = match latency {
        _ if latency > 500.0 => {
            (Verdict::Bad, "T.30 does not wait so long: use alsa:hw:... without a sound server, or period=")
        }
        _ if latency > 250.0 => (Verdict::Poor, "much: use period= with fewer frames, or alsa:hw:..."),
        _ => (Verdict::Good, "the call's timers allow for it"),
    };
    finding("latency", verdict, format!("{latency:.0} ms through the computer and back; {advice}"))
}

fn clocks(device: &DeviceReport) -> Finding {
    let (Some(input), Some(drift)) = (device.input_ppm, device.drift_ppm) else {
        return finding(
            "clocks",
            Verdict::Good,
            "not measured: listen longer (--seconds), on a device that loses nothing".into(),
        );
    };
    let (verdict, advice) = match drift.abs().max(input.abs()) {
        worst if worst > 300.0 => (Verdict::Poor, "unusually far; measure longer, and see whether samples are lost"),
        _ => (Verdict::Good, "made good by resampling"),
    };
    let text = format!(
        "the input runs {input:+.1} ppm beside the computer's clock, the output {drift:+.1} ppm beside the input; {advice}"
    );
    finding("clocks", verdict, text)
}

fn interruptions(device: &DeviceReport) -> Finding {
    let DeviceReport { overruns, underruns, overrun_ms, underrun_ms, jumps, .. } = device;
    if overruns + underruns + jumps == 0 {
        return finding("interruptions", Verdict::Good, "none".into());
    }
    let text = format!(
        "the input was interrupted {overruns} times ({overrun_ms:.0} ms), the output {underruns} times ({underrun_ms:.0} ms), and \
         samples went missing without a word {jumps} times; \
         raise ahead= or period=, and let the program run with more priority"
    );
    finding("interruptions", Verdict::Poor, text)
}
