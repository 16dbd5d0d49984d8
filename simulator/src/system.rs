//! What the operating system knows: the one place of this crate that asks it.

use std::fs;

/// The bytes that this process can take without pushing others out; `None` where the system does
/// not say.
///
/// On Linux: the kernel's estimate, or less if the process's control group allows less.
#[must_use]
pub fn available_memory() -> Option<u64> {
    let free = meminfo("MemAvailable");
    let group = read_number("/sys/fs/cgroup/memory.max")
        .zip(read_number("/sys/fs/cgroup/memory.current"))
        .map(|(limit, used)| limit.saturating_sub(used));
    match (free, group) {
        (Some(free), Some(group)) => Some(free.min(group)),
        (free, group) => free.or(group),
    }
}

/// The bytes of memory that the machine, or the process's control group, has in all.
#[must_use]
pub fn total_memory() -> Option<u64> {
    let total = meminfo("MemTotal");
    let group = read_number("/sys/fs/cgroup/memory.max");
    match (total, group) {
        (Some(total), Some(group)) => Some(total.min(group)),
        (total, group) => total.or(group),
    }
}

fn meminfo(field: &str) -> Option<u64> {
    parse_meminfo(&fs::read_to_string("/proc/meminfo").ok()?, field)
}

/// The bytes of a field of `/proc/meminfo`, whose lines read `MemAvailable:   23068672 kB`.
fn parse_meminfo(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// A file that holds one number; `None` also for the word `max`, which stands for no limit.
fn read_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "MemTotal:       24000 kB\nMemFree: 1 kB\nMemAvailable:   23000 kB\n";
        assert_eq!(parse_meminfo(text, "MemAvailable"), Some(23000 * 1024));
        assert_eq!(parse_meminfo(text, "MemTotal"), Some(24000 * 1024));
        assert_eq!(parse_meminfo(text, "Mem"), None);
        assert_eq!(parse_meminfo("MemTotal: many kB", "MemTotal"), None);
    }

    #[test]
    fn some_memory_is_free_but_not_more_than_there_is() {
        let (available, total) = (available_memory().unwrap(), total_memory().unwrap());
        assert!(available > 0 && available <= total);
    }
}
