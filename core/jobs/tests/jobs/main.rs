//! The store, its workers, and backends that keep their jobs.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod backend;
mod common;
mod courier;
mod model;
mod reading;
mod resume;
mod served;
mod service;
mod store;
mod worker;
