//! States that are set: `Initialize` and `StatePreparation`.

use ketch_interface::{
    Complex64,
    circuit::{Gate, Initialize, Op},
};

use super::{Lower, Lowerer, fail};
use crate::model::Value;

/// A state, as a file gives it.
enum State {
    /// A letter for each qubit, the rightmost for the first.
    Labels(String),
    Amplitudes(Vec<Complex64>),
}

/// The state that these parameters mean on so many qubits.
fn state(params: &[Value<'_>], n_qubits: usize) -> Lower<State> {
    let number = |value: &Value<'_>| match value {
        Value::Int(number) => Ok(Complex64::from(*number as f64)),
        Value::Float(number) => Ok(Complex64::from(*number)),
        Value::Complex(number) => Ok(*number),
        _ => fail("an amplitude that is no number"),
    };
    match params {
        [Value::Text(_), ..] => {
            let letters = params.iter().map(|param| match param {
                Value::Text(text) => Ok(*text),
                _ => fail("a label that is no text"),
            });
            Ok(State::Labels(letters.collect::<Lower<String>>()?))
        }
        [Value::Array(array)] => Ok(State::Amplitudes(array.entries.clone())),
        // A basis state by its number.
        [one] if n_qubits > 0 => {
            let number = number(one)?.re;
            if number < 0.0 || number.fract() != 0.0 || number >= 2_f64.powi(53) {
                return fail(format!("the basis state {number}"));
            }
            let number = number as u64;
            if n_qubits < 64 && number >> n_qubits != 0 {
                return fail(format!("the basis state {number} of {n_qubits} qubits"));
            }
            let bit = |place: usize| place < 64 && number >> place & 1 == 1;
            let letters = (0..n_qubits).rev().map(|place| if bit(place) { '1' } else { '0' });
            Ok(State::Labels(letters.collect()))
        }
        params => Ok(State::Amplitudes(params.iter().map(number).collect::<Lower<_>>()?)),
    }
}

impl<'m> Lowerer<'m> {
    /// Sets the qubits to a state, whatever theirs was.
    pub(super) fn initialize(&mut self, params: &[Value<'m>], qubits: &[u32]) -> Lower<()> {
        let state = match state(params, qubits.len())? {
            State::Labels(labels) => Initialize::Labels(labels),
            State::Amplitudes(amplitudes) => Initialize::Amplitudes(amplitudes),
        };
        self.push(Op::Initialize(Box::new(state)), qubits, &[], &[])
    }

    /// Takes |0…0> to a state by gates. What they do to other states, only labels say.
    pub(super) fn state_preparation(&mut self, params: &[Value<'m>], qubits: &[u32]) -> Lower<()> {
        let labels = match state(params, qubits.len())? {
            State::Labels(labels) => labels,
            State::Amplitudes(amplitudes) => {
                let fresh = qubits.iter().all(|qubit| !self.touched.contains(qubit));
                if !fresh || self.loops > 0 || self.steps.is_some() {
                    return fail(
                        "a state is prepared by amplitudes only on qubits that are in |0>",
                    );
                }
                let state = Initialize::Amplitudes(amplitudes);
                return self.push(Op::Initialize(Box::new(state)), qubits, &[], &[]);
            }
        };
        if labels.chars().count() != qubits.len() {
            return fail(format!("the label `{labels}` of {} qubits", qubits.len()));
        }
        for (letter, &qubit) in labels.chars().rev().zip(qubits) {
            let gates: &[Gate] = match letter {
                '0' => &[],
                '1' => &[Gate::X],
                '+' => &[Gate::H],
                '-' => &[Gate::X, Gate::H],
                'r' => &[Gate::H, Gate::S],
                'l' => &[Gate::H, Gate::Sdg],
                other => return fail(format!("the letter `{other}` in a label")),
            };
            gates.iter().try_for_each(|&gate| self.gate(gate, 0, &[qubit], &[]))?;
        }
        Ok(())
    }
}
