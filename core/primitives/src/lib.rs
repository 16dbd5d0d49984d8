//! Sampler and estimator on any backend.
//!
//! A *pub* is what a primitive runs: a circuit, arrays of values for its parameters, and for the
//! estimator an array of observables, which are broadcast together. The sampler answers with the
//! outcome of every shot for each classical register, the estimator with expectation values and
//! their standard errors. Both mean what Qiskit's primitives of version 2 mean.
//!
//! Each primitive is two functions without any effect: `plan` makes the [`Qobj`] that a backend
//! runs, and `collect` makes the primitive's result of the [`RunResult`] that comes back, today or
//! after a restart, for it needs nothing but the pubs and the options beside it. [`Sampler`]
//! and [`Estimator`] run what was planned and collect it.
//!
//! [`Qobj`]: ketch_interface::Qobj
//! [`RunResult`]: ketch_interface::RunResult

#![forbid(unsafe_code)]

mod array;
mod bit_array;
#[cfg(test)]
mod engine;
mod error;
pub mod estimator;
mod limits;
mod observable;
mod parameters;
mod result;
mod run;
pub mod sampler;

pub use array::{MAX_AXES, MAX_ELEMENTS, NdArray, ShapeError, broadcast_shapes, size};
pub use bit_array::BitArray;
pub use error::{Error, PubError, Result};
pub use estimator::{By, Estimator, EstimatorOptions, EstimatorPub};
pub use observable::{Observable, ObservableError};
pub use parameters::ParameterValues;
pub use result::{EstimatorPubResult, PrimitiveResult, SamplerPubResult};
pub use sampler::{Sampler, SamplerOptions, SamplerPub};
