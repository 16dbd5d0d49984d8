//! Who owns a job: a process, told apart from every other that ever had its number.

use std::{fs, sync::OnceLock};

use rustix::time::{ClockId, clock_gettime};

/// How long a lease holds without a heartbeat, in milliseconds.
pub(crate) const LEASE_MS: i64 = 10_000;

/// How long a process may take to hand a job to a service. As long as it lives, and so long at most,
/// nobody else looks for the job there or sends it again.
pub(crate) const SENDING_MS: i64 = 600_000;

/// This process: the boot, the namespace of process numbers, the number, and when it began, in the
/// kernel's ticks since boot (proc(5)).
pub(crate) fn this_process() -> &'static str {
    static OWN: OnceLock<String> = OnceLock::new();
    OWN.get_or_init(|| {
        let pid = std::process::id();
        let start = start_of(&pid.to_string()).unwrap_or_default();
        format!("{}/{}/{pid}/{start}", boot(), namespace())
    })
}

/// Milliseconds since boot that do not count while the machine sleeps, so that a laptop's sleep
/// lets no lease lapse.
pub(crate) fn awake_ms() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// The owner cannot come back: its lease is over, or its process is gone.
///
/// A process of another boot or namespace cannot be looked at, and its clock is not ours; then the
/// lease is over at the wall-clock time.
pub(crate) fn is_gone(owner: &str, lease_awake: i64, lease_wall: i64, wall_now: i64) -> bool {
    let mut parts = owner.split('/');
    let (Some(its_boot), Some(its_namespace), Some(pid), Some(start)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return true;
    };
    if its_boot != boot() || its_namespace != namespace() {
        return wall_now > lease_wall;
    }
    start_of(pid).is_none_or(|found| found != start) || awake_ms() > lease_awake
}

/// The number of the process, if it is one of this machine's.
pub(crate) fn process_of(owner: &str) -> Option<u32> {
    let number = owner.strip_prefix(boot())?.strip_prefix('/')?.strip_prefix(namespace())?;
    number.strip_prefix('/')?.split('/').next()?.parse().ok()
}

fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        text.trim().to_owned()
    })
}

fn namespace() -> &'static str {
    static NAMESPACE: OnceLock<String> = OnceLock::new();
    NAMESPACE.get_or_init(|| {
        let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        link.to_string_lossy().replace('/', "-")
    })
}

/// When a process began; `None` if there is none of this number, or only what it left behind.
fn start_of(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.nth(18).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_until_its_lease_is_over() {
        let own = this_process();
        assert!(!is_gone(own, awake_ms() + LEASE_MS, 0, 0));
        assert!(is_gone(own, awake_ms() - 1, i64::MAX, 0));
        assert_eq!(process_of(own), Some(std::process::id()));
        assert_eq!(process_of("another-boot/x/1/1"), None);
    }

    #[test]
    fn a_process_that_ended_is_gone_at_once() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().to_string();
        let owner = format!("{}/{}/{pid}/{}", boot(), namespace(), start_of(&pid).unwrap());
        assert!(!is_gone(&owner, i64::MAX, 0, 0));
        let later = format!("{}/{}/{pid}/1", boot(), namespace());
        assert!(is_gone(&later, i64::MAX, 0, 0), "another process has the number");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_gone(&owner, i64::MAX, 0, 0));
    }

    #[test]
    fn what_cannot_be_looked_at_is_gone_when_its_time_is_over() {
        let owner = format!("another-boot/{}/1/1", namespace());
        assert!(!is_gone(&owner, 0, 100, 99));
        assert!(is_gone(&owner, i64::MAX, 100, 101));
        assert!(is_gone("", i64::MAX, i64::MAX, 0));
    }
}
