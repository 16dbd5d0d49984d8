//! Ketch's three interfaces and the data that passes between them.
//!
//! * A [`Provider`] gives access to backends: `backends(filter)`, `get_backend(name)`.
//! * A [`Backend`] runs circuits: `run(qobj)`, `configuration()`, `properties()`, `status()`.
//! * A [`Job`] is the ticket for submitted work: `result(timeout)`, `status()`, `cancel()`.
//!
//! A [`Qobj`] goes in, made of [`Circuit`]s; a [`RunResult`] comes out. Qubit and bit order are
//! stated in [`bits`]; the gates are the table in [`circuit`].
//!
//! Nothing here does I/O or starts a thread, and no type names the plugin ABI.

#![forbid(unsafe_code)]

mod backend;
mod job;
mod provider;

mod error;
mod extension;
mod filter;

mod array;
pub mod bits;
pub mod circuit;
pub mod codec;
pub mod device;
mod json;
mod matrix;
pub mod noise;
pub mod qobj;
pub mod result;

pub use array::Array;
pub use backend::{Backend, BackendExt, JobQuery, RunOptions, least_busy};
pub use bits::BitString;
pub use circuit::Circuit;
pub use device::{BackendConfiguration, BackendProperties, BackendStatus, JobStatus};
pub use error::{Cause, Error, Result, TextCause, nearest};
pub use extension::{Buffer, Extensions, FIND_JOB, Message};
pub use filter::Filter;
pub use job::Job;
pub use matrix::Matrix;
pub use num_complex::Complex64;
pub use provider::Provider;
pub use qobj::Qobj;
pub use result::{Counts, RunResult};
