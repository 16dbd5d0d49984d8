//! Parts of a circuit that nothing joins.

use std::collections::HashMap;

use ketch_interface::circuit::{Circuit, Clbit, Expr, Op, Qubit};

use crate::program::{sees_all, sees_clbits};

/// The parts of a circuit that no instruction joins, each with all bits of the whole and its own
/// instructions only; `None` if there is one, or if something looks at all of them at once.
///
/// Qubits and clbits are joined by every instruction that has both, but a measurement joins each
/// qubit with its own clbit only. Parts are put together up to `together` qubits.
pub(super) fn parts(circuit: &Circuit, together: usize) -> Option<Vec<Circuit>> {
    let dynamic = |expr: &Expr| matches!(expr, Expr::Clbit(_) | Expr::Clbits { .. } | Expr::Var(_));
    if circuit.has_control_flow() || circuit.expressions().iter().any(dynamic) {
        return None;
    }
    let mut sets = Sets::of(circuit)?;
    let groups = sets.groups(together);
    let n_groups = groups.iter().flatten().max()? + 1;
    if n_groups < 2 {
        return None;
    }
    let none = circuit.retained(|_| false);
    let mut parts = vec![none; n_groups];
    for instruction in circuit.instructions() {
        let (op, qubits, clbits) = (instruction.op, instruction.qubits, instruction.clbits);
        match op {
            Op::Barrier | Op::Delay(_) => {}
            Op::Measure => {
                for (&qubit, &clbit) in qubits.iter().zip(clbits) {
                    let part = &mut parts[groups[sets.qubit(qubit)]?];
                    part.push_unchecked(Op::Measure, &[qubit], &[clbit], &[]);
                }
            }
            Op::Reset => {
                for &qubit in qubits {
                    let part = &mut parts[groups[sets.qubit(qubit)]?];
                    part.push_unchecked(Op::Reset, &[qubit], &[], &[]);
                }
            }
            _ => {
                let first = match (qubits.first(), clbits.first()) {
                    (Some(&qubit), _) => sets.qubit(qubit),
                    (None, Some(&clbit)) => sets.clbit(clbit),
                    // A phase of the whole.
                    (None, None) => continue,
                };
                let part = &mut parts[groups[first]?];
                part.push_unchecked(op.clone(), qubits, clbits, instruction.params);
            }
        }
    }
    Some(parts)
}

/// Which qubits and clbits are joined: a forest whose roots stand for sets (Galler and Fischer,
/// CACM 7, 301, 1964).
struct Sets {
    /// The next element on the way to the root; qubits first, then clbits.
    towards: Vec<usize>,
    n_qubits: usize,
    /// Whether an instruction acts on the element.
    used: Vec<bool>,
}

impl Sets {
    /// `None` if an instruction joins everything.
    fn of(circuit: &Circuit) -> Option<Self> {
        let n_qubits = circuit.n_qubits() as usize;
        let n = n_qubits + circuit.n_clbits() as usize;
        let mut sets = Self { towards: (0..n).collect(), n_qubits, used: vec![false; n] };
        let mut keys: HashMap<&str, usize> = HashMap::new();
        for instruction in circuit.instructions() {
            let (qubits, clbits) = (instruction.qubits, instruction.clbits);
            match instruction.op {
                Op::Barrier | Op::Delay(_) => continue,
                Op::Measure => {
                    for (&qubit, &clbit) in qubits.iter().zip(clbits) {
                        sets.join(sets.qubit(qubit), sets.clbit(clbit));
                    }
                    continue;
                }
                Op::Reset => {
                    qubits.iter().for_each(|qubit| sets.used[qubit.0 as usize] = true);
                    continue;
                }
                Op::Save(save) => {
                    let first = sets.qubit(*qubits.first()?);
                    if sees_all(&save.kind) || sees_clbits(instruction.op) {
                        return None;
                    }
                    let same = *keys.entry(&save.key).or_insert(first);
                    sets.join(first, same);
                }
                Op::Snapshot(_) | Op::SetState(_) | Op::MeasureVar { .. } => return None,
                op if op.is_store() => return None,
                _ => {}
            }
            let mut all = qubits.iter().map(|&qubit| sets.qubit(qubit)).collect::<Vec<_>>();
            all.extend(clbits.iter().map(|&clbit| sets.clbit(clbit)));
            all.windows(2).for_each(|pair| sets.join(pair[0], pair[1]));
            all.iter().for_each(|&element| sets.used[element] = true);
        }
        Some(sets)
    }

    fn qubit(&self, qubit: Qubit) -> usize {
        qubit.0 as usize
    }

    fn clbit(&self, clbit: Clbit) -> usize {
        self.n_qubits + clbit.0 as usize
    }

    fn root(&mut self, mut element: usize) -> usize {
        while self.towards[element] != element {
            self.towards[element] = self.towards[self.towards[element]];
            element = self.towards[element];
        }
        element
    }

    fn join(&mut self, a: usize, b: usize) {
        self.used[a] = true;
        self.used[b] = true;
        let (a, b) = (self.root(a), self.root(b));
        self.towards[a.max(b)] = a.min(b);
    }

    /// The group of each element that is used, small sets put together.
    fn groups(&mut self, together: usize) -> Vec<Option<usize>> {
        let n = self.towards.len();
        let roots: Vec<usize> = (0..n).map(|element| self.root(element)).collect();
        let mut sizes = vec![0; n];
        (0..self.n_qubits).filter(|&q| self.used[q]).for_each(|qubit| sizes[roots[qubit]] += 1);
        let mut of_root = vec![None; n];
        let mut n_groups = 0;
        // The group that still has room, and what is in it.
        let mut open: Option<(usize, usize)> = None;
        for element in (0..n).filter(|&element| roots[element] == element && self.used[element]) {
            let size = sizes[element];
            let (group, filled) = match open {
                Some((group, filled)) if filled + size <= together => (group, filled + size),
                _ => {
                    n_groups += 1;
                    (n_groups - 1, size)
                }
            };
            of_root[element] = Some(group);
            if size <= together {
                open = Some((group, filled));
            }
        }
        let group = |element: usize| self.used[element].then(|| of_root[roots[element]])?;
        (0..n).map(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use ketch_interface::{
        BitString,
        circuit::{PauliTerm, Save, SaveKind, SaveSubtype},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::reference;

    #[test]
    fn what_nothing_joins_falls_apart() {
        let two = Circuit::new(4, 4).h(0).cx(0, 2).h(1).cx(1, 3).barrier().measure_all();
        let found = parts(&two, 0).unwrap();
        assert_eq!(found[0], Circuit::new(4, 4).h(0).cx(0, 2).measure(0, 0).measure(2, 2));
        assert_eq!(found[1], Circuit::new(4, 4).h(1).cx(1, 3).measure(1, 1).measure(3, 3));
        assert_eq!(found.len(), 2);
        assert!(parts(&two, 4).is_none());
        assert!(parts(&Circuit::new(0, 0), 0).is_none());
    }

    #[test]
    fn clbits_conditions_and_saves_join() {
        let pair = || Circuit::new(2, 2).h(0).h(1);
        assert!(parts(&pair().measure(0, 0).measure(1, 0), 0).is_none());
        assert!(parts(&pair().measure(0, 0).if_equal(0, 1, |c| c.x(1)), 0).is_none());
        let saved = |on: &[&[u32]]| {
            let mut circuit = pair();
            for qubits in on {
                let pauli = "Z".repeat(qubits.len());
                let term = PauliTerm { pauli, coefficient: 1.0.into() };
                let kind = SaveKind::ExpectationValue(vec![term]);
                let key = format!("z{}", on.len());
                let save = Save { kind, key, subtype: SaveSubtype::Average };
                let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
                circuit.push(Op::Save(Box::new(save)), &qubits, &[], &[]).unwrap();
            }
            parts(&circuit, 0).map_or(1, |parts| parts.len())
        };
        assert_eq!((saved(&[&[0]]), saved(&[&[0, 1]]), saved(&[&[0], &[1]])), (2, 1, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// The exact distribution of the whole is the product of those of the parts.
        #[test]
        fn distributions_multiply(
            gates in prop::collection::vec((0..6, 0..4_u32, 0..4_u32, -3.0..3.0), 0..7),
            clbits in prop::array::uniform4(0..5_u32),
            together in 0..4_usize,
        ) {
            let mut circuit = Circuit::new(4, 5);
            for (kind, a, b, angle) in gates {
                circuit = match kind {
                    0 if a != b => circuit.cx(a, b),
                    1 => circuit.reset(a),
                    2 => circuit.measure(a, a),
                    _ => circuit.u(angle, 0.3, 0.4, a),
                };
            }
            let pairs = (0..4).zip(clbits);
            let circuit = pairs.fold(circuit, |circuit, (qubit, bit)| circuit.measure(qubit, bit));
            let Some(parts) = parts(&circuit, together) else { return Ok(()) };
            let mut joined = vec![(BitString::zeros(5), 1.0)];
            for part in &parts {
                part.validate().unwrap();
                let distribution = reference::distribution(part);
                let pairs = joined.iter().flat_map(|(bits, p)| {
                    distribution.iter().map(move |(more, q)| {
                        let mut bits = bits.clone();
                        (0..5).filter(|&bit| more.get(bit)).for_each(|bit| bits.set(bit, true));
                        (bits, p * q)
                    })
                });
                joined = pairs.collect();
            }
            for (outcome, p) in reference::distribution(&circuit) {
                let found: f64 = joined.iter().filter(|(b, _)| *b == outcome).map(|(_, p)| p).sum();
                prop_assert!((found - p).abs() < 1e-12, "{outcome}: {p} became {found}");
            }
        }
    }
}
