//! Jobs of the store, for people and programs.

use std::time::{Duration, SystemTime};

use ketch::{
    JobStatus, Progress,
    jobs::{JobRecord, Store},
};
use serde_json::{Value, json};

use super::{bars::bar, number};

/// The object that `ketch.job/1` and `ketch.jobs/1` have for a job.
pub(crate) fn document(record: &JobRecord, position: Option<u32>) -> Value {
    let time = |time: SystemTime| humantime::format_rfc3339_millis(time).to_string();
    json!({
        "job_id": record.id,
        "backend": record.backend,
        "label": record.label,
        "tags": record.tags,
        "status": record.state.as_str(),
        "queue_position": position,
        "runner": record.runner.to_string(),
        "process": record.process(),
        "created": time(record.created),
        "started": record.started.map(time),
        "ended": record.ended.map(time),
        "experiments": record.experiments,
        "completed": record.completed,
        "attempts": record.attempt,
        "cancel_requested": record.cancel_requested,
        "service_id": record.service_id,
        "retry_of": record.retry_of,
        "error": record.error.as_ref().map(|error| json!({
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "causes": error.causes,
        })),
    })
}

/// The place in the queue of a job that waits in one.
pub(crate) fn position(store: &Store, record: &JobRecord) -> Option<u32> {
    let waits = record.state == JobStatus::Queued;
    // What cannot be read now is as good as unknown.
    waits.then(|| store.position(&record.id).ok().flatten()).flatten()
}

/// How far a job is that runs, as far as anybody says it.
pub(crate) fn progress(store: &Store, record: &JobRecord) -> Option<Progress> {
    let runs = record.state == JobStatus::Running;
    runs.then(|| store.progress(&record.id)).flatten()
}

/// A share as people read it: `42 %`.
pub(crate) fn percent(share: f64) -> String {
    // Not done is not a hundred.
    format!("{} %", (share * 100.0).floor())
}

/// How long ago something was, to one unit: `12 s ago`, `3 h ago`.
pub(crate) fn ago(time: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(time).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A time as people read it, in UTC.
pub(crate) fn time(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

/// The state, and what there is to say of it: `QUEUED, 3rd in the queue`, `RUNNING`.
pub(crate) fn state(record: &JobRecord, position: Option<u32>) -> String {
    let state = record.state.as_str();
    match position {
        Some(1) => format!("{state}, next"),
        Some(place) => format!("{state}, place {place} in the queue"),
        None if record.cancel_requested && !record.state.is_final() => {
            format!("{state}, asked to stop")
        }
        None => state.to_owned(),
    }
}

/// How far a job of several experiments is, since this was seen first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    since: SystemTime,
    from: u64,
}

/// How many characters a progress bar has.
const WIDTH: usize = 20;

impl Pace {
    /// Begins to look.
    pub(crate) fn new(record: &JobRecord, now: SystemTime) -> Self {
        Self { since: now, from: record.completed }
    }

    /// A bar, how many of how many, the rate and the time left as far as they are known; of a job of
    /// one experiment a bar and percent, if it says how far it is.
    pub(crate) fn line(
        &self,
        record: &JobRecord,
        progress: Option<Progress>,
        now: SystemTime,
    ) -> String {
        let (done, all) = (record.completed, record.experiments);
        let done = progress.map_or(done, |progress| progress.done.max(done));
        let kept = record.completed as f64 / all.max(1) as f64;
        let share = progress.map_or(0.0, |progress| progress.share()).max(kept);
        let bar = bar(share, WIDTH);
        if all < 2 {
            let known = progress.map(|_| format!("{bar:<WIDTH$} {}", percent(share)));
            return known.unwrap_or_default();
        }
        let mut line = format!("{bar:<WIDTH$} {done}/{all}");
        let seconds = now.duration_since(self.since).unwrap_or_default().as_secs_f64();
        let rate = done.saturating_sub(self.from) as f64 / seconds;
        if rate.is_finite() && rate > 0.0 {
            let left = Duration::try_from_secs_f64((all - done.min(all)) as f64 / rate);
            line.push_str(&format!(", {rate:.1}/s"));
            if let Some(left) = left.ok().filter(|left| !left.is_zero()) {
                line.push_str(&format!(", {} left", number::duration(left)));
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_ago_have_one_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10 * 86_400);
        let check = |seconds, expected: &str| {
            assert_eq!(ago(now - Duration::from_secs(seconds), now), expected);
        };
        check(0, "0 s ago");
        check(59, "59 s ago");
        check(60, "1 min ago");
        check(7300, "2 h ago");
        check(200_000, "2 d ago");
        assert_eq!(ago(now + Duration::from_secs(9), now), "0 s ago", "clocks go back");
        assert_eq!(time(now), "1970-01-11 00:00:00 UTC");
    }
}
