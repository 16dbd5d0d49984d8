//! Random words in bulk: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
//! easy as 1, 2, 3", SC 2011) for many counters at once.

/// Counters that are worked on side by side.
const LANES: usize = 32;

/// Words that one call makes.
const WORDS: usize = 2 * LANES;

/// A stream of random words: the same for the same seed and stream number on every machine.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    seed: u64,
    stream: u64,
    /// The counter of the next call.
    counter: u64,
    words: [u64; WORDS],
    used: usize,
}

impl Stream {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream, counter: 0, words: [0; WORDS], used: WORDS }
    }

    /// The next 64 random bits.
    #[inline(always)]
    pub(super) fn word(&mut self) -> u64 {
        if self.used == WORDS {
            self.refill();
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    #[inline(always)]
    fn refill(&mut self) {
        let start = self.counter;
        let stream = [self.stream as u32, (self.stream >> 32) as u32];
        let lane = |lane: usize| {
            let counter = start + lane as u64;
            // Counters of single shots have a last word below 2^31 unless there are more than
            // 2^63 shots, so the top bit sets these apart.
            [stream[0], counter as u32, stream[1], (counter >> 32) as u32 | 1 << 31]
        };
        self.words = philox(lane, [self.seed as u32, (self.seed >> 32) as u32]);
        self.counter += LANES as u64;
        self.used = 0;
    }
}

/// The ten rounds for all lanes. 32-bit numbers are kept in 64-bit ones, the width of products.
#[inline(always)]
fn philox(counter: impl Fn(usize) -> [u32; 4], key: [u32; 2]) -> [u64; WORDS] {
    const LOW: u64 = 0xffff_ffff;
    let counters: [[u32; 4]; LANES] = std::array::from_fn(counter);
    let mut c: [[u64; LANES]; 4] =
        std::array::from_fn(|word| std::array::from_fn(|lane| u64::from(counters[lane][word])));
    let mut key = key;
    for _ in 0..10 {
        let [k0, k1] = key.map(u64::from);
        let [c0, c1, c2, c3] = &mut c;
        for lane in 0..LANES {
            let (p0, p1) = (c0[lane] * 0xd251_1f53, c2[lane] * 0xcd9e_8d57);
            c0[lane] = p1 >> 32 ^ c1[lane] ^ k0;
            c1[lane] = p1 & LOW;
            c2[lane] = p0 >> 32 ^ c3[lane] ^ k1;
            c3[lane] = p0 & LOW;
        }
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    let mut words = [0; WORDS];
    for lane in 0..LANES {
        words[lane] = c[0][lane] << 32 | c[1][lane];
        words[LANES + lane] = c[2][lane] << 32 | c[3][lane];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their library Random123.
    #[test]
    fn known_answers() {
        let all = u32::MAX;
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5_e169_c58d, 0xbc57_ac4c_9b00_dbd8_u64]),
            ([all; 4], [all; 2], [0x408f_276d_41c8_3b0e, 0xa20b_c7c6_6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09_94fd_cceb, 0x5001_e420_2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            let words = philox(|_| counter, key);
            assert_eq!([words[5], words[LANES + 5]], expected);
        }
    }

    #[test]
    fn streams_do_not_repeat() {
        let mut words = Vec::new();
        for (seed, stream) in [(1, 0), (1, 1), (1, 1 << 32), (2, 0), (1 << 32, 0)] {
            let mut random = Stream::new(seed, stream);
            words.extend((0..3 * WORDS).map(|_| random.word()));
        }
        let n = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), n);
    }
}
