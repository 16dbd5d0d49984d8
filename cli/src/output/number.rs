//! Numbers as people read them.

use std::time::Duration;

use ketch::{BitString, Complex64};

/// A share of a whole: ` 49.8 %`; what would read as nothing is written as `2e-3 %`.
pub(crate) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent > 0.0 && percent < 0.05 {
        return format!("{:>5} %", format!("{percent:.0e}"));
    }
    format!("{percent:5.1} %")
}

/// An amplitude with six decimals: `0.707107-0.500000i`.
pub(crate) fn complex(value: Complex64) -> String {
    let part = |x: f64| if x.abs() < 5e-7 { 0.0 } else { x };
    format!("{:.6}{:+.6}i", part(value.re), part(value.im))
}

/// A number without the last digits, which rounding leaves: `1.5` for 1.5000000000000004.
pub(crate) fn real(value: f64) -> String {
    if value != 0.0 && !(1e-6..1e9).contains(&value.abs()) {
        return format!("{value:e}");
    }
    let text = format!("{value:.12}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time to three digits or so: `0.4 ms`, `12 ms`, `3.25 s`, `2 min 5 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ if seconds < 60.0 => format!("{seconds:.1} s"),
        _ => {
            let whole = time.as_secs();
            format!("{} min {} s", whole / 60, whole % 60)
        }
    }
}

/// A whole number of something: `1 shot`, `1024 shots`.
pub(crate) fn count_of(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A number of bytes: `512 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 100.0);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A basis state of `n_qubits` qubits by its index: `|011⟩`.
pub(crate) fn ket(n_qubits: u32, index: usize) -> String {
    format!("|{}⟩", BitString::from_u64(n_qubits, index as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(percent(0.5), " 50.0 %");
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!((percent(0.0), percent(1.6e-5)), ("  0.0 %".into(), " 2e-3 %".into()));
        assert_eq!(complex(Complex64::new(-1e-17, -0.5)), "0.000000-0.500000i");
        assert_eq!(real(1.5000000000000004), "1.5");
        assert_eq!((real(-20.0), real(0.0), real(2e-9)), ("-20".into(), "0".into(), "2e-9".into()));
        assert_eq!(count_of(1, "shot"), "1 shot");
        assert_eq!(count_of(0, "shot"), "0 shots");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(24 << 30), "24.0 GiB");
        assert_eq!(bytes(512 << 20), "512 MiB");
        assert_eq!(ket(3, 3), "|011⟩");
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        let check = |ms, expected: &str| assert_eq!(duration(Duration::from_millis(ms)), expected);
        check(4, "4.0 ms");
        check(123, "123 ms");
        check(1250, "1.25 s");
        check(12_300, "12.3 s");
        check(125_400, "2 min 5 s");
    }
}
