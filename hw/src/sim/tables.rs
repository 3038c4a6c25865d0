//! Lines by name: tables of loss and delay that are not part of this program and are read where they are found.
//!
//! | name | table |
//! |---|---|
//! | `eia-ll-1` to `eia-ll-7`, `etsi-ll-1` | local loops of ITU-T V.56bis |
//! | `ad-1` to `ad-9`, `pcm-ad-1` to `pcm-ad-3` | attenuation distortion of ITU-T V.56bis |
//! | `edd-1` to `edd-3` | envelope delay distortion of ITU-T V.56bis |
//! | `proakis` | a line of medium length, loss and delay |
//!
//! Names joined by `+` are lines one behind the other: `ad-5+edd-2`.

use std::{env, fs, path::PathBuf};

use answertone_dsp::{
    channel::ShapePoint,
    units::{Db, Hz},
};
use thiserror::Error;

/// Why there is no table for a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// No line has this name.
    #[error(
        "line model '{0}' is not known; known are eia-ll-N, etsi-ll-1, ad-N, edd-N, pcm-ad-N and proakis, joined by + if wanted"
    )]
    Unknown(String),
    /// Its file cannot be read.
    #[error(
        "line model '{name}' needs the table {file}: {why}; set ANSWERTONE_LINES to the folder that has it, or leave the name out"
    )]
    NoFile {
        /// The name.
        name: String,
        /// Where it was looked for.
        file: String,
        /// What went wrong.
        why: String,
    },
    /// The file is there but has no such column, or not numbers in it.
    #[error("line model '{name}': {file} has no column '{column}' of numbers; take another name")]
    NoColumn {
        /// The name.
        name: String,
        /// The file.
        file: String,
        /// The column looked for.
        column: String,
    },
}

/// Every name of a single line whose file may be there.
pub const NAMES: [&str; 19] = [
    "eia-ll-1",
    "eia-ll-2",
    "eia-ll-4",
    "eia-ll-5",
    "eia-ll-7",
    "etsi-ll-1",
    "ad-1",
    "ad-5",
    "ad-6",
    "ad-7",
    "ad-8",
    "ad-9",
    "edd-1",
    "edd-2",
    "edd-3",
    "pcm-ad-1",
    "pcm-ad-2",
    "pcm-ad-3",
    "proakis",
];

/// Distance of the points of lines one behind the other.
const STEP_HZ: usize = 50;

/// The table of a line, or of several lines in a row.
pub fn table(names: &str) -> Result<Vec<ShapePoint>, TableError> {
    let parts: Vec<_> = names.split('+').map(one).collect::<Result<_, _>>()?;
    if let [single] = parts.as_slice() {
        return Ok(single.clone());
    }
    let sum = |hz: usize| {
        let at: Vec<_> = parts.iter().map(|part| at(part, hz as f32)).collect();
        let loss = at.iter().map(|(loss, _)| loss).sum();
        ShapePoint { frequency: Hz(hz as f32), loss: Db(loss), delay_ms: at.iter().map(|(_, delay)| delay).sum() }
    };
    Ok((0..=4000).step_by(STEP_HZ).map(sum).collect())
}

/// Loss in decibels and delay in milliseconds at a frequency, interpolated.
fn at(points: &[ShapePoint], hz: f32) -> (f32, f32) {
    let above = points.iter().position(|point| point.frequency.0 >= hz).unwrap_or(points.len() - 1);
    let (low, high) = (&points[above.saturating_sub(1)], &points[above]);
    let width = high.frequency.0 - low.frequency.0;
    let share = if width > 0.0 { ((hz - low.frequency.0) / width).clamp(0.0, 1.0) } else { 1.0 };
    let mix = |low: f32, high: f32| low + (high - low) * share;
    (mix(low.loss.0, high.loss.0), mix(low.delay_ms, high.delay_ms))
}

/// Where a line's numbers stand, and what they are.
struct Source {
    file: String,
    /// Column of the loss and its unit.
    loss: Option<(String, Loss)>,
    /// Column of the delay and its length in milliseconds.
    delay: Option<(String, f32)>,
    /// V.56bis gives a loop's own loss at 1000 Hz and its own delay at 1800 Hz; elsewhere relative to these.
    relative: bool,
}

#[derive(Clone, Copy)]
enum Loss {
    Decibels,
    Amplitude,
}

fn source(name: &str) -> Option<Source> {
    let (kind, number) = name.rsplit_once('-').filter(|(_, number)| number.parse::<u8>().is_ok()).unwrap_or((name, ""));
    let loop_of = |maker: &str| Source {
        file: format!("v56bis_{maker}_ll{number}.csv"),
        loss: Some(("co_to_cpe_att_db".into(), Loss::Decibels)),
        delay: Some(("co_to_cpe_delay_us".into(), 0.001)),
        relative: true,
    };
    let losses = |file: &str, column: String| Source {
        file: file.into(),
        loss: Some((column, Loss::Decibels)),
        delay: None,
        relative: false,
    };
    match kind {
        "eia-ll" => Some(loop_of("eia")),
        "etsi-ll" => Some(loop_of("etsi")),
        "ad" => Some(losses("v56bis_attenuation_distortion.csv", format!("AD{number}_db"))),
        "pcm-ad" => Some(losses("v56bis_pcm_ad.csv", format!("PCM_AD{number}_db"))),
        "edd" => Some(Source {
            file: "v56bis_envelope_delay.csv".into(),
            loss: None,
            delay: Some((format!("EDD{number}_ms"), 1.0)),
            relative: false,
        }),
        "proakis" => Some(Source {
            file: "proakis_medium_line.csv".into(),
            loss: Some(("amp_linear".into(), Loss::Amplitude)),
            delay: Some(("delay_ms".into(), 1.0)),
            relative: false,
        }),
        _ => None,
    }
}

/// The folder of tables: `ANSWERTONE_LINES`, else the shared vectors' `assets/7-line-data`.
fn folder() -> PathBuf {
    env::var_os("ANSWERTONE_LINES").map(PathBuf::from).unwrap_or_else(|| {
        let shared = env::var_os("ANSWERTONE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
        shared.join("assets/7-line-data")
    })
}

fn one(name: &str) -> Result<Vec<ShapePoint>, TableError> {
    let source = source(name).ok_or_else(|| TableError::Unknown(name.to_owned()))?;
    let path = folder().join(&source.file);
    let text = fs::read_to_string(&path).map_err(|error| TableError::NoFile {
        name: name.to_owned(),
        file: path.display().to_string(),
        why: error.to_string(),
    })?;
    points(&text, &source).map_err(|column| TableError::NoColumn {
        name: name.to_owned(),
        file: path.display().to_string(),
        column,
    })
}

/// The points of a file; the error is the column that is missing.
fn points(text: &str, source: &Source) -> Result<Vec<ShapePoint>, String> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').map(str::trim).collect()).collect();
    let column = |name: &str| -> Result<Vec<f32>, String> {
        let place = header.iter().position(|word| *word == name).ok_or_else(|| name.to_owned())?;
        let number = |row: &Vec<&str>| {
            row.get(place).and_then(|cell| cell.parse().ok()).filter(|number: &f32| number.is_finite())
        };
        let numbers: Option<Vec<f32>> = rows.iter().map(number).collect();
        numbers.filter(|numbers| !numbers.is_empty()).ok_or_else(|| name.to_owned())
    };
    let frequencies = column("f_hz")?;
    let nothing = || vec![0.0; frequencies.len()];
    let losses = match &source.loss {
        Some((name, Loss::Decibels)) => column(name)?,
        Some((name, Loss::Amplitude)) => column(name)?.iter().map(|gain| -20.0 * gain.max(1e-3).log10()).collect(),
        None => nothing(),
    };
    let delays = match &source.delay {
        Some((name, unit)) => column(name)?.iter().map(|delay| delay * unit).collect(),
        None => nothing(),
    };
    let point = |((frequency, loss), delay): ((&f32, &f32), &f32)| {
        let own = |at: f32, value: f32| if source.relative && *frequency == at { 0.0 } else { value };
        ShapePoint { frequency: Hz(*frequency), loss: Db(own(1000.0, *loss)), delay_ms: own(1800.0, *delay) }
    };
    let points = frequencies.iter().zip(&losses).zip(&delays).map(point).collect::<Vec<_>>();
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_relative_to_1000_and_1800_hz() {
        let text =
            "# a loop\nf_hz,co_to_cpe_att_db,co_to_cpe_delay_us\n800,-0.5,20\n1000,6.5,15\n1800,1.5,80\n2600,3,-10\n";
        let source = source("eia-ll-4").unwrap();
        let points = points(text, &source).unwrap();
        let seen: Vec<_> = points.iter().map(|point| (point.loss.0, (point.delay_ms * 1000.0).round())).collect();
        assert_eq!(seen, [(-0.5, 20.0), (0.0, 15.0), (1.5, 0.0), (3.0, -10.0)]);
    }

    #[test]
    fn wrong_tables_are_refused_with_their_column() {
        let source = source("ad-5").unwrap();
        assert_eq!(points("f_hz,AD1_db\n0,1\n", &source), Err("AD5_db".into()));
        assert_eq!(points("f_hz,AD5_db\n0,loud\n", &source), Err("AD5_db".into()));
        assert_eq!(points("", &source), Err("f_hz".into()));
        assert_eq!(table("moon"), Err(TableError::Unknown("moon".into())));
    }
}
