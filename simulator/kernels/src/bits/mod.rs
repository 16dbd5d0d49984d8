//! Kernels on rows of bits: what stabilizer simulation is made of.
//!
//! `pauli` multiplies Pauli strings; `random` makes random words in bulk; `frames` runs a circuit
//! of Clifford gates and Pauli noise on a block of shots at once; `transpose` turns rows that hold
//! one clbit of many shots into rows that hold one shot.
//!
//! The loops are plain Rust on words. [`compiled`] compiles them once for each instruction set, and
//! that is all that makes them fast: nothing here needs an intrinsic.

mod frames;
mod pauli;
mod random;
mod transpose;

pub use frames::{BitOp, FrameChannel, FrameOp, FrameProgram, Frames, SHOTS};
pub use pauli::Collapse;

/// A method of `Kernels` that runs a function compiled for the instruction set in use.
///
/// The function and all that it calls in its inner loops must be `#[inline(always)]`.
macro_rules! compiled {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $output:ty)?, $body:path) => {
        impl crate::Kernels {
            $(#[$doc])*
            pub fn $name(self, $($arg: $type),*) $(-> $output)? {
                match self.isa {
                    #[cfg(target_arch = "x86_64")]
                    crate::dispatch::Isa::Avx512(_) => {
                        #[target_feature(enable = "avx512f")]
                        fn enter($($arg: $type),*) $(-> $output)? {
                            $body($($arg),*)
                        }
                        // SAFETY: the token in `Isa::Avx512` proves that the CPU has AVX-512F.
                        unsafe { enter($($arg),*) }
                    }
                    #[cfg(target_arch = "x86_64")]
                    crate::dispatch::Isa::Avx2(_) => {
                        #[target_feature(enable = "avx2")]
                        fn enter($($arg: $type),*) $(-> $output)? {
                            $body($($arg),*)
                        }
                        // SAFETY: the token in `Isa::Avx2` proves that the CPU has AVX2.
                        unsafe { enter($($arg),*) }
                    }
                    crate::dispatch::Isa::Portable => $body($($arg),*),
                }
            }
        }
    };
}
pub(crate) use compiled;
