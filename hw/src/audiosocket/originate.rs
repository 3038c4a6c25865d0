//! Calls that Asterisk makes for us: a call file in its spool folder.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::Duration,
};

use super::{CallId, Originate};

/// How long Asterisk lets the telephone ring.
pub const RINGING: Duration = Duration::from_secs(60);

/// A call that Asterisk was asked to make.
pub struct Placed {
    waiting: PathBuf,
    done: Option<PathBuf>,
}

impl Originate {
    /// Asks for a call to `number` that is connected to `here` as `call`.
    pub fn place(&self, number: &str, call: CallId, here: SocketAddr) -> io::Result<Placed> {
        let name = format!("answertone-{call}.call");
        // Asterisk takes a file as soon as it sees it, so it is written elsewhere on the same disk and moved in whole.
        let written = self.spool.with_file_name(format!(".{name}"));
        fs::write(&written, self.call_file(number, call, here))?;
        // Asterisk reads it by the folder's group, whatever our mask is.
        fs::set_permissions(&written, fs::Permissions::from_mode(0o660))?;
        let waiting = self.spool.join(&name);
        fs::rename(&written, &waiting)?;
        let done = self.spool.parent().map(|spools| spools.join("outgoing_done").join(&name));
        Ok(Placed { waiting, done })
    }

    fn call_file(&self, number: &str, call: CallId, here: SocketAddr) -> String {
        let digits: String =
            number.chars().filter(|letter| letter.is_ascii_digit() || "+*#".contains(*letter)).collect();
        let channel = self.channel.replace("{number}", &digits);
        let here = match here {
            SocketAddr::V4(any) if any.ip().is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, any.port())),
            named => named,
        };
        let ringing = RINGING.as_secs();
        format!(
            "Channel: {channel}\nMaxRetries: 0\nWaitTime: {ringing}\nApplication: AudioSocket\nData: {call},{here}\nArchive: yes\n"
        )
    }
}

impl Placed {
    /// What Asterisk says of a call that did not come about, once it says so.
    pub fn failed(&self) -> Option<String> {
        let text = fs::read_to_string(self.done.as_ref()?).ok()?;
        let status = text.lines().rev().find_map(|line| line.strip_prefix("Status:")).map_or("not known", str::trim);
        (status != "Completed").then(|| format!("Asterisk could not make the call; its status is {status}"))
    }

    /// Takes the wish back, if Asterisk has not taken it yet.
    pub fn withdraw(&self) {
        // Usually it is gone already.
        let _ = fs::remove_file(&self.waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_file_names_channel_and_call_and_nothing_of_a_number_can_add_a_line() {
        let originate = Originate { spool: "/spool/outgoing".into(), channel: "PJSIP/{number}@trunk".into() };
        let call: CallId = "40325ec2-5efd-4bd3-805f-53576e581d13".parse().unwrap();
        let text = originate.call_file("+1 555\nApplication: System", call, "0.0.0.0:9092".parse().unwrap());
        assert_eq!(
            text,
            "Channel: PJSIP/+1555@trunk\nMaxRetries: 0\nWaitTime: 60\nApplication: AudioSocket\n\
             Data: 40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092\nArchive: yes\n"
        );
    }
}
