//! Real linear maps on a few index bits of a real vector, many of them while a tile is in cache.
//!
//! A density matrix in the basis of Pauli strings is such a vector, and each gate and each channel
//! such a map; but nothing here knows of them. Stages cut the vector into tiles: the values whose
//! *local* index bits run through everything while the others stay. A tile is copied to memory of
//! its own, which a core's cache holds, goes through all maps of the stage, and is copied back.

#![expect(unsafe_code, reason = "threads write disjoint tiles of one vector")]

mod compiled;
mod run;

use std::{
    marker::PhantomData,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use self::{compiled::Compiled, run::run};
use crate::{
    AlignedVec, AllocError,
    dispatch::Kernels,
    index::insert_zeros,
    real::Real,
    simd::{Pass, Simd, Task},
    threads::Threads,
};

/// The lowest index bits, which are local in every stage: the most that a vector of any
/// instruction set spans.
pub const ALWAYS_LOCAL: usize = 4;

/// A real matrix on some bits of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct RealMap<T> {
    bits: Box<[usize]>,
    matrix: Box<[T]>,
}

impl<T: Real> RealMap<T> {
    /// A row-major matrix of `2^k` rows on `k` bits; `bits[0]` is the low bit of its index.
    ///
    /// # Panics
    /// If a bit is named twice or the matrix has not `4^k` entries.
    pub fn new(bits: &[usize], matrix: Vec<T>) -> Self {
        let mask = bits.iter().fold(0_usize, |mask, bit| mask | 1 << bit);
        assert_eq!(mask.count_ones() as usize, bits.len(), "a bit is named twice");
        assert_eq!(matrix.len(), 1 << (2 * bits.len()), "4^k entries for k bits");
        Self { bits: bits.into(), matrix: matrix.into() }
    }

    /// The bits that it acts on, as a mask.
    pub fn mask(&self) -> usize {
        self.bits.iter().fold(0, |mask, bit| mask | 1 << bit)
    }

    /// The same on other bits.
    fn mapped(&self, to: impl Fn(usize) -> usize) -> Self {
        Self { bits: self.bits.iter().map(|&bit| to(bit)).collect(), matrix: self.matrix.clone() }
    }
}

/// Maps that act on local bits only, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct MapStage<T> {
    local: usize,
    /// On the bits of a tile's index: the local bits in ascending order.
    maps: Vec<RealMap<T>>,
}

impl<T: Real> MapStage<T> {
    /// Maps on the bits of `local`, a mask of bits of the whole index.
    ///
    /// # Panics
    /// If a map acts on another bit.
    pub fn new(local: usize, maps: &[RealMap<T>]) -> Self {
        let inside = maps.iter().all(|map| map.mask() & !local == 0);
        assert!(inside, "a map acts on a bit that is not local");
        let place = |bit: usize| (local & ((1 << bit) - 1)).count_ones() as usize;
        Self { local, maps: maps.iter().map(|map| map.mapped(place)).collect() }
    }

    /// How many tiles a vector of `len` values has.
    pub fn tiles(&self, len: usize) -> usize {
        len >> self.local.count_ones()
    }

    /// How many maps there are.
    pub fn n_maps(&self) -> usize {
        self.maps.len()
    }
}

impl Kernels {
    /// Runs a stage on some of the tiles of `values`, in place. Each value comes out the same for
    /// any number of threads.
    ///
    /// # Errors
    /// If there is no memory for a tile a thread.
    ///
    /// # Panics
    /// If the length is no power of two of at least 2, a local bit is beyond it, one of the lowest
    /// [`ALWAYS_LOCAL`] bits that it has is not local, or there are not so many tiles.
    pub fn apply_stage<T: Real>(
        self,
        threads: &Threads,
        values: &mut [T],
        stage: &MapStage<T>,
        tiles: Range<usize>,
    ) -> Result<(), AllocError> {
        let len = values.len();
        assert!(len.is_power_of_two() && len >= 2, "a vector of {len} values");
        assert!(stage.local < len, "a local bit is beyond the vector");
        let lowest = (len - 1) & ((1 << ALWAYS_LOCAL) - 1);
        assert_eq!(stage.local & lowest, lowest, "the lowest bits are local");
        assert!(tiles.end <= stage.tiles(len), "tiles of the vector");
        if tiles.is_empty() || stage.maps.is_empty() {
            return Ok(());
        }
        T::apply_maps(self.isa, Tiles { threads, values, stage, tiles })
    }
}

/// A stage at work.
#[derive(Debug)]
pub struct Tiles<'a, T> {
    threads: &'a Threads,
    values: &'a mut [T],
    stage: &'a MapStage<T>,
    tiles: Range<usize>,
}

impl<T: Real> Tiles<'_, T> {
    /// The length of a tile in complex numbers, which are what vectors are counted in.
    pub(crate) fn pairs(&self) -> usize {
        1 << (self.stage.local.count_ones() - 1)
    }
}

impl<T: Real> Task<T> for Tiles<'_, T> {
    type Output = Result<(), AllocError>;

    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let Self { threads, values, stage, tiles } = self;
        let maps = stage.maps.iter().map(|map| Compiled::new(simd, map)).collect();
        let next = AtomicUsize::new(tiles.start);
        let pass = Workers { values: Shared::new(values), stage, maps, next, end: tiles.end };
        let workers = threads.count().min(tiles.len());
        threads
            .map(workers, |worker| simd.vectorize(&pass, worker..worker + 1))
            .into_iter()
            .collect()
    }
}

/// What each thread does: it takes the next tile until there is none.
struct Workers<'a, T, S: Simd<T>>
where
    T: Real,
{
    values: Shared<'a, T>,
    stage: &'a MapStage<T>,
    maps: Vec<Compiled<T, S>>,
    next: AtomicUsize,
    end: usize,
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Workers<'_, T, S> {
    type Output = Result<(), AllocError>;

    // No closure calls `run`: it would be compiled without the instruction set.
    #[inline(always)]
    fn run(&self, simd: S, _worker: Range<usize>) -> Self::Output {
        let local = self.stage.local;
        let len = 1_usize << local.count_ones();
        let whole = len == self.values.len;
        let mut scratch = AlignedVec::<T>::try_zeroed(if whole { 0 } else { len })?;
        // The lowest bits are local: values that stand together and are copied together.
        let run_bits = local.trailing_ones();
        let run_len = 1_usize << run_bits;
        let starts: Vec<usize> =
            (0..len >> run_bits).map(|k| deposit(k, local >> run_bits) << run_bits).collect();
        loop {
            // The counter hands out each number once; what was written is seen after the join.
            let tile = self.next.fetch_add(1, Ordering::Relaxed);
            if tile >= self.end {
                return Ok(());
            }
            if whole {
                // SAFETY: the only tile is all of the vector, and only this thread has it.
                let values = unsafe { self.values.part(0, len) };
                for map in &self.maps {
                    run(simd, map, values);
                }
                continue;
            }
            let base = insert_zeros(tile, local);
            for (start, run) in starts.iter().zip(scratch.chunks_exact_mut(run_len)) {
                // SAFETY: `start` has local bits only and `base` others, so the run is part of
                // this tile, which only this thread has.
                run.copy_from_slice(unsafe { self.values.part(base | start, run_len) });
            }
            for map in &self.maps {
                run(simd, map, &mut scratch);
            }
            for (start, run) in starts.iter().zip(scratch.chunks_exact(run_len)) {
                // SAFETY: as above.
                unsafe { self.values.part(base | start, run_len) }.copy_from_slice(run);
            }
        }
    }
}

/// The bits of `value` at the places of the bits of `mask`, the lowest first.
fn deposit(value: usize, mask: usize) -> usize {
    let mut rest = mask;
    let mut placed = 0;
    let mut value = value;
    while rest != 0 {
        placed |= if value & 1 == 1 { rest & rest.wrapping_neg() } else { 0 };
        value >>= 1;
        rest &= rest - 1;
    }
    placed
}

/// A vector that threads write parts of.
struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrows: PhantomData<&'a mut [T]>,
}

// SAFETY: whoever takes a part promises that no other thread has it.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    fn new(values: &'a mut [T]) -> Self {
        Self { start: values.as_mut_ptr(), len: values.len(), borrows: PhantomData }
    }

    /// `len` values from `from` on.
    ///
    /// # Safety
    /// Nobody else has any of them while the part is in use.
    ///
    /// # Panics
    /// If they are beyond the vector.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the caller promises that parts are disjoint")]
    unsafe fn part(&self, from: usize, len: usize) -> &mut [T] {
        assert!(from <= self.len && len <= self.len - from, "a part of the vector");
        // SAFETY: `from` is within the vector.
        let start = unsafe { self.start.add(from) };
        // SAFETY: `len` values from there are within it, and the caller has them alone.
        unsafe { std::slice::from_raw_parts_mut(start, len) }
    }
}
