//! Numbers for Prometheus: counted where things happen, and measured when they are asked for.
//!
//! ```text
//!  service ── a call is over ──▶ counters, histograms ─┐
//!  board, engine, store ── when asked for ──▶ gauges ──┴▶ /metrics
//! ```

mod render;
mod words;

use std::sync::OnceLock;

use metrics::{counter, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
pub(crate) use render::render;

use crate::engine::CallReport;

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Error vector magnitudes, dB: below -30 is a clean line, above -15 hardly anything gets through.
const EVM_DB: [f64; 9] = [-40.0, -35.0, -30.0, -27.0, -24.0, -21.0, -18.0, -15.0, -10.0];
/// Lengths of calls in seconds.
const SECONDS: [f64; 8] = [10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1800.0];

/// Counts from now on. Once in a process; before that, and where it fails, nothing is counted.
pub fn install() {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("answertone_training_evm_db".into()), &EVM_DB)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Full("answertone_call_seconds".into()), &SECONDS)
            });
        let handle = builder.and_then(PrometheusBuilder::install_recorder);
        words::describe();
        handle.inspect_err(|error| tracing::warn!(%error, "nothing is counted for /metrics")).ok()
    });
}

/// Counts a call that is over.
pub fn call_over(way: &'static str, report: &CallReport) {
    let cause = report.failure.as_ref().map_or("none", |failure| failure.cause);
    counter!("answertone_calls_total", "way" => way, "cause" => cause).increment(1);
    counter!("answertone_pages_total", "way" => way).increment(report.pages as u64);
    counter!("answertone_bad_rows_total", "way" => way)
        .increment(report.page.iter().map(|page| u64::from(page.bad_rows)).sum());
    counter!("answertone_trainings_total", "way" => way).increment(u64::from(report.trainings));
    counter!("answertone_slips_total").increment(u64::from(report.slips));
    counter!("answertone_lost_milliseconds_total").increment(report.lost_ms);
    histogram!("answertone_call_seconds", "way" => way).record(report.seconds);
    if let Some(evm) = report.evm_db {
        histogram!("answertone_training_evm_db", "modem" => report.modem.unwrap_or("none")).record(evm);
    }
    if let Some(device) = &report.device {
        counter!("answertone_xruns_total", "side" => "input").increment(u64::from(device.overruns));
        counter!("answertone_xruns_total", "side" => "output").increment(u64::from(device.underruns));
    }
}
