//! Bits of an index: insertion, walks over the groups of a gate, and bit maps.

use std::ops::Range;

/// Spreads `value` over the bits that `fixed` leaves free, in order, with 0 in the
/// fixed ones. With `fixed` = 0b010, 0b11 becomes 0b101.
pub(crate) fn insert_zeros(value: usize, fixed: usize) -> usize {
    let mut rest = fixed;
    let mut index = value;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        let below = bit - 1;
        index = ((index & !below) << 1) | (index & below);
        rest ^= bit;
    }
    index
}

/// The groups of amplitudes that a gate acts on one at a time.
///
/// The bits of an index are either free, and numbered by the group, or fixed: at the
/// value of a control, or at 0 where the kernel adds the offsets of its targets and
/// of the lanes of a vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    fixed: usize,
    value: usize,
    groups: usize,
}

impl Walk {
    /// A walk over the indices below `len`, a power of two above `fixed`.
    pub(crate) fn new(len: usize, fixed: usize, value: usize) -> Self {
        debug_assert!(len.is_power_of_two() && fixed < len && value & !fixed == 0);
        Self { fixed, value, groups: len >> fixed.count_ones() }
    }

    /// How many groups there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// The least index of each group of `range`, in ascending order.
    #[inline(always)]
    pub(crate) fn bases(&self, range: Range<usize>) -> Bases {
        debug_assert!(range.start <= range.end && range.end <= self.groups);
        Bases {
            cursor: insert_zeros(range.start, self.fixed),
            left: range.end - range.start,
            fixed: self.fixed,
            value: self.value,
        }
    }
}

/// The iterator of [`Walk::bases`].
#[derive(Clone, Debug)]
pub(crate) struct Bases {
    cursor: usize,
    left: usize,
    fixed: usize,
    value: usize,
}

impl Iterator for Bases {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let base = self.cursor | self.value;
        // With the fixed bits set, a carry runs through them into the next free bit.
        self.cursor = (self.cursor | self.fixed).wrapping_add(1) & !self.fixed;
        Some(base)
    }
}

/// A map from index to index that moves bits, by one table look-up for each byte.
#[derive(Debug)]
pub(crate) struct BitMap {
    tables: Vec<[usize; 256]>,
}

impl BitMap {
    /// Bit `j` of the answer is bit `positions[j]` of the index.
    pub(crate) fn gather(positions: &[usize]) -> Self {
        Self::new(positions.iter().enumerate().map(|(to, &from)| (from, to)))
    }

    /// Bit `positions[j]` of the answer is bit `j` of the index.
    pub(crate) fn scatter(positions: &[usize]) -> Self {
        Self::new(positions.iter().copied().enumerate())
    }

    fn new(moves: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut tables = vec![[0; 256]];
        for (from, to) in moves {
            let byte = from / 8;
            if tables.len() <= byte {
                tables.resize(byte + 1, [0; 256]);
            }
            for (input, output) in tables[byte].iter_mut().enumerate() {
                *output |= (input >> (from % 8) & 1) << to;
            }
        }
        Self { tables }
    }

    /// The whole map.
    #[inline]
    pub(crate) fn of(&self, index: usize) -> usize {
        let tables = self.tables.iter().enumerate();
        tables.fold(0, |image, (byte, table)| image | table[(index >> (8 * byte)) & 255])
    }

    /// The map of the lowest byte alone; OR it to the map of the rest.
    #[inline]
    pub(crate) fn lowest(&self) -> &[usize; 256] {
        &self.tables[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, as one would on paper.
    fn insert_zeros_slowly(mut value: usize, fixed: usize, bits: u32) -> usize {
        let mut index = 0;
        for bit in 0..bits {
            if fixed >> bit & 1 == 0 {
                index |= (value & 1) << bit;
                value >>= 1;
            }
        }
        index
    }

    #[test]
    fn insertion_is_right_for_every_mask_of_ten_bits() {
        for fixed in 0..1_usize << 10 {
            let free = 10 - fixed.count_ones();
            for value in 0..1 << free {
                let expected = insert_zeros_slowly(value, fixed, 10);
                assert_eq!(insert_zeros(value, fixed), expected, "{value:b} past {fixed:b}");
            }
        }
    }

    #[test]
    fn a_walk_visits_the_indices_whose_fixed_bits_read_the_value() {
        for fixed in 0..1_usize << 7 {
            // Every subset of `fixed` serves as a value.
            let mut value = 0;
            loop {
                let walk = Walk::new(1 << 7, fixed, value);
                let expected: Vec<usize> = (0..1 << 7).filter(|i| i & fixed == value).collect();
                assert_eq!(walk.groups(), expected.len());
                assert_eq!(walk.bases(0..walk.groups()).collect::<Vec<_>>(), expected);
                let middle = walk.groups() / 3;
                assert!(walk.bases(middle..walk.groups()).eq(expected[middle..].iter().copied()));
                value = value.wrapping_sub(fixed) & fixed;
                if value == 0 {
                    break;
                }
            }
        }
    }

    #[test]
    fn the_last_index_of_the_address_space_does_not_overflow() {
        let fixed = usize::MAX >> 1;
        let walk = Walk { fixed, value: 0, groups: 2 };
        assert_eq!(walk.bases(0..2).collect::<Vec<_>>(), [0, fixed + 1]);
    }

    #[test]
    fn bit_maps_move_bits_both_ways() {
        let positions = [9, 0, 17, 8];
        let (gather, scatter) = (BitMap::gather(&positions), BitMap::scatter(&positions));
        for packed in 0..16 {
            let spread = scatter.of(packed);
            let expected = positions.iter().enumerate().map(|(j, p)| (packed >> j & 1) << p).sum();
            assert_eq!(spread, expected);
            assert_eq!(gather.of(spread | 1 << 5), packed);
            assert_eq!(gather.of(spread & !255) | gather.lowest()[spread & 255], packed);
        }
    }
}
