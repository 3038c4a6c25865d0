//! What a network transport has seen of a call.

/// Counts of a call's transport. Those that a transport cannot know stay zero or absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// The transport: `audiosocket`, `rtp`, `websocket`.
    pub kind: &'static str,
    /// Packets or frames of audio that came.
    pub received: u64,
    /// Samples that were due and not there, in milliseconds.
    pub missing_ms: u64,
    /// Packets, or their worth in frames, that came after their moment and were dropped.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that came after a later one, in time.
    pub reordered: u64,
    /// Times the sender began anew: another SSRC, or a jump of its time.
    pub restarts: u64,
    /// The mean change of the packets' delay, RFC 3550 6.4.1.
    pub jitter_ms: Option<f32>,
    /// The sender's sample clock against ours; positive: it is fast.
    pub clock_ppm: Option<f32>,
    /// Share of our packets that the far end missed lately, as its RTCP says: 0.0 to 1.0.
    pub far_loss: Option<f32>,
}
