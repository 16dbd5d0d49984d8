//! What a service keeps that takes jobs of others into a store: who may ask it, whose the jobs are
//! and as what they were asked for, and their sessions.
//!
//! A served job is a job like any other, with a row of its own beside it: workers do not know the
//! difference, and a restart of the service loses nothing.

mod jobs;
mod sessions;
pub(crate) mod spent;
mod tokens;

pub use jobs::{PARAMS, Page, Served, ServedFilter, ServedJob};
pub use sessions::{NewSession, Session};
pub use spent::{PERIOD, Usage};
pub use tokens::{NewToken, Token};
