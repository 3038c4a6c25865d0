//! `[log]`: what is told of what happens, and what is kept of calls.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use answertone_t30::session::TraceLine;
use serde::{Deserialize, Serialize};

use super::{
    ConfigError,
    file::{File, Key, text},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    format: Key<String>,
    transcripts: Key<String>,
    recordings: Key<String>,
    keep_days: Key<i64>,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}

/// What is told of what happens, and what is kept of calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Log {
    /// The form of the log.
    pub format: LogFormat,
    /// A folder for a transcript of every call; empty for none.
    pub transcripts: PathBuf,
    /// A folder for a recording of every call; empty for none.
    pub recordings: PathBuf,
    /// Days after which both are removed. 0: never.
    pub keep_days: i64,
}

impl File<'_> {
    pub(super) fn log(&self, raw: Raw) -> Result<Log, ConfigError> {
        let names = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        Ok(Log {
            format: self.choice("log.format", raw.format, LogFormat::Text, &names)?,
            transcripts: text(raw.transcripts, "").into(),
            recordings: text(raw.recordings, "").into(),
            keep_days: self.number("log.keep_days", raw.keep_days, 30, 0, 36_500)?,
        })
    }
}

impl Log {
    /// Where a call is recorded, if calls are.
    pub fn recording(&self, call: &str) -> Option<PathBuf> {
        let folder = given(&self.recordings)?;
        let made = fs::create_dir_all(folder);
        made.inspect_err(|error| tracing::warn!(%error, "log.recordings cannot be used")).ok()?;
        Some(folder.join(format!("{call}.wav")))
    }

    /// Keeps a transcript, if transcripts are kept.
    pub fn keep_transcript(&self, call: &str, lines: &[TraceLine]) -> io::Result<()> {
        let Some(folder) = given(&self.transcripts) else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(folder.join(format!("{call}.txt")), text)
    }

    /// The transcript of a call, if it was kept.
    pub fn transcript(&self, call: &str) -> Option<String> {
        fs::read_to_string(given(&self.transcripts)?.join(format!("{call}.txt"))).ok()
    }

    /// Removes what is older than it is to be; how many files. Only files of calls are touched.
    pub fn remove_old(&self, now: SystemTime) -> usize {
        if self.keep_days == 0 {
            return 0;
        }
        let limit = Duration::from_secs(self.keep_days as u64 * 86_400);
        let kept = [(&self.transcripts, "txt"), (&self.recordings, "wav")];
        let files = kept.into_iter().filter_map(|(folder, end)| Some((fs::read_dir(given(folder)?).ok()?, end)));
        let paths = files.flat_map(|(entries, end)| {
            entries.filter_map(move |entry| Some(entry.ok()?.path()).filter(|path| is_of_call(path, end)))
        });
        paths.filter(|path| age(path, now).is_some_and(|age| age > limit) && fs::remove_file(path).is_ok()).count()
    }
}

fn given(folder: &Path) -> Option<&Path> {
    Some(folder).filter(|folder| !folder.as_os_str().is_empty())
}

fn is_of_call(path: &Path, end: &str) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    path.extension().is_some_and(|other| other == end) && (stem.starts_with("call-") || stem.starts_with("fax-"))
}

fn age(path: &Path, now: SystemTime) -> Option<Duration> {
    now.duration_since(fs::metadata(path).ok()?.modified().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_old_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let config = format!("[log]\ntranscripts = {:?}\nrecordings = {0:?}\nkeep_days = 2\n", folder.path());
        let log = Config::parse(&config, "a.toml").unwrap().log;
        log.keep_transcript("call-1-1", &[]).unwrap();
        assert_eq!(log.transcript("call-1-1").as_deref(), Some(""));
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        fs::write(log.recording("fax-2").unwrap(), "").unwrap();
        let day = Duration::from_secs(86_400);
        assert_eq!(log.remove_old(SystemTime::now() + day), 0);
        assert_eq!(log.remove_old(SystemTime::now() + 3 * day), 2);
        assert!(folder.path().join("notes.txt").exists());
    }
}
