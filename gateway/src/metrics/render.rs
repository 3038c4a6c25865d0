//! The text that Prometheus reads.

use metrics::{counter, gauge};

use super::HANDLE;
use crate::{
    service::Front,
    store::{StoreError, now},
};

/// States of jobs that are shown even when there are none.
const JOB_STATES: [&str; 6] = ["queued", "sending", "waiting", "done", "failed", "cancelled"];
const MAIL_STATES: [&str; 4] = ["queued", "waiting", "delivered", "refused"];

/// All numbers as they are now; none where nothing is counted.
pub(crate) async fn render(front: &Front) -> Result<Option<String>, StoreError> {
    let Some(Some(handle)) = HANDLE.get() else { return Ok(None) };
    let counts = front.store().counts(now()).await?;
    for (name, states, found) in
        [("answertone_jobs", &JOB_STATES[..], &counts.jobs), ("answertone_mails", &MAIL_STATES[..], &counts.mails)]
    {
        for state in states {
            let count = found.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
            gauge!(name, "state" => *state).set(count as f64);
        }
    }
    gauge!("answertone_queue_age_seconds").set(counts.oldest_due_ms as f64 / 1000.0);
    gauge!("answertone_live_calls").set(front.board().calls().len() as f64);
    let punctuality = front.punctuality();
    counter!("answertone_engine_blocks_total").absolute(punctuality.blocks);
    counter!("answertone_engine_late_blocks_total").absolute(punctuality.late);
    let lateness = u64::try_from(punctuality.total.as_micros()).unwrap_or(u64::MAX);
    counter!("answertone_engine_lateness_microseconds_total").absolute(lateness);
    gauge!("answertone_engine_worst_lateness_seconds").set(punctuality.worst.as_secs_f64());
    handle.run_upkeep();
    Ok(Some(handle.render()))
}
