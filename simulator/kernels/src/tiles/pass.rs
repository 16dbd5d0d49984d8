//! The pass over all tiles of a state.

use num_complex::Complex;

use super::TileBits;
use crate::aligned::{AlignedVec, AllocError};
use crate::dispatch::Kernels;
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
    /// Runs `work` on every tile of a state, each tile once, side by side on `threads`.
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
        let (amplitudes, rest) = scratch.memory[0][..2 * len].split_at_mut(len);
        let spread = |index: usize, bits: &[usize]| {
            bits.iter().enumerate().fold(0, |at, (j, bit)| at | (index >> j & 1) << bit)
        };
        for base in (0..state.len()).filter(|base| base & bits.mask() == 0) {
            for (index, amplitude) in amplitudes.iter_mut().enumerate() {
                *amplitude = state[base | spread(index, bits.gather())];
            }
            let mut tile = Tile { base, amplitudes, scratch: rest };
            work(&mut tile);
            for (index, amplitude) in tile.amplitudes.iter().enumerate() {
                state[base | spread(index, bits.scatter())] = *amplitude;
            }
        }
    }
}
