//! Numbers, texts and arrays as bytes: little-endian, whole numbers of unknown size as LEB128.

use num_complex::Complex64;
use serde_json::{Map, Value};

use super::DecodeError;
use crate::{BitString, circuit::MAX_QUBITS};

/// Bytes that grow.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn with_capacity(n_bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(n_bytes) }
    }

    pub(super) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A whole number in as few bytes as it needs, seven bits each, the lowest first.
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Numbers one after the other, which mostly take a byte each.
    #[inline]
    pub(super) fn numbers<const N: usize>(&mut self, values: [u64; N]) {
        if values.iter().all(|value| *value < 0x80) {
            self.bytes.extend_from_slice(&values.map(|value| value as u8));
        } else {
            values.into_iter().for_each(|value| self.number(value));
        }
    }

    pub(super) fn length(&mut self, value: usize) {
        self.number(value as u64);
    }

    pub(super) fn real(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn text(&mut self, value: &str) {
        self.length(value.len());
        self.bytes.extend_from_slice(value.as_bytes());
    }

    pub(super) fn optional_text(&mut self, value: Option<&str>) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            self.text(value);
        }
    }

    /// None as 0, else one more than the number.
    pub(super) fn optional_number(&mut self, value: Option<u64>) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            self.number(value);
        }
    }

    pub(super) fn json(&mut self, value: &Value) {
        self.text(&value.to_string());
    }

    /// Nothing for an empty object, so that the usual one costs a byte.
    pub(super) fn map(&mut self, value: &Map<String, Value>) {
        if value.is_empty() {
            self.length(0);
        } else {
            let text = serde_json::to_string(value).expect("a map with text keys is JSON");
            self.text(&text);
        }
    }

    pub(super) fn reals(&mut self, values: &[f64]) {
        self.length(values.len());
        self.bytes.reserve(values.len() * 8);
        values.iter().for_each(|value| self.real(*value));
    }

    pub(super) fn complexes(&mut self, values: &[Complex64]) {
        self.length(values.len());
        self.bytes.reserve(values.len() * 16);
        for value in values {
            self.real(value.re);
            self.real(value.im);
        }
    }

    pub(super) fn bits(&mut self, value: &BitString) {
        self.number(value.width().into());
        let n_bytes = value.width().div_ceil(8) as usize;
        if let (Some(word), 0..=8) = (value.to_u64(), n_bytes) {
            self.bytes.extend_from_slice(&word.to_le_bytes()[..n_bytes]);
            return;
        }
        let bytes = value.words().flat_map(u64::to_le_bytes);
        self.bytes.extend(bytes.take(n_bytes));
    }
}

type Read<T> = Result<T, DecodeError>;

/// Bytes that are left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    /// What is being read, for messages.
    pub(super) what: &'static str,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    /// What `read` reads. Whatever is read says itself where it ends, so bytes that begin as `last`
    /// did mean the same: then nothing is read, and what is shared is shared again.
    pub(super) fn same<T: Clone>(
        &mut self,
        last: &mut Option<(&'b [u8], T)>,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        if let Some((bytes, value)) = last
            && let Some(rest) = self.bytes.strip_prefix(*bytes)
        {
            self.bytes = rest;
            return Ok(value.clone());
        }
        let before = self.bytes;
        let value = read(self)?;
        *last = Some((&before[..before.len() - self.left()], value.clone()));
        Ok(value)
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn invalid(&self, found: impl ToString, expected: &'static str) -> DecodeError {
        DecodeError::Invalid { what: self.what, found: found.to_string(), expected }
    }

    pub(super) fn take(&mut self, n_bytes: u64) -> Read<&'b [u8]> {
        let split = usize::try_from(n_bytes).ok().and_then(|n| self.bytes.split_at_checked(n));
        let (taken, rest) = split.ok_or_else(|| self.truncated(n_bytes))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn truncated(&self, needed: u64) -> DecodeError {
        DecodeError::Truncated { what: self.what, needed, left: self.left() as u64 }
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) =
            self.bytes.split_first_chunk().ok_or_else(|| self.truncated(N as u64))?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn truth(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.invalid(other, "0 or 1")),
        }
    }

    pub(super) fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.invalid("more", "a number of at most 64 bits"))
    }

    /// Numbers one after the other, which mostly take a byte each.
    #[inline]
    pub(super) fn numbers<const N: usize>(&mut self) -> Read<[u64; N]> {
        if let Some((bytes, rest)) = self.bytes.split_first_chunk::<N>()
            && bytes.iter().all(|byte| *byte < 0x80)
        {
            self.bytes = rest;
            return Ok(bytes.map(u64::from));
        }
        let mut values = [0; N];
        for value in &mut values {
            *value = self.number()?;
        }
        Ok(values)
    }

    pub(super) fn small(&mut self) -> Read<u32> {
        let value = self.number()?;
        self.as_small(value)
    }

    pub(super) fn as_small(&self, value: u64) -> Read<u32> {
        u32::try_from(value).map_err(|_| self.invalid(value, "a number below 2^32"))
    }

    /// The number of items that follow, each of which takes at least `item` bytes: never more than
    /// there is room for, so that it is safe to allocate.
    pub(super) fn length(&mut self, item: usize) -> Read<usize> {
        let length = self.number()?;
        let needed = length.saturating_mul(item as u64);
        if needed > self.left() as u64 {
            return Err(self.truncated(needed));
        }
        // It is at most the number of bytes in memory, unless items take none.
        usize::try_from(length).map_err(|_| self.truncated(length))
    }

    pub(super) fn real(&mut self) -> Read<f64> {
        self.array().map(f64::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Read<&'b str> {
        let length = self.number()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.invalid("other bytes", "UTF-8"))
    }

    pub(super) fn string(&mut self) -> Read<String> {
        self.text().map(str::to_owned)
    }

    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Option<T>> {
        if self.truth()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn json(&mut self) -> Read<Value> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|source| DecodeError::Json { what: self.what, source })
    }

    pub(super) fn map(&mut self) -> Read<Map<String, Value>> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(Map::new());
        }
        serde_json::from_str(text).map_err(|source| DecodeError::Json { what: self.what, source })
    }

    /// A list whose items take at least `item` bytes each.
    pub(super) fn list<T>(
        &mut self,
        item: usize,
        mut read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let length = self.length(item)?;
        // What an item takes in memory can be more than in bytes: grow as they come.
        let mut items = Vec::with_capacity(length.min(4096));
        for _ in 0..length {
            items.push(read(self)?);
        }
        Ok(items)
    }

    pub(super) fn reals(&mut self) -> Read<Vec<f64>> {
        let length = self.length(8)?;
        Ok(reals(self.take(length as u64 * 8)?))
    }

    pub(super) fn complexes(&mut self) -> Read<Vec<Complex64>> {
        let length = self.length(16)?;
        Ok(complexes(self.take(length as u64 * 16)?))
    }

    pub(super) fn bits(&mut self) -> Read<BitString> {
        let width = self.width()?;
        let bytes = self.take(width.div_ceil(8).into())?;
        if width <= 64 {
            // Of mostly one or two bytes, which to copy would take longer.
            let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            return Ok(BitString::from_u64(width, word));
        }
        Ok(BitString::from_le_bytes(width, bytes))
    }

    /// A number of bits.
    pub(super) fn width(&mut self) -> Read<u32> {
        let width = self.small()?;
        let fits = width <= MAX_QUBITS;
        fits.then_some(width).ok_or_else(|| self.invalid(width, "at most 2^20 bits"))
    }

    /// Nothing is left.
    pub(super) fn finish(self) -> Read<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.invalid(format!("{left} more bytes"), "the end")),
        }
    }
}

/// All numbers in bytes whose length is a multiple of 8.
pub(super) fn reals(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|chunk| f64::from_le_bytes(first_8(chunk))).collect()
}

/// All numbers in bytes whose length is a multiple of 16.
pub(super) fn complexes(bytes: &[u8]) -> Vec<Complex64> {
    let part = |bytes: &[u8]| f64::from_le_bytes(first_8(bytes));
    let number = |chunk: &[u8]| Complex64::new(part(&chunk[..8]), part(&chunk[8..]));
    bytes.chunks_exact(16).map(number).collect()
}

fn first_8(chunk: &[u8]) -> [u8; 8] {
    *chunk.first_chunk().expect("chunks have at least 8 bytes")
}
