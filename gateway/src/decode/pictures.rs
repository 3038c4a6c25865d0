//! What is to be seen of a call: the whole of it, levels, and the points, errors and equaliser of each fast signal.

use answertone_t30::{
    observe::{Burst, Call, ObservedPage, Station, Step, What},
    time::LineTime,
};

use super::{Decoded, eye::eye, text::seconds};
use crate::plot::{
    PlotError,
    chart::{Axis, Chart, Series, Style},
    overview::{Levels, Mark, Scene, Signal},
    page_png,
};

/// Points of a curve at most.
const MOST_POINTS: usize = 1200;
/// Decibels of errors that are drawn.
const LEAST_ERROR: f64 = -50.0;
/// Decibels of levels that are drawn.
const LEAST_LEVEL: f64 = -70.0;

/// The call as one picture, PNG.
///
/// # Errors
/// When PNG cannot be written.
pub fn overview(title: &str, decoded: &Decoded) -> Result<Vec<u8>, PlotError> {
    with_scene(title, decoded, |scene| scene.png())
}

/// The same as SVG.
///
/// # Errors
/// When the spectra in it cannot be written.
pub fn overview_svg(title: &str, decoded: &Decoded) -> Result<String, PlotError> {
    with_scene(title, decoded, |scene| scene.svg())
}

fn with_scene<T>(title: &str, decoded: &Decoded, draw: impl FnOnce(&Scene<'_>) -> T) -> T {
    let call = &decoded.call;
    let strongest: Vec<f32> = decoded.waterfalls.iter().map(|waterfall| waterfall.strongest()).collect();
    let levels: Vec<Box<Levels<'_>>> = decoded
        .waterfalls
        .iter()
        .zip(strongest)
        .map(|(waterfall, strongest)| {
            Box::new(move |time: f32, pitch: f32| waterfall.level(time, pitch, strongest)) as Box<Levels<'_>>
        })
        .collect();
    let names: Vec<String> = (0..levels.len()).map(|place| format!("channel {}", place + 1)).collect();
    let panels: Vec<(&str, &Levels<'_>)> = names.iter().map(String::as_str).zip(levels.iter().map(|l| &**l)).collect();
    let signals: Vec<Signal> = call.steps.iter().map(signal).collect();
    let others = call.steps.iter().any(|step| step.station == Station::Unknown);
    let lanes = if others { &["caller", "answerer", "unknown"][..] } else { &["caller", "answerer"] };
    let seconds = call.length().seconds() as f32;
    draw(&Scene { title, seconds, lanes, signals: &signals, panels: &panels })
}

fn signal(step: &Step) -> Signal {
    let lane = match step.station {
        Station::Caller => 0,
        Station::Answerer => 1,
        Station::Unknown => 2,
    };
    let name = match &step.heard.what {
        What::Control(control) => {
            let names: Vec<&str> = control.intact().filter_map(|frame| Some(frame.fcf()?.name())).collect();
            names.join(" ")
        }
        What::Digit(digit) => digit.to_string(),
        What::Cng => "CNG".into(),
        What::Answer(_) => step.heard.what.name().to_uppercase(),
        What::Burst(burst) => format!("{} {}", burst.carrier.modem(), burst.carrier.bit_rate()),
        _ => String::new(),
    };
    let (from, to) = (seconds(step.heard.from) as f32, seconds(step.heard.to) as f32);
    Signal { lane, from, to, mark: mark(&step.heard.what), name }
}

fn mark(what: &What) -> Mark {
    match what {
        What::Control(_) | What::V8(_) | What::Info(_) => Mark::Frames,
        What::Burst(burst) if burst.name() == "training_check" => Mark::Check,
        What::Burst(_) => Mark::Page,
        What::Unknown(_) | What::Answerer(_) => Mark::Other,
        _ => Mark::Tone,
    }
}

/// Level over time, a curve for each channel.
pub fn levels(call: &Call) -> Chart {
    let series = call.lines.iter().enumerate().map(|(channel, line)| {
        let levels: Vec<f64> = line.levels().map(|level| f64::from(level.0)).collect();
        let each = levels.len().div_ceil(MOST_POINTS).max(1);
        let point = |(place, blocks): (usize, &[f64])| {
            let loudest = blocks.iter().copied().fold(f64::MIN, f64::max);
            ((place * each) as f64 / 100.0, loudest.max(LEAST_LEVEL))
        };
        let points = levels.chunks(each).enumerate().map(point).collect();
        Series { name: format!("channel {}", channel + 1), color: channel, style: Style::Line, points }
    });
    let length = call.length().seconds().max(0.1);
    Chart {
        title: "Level over time".into(),
        x: time_axis(0.0, length),
        y: Axis::linear("dBm0", LEAST_LEVEL, 5.0, 10.0),
        series: series.collect(),
    }
}

fn time_axis(from: f64, to: f64) -> Axis {
    const STEPS: [f64; 10] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0];
    let step = STEPS.into_iter().find(|step| (to - from) / step <= 10.0).unwrap_or(3600.0);
    Axis::linear("seconds", from, to.max(from + 0.1), step)
}

/// All charts of a fast signal with their names. What packets told has none.
pub fn of_signal(burst: &Burst) -> Vec<(&'static str, Chart)> {
    if burst.relayed {
        return Vec::new();
    }
    let charts = [
        ("points", Some(constellation(burst))),
        ("eye", eye(burst)),
        ("errors", Some(errors(burst))),
        ("equaliser", Some(equalizer(burst))),
    ];
    charts.into_iter().filter_map(|(name, chart)| Some((name, chart?))).collect()
}

/// Points before decision, over those of the modem.
fn constellation(burst: &Burst) -> Chart {
    let farthest = burst.ideal.iter().map(|(x, y)| x.abs().max(y.abs())).fold(1.0, f32::max);
    let reach = f64::from(farthest) * 1.3;
    let step = if reach > 6.0 { 2.0 } else { 1.0 };
    let axis = |name| Axis::linear(name, -reach, reach, step);
    let points = |points: &[(f32, f32)]| points.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).collect();
    Chart {
        title: format!("Points, EVM {:.1} dB", burst.last_evm.0),
        x: axis("in phase"),
        y: axis("in quadrature"),
        series: vec![
            Series { name: String::new(), color: 0, style: Style::Dots, points: points(&burst.points) },
            Series { name: String::new(), color: 3, style: Style::Dots, points: points(&burst.ideal) },
        ],
    }
}

/// Error power over time, with the slips of the line.
fn errors(burst: &Burst) -> Chart {
    let each = burst.errors.len().div_ceil(MOST_POINTS).max(1);
    let points: Vec<(f64, f64)> = burst
        .errors
        .chunks(each)
        .map(|looks| {
            let worst = looks.iter().map(|look| look.1.0).fold(f32::MIN, f32::max);
            (seconds(looks[0].0), f64::from(worst).clamp(LEAST_ERROR, 0.0))
        })
        .collect();
    let (from, to) = (points.first().map_or(0.0, |point| point.0), points.last().map_or(1.0, |point| point.0));
    let at = |moments: &[LineTime]| -> Vec<(f64, f64)> { moments.iter().map(|at| (seconds(*at), -2.0)).collect() };
    let series = [
        (String::new(), 0, Style::Line, points),
        ("slips".to_owned(), 3, Style::Dots, at(&burst.slips)),
        ("breaks".to_owned(), 1, Style::Dots, at(&burst.returns)),
    ];
    let series = series.into_iter().filter(|series| !series.3.is_empty());
    Chart {
        title: "Errors over time".into(),
        x: time_axis(from, to),
        y: Axis::linear("EVM in dB", LEAST_ERROR, 0.0, 10.0),
        series: series.map(|(name, color, style, points)| Series { name, color, style, points }).collect(),
    }
}

/// The equaliser: what it adds from each half symbol, echoes and delays of the line among them.
fn equalizer(burst: &Burst) -> Chart {
    let size = |(re, im): &(f32, f32)| f64::from(re.hypot(*im));
    let largest = burst.taps.iter().map(size).fold(1e-9, f64::max);
    let peak = burst.taps.iter().position(|tap| size(tap) == largest).unwrap_or(0) as f64;
    let points: Vec<(f64, f64)> = burst
        .taps
        .iter()
        .enumerate()
        .map(|(place, tap)| ((place as f64 - peak) / 2.0, (20.0 * (size(tap) / largest).max(1e-9).log10()).max(-60.0)))
        .collect();
    let (low, high) = (points.first().map_or(-1.0, |point| point.0), points.last().map_or(1.0, |point| point.0));
    Chart {
        title: "Equaliser".into(),
        x: Axis::linear("symbols from its strongest tap", low, high.max(low + 1.0), 4.0),
        y: Axis::linear("dB", -60.0, 3.0, 10.0),
        series: vec![Series { name: String::new(), color: 2, style: Style::Line, points }],
    }
}

/// A page as PNG.
///
/// # Errors
/// When PNG cannot be written.
pub fn page(page: &ObservedPage) -> Result<Vec<u8>, PlotError> {
    page_png(&page.page)
}
