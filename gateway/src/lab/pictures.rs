//! Pictures of what was measured.

use answertone_dsp::{channel::Impairments, modem::Plan};

use super::{
    ber::Point,
    mode::Mode,
    observation::{INSTANTS, Observation, observe, spectrum},
    theory,
    trial::{LEVEL, Message},
};
use crate::plot::{
    PlotError,
    chart::{Axis, Chart, Series, Style, sheet_png},
};

/// Least bit error rate drawn.
const LEAST: f64 = 1e-7;

/// Bits of the message of one run.
const RUN_BITS: usize = 12_000;

/// Symbols whose traces make the eye.
const TRACES: usize = 300;

/// A mode with the points of a receiver of ours and, if there are, of another maker's.
pub struct Curves {
    /// The mode.
    pub mode: Mode,
    /// Ours.
    pub ours: Vec<Point>,
    /// Signal to noise ratio and bit error rate of theirs.
    pub theirs: Vec<(f64, f64)>,
}

/// Bit error rates against signal to noise ratio, a chart for each family of modems.
pub fn waterfalls(curves: &[Curves]) -> Result<Vec<u8>, PlotError> {
    let families = [
        ("V.21, Bell 202, V.23", &["v21", "bell202", "v23"][..]),
        ("V.27ter", &["v27ter"]),
        ("V.29", &["v29"]),
        ("V.17", &["v17"]),
    ];
    let chart = |(title, modems): &(&str, &[&str])| {
        let members: Vec<&Curves> = curves.iter().filter(|curve| modems.contains(&curve.mode.modem)).collect();
        (!members.is_empty()).then(|| family(title, &members))
    };
    let charts: Vec<Chart> = families.iter().filter_map(chart).collect();
    let subtitle = "with marks: ours; dashed: an ideal receiver; without marks: libspandsp, where measured";
    sheet_png("Bit error rate in white Gaussian noise", subtitle, &charts)
}

fn family(title: &str, members: &[&Curves]) -> Chart {
    let low = members.iter().map(|curve| curve.mode.ideal[0]).fold(f64::MAX, f64::min).floor() - 2.0;
    let high =
        members.iter().map(|curve| curve.mode.peer[1].max(curve.mode.wanted)).fold(f64::MIN, f64::max).ceil() + 1.0;
    let mut series = vec![];
    for (color, curve) in members.iter().enumerate() {
        let line = |name: String, style, points| Series { name, color, style, points };
        let ideal = theory::curve(&curve.mode, low, high).into_iter().filter(|(_, rate)| *rate > LEAST).collect();
        series.push(line(String::new(), Style::Dashed, ideal));
        series.push(line(String::new(), Style::Line, curve.theirs.clone()));
        let ours =
            curve.ours.iter().filter(|point| point.is_known()).map(|point| (point.snr_db, point.rate())).collect();
        series.push(line(curve.mode.name(), Style::Marked, ours));
    }
    Chart {
        title: title.into(),
        x: Axis::linear("signal to noise ratio in dB, noise in 0 to 4000 Hz", low, high, 2.0),
        y: Axis::decades("bit error rate", LEAST, 0.5),
        series,
    }
}

/// One message over a line: constellation, eye, the equaliser's response and the spectrum.
pub fn one_run(
    mode: &Mode,
    plan: &'static Plan,
    line: &str,
    impairments: &Impairments,
    snr_db: f64,
) -> Result<Vec<u8>, PlotError> {
    let message = Message::new(mode, 1, RUN_BITS, LEVEL);
    let samples = message.over(impairments, snr_db, 1);
    let seen = observe(plan, &message, &samples);
    let charts =
        [constellation(&seen), eye(&seen), equalizer(&seen), spectrum_chart(&samples[message.data..message.end])];
    let subtitle = format!(
        "{line}, signal to noise ratio {snr_db:.1} dB; constellation and equaliser of our receiver, eye of one that knows what was sent"
    );
    sheet_png(&mode.name(), &subtitle, &charts)
}

fn series(style: Style, color: usize, points: Vec<(f64, f64)>) -> Series {
    Series { name: String::new(), color, style, points }
}

/// The greatest part of any point, a little beyond.
fn extent(seen: &Observation) -> f64 {
    let greatest = seen.points.iter().map(|(re, im)| re.abs().max(im.abs())).fold(0.0, f64::max);
    (greatest * 1.1).clamp(0.1, 100.0)
}

fn constellation(seen: &Observation) -> Chart {
    // The panel is wider than high: equal distances look equal.
    let (across, up) = (extent(seen) * 1.565, extent(seen));
    Chart {
        title: "Constellation".into(),
        x: Axis::linear("in phase", -across, across, 2.0),
        y: Axis::linear("quadrature", -up, up, 2.0),
        series: vec![series(Style::Dots, 0, seen.points.clone())],
    }
}

fn eye(seen: &Observation) -> Chart {
    let place = |index: usize| index as f64 / INSTANTS as f64 - 1.0;
    let pairs = |trace: &Vec<f64>| -> Vec<(f64, f64)> {
        let points: Vec<_> = trace.iter().enumerate().map(|(index, value)| (place(index), *value)).collect();
        points.windows(2).flatten().copied().collect()
    };
    let traces = seen.eye.iter().take(TRACES).flat_map(pairs).collect();
    let up = extent(seen);
    Chart {
        title: "Eye".into(),
        x: Axis::linear("symbol intervals", -1.0, 1.0, 0.5),
        y: Axis::linear("in phase", -up, up, 2.0),
        series: vec![series(Style::Traces, 2, traces)],
    }
}

fn equalizer(seen: &Observation) -> Chart {
    Chart {
        title: "Equaliser".into(),
        x: Axis::linear("frequency on the line in Hz", 0.0, 4000.0, 500.0),
        y: Axis::linear("gain in dB", -15.0, 25.0, 5.0),
        series: vec![series(Style::Line, 1, seen.equalizer.clone())],
    }
}

fn spectrum_chart(samples: &[f32]) -> Chart {
    Chart {
        title: "Spectrum of what arrives".into(),
        x: Axis::linear("frequency in Hz", 0.0, 4000.0, 500.0),
        y: Axis::linear("dB", -60.0, 5.0, 10.0),
        series: vec![series(Style::Line, 3, spectrum(samples))],
    }
}
