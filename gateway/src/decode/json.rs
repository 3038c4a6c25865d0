//! A call as JSON.

use answertone_t30::{
    frame::Fcf,
    observe::{Burst, Call, Finding, HeardFrame, ObservedPage, Step, Weight, What},
    time::LineTime,
};
use serde_json::{Map, Value, json};

use crate::hexadecimal::hexadecimal;

/// What is softer is no sound, dBm0.
const LEAST_LEVEL: f32 = -100.0;

/// Whether a step was loud or soft; packets were neither.
pub(super) fn has_level(step: &Step) -> bool {
    step.heard.to > step.heard.from && step.level.0 > LEAST_LEVEL
}

/// The call for programs.
pub fn json(name: &str, source: &str, call: &Call) -> Value {
    json!({
        "file": name,
        "source": source,
        "seconds": round(call.length().seconds()),
        "kind": call.kind.name(),
        "verdict": call.findings.iter().find(|finding| finding.weight == Weight::Verdict).map(finding),
        "findings": call.findings.iter().filter(|f| f.weight != Weight::Verdict).map(finding).collect::<Vec<_>>(),
        "timeline": call.steps.iter().map(step).collect::<Vec<_>>(),
        "pages": call.pages.iter().map(page).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let weight = match finding.weight {
        Weight::Verdict => "verdict",
        Weight::Fault => "fault",
        Weight::Note => "note",
    };
    json!({
        "at": finding.at.map(seconds),
        "name": finding.name,
        "weight": weight,
        "clause": finding.clause,
        "text": finding.text,
    })
}

fn step(step: &Step) -> Value {
    let what = &step.heard.what;
    let leak = step.leak.as_ref().map(|leak| {
        json!({
            "channel": leak.channel,
            "softer_db": round(leak.softer.into()),
            "later_ms": round(leak.later as f64 / 8.0),
        })
    });
    let mut fields = json!({
        "from": seconds(step.heard.from),
        "to": seconds(step.heard.to),
        "side": step.station.name(),
        "channel": step.channel,
        "level_dbm0": has_level(step).then(|| round(step.level.0.into())),
        "what": what.name(),
        "text": what.to_string(),
        "also_on": leak,
    });
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, details(what)) {
        fields.extend(more);
    }
    fields
}

fn details(what: &What) -> Value {
    match what {
        What::Answer(tone) => json!({"reversals": tone.reversals, "modulated": tone.modulated}),
        What::Digit(digit) => json!({"digit": digit.to_string()}),
        What::CallerId(id) => {
            json!({"number": id.number, "name": id.name, "date": id.date, "standard": id.standard, "intact": id.intact})
        }
        What::V8(message) => json!({
            "kind": message.kind.to_string(),
            "function": message.function(),
            "modulations": message.modulations().collect::<Vec<_>>(),
        }),
        What::Control(control) => {
            json!({"flags": control.flags, "frames": control.frames.iter().map(frame).collect::<Vec<_>>()})
        }
        What::Burst(burst) => self::burst(burst),
        _ => Value::Object(Map::new()),
    }
}

fn frame(frame: &HeardFrame) -> Value {
    json!({
        "from": seconds(frame.from),
        "to": seconds(frame.to),
        "fcf": frame.fcf().map(Fcf::name),
        "text": frame.words(),
        "octets": hexadecimal(&frame.octets),
        "intact": frame.intact,
    })
}

fn burst(burst: &Burst) -> Value {
    json!({
        "modem": burst.carrier.modem(),
        "rate": burst.carrier.bit_rate(),
        "trained": seconds(burst.trained),
        "relayed": burst.relayed,
        "evm_db": (!burst.relayed).then(|| round(burst.evm.0.into())),
        "evm_end_db": (!burst.relayed).then(|| round(burst.last_evm.0.into())),
        "signal_dbm0": (!burst.relayed).then(|| round(burst.level.0.into())),
        "carrier_offset_hz": hundredth(burst.carrier_offset.0.into()),
        "clock_offset_ppm": round(burst.clock_offset_ppm.into()),
        "slips": burst.slips.iter().map(|at| seconds(*at)).collect::<Vec<_>>(),
        "returns": burst.returns.iter().map(|at| seconds(*at)).collect::<Vec<_>>(),
        "lost_ms": burst.lost.as_ms(),
        "bits": burst.bits,
        "longest_zeros": burst.longest_zeros,
        "image_frames": burst.frames.iter().filter(|frame| frame.fcf() == Some(Fcf::Fcd)).count(),
        "damaged_frames": burst.frames.iter().filter(|frame| !frame.intact).count(),
    })
}

fn page(page: &ObservedPage) -> Value {
    json!({
        "from": seconds(page.from),
        "to": seconds(page.to),
        "width": page.page.bitmap.width(),
        "rows": page.page.bitmap.height(),
        "resolution": page.page.resolution.name(),
        "coding": page.coding.name(),
        "ecm": page.ecm,
        "told_by_dcs": page.told,
        "bad_rows": page.bad_rows,
        "longest_bad_run": page.longest_bad_run,
        "bad_places": page.bad_places.iter().map(|(row, at)| json!([row, seconds(*at)])).collect::<Vec<_>>(),
        "ended": page.ended,
        "octets": page.octets,
        "frames": page.frames,
        "frames_again": page.frames_again,
        "frames_missing": page.frames_missing,
        "verdict": page.answer.map(Fcf::name),
    })
}

fn seconds(at: LineTime) -> f64 {
    (super::text::seconds(at) * 1000.0).round() / 1000.0
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
