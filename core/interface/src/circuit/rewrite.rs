//! Circuits from circuits.

use std::{collections::HashMap, sync::Arc};

use super::{
    Binary, Circuit, EvaluateError, Expr, ExprId, GateOp, Initialize, Instruction, Inverse,
    Labelled, Op, Param, Scope, Unary, Value,
};
use crate::{BitString, Matrix};

/// Numbers that do not fit a circuit's parameters.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Not as many numbers as parameters.
    #[error("expected {} numbers, for {}; found {found}", names.len(), names.join(", "))]
    WrongCount {
        /// The circuit's parameters.
        names: Vec<String>,
        /// How many numbers there were.
        found: usize,
    },
    /// A name that the circuit does not have.
    #[error("no parameter `{name}`; the circuit has {}", known.join(", "))]
    NoSuchParameter {
        /// The name.
        name: String,
        /// The circuit's parameters.
        known: Vec<String>,
    },
    /// An expression without a value.
    #[error("cannot bind a gate's parameter")]
    Evaluate(#[from] EvaluateError),
}

impl Circuit {
    /// The circuit with numbers for its parameters, in the order of
    /// [`parameters`](Self::parameters).
    ///
    /// # Errors
    /// If there are more or fewer numbers than parameters.
    pub fn bind(&self, numbers: &[f64]) -> Result<Self, BindError> {
        if numbers.len() != self.parameters.len() {
            let (names, found) = (self.parameters.to_vec(), numbers.len());
            return Err(BindError::WrongCount { names, found });
        }
        if numbers.is_empty() {
            return Ok(self.clone());
        }
        let mut bound = self.clone();
        for expr in &mut bound.exprs {
            if let Expr::Parameter(id) = expr {
                *expr = Expr::Literal(Value::Float(numbers[id.0 as usize]));
            }
        }
        bound.parameters.truncate(0);
        let clbits = BitString::zeros(0);
        let scope = Scope { clbits: &clbits, variables: &[], bindings: &[] };
        for place in 0..bound.params.len() {
            if let Param::Expr(id) = bound.params[place]
                && bound.is_static(id)
            {
                bound.params[place] = Param::Number(bound.number(Param::Expr(id), scope)?);
            }
        }
        Ok(bound)
    }

    /// The circuit with numbers for parameters by name.
    ///
    /// # Errors
    /// If a name is unknown or one is missing.
    pub fn bind_named(&self, numbers: &[(&str, f64)]) -> Result<Self, BindError> {
        let unknown = |(name, _): &&(&str, f64)| self.parameters.place(name).is_none();
        if let Some((name, _)) = numbers.iter().find(unknown) {
            let (name, known) = ((*name).to_owned(), self.parameters.to_vec());
            return Err(BindError::NoSuchParameter { name, known });
        }
        // Of a name that is given twice, the first counts.
        let by_name: HashMap<&str, f64> = numbers.iter().rev().copied().collect();
        let number_of = |name: &String| by_name.get(name.as_str()).copied();
        let ordered: Vec<f64> = self.parameters.iter().filter_map(number_of).collect();
        self.bind(&ordered)
    }

    /// The circuit with those instructions of the program only for which `keep` holds, by their
    /// places. Blocks stay with the instruction that names them; bits, registers, variables and
    /// expressions stay as they are.
    ///
    /// ```
    /// # use ketch_interface::Circuit;
    /// let circuit = Circuit::new(2, 0).h(0).x(1).cx(0, 1);
    /// assert_eq!(circuit.retained(|place| place != 1), Circuit::new(2, 0).h(0).cx(0, 1));
    /// ```
    ///
    /// # Panics
    /// If an instruction that names a block is not kept.
    #[must_use]
    pub fn retained(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self {
            name: self.name.clone(),
            global_phase: self.global_phase,
            n_qubits: self.n_qubits,
            n_clbits: self.n_clbits,
            qregs: Arc::clone(&self.qregs),
            cregs: Arc::clone(&self.cregs),
            variables: self.variables.clone(),
            parameters: self.parameters.clone(),
            exprs: self.exprs.clone(),
            blocks: self.blocks.clone(),
            ..Self::default()
        };
        let mut moved = vec![0; self.len() + 1];
        for (place, _) in self.block(None) {
            let end = self.end_of(place);
            if !keep(place) {
                assert_eq!(end, place + 1, "an instruction with blocks is kept");
                moved[place] = kept.len() as u32;
                continue;
            }
            for (inside, moved) in (place..).zip(&mut moved[place..end]) {
                *moved = kept.len() as u32;
                let Instruction { op, qubits, clbits, params } = self.instruction(inside);
                kept.push_unchecked(op.clone(), qubits, clbits, params);
            }
        }
        moved[self.len()] = kept.len() as u32;
        for block in &mut kept.blocks {
            let begin = moved[block.start as usize];
            *block = begin..begin + block.len() as u32;
        }
        kept
    }

    /// Known before the circuit runs.
    pub(crate) fn is_static(&self, id: ExprId) -> bool {
        let expr = self.expression(id);
        !expr.reads_storage() && expr.operands().all(|operand| self.is_static(operand))
    }

    /// The circuit that undoes this one; `None` if it has an instruction that cannot be undone.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let mut inverse = Self {
            name: format!("{}_dg", self.name),
            global_phase: -self.global_phase,
            n_qubits: self.n_qubits,
            n_clbits: self.n_clbits,
            qregs: Arc::clone(&self.qregs),
            cregs: Arc::clone(&self.cregs),
            variables: self.variables.clone(),
            parameters: self.parameters.clone(),
            exprs: self.exprs.clone(),
            ..Self::default()
        };
        for index in (0..self.len()).rev() {
            let instruction = self.instruction(index);
            let (op, params) = match instruction.op {
                Op::Gate(gate) => inverse.undo_gate(*gate, instruction.params)?,
                Op::Barrier | Op::Delay(_) | Op::Pauli(_) => {
                    (instruction.op.clone(), instruction.params.to_vec())
                }
                Op::Unitary(unitary) => (adjoint(&unitary.value, unitary.label.clone()), vec![]),
                Op::Diagonal(diagonal) => {
                    let conjugate = diagonal.iter().map(num_complex::Complex64::conj);
                    (Op::Diagonal(conjugate.collect()), vec![])
                }
                Op::Multiplexer(matrices) => {
                    (Op::Multiplexer(matrices.iter().map(Matrix::adjoint).collect()), vec![])
                }
                _ => return None,
            };
            inverse.push_unchecked(op, instruction.qubits, instruction.clbits, &params);
        }
        Some(inverse)
    }

    fn undo_gate(&mut self, op: GateOp, params: &[Param]) -> Option<(Op, Vec<Param>)> {
        let mut undone = params.to_vec();
        let gate = match op.gate.info().inverse {
            Inverse::Same => op.gate,
            Inverse::Gate(gate) => gate,
            Inverse::NegateFirst => {
                undone[0] = self.negate(undone[0]);
                op.gate
            }
            Inverse::Euler => {
                undone = undone.into_iter().map(|param| self.negate(param)).collect();
                undone.swap(1, 2);
                op.gate
            }
            Inverse::Adjoint => {
                let numbers: Option<Vec<f64>> = params.iter().map(|p| p.as_number()).collect();
                return (op.controls <= 10)
                    .then_some((adjoint(&op.matrix(&numbers?), None), vec![]));
            }
        };
        Some((Op::Gate(GateOp { gate, ..op }), undone))
    }

    fn negate(&mut self, param: Param) -> Param {
        match param {
            Param::Number(number) => Param::Number(-number),
            Param::Expr(id) => Param::Expr(self.add_expr(Expr::Unary(Unary::Negate, id))),
        }
    }

    /// A parameter expression made from two, for parsers and tests: `a operator b`.
    pub fn combine(&mut self, operator: Binary, a: Param, b: Param) -> Param {
        let mut node = |param| match param {
            Param::Number(number) => self.add_expr(Expr::Literal(Value::Float(number))),
            Param::Expr(id) => id,
        };
        let (a, b) = (node(a), node(b));
        Param::Expr(self.add_expr(Expr::Binary(operator, a, b)))
    }

    /// The qubits as they are set by an `initialize` of labels, one letter a qubit.
    #[must_use]
    pub fn label_amplitudes(labels: &str) -> Option<Vec<num_complex::Complex64>> {
        use num_complex::Complex64 as C;
        let r = std::f64::consts::FRAC_1_SQRT_2;
        let mut amplitudes = vec![C::ONE];
        for letter in labels.chars() {
            let (zero, one) = match letter {
                '0' => (C::ONE, C::ZERO),
                '1' => (C::ZERO, C::ONE),
                '+' => (C::new(r, 0.0), C::new(r, 0.0)),
                '-' => (C::new(r, 0.0), C::new(-r, 0.0)),
                'r' => (C::new(r, 0.0), C::new(0.0, r)),
                'l' => (C::new(r, 0.0), C::new(0.0, -r)),
                _ => return None,
            };
            // The leftmost letter is the most significant qubit.
            amplitudes = amplitudes.iter().flat_map(|a| [a * zero, a * one]).collect();
        }
        Some(amplitudes)
    }
}

impl Initialize {
    /// The amplitudes, the first qubit least significant; `None` for an unknown letter.
    #[must_use]
    pub fn amplitudes(&self) -> Option<Vec<num_complex::Complex64>> {
        match self {
            Self::Amplitudes(amplitudes) => Some(amplitudes.clone()),
            Self::Labels(labels) => Circuit::label_amplitudes(labels),
        }
    }
}

fn adjoint(matrix: &Matrix, label: Option<String>) -> Op {
    Op::Unitary(Box::new(Labelled { label, value: matrix.adjoint() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bound_by_place_or_name() {
        let mut circuit = Circuit::new(1, 0).rx("theta", 0).u("phi", "theta", 0.5, 0);
        let theta = circuit.instruction(0).params[0];
        let twice = circuit.combine(Binary::Mul, theta, Param::Number(2.0));
        let rz = Op::Gate(GateOp::new(super::super::Gate::Rz, 0));
        circuit.push(rz, &[super::super::Qubit(0)], &[], &[twice]).unwrap();
        assert_eq!(circuit.parameters(), ["theta", "phi"]);
        let bound = circuit.bind_named(&[("phi", 0.25), ("theta", 0.75)]).unwrap();
        assert_eq!(bound, circuit.bind(&[0.75, 0.25]).unwrap());
        let params: Vec<_> = bound.instructions().flat_map(|i| i.params.to_vec()).collect();
        assert_eq!(params, [0.75, 0.25, 0.75, 0.5, 1.5].map(Param::Number));
        assert!(matches!(circuit.bind(&[1.0]), Err(BindError::WrongCount { .. })));
        assert!(matches!(
            circuit.bind_named(&[("x", 1.0)]),
            Err(BindError::NoSuchParameter { .. })
        ));
    }

    #[test]
    fn blocks_stay_with_the_instruction_that_names_them() {
        let with = |before: bool| {
            let start = Circuit::new(2, 2).h(0);
            let start = if before { start.x(1).z(1) } else { start };
            let measured = start.measure(0, 0).if_equal(0, 1, |inside| inside.x(1).h(0));
            measured.if_equal(0, 0, |inside| inside).measure(1, 1)
        };
        let retained = with(true).retained(|place| place != 1 && place != 2);
        retained.validate().unwrap();
        assert_eq!(retained, with(false));
    }

    #[test]
    fn an_inverse_reverses_and_undoes() {
        let inverse = Circuit::new(2, 0).s(0).cx(0, 1).iswap(0, 1).inverse().unwrap();
        let names: Vec<String> = inverse.instructions().map(|i| i.op.name()).collect();
        assert_eq!(names, ["unitary", "cx", "sdg"]);
        assert!(Circuit::new(1, 1).measure_all().inverse().is_none());
    }
}
