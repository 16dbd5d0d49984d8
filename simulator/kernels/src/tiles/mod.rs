//! Work on a state tile by tile: many gates for one pass over memory.
//!
//! A tile is what is left of a state when all but a few bits of the index, the local
//! ones, are held fixed. It is copied into memory of a thread's own (or worked on in
//! place where it is contiguous), every operation that moves local bits only is done
//! while it is in the cache, and it is written back. Operations on a tile:
//!
//! * [`Sweep`]: real 2×2 matrices, several for one pass through the registers;
//! * [`PhasePass`]: all the diagonal gates of a stretch at once, of the whole state;
//! * [`LinearMap`]: networks of X, CX and SWAP as one permutation;
//! * any gate of [`Kernels`](crate::Kernels) with [`Threads::serial`](crate::Threads::serial).

mod bits;
mod copy;
mod linear;
mod pass;
mod phases;
mod relabel;
mod rows;
mod sweep;

pub use bits::TileBits;
pub use linear::LinearMap;
pub use pass::{Scratch, Tile};
pub(crate) use phases::PhaseTile;
pub use phases::{PhasePass, Phases};
pub(crate) use relabel::Relabel;
pub(crate) use sweep::SweepTile;
pub use sweep::{Rotation, Sweep};
