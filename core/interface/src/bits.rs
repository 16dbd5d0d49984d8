//! Bit order, stated once.
//!
//! Qubit 0 is the least significant bit of a basis state's index: of two qubits, index 1 (`01`)
//! has qubit 0 set. Classical bit 0 is the rightmost character of a bit string. Registers are
//! joined by spaces, the last one declared first, so that the whole reads like one number. This
//! is Qiskit's order.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::circuit::Register;

/// A string of classical bits of any width, which is also an unsigned number: bit `i` has weight
/// `2^i` and is the `i`-th character from the right.
///
/// Ordered by width, then by value. Up to 64 bits need no allocation.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct BitString {
    width: u32,
    low: u64,
    /// Bits 64 and above; empty up to a width of 64. Unused top bits are always 0.
    high: Box<[u64]>,
}

impl BitString {
    /// `width` bits, all 0.
    #[inline]
    #[must_use]
    pub fn zeros(width: u32) -> Self {
        let high = vec![0; (width as usize).div_ceil(64).saturating_sub(1)].into_boxed_slice();
        Self { width, low: 0, high }
    }

    /// The lowest `width` bits of `value`; the rest of `value` is dropped.
    #[inline]
    #[must_use]
    pub fn from_u64(width: u32, value: u64) -> Self {
        let mut bits = Self::zeros(width);
        bits.low = if width >= 64 { value } else { value & ((1 << width) - 1) };
        bits
    }

    /// The lowest `width` bits of a number given as 64-bit words, least significant first. Missing
    /// words are 0, surplus ones are dropped.
    #[must_use]
    pub fn from_words(width: u32, words: &[u64]) -> Self {
        let mut bits = Self::zeros(width);
        bits.low = words.first().copied().unwrap_or(0);
        for (to, from) in bits.high.iter_mut().zip(words.iter().skip(1)) {
            *to = *from;
        }
        bits.clear_unused();
        bits
    }

    /// The lowest `width` bits of a number given as bytes, least significant first.
    #[must_use]
    pub fn from_le_bytes(width: u32, bytes: &[u8]) -> Self {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        };
        let mut bits = Self::zeros(width);
        let mut words = bytes.chunks(8).map(word);
        bits.low = words.next().unwrap_or(0);
        bits.high.iter_mut().zip(words).for_each(|(to, from)| *to = from);
        bits.clear_unused();
        bits
    }

    /// The number of bits.
    #[inline]
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Bit `index`; false beyond the width.
    #[inline]
    #[must_use]
    pub fn get(&self, index: u32) -> bool {
        index < self.width && self.word(index / 64) >> (index % 64) & 1 == 1
    }

    /// Sets bit `index`.
    ///
    /// # Panics
    /// If `index` is not below the width.
    #[inline]
    pub fn set(&mut self, index: u32, value: bool) {
        assert!(index < self.width, "bit {index} of a bit string of {} bits", self.width);
        let word = match index / 64 {
            0 => &mut self.low,
            word => &mut self.high[word as usize - 1],
        };
        let mask = 1 << (index % 64);
        *word = if value { *word | mask } else { *word & !mask };
    }

    /// The 64-bit words, least significant first; one word even for width 0.
    pub fn words(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        std::iter::once(self.low).chain(self.high.iter().copied())
    }

    /// The value, if it fits 64 bits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        self.high.iter().all(|&word| word == 0).then_some(self.low)
    }

    /// The bits `start .. start + width` as a bit string of their own.
    #[must_use]
    pub fn slice(&self, start: u32, width: u32) -> Self {
        let mut part = Self::zeros(width);
        for index in 0..width {
            if self.get(start + index) {
                part.set(index, true);
            }
        }
        part
    }

    /// The value as hexadecimal, `0x` first, without leading zeros: the form of Qobj and Result
    /// documents.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let mut text = String::from("0x");
        let mut words = self.words().rev().skip_while(|&word| word == 0);
        match words.next() {
            None => text.push('0'),
            Some(first) => {
                text.push_str(&format!("{first:x}"));
                words.for_each(|word| text.push_str(&format!("{word:016x}")));
            }
        }
        text
    }

    /// Reads `0x…` as `width` bits.
    ///
    /// # Errors
    /// If the text is not hexadecimal after `0x`, or its value needs more than `width` bits.
    pub fn from_hex(width: u32, text: &str) -> Result<Self, BitStringError> {
        let bad = || BitStringError { text: text.to_owned(), expected: "a number like 0x1f" };
        let digits = text.strip_prefix("0x").or(text.strip_prefix("0X")).ok_or_else(bad)?;
        if digits.is_empty() {
            return Err(bad());
        }
        let mut bits = Self::zeros(width);
        for (place, digit) in digits.chars().rev().enumerate() {
            let digit = digit.to_digit(16).ok_or_else(bad)?;
            for bit in (0..4).filter(|bit| digit >> bit & 1 == 1) {
                let index = u32::try_from(place * 4 + bit).unwrap_or(u32::MAX);
                if index >= width {
                    let expected = "a number that fits the register";
                    return Err(BitStringError { text: text.to_owned(), expected });
                }
                bits.set(index, true);
            }
        }
        Ok(bits)
    }

    /// The bits as text with a space between registers, the last register first.
    ///
    /// Bits that belong to no register stand leftmost, as one group.
    #[must_use]
    pub fn to_register_string(&self, registers: &[Register]) -> String {
        let mut groups: Vec<String> = registers
            .iter()
            .map(|register| self.slice(register.start, register.size).to_string())
            .collect();
        let covered = registers.iter().map(|register| register.start + register.size).max();
        let covered = covered.unwrap_or(0);
        if covered < self.width {
            groups.push(self.slice(covered, self.width - covered).to_string());
        }
        groups.reverse();
        groups.join(" ")
    }

    fn word(&self, index: u32) -> u64 {
        if index == 0 { self.low } else { self.high[index as usize - 1] }
    }

    fn clear_unused(&mut self) {
        let used = self.width % 64;
        let mask = if used == 0 && self.width > 0 { u64::MAX } else { (1 << used) - 1 };
        match self.high.last_mut() {
            Some(top) => *top &= mask,
            None => self.low &= mask,
        }
    }
}

impl Ord for BitString {
    fn cmp(&self, other: &Self) -> Ordering {
        self.width
            .cmp(&other.width)
            .then_with(|| self.high.iter().rev().cmp(other.high.iter().rev()))
            .then_with(|| self.low.cmp(&other.low))
    }
}

impl PartialOrd for BitString {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String =
            (0..self.width).rev().map(|i| if self.get(i) { '1' } else { '0' }).collect();
        f.pad(&text)
    }
}

impl fmt::Debug for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for BitString {
    type Err = BitStringError;

    /// Reads `0110`; spaces between registers are skipped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').rev().collect();
        let width = u32::try_from(digits.len()).unwrap_or(u32::MAX);
        let mut bits = Self::zeros(width);
        for (index, digit) in (0..width).zip(digits) {
            match digit {
                b'0' => {}
                b'1' => bits.set(index, true),
                _ => {
                    let expected = "characters 0 and 1";
                    return Err(BitStringError { text: text.to_owned(), expected });
                }
            }
        }
        Ok(bits)
    }
}

/// A text that is not the bit string or number that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a bit string: expected {expected}")]
pub struct BitStringError {
    /// What was found.
    pub text: String,
    /// What was expected.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_agree() {
        let bits: BitString = "10 1".parse().unwrap();
        assert_eq!((bits.to_u64(), bits.width()), (Some(5), 3));
        assert_eq!(
            (bits.get(0), bits.get(1), bits.get(2), bits.get(3)),
            (true, false, true, false)
        );
        assert_eq!(bits.to_string(), "101");
        assert_eq!(BitString::from_u64(2, 7).to_string(), "11");
        assert!("12".parse::<BitString>().is_err());
        assert_eq!(BitString::zeros(0).to_string(), "");
    }

    #[test]
    fn widths_beyond_a_word_work_everywhere() {
        for width in [63, 64, 65, 127, 128, 129, 200] {
            let mut bits = BitString::zeros(width);
            bits.set(width - 1, true);
            bits.set(0, true);
            assert_eq!(BitString::from_hex(width, &bits.to_hex()).unwrap(), bits);
            assert_eq!(bits.to_string().parse::<BitString>().unwrap(), bits);
            let words: Vec<u64> = bits.words().collect();
            assert_eq!(BitString::from_words(width, &words), bits);
            assert!(bits > BitString::from_u64(width, 2));
            assert_eq!(bits.slice(width - 1, 1).to_u64(), Some(1));
        }
        assert_eq!(BitString::from_words(65, &[0, 3]).words().last(), Some(1));
    }

    #[test]
    fn hexadecimal_must_fit_the_width() {
        assert_eq!(BitString::from_hex(4, "0x0f").unwrap().to_u64(), Some(15));
        assert!(BitString::from_hex(3, "0xf").is_err());
        assert!(BitString::from_hex(3, "f").is_err());
        assert!(BitString::from_hex(3, "0x").is_err());
        assert_eq!(BitString::zeros(7).to_hex(), "0x0");
    }

    #[test]
    fn the_last_register_stands_first() {
        let registers = [Register::new("a", 0, 2), Register::new("b", 2, 1)];
        let bits: BitString = "001".parse().unwrap();
        assert_eq!(bits.to_register_string(&registers), "0 01");
        assert_eq!(bits.to_register_string(&registers[..1]), "0 01");
        assert_eq!(bits.to_register_string(&[]), "001");
    }
}
