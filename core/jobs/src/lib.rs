//! Jobs that outlive the program that submitted them.
//!
//! A [`Store`] keeps jobs, what they are to run and what came of them in a directory: rows in an
//! SQLite database, large documents in files beside it. Any number of processes use one store at a
//! time.
//!
//! * [`Store::submit`] returns a job's id when the job is on disk, and not before.
//! * [`work`] is the loop of a worker process: it claims queued jobs, runs them on backends that
//!   a [`Resolver`] finds, keeps every finished experiment, and goes when nothing is left to do.
//!   Jobs of services that nobody waits for it sends, and follows to their ends.
//! * [`StoredBackend`] wraps any backend, so that what is run on it is kept; [`StoredProvider`] any
//!   provider.
//!
//! Each row has one owner at a time, by a lease with a fencing token: who lost it can change
//! nothing any more. [`state`] is the table of a job's states.
//!
//! This crate alone names SQLite.

#![forbid(unsafe_code)]

mod backend;
mod batch;
mod claim;
mod courier;
mod document;
pub mod drill;
mod error;
mod id;
mod live;
mod maintain;
mod owner;
mod parts;
mod progress;
mod provider;
mod reading;
mod record;
mod recover;
mod resume;
mod schema;
pub mod served;
mod service;
pub mod state;
mod store;
mod turn;
mod worker;

pub use backend::StoredBackend;
pub use claim::{Budget, Claim};
pub use error::{Error, Result};
pub use id::new_id;
pub use live::{StoredJob, as_completed};
pub use maintain::{Problem, Retention};
pub use provider::StoredProvider;
pub use record::{JobFilter, JobRecord, NewJob, PluginDirectories, Runner, StoredError, TOO_LONG};
pub use recover::Recovered;
pub use resume::digest_of;
pub use store::Store;
pub use worker::{Courier, Idle, Resolver, WorkOptions, work, work_until};
