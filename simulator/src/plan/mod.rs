//! What will be done with a circuit: what can be left out, what falls apart, and which method runs
//! each part.
//!
//! Few qubits are never looked at for long: a dense state of them costs less than the thought.

mod combine;
mod cone;
mod entanglement;
mod parts;

use std::borrow::Cow;

use ketch_interface::Circuit;

pub(crate) use combine::{combined, seed_of};
pub(crate) use entanglement::bond_bits;

use crate::{
    Method, Options,
    method::{self, WIDE},
    program::Layout,
};

/// Parts of fewer qubits are put together up to this many: a state of them costs next to nothing,
/// and drawing the shots of each part costs the same for any size.
const TOGETHER: usize = 10;

/// A circuit, or a part of it, and how it is run.
#[derive(Clone, Debug)]
pub(crate) struct Part<'c> {
    pub(crate) circuit: Cow<'c, Circuit>,
    pub(crate) method: Method,
    pub(crate) reason: &'static str,
}

/// How a circuit is run: in one part, or in several that nothing joins. Never empty.
///
/// A circuit that is not valid is planned as well; the check refuses it afterwards.
pub(crate) fn plan<'c>(circuit: &'c Circuit, options: &Options) -> Vec<Part<'c>> {
    if options.method != Method::Automatic {
        return vec![part(Cow::Borrowed(circuit), options.method, "asked for")];
    }
    let whole = options.final_state || options.initial_state.is_some();
    if whole || !is_wide(circuit) {
        let (method, reason) = method::choose_general(circuit, options);
        return vec![part(Cow::Borrowed(circuit), method, reason)];
    }
    if !options.truncate {
        let (method, reason) = method::choose_cheap(circuit, options)
            .unwrap_or_else(|| method::choose_general(circuit, options));
        return vec![part(Cow::Borrowed(circuit), method, reason)];
    }
    let circuit = match cone::needed(circuit) {
        Some(needed) => Cow::Owned(circuit.retained(|place| needed[place])),
        None => Cow::Borrowed(circuit),
    };
    if let Some((method, reason)) = method::choose_cheap(&circuit, options) {
        return vec![part(circuit, method, reason)];
    }
    let Some(parts) = parts::parts(&circuit, TOGETHER) else {
        let (method, reason) = method::choose_general(&circuit, options);
        return vec![part(circuit, method, reason)];
    };
    let planned = parts.into_iter().map(|circuit| {
        let (method, reason) = method::choose_cheap(&circuit, options)
            .unwrap_or_else(|| method::choose_general(&circuit, options));
        part(Cow::Owned(circuit), method, reason)
    });
    planned.collect()
}

fn part<'c>(circuit: Cow<'c, Circuit>, method: Method, reason: &'static str) -> Part<'c> {
    Part { circuit, method, reason }
}

/// Wide enough for a look that costs some microseconds, and valid, so that one can look.
fn is_wide(circuit: &Circuit) -> bool {
    let possible = circuit.n_qubits() as usize >= WIDE && !circuit.is_empty();
    possible && circuit.validate().is_ok() && Layout::active(circuit).n_places() >= WIDE
}

/// The plan's method in one word, and why: of several parts, the one that most qubits are run by.
pub(crate) fn summary(parts: &[Part<'_>]) -> (Method, &'static str) {
    match parts {
        [one] => (one.method, one.reason),
        _ => {
            let qubits = |part: &&Part<'_>| Layout::active(&part.circuit).n_places();
            let widest = parts.iter().max_by_key(qubits).expect("a plan has parts");
            (widest.method, "the circuit falls into parts that nothing joins; each ran by itself")
        }
    }
}
