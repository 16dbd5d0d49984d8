//! Numbers and texts from bytes, one after the other.
//!
//! Whatever a file says about its sizes, nothing is read beyond its end, and nothing is allocated
//! for more things than the bytes that are left could hold.

use crate::error::{Decoded, malformed};

/// A part of a file that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
}

macro_rules! numbers {
    ($($name:ident $order:ident;)*) => {
        $(pub(crate) fn $name(&mut self) -> Decoded<$name> {
            Ok($name::$order(self.array()?))
        })*
    };
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(file: &'a [u8]) -> Self {
        Self { file, at: 0, end: file.len() }
    }

    /// The place in the file.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.end - self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.end
    }

    /// The next bytes.
    pub(crate) fn bytes(&mut self, size: u64) -> Decoded<&'a [u8]> {
        match usize::try_from(size).ok().filter(|&size| size <= self.left()) {
            Some(size) => {
                let start = self.at;
                self.at += size;
                Ok(&self.file[start..self.at])
            }
            None => malformed(self.at, format!("{size} bytes expected, {} left", self.left())),
        }
    }

    /// The next bytes, to be read on their own.
    pub(crate) fn part(&mut self, size: u64) -> Decoded<Self> {
        let start = self.at;
        self.bytes(size)?;
        Ok(Self { file: self.file, at: start, end: self.at })
    }

    /// The next bytes as a text.
    pub(crate) fn text(&mut self, size: impl Into<u64>) -> Decoded<&'a str> {
        let start = self.at;
        std::str::from_utf8(self.bytes(size.into())?)
            .or_else(|_| malformed(start, "a text that is not UTF-8"))
    }

    /// A number of things that follow, each of which takes at least `size` bytes.
    pub(crate) fn count(&self, number: impl Into<u64>, size: usize) -> Decoded<usize> {
        let number = number.into();
        let fits = usize::try_from(number)
            .ok()
            .filter(|&n| n.checked_mul(size).is_some_and(|bytes| bytes <= self.left()));
        fits.map_or_else(
            || {
                let left = self.left();
                malformed(self.at, format!("{number} things of {size} bytes expected, {left} left"))
            },
            Ok,
        )
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let bytes = self.bytes(N as u64)?;
        Ok(bytes.try_into().expect("as many bytes as were asked for"))
    }

    /// A truth value of one byte.
    pub(crate) fn truth(&mut self) -> Decoded<bool> {
        Ok(self.u8()? != 0)
    }

    numbers! {
        u8 from_be_bytes;
        u16 from_be_bytes;
        u32 from_be_bytes;
        u64 from_be_bytes;
        i32 from_be_bytes;
        i64 from_be_bytes;
        f64 from_be_bytes;
        u128 from_be_bytes;
    }

    /// A number with the least significant byte first.
    pub(crate) fn i64_reversed(&mut self) -> Decoded<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A number with the least significant byte first.
    pub(crate) fn f64_reversed(&mut self) -> Decoded<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }
}
