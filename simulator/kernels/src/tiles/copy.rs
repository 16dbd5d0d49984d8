//! Copying between a state and tiles, run by run.

#![expect(
    unsafe_code,
    reason = "runs are copied through pointers, ahead of which lines are fetched"
)]

use num_complex::Complex;

use crate::gates::Shared;
use crate::index::BitMap;
use crate::real::Real;

/// Bytes ahead of the copy that the lines of the state are asked for: memory takes about
/// this long to answer, and the hardware does not guess where the next run is.
const AHEAD: usize = 4096;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// The pieces of a tile that are consecutive in the state.
pub(super) struct Runs {
    len: usize,
    starts: BitMap,
}

impl Runs {
    /// The runs of tiles whose bit `j` is bit `bits[j]` of the state.
    pub(super) fn new(bits: &[usize]) -> Self {
        let low = bits.iter().enumerate().take_while(|(j, bit)| j == *bit).count();
        Self { len: 1 << low, starts: BitMap::scatter(&bits[low..]) }
    }

    /// Reads the tile at `base`.
    ///
    /// # Safety
    /// `base` is the base of a tile of `state` whose bits are those of these runs, which
    /// no other thread writes to.
    pub(super) unsafe fn read<T: Real>(
        &self,
        state: &Shared<'_, T>,
        base: usize,
        tile: &mut [Complex<T>],
    ) {
        let ahead = self.ahead::<T>();
        for (number, run) in tile.chunks_exact_mut(self.len).enumerate() {
            self.fetch::<T, false>(state, base, number + ahead);
            // SAFETY: the base and the start of a run, which has only bits of the tile, make
            // an index of the state, and so for the whole run, whose bits both leave 0.
            let from = unsafe { state.at(base | self.starts.of(number)) };
            // SAFETY: the run is in the state, and `run` is other memory of its length.
            unsafe { from.copy_to_nonoverlapping(run.as_mut_ptr(), self.len) };
        }
    }

    /// Writes the tile at `base`.
    ///
    /// # Safety
    /// As for [`Runs::read`], and no other thread reads from the tile either.
    pub(super) unsafe fn write<T: Real>(
        &self,
        state: &Shared<'_, T>,
        base: usize,
        tile: &[Complex<T>],
    ) {
        let ahead = self.ahead::<T>();
        for (number, run) in tile.chunks_exact(self.len).enumerate() {
            self.fetch::<T, true>(state, base, number + ahead);
            // SAFETY: as for reading.
            let to = unsafe { state.at(base | self.starts.of(number)) };
            // SAFETY: as for reading.
            unsafe { to.copy_from_nonoverlapping(run.as_ptr(), self.len) };
        }
    }

    /// Runs ahead of the copy that are asked for.
    fn ahead<T>(&self) -> usize {
        (AHEAD / (self.len * size_of::<Complex<T>>())).max(1)
    }

    /// Asks for the lines of a run; one beyond the tile wraps around into it.
    #[inline(always)]
    fn fetch<T, const WRITE: bool>(&self, state: &Shared<'_, T>, base: usize, number: usize) {
        // SAFETY: the start of a run has only bits of the tile.
        let start = unsafe { state.at(base | self.starts.of(number)) }.cast::<i8>().cast_const();
        let bytes = self.len * size_of::<Complex<T>>();
        for offset in (0..bytes).step_by(LINE) {
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
                let line = start.wrapping_add(offset);
                if WRITE {
                    // SAFETY: a prefetch does not fault, wherever it points to.
                    unsafe { _mm_prefetch::<_MM_HINT_ET0>(line) }
                } else {
                    // SAFETY: as above.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(line) }
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = (start, offset);
        }
    }
}
