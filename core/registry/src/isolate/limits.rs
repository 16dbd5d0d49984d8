//! What a worker may use: imposed by itself, before anything of the plugin runs in it.
//!
//! The limits keep a broken plugin from taking the machine down with it. They are no sandbox: a
//! hostile plugin may do whatever its user may do.

use std::{fs, io, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// What an isolated plugin may use, and how long its calls may take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Private memory in bytes: heap, thread stacks, its libraries' data. `None`: as much as the
    /// machine has.
    pub memory: Option<u64>,
    /// Processor time of all its threads together, until it must be started anew; counted in whole
    /// seconds. `None`: no limit.
    pub cpu_time: Option<Duration>,
    /// Files and sockets that are open at a time.
    pub open_files: u64,
    /// The longest that a call may take, but [`Job::result`](ketch_core::Job::result), which has a
    /// time of its own. A plugin that takes longer hangs, and its worker is ended.
    pub answer: Duration,
    /// The longest that loading the plugin and making its provider may take.
    pub start: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: None,
            cpu_time: None,
            open_files: 1024,
            answer: Duration::from_secs(30),
            start: Duration::from_secs(10),
        }
    }
}

/// What the worker is told of the limits.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Imposed {
    memory: Option<u64>,
    cpu_time_s: Option<u64>,
    open_files: Option<u64>,
}

impl From<&Limits> for Imposed {
    fn from(limits: &Limits) -> Self {
        Self {
            memory: limits.memory,
            cpu_time_s: limits.cpu_time.map(|time| time.as_secs().max(1)),
            open_files: Some(limits.open_files),
        }
    }
}

impl Imposed {
    /// Imposes the limits on this process.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn impose(&self) -> io::Result<()> {
        // The image of a dead plugin helps nobody and may hold secrets.
        lower(Resource::Core, 0, 0)?;
        if let Some(memory) = self.memory.or_else(physical_memory) {
            // Not the address space: of that, programs rightly reserve far more than they use.
            lower(Resource::Data, memory, memory)?;
        }
        if let Some(seconds) = self.cpu_time_s {
            // A signal that names the reason first; one that cannot be ignored a second later.
            lower(Resource::Cpu, seconds, seconds + 1)?;
        }
        if let Some(files) = self.open_files {
            lower(Resource::Nofile, files, files)?;
        }
        // When the machine has no memory left, the plugin goes before the host. A system that has
        // no such file decides by itself.
        let _ = fs::write("/proc/self/oom_score_adj", "1000");
        Ok(())
    }
}

/// Lowers a limit; one that is lower already stays.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let least = |now: Option<u64>, new: u64| Some(now.map_or(new, |now| now.min(new)));
    let new = Rlimit { current: least(now.current, soft), maximum: least(now.maximum, hard) };
    Ok(setrlimit(resource, new)?)
}

fn physical_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_at_least_a_second() {
        let limits = Limits { cpu_time: Some(Duration::from_millis(20)), ..Limits::default() };
        assert_eq!(Imposed::from(&limits).cpu_time_s, Some(1));
    }

    #[test]
    fn the_memory_of_the_machine_is_known() {
        assert!(physical_memory().is_some_and(|bytes| bytes > 64 << 20));
    }
}
