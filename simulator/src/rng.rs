//! Random numbers that depend on what they are for and not on who draws them.
//!
//! Philox2x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! SC 2011) turns a key and a counter into 128 random bits. The key is the experiment's seed; the
//! counter says which pair of shots asks, and for which of the random choices on a shot's own path.
//! So the same seed gives the same outcomes for any number of threads and any split of the shots.

/// The shots that are run one after the other in a copy of the state.
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

    /// The numbers for the next random choice of each of these shots, which made as many before.
    pub(crate) fn uniforms(&mut self, shots: &[u64]) -> Vec<f64> {
        let numbers = shots.iter().map(|&shot| uniform(self.seed, shot, self.site)).collect();
        self.site = self.site.wrapping_add(1);
        numbers
    }

    /// The number for the next random choice, uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        let number = uniform(self.seed, self.shot, self.site);
        self.site = self.site.wrapping_add(1);
        number
    }
}

/// Random bits one after the other, for choices that are made in one order only, on one thread.
#[derive(Debug)]
pub(crate) struct Stream {
    seed: u64,
    site: u64,
    /// The pairs that were made.
    n_pairs: u64,
    /// The pair that was made last, and how much of it was given out.
    batch: [u64; BATCH],
    given: usize,
}

/// The words of a pair.
const BATCH: usize = 2;

impl Stream {
    /// The stream for a purpose: its site must be used for nothing else.
    pub(crate) fn new(seed: u64, site: u64) -> Self {
        Self { seed, site, n_pairs: 0, batch: [0; BATCH], given: BATCH }
    }

    /// One of 2^32 streams for a purpose, each of which gives fewer than 2^32 numbers.
    pub(crate) fn numbered(seed: u64, site: u64, number: u64) -> Self {
        Self { n_pairs: number << 32, ..Self::new(seed, site) }
    }

    /// The next 64 bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        if self.given == BATCH {
            self.batch = pair(self.seed, self.n_pairs, self.site);
            self.n_pairs += 1;
            self.given = 0;
        }
        self.given += 1;
        self.batch[self.given - 1]
    }

    /// The next number, uniform in [0, 1).
    #[inline]
    pub(crate) fn uniform(&mut self) -> f64 {
        to_uniform(self.bits())
    }

    /// The next whole number below `end`, each with the same probability (Lemire, "Fast random
    /// integer generation in an interval", ACM TOMACS 29, 2019).
    ///
    /// # Panics
    /// If `end` is 0.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let mut product = u128::from(self.bits()) * u128::from(end);
        if (product as u64) < end {
            // As many values of the lower half as would favour some numbers are thrown away.
            let surplus = end.wrapping_neg() % end;
            while (product as u64) < surplus {
                product = u128::from(self.bits()) * u128::from(end);
            }
        }
        (product >> 64) as u64
    }
}

/// The number for random choice `site` of `shot`, uniform in [0, 1) with 53 bits.
pub(crate) fn uniform(seed: u64, shot: u64, site: u64) -> f64 {
    to_uniform(pair(seed, shot / 2, site)[(shot % 2) as usize])
}

/// The random bits for choice `site` of the shots `2 * pair` and `2 * pair + 1`.
pub(crate) fn pair(seed: u64, pair: u64, site: u64) -> [u64; 2] {
    philox([pair, site], seed)
}

/// Random bits as a number, uniform in [0, 1): the upper 53 bits.
pub(crate) fn to_uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// The ten rounds of Philox2x64.
fn philox(mut counter: [u64; 2], mut key: u64) -> [u64; 2] {
    for _ in 0..10 {
        let product = u128::from(counter[0]) * 0xd2b7_4407_b1ce_6e93;
        counter = [(product >> 64) as u64 ^ key ^ counter[1], product as u64];
        key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their library Random123.
    #[test]
    fn known_answers() {
        let all = u64::MAX;
        let cases = [
            ([0; 2], 0, [0xca00_a045_9843_d731, 0x66c2_4222_c9a8_45b5]),
            ([all; 2], all, [0x65b0_21d6_0cd8_310f, 0x4d02_f322_2f86_df20]),
            (
                [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344],
                0xa409_3822_299f_31d0,
                [0x0a5e_742c_2997_341c, 0xb0f8_83d3_8000_de5d],
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

    #[test]
    fn a_stream_gives_the_bits_of_its_pairs() {
        let mut stream = Stream::new(7, 3);
        for bits in (0..20).flat_map(|n| pair(7, n, 3)) {
            assert_eq!(stream.bits(), bits);
        }
    }

    /// Each of 5 numbers within 5 standard deviations of a fifth of the draws: a false alarm in
    /// 350,000 seeds.
    #[test]
    fn whole_numbers_are_as_likely_as_each_other() {
        let mut stream = Stream::new(1, 0);
        let mut seen = [0_i32; 5];
        (0..50_000).for_each(|_| seen[stream.below(5) as usize] += 1);
        assert!(seen.iter().all(|n| (n - 10_000).abs() < 447), "{seen:?}");
        // Half of all bits fall into the surplus of this one.
        let end = (1 << 63) + 1;
        assert!((0..1000).all(|_| stream.below(end) < end));
        assert_eq!(stream.below(1), 0);
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
