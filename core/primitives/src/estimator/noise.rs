//! Normal numbers from a seed, an experiment and a place.

use std::f64::consts::TAU;

/// A number of the normal distribution with mean 0 and variance 1: the same for the same seed,
/// experiment and place, independent for others. By the transform of Box and Muller (Annals of
/// Mathematical Statistics 29, 610, 1958).
pub(crate) fn normal(seed: u64, experiment: u64, place: u64) -> f64 {
    let key = mixed(mixed(seed ^ 0x6573_7469_6d61_7465) ^ experiment);
    let (a, b) = (mixed(key ^ (2 * place)), mixed(key ^ (2 * place + 1)));
    // In (0, 1], so that there is a logarithm.
    let uniform = |bits: u64| ((bits >> 11) + 1) as f64 * 2.0_f64.powi(-53);
    (-2.0 * uniform(a).ln()).sqrt() * (TAU * uniform(b)).cos()
}

/// A seed from the name of a job whose backend tells none (the function FNV-1a, RFC 9923).
pub(crate) fn seed_of(name: &str) -> u64 {
    let join = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, join)
}

/// The output function of splitmix64 (Steele, Lea and Flood, OOPSLA 2014), behind its increment.
fn mixed(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_normal() {
        // 20 seeds of 20 experiments with 100 places each. The bounds are six standard errors wide: they fail for two
        // choices of constants in a thousand million.
        let number = |at: u64| normal(at / 2000, at / 100 % 20, at % 100);
        let all: Vec<f64> = (0..40_000).map(number).collect();
        let mean = |of: &dyn Fn(f64) -> f64| all.iter().map(|x| of(*x)).sum::<f64>() / 40_000.0;
        assert!(mean(&|x| x).abs() < 6.0 / 200.0);
        assert!((mean(&|x| x * x) - 1.0).abs() < 6.0 * 2.0_f64.sqrt() / 200.0);
        let within = mean(&|x| f64::from(u8::from(x.abs() < 1.0)));
        assert!((within - 0.682_689).abs() < 6.0 * 0.466 / 200.0);
        // Neighbours have nothing in common.
        let pairs = all.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / 39_999.0;
        assert!(pairs.abs() < 6.0 / 200.0);
    }
}
