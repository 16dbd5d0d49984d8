//! Density matrices by the definition, entry by entry.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{Op, Param},
};

use crate::reference;

/// A density matrix, row-major, and which qubit each clbit reads.
pub(super) struct Oracle {
    pub(super) rho: Matrix,
    measured: BTreeMap<u32, usize>,
    readout_errors: Vec<(Vec<u32>, Vec<Vec<f64>>)>,
    n_clbits: u32,
}

/// Runs a circuit of gates, channels and resets whose measurements are last.
pub(super) fn run(circuit: &Circuit) -> Oracle {
    run_from(circuit, (0, 0))
}

/// The same for the matrix whose only entry is 1 at this row and column.
pub(super) fn run_from(circuit: &Circuit, (row, column): (usize, usize)) -> Oracle {
    let dim = 1 << circuit.n_qubits();
    let mut start = vec![Complex64::ZERO; dim * dim];
    start[row * dim + column] = Complex64::ONE;
    let mut oracle = Oracle {
        rho: Matrix::new(dim, start).unwrap(),
        measured: BTreeMap::new(),
        readout_errors: Vec::new(),
        n_clbits: circuit.n_clbits(),
    };
    for instruction in circuit.instructions() {
        let qubits: Vec<usize> = instruction.qubits.iter().map(|q| q.0 as usize).collect();
        let clbits: Vec<u32> = instruction.clbits.iter().map(|c| c.0).collect();
        match instruction.op {
            Op::Gate(op) => {
                let number = |param: &Param| param.as_number().unwrap();
                let params: Vec<f64> = instruction.params.iter().map(number).collect();
                oracle.apply(&[op.matrix(&params)], &qubits);
            }
            Op::Unitary(unitary) => oracle.apply(std::slice::from_ref(&unitary.value), &qubits),
            Op::Pauli(letters) => oracle.apply(&[reference::pauli(letters)], &qubits),
            Op::Kraus(kraus) => oracle.apply(kraus, &qubits),
            Op::Superop(superop) => oracle.superop(superop, &qubits),
            Op::Reset => {
                let (o, l) = (Complex64::ZERO, Complex64::ONE);
                let kraus = [[[l, o], [o, o]], [[o, l], [o, o]]].map(Matrix::from_rows);
                qubits.iter().for_each(|&qubit| oracle.apply(&kraus, &[qubit]));
            }
            Op::Barrier => {}
            Op::Measure => oracle.measured.extend(clbits.into_iter().zip(qubits)),
            Op::ReadoutError(rows) => oracle.readout_errors.push((clbits, rows.to_vec())),
            op => panic!("the oracle does not know `{}`", op.name()),
        }
    }
    oracle
}

impl Oracle {
    /// Σ K ρ K†.
    fn apply(&mut self, kraus: &[Matrix], qubits: &[usize]) {
        let dim = self.rho.dim();
        let mut sum = vec![Complex64::ZERO; dim * dim];
        for k in kraus {
            // K on each column of ρ, and then conj(K) on each row of what comes out.
            let left = columns(&self.rho, |column| reference::applied(k, qubits, column));
            let conjugate = k.entries().iter().map(Complex64::conj).collect();
            let conjugate = Matrix::new(k.dim(), conjugate).unwrap();
            let rows = left.entries().chunks(dim);
            let both = rows.flat_map(|row| reference::applied(&conjugate, qubits, row));
            sum.iter_mut().zip(both).for_each(|(sum, entry)| *sum += entry);
        }
        self.rho = Matrix::new(dim, sum).unwrap();
    }

    /// The definition of a column-stacking superoperator, on the entries of the qubits' part.
    fn superop(&mut self, superop: &Matrix, qubits: &[usize]) {
        let (dim, d) = (self.rho.dim(), 1 << qubits.len());
        let part = |i: usize| (0..qubits.len()).fold(0, |p, k| p | (i >> qubits[k] & 1) << k);
        let rest = |i: usize| qubits.iter().fold(i, |i, qubit| i & !(1 << qubit));
        let mut entries = vec![Complex64::ZERO; dim * dim];
        for (row, column) in (0..dim * dim).map(|i| (i / dim, i % dim)) {
            for (r, c) in (0..dim * dim).map(|i| (i / dim, i % dim)) {
                if rest(r) == rest(row) && rest(c) == rest(column) {
                    let to = part(column) * d + part(row);
                    let from = part(c) * d + part(r);
                    entries[row * dim + column] += superop.at(to, from) * self.rho.at(r, c);
                }
            }
        }
        self.rho = Matrix::new(dim, entries).unwrap();
    }

    /// The probability of each value of the clbits, readout errors included.
    pub(super) fn distribution(&self) -> BTreeMap<BitString, f64> {
        let mut distribution = BTreeMap::new();
        for index in 0..self.rho.dim() {
            let mut clbits = BitString::zeros(self.n_clbits);
            self.measured
                .iter()
                .for_each(|(clbit, qubit)| clbits.set(*clbit, index >> qubit & 1 == 1));
            *distribution.entry(clbits).or_insert(0.0) += self.rho.at(index, index).re;
        }
        for (bits, rows) in &self.readout_errors {
            let mut read = BTreeMap::new();
            for (clbits, probability) in distribution {
                let value =
                    (0..bits.len()).fold(0, |v, i| v | usize::from(clbits.get(bits[i])) << i);
                for (j, p) in rows[value].iter().enumerate() {
                    let mut changed = clbits.clone();
                    (0..bits.len()).for_each(|i| changed.set(bits[i], j >> i & 1 == 1));
                    *read.entry(changed).or_insert(0.0) += probability * p;
                }
            }
            distribution = read;
        }
        distribution
    }
}

/// Each column of a matrix, changed.
fn columns(matrix: &Matrix, change: impl Fn(&[Complex64]) -> Vec<Complex64>) -> Matrix {
    let dim = matrix.dim();
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for c in 0..dim {
        let column: Vec<Complex64> = (0..dim).map(|row| matrix.at(row, c)).collect();
        let changed = change(&column);
        changed.into_iter().enumerate().for_each(|(row, entry)| entries[row * dim + c] = entry);
    }
    Matrix::new(dim, entries).unwrap()
}
