//! End-to-end tests: the real binary, real plugins.

#![forbid(unsafe_code)]

mod abi;
