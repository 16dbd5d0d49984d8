//! One outcome of the outcomes of parts.

use ketch_interface::{Counts, circuit::Circuit, result::Memory};

use crate::{Facts, Method, Options, Outcome, rng, run::counted};

/// The seed of a part: parts draw from streams of their own.
pub(crate) fn seed_of(part: usize, seed: u64) -> u64 {
    match part {
        0 => seed,
        // No shot counts that far.
        _ => rng::pair(seed, part as u64, u64::MAX)[0],
    }
}

/// The outcome of a whole circuit of those of its parts, each with its memory: the clbits of a shot
/// are those of all parts in the same shot.
pub(crate) fn combined(
    circuit: &Circuit,
    options: &Options,
    (method, reason): (Method, &'static str),
    parts: Vec<Outcome>,
) -> Outcome {
    let n_parts = parts.len();
    let widest = parts.iter().map(|part| part.facts.n_qubits).max().unwrap_or(0);
    let mut whole = Outcome::default();
    let mut facts = Facts { sampled: true, ..Facts::default() };
    let mut joined: Option<Vec<u8>> = None;
    for part in parts {
        if let Some(memory) = &part.memory {
            match &mut joined {
                None => joined = Some(memory.bytes().to_vec()),
                Some(joined) => {
                    joined.iter_mut().zip(memory.bytes().iter()).for_each(|(to, of)| *to |= of);
                }
            }
        }
        whole.data.extend(part.data);
        let found = part.facts;
        facts.threads = facts.threads.max(found.threads);
        facts.instruction_set = found.instruction_set;
        facts.sampled &= found.sampled;
        facts.n_qubits += found.n_qubits;
        facts.bytes = facts.bytes.max(found.bytes);
        facts.n_gates += found.n_gates;
        facts.n_passes += found.n_passes;
        facts.bond_dimension = facts.bond_dimension.max(found.bond_dimension);
        if let Some(discarded) = found.discarded_weight {
            // Squared overlaps of parts multiply, so what is left out adds up as long as it is small.
            *facts.discarded_weight.get_or_insert(0.0) += discarded;
        }
        for note in found.notes {
            if !facts.notes.contains(&note) {
                facts.notes.push(note);
            }
        }
    }
    facts.notes.push(format!("{n_parts} parts of {widest} qubits or fewer"));
    (facts.method, facts.reason, facts.precision) = (method, reason, options.precision);
    whole.facts = facts;
    if let Some(bytes) = joined {
        let width = circuit.n_clbits();
        let outcomes = counted(width, &bytes);
        whole.counts = Some(Counts::from_outcomes(circuit.cregs().to_vec(), outcomes));
        if options.memory {
            whole.memory = Memory::from_bytes(width, bytes.into());
        }
    }
    whole
}
