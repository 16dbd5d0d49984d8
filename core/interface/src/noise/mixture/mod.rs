//! [`Mixture`]: one of several short circuits happens.

mod factor;

use std::sync::Arc;

use super::{
    Channel, ErrorStep, NoiseError,
    channel::{MAX_QUBITS, bad_count},
    choi,
    constructors::check_probabilities,
    pauli::PauliBits,
};
use crate::{
    Circuit, Matrix,
    circuit::{Gate, GateOp, Op, Param},
};

/// The most circuits of a mixture: all pairs of Pauli strings and resets on five qubits are fewer.
const MAX_TERMS: usize = 4_096;

/// The most instructions of one circuit.
const MAX_INSTRUCTIONS: usize = 256;

/// The most instructions of all circuits.
const MAX_ALL: usize = 1 << 15;

/// The most Kraus operators that the circuits may come to, before like ones are merged.
const MAX_KRAUS: usize = 1 << 14;

/// The qubits up to which like ones are merged: that takes time with the sixth power of 2ⁿ.
const MERGED_QUBITS: u32 = 3;

/// One of several short circuits happens, each with its probability: what Aer calls a
/// `QuantumError`.
///
/// It is kept as it was said. What it comes to is the sum of the circuits' channels, found when it
/// is made: where the circuits are all combinations of independent choices, such as a Pauli string
/// and then a relaxation of each qubit, these are told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    n_qubits: u32,
    terms: Arc<[(f64, Circuit)]>,
}

/// One instruction of a circuit.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    op: Op,
    places: Vec<usize>,
    params: Vec<f64>,
}

/// A circuit with its probability.
type Term = (f64, Vec<Item>);

impl Mixture {
    /// The mixture of these circuits, and the channels that it comes to.
    ///
    /// Circuits may have gates, `unitary`, `diagonal`, `pauli`, `kraus`, `superop`, `reset` and
    /// `barrier`. The widest says how many qubits there are.
    ///
    /// # Errors
    /// If there are no circuits, the numbers are no probabilities that sum to 1 within
    /// [`TOLERANCE`](super::TOLERANCE), an instruction is another or makes no sense, a circuit does
    /// not keep the trace, or what cannot be told apart is on more than 5 qubits.
    pub(super) fn new(
        mut terms: Vec<(f64, Circuit)>,
    ) -> Result<(Self, Vec<ErrorStep>), NoiseError> {
        if terms.is_empty() {
            return Err(NoiseError::BadShape("an error without circuits".to_owned()));
        }
        let longest = terms.iter().map(|(_, circuit)| circuit.len()).max().unwrap_or(0);
        let all: usize = terms.iter().map(|(_, circuit)| circuit.len()).sum();
        if terms.len() > MAX_TERMS || longest > MAX_INSTRUCTIONS || all > MAX_ALL {
            let reason = format!(
                "an error of {} circuits of up to {longest} instructions, {all} in all, expected at \
                 most {MAX_TERMS} of {MAX_INSTRUCTIONS}, {MAX_ALL} in all",
                terms.len()
            );
            return Err(NoiseError::BadShape(reason));
        }
        let total = check_probabilities(terms.iter().map(|(p, _)| *p))?;
        terms.retain(|(p, _)| *p > 0.0);
        let n_qubits = terms.iter().map(|(_, circuit)| circuit.n_qubits()).max().unwrap_or(0);
        let items = terms.iter().map(|(p, circuit)| Ok((p / total, items(circuit)?)));
        let steps = factor::steps(items.collect::<Result<Vec<_>, _>>()?)?;
        Ok((Self { n_qubits, terms: terms.into() }, steps))
    }

    /// The number of qubits.
    #[must_use]
    pub fn n_qubits(&self) -> u32 {
        self.n_qubits
    }

    /// The circuits with their probabilities.
    #[must_use]
    pub fn terms(&self) -> &[(f64, Circuit)] {
        &self.terms
    }
}

/// The instructions of a circuit, without those that do nothing.
fn items(circuit: &Circuit) -> Result<Vec<Item>, NoiseError> {
    let mut items = Vec::new();
    for instruction in circuit.instructions() {
        let op = instruction.op;
        if matches!(op, Op::Barrier)
            || matches!(op, Op::Gate(gate) if *gate == GateOp::new(Gate::Id, 0))
        {
            continue;
        }
        let number = |param: &Param| param.as_number();
        let params: Option<Vec<f64>> = instruction.params.iter().map(number).collect();
        let Some(params) = params.filter(|params| params.iter().all(|x| x.is_finite())) else {
            let reason = format!("a parameter of `{}` in an error is no number", op.name());
            return Err(NoiseError::BadShape(reason));
        };
        let places: Vec<usize> = instruction.qubits.iter().map(|qubit| qubit.0 as usize).collect();
        if matches!(op, Op::Reset) {
            let each = |place: &usize| Item { op: Op::Reset, places: vec![*place], params: vec![] };
            items.extend(places.iter().map(each));
        } else {
            items.push(Item { op: op.clone(), places, params });
        }
    }
    Ok(items)
}

/// Each instruction of a circuit does nothing, which is more than that all of them together do.
pub(super) fn is_idle(circuit: &Circuit) -> bool {
    let idle = |item: &Item| step_of(item).is_ok_and(|step| step.channel.is_identity());
    items(circuit).is_ok_and(|items| items.iter().all(idle))
}

/// The Kraus operators of one instruction on its own qubits.
fn kraus_of(item: &Item) -> Result<Vec<Matrix>, NoiseError> {
    let n_qubits = item.places.len() as u32;
    if !(1..=MAX_QUBITS).contains(&n_qubits) {
        return Err(bad_count(n_qubits));
    }
    let channel = match &item.op {
        Op::Gate(gate) => return Ok(vec![gate.matrix(&item.params)]),
        Op::Pauli(label) => return Ok(vec![PauliBits::parse(label)?.matrix(n_qubits)]),
        Op::Unitary(unitary) => Channel::unitary(unitary.value.clone()),
        Op::Diagonal(entries) => Channel::unitary(Matrix::diagonal(entries)),
        Op::Kraus(kraus) => Channel::new(kraus.to_vec()),
        Op::Superop(superop) => Channel::from_superop(superop),
        Op::Reset => Channel::reset(1.0, 0.0),
        op => {
            let reason = format!("an error has a `{}`, which is no noise", op.name());
            return Err(NoiseError::BadShape(reason));
        }
    }?;
    if channel.n_qubits() != n_qubits {
        let name = item.op.name();
        let reason = format!("a `{name}` of {} qubits on {n_qubits}", channel.n_qubits());
        return Err(NoiseError::BadShape(reason));
    }
    Ok(channel.kraus().to_vec())
}

/// The channel of one instruction.
fn step_of(item: &Item) -> Result<ErrorStep, NoiseError> {
    Ok(ErrorStep { channel: Channel::new(kraus_of(item)?)?, places: item.places.clone() })
}

/// All circuits as one channel on the qubits that they touch.
fn combined(terms: &[Term]) -> Result<Option<ErrorStep>, NoiseError> {
    let mut places: Vec<usize> =
        terms.iter().flat_map(|(_, items)| items).flat_map(|item| item.places.clone()).collect();
    places.sort_unstable();
    places.dedup();
    let n_qubits = places.len() as u32;
    if n_qubits == 0 {
        return Ok(None);
    }
    if n_qubits > MAX_QUBITS {
        return Err(bad_count(n_qubits));
    }
    let most = match n_qubits {
        0..=MERGED_QUBITS => MAX_KRAUS,
        _ => 1 << (2 * n_qubits),
    };
    let too_many = || {
        let reason = format!("an error of more than {most} Kraus operators on {n_qubits} qubits");
        NoiseError::BadShape(reason)
    };
    let mut all = Vec::new();
    let mut unitary = true;
    for (p, items) in terms {
        let mut kraus = vec![Matrix::identity(n_qubits)];
        for item in items {
            let within = |place: &usize| places.iter().position(|one| one == place);
            let on: Vec<usize> = item.places.iter().filter_map(within).collect();
            let of_item = kraus_of(item)?;
            if kraus.len() * of_item.len() > most {
                return Err(too_many());
            }
            let wide: Vec<Matrix> = of_item.iter().map(|k| k.on_qubits(&on, n_qubits)).collect();
            kraus = kraus.iter().flat_map(|k| wide.iter().map(|later| later.product(k))).collect();
        }
        unitary &= kraus.len() == 1;
        all.extend(kraus.iter().map(|k| k.scaled(p.sqrt())));
        if all.len() > most {
            return Err(too_many());
        }
    }
    // A mixture of unitaries stays one, so that engines see it; others take as few as they need.
    if !unitary && n_qubits <= MERGED_QUBITS {
        all = choi::kraus_of(&choi::superop_of(&all))?;
    }
    Ok(Some(ErrorStep { channel: Channel::new(all)?, places }))
}
