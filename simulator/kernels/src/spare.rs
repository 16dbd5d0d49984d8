//! Large buffers that were given back and wait for the next of the same size.
//!
//! A page that comes from the system is cleared by it, on a fault: for a state of some megabytes,
//! this takes longer than many a pass over it.

#![expect(unsafe_code, reason = "memory without an owner is handed on by its address")]

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// Bytes of the smallest buffers that are kept: smaller ones the allocator keeps itself.
const FROM: usize = 64 << 10;

/// Bytes that are kept at most.
const MOST: usize = 64 << 20;

/// Memory without an owner.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) start: NonNull<u8>,
    pub(crate) layout: Layout,
}

// SAFETY: whoever has the value has the memory to himself; no thread owns it.
unsafe impl Send for Spare {}

/// What is kept, the latest last.
static KEPT: Mutex<Vec<Spare>> = Mutex::new(Vec::new());

/// A buffer of this layout that was kept; it holds what its last owner left in it.
pub(crate) fn take(layout: Layout) -> Option<NonNull<u8>> {
    if !(FROM..=MOST).contains(&layout.size()) {
        return None;
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let at = kept.iter().rposition(|spare| spare.layout == layout)?;
    Some(kept.remove(at).start)
}

/// Keeps a buffer, and gives back those that are too much, perhaps this one.
pub(crate) fn keep(spare: Spare) -> Vec<Spare> {
    if !(FROM..=MOST).contains(&spare.layout.size()) {
        return vec![spare];
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(spare);
    let mut bytes: usize = kept.iter().map(|spare| spare.layout.size()).sum();
    let too_many = kept.iter().take_while(|spare| {
        let is_too_much = bytes > MOST;
        bytes -= if is_too_much { spare.layout.size() } else { 0 };
        is_too_much
    });
    let n_too_many = too_many.count();
    kept.drain(..n_too_many).collect()
}
