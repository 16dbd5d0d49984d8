//! Instructions that nothing depends on.

use ketch_interface::circuit::{Circuit, Instruction, Op, SaveKind};

use crate::program::sees_all;

/// Which instructions decide what comes out, by their places; `None` if all do.
///
/// Walks backwards from measurements and saves. A gate, a channel or a reset is left out if no
/// qubit of it is looked at later. So is a diagonal gate if each qubit of it that is looked at
/// later is measured before anything else happens to it: it commutes with the measurements, and
/// is a phase of the whole behind them. That phase could be seen in a save of amplitudes, so such
/// gates are kept where saves follow.
pub(super) fn needed(circuit: &Circuit) -> Option<Vec<bool>> {
    let program: Vec<(usize, Instruction<'_>)> = circuit.block(None).collect();
    let mut walk = Walk { next: vec![Next::Nothing; circuit.n_qubits() as usize], saves: false };
    let mut needed = vec![true; circuit.len()];
    let mut all = true;
    for &(place, instruction) in program.iter().rev() {
        if !walk.needs(circuit, place, instruction) {
            needed[place] = false;
            all = false;
        }
    }
    (!all).then_some(needed)
}

/// What happens to a qubit next that can be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Nothing,
    Measurement,
    Other,
}

/// What is known of the instructions behind the one that is looked at.
struct Walk {
    next: Vec<Next>,
    /// Something is saved.
    saves: bool,
}

impl Walk {
    fn needs(&mut self, circuit: &Circuit, place: usize, instruction: Instruction<'_>) -> bool {
        let op = instruction.op;
        let mut next = instruction.qubits.iter().map(|qubit| self.next[qubit.0 as usize]);
        let unseen = next.clone().all(|next| next == Next::Nothing);
        match op {
            Op::Gate(_) | Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_) => {
                // A gate on no qubits is a phase of the whole.
                if unseen && !(instruction.qubits.is_empty() && self.saves) {
                    return false;
                }
                if !self.saves && is_diagonal(op) && next.all(|next| next != Next::Other) {
                    return false;
                }
                self.set(instruction, Next::Other);
            }
            Op::Kraus(_) | Op::Superop(_) => {
                if unseen {
                    return false;
                }
                self.set(instruction, Next::Other);
            }
            Op::Reset | Op::Initialize(_) => {
                if unseen {
                    return false;
                }
                self.set(instruction, Next::Nothing);
            }
            Op::Measure | Op::MeasureVar { .. } => self.set(instruction, Next::Measurement),
            Op::Barrier | Op::Delay(_) | Op::ReadoutError(_) => {}
            op if op.is_store() => {}
            Op::SetState(_) => self.next.fill(Next::Nothing),
            Op::Save(save) if !sees_all(&save.kind) => {
                self.saves = true;
                let places = 0..instruction.qubits.len();
                for place in places.filter(|&place| looks_at(&save.kind, place)) {
                    self.next[instruction.qubits[place].0 as usize] = Next::Other;
                }
            }
            Op::Save(_) | Op::Snapshot(_) => self.look_at_all(),
            _ => {
                for place in place..circuit.end_of(place) {
                    let inside = circuit.instruction(place);
                    self.set(inside, Next::Other);
                    if matches!(inside.op, Op::Save(_) | Op::Snapshot(_) | Op::SetState(_)) {
                        self.look_at_all();
                    }
                }
            }
        }
        true
    }

    fn set(&mut self, instruction: Instruction<'_>, next: Next) {
        instruction.qubits.iter().for_each(|qubit| self.next[qubit.0 as usize] = next);
    }

    fn look_at_all(&mut self) {
        self.saves = true;
        self.next.fill(Next::Other);
    }
}

/// Whether a save looks at its qubit at this place: an observable need not.
fn looks_at(kind: &SaveKind, place: usize) -> bool {
    match kind {
        SaveKind::ExpectationValue(terms) | SaveKind::ExpectationValueVariance(terms) => {
            terms.iter().any(|term| term.pauli.bytes().rev().nth(place) != Some(b'I'))
        }
        _ => true,
    }
}

fn is_diagonal(op: &Op) -> bool {
    match op {
        Op::Gate(gate) => gate.gate.info().diagonal,
        Op::Diagonal(_) => true,
        Op::Pauli(letters) => letters.bytes().all(|letter| matches!(letter, b'I' | b'Z')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::{PauliTerm, Qubit, Save, SaveSubtype};
    use proptest::prelude::*;

    use super::*;
    use crate::reference;

    fn kept(circuit: &Circuit) -> Vec<String> {
        let needed = needed(circuit).unwrap_or_else(|| vec![true; circuit.len()]);
        let names = circuit.retained(|place| needed[place]);
        names.instructions().map(|i| i.op.name()).collect()
    }

    #[test]
    fn what_nobody_looks_at_is_left_out() {
        let circuit = Circuit::new(3, 1).h(0).cx(1, 0).h(2).cx(1, 2).x(2).measure(0, 0).h(0);
        assert_eq!(kept(&circuit), ["h", "cx", "measure"]);
        // What a reset wipes out, and a phase of what is measured.
        let circuit = Circuit::new(2, 2).h(0).reset(0).x(0).cz(0, 1).t(1).measure_all();
        assert_eq!(kept(&circuit), ["reset", "x", "measure"]);
        // Without measurements nothing is left.
        assert!(kept(&Circuit::new(2, 0).h(0).cx(0, 1)).is_empty());
    }

    #[test]
    fn a_phase_that_something_sees_stays() {
        let all = |circuit: Circuit| assert!(needed(&circuit).is_none(), "{circuit:?}");
        all(Circuit::new(2, 2).h(0).h(1).cz(0, 1).h(1).measure_all());
        all(Circuit::new(2, 2)
            .h(0)
            .measure(0, 0)
            .cz(0, 1)
            .if_equal(0, 1, |c| c.h(1))
            .measure(1, 1));
        let mut saved = Circuit::new(2, 0).h(0).h(1).cz(0, 1);
        let z = PauliTerm { pauli: "IX".to_owned(), coefficient: 1.0.into() };
        let kind = SaveKind::ExpectationValue(vec![z]);
        let save = Save { key: "x".to_owned(), kind, subtype: SaveSubtype::Single };
        saved.push(Op::Save(Box::new(save)), &[Qubit(0), Qubit(1)], &[], &[]).unwrap();
        all(saved.clone());
        // The second qubit is not part of the observable.
        let apart = saved.retained(|place| place != 2);
        assert_eq!(kept(&apart), ["h", "save_expval"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// The exact distributions of circuits of all kinds of instructions, in random order.
        #[test]
        fn outcomes_stay_the_same(
            steps in prop::collection::vec((0..10, 0..3_u32, 0..3_u32, -3.0..3.0), 1..16),
        ) {
            let mut circuit = Circuit::new(3, 3);
            for (kind, a, b, angle) in steps {
                circuit = match kind {
                    0 => circuit.u(angle, 0.3, 0.4, a),
                    1 if a != b => circuit.cx(a, b),
                    2 if a != b => circuit.cp(angle, a, b),
                    3 if a != b => circuit.cz(a, b),
                    4 => circuit.measure(a, b),
                    5 => circuit.reset(a),
                    6 => circuit.if_equal(0, u64::from(b), |inside| inside.ry(angle, a)),
                    7 => circuit.t(a),
                    8 if a != b => circuit.ccz(a, b, 3 - a - b),
                    _ => circuit.h(a),
                };
            }
            let circuit = circuit.measure(1, 2);
            let expected = reference::distribution(&circuit);
            let needed = needed(&circuit).unwrap_or_else(|| vec![true; circuit.len()]);
            let reduced = circuit.retained(|place| needed[place]);
            reduced.validate().unwrap();
            let found = reference::distribution(&reduced);
            for outcome in expected.keys().chain(found.keys()) {
                let of = |d: &std::collections::BTreeMap<_, f64>| d.get(outcome).copied();
                let (a, b) = (of(&expected).unwrap_or(0.0), of(&found).unwrap_or(0.0));
                prop_assert!((a - b).abs() < 1e-12, "{outcome}: {a} became {b}\n{circuit:?}");
            }
        }
    }
}
