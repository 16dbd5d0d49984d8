//! Normal numbers from a seed and a place.

use std::f64::consts::TAU;

/// A number of the normal distribution with mean 0 and variance 1: the same for the same seed and
/// place, independent for others. By the transform of Box and Muller (Annals of Mathematical
/// Statistics 29, 610, 1958).
pub(crate) fn normal(seed: u64, place: u64) -> f64 {
    let key = mixed(seed ^ 0x6573_7469_6d61_7465);
    let (a, b) = (mixed(key ^ (2 * place)), mixed(key ^ (2 * place + 1)));
    // In (0, 1], so that there is a logarithm.
    let uniform = |bits: u64| ((bits >> 11) + 1) as f64 * 2.0_f64.powi(-53);
    (-2.0 * uniform(a).ln()).sqrt() * (TAU * uniform(b)).cos()
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
        // 400 seeds of 100 places each. The bounds are six standard errors wide: they fail for two
        // choices of constants in a thousand million.
        let all: Vec<f64> =
            (0..400).flat_map(|seed| (0..100).map(move |place| normal(seed, place))).collect();
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
