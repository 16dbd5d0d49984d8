//! The outcomes of one classical register: every shot at every place of a pub.

use ketch_interface::{BitString, Counts, circuit::Register};

use crate::array::size;

/// The outcomes of one classical register, for each place of the pub and each shot, in the order in
/// which they were run.
///
/// Each takes `ceil(bits / 8)` bytes, the most significant first, with zeros before the highest bit:
/// the layout of Qiskit's `BitArray.array`, whose shape is that of the pub, then shots, then bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitArray {
    shape: Vec<usize>,
    n_shots: usize,
    n_bits: u32,
    bytes: Vec<u8>,
}

impl BitArray {
    /// Bytes in the layout above; `None` if there are more or fewer than the shape, the shots and
    /// the bits say.
    #[must_use]
    pub fn from_bytes(
        shape: Vec<usize>,
        n_shots: usize,
        n_bits: u32,
        bytes: Vec<u8>,
    ) -> Option<Self> {
        let expected = size(&shape).ok()?.checked_mul(n_shots)?.checked_mul(stride(n_bits))?;
        (bytes.len() == expected).then_some(Self { shape, n_shots, n_bits, bytes })
    }

    /// The shape of the pub.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of shots at each place.
    #[must_use]
    pub fn n_shots(&self) -> usize {
        self.n_shots
    }

    /// The number of bits of an outcome: the register's size.
    #[must_use]
    pub fn n_bits(&self) -> u32 {
        self.n_bits
    }

    /// The bytes: places, shots, bytes of an outcome, the last the fastest.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The outcomes at a place, shot by shot; places are counted in row-major order.
    ///
    /// # Panics
    /// If the pub has no such place.
    pub fn outcomes(&self, place: usize) -> impl ExactSizeIterator<Item = BitString> + '_ {
        let stride = stride(self.n_bits);
        let begin = place * self.n_shots * stride;
        let bytes = &self.bytes[begin..begin + self.n_shots * stride];
        (0..self.n_shots).map(move |shot| {
            let mut outcome = bytes[shot * stride..(shot + 1) * stride].to_vec();
            outcome.reverse();
            BitString::from_le_bytes(self.n_bits, &outcome)
        })
    }

    /// The outcomes at a place as text, shot by shot: bit 0 is the rightmost character.
    ///
    /// # Panics
    /// If the pub has no such place.
    pub fn bitstrings(&self, place: usize) -> impl ExactSizeIterator<Item = String> + '_ {
        self.outcomes(place).map(|outcome| outcome.to_string())
    }

    /// How often each outcome was seen at a place.
    ///
    /// # Panics
    /// If the pub has no such place.
    #[must_use]
    pub fn counts(&self, place: usize) -> Counts {
        Counts::from_outcomes(Vec::new(), self.outcomes(place).map(|outcome| (outcome, 1)))
    }

    /// How often each outcome was seen at all places together.
    #[must_use]
    pub fn total_counts(&self) -> Counts {
        let places = 0..size(&self.shape).expect("a shape that was checked");
        let outcomes = places.flat_map(|place| self.outcomes(place));
        Counts::from_outcomes(Vec::new(), outcomes.map(|outcome| (outcome, 1)))
    }
}

/// The outcomes of all registers, as they come in.
#[derive(Debug)]
pub(crate) struct Columns<'c> {
    registers: &'c [Register],
    bytes: Vec<Vec<u8>>,
}

impl<'c> Columns<'c> {
    /// None yet, of `n_outcomes` to come.
    pub(crate) fn new(registers: &'c [Register], n_outcomes: usize) -> Self {
        let bytes = registers
            .iter()
            .map(|register| Vec::with_capacity(n_outcomes.saturating_mul(stride(register.size))));
        Self { registers, bytes: bytes.collect() }
    }

    /// One shot more: all clbits, packed with the least significant byte first.
    pub(crate) fn push(&mut self, shot: &[u8]) {
        for (register, bytes) in self.registers.iter().zip(&mut self.bytes) {
            let end = bytes.len();
            bytes.resize(end + stride(register.size), 0);
            copy_bits(shot, register, &mut bytes[end..]);
        }
    }

    /// By the names of the registers.
    pub(crate) fn finish(self, shape: &[usize], n_shots: usize) -> Vec<(String, BitArray)> {
        let array = |(register, bytes): (&Register, _)| {
            let array = BitArray::from_bytes(shape.to_vec(), n_shots, register.size, bytes);
            (register.name.clone(), array.expect("as many shots as were announced"))
        };
        self.registers.iter().zip(self.bytes).map(array).collect()
    }
}

/// Copies a register's bits out of those of a shot, the most significant byte first.
fn copy_bits(shot: &[u8], register: &Register, to: &mut [u8]) {
    let byte = |index: usize| u32::from(shot.get(index).copied().unwrap_or(0));
    let (first, shift) = (register.start as usize / 8, register.start % 8);
    for (index, to) in to.iter_mut().rev().enumerate() {
        let two = byte(first + index) | byte(first + index + 1) << 8;
        *to = (two >> shift) as u8;
    }
    if let (Some(top), used @ 1..) = (to.first_mut(), register.size % 8) {
        *top &= (1 << used) - 1;
    }
}

/// The bytes of one outcome.
pub(crate) fn stride(n_bits: u32) -> usize {
    (n_bits as usize).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_is_big_endian_with_padding_before() {
        let bytes = vec![0b1, 0x02, 0x0, 0xff];
        let array = BitArray::from_bytes(vec![2], 1, 9, bytes).unwrap();
        assert_eq!(array.bitstrings(0).collect::<Vec<_>>(), ["100000010"]);
        assert_eq!(array.bitstrings(1).collect::<Vec<_>>(), ["011111111"]);
        assert_eq!(array.counts(1).get("011111111"), 1);
        assert_eq!(array.total_counts().total(), 2);
        assert!(BitArray::from_bytes(vec![2], 1, 9, vec![0; 3]).is_none());
        assert_eq!(BitArray::from_bytes(vec![], 3, 0, vec![]).unwrap().outcomes(0).len(), 3);
    }

    proptest! {
        #[test]
        fn registers_get_their_own_bits(
            sizes in prop::collection::vec(0_u32..40, 1..5),
            words in prop::collection::vec(any::<[u64; 3]>(), 1..4),
        ) {
            let mut start = 0;
            let mut register = |size| {
                start += size;
                Register::new("r", start - size, size)
            };
            let registers: Vec<Register> = sizes.into_iter().map(&mut register).collect();
            let shots: Vec<BitString> =
                words.iter().map(|words| BitString::from_words(start, words)).collect();
            let mut columns = Columns::new(&registers, shots.len());
            for shot in &shots {
                let bytes: Vec<u8> = shot.words().flat_map(u64::to_le_bytes).collect();
                columns.push(&bytes[..stride(start)]);
            }
            let arrays = columns.finish(&[], shots.len());
            for (register, (_, array)) in registers.iter().zip(arrays) {
                let expected: Vec<BitString> =
                    shots.iter().map(|shot| shot.slice(register.start, register.size)).collect();
                prop_assert_eq!(array.outcomes(0).collect::<Vec<_>>(), expected);
            }
        }
    }
}
