//! Random numbers that depend on what they are for and not on who draws them.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! SC 2011) turns a key and a counter into 128 random bits. The key is the experiment's seed; the
//! counter says which shot asks, and for which of the random choices on that shot's own path. So
//! the same seed gives the same outcomes for any number of threads and any split of the shots.

/// The 64 shots of a block share a counter but for the lane.
pub(crate) const SHOTS_PER_BLOCK: u64 = 64;

/// The random numbers of one shot.
#[derive(Clone, Debug)]
pub(crate) struct ShotRandom {
    seed: u64,
    shot: u64,
    site: u64,
}

impl ShotRandom {
    pub(crate) fn new(seed: u64, shot: u64) -> Self {
        Self { seed, shot, site: 0 }
    }

    /// The number for the next random choice, uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        let number = uniform(self.seed, self.shot, self.site);
        self.site = self.site.wrapping_add(1);
        number
    }
}

/// The number for random choice `site` of `shot`, uniform in [0, 1) with 53 bits.
pub(crate) fn uniform(seed: u64, shot: u64, site: u64) -> f64 {
    let (block, lane) = (shot / SHOTS_PER_BLOCK, shot % SHOTS_PER_BLOCK);
    // Two lanes share the 128 bits. The block has 58 bits, so its upper part leaves 5 for the pair.
    let last = ((block >> 32) << 5 | lane >> 1) as u32;
    let random = philox(
        [block as u32, site as u32, (site >> 32) as u32, last],
        [seed as u32, (seed >> 32) as u32],
    );
    let half = if lane & 1 == 0 { [random[0], random[1]] } else { [random[2], random[3]] };
    let bits = u64::from(half[0]) << 32 | u64::from(half[1]);
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// The ten rounds of Philox4x32.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let product = |a: u32, b: u32| {
        let product = u64::from(a) * u64::from(b);
        ((product >> 32) as u32, product as u32)
    };
    for _ in 0..10 {
        let (high0, low0) = product(0xd251_1f53, counter[0]);
        let (high1, low1) = product(0xcd9e_8d57, counter[2]);
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their library Random123.
    #[test]
    fn known_answers() {
        let all = u32::MAX;
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([all; 4], [all; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn each_shot_and_site_has_its_own_number() {
        let mut numbers = Vec::new();
        for shot in (0..130).chain([1 << 37, 1 << 38, 1 << 39, u64::MAX]) {
            let mut random = ShotRandom::new(7, shot);
            numbers.extend((0..3).map(|_| random.uniform().to_bits()));
        }
        let n_numbers = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), n_numbers);
    }

    /// Mean 1/2 within 5 standard deviations: a false alarm in 1.7 million seeds.
    #[test]
    fn the_mean_is_a_half() {
        let n = 100_000;
        let mean = (0..n).map(|shot| uniform(3, shot, 1)).sum::<f64>() / n as f64;
        let deviation = (1.0 / 12.0 / n as f64).sqrt();
        assert!((mean - 0.5).abs() < 5.0 * deviation, "mean {mean}");
    }
}
