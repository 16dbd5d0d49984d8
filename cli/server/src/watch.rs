//! Whether the server is well, and what it did: for those who watch it.

use std::{
    fmt::Write,
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use hyper::Method;
use ketch::JobStatus;
use serde_json::json;

use crate::{
    Service,
    answer::{Answer, Reply},
    request::Request,
    routes::Call,
};

/// How many requests were answered, and how long that took.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// By the first digit of the status.
    statuses: [AtomicU64; 6],
    reading: Took,
    changing: Took,
}

impl Watch {
    /// Notes an answer, and how long it took to find.
    pub(crate) fn answered(&self, method: &Method, status: u16, took: Duration) {
        if let Some(counter) = self.statuses.get(usize::from(status / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let kind = if *method == Method::GET { &self.reading } else { &self.changing };
        kind.note(took);
    }
}

/// The classes of statuses that there are.
const CLASSES: [usize; 3] = [2, 4, 5];

/// Times up to these, in seconds, are counted together.
const BOUNDS: [f64; 11] = [5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// How long something took, each time.
#[derive(Debug, Default)]
struct Took {
    /// How often it took no longer than the bound of this place, and longer than the one before; the
    /// last is for what took longer than all.
    times: [AtomicU64; BOUNDS.len() + 1],
    /// All together.
    nanoseconds: AtomicU64,
}

impl Took {
    fn note(&self, took: Duration) {
        let place = BOUNDS.partition_point(|bound| *bound < took.as_secs_f64());
        self.times[place].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The rows of a histogram: what is counted below a bound is counted below all larger ones.
    fn rows(&self, kind: &str) -> Vec<Row> {
        let mut count = 0;
        let mut rows = Vec::new();
        let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (bound, times) in bounds.zip(&self.times) {
            count += times.load(Ordering::Relaxed);
            rows.push(row("_bucket", &format!("kind=\"{kind}\",le=\"{bound}\""), count));
        }
        let seconds = self.nanoseconds.load(Ordering::Relaxed) as f64 / 1e9;
        rows.push(row("_sum", &format!("kind=\"{kind}\""), seconds));
        rows.push(row("_count", &format!("kind=\"{kind}\""), count));
        rows
    }
}

/// What stands behind a metric's name, and the value.
type Row = (String, String);

fn row(suffix: &str, labels: &str, value: impl ToString) -> Row {
    let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    (format!("{suffix}{labels}"), value.to_string())
}

/// The server answers, and can read its jobs. Waits for none of those who read more.
pub(crate) fn health(service: &Service, _: &Request) -> Reply {
    service.reading.is_readable()?;
    Ok(Answer::json(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })))
}

/// Numbers in the text form of Prometheus, version 0.0.4. None of them says anything about a user,
/// and no label has values that somebody who asks could add to.
pub(crate) fn metrics(call: &Call<'_>) -> Reply {
    let service = call.service;
    let mut text = String::new();
    let mut block = |name: &str, kind: &str, help: &str, rows: &[Row]| {
        // A string takes everything.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    block("ketch_build_info", "gauge", "The version of the server.", &[row("", &version, 1)]);
    let requests = CLASSES.map(|class| {
        let count = service.watch.statuses[class].load(Ordering::Relaxed);
        row("", &format!("status=\"{class}xx\""), count)
    });
    block("ketch_requests_total", "counter", "Requests that were answered.", &requests);
    let took = [service.watch.reading.rows("read"), service.watch.changing.rows("change")].concat();
    let help = "From a request's arrival to its answer; those that change something apart.";
    block("ketch_request_duration_seconds", "histogram", help, &took);
    let jobs = job_rows(&service.reading.states()?);
    block("ketch_jobs", "gauge", "Jobs in the store, all users' and the command line's.", &jobs);
    let started = service.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let started = row("", "", started.as_secs_f64());
    let help = "When the server was started, in seconds since 1970.";
    block("process_start_time_seconds", "gauge", help, &[started]);
    for (name, help, value) in of_process() {
        block(name, "gauge", help, &[row("", "", value)]);
    }
    Ok(Answer { kind: "text/plain; version=0.0.4; charset=utf-8", ..Answer::text(text) })
}

/// How many jobs are in each state: also 0, since a row that is missing raises no alarm.
fn job_rows(counted: &[(JobStatus, u64)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for state in JobStatus::known() {
        let counted = counted.iter().find(|(one, _)| one == state);
        let count = counted.map_or(0, |(_, count)| *count);
        rows.push(row("", &format!("state=\"{}\"", state.as_str()), count));
    }
    rows
}

/// What the system says of this process; nothing where it does not say it as Linux does.
fn of_process() -> Vec<(&'static str, &'static str, u64)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
    let memory = field("VmRSS:").and_then(|kib| kib.checked_mul(1024));
    [
        ("process_resident_memory_bytes", "Memory of the server.", memory),
        ("process_threads", "Threads of the server.", field("Threads:")),
        ("process_open_fds", "Files and connections that the server has open.", files),
    ]
    .into_iter()
    .filter_map(|(name, help, value)| Some((name, help, value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_no_longer_than_a_bound_is_counted_below_it_and_all_larger_ones() {
        let took = Took::default();
        for milliseconds in [0, 1, 3, 20, 10_000] {
            took.note(Duration::from_millis(milliseconds));
        }
        let rows = took.rows("read");
        let count = |le: &str| {
            let name = format!("_bucket{{kind=\"read\",le=\"{le}\"}}");
            rows.iter().find(|(row, _)| *row == name).map(|(_, count)| count.as_str())
        };
        assert_eq!(count("0.0005"), Some("1"));
        assert_eq!(count("0.001"), Some("2"), "a bound is below itself");
        assert_eq!(count("0.0025"), Some("2"));
        assert_eq!(count("0.005"), Some("3"));
        assert_eq!(count("5"), Some("4"));
        assert_eq!(count("+Inf"), Some("5"));
        assert_eq!(rows[rows.len() - 2], row("_sum", "kind=\"read\"", 10.024));
        assert_eq!(rows[rows.len() - 1], row("_count", "kind=\"read\"", 5));
    }

    #[test]
    fn states_without_jobs_are_told_too() {
        let rows = job_rows(&[(JobStatus::Done, 3)]);
        assert_eq!(rows.len(), JobStatus::known().count());
        assert!(rows.contains(&row("", "state=\"DONE\"", 3)));
        assert!(rows.contains(&row("", "state=\"QUEUED\"", 0)));
    }

    #[test]
    fn linux_says_what_the_process_has() {
        let said = of_process();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said.iter().all(|(_, _, value)| *value > 0), "{said:?}");
    }
}
