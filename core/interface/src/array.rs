//! Large numeric data that is shared and never copied on its way.

use std::{fmt, ops::Deref, sync::Arc};

/// An immutable, shared slice whose memory may belong to anybody: a `Vec` of this program, an
/// engine's aligned buffer, or a plugin's allocation that is given back when the last clone is
/// dropped. Cloning is cheap and never copies elements.
pub struct Array<T: 'static> {
    owner: Arc<dyn AsRef<[T]> + Send + Sync>,
}

impl<T: Send + Sync> Array<T> {
    /// Shares what `owner` lends, keeping `owner` alive as long as needed.
    ///
    /// `owner` must lend the same slice every time.
    pub fn from_owner(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Self {
        Self { owner: Arc::new(owner) }
    }
}

/// What the plugin boundary asks of every array that crosses: a cache line, and the widest vector
/// register.
const ALIGNMENT: usize = 64;

impl Array<u8> {
    /// The parts one after the other, from an address on that is a multiple of 64: what is there
    /// already need not be copied on its way to a plugin.
    pub fn aligned<'p>(parts: impl IntoIterator<Item = &'p [u8], IntoIter: Clone>) -> Self {
        let parts = parts.into_iter();
        let length: usize = parts.clone().map(<[u8]>::len).sum();
        let mut bytes: Vec<u8> = Vec::with_capacity(length + ALIGNMENT - 1);
        let start = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT - 1);
        bytes.resize(start, 0);
        parts.for_each(|part| bytes.extend_from_slice(part));
        Self::from_owner(Tail { bytes, start })
    }
}

/// Bytes from a place on.
struct Tail {
    bytes: Vec<u8>,
    start: usize,
}

impl AsRef<[u8]> for Tail {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl<T> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        (*self.owner).as_ref()
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

impl<T: Send + Sync> From<Vec<T>> for Array<T> {
    fn from(elements: Vec<T>) -> Self {
        Self::from_owner(elements)
    }
}

impl<T: Send + Sync> FromIterator<T> for Array<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        elements.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T: Send + Sync> Default for Array<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: PartialEq> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Array<T> {
    /// At most eight elements: a state vector in a log helps nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self.iter().take(8));
        if self.len() > 8 { list.finish_non_exhaustive() } else { list.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_together_at_an_aligned_place() {
        for n in [0, 1, 63, 64, 1000, 1 << 20] {
            let (first, second) = (vec![1; n], vec![2; 5]);
            let all = Array::aligned([&first[..], &second[..]]);
            assert!(all.as_ptr().addr().is_multiple_of(64), "{n} bytes");
            assert_eq!(*all, *[first, second].concat());
        }
        assert!(Array::aligned([]).is_empty());
    }
}
