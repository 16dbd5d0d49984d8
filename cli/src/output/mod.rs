//! What commands print: tables and pictures for people, documents for programs, files.
//!
//! Data goes to standard output and talk to standard error.

pub(crate) mod bars;
pub(crate) mod compare;
pub(crate) mod counts;
pub(crate) mod coupling;
pub(crate) mod csv;
pub(crate) mod file;
pub(crate) mod job;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod npy;
pub(crate) mod number;
pub(crate) mod plot;
pub(crate) mod progress;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod terminal;
