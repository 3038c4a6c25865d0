//! What each number is.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) fn describe() {
    let counters = [
        ("answertone_calls_total", "Calls that are over, by way and cause of failure; cause \"none\" is a good call."),
        ("answertone_pages_total", "Pages that arrived well."),
        ("answertone_bad_rows_total", "Rows of pages that could not be decoded."),
        ("answertone_trainings_total", "Trainings of fast modems."),
        ("answertone_slips_total", "Slips of lines that a modem got over."),
        ("answertone_lost_milliseconds_total", "Audio that was due and not there."),
        ("answertone_xruns_total", "Interruptions of sound devices."),
        ("answertone_engine_blocks_total", "Blocks of 10 ms exchanged by the engine's threads."),
        ("answertone_engine_late_blocks_total", "Those that went 10 ms or more after they were due."),
        ("answertone_engine_lateness_microseconds_total", "How much all blocks went after they were due, together."),
    ];
    counters.into_iter().for_each(|(name, what)| describe_counter!(name, what));
    let gauges = [
        ("answertone_live_calls", "Calls under way."),
        ("answertone_jobs", "Faxes to be sent, by state."),
        ("answertone_queue_age_seconds", "How long the oldest fax that is due has waited."),
        ("answertone_mails", "Mails to be handed over, by state."),
        ("answertone_engine_worst_lateness_seconds", "The most that a block went after it was due."),
    ];
    gauges.into_iter().for_each(|(name, what)| describe_gauge!(name, what));
    describe_histogram!("answertone_call_seconds", Unit::Seconds, "Lengths of calls on the line.");
    describe_histogram!("answertone_training_evm_db", "Error vector magnitude of trainings, dB.");
}
