//! Memory that two processes share: written once, sealed, then only read.
//!
//! The receiver trusts nothing of it but what the kernel promises: that it is sealed against
//! writing and shrinking, so that what was checked stays as it is and reading never faults; and
//! that it is all there, so that a sender cannot make the receiver pay for memory that it never
//! had itself.

#![expect(unsafe_code, reason = "mapping memory and looking at it as numbers")]

use std::{
    fs::File,
    io,
    marker::PhantomData,
    ops::Range,
    os::{
        fd::OwnedFd,
        unix::fs::{FileExt, MetadataExt},
    },
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

use ketch_core::{Array, Complex64};
use rustix::{
    fs::{MemfdFlags, fcntl_get_seals, memfd_create},
    mm::{MapFlags, ProtFlags, mmap, munmap},
};

use crate::platform::{SEALS, seal};

/// Memory with a descriptor that another process can be given.
#[derive(Debug)]
pub(super) struct Memory(File);

impl Memory {
    pub(super) fn new() -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        Ok(Self(File::from(memfd_create("ketch frame", flags)?)))
    }

    /// Written instead of mapped: the kernel copies into fresh pages without a fault for each.
    pub(super) fn write(&self, bytes: &[u8], at: usize) -> io::Result<()> {
        self.0.write_all_at(bytes, at as u64)
    }

    /// From now on nobody can change it.
    pub(super) fn sealed(self) -> io::Result<Self> {
        seal(&self.0)?;
        Ok(self)
    }
}

impl From<OwnedFd> for Memory {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor.into())
    }
}

impl std::os::fd::AsFd for Memory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sealed memory of another process, readable in this one.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory is sealed against writing, so that all threads may read it at once, and
// unmapping it is possible from any thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps all of it, or says what is wrong with it.
    pub(super) fn of(memory: &Memory) -> Result<Self, String> {
        let told = |error: io::Error| error.to_string();
        // Other files than memory of this kind have no seals at all.
        let seals = fcntl_get_seals(&memory.0).map_err(|error| told(error.into()))?;
        if !seals.contains(SEALS) {
            return Err("it is not sealed".to_owned());
        }
        let metadata = memory.0.metadata().map_err(told)?;
        // Memory with holes would be taken from this process when it reads them.
        if metadata.size() > metadata.blocks().saturating_mul(512) {
            return Err("it has holes".to_owned());
        }
        let length = usize::try_from(metadata.size()).ok().filter(|length| *length > 0);
        let length = length.ok_or("it has no size")?;
        // SAFETY: a new mapping of `length` bytes, which is not 0, at an address of the kernel's
        // choice; it replaces nothing. Private, because older kernels refuse to share what is
        // sealed against writing; without writing that is the same.
        let start =
            unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, memory, 0) };
        let start = start.map_err(|error| told(error.into()))?;
        let start = NonNull::new(start.cast()).ok_or("it was mapped at address 0")?;
        Ok(Self { start, length })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `of` mapped `length` bytes at `start` to be read, from memory that has as many
        // and that is sealed against shrinking and writing; `drop` alone unmaps it.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping that `of` made, which nobody looks at any more: `bytes` borrows it.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

/// Types for which all bytes are a value and that have no padding.
pub(super) trait Plain: Copy + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for f64 {}
impl Plain for Complex64 {}

pub(super) fn bytes_of<T: Plain>(elements: &[T]) -> &[u8] {
    // SAFETY: `T: Plain` has no padding, so all bytes of the slice are initialised; the length in
    // bytes is the slice's own.
    unsafe { slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// A part of a mapping, as numbers.
pub(super) struct Mapped<T> {
    mapping: Arc<Mapping>,
    at: Range<usize>,
    element: PhantomData<fn() -> T>,
}

impl<T: Plain> Mapped<T> {
    /// The bytes of this range, which must begin at a multiple of 64 and hold whole elements.
    ///
    /// # Panics
    /// If the range breaks these rules, or leaves the mapping.
    pub(super) fn array(mapping: &Arc<Mapping>, at: Range<usize>) -> Array<T> {
        let bytes = &mapping.bytes()[at.clone()];
        assert!(bytes.len().is_multiple_of(size_of::<T>()), "whole elements");
        assert!(bytes.as_ptr().addr().is_multiple_of(align_of::<T>()), "aligned");
        Array::from_owner(Self { mapping: Arc::clone(mapping), at, element: PhantomData })
    }
}

impl<T: Plain> AsRef<[T]> for Mapped<T> {
    fn as_ref(&self) -> &[T] {
        let bytes = &self.mapping.bytes()[self.at.clone()];
        // SAFETY: `array` checked for this very range that the bytes are aligned and whole
        // elements; `T: Plain` admits all bytes.
        unsafe { slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) }
    }
}
