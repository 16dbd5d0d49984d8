//! OpenQASM 3 out, from outside.

#[cfg(test)]
mod emit;
#[cfg(test)]
#[path = "../qasm2/unitary.rs"]
mod unitary;
