//! Memory for a state: aligned, zeroed, and refused rather than fatal when too large.

#![expect(unsafe_code, reason = "the buffer owns its memory")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use num_complex::Complex;

use crate::real::Real;
use crate::spare::{self, Spare};
use crate::threads::Threads;

/// The alignment of every buffer: a cache line, and the widest vector.
const ALIGN: usize = 64;

/// Bytes from which a buffer is mapped rather than allocated: two huge pages. Mapped
/// memory is zero without being touched, so that the threads that first use a page
/// bring it in, and may come in huge pages, which save translation misses.
const MAP_FROM: usize = 4 << 20;

/// Bytes of a huge page, which one thread brings in.
const HUGE_PAGE: usize = 2 << 20;

/// Bytes of the smallest page of any system.
const PAGE: usize = 4 << 10;

/// The memory could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not allocate {bytes} bytes")]
pub struct AllocError {
    /// How many bytes were asked for; `usize::MAX` stands for more.
    pub bytes: usize,
}

/// What an [`AlignedVec`] may hold: plain numbers, for which zero bytes mean zero.
///
/// # Safety
/// All-zero bytes are a valid value, nothing needs to be dropped, the size is not 0 and
/// the alignment is at most 64.
pub unsafe trait Element: Copy + Send + Sync + 'static {}

// SAFETY: an IEEE 754 number; zero bytes are +0.0.
unsafe impl Element for f32 {}
// SAFETY: as above.
unsafe impl Element for f64 {}
// SAFETY: `Real` is sealed, and `Complex` is `repr(C)` with two such numbers.
unsafe impl<T: Real> Element for Complex<T> {}

/// A buffer of fixed length, aligned to 64 bytes, in huge pages where it is large and
/// the system has them. Memory that is given back waits for the next buffer of its size, up to
/// 64 MiB in all.
///
/// Large buffers are mapped: the system may grant more than it has and find out later,
/// so compare with the memory that is free before asking for a great part of it.
pub struct AlignedVec<E: Element> {
    /// Dangling when `len` is 0.
    start: NonNull<E>,
    len: usize,
    owns: PhantomData<E>,
}

// SAFETY: the buffer owns its elements, which are `Send`.
unsafe impl<E: Element> Send for AlignedVec<E> {}
// SAFETY: a shared buffer only lends shared elements, which are `Sync`.
unsafe impl<E: Element> Sync for AlignedVec<E> {}

impl<E: Element> AlignedVec<E> {
    /// A buffer of `len` zeros.
    ///
    /// # Errors
    /// When the system has no such memory.
    pub fn try_zeroed(len: usize) -> Result<Self, AllocError> {
        let (buffer, is_zero) = Self::try_any(len)?;
        if !is_zero {
            Pages(buffer.start.as_ptr().cast()).clear(0..size_of_val(&buffer[..]));
        }
        Ok(buffer)
    }

    /// A buffer of `len` numbers of any value, and whether they are zeros.
    fn try_any(len: usize) -> Result<(Self, bool), AllocError> {
        let layout =
            Self::layout(len).ok_or(AllocError { bytes: len.saturating_mul(size_of::<E>()) })?;
        let (start, is_zero) = match spare::take(layout) {
            Some(start) => (start.cast(), false),
            None if layout.size() == 0 => (NonNull::dangling(), true),
            None => (zeroed(layout)?.cast(), true),
        };
        Ok((Self { start, len, owns: PhantomData }, is_zero))
    }

    /// A buffer of `len` zeros whose pages are in memory: brought in by all `threads` at
    /// once, for the system clears each page, which takes longer than a pass over it.
    ///
    /// # Errors
    /// When the system has no such memory.
    pub fn try_zeroed_on(threads: &Threads, len: usize) -> Result<Self, AllocError> {
        let (buffer, is_zero) = Self::try_any(len)?;
        let bytes = size_of_val(&buffer[..]);
        if bytes >= MAP_FROM || !is_zero {
            let pages = Pages(buffer.start.as_ptr().cast());
            threads.split(bytes.div_ceil(HUGE_PAGE), len, &|part| {
                let part = part.start * HUGE_PAGE..bytes.min(part.end * HUGE_PAGE);
                match is_zero {
                    true => part.step_by(PAGE).for_each(|offset| pages.touch(offset)),
                    false => pages.clear(part),
                }
            });
        }
        Ok(buffer)
    }

    /// A copy of `values`.
    ///
    /// # Errors
    /// When the system has no such memory.
    pub fn try_from_slice(values: &[E]) -> Result<Self, AllocError> {
        let (mut copy, _) = Self::try_any(values.len())?;
        copy.copy_from_slice(values);
        Ok(copy)
    }

    /// `None` when the size overflows.
    fn layout(len: usize) -> Option<Layout> {
        Layout::array::<E>(len).and_then(|layout| layout.align_to(ALIGN)).ok()
    }
}

impl<E: Element> Drop for AlignedVec<E> {
    fn drop(&mut self) {
        let layout = Self::layout(self.len).expect("the layout was valid when memory was had");
        if layout.size() > 0 {
            for spare in spare::keep(Spare { start: self.start.cast(), layout }) {
                // SAFETY: a spare buffer came from `zeroed` with its layout, here or before, and
                // who has the value is the only one to give it back.
                unsafe { free(spare.start, spare.layout) }
            }
        }
    }
}

impl<E: Element> Deref for AlignedVec<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        // SAFETY: `start` points to `len` elements, zeroed at first, or dangles for none.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<E: Element> DerefMut for AlignedVec<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as for `deref`, and `&mut self` makes the loan exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<E: Element> AsRef<[E]> for AlignedVec<E> {
    fn as_ref(&self) -> &[E] {
        self
    }
}

impl<E: Element> AsMut<[E]> for AlignedVec<E> {
    fn as_mut(&mut self) -> &mut [E] {
        self
    }
}

impl<E: Element> fmt::Debug for AlignedVec<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedVec").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Memory that nobody uses yet, each part of which one thread touches or clears.
struct Pages(*mut u8);

// SAFETY: the threads write to different pages of one buffer, which nobody reads meanwhile.
unsafe impl Sync for Pages {}

impl Pages {
    /// Writes the zero that is there already; `offset` must be within the buffer.
    fn touch(&self, offset: usize) {
        // SAFETY: `try_zeroed_on` keeps offsets below the size of its buffer, zeroed memory
        // that it has to itself, and each offset to one thread.
        unsafe { self.0.add(offset).write_volatile(0) }
    }

    /// Writes zeros; `part` must be within the buffer.
    fn clear(&self, part: Range<usize>) {
        // SAFETY: the callers keep to the size of a buffer that they have to themselves, and give
        // each part to one thread.
        unsafe { self.0.add(part.start).write_bytes(0, part.len()) }
    }
}

/// Memory of a size above 0, zeroed and aligned.
fn zeroed(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    let refused = AllocError { bytes: layout.size() };
    if layout.size() >= MAP_FROM
        && let Some(mapped) = map(layout.size())
    {
        return mapped.map_err(|_errno| refused);
    }
    // SAFETY: the size is not 0.
    NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(refused)
}

/// Gives back what `zeroed` gave.
///
/// # Safety
/// `start` came from `zeroed` with the same layout and is not used again.
unsafe fn free(start: NonNull<u8>, layout: Layout) {
    #[cfg(target_os = "linux")]
    if layout.size() >= MAP_FROM {
        // SAFETY: `zeroed` mapped exactly this range, and nobody uses it any more.
        let unmapped = unsafe { rustix::mm::munmap(start.as_ptr().cast(), layout.size()) };
        debug_assert!(unmapped.is_ok(), "a mapped range can be unmapped");
        return;
    }
    // SAFETY: `start` came from `alloc_zeroed` with this layout.
    unsafe { dealloc(start.as_ptr(), layout) }
}

/// Fresh zero pages, huge ones where the system allows; `None` on systems where
/// buffers are not mapped.
#[cfg(target_os = "linux")]
fn map(bytes: usize) -> Option<Result<NonNull<u8>, rustix::io::Errno>> {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a private mapping at an address that the system picks touches no other.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, access, MapFlags::PRIVATE) };
    Some(start.map(|start| {
        // SAFETY: the range was mapped above. A refusal only means small pages.
        let _ = unsafe { madvise(start, bytes, Advice::LinuxHugepage) };
        NonNull::new(start.cast()).expect("a mapping does not start at address 0")
    }))
}

#[cfg(not(target_os = "linux"))]
fn map(_bytes: usize) -> Option<Result<NonNull<u8>, AllocError>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zeroed_aligned_and_writable() {
        for len in [0, 1, 3, 64, 1000, MAP_FROM / 16, MAP_FROM / 16 + 1] {
            let mut buffer = AlignedVec::<Complex<f64>>::try_zeroed(len).unwrap();
            assert_eq!(buffer.len(), len);
            assert!(len == 0 || buffer.as_ptr().addr().is_multiple_of(ALIGN));
            assert!(buffer.iter().all(|z| *z == Complex::ZERO));
            buffer.fill(Complex::I);
            let copy = AlignedVec::try_from_slice(&buffer).unwrap();
            assert_eq!(copy.as_ref(), buffer.as_ref());
        }
    }

    #[test]
    fn pages_are_brought_in_by_any_number_of_threads() {
        for threads in [1, 2, 3] {
            let threads = Threads::new(threads).unwrap();
            for len in [0, 5, MAP_FROM / 16, MAP_FROM / 4 + 1] {
                let mut buffer = AlignedVec::<Complex<f64>>::try_zeroed_on(&threads, len).unwrap();
                assert_eq!(buffer.len(), len);
                assert!(buffer.iter().all(|z| *z == Complex::ZERO));
                buffer.fill(Complex::I);
            }
        }
    }

    #[test]
    fn a_buffer_that_was_used_before_is_zeroed_again() {
        let threads = Threads::new(2).unwrap();
        for len in [0, 1 << 12, 1 << 13, 1 << 19, 1 << 22, 1 << 23] {
            for round in 0..3 {
                let mut buffer = match round {
                    0 => AlignedVec::<Complex<f64>>::try_zeroed(len).unwrap(),
                    _ => AlignedVec::<Complex<f64>>::try_zeroed_on(&threads, len).unwrap(),
                };
                let other = AlignedVec::<Complex<f64>>::try_zeroed(len).unwrap();
                assert!(buffer.iter().chain(&other[..]).all(|z| *z == Complex::ZERO));
                buffer.fill(Complex::I);
                assert!(other.iter().all(|z| *z == Complex::ZERO));
            }
        }
    }

    #[test]
    fn too_large_a_buffer_is_an_error() {
        for len in [usize::MAX, usize::MAX / 16, 1 << 52] {
            let error = AlignedVec::<Complex<f64>>::try_zeroed(len).unwrap_err();
            assert!(error.bytes >= 1 << 56, "{error}");
        }
    }

    #[test]
    fn a_buffer_moves_between_threads() {
        let buffer = AlignedVec::<f32>::try_zeroed(1 << 21).unwrap();
        let sum = std::thread::spawn(move || buffer.iter().sum::<f32>()).join().unwrap();
        assert_eq!(sum, 0.0);
    }
}
