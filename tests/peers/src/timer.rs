//! Repetitions of a call: median, minimum, and how long its threads waited for a processor.
//!
//! The rules are those of `bench/timer.py`, so that both sides are measured alike.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Calls shorter than this are repeated in groups, whose median is one repetition.
const GROUP: Duration = Duration::from_millis(50);

/// How often a call is repeated.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Repetitions {
    /// The wanted repetitions after the one that warms up.
    pub(crate) reps: usize,
    /// Seconds after which no further repetition is started.
    pub(crate) budget_s: f64,
}

/// What repetitions took.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Times {
    /// The median of the repetitions, in seconds.
    pub(crate) median_s: f64,
    /// The shortest call, in seconds.
    pub(crate) min_s: f64,
    /// How many repetitions there were.
    pub(crate) reps: usize,
    /// The share of the time that the threads waited for a processor; above 0.1 other programs
    /// disturbed the measurement.
    pub(crate) waited: f64,
}

fn calls_per_group(first: Duration) -> u128 {
    (GROUP.as_nanos() / first.as_nanos().max(1)).clamp(1, 50)
}

/// Calls `work` once to warm up, then repeats it; returns the last value.
///
/// A call that takes more than half of the budget is not repeated: the first one counts.
pub(crate) fn time<V>(
    repetitions: Repetitions,
    mut work: impl FnMut() -> Result<V>,
) -> Result<(Times, V)> {
    let begun = Instant::now();
    let waited_before = waited();
    let mut value = work()?;
    let first = begun.elapsed();
    let budget = Duration::from_secs_f64(repetitions.budget_s);
    if repetitions.reps == 0 || first > budget / 2 {
        let waited = (waited() - waited_before) / first.as_secs_f64();
        let seconds = first.as_secs_f64();
        return Ok((Times { median_s: seconds, min_s: seconds, reps: 1, waited }, value));
    }

    let per_group = calls_per_group(first);
    let started = Instant::now();
    let waited_before = waited();
    let mut medians = Vec::new();
    let mut min_s = f64::INFINITY;
    while medians.len() < repetitions.reps && (medians.is_empty() || started.elapsed() < budget) {
        let mut group = Vec::new();
        for _ in 0..per_group {
            // What the last call returned is dropped outside of the measured time.
            drop(value);
            let start = Instant::now();
            value = work()?;
            group.push(start.elapsed().as_secs_f64());
        }
        medians.push(median(&mut group));
        min_s = min_s.min(group[0]);
    }
    let waited = (waited() - waited_before) / started.elapsed().as_secs_f64();
    let reps = medians.len();
    Ok((Times { median_s: median(&mut medians), min_s, reps, waited }, value))
}

/// Sorts the values and returns the middle one.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The seconds that the threads of this process have waited for a processor; 0 where the system
/// does not tell. The second number of `schedstat`, in nanoseconds: Linux, sched-stats.rst.
fn waited() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').nth(1)?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// The most memory that the process has held so far, in MiB; 0 where the system does not tell.
pub(crate) fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_call_is_repeated_and_a_long_one_is_not() {
        let mut calls = 0;
        let mut work = || {
            calls += 1;
            Ok(calls)
        };
        let (times, last) = time(Repetitions { reps: 3, budget_s: 1.0 }, &mut work).unwrap();
        // How many a group has, the first call says, and that one may have been held up.
        let grouped = last - 1;
        assert_eq!((times.reps, grouped % 3), (3, 0));
        assert!((3..=3 * 50).contains(&grouped));
        assert!(0.0 < times.min_s && times.min_s <= times.median_s);

        let (times, last) = time(Repetitions { reps: 3, budget_s: 0.0 }, &mut work).unwrap();
        assert_eq!((times.reps, last), (1, 1 + grouped + 1));
        let calls = [1, 1_000, 10_000, 200_000].map(Duration::from_micros).map(calls_per_group);
        assert_eq!(calls, [50, 50, 5, 1]);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert!(peak_mib() > 0.0);
    }
}
