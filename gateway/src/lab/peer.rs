//! The other maker's programs, run as processes: `peer-modem`, `peer-ber`, `peer-bench` and `peer-fax`.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::mode::Mode;

/// Where its programs are.
#[derive(Clone, Debug)]
pub struct Peer {
    folder: PathBuf,
}

/// Nanoseconds per sample by name.
pub type Times = BTreeMap<String, f64>;

impl Peer {
    /// The programs in a folder, or beside one of them.
    pub fn at(path: &Path) -> Self {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        Self { folder: folder.unwrap_or(path).to_owned() }
    }

    fn run(&self, program: &str, arguments: &[String]) -> Result<Vec<u8>, String> {
        let path = self.folder.join(program);
        let failed =
            |why: String| format!("--peer: {}: {why}; give the folder of peer-ber and peer-bench", path.display());
        let output = Command::new(&path).args(arguments).output().map_err(|error| failed(error.to_string()))?;
        if output.status.success() { Ok(output.stdout) } else { Err(failed(output.status.to_string())) }
    }

    /// What a program says of what it is fed, whether it is content or not; an error when it cannot be run or says
    /// nothing.
    pub(super) fn say<'word>(
        &self,
        program: &str,
        arguments: impl Iterator<Item = &'word str>,
        fed: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let path = self.folder.join(program);
        let failed = |why: String| format!("--peer: {}: {why}; give the folder of {program}", path.display());
        let mut command = Command::new(&path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends before it has read everything says what it has to say all the same.
            stdin.write_all(&fed).ok();
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        if output.stdout.is_empty() { Err(failed("it printed nothing".into())) } else { Ok(output.stdout) }
    }

    /// Starts a program that is spoken with by its input and output.
    pub(super) fn start(&self, program: &str, arguments: &[&str]) -> Result<Child, String> {
        let path = self.folder.join(program);
        let mut command = Command::new(&path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().map_err(|why| format!("--peer: {}: {why}; give the folder of {program}", path.display()))
    }

    /// Whether a program of it can be run.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, program: &str) -> Result<(), String> {
        self.say(program, ["--help"].into_iter(), vec![]).map(|_| ())
    }

    /// Signal to noise ratios and bit error rates of its receiver, noise beginning with the signal: with noise before
    /// it most of its trainings fail.
    pub fn error_rates(&self, mode: &Mode, trials: usize) -> Result<Vec<(f64, f64)>, String> {
        let (from, to) = (mode.peer[1] + 1.0, mode.peer[0] - 1.5);
        let arguments =
            ["sweep", "--modem", mode.modem, "--rate", &mode.rate.to_string(), "--step", "0.5"].map(String::from);
        let range = [
            "--from".into(),
            format!("{from:.1}"),
            "--to".into(),
            format!("{to:.1}"),
            "--trials".into(),
            trials.to_string(),
        ];
        let csv = self.run("peer-ber", &[arguments.to_vec(), range.to_vec()].concat())?;
        let csv = String::from_utf8_lossy(&csv);
        let mut lines = csv.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| header.iter().position(|word| *word == name);
        let (Some(snr), Some(rate)) = (column("snr_db"), column("ber")) else {
            return Err(
                "--peer: peer-ber printed no columns snr_db and ber; build the one of this project's peers".into()
            );
        };
        let number = |line: &str, place: usize| line.split(',').nth(place).and_then(|cell| cell.parse::<f64>().ok());
        let mut rates: Vec<_> = lines.filter_map(|line| Some((number(line, snr)?, number(line, rate)?))).collect();
        rates.retain(|(_, rate)| *rate > 0.0);
        rates.reverse();
        Ok(rates)
    }

    /// Processor time of its modems.
    pub fn times(&self, seconds: usize, repeats: usize) -> Result<Times, String> {
        let numbers = ["--seconds".into(), seconds.to_string(), "--repeats".into(), repeats.to_string()];
        let output =
            self.run("peer-bench", &[["--only".to_owned(), "modem".to_owned()].to_vec(), numbers.to_vec()].concat())?;
        let json: Value = serde_json::from_slice(&output).map_err(|error| format!("--peer: peer-bench: {error}"))?;
        let results = json["results"].as_array().ok_or("--peer: peer-bench printed no results")?;
        let time = |row: &Value| Some((row["name"].as_str()?.to_owned(), row["ns_per_sample"].as_f64()?));
        Ok(results.iter().filter_map(time).collect())
    }
}
