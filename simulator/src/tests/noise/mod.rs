//! Noise: density matrices against the definition, trajectories against both, and known answers.

mod analytic;
mod density;
mod insert;
mod models;
mod oracle;
mod random;
mod superop;
mod trajectories;

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{Clbit, Gate, Op, Qubit, Save, SaveKind, SaveSubtype},
    noise::{Channel, NoiseModel, ReadoutError},
};

use super::{options, run};
use crate::{Method, Options, Precision, Saved};

fn channel(circuit: Circuit, channel: &Channel, qubits: &[u32]) -> Circuit {
    with(circuit, channel.to_op(), qubits)
}

fn with(mut circuit: Circuit, op: Op, qubits: &[u32]) -> Circuit {
    let qubits: Vec<Qubit> = qubits.iter().map(|&qubit| Qubit(qubit)).collect();
    circuit.push(op, &qubits, &[], &[]).unwrap();
    circuit
}

fn misread(mut circuit: Circuit, error: &ReadoutError, clbits: &[u32]) -> Circuit {
    let clbits: Vec<Clbit> = clbits.iter().map(|&clbit| Clbit(clbit)).collect();
    circuit.push(error.to_op(), &[], &clbits, &[]).unwrap();
    circuit
}

/// A circuit with noise that makes sense.
fn insert(circuit: &Circuit, model: &NoiseModel) -> Circuit {
    crate::noise::insert(circuit, model).unwrap()
}

fn save(kind: SaveKind) -> Op {
    Op::Save(Box::new(Save { kind, key: "saved".to_owned(), subtype: SaveSubtype::Single }))
}

fn density_options(precision: Precision) -> Options {
    Options { method: Method::DensityMatrix, precision, shots: 1, ..options() }
}

/// The density matrix at the end, by the density matrix method.
fn density(circuit: &Circuit, precision: Precision) -> Matrix {
    let options = Options { final_state: true, ..density_options(precision) };
    match run(circuit, &options).data.remove("density_matrix") {
        Some(Saved::Matrix { dim, entries }) => Matrix::new(dim, entries.to_vec()).unwrap(),
        other => panic!("expected a matrix, found {other:?}"),
    }
}

/// One channel of each kind that trajectories tell apart: mixed unitaries, diagonal effects, any.
fn channels() -> Vec<Channel> {
    let damping = Channel::amplitude_damping(0.3).unwrap();
    let turn = Gate::U.matrix(&[0.7, 0.2, -0.4]);
    let turned = damping.kraus().iter().map(|k| k.product(&turn)).collect();
    let pair: Vec<Matrix> =
        damping.kraus().iter().flat_map(|a| damping.kraus().iter().map(|b| kron(a, b))).collect();
    let mixed = Gate::Rxx.matrix(&[0.9]);
    let entangled = pair.iter().map(|k| k.product(&mixed)).collect();
    vec![
        Channel::depolarizing(0.2, 1).unwrap(),
        Channel::depolarizing(0.15, 2).unwrap(),
        Channel::thermal_relaxation(50.0, 60.0, 20.0, 0.2).unwrap(),
        damping,
        Channel::new(turned).unwrap(),
        Channel::new(entangled).unwrap(),
        Channel::new(pair).unwrap(),
    ]
}

fn kron(high: &Matrix, low: &Matrix) -> Matrix {
    let dim = high.dim() * low.dim();
    let entries = (0..dim * dim).map(|i| {
        let (row, column) = (i / dim, i % dim);
        high.at(row / low.dim(), column / low.dim()) * low.at(row % low.dim(), column % low.dim())
    });
    Matrix::new(dim, entries.collect()).unwrap()
}

/// A noisy circuit of 4 qubits in which every kind of channel meets every kind of gate, without
/// measurement. `variant` moves it around.
fn noisy(variant: u32) -> Circuit {
    let mut circuit = Circuit::new(4, 4);
    for (step, next) in (0..).zip(channels()) {
        let (a, b) = ((step + variant) % 4, (step * 2 + variant + 1) % 4);
        let b = if a == b { (b + 1) % 4 } else { b };
        let angle = f64::from(step + variant) * 0.6 + 0.1;
        circuit = circuit.u(angle, 0.3, -angle, a).rx(angle, b).cx(a, b).h(b);
        let on = if next.n_qubits() == 1 { vec![b] } else { vec![b, a] };
        circuit = channel(circuit, &next, &on);
        if step % 3 == variant % 3 {
            circuit = circuit.ccx(a, b, (0..4).find(|q| *q != a && *q != b).unwrap()).rz(angle, b);
        }
        if step == 4 {
            circuit = circuit.reset(a);
            let others: Vec<u32> = (0..4).filter(|q| *q != b).collect();
            circuit = with(circuit, Op::Pauli("YXYI".into()), &[&others[..], &[b]].concat());
        }
    }
    circuit
}

fn one(circuit: &Circuit, kind: SaveKind, qubits: &[u32], options: &Options) -> Saved {
    let circuit = with(circuit.clone(), save(kind), qubits);
    run(&circuit, options).data.remove("saved").unwrap()
}

fn real(entry: f64) -> Complex64 {
    Complex64::new(entry, 0.0)
}
