//! What became of a call, in the shape machines read.

use answertone_hw::{DeviceHealth, LineError, Transport};
use answertone_t30::{
    audio::{AudioFrontEnd, FastSignal},
    image::{Coding, Resolution},
    seam::Carrier,
    session::{Cause, Failure, Outcome, PageReport, Report, Session, Terms},
    t38,
    time::LineTime,
};
use serde::Serialize;

use crate::hexadecimal::hexadecimal;

/// Which end of a call we were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// We called.
    Caller,
    /// We answered.
    Answerer,
}

/// The result of a call. Its JSON form is a contract: fields may be added, not renamed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallReport {
    /// Which end we were.
    pub role: Role,
    /// Whether everything was sent and confirmed, or received and kept.
    pub ok: bool,
    /// `completed` or `failed`.
    pub outcome: &'static str,
    /// What went wrong.
    pub failure: Option<FailureReport>,
    /// `OK`, or the cause of the failure for people; of a call that went well in spite of frames of no known kind, those.
    pub t30_status: String,
    /// Control frames of no known kind that were heard.
    pub unknown_frames: u32,
    /// Whether a person took the telephone in the end, asked for by the other machine.
    pub handed_over: bool,
    /// Pages delivered.
    pub pages: usize,
    /// Data signalling rate of the last page, or the one agreed last.
    pub bit_rate: Option<u32>,
    /// Its modem: `v27ter`, `v29`, `v17`.
    pub modem: Option<&'static str>,
    /// Whether errors were corrected.
    pub ecm: bool,
    /// `mh`, `mr`, `mmr`, `jbig` or `jpeg`.
    pub coding: Option<&'static str>,
    /// Whether pictures are in colour.
    pub colour: bool,
    /// Pels in a row.
    pub width: Option<u32>,
    /// Pels to the inch.
    pub x_dpi: Option<u32>,
    /// Rows to the inch.
    pub y_lpi: Option<u32>,
    /// How the other machine named itself.
    pub remote_ident: Option<String>,
    /// Subaddress the other machine sent.
    pub remote_sub: Option<String>,
    /// Password the other machine sent.
    pub remote_pwd: Option<String>,
    /// Sender identification the other machine sent.
    pub remote_sid: Option<String>,
    /// Selective polling address the other machine sent.
    pub remote_sep: Option<String>,
    /// Polled subaddress the other machine sent.
    pub remote_psa: Option<String>,
    /// Internet address the other machine gave as its own.
    pub remote_internet_address: Option<String>,
    /// Who made the other machine, as its non-standard facilities tell.
    pub remote_vendor: Option<String>,
    /// The name it gives itself in them.
    pub remote_model: Option<String>,
    /// Their octets, hexadecimal.
    pub remote_nsf: Option<String>,
    /// Pages in the order they were over; one that was repeated is there twice.
    pub page: Vec<PageLine>,
    /// Training checks.
    pub trainings: u32,
    /// Interruptions of the fast signals heard that were bridged: slips and drop-outs after which reception went on.
    pub slips: u32,
    /// Audio the transport lost, and audio whose symbols the modem lost and found again.
    pub lost_ms: u64,
    /// Error vector magnitude of the last training heard.
    pub evm_db: Option<f64>,
    /// Carrier frequency of the last fast signal heard, less the nominal one.
    pub carrier_offset_hz: Option<f64>,
    /// Symbol clock of the last fast signal heard, in parts per million; positive: the sender is slow.
    pub clock_offset_ppm: Option<f64>,
    /// Length of the call in line time.
    pub seconds: f64,
    /// Digits that the far side told beside the audio.
    pub digits: String,
    /// What the network transport has seen, on lines that have one.
    pub transport: Option<TransportReport>,
    /// The line's sound device, where it is one.
    pub device: Option<DeviceReport>,
    /// Who or what was heard: `fax`, `data_modem`, `text_telephone`, `alarm_receiver`, `voice`, `answering_machine`; else
    /// `dial_tone`, `ringing`, `busy`, `congestion`, `special_information`; else `silence`.
    pub heard: Option<&'static str>,
}

/// The transport's part of a [`CallReport`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TransportReport {
    /// `audiosocket`, `rtp` or `websocket`; of T.38 `udptl`, `rtp` or `tcp`.
    pub kind: &'static str,
    /// Packets or frames of audio that came.
    pub received: u64,
    /// Audio that was due and not there.
    pub missing_ms: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Times the sender began anew.
    pub restarts: u64,
    /// The mean change of the packets' delay, RFC 3550 6.4.1.
    pub jitter_ms: Option<f64>,
    /// The sender's sample clock against ours; positive: it is fast.
    pub clock_ppm: Option<f64>,
    /// Share of our packets that the far end missed lately.
    pub far_loss: Option<f64>,
}

impl From<Transport> for TransportReport {
    fn from(seen: Transport) -> Self {
        Self {
            kind: seen.kind,
            received: seen.received,
            missing_ms: seen.missing_ms,
            late: seen.late,
            duplicates: seen.duplicates,
            reordered: seen.reordered,
            restarts: seen.restarts,
            jitter_ms: seen.jitter_ms.map(tenths),
            clock_ppm: seen.clock_ppm.map(tenths),
            far_loss: seen.far_loss.map(f64::from),
        }
    }
}

/// The sound device of a [`CallReport`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceReport {
    /// Samples per second.
    pub rate: u32,
    /// How much faster than the computer's clock the input runs, in parts per million.
    pub input_ppm: Option<f64>,
    /// How much faster than the computer's clock the output runs.
    pub output_ppm: Option<f64>,
    /// How much faster the output runs than the input.
    pub drift_ppm: Option<f64>,
    /// Interruptions of the input.
    pub overruns: u32,
    /// What they cost.
    pub overrun_ms: f64,
    /// Times that frames were lost or doubled without a word from the device.
    pub jumps: u32,
    /// Interruptions of the output.
    pub underruns: u32,
    /// What they cost.
    pub underrun_ms: f64,
    /// Samples heard at full scale.
    pub clipped: u64,
    /// From the line through the computer and back to the line.
    pub latency_ms: f64,
}

impl DeviceReport {
    /// The health of a device, rounded for people.
    pub fn new(health: &DeviceHealth) -> Self {
        let round = |value: f64| (value * 10.0).round() / 10.0;
        Self {
            rate: health.rate,
            input_ppm: health.input_ppm.map(round),
            output_ppm: health.output_ppm.map(round),
            drift_ppm: health.drift_ppm.map(round),
            overruns: health.overruns,
            overrun_ms: round(health.overrun_ms),
            jumps: health.jumps,
            underruns: health.underruns,
            underrun_ms: round(health.underrun_ms),
            clipped: health.clipped,
            latency_ms: round(health.latency_ms),
        }
    }
}

/// A page of a [`CallReport`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PageLine {
    /// Whether we sent it.
    pub sent: bool,
    /// Counted from 1 in its direction.
    pub number: usize,
    /// Whether it went directly from gateway to gateway, another way than the line.
    pub direct: bool,
    /// Its coding.
    pub coding: &'static str,
    /// Rows.
    pub rows: u32,
    /// Rows that could not be decoded.
    pub bad_rows: u32,
    /// Octets of image data.
    pub octets: u64,
    /// ECM frames that went over the line again.
    pub retransmitted_frames: u32,
    /// The other machine's word for it, or ours.
    pub verdict: &'static str,
}

/// A failure of a [`CallReport`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailureReport {
    /// The cause.
    pub cause: &'static str,
    /// The timer that ran out.
    pub timer: Option<&'static str>,
    /// `local`, `remote` or `line`.
    pub side: &'static str,
    /// The phase of the call: `A` to `E`.
    pub phase: &'static str,
    /// All of it, for people.
    pub text: String,
}

impl CallReport {
    /// The report of a session that is over, at the moment the line was hung up.
    pub(super) fn new(role: Role, session: &Session, front: &AudioFrontEnd) -> Self {
        let report = Self::of(role, session, front.fast_signal(), front.now());
        Self { slips: front.losses_bridged(), lost_ms: report.lost_ms + front.time_lost().as_ms(), ..report }
    }

    /// The report of a call over packets that is over.
    pub(crate) fn over_packets(call: &t38::Call, lost: Option<&LineError>, transport: Transport) -> Self {
        let role = if call.session().is_caller() { Role::Caller } else { Role::Answerer };
        Self::of(role, call.session(), None, call.now()).on(lost, String::new(), Some(transport))
    }

    fn of(role: Role, session: &Session, signal: Option<FastSignal>, now: LineTime) -> Self {
        let report = session.report();
        let failure = match &report.outcome {
            Some(Outcome::Failed(failure)) => Some(FailureReport::new(failure)),
            _ => None,
        };
        let ok = report.outcome == Some(Outcome::Completed);
        let carrier = carrier(report);
        let resolution = report.terms.map(dots_per_inch);
        Self {
            role,
            ok,
            outcome: if ok { "completed" } else { "failed" },
            t30_status: match (&failure, report.unknown_frames) {
                (Some(failure), _) => failure.text.clone(),
                (None, 0) => "OK".to_owned(),
                (None, frames) => format!("unexpected frames of no known kind: {frames}; all went well besides"),
            },
            unknown_frames: report.unknown_frames,
            failure,
            handed_over: report.handed_over,
            pages: report.good_pages(),
            bit_rate: carrier.map(Carrier::bit_rate),
            modem: carrier.map(Carrier::modem),
            ecm: report.terms.is_some_and(|terms| terms.ecm.is_some()),
            coding: report.terms.map(|terms| terms.coding.name()),
            colour: report.terms.is_some_and(|terms| terms.colour),
            width: report.terms.map(|terms| terms.pels()),
            x_dpi: resolution.map(|(x, _)| x),
            y_lpi: resolution.map(|(_, y)| y),
            remote_ident: report.peer.ident.clone(),
            remote_sub: report.peer.sub.clone(),
            remote_pwd: report.peer.pwd.clone(),
            remote_sid: report.peer.sid.clone(),
            remote_sep: report.peer.sep.clone(),
            remote_psa: report.peer.psa.clone(),
            remote_internet_address: report.peer.internet_address.clone(),
            remote_vendor: report.peer.vendor.clone(),
            remote_model: report.peer.model.clone(),
            remote_nsf: report.peer.nsf.as_deref().map(hexadecimal),
            page: report.pages.iter().map(PageLine::new).collect(),
            trainings: report.trainings,
            slips: 0,
            lost_ms: report.lost.as_ms(),
            evm_db: report.quality.map(|evm| f64::from(evm.0) / 10.0),
            carrier_offset_hz: signal.map(|signal| tenths(signal.carrier_offset.0)),
            clock_offset_ppm: signal.map(|signal| tenths(signal.clock_offset_ppm)),
            seconds: now.since(LineTime::ZERO).seconds(),
            digits: String::new(),
            transport: None,
            device: None,
            heard: None,
        }
    }

    /// The same with what the line has to say of it. How a line was lost belongs to a call that failed by that.
    pub(super) fn on(self, lost: Option<&LineError>, digits: String, transport: Option<Transport>) -> Self {
        let mut report = Self { digits, transport: transport.map(TransportReport::from), ..self };
        if let (Some(error), Some(failure)) = (lost, &mut report.failure)
            && failure.cause == Cause::LineLost.name()
        {
            failure.text = format!("{}: {error}", failure.text);
            report.t30_status.clone_from(&failure.text);
        }
        report
    }
}

fn carrier(report: &Report) -> Option<Carrier> {
    report.pages.iter().rfind(|page| !page.direct).map(|page| page.carrier).or(report.terms.map(|terms| terms.carrier))
}

/// Pictures have square pels.
fn dots_per_inch(terms: Terms) -> (u32, u32) {
    match (terms.coding, terms.resolution) {
        (Coding::Jpeg, Resolution::Dpi300) => (300, 300),
        (Coding::Jpeg, Resolution::Dpi400) => (400, 400),
        (Coding::Jpeg, _) => (200, 200),
        (_, resolution) => resolution.dots_per_inch(),
    }
}

fn tenths(value: f32) -> f64 {
    (f64::from(value) * 10.0).round() / 10.0
}

impl PageLine {
    fn new(page: &PageReport) -> Self {
        Self {
            sent: page.sent,
            number: page.number,
            direct: page.direct,
            coding: page.coding.name(),
            rows: page.rows,
            bad_rows: page.bad_rows,
            octets: page.octets,
            retransmitted_frames: page.retransmitted_frames,
            verdict: page.verdict.name(),
        }
    }
}

impl FailureReport {
    fn new(failure: &Failure) -> Self {
        Self {
            cause: failure.cause.name(),
            timer: failure.timer.map(|timer| timer.name()),
            side: failure.side.name(),
            phase: failure.phase.name(),
            text: failure.to_string(),
        }
    }
}
