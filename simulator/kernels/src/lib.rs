//! State vector kernels: what one gate or one measurement does to 2^n amplitudes.
//!
//! This crate knows nothing of circuits. A state is a slice of `Complex<T>` whose
//! length is a power of two, `T` is `f32` or `f64`, and qubit `q` is bit `q` of the
//! index, so that qubit 0 is the least significant bit. Every operation is a method
//! of [`Kernels`], takes the [`Threads`] it may use, and works in place.
//!
//! Reading order: [`Controls`] says which amplitudes a gate touches; `index` walks
//! over them; `simd` is the small trait that the kernels of `gates` are written
//! against, once; `arch` implements it for each instruction set; `dispatch` is the
//! only place that asks the CPU what it can do. `reduce` holds the sums, whose result
//! depends neither on the number of threads nor on the instruction set. `tiles` does many
//! gates for one pass over memory. `real_maps` is the counterpart of `gates` for real vectors:
//! density matrices in the basis of Pauli strings. `bits` holds what stabilizer circuits are made of:
//! rows of bits.
//!
//! Arguments are checked before a pass starts: a qubit out of range, a qubit named
//! twice or a matrix of the wrong size is an error of the caller and panics.

mod aligned;
mod arch;
mod bits;
mod controls;
mod crew;
mod dispatch;
mod gates;
mod index;
mod real;
mod real_maps;
mod reduce;
mod simd;
mod spare;
mod threads;
mod tiles;

pub use aligned::{AlignedVec, AllocError, Element};
pub use bits::{BitOp, Collapse, FrameChannel, FrameOp, FrameProgram, Frames, SHOTS};
pub use controls::Controls;
pub use dispatch::{Arch, Kernels};
pub use gates::{Interaction, OneQubitGate};
pub use real::Real;
pub use real_maps::{ALWAYS_LOCAL, MapStage, RealMap};
pub use reduce::{BLOCK, SampleError};
pub use threads::{Threads, ThreadsError};
pub use tiles::{LinearMap, PhasePass, Phases, Rotation, Scratch, Sweep, Tile, TileBits};
