//! Devices of a library in C, built by the system's compiler.

#![forbid(unsafe_code)]

#[cfg(test)]
mod jobs;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod said;
