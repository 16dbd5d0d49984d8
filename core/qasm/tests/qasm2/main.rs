//! OpenQASM 2 in and out, from outside.

#[cfg(test)]
mod emit;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod includes;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod parse;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod unitary;
