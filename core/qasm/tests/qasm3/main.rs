//! OpenQASM 3 out, from outside.

#[cfg(test)]
mod emit;
