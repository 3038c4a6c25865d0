//! Channels put together: who said what, in the order of time.

use super::{
    Channel,
    findings::{self, Finding},
    heard::{Burst, Control, Heard, Unknown, What},
    line::LineLevels,
    pages::{self, ObservedPage},
};
use crate::{
    frame::{Fcf, Frame},
    session::Terms,
    time::{LineSpan, LineTime},
};
use answertone_dsp::{tone::answerer::Answerer, units::Dbm0};

/// A side of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Station {
    /// It called.
    Caller,
    /// It was called.
    Answerer,
    /// Nobody can tell.
    Unknown,
}

/// What the call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A fax call.
    Fax,
    /// A fax call whose machines agreed on V.34.
    SuperG3,
    /// A call between data modems.
    Data,
    /// Somebody else was on the line.
    Other(Answerer),
    /// Fax tones, and nothing after them.
    TonesOnly,
    /// Dialling, ringing, caller identification, and nobody answered.
    Opening,
    /// Nothing that could be told.
    Nothing,
}

/// One thing that happened in a call.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whose it was.
    pub station: Station,
    /// The channel on which it was heard best.
    pub channel: usize,
    /// Level there.
    pub level: Dbm0,
    /// What it was.
    pub heard: Heard,
    /// The same on another channel.
    pub leak: Option<Leak>,
}

/// The same signal on another channel.
#[derive(Clone, Debug)]
pub struct Leak {
    /// Which.
    pub channel: usize,
    /// How much softer it was there, in decibels.
    pub softer: f32,
    /// How much later it began there, in samples.
    pub later: i64,
    /// What was heard there.
    pub heard: Heard,
}

/// A call as it was heard.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it was.
    pub kind: CallKind,
    /// What happened, in the order of its beginnings.
    pub steps: Vec<Step>,
    /// All pages that could be had.
    pub pages: Vec<ObservedPage>,
    /// What is to be said of it.
    pub findings: Vec<Finding>,
    /// The line on each channel.
    pub lines: Vec<LineLevels>,
}

/// The softest signal that is told though it is not understood, and the shortest.
const UNKNOWN_LEVEL: Dbm0 = Dbm0(-42.0);
const UNKNOWN_BLOCKS: usize = 40;
/// Packets have no level, and do not leak.
const NO_LEVEL: f32 = -100.0;
/// A signal that is covered by so much of it is understood.
const COVERED: f32 = 0.3;
/// Signals of two channels that belong together begin within this of each other.
const LATER: i64 = 6400;

impl Call {
    /// Puts channels together.
    pub fn of(channels: Vec<Channel>) -> Self {
        let mut steps = steps(&channels);
        give_stations(&mut steps);
        let pages = pages::of(&steps);
        let kind = kind(&steps);
        let lines: Vec<LineLevels> = channels.into_iter().map(|channel| channel.line).collect();
        let findings = findings::of(kind, &steps, &pages, &lines);
        Self { kind, steps, pages, findings, lines }
    }

    /// The length of the recording.
    pub fn length(&self) -> LineSpan {
        let heard = self.steps.iter().map(|step| step.heard.to.0).max();
        LineSpan(self.lines.iter().map(LineLevels::samples).max().max(heard).unwrap_or(0))
    }
}

impl Step {
    /// The message of V.21, if it is one.
    pub fn control(&self) -> Option<&Control> {
        match &self.heard.what {
            What::Control(control) => Some(control),
            _ => None,
        }
    }

    /// The fast signal, if it is one.
    pub fn burst(&self) -> Option<&Burst> {
        match &self.heard.what {
            What::Burst(burst) => Some(burst),
            _ => None,
        }
    }

    /// The same fast signal on another channel.
    pub fn other_burst(&self) -> Option<&Burst> {
        match &self.leak.as_ref()?.heard.what {
            What::Burst(burst) => Some(burst),
            _ => None,
        }
    }
}

fn steps(channels: &[Channel]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (channel, held) in channels.iter().enumerate() {
        for heard in held.heard.iter().chain(&unknown(held)) {
            let level = held.line.between(heard.from, heard.to);
            let same = steps.iter_mut().find(|step| {
                step.channel != channel && step.leak.is_none() && same(&step.heard, heard, level.0 > NO_LEVEL)
            });
            match same {
                Some(step) => step.join(channel, level, heard.clone()),
                None => {
                    steps.push(Step { station: Station::Unknown, channel, level, heard: heard.clone(), leak: None })
                }
            }
        }
    }
    steps.sort_by_key(|step| (step.heard.from, step.heard.to));
    steps
}

impl Step {
    /// Takes the same signal as another channel has it: where it is louder it came from.
    fn join(&mut self, channel: usize, level: Dbm0, heard: Heard) {
        let mut leak = Leak { channel, softer: self.level.0 - level.0, later: 0, heard };
        if leak.softer < 0.0 {
            std::mem::swap(&mut self.heard, &mut leak.heard);
            leak.channel = std::mem::replace(&mut self.channel, channel);
            (self.level, leak.softer) = (level, -leak.softer);
        }
        leak.later = leak.heard.from.0 as i64 - self.heard.from.0 as i64;
        if let (What::Control(mine), What::Control(theirs)) = (&mut self.heard.what, &leak.heard.what)
            && theirs.intact().count() > mine.intact().count()
        {
            *mine = theirs.clone();
        }
        self.leak = Some(leak);
    }
}

/// Whether two channels had the same signal.
fn same(one: &Heard, other: &Heard, has_sound: bool) -> bool {
    let near = (one.from.0 as i64 - other.from.0 as i64).abs() <= LATER;
    let overlap = one.to.min(other.to).0.saturating_sub(one.from.max(other.from).0);
    let shorter = one.to.since(one.from).0.min(other.to.since(other.from).0);
    let together = overlap * 2 > shorter || shorter == 0 && near;
    match (&one.what, &other.what) {
        (What::Control(one), What::Control(other)) => together && same_frames(one, other) && has_sound,
        (What::Burst(one), What::Burst(other)) => has_sound && together && one.carrier.modem() == other.carrier.modem(),
        (What::Cng, What::Cng) | (What::Answer(_), What::Answer(_)) => together,
        (What::Digit(one), What::Digit(other)) => together && one == other,
        (What::Progress(one), What::Progress(other)) => near && one == other,
        (What::V8(one), What::V8(other)) => near && one == other,
        (What::Info(one), What::Info(other)) => near && one == other,
        (What::Answerer(one), What::Answerer(other)) => one == other,
        (What::CallerId(one), What::CallerId(other)) => near && one == other,
        _ => false,
    }
}

/// Whether one has no intact frame that the other has not.
fn same_frames(one: &Control, other: &Control) -> bool {
    let within = |one: &Control, other: &Control| {
        one.intact().all(|frame| other.intact().any(|again| again.octets == frame.octets))
    };
    within(one, other) || within(other, one)
}

/// Signals of a channel that nothing heard explains.
fn unknown(channel: &Channel) -> Vec<Heard> {
    let line = &channel.line;
    let covered = |from: LineTime, to: LineTime| {
        let covered = |heard: &Heard| heard.to.min(to).0.saturating_sub(heard.from.max(from).0);
        channel.heard.iter().map(covered).sum::<u64>() as f32 >= COVERED * to.since(from).0 as f32
    };
    let stretches = line.louder(UNKNOWN_LEVEL, UNKNOWN_BLOCKS).into_iter();
    let what = |from, to| match () {
        () if line.pitched(from, to, 1500.0..2001.0) > 0.7 => Unknown::LikeControl,
        () if (0..40).any(|step| {
            let pitch = step as f32 * 100.0;
            line.pitched(from, to, pitch - 51.0..pitch + 101.0) > 0.95
        }) =>
        {
            Unknown::Tone
        }
        () => Unknown::Sound,
    };
    stretches
        .flat_map(|(from, to)| uncovered(channel, from, to))
        .filter(|(from, to)| !covered(*from, *to) && to.since(*from).0 >= UNKNOWN_BLOCKS as u64 * 80)
        .map(|(from, to)| Heard { from, to, what: What::Unknown(what(from, to)) })
        .collect()
}

/// What is left of a stretch before, between and after what was heard in it.
fn uncovered(channel: &Channel, from: LineTime, to: LineTime) -> Vec<(LineTime, LineTime)> {
    let mut left = Vec::new();
    let mut begin = from;
    for heard in channel.heard.iter().filter(|heard| heard.to > from && heard.from < to) {
        if heard.from > begin {
            left.push((begin, heard.from));
        }
        begin = begin.max(heard.to);
    }
    if begin < to {
        left.push((begin, to));
    }
    left
}

/// Says whose each step is: by what it says, as the document goes one way; else by its channel.
fn give_stations(steps: &mut [Step]) {
    let mut sender = Station::Caller;
    let mut votes = vec![[0_u32; 2]; steps.iter().map(|step| step.channel + 1).max().unwrap_or(0)];
    let leaks = steps.iter().any(|step| step.leak.is_some());
    for step in steps.iter_mut() {
        let polls = step.control().is_some_and(|control| control.has(Fcf::Dtc));
        sender = if polls { Station::Answerer } else { sender };
        step.station = station(&step.heard, sender);
        match step.station {
            Station::Caller => votes[step.channel][0] += 1,
            Station::Answerer => votes[step.channel][1] += 1,
            Station::Unknown => {}
        }
    }
    // A channel speaks for one side if all that is certain on it does.
    let side = |channel: usize| match votes[channel] {
        [caller, answerer] if caller > 4 * answerer => Station::Caller,
        [caller, answerer] if answerer > 4 * caller => Station::Answerer,
        _ => Station::Unknown,
    };
    let mixed = votes.len() < 2 && !leaks;
    for step in steps.iter_mut() {
        let by_channel = side(step.channel);
        let heard_alone = !mixed && by_channel != Station::Unknown;
        if step.station == Station::Unknown || heard_alone && step.leak.as_ref().is_none_or(|leak| leak.softer > 3.0) {
            step.station = if by_channel == Station::Unknown { step.station } else { by_channel };
        }
    }
}

fn station(heard: &Heard, sender: Station) -> Station {
    let receiver = if sender == Station::Caller { Station::Answerer } else { Station::Caller };
    match &heard.what {
        What::Cng => Station::Caller,
        What::Answer(_) => Station::Answerer,
        What::V8(message) if message.kind == super::V8Kind::Jm => Station::Answerer,
        What::V8(_) => Station::Caller,
        What::Info(info) if info.of_caller => Station::Caller,
        What::Info(_) => Station::Answerer,
        What::Burst(_) => sender,
        What::Control(control) => {
            let says = |frame: &super::HeardFrame| of_frame(frame, sender, receiver);
            control.intact().map(says).find(|station| *station != Station::Unknown).unwrap_or(Station::Unknown)
        }
        _ => Station::Unknown,
    }
}

fn of_frame(frame: &super::HeardFrame, sender: Station, receiver: Station) -> Station {
    let Frame::Known(message) = Frame::parse(&frame.octets) else { return Station::Unknown };
    match message.fcf {
        Fcf::Dis | Fcf::Csi | Fcf::Nsf => Station::Answerer,
        Fcf::Dtc | Fcf::Cig | Fcf::Nsc | Fcf::Sep | Fcf::Psa | Fcf::Cia | Fcf::Isp => Station::Caller,
        Fcf::Dcs | Fcf::Tsi | Fcf::Nss | Fcf::Sub | Fcf::Sid | Fcf::Tsa | Fcf::Ira | Fcf::Ctc => sender,
        Fcf::Eom | Fcf::Mps | Fcf::Eop | Fcf::Eos | Fcf::Pps | Fcf::Eor | Fcf::Rr => sender,
        Fcf::Cfr | Fcf::Ftt | Fcf::Ctr | Fcf::Csa | Fcf::Mcf | Fcf::Rtp | Fcf::Rtn | Fcf::Pip | Fcf::Pin => receiver,
        Fcf::Ppr | Fcf::Rnr | Fcf::Err | Fcf::Fdm => receiver,
        // Either says these; the X bit is of the station that received a DIS. ITU-T T.30 5.3.6.1.
        Fcf::Dcn | Fcf::Crp if message.x => Station::Caller,
        _ => Station::Unknown,
    }
}

fn kind(steps: &[Step]) -> CallKind {
    let any = |is: &dyn Fn(&What) -> bool| steps.iter().any(|step| is(&step.heard.what));
    let has_frames = any(&|what| matches!(what, What::Control(control) if control.intact().next().is_some()));
    let has_flags = any(&|what| matches!(what, What::Control(_)));
    let jm_fax = any(&|what| matches!(what, What::V8(message) if message.is_fax()));
    let half_duplex = |what: &What| match what {
        What::V8(message) => message.modulations().any(|name| name == "V.34 half-duplex"),
        _ => false,
    };
    let answerer = steps.iter().rev().find_map(|step| match step.heard.what {
        What::Answerer(who) if who != Answerer::Voice => Some(who),
        _ => None,
    });
    let voice = any(&|what| matches!(what, What::Answerer(Answerer::Voice)));
    match answerer {
        _ if has_frames => CallKind::Fax,
        _ if jm_fax && any(&half_duplex) => CallKind::SuperG3,
        _ if jm_fax => CallKind::Fax,
        _ if any(&|what| matches!(what, What::V8(_))) => CallKind::Data,
        Some(Answerer::DataModem) => CallKind::Data,
        Some(other) => CallKind::Other(other),
        None if any(&|what| matches!(what, What::Cng | What::Answer(_))) => CallKind::TonesOnly,
        None if has_flags => CallKind::TonesOnly,
        None if any(&|what| matches!(what, What::CallerId(_) | What::Digit(_) | What::Progress(_))) => {
            CallKind::Opening
        }
        None if voice => CallKind::Other(Answerer::Voice),
        None => CallKind::Nothing,
    }
}

/// The terms of a DCS in a message.
pub(super) fn terms(control: &Control) -> Option<Terms> {
    let dcs = control.intact().find(|frame| frame.fcf() == Some(Fcf::Dcs))?;
    Terms::of_field(dcs.field())
}
