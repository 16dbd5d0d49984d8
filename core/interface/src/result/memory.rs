//! The outcome of every shot, in order.

use crate::{Array, BitString};

/// The outcome of every shot, in order, packed: each shot takes `ceil(width / 8)` bytes, the least
/// significant first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    width: u32,
    bytes: Array<u8>,
}

impl Memory {
    /// Packed shots of `width` bits; `None` if `bytes` is not a whole number of shots, or the width
    /// is 0.
    #[must_use]
    pub fn from_bytes(width: u32, bytes: Array<u8>) -> Option<Self> {
        let stride = Self::stride_of(width);
        (stride > 0 && bytes.len().is_multiple_of(stride)).then_some(Self { width, bytes })
    }

    /// The bytes that one shot of `width` bits takes.
    #[must_use]
    pub fn stride_of(width: u32) -> usize {
        (width as usize).div_ceil(8)
    }

    /// The number of bits of a shot.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The number of shots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / Self::stride_of(self.width).max(1)
    }

    /// There are no shots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The outcome of a shot; `None` beyond the last.
    #[must_use]
    pub fn shot(&self, index: usize) -> Option<BitString> {
        let stride = Self::stride_of(self.width);
        let bytes = self.bytes.get(index.checked_mul(stride)?..)?.get(..stride)?;
        (stride > 0).then(|| BitString::from_le_bytes(self.width, bytes))
    }

    /// All outcomes, in order.
    pub fn iter(&self) -> impl Iterator<Item = BitString> + '_ {
        (0..self.len()).filter_map(|index| self.shot(index))
    }

    /// The packed bytes.
    #[must_use]
    pub fn bytes(&self) -> &Array<u8> {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shots_are_packed_by_whole_bytes() {
        let memory = Memory::from_bytes(9, vec![5, 1, 255, 0].into()).unwrap();
        let shots: Vec<String> = memory.iter().map(|bits| bits.to_string()).collect();
        assert_eq!(shots, ["100000101", "011111111"]);
        assert_eq!(memory.shot(2), None);
        assert!(Memory::from_bytes(9, vec![1].into()).is_none());
        assert!(Memory::from_bytes(0, vec![].into()).is_none());
    }
}
