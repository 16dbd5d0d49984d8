//! End-to-end tests: the real binary, real plugins.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod abi;
mod account;
mod batches;
mod c_entry;
mod compile;
mod conformance;
mod crash;
mod devices;
mod disk;
mod events;
mod examples;
mod inputs;
mod isolation;
mod jobs;
mod listing;
mod museum;
mod overwritten;
mod ownership;
mod packages;
mod plugins;
mod primitives;
mod programs;
mod qpy;
mod readme;
mod remote;
mod run;
mod sandbox;
mod scanning;
mod serve;
mod service;
mod template;
mod terminal;
mod trust;
