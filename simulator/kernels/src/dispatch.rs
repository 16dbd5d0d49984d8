//! The choice of the instruction set: the only place that asks the CPU.

use std::fmt;

use crate::AllocError;
use crate::arch::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::arch::x86_64::{avx2::Avx2, avx512::Avx512};
use crate::gates::Gate;
use crate::real::Real;
use crate::real_maps::Tiles;
use crate::reduce::{Blocks, Flipped, Overlap, Parts, Squares};
use crate::simd::{Registers, Simd, Task};
use crate::tiles::{PhaseTile, Relabel, SweepTile};

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// Whatever every CPU of the target has.
    Portable,
    /// AVX2 with fused multiply-add, x86-64.
    Avx2,
    /// AVX-512F, x86-64.
    Avx512,
}

impl Arch {
    /// Every instruction set, the widest last.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

/// The kernels for one instruction set. A small value: copy it freely.
///
/// ```
/// use ketch_kernels::{AlignedVec, Controls, Kernels, Threads};
/// use num_complex::Complex64;
///
/// let (kernels, threads) = (Kernels::detect(), Threads::serial());
/// let mut state = AlignedVec::<Complex64>::try_zeroed(4)?;
/// state[0] = Complex64::ONE;
///
/// // A Bell pair: Hadamard on qubit 0, then X on qubit 1 where qubit 0 is 1.
/// let h = Complex64::from(0.5_f64.sqrt());
/// kernels.apply_1q(&threads, &mut state, 0, &[[h, h], [h, -h]], Controls::NONE);
/// kernels.apply_x(&threads, &mut state, 1, Controls::ones(1));
///
/// assert!((kernels.probability(&threads, &state, 0b11, 0b11) - 0.5).abs() < 1e-15);
/// # Ok::<(), ketch_kernels::AllocError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    pub(crate) isa: Isa,
}

impl Kernels {
    /// The kernels for the widest instruction set of this CPU.
    pub fn detect() -> Self {
        let widest = Arch::ALL.into_iter().rev().find_map(Self::for_arch);
        widest.expect("every CPU runs the portable kernels")
    }

    /// The kernels for `arch`; `None` where this CPU lacks it.
    pub fn for_arch(arch: Arch) -> Option<Self> {
        let isa = match arch {
            Arch::Portable => Some(Isa::Portable),
            #[cfg(target_arch = "x86_64")]
            Arch::Avx2 => Avx2::new().map(Isa::Avx2),
            #[cfg(target_arch = "x86_64")]
            Arch::Avx512 => Avx512::new().map(Isa::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Arch::Avx2 | Arch::Avx512 => None,
        };
        isa.map(|isa| Self { isa })
    }

    /// The instruction set in use.
    pub fn arch(self) -> Arch {
        match self.isa {
            Isa::Portable => Arch::Portable,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => Arch::Avx2,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => Arch::Avx512,
        }
    }
}

/// An instruction set with the proof that this CPU has it.
#[derive(Clone, Copy, Debug)]
pub enum Isa {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// The entries into compiled code. They are not generic, so that the kernels are
/// compiled, and optimised, with this crate and not with each crate that uses it.
pub trait Dispatch: Sized {
    /// Applies a gate.
    fn apply(isa: Isa, gate: Gate<'_, Self>)
    where
        Self: Real;

    /// The registers that operations on tiles of `len` amplitudes use; `None` where a
    /// tile does not fill them.
    fn registers(isa: Isa, len: usize) -> Option<Registers>
    where
        Self: Real;

    /// A round of rotations on a tile that fills the registers.
    fn sweep(isa: Isa, sweep: SweepTile<'_, Self>)
    where
        Self: Real;

    /// Phases on a tile that fills the registers.
    fn phases(isa: Isa, phases: PhaseTile<'_, Self>)
    where
        Self: Real;

    /// Applies real maps to the tiles of a real vector.
    fn apply_maps(isa: Isa, tiles: Tiles<'_, Self>) -> Result<(), AllocError>
    where
        Self: Real;

    /// A relabelling from one tile to another.
    fn relabel(isa: Isa, relabel: Relabel<'_, Self>)
    where
        Self: Real;

    /// Sums up squares, block by block.
    fn sum_squares(isa: Isa, sum: Blocks<'_, Squares<'_, Self>>) -> Vec<Parts>
    where
        Self: Real;

    /// Sums up products with another state, block by block.
    fn sum_overlap(isa: Isa, sum: Blocks<'_, Overlap<'_, Self>>) -> Vec<(Parts, Parts)>
    where
        Self: Real;

    /// Sums up products within a state, block by block.
    fn sum_flipped(isa: Isa, sum: Blocks<'_, Flipped<'_, Self>>) -> Vec<Parts>
    where
        Self: Real;
}

macro_rules! dispatch {
    ($real:ty, $run:ident, $run_tile:ident) => {
        /// Runs `task` on a tile of `len` amplitudes: with all registers of `isa`, or of a
        /// narrower one where the tile does not fill them; `None` where it fills none.
        fn $run_tile<K: Task<$real>>(isa: Isa, len: usize, task: K) -> Option<K::Output> {
            fn fits<S: Simd<$real>>(len: usize) -> bool {
                len >= S::LANES << S::SLOTS
            }
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512(token) if fits::<Avx512>(len) => Some(task.run(token)),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512(_) if fits::<Avx2>(len) => match Avx2::new() {
                    Some(token) => Some(task.run(token)),
                    None => Some(task.run(Portable::<2>)),
                },
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2(token) if fits::<Avx2>(len) => Some(task.run(token)),
                _ if fits::<Portable<2>>(len) => Some(task.run(Portable::<2>)),
                _ => None,
            }
        }

        /// Runs `task` on a state of `len` amplitudes: with the vectors of `isa`, or
        /// with shorter ones where the state does not fill one.
        fn $run<K: Task<$real>>(isa: Isa, len: usize, task: K) -> K::Output {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512(token) if len >= <Avx512 as Simd<$real>>::LANES => task.run(token),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2(token) if len >= <Avx2 as Simd<$real>>::LANES => task.run(token),
                _ if len >= 2 => task.run(Portable::<2>),
                _ => task.run(Portable::<1>),
            }
        }

        impl Dispatch for $real {
            fn apply(isa: Isa, gate: Gate<'_, Self>) {
                match gate {
                    Gate::OneQubit(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Dense(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Diagonal(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Exchange(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Pauli(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Collapse(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Sequence(gate) => $run(isa, gate.state.len(), gate),
                    Gate::Interact(gate) => $run(isa, gate.state.len(), gate),
                }
            }

            fn registers(isa: Isa, len: usize) -> Option<Registers> {
                $run_tile(isa, len, Registers::ask())
            }

            fn sweep(isa: Isa, sweep: SweepTile<'_, Self>) {
                let done = $run_tile(isa, sweep.tile.len(), sweep);
                done.expect("a round is only made for tiles that fill the registers");
            }

            fn phases(isa: Isa, phases: PhaseTile<'_, Self>) {
                let done = $run_tile(isa, phases.tile.len(), phases);
                done.expect("a layout is only made for tiles that fill the registers");
            }

            fn apply_maps(isa: Isa, tiles: Tiles<'_, Self>) -> Result<(), AllocError> {
                $run(isa, tiles.pairs(), tiles)
            }

            fn relabel(isa: Isa, relabel: Relabel<'_, Self>) {
                $run(isa, relabel.from.len(), relabel);
            }

            fn sum_squares(isa: Isa, sum: Blocks<'_, Squares<'_, Self>>) -> Vec<Parts> {
                $run(isa, sum.pass.0.len(), sum)
            }

            fn sum_overlap(isa: Isa, sum: Blocks<'_, Overlap<'_, Self>>) -> Vec<(Parts, Parts)> {
                $run(isa, sum.pass.ket.len(), sum)
            }

            fn sum_flipped(isa: Isa, sum: Blocks<'_, Flipped<'_, Self>>) -> Vec<Parts> {
                $run(isa, sum.pass.state.len(), sum)
            }
        }
    };
}

dispatch!(f64, run_f64, run_tile_f64);
dispatch!(f32, run_f32, run_tile_f32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_available_instruction_set_is_chosen() {
        let mut available = Arch::ALL.into_iter().filter(|&arch| Kernels::for_arch(arch).is_some());
        assert_eq!(Some(Kernels::detect().arch()), available.next_back());
        for arch in Arch::ALL {
            assert!(Kernels::for_arch(arch).is_none_or(|kernels| kernels.arch() == arch));
        }
    }
}
