//! Instructions of Qiskit's library that are no gates of the table.

use std::f64::consts::PI;

use ketch_interface::{
    Matrix,
    circuit::{Gate, Labelled, Op, Param},
};

use super::{Lower, Lowerer, fail};
use crate::model::{Array, Instruction, Value};

impl<'m> Lowerer<'m> {
    /// Appends the instruction, if it is one of these.
    pub(super) fn library(
        &mut self,
        instruction: &'m Instruction<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<bool> {
        let params = &instruction.params;
        match instruction.name {
            "Initialize" => self.initialize(params, qubits)?,
            "StatePreparation" => self.state_preparation(params, qubits)?,
            "UnitaryGate" => {
                let unitary = Labelled { label: None, value: matrix(params.first())? };
                if unitary.value.unitarity_defect() > 1e-6 {
                    return fail("a matrix that is not unitary");
                }
                self.push(Op::Unitary(Box::new(unitary)), qubits, &[], &[])?;
            }
            "PauliGate" => match params.first() {
                Some(Value::Text(letters)) => {
                    self.push(Op::Pauli((*letters).into()), qubits, &[], &[])?;
                }
                _ => return fail("letters expected"),
            },
            "PermutationGate" => self.permutation(params, qubits)?,
            "DiagonalGate" => self.diagonal(params, qubits)?,
            "UCRXGate" => self.multiplexed(Gate::Rx, params, qubits)?,
            "UCRYGate" => self.multiplexed(Gate::Ry, params, qubits)?,
            "UCRZGate" => self.multiplexed(Gate::Rz, params, qubits)?,
            "QFTGate" => self.fourier(qubits)?,
            "LinearFunction" => self.linear(params, qubits)?,
            "pauli_product_measurement" | "PauliProductMeasurement" => {
                self.measure_product(params, qubits, clbits)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Qubit `i` gets the state of qubit `pattern[i]`.
    fn permutation(&mut self, params: &[Value<'m>], qubits: &[u32]) -> Lower<()> {
        let mut pattern = whole_numbers(params)?;
        let mut sorted = pattern.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..qubits.len()) {
            return fail(format!("no permutation of {} qubits", qubits.len()));
        }
        for start in 0..pattern.len() {
            // Each exchange puts one state in its place.
            let mut place = start;
            while pattern[place] != start {
                let next = std::mem::replace(&mut pattern[place], place);
                self.gate(Gate::Swap, 0, &[qubits[place], qubits[next]], &[])?;
                place = next;
            }
            pattern[place] = place;
        }
        Ok(())
    }

    fn diagonal(&mut self, params: &[Value<'m>], qubits: &[u32]) -> Lower<()> {
        let mut entries = Vec::with_capacity(params.len());
        for param in params {
            match param {
                Value::Complex(entry) => entries.push(*entry),
                Value::Int(entry) => entries.push((*entry as f64).into()),
                Value::Float(entry) => entries.push((*entry).into()),
                Value::Array(array) => entries.extend_from_slice(&array.entries),
                _ => return fail("an entry that is no number"),
            }
        }
        self.push(Op::Diagonal(entries.into()), qubits, &[], &[])
    }

    /// A rotation by an angle for each value of the controls, which stand behind the target.
    fn multiplexed(&mut self, gate: Gate, params: &[Value<'m>], qubits: &[u32]) -> Lower<()> {
        let mut matrices = Vec::with_capacity(params.len());
        for param in self.params(params)? {
            match param {
                Param::Number(angle) => matrices.push(gate.matrix(&[angle])),
                Param::Expr(_) => return fail("angles that are no numbers"),
            }
        }
        self.push(Op::Multiplexer(matrices.into()), qubits, &[], &[])
    }

    /// The Fourier transform (Nielsen and Chuang, "Quantum Computation and Quantum Information",
    /// figure 5.1), the first qubit least significant.
    fn fourier(&mut self, qubits: &[u32]) -> Lower<()> {
        let n = qubits.len();
        self.charge((n * n) as u64)?;
        for high in (0..n).rev() {
            self.gate(Gate::H, 0, &[qubits[high]], &[])?;
            for low in (0..high).rev() {
                let angle = PI / 2_f64.powi((high - low) as i32);
                self.gate(Gate::P, 1, &[qubits[low], qubits[high]], &[Param::Number(angle)])?;
            }
        }
        (0..n / 2).try_for_each(|i| self.gate(Gate::Swap, 0, &[qubits[i], qubits[n - 1 - i]], &[]))
    }

    /// The matrix of bits that says which qubits each qubit becomes the parity of: reduced to the
    /// identity by adding rows, which are the gates in reverse.
    fn linear(&mut self, params: &[Value<'m>], qubits: &[u32]) -> Lower<()> {
        let n = qubits.len();
        let Some(Value::Array(Array { shape, entries })) = params.first() else {
            return fail("a matrix of bits expected");
        };
        if shape[..] != [n, n] {
            return fail(format!("a matrix of shape {shape:?} on {n} qubits"));
        }
        self.charge((n * n) as u64)?;
        let mut rows: Vec<Vec<bool>> = entries
            .chunks_exact(n.max(1))
            .map(|row| row.iter().map(|entry| entry.re != 0.0).collect())
            .collect();
        let mut gates = Vec::new();
        for column in 0..n {
            self.charge(n as u64)?;
            let Some(pivot) = (column..n).find(|&row| rows[row][column]) else {
                return fail("a matrix of bits that has no inverse");
            };
            let mut add = |rows: &mut Vec<Vec<bool>>, from: usize, to: usize| {
                let line = rows[from].clone();
                rows[to].iter_mut().zip(line).for_each(|(bit, other)| *bit ^= other);
                gates.push((from, to));
            };
            if pivot != column {
                add(&mut rows, pivot, column);
            }
            for row in (0..n).filter(|&row| row != column).collect::<Vec<_>>() {
                if rows[row][column] {
                    self.charge(n as u64)?;
                    add(&mut rows, column, row);
                }
            }
        }
        gates
            .into_iter()
            .rev()
            .try_for_each(|(from, to)| self.gate(Gate::X, 1, &[qubits[from], qubits[to]], &[]))
    }

    /// Measures a product of Pauli operators, given by where it has Z, where X, and by the power
    /// of -i in front when Y is written as XZ up to that power.
    fn measure_product(
        &mut self,
        params: &[Value<'m>],
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let (&[Value::Array(z), Value::Array(x), phase], &[clbit]) =
            (&params.iter().collect::<Vec<_>>()[..], clbits)
        else {
            return fail("two arrays of bits, a phase and a clbit expected");
        };
        let phase = match phase {
            Value::Int(phase) => *phase,
            Value::Array(array) => array.entries.first().map_or(0, |entry| entry.re as i64),
            _ => return fail("a phase that is no number"),
        };
        let n = qubits.len();
        if z.entries.len() != n || x.entries.len() != n {
            return fail(format!("bits for another number of qubits than {n}"));
        }
        let bit = |array: &Array, place: usize| array.entries[place].re != 0.0;
        // To the basis of Z, and back; the parity of all in the last one.
        let mut turned: Vec<(u32, bool)> = Vec::new();
        let mut on: Vec<u32> = Vec::new();
        for (place, &qubit) in qubits.iter().enumerate() {
            let (z, x) = (bit(z, place), bit(x, place));
            if x {
                turned.push((qubit, z));
            }
            if x || z {
                on.push(qubit);
            }
        }
        let Some((&last, others)) = on.split_last() else {
            return fail("a product of nothing is not measured");
        };
        for &(qubit, is_y) in &turned {
            if is_y {
                self.gate(Gate::Sdg, 0, &[qubit], &[])?;
            }
            self.gate(Gate::H, 0, &[qubit], &[])?;
        }
        for &qubit in others {
            self.gate(Gate::X, 1, &[qubit, last], &[])?;
        }
        let negative = phase.rem_euclid(4) == 2;
        if negative {
            self.gate(Gate::X, 0, &[last], &[])?;
        }
        self.push(Op::Measure, &[last], &[clbit], &[])?;
        if negative {
            self.gate(Gate::X, 0, &[last], &[])?;
        }
        for &qubit in others.iter().rev() {
            self.gate(Gate::X, 1, &[qubit, last], &[])?;
        }
        for &(qubit, is_y) in &turned {
            self.gate(Gate::H, 0, &[qubit], &[])?;
            if is_y {
                self.gate(Gate::S, 0, &[qubit], &[])?;
            }
        }
        Ok(())
    }
}

/// A square matrix.
fn matrix(param: Option<&Value<'_>>) -> Lower<Matrix> {
    let Some(Value::Array(Array { shape, entries })) = param else {
        return fail("a matrix expected");
    };
    let square = matches!(shape[..], [rows, columns] if rows == columns);
    match Matrix::new(shape.first().copied().unwrap_or(0), entries.clone()) {
        Some(matrix) if square => Ok(matrix),
        _ => fail(format!("a matrix of shape {shape:?}")),
    }
}

/// Whole numbers from an array or a list.
fn whole_numbers(params: &[Value<'_>]) -> Lower<Vec<usize>> {
    let whole = |number: f64| match number >= 0.0 && number.fract() == 0.0 && number < 2e9 {
        true => Ok(number as usize),
        false => fail(format!("the number {number}, expected a place")),
    };
    match params {
        [Value::Array(array)] => array.entries.iter().map(|entry| whole(entry.re)).collect(),
        [Value::Tuple(items)] => whole_numbers(items),
        params => {
            let each = params.iter().map(|param| match param {
                Value::Int(number) => whole(*number as f64),
                _ => fail("a place that is no whole number"),
            });
            each.collect()
        }
    }
}
