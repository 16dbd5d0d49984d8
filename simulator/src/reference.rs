//! The slow, obvious simulator that tests compare with: matrices by definition, every branch of
//! every measurement followed.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Complex64, Matrix,
    circuit::{
        BlockId, Circuit, ExprId, ForValues, Gate, Instruction, Op, Scope, Value, VarId, VarType,
    },
};

/// One way in which the measurements can come out.
#[derive(Clone)]
pub(crate) struct Branch {
    pub(crate) probability: f64,
    pub(crate) clbits: BitString,
    pub(crate) state: Vec<Complex64>,
    variables: Vec<Value>,
    flow: Flow,
}

/// Where a branch goes on.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
    End,
}

/// Branches that are less probable are not followed: loops until success have no last round.
const NEGLIGIBLE: f64 = 1e-13;

/// `matrix` on `qubits` of a state: entry by entry of the definition.
pub(crate) fn applied(matrix: &Matrix, qubits: &[usize], state: &[Complex64]) -> Vec<Complex64> {
    let part = |index: usize| (0..qubits.len()).fold(0, |p, k| p | (index >> qubits[k] & 1) << k);
    let rest = |index: usize| qubits.iter().fold(index, |index, qubit| index & !(1 << qubit));
    let entry = |row: usize| {
        let columns = (0..state.len()).filter(|&column| rest(column) == rest(row));
        columns.map(|column| matrix.at(part(row), part(column)) * state[column]).sum()
    };
    (0..state.len()).map(entry).collect()
}

/// All branches of a circuit of gates, measurements, resets, initializations, stores and control
/// flow.
pub(crate) fn branches(circuit: &Circuit) -> Vec<Branch> {
    let mut state = vec![Complex64::ZERO; 1 << circuit.n_qubits()];
    state[0] = Complex64::cis(circuit.global_phase);
    let start = Branch {
        probability: 1.0,
        clbits: BitString::zeros(circuit.n_clbits()),
        state,
        variables: circuit.variables().iter().map(|var| Value::zero(var.ty)).collect(),
        flow: Flow::Next,
    };
    block(circuit, None, vec![start])
}

/// The state of a circuit without measurement.
pub(crate) fn state(circuit: &Circuit) -> Vec<Complex64> {
    let [branch] = &branches(circuit)[..] else { panic!("the circuit has outcomes") };
    branch.state.clone()
}

/// The probability of each value of the clbits.
pub(crate) fn distribution(circuit: &Circuit) -> BTreeMap<BitString, f64> {
    let mut distribution = BTreeMap::new();
    for branch in branches(circuit) {
        *distribution.entry(branch.clbits).or_insert(0.0) += branch.probability;
    }
    distribution
}

fn block(circuit: &Circuit, id: Option<BlockId>, mut branches: Vec<Branch>) -> Vec<Branch> {
    for (_, instruction) in circuit.block(id) {
        let step = |branch: Branch| match branch.flow {
            Flow::Next => step(circuit, instruction, branch),
            _ => vec![branch],
        };
        branches = branches.into_iter().flat_map(step).collect();
    }
    branches
}

/// The branches behind a loop whose rounds begin with `enter`: those that it gives back as errors
/// leave the loop.
fn rounds(
    circuit: &Circuit,
    body: BlockId,
    start: Branch,
    mut enter: impl FnMut(usize, Branch) -> Result<Branch, Branch>,
) -> Vec<Branch> {
    let (mut open, mut left) = (vec![start], Vec::new());
    let mut round = 0;
    while !open.is_empty() {
        let mut inside = Vec::new();
        for branch in open {
            match enter(round, branch) {
                Ok(entered) => inside.push(entered),
                Err(done) => left.push(done),
            }
        }
        open = Vec::new();
        for mut branch in block(circuit, Some(body), inside) {
            match branch.flow {
                _ if branch.probability < NEGLIGIBLE => {}
                Flow::Next | Flow::Continue => {
                    branch.flow = Flow::Next;
                    open.push(branch);
                }
                Flow::Break => {
                    branch.flow = Flow::Next;
                    left.push(branch);
                }
                Flow::End => left.push(branch),
            }
        }
        open = merged(open);
        round += 1;
    }
    left
}

/// One branch for all that nothing can tell apart from here on: so the rounds of a loop do not
/// multiply them.
fn merged(branches: Vec<Branch>) -> Vec<Branch> {
    let mut kept: Vec<Branch> = Vec::new();
    for branch in branches {
        let same = |other: &&mut Branch| {
            let overlap: Complex64 =
                other.state.iter().zip(&branch.state).map(|(a, b)| a.conj() * b).sum();
            other.clbits == branch.clbits
                && other.variables == branch.variables
                && overlap.norm() > 1.0 - 1e-12
        };
        match kept.iter_mut().find(same) {
            Some(other) => other.probability += branch.probability,
            None => kept.push(branch),
        }
    }
    kept
}

impl Branch {
    fn value(&self, circuit: &Circuit, id: ExprId) -> Value {
        let scope = Scope { clbits: &self.clbits, variables: &self.variables, bindings: &[] };
        circuit.evaluate(id, scope).unwrap()
    }

    fn set(&mut self, circuit: &Circuit, var: VarId, value: &Value) {
        let place = var.0 as usize;
        self.variables[place] = value.cast(circuit.variables()[place].ty);
    }

    fn set_bit(&mut self, circuit: &Circuit, var: VarId, bit: u32, value: bool) {
        let Value::Uint(mut bits) = self.variables[var.0 as usize].cast(VarType::Uint(64)) else {
            unreachable!("a cast to Uint")
        };
        bits.set(bit, value);
        self.set(circuit, var, &Value::Uint(bits));
    }
}

fn width(ty: VarType) -> u32 {
    match ty {
        VarType::Uint(width) | VarType::Int(width) => width,
        _ => 1,
    }
}

/// Instructions without qubits; `None` if it is none of them.
fn classical(
    circuit: &Circuit,
    instruction: Instruction<'_>,
    branch: &Branch,
) -> Option<Vec<Branch>> {
    let mut after = branch.clone();
    match instruction.op {
        Op::Store { var, value } => after.set(circuit, *var, &branch.value(circuit, *value)),
        Op::StoreBit { var, index, value } => {
            let width = width(circuit.variables()[var.0 as usize].ty);
            let bit = branch.value(circuit, *index).to_index(width).unwrap();
            after.set_bit(circuit, *var, bit, branch.value(circuit, *value).is_true());
        }
        Op::StoreElement(element) => {
            let place = branch.value(circuit, element.index).to_index(element.size).unwrap();
            let var = VarId(element.first.0 + place);
            after.set(circuit, var, &branch.value(circuit, element.value));
        }
        Op::StoreClbit { index, value } => {
            let n_clbits = instruction.clbits.len() as u32;
            let place = branch.value(circuit, *index).to_index(n_clbits).unwrap();
            let clbit = instruction.clbits[place as usize];
            after.clbits.set(clbit.0, branch.value(circuit, *value).is_true());
        }
        Op::StoreClbits(value) => {
            let value = branch.value(circuit, *value).to_i128().unwrap();
            for (place, clbit) in instruction.clbits.iter().enumerate() {
                after.clbits.set(clbit.0, value >> place & 1 == 1);
            }
        }
        Op::Break => after.flow = Flow::Break,
        Op::Continue => after.flow = Flow::Continue,
        Op::End => after.flow = Flow::End,
        Op::While { condition, body } => {
            return Some(rounds(circuit, *body, after, |_, branch| {
                match branch.value(circuit, *condition).is_true() {
                    true => Ok(branch),
                    false => Err(branch),
                }
            }));
        }
        Op::For(each) => {
            let values: Vec<Value> = match &each.values {
                ForValues::List(values) => {
                    values.iter().map(|id| branch.value(circuit, *id)).collect()
                }
                ForValues::Range { start, step, stop } => {
                    let [start, step, stop] =
                        [start, step, stop].map(|id| branch.value(circuit, *id).to_i128().unwrap());
                    let inside =
                        |value: &i128| if step > 0 { *value <= stop } else { *value >= stop };
                    let values = std::iter::successors(Some(start), |value| Some(value + step));
                    values.take_while(inside).map(|value| Value::Int(value as i64)).collect()
                }
            };
            return Some(rounds(circuit, each.body, after, |round, mut branch| {
                match values.get(round) {
                    Some(value) => {
                        branch.set(circuit, each.var, value);
                        Ok(branch)
                    }
                    None => Err(branch),
                }
            }));
        }
        Op::Switch(switch) => {
            let number = |id: ExprId| branch.value(circuit, id).to_i128();
            let target = number(switch.target);
            let matches = |values: &[ExprId]| {
                values.is_empty() || values.iter().any(|id| number(*id) == target)
            };
            return Some(match switch.cases.iter().find(|case| matches(&case.values)) {
                Some(case) => block(circuit, Some(case.body), vec![after]),
                None => vec![after],
            });
        }
        _ => return None,
    }
    Some(vec![after])
}

fn step(circuit: &Circuit, instruction: Instruction<'_>, mut branch: Branch) -> Vec<Branch> {
    if let Some(branches) = classical(circuit, instruction, &branch) {
        return branches;
    }
    let qubits: Vec<usize> = instruction.qubits.iter().map(|qubit| qubit.0 as usize).collect();
    let scope = Scope { clbits: &branch.clbits, variables: &branch.variables, bindings: &[] };
    let matrix = match instruction.op {
        Op::Gate(op) => {
            let number = |param: &_| circuit.number(*param, scope).unwrap();
            let params: Vec<f64> = instruction.params.iter().map(number).collect();
            op.matrix(&params)
        }
        Op::Unitary(unitary) => unitary.value.clone(),
        Op::Diagonal(entries) => Matrix::diagonal(entries),
        Op::Multiplexer(matrices) => blocks_on_diagonal(matrices),
        Op::Pauli(letters) => pauli(letters),
        Op::Barrier | Op::Delay(_) => return vec![branch],
        Op::Measure => {
            let mut open = vec![branch];
            for (&qubit, clbit) in qubits.iter().zip(instruction.clbits) {
                open = open.iter().flat_map(|branch| measured(branch, qubit)).collect();
                open.chunks_mut(2).for_each(|pair| pair[1].clbits.set(clbit.0, true));
                open.chunks_mut(2).for_each(|pair| pair[0].clbits.set(clbit.0, false));
            }
            open.retain(|branch| branch.probability > 0.0);
            return open;
        }
        Op::MeasureVar { var, bit } => {
            let mut open = measured(&branch, qubits[0]).to_vec();
            for (outcome, branch) in open.iter_mut().enumerate() {
                branch.set_bit(circuit, *var, *bit, outcome == 1);
            }
            open.retain(|branch| branch.probability > 0.0);
            return open;
        }
        Op::Reset => return qubits.iter().fold(vec![branch], |open, &qubit| reset(open, qubit)),
        Op::Initialize(initialize) => {
            let open = qubits.iter().fold(vec![branch], |open, &qubit| reset(open, qubit));
            let amplitudes = initialize.amplitudes().unwrap();
            // Only the first column matters: all qubits are |0>.
            let dim = amplitudes.len();
            let mut entries = vec![Complex64::ZERO; dim * dim];
            for (row, amplitude) in amplitudes.into_iter().enumerate() {
                entries[row * dim] = amplitude;
            }
            let matrix = Matrix::new(dim, entries).unwrap();
            let prepared = |branch: Branch| Branch {
                state: applied(&matrix, &qubits, &branch.state),
                ..branch
            };
            return open.into_iter().map(prepared).collect();
        }
        Op::If { condition, then, otherwise } => {
            let holds = circuit.evaluate(*condition, scope).unwrap().is_true();
            return match (holds, otherwise) {
                (true, _) => block(circuit, Some(*then), vec![branch]),
                (false, Some(otherwise)) => block(circuit, Some(*otherwise), vec![branch]),
                (false, None) => vec![branch],
            };
        }
        op => panic!("the reference does not know `{}`", op.name()),
    };
    branch.state = applied(&matrix, &qubits, &branch.state);
    vec![branch]
}

/// The two outcomes of a measurement, 0 first.
fn measured(branch: &Branch, qubit: usize) -> [Branch; 2] {
    [0, 1].map(|value| {
        let kept = |index: usize| index >> qubit & 1 == value;
        let norm: f64 = (0..branch.state.len())
            .filter(|&index| kept(index))
            .map(|index| branch.state[index].norm_sqr())
            .sum();
        let scale = if norm > 0.0 { norm.sqrt().recip() } else { 0.0 };
        let amplitude = |index: usize| {
            if kept(index) { branch.state[index] * scale } else { Complex64::ZERO }
        };
        Branch {
            probability: branch.probability * norm,
            state: (0..branch.state.len()).map(amplitude).collect(),
            ..branch.clone()
        }
    })
}

fn reset(open: Vec<Branch>, qubit: usize) -> Vec<Branch> {
    let turned = |branch: &Branch| {
        let [zero, mut one] = measured(branch, qubit);
        one.state = applied(&Gate::X.matrix(&[]), &[qubit], &one.state);
        [zero, one]
    };
    let mut open: Vec<Branch> = open.iter().flat_map(turned).collect();
    open.retain(|branch| branch.probability > 0.0);
    open
}

fn blocks_on_diagonal(matrices: &[Matrix]) -> Matrix {
    let (dim, n) = (matrices[0].dim(), matrices.len());
    let mut entries = vec![Complex64::ZERO; dim * dim * n * n];
    for (value, matrix) in matrices.iter().enumerate() {
        for row in 0..dim {
            for column in 0..dim {
                let (r, c) = (value * dim + row, value * dim + column);
                entries[r * dim * n + c] = matrix.at(row, column);
            }
        }
    }
    Matrix::new(dim * n, entries).unwrap()
}

/// The Kronecker product of the letters, the rightmost least significant.
pub(crate) fn pauli(letters: &str) -> Matrix {
    let mut product = Matrix::identity(0);
    for letter in letters.chars() {
        let gate = match letter {
            'X' => Gate::X,
            'Y' => Gate::Y,
            'Z' => Gate::Z,
            _ => Gate::Id,
        };
        let (high, low) = (product, gate.matrix(&[]));
        let dim = high.dim() * 2;
        let entries = (0..dim * dim)
            .map(|i| (i / dim, i % dim))
            .map(|(row, column)| high.at(row / 2, column / 2) * low.at(row % 2, column % 2));
        product = Matrix::new(dim, entries.collect()).unwrap();
    }
    product
}
