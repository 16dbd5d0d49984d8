//! Random circuits of everything that a density matrix can be made to do, against the definition.

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{GATES, Gate, Op, PauliTerm, SaveKind},
    noise::Channel,
};
use proptest::{prelude::*, sample::Index};

use super::{channel, channels, density, density_options, kron, one, oracle, with};
use crate::{Method, Options, Precision, Saved, tests::options};

/// What a random step is made of.
#[derive(Clone, Debug)]
struct Step {
    kind: Index,
    pick: Index,
    order: Vec<u32>,
    angles: [f64; 4],
    n_controls: u32,
    letters: String,
}

fn step(n: u32) -> impl Strategy<Value = Step> {
    let angle = || -7.0..7.0_f64;
    let angles = [angle(), angle(), angle(), angle()];
    let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
    let letters = proptest::string::string_regex(&format!("[IXYZ]{{{n}}}")).unwrap();
    (any::<Index>(), any::<Index>(), order, angles, 0..n, letters).prop_map(
        |(kind, pick, order, angles, n_controls, letters)| Step {
            kind,
            pick,
            order,
            angles,
            n_controls,
            letters,
        },
    )
}

fn circuit() -> impl Strategy<Value = Circuit> {
    (1..6_u32).prop_flat_map(|n| {
        proptest::collection::vec(step(n), 1..20)
            .prop_map(move |steps| steps.iter().fold(Circuit::new(n, 0), taken))
    })
}

fn taken(circuit: Circuit, step: &Step) -> Circuit {
    let n = circuit.n_qubits();
    let order = &step.order;
    match step.kind.index(6) {
        0 | 1 => {
            let info = &GATES[step.pick.index(GATES.len())];
            if info.n_qubits > n {
                return circuit.h(order[0]);
            }
            let n_controls = step.n_controls.min(n - info.n_qubits);
            let (controls, rest) = order.split_at(n_controls as usize);
            let params = &step.angles[..info.n_params as usize];
            circuit.controlled(info.gate, 0, params, controls, &rest[..info.n_qubits as usize])
        }
        2 => {
            let all = channels();
            let next = &all[step.pick.index(all.len())];
            match next.n_qubits() <= n {
                true => channel(circuit, next, &order[..next.n_qubits() as usize]),
                false => circuit.reset(order[0]),
            }
        }
        3 => {
            let next = generic_channel(step.angles);
            let superop = Op::Superop(Box::new(next.superop()));
            match step.pick.index(2) {
                0 => channel(circuit, &next, &order[..1]),
                _ => with(circuit, superop, &order[..1]),
            }
        }
        4 => with(circuit, Op::Pauli(step.letters.clone().into()), order),
        _ => circuit.reset(order[0]).u(step.angles[0], step.angles[1], step.angles[2], order[0]),
    }
}

/// A channel without any symmetry: a unitary on the qubit and another one that is |0> before and
/// forgotten after.
fn generic_channel([a, b, c, d]: [f64; 4]) -> Channel {
    let turn = |x, y, z| Gate::U.matrix(&[x, y, z]);
    let before = kron(&turn(a, b, c), &turn(b, c, d));
    let after = kron(&turn(c, d, a), &turn(d, a, b));
    let unitary = after.product(&Gate::Rxx.matrix(&[a + d])).product(&before);
    let unitary = Gate::Rzz.matrix(&[b - c]).product(&unitary);
    let operator = |outcome: usize| {
        let entries = (0..4).map(|i| unitary.at(2 * outcome + i / 2, i % 2)).collect();
        Matrix::new(2, entries).unwrap()
    };
    Channel::new(vec![operator(0), operator(1)]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_circuit_agrees_with_the_definition(circuit in circuit()) {
        let expected = oracle::run(&circuit).rho;
        let off = density(&circuit, Precision::Double).distance(&expected);
        prop_assert!(off < 1e-12, "off by {off}");
        let off = density(&circuit, Precision::Single).distance(&expected);
        prop_assert!(off < 3e-5, "off by {off} in single precision");
    }
}

/// Nine qubits, so that the state is cut into tiles.
fn wide(n: u32, n_gates: u32) -> Circuit {
    (0..n_gates).fold(Circuit::new(n, 0), |circuit, i| {
        let (a, b) = (i * 7 % n, (i * 5 + 3) % n);
        let angle = f64::from(i) * 0.37 + 0.2;
        let circuit = circuit.u(angle, 0.3 * angle, -angle, a);
        match (a == b, i % 4) {
            (true, _) => circuit.h(a),
            (_, 0) => circuit.cz(a, b),
            (_, 1) => circuit.cx(a, b),
            (_, 2) => circuit.gate(Gate::Rxx, 0, &[angle], &[a, b]),
            _ => circuit.ccx(a, b, (0..n).find(|q| *q != a && *q != b).unwrap()),
        }
    })
}

#[test]
fn tiles_and_stages_agree_with_the_state_vector() {
    let n = 9;
    let qubits: Vec<u32> = (0..n).collect();
    let circuit = wide(n, 60);
    for pauli in ["ZIIIIIIII", "IIXYIIIZI", "YIIIIIIIY", "YYYIIIIII", "ZZXXYYIZX"] {
        let term = PauliTerm { pauli: pauli.to_owned(), coefficient: Complex64::ONE };
        let value = |method| {
            let options = Options { method, shots: 1, ..options() };
            let kind = SaveKind::ExpectationValue(vec![term.clone()]);
            match one(&circuit, kind, &qubits, &options) {
                Saved::Number(value) => value,
                other => panic!("expected a number, found {other:?}"),
            }
        };
        let (found, expected) = (value(Method::DensityMatrix), value(Method::Statevector));
        assert!((found - expected).abs() < 1e-12, "{pauli}: {found}, expected {expected}");
    }
}

#[test]
fn threads_change_no_bit_of_a_tiled_state() {
    let damping = Channel::amplitude_damping(0.1).unwrap();
    let circuit = (0..9).fold(wide(9, 30), |circuit, qubit| channel(circuit, &damping, &[qubit]));
    let entries = |threads| {
        let options = Options { threads, ..density_options(Precision::Double) };
        match one(&circuit, SaveKind::DensityMatrix, &[0, 3, 8], &options) {
            Saved::Matrix { entries, .. } => entries.to_vec(),
            other => panic!("expected a matrix, found {other:?}"),
        }
    };
    let alone = entries(1);
    assert_eq!(alone, entries(2));
    assert_eq!(alone, entries(5));
}
