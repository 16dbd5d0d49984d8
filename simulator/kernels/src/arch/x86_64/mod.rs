//! The vector instructions of x86-64.
//!
//! Each token type names one instruction set and can only be made by `new`, which asks
//! the CPU. The trait's methods are inlined into the function that `vectorize` enters,
//! which is compiled for the instruction set; outside of it they are correct but slow.

pub(crate) mod avx2;
pub(crate) mod avx512;
