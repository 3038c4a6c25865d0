//! A folder whose messages are taken: for programs that write files rather than speak SMTP.
//!
//! ```text
//!  DIR/NAME.eml ─▶ recipients of its trace or header fields ─▶ store ─▶ DIR/done/NAME.eml
//!                                                         └─▶ DIR/refused/NAME.eml and NAME.why
//! ```
//!
//! A file is looked at when its name ends in `.eml`, so write under another name and rename.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::{error, warn};

use super::{
    Shared,
    found::{self, Found},
};

/// Who writes into the folder is somebody of this machine.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) async fn work(shared: Arc<Shared>) {
    let folder = shared.config.spool.dir.clone();
    for place in ["done", "refused"] {
        if let Err(error) = fs::create_dir_all(folder.join(place)) {
            return error!(%error, folder = %folder.display(), "spool.dir cannot be used; nothing is taken from it");
        }
    }
    while !shared.stopping() {
        for file in messages(&folder) {
            match take(&shared, &file).await {
                Ok(()) => {}
                Err(error) => warn!(%error, file = %file.display(), "a spooled message stays where it is"),
            }
        }
        shared.rest(&tokio::sync::Notify::new(), None).await;
    }
}

fn messages(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "eml") && file.is_file());
    files.sort();
    files
}

async fn take(shared: &Shared, file: &Path) -> io::Result<()> {
    let most = shared.config.smtp.max_message_bytes as u64;
    if fs::metadata(file)?.len() > most {
        return refuse(file, &format!("it is longer than smtp.max_message_bytes = {most}"));
    }
    let raw = fs::read(file)?;
    match found::take(shared, raw, Some(HERE), "spool").await {
        Found::Taken => put(file, "done"),
        Found::Refused(why) => refuse(file, &why),
        Found::Later(why) => Err(io::Error::other(why)),
    }
}

fn refuse(file: &Path, why: &str) -> io::Result<()> {
    warn!(file = %file.display(), why, "a spooled message is refused");
    put(file, "refused")?;
    let name = file.with_extension("why");
    let folder = file.parent().unwrap_or(Path::new("")).join("refused");
    fs::write(folder.join(name.file_name().unwrap_or_default()), format!("{why}\n"))
}

fn put(file: &Path, place: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("")).join(place);
    fs::rename(file, folder.join(file.file_name().unwrap_or_default()))
}
