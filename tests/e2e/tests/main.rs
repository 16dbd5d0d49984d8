//! End-to-end tests: the real binary, real plugins.

#![forbid(unsafe_code)]

mod abi;
mod conformance;
mod inputs;
mod run;
mod sandbox;
