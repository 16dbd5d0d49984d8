//! Nothing: the plugins are the examples of this package, so that they never lie beside `ketch`.

#![forbid(unsafe_code)]
