//! The pass over all tiles of a state.

#![expect(unsafe_code, reason = "threads work on disjoint tiles of one state")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use num_complex::Complex;

use super::TileBits;
use super::copy::Runs;
use crate::aligned::{AlignedVec, AllocError};
use crate::dispatch::Kernels;
use crate::gates::Shared;
use crate::index::Walk;
use crate::real::Real;
use crate::threads::Threads;

/// A tile in the hands of a thread.
#[derive(Debug)]
pub struct Tile<'a, T> {
    /// The index of the tile's first amplitude in the state: the values of the bits that
    /// are not local, with 0 in the local ones.
    pub base: usize,
    /// The amplitudes: 2 to the number of local bits.
    pub amplitudes: &'a mut [Complex<T>],
    /// As much room, of any content.
    pub scratch: &'a mut [Complex<T>],
}

impl<T> Tile<'_, T> {
    /// Makes the scratch the amplitudes: for operations that write their result there.
    pub fn swap(&mut self) {
        std::mem::swap(&mut self.amplitudes, &mut self.scratch);
    }

    /// Whether the amplitudes are those of the state, from `base` on.
    fn is_in(&self, base: usize, state: &Shared<'_, T>) -> bool {
        // SAFETY: `base` is the index of an amplitude.
        std::ptr::eq(self.amplitudes.as_ptr(), unsafe { state.at(base) })
    }
}

/// The memory that threads copy tiles into, to be used for many passes.
#[derive(Debug)]
pub struct Scratch<T: Real> {
    /// Two tiles for each thread.
    memory: Vec<AlignedVec<Complex<T>>>,
    n_tile_bits: usize,
}

impl<T: Real> Scratch<T> {
    /// Room for tiles of up to `n_tile_bits` bits: two for each of `threads`.
    ///
    /// # Errors
    /// When the system has no such memory.
    pub fn try_new(threads: &Threads, n_tile_bits: usize) -> Result<Self, AllocError> {
        let len = 2_usize
            .checked_shl(n_tile_bits as u32)
            .filter(|len| len.count_ones() == 1)
            .ok_or(AllocError { bytes: usize::MAX })?;
        let memory = (0..threads.count()).map(|_| AlignedVec::try_zeroed(len));
        Ok(Self { memory: memory.collect::<Result<_, _>>()?, n_tile_bits })
    }
}

impl Kernels {
    /// Runs `work` on every tile of a pass, each tile once, side by side on `threads`.
    ///
    /// # Panics
    /// When the state is not of `bits.n_qubits()` qubits, or when `scratch` was made for
    /// smaller tiles or fewer threads.
    pub fn for_tiles<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        bits: &TileBits,
        scratch: &mut Scratch<T>,
        work: impl Fn(&mut Tile<'_, T>) + Sync,
    ) {
        assert_eq!(state.len(), 1 << bits.n_qubits(), "a state of {} qubits", bits.n_qubits());
        assert!(bits.n_tile_bits() <= scratch.n_tile_bits, "the scratch is for smaller tiles");
        assert!(threads.count() <= scratch.memory.len(), "the scratch is for fewer threads");
        let len = 1 << bits.n_tile_bits();
        let plan = Plan {
            read: Runs::new(bits.gather()),
            write: Runs::new(bits.scatter()),
            in_place: bits.is_contiguous(),
            walk: Walk::new(state.len(), bits.mask() | bits.empty(), 0),
            next: AtomicUsize::new(0),
        };
        let state = Shared::new(state);
        let rooms: Vec<Mutex<&mut [Complex<T>]>> =
            scratch.memory.iter_mut().map(|memory| Mutex::new(&mut memory[..2 * len])).collect();
        threads.on_each(bits.n_tiles().min(threads.count()), &|thread| {
            let mut room = rooms[thread].lock().unwrap_or_else(PoisonError::into_inner);
            let (first, second) = room.split_at_mut(len);
            plan.run(&state, first, second, &work);
        });
    }
}

/// How the tiles of a pass are found, for all threads.
struct Plan {
    read: Runs,
    write: Runs,
    in_place: bool,
    walk: Walk,
    /// The next tile that nobody has taken: threads that are held up take fewer.
    next: AtomicUsize,
}

impl Plan {
    /// Takes tile after tile until none is left.
    fn run<T: Real>(
        &self,
        state: &Shared<'_, T>,
        first: &mut [Complex<T>],
        second: &mut [Complex<T>],
        work: &(impl Fn(&mut Tile<'_, T>) + Sync),
    ) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.walk.groups() {
                return;
            }
            let base = self.walk.bases(number..number + 1).next().expect("a tile has a base");
            if self.in_place {
                // SAFETY: the tile is the amplitudes from `base` on, for which only the
                // thread that took its number reaches.
                let amplitudes =
                    unsafe { std::slice::from_raw_parts_mut(state.at(base), first.len()) };
                let mut tile = Tile { base, amplitudes, scratch: &mut *first };
                work(&mut tile);
                if !tile.is_in(base, state) {
                    tile.scratch.copy_from_slice(tile.amplitudes);
                }
            } else {
                // SAFETY: the walk makes the base of a tile, which this thread alone took.
                unsafe { self.read.read(state, base, first) };
                let mut tile = Tile { base, amplitudes: &mut *first, scratch: &mut *second };
                work(&mut tile);
                // SAFETY: as for reading: the bits written to are those read from.
                unsafe { self.write.write(state, base, tile.amplitudes) };
            }
        }
    }
}
