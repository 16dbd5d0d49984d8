//! OpenQASM 3 in and out, from outside.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod emit;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod library;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod syntax;
#[cfg(test)]
mod trace;
#[cfg(test)]
#[path = "../qasm2/unitary.rs"]
mod unitary;
