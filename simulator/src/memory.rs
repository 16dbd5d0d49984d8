//! How much memory a run needs, and how much there is.

use std::fmt;

use crate::Error;

/// A number of bytes for people: `512 GiB`.
pub(crate) struct Bytes(pub(crate) u128);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 9] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
        let mut unit = 0;
        let mut number = self.0 as f64;
        while number >= 1024.0 && unit + 1 < UNITS.len() {
            number /= 1024.0;
            unit += 1;
        }
        let decimals = usize::from(unit > 0 && number < 10.0 && number.fract() >= 0.05);
        write!(f, "{number:.decimals$} {}", UNITS[unit])
    }
}

/// Bytes that are taken without asking the system, which takes longer than a small circuit.
pub(crate) const SMALL: u128 = 16 << 20;

/// The memory that a run may take, in bytes: what the options allow, or what is free.
pub(crate) fn allowance(max_memory: Option<u64>) -> u64 {
    max_memory.unwrap_or_else(|| crate::system::available_memory().unwrap_or(u64::MAX))
}

/// `elements * 2^n_bits * bytes`, as large as it can be said.
pub(crate) fn power_of_two_bytes(n_bits: u64, bytes: u64) -> u128 {
    let exponent = u32::try_from(n_bits).unwrap_or(u32::MAX);
    // Beyond 2^100 the exact number helps nobody.
    u128::from(bytes) << exponent.min(100)
}

/// Refuses what is larger than the allowance.
pub(crate) fn require(
    what: impl FnOnce() -> String,
    needed: u128,
    available: u64,
    advice: &'static str,
) -> Result<(), Error> {
    if needed <= u128::from(available) {
        return Ok(());
    }
    Err(Error::InsufficientMemory { what: what(), needed, available, advice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_well() {
        let cases = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1 << 10, "1 KiB"),
            (3 << 29, "1.5 GiB"),
            (512 << 30, "512 GiB"),
            (u128::from(u64::MAX), "16 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn any_number_of_qubits_has_a_size() {
        assert_eq!(power_of_two_bytes(30, 16), 16 << 30);
        assert!(power_of_two_bytes(u64::MAX, 16) > u128::from(u64::MAX));
    }
}
