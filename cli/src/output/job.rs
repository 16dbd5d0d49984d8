//! Jobs of the store, for people and programs.

use std::time::{Duration, Instant, SystemTime};

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

/// The document `ketch.job/1`: the object, and how far the job is.
pub(crate) fn whole_document(
    record: &JobRecord,
    position: Option<u32>,
    progress: Option<Progress>,
) -> Value {
    let mut whole = json!({ "schema": "ketch.job/1" });
    for (key, value) in document(record, position).as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    whole["progress"] = progress.map(|progress| progress.share()).into();
    whole
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

/// How fast experiments are finished, since somebody began to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    since: Instant,
    from: u64,
}

/// How many characters a progress bar has.
const WIDTH: usize = 20;

impl Pace {
    /// Begins to look, when so many are finished.
    pub(crate) fn new(from: u64) -> Self {
        Self { since: Instant::now(), from }
    }

    /// The same look, but for how many were finished at its beginning.
    pub(crate) fn after(self, from: u64) -> Self {
        Self { from, ..self }
    }

    /// A bar, how many of how many, the rate and the time left as far as they are known; of a single
    /// experiment a bar and percent, if it says how far it is. `far` is how many are finished, those
    /// that run in part.
    pub(crate) fn line(&self, far: f64, all: u64, now: Instant) -> String {
        let share = far / all.max(1) as f64;
        let bar = bar(share, WIDTH);
        if all < 2 {
            let known = format!("{bar:<WIDTH$} {}", percent(share));
            return if far > 0.0 { known } else { String::new() };
        }
        let mut line = format!("{bar:<WIDTH$} {}/{all}", far.floor());
        let seconds = now.saturating_duration_since(self.since).as_secs_f64();
        let rate = (far - self.from as f64) / seconds;
        if rate.is_finite() && rate > 0.0 {
            let left = Duration::try_from_secs_f64((all as f64 - far).max(0.0) / rate);
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

    #[test]
    fn the_pace_tells_rate_and_time_left() {
        let pace = Pace::new(100);
        let after = |seconds| pace.since + Duration::from_secs(seconds);
        assert_eq!(pace.line(0.0, 1, after(1)), "");
        assert_eq!(pace.line(0.5, 1, after(1)), "██████████           50 %");
        let line = pace.line(300.0, 500, after(10));
        assert!(line.starts_with("████████████         300/500, 20.0/s, 10"), "{line}");
        assert_eq!(pace.line(100.0, 500, after(10)), "████                 100/500");
        assert!(pace.line(101.5, 500, after(1)).contains(" 101/500, 1.5/s, "));
        assert!(pace.line(500.0, 500, after(10)).ends_with("500/500, 40.0/s"));
    }
}
