//! Devices, and the comparison of a compiled circuit with the original by state vectors.

#![allow(dead_code, reason = "each test file uses a part")]

use ketch_compiler::{Compiled, Options, Target, check, compile};
use ketch_interface::{
    BackendConfiguration, Circuit, Complex64, Matrix,
    circuit::{Gate, GateOp, Op, Param, Qubit},
};

/// The bases of devices old and new.
pub(crate) const BASES: &[&[&str]] = &[
    &["u1", "u2", "u3", "cx", "id"],
    &["id", "rz", "sx", "x", "cx"],
    &["id", "rz", "sx", "x", "ecr"],
    &["cz", "id", "rx", "rz", "rzz", "sx", "x"],
    &["u3", "cx"],
    &["u", "cx"],
    &["u", "p", "cz"],
    &["rx", "ry", "rz", "cz"],
    &["rx", "ry", "rxx"],
    &["r", "rz", "rxx"],
    &["r", "rzz"],
    &["h", "rz", "cx"],
    &["p", "sx", "rzx"],
    &["rx", "rz", "ryy"],
    &["ry", "u1", "cp"],
];

pub(crate) fn target(n_qubits: u32, basis: &[&str], map: Option<Vec<(u32, u32)>>) -> Target {
    let mut device = BackendConfiguration::simulator("device", "1.0.0", n_qubits);
    device.simulator = false;
    device.basis_gates = basis.iter().map(|&name| name.to_owned()).collect();
    device.coupling_map = map.map(|map| map.into_iter().map(|(a, b)| vec![a, b]).collect());
    Target::new(&device).unwrap()
}

/// Both directions of each pair.
pub(crate) fn both(pairs: &[(u32, u32)]) -> Vec<(u32, u32)> {
    pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).collect()
}

/// A name, the number of qubits, and the pairs.
pub(crate) type Map = (&'static str, u32, Vec<(u32, u32)>);

/// Coupling maps of all kinds.
pub(crate) fn maps() -> Vec<Map> {
    let line: Vec<_> = (0..6).map(|q| (q, q + 1)).collect();
    let ring: Vec<_> = (0..6).map(|q| (q, (q + 1) % 6)).collect();
    let grid = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)];
    // The H of a heavy-hexagon chip of seven qubits.
    let heavy = [(0, 1), (1, 2), (1, 3), (3, 5), (4, 5), (5, 6)];
    let full: Vec<_> = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b))).collect();
    // ibmqx4 and a sixth qubit: each pair in one direction.
    let directed = vec![(1, 0), (2, 0), (2, 1), (3, 2), (3, 4), (4, 2), (4, 5)];
    vec![
        ("line", 7, both(&line)),
        ("ring", 6, both(&ring)),
        ("grid", 6, both(&grid)),
        ("heavy", 7, both(&heavy)),
        ("full", 6, both(&full)),
        ("directed", 6, directed),
    ]
}

pub(crate) fn compiled(circuit: &Circuit, target: &Target, options: &Options) -> Compiled {
    let compiled =
        compile(circuit, target, options).unwrap_or_else(|error| panic!("{error}\n{circuit:?}"));
    compiled.circuit.validate().unwrap();
    check(&compiled.circuit, target).unwrap_or_else(|error| panic!("{error}\n{circuit:?}"));
    compiled
}

/// Compiles and compares: unitary, global phase and layouts.
pub(crate) fn assert_same(circuit: &Circuit, target: &Target, options: &Options) -> Compiled {
    let result = compiled(circuit, target, options);
    let (n, n_physical) = (circuit.n_qubits(), result.circuit.n_qubits());
    for x in 0..1_usize << n {
        let mut expected = vec![Complex64::ZERO; 1 << n];
        expected[x] = Complex64::ONE;
        apply_all(circuit, &mut expected);
        let mut found = vec![Complex64::ZERO; 1 << n_physical];
        found[placed(x, &result.initial_layout)] = Complex64::ONE;
        apply_all(&result.circuit, &mut found);
        for (y, amplitude) in expected.iter().enumerate() {
            let place = placed(y, &result.final_layout);
            let difference = (found[place] - amplitude).norm();
            assert!(
                difference < 1e-7,
                "{x} to {y}: {} for {amplitude}, {:?} to {:?}\n{circuit:?}\n{:?}",
                found[place],
                result.initial_layout,
                result.final_layout,
                result.circuit
            );
        }
    }
    result
}

/// Compares unitaries up to a phase of the whole; `result` has the layouts.
pub(crate) fn assert_equal_up_to_phase(original: &Circuit, found: &Circuit, result: &Compiled) {
    let mut phase = None;
    for x in 0..1_usize << original.n_qubits() {
        let mut expected = vec![Complex64::ZERO; 1 << original.n_qubits()];
        expected[x] = Complex64::ONE;
        apply_all(original, &mut expected);
        let mut state = vec![Complex64::ZERO; 1 << found.n_qubits()];
        state[placed(x, &result.initial_layout)] = Complex64::ONE;
        apply_all(found, &mut state);
        let pairs: Vec<_> = expected
            .iter()
            .enumerate()
            .map(|(y, amplitude)| (state[placed(y, &result.final_layout)], *amplitude))
            .collect();
        let overlap: Complex64 = pairs.iter().map(|(a, b)| a * b.conj()).sum();
        let phase = *phase.get_or_insert(overlap);
        let distance = pairs.iter().map(|(a, b)| (a - b * phase).norm()).fold(0.0, f64::max);
        assert!(distance < 1e-7, "{x}: {distance}\n{original:?}\n{found:?}");
    }
}

fn placed(x: usize, layout: &[u32]) -> usize {
    layout.iter().enumerate().map(|(v, &p)| (x >> v & 1) << p).sum()
}

/// Runs the unitary instructions of a circuit without control flow, its global phase included.
pub(crate) fn apply_all(circuit: &Circuit, state: &mut [Complex64]) {
    for instruction in circuit.instructions() {
        let qubits: Vec<u32> = instruction.qubits.iter().map(|q| q.0).collect();
        match instruction.op {
            Op::Gate(op) => {
                let numbers: Vec<f64> =
                    instruction.params.iter().map(|p| p.as_number().unwrap()).collect();
                apply(&op.matrix(&numbers), &qubits, state);
            }
            Op::Unitary(unitary) => apply(&unitary.value, &qubits, state),
            Op::Diagonal(diagonal) => apply(&Matrix::diagonal(diagonal), &qubits, state),
            Op::Multiplexer(matrices) => apply(&multiplexed(matrices), &qubits, state),
            Op::Pauli(letters) => {
                for (&q, letter) in qubits.iter().zip(letters.chars().rev()) {
                    let gate = match letter {
                        'X' => Gate::X,
                        'Y' => Gate::Y,
                        'Z' => Gate::Z,
                        _ => Gate::Id,
                    };
                    apply(&gate.matrix(&[]), &[q], state);
                }
            }
            Op::Barrier | Op::Delay(_) | Op::Measure => {}
            op => panic!("{} is not simulated here", op.name()),
        }
    }
    let phase = Complex64::cis(circuit.global_phase);
    state.iter_mut().for_each(|amplitude| *amplitude *= phase);
}

fn multiplexed(matrices: &[Matrix]) -> Matrix {
    let (dim, whole) = (matrices[0].dim(), matrices[0].dim() * matrices.len());
    let entry = |i: usize| {
        let (row, column) = (i / whole, i % whole);
        if row / dim == column / dim {
            matrices[row / dim].at(row % dim, column % dim)
        } else {
            Complex64::ZERO
        }
    };
    Matrix::new(whole, (0..whole * whole).map(entry).collect()).unwrap()
}

/// Applies a matrix to qubits of a state, the first one least significant.
pub(crate) fn apply(matrix: &Matrix, qubits: &[u32], state: &mut [Complex64]) {
    let mask: usize = qubits.iter().map(|q| 1 << q).sum();
    let spread =
        |i: usize| -> usize { qubits.iter().enumerate().map(|(k, q)| (i >> k & 1) << q).sum() };
    let places: Vec<usize> = (0..matrix.dim()).map(spread).collect();
    for base in (0..state.len()).filter(|i| i & mask == 0) {
        let before: Vec<Complex64> = places.iter().map(|place| state[base | place]).collect();
        for (row, place) in places.iter().enumerate() {
            state[base | place] =
                before.iter().enumerate().map(|(column, a)| matrix.at(row, column) * a).sum();
        }
    }
}

/// A small generator for tests.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    pub(crate) fn angle(&mut self) -> f64 {
        match self.below(4) {
            0 => self.below(9) as f64 * std::f64::consts::FRAC_PI_4 - std::f64::consts::PI,
            _ => self.below(6283) as f64 / 1000.0 - 3.0,
        }
    }

    pub(crate) fn distinct(&mut self, n: usize, below: u32) -> Vec<Qubit> {
        let mut all: Vec<u32> = (0..below).collect();
        for i in 0..n {
            let j = i + self.below(below as usize - i);
            all.swap(i, j);
        }
        all[..n].iter().copied().map(Qubit).collect()
    }
}

/// A circuit of gates of the table with few controls.
pub(crate) fn random_circuit(n_qubits: u32, length: usize, dice: &mut Dice) -> Circuit {
    use ketch_interface::circuit::GATES;
    let mut circuit = Circuit::new(n_qubits, 0);
    while circuit.len() < length {
        let info = match dice.below(3) {
            0 => &GATES[dice.below(GATES.len())],
            _ => &GATES[Gate::X as usize],
        };
        let controls = dice.below(3);
        let n = controls + info.n_qubits as usize;
        if n > n_qubits as usize {
            continue;
        }
        let qubits = dice.distinct(n, n_qubits);
        let params: Vec<Param> = (0..info.n_params).map(|_| Param::Number(dice.angle())).collect();
        let op = Op::Gate(GateOp::new(info.gate, controls as u16));
        circuit.push(op, &qubits, &[], &params).unwrap();
    }
    circuit
}
