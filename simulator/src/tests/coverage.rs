//! Every method takes every instruction that the same method of Qiskit Aer takes: its tables of
//! version 0.18, as that version prints them, but for instructions that cannot mean anything here
//! (a reset has no unitary) or that only Aer's own passes make (`quantum_channel`, `qerror_loc`,
//! `mark`, `jump`).

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{
        BlockId, Clbit, Controls, Expr, For, ForValues, Gate, GateOp, Initialize, Labelled, Op,
        Param, PauliTerm, Qubit, Save, SaveKind, SaveSubtype, SetState, Spelling, Switch, TimeUnit,
        Value, VarType,
    },
    noise::{Channel, ReadoutError},
};

use crate::{Cancel, Method, Options, check, simulate};

/// Gates, and the methods that take them beside the state vector and the unitary method, which
/// take all: density matrix, matrix product state, stabilizer, superoperator.
const GATES: &[(&str, &str)] = &[
    ("id x y z h s sdg sx sxdg swap cx cz", "dm mps st so"),
    ("cy", "dm mps st so"),
    ("ecr", "dm mps st"),
    ("rz", "dm mps st so"),
    ("p u1 t tdg u u2 u3 r rx ry rxx ryy rzz rzx cp ccx", "dm mps so"),
    ("cu1", "dm so"),
    ("csx cswap", "mps"),
    ("ccz crx cry crz cu cu2 cu3 mcx mcx_gray mcy mcz mcsx mcp mcphase mcr mcrx mcry mcrz", ""),
    ("mcu mcu1 mcu2 mcu3 mcswap", ""),
];

/// Other instructions, and all methods that take them.
const OTHERS: &[(&str, &str)] = &[
    ("pauli", "sv un dm mps st so"),
    ("unitary diagonal", "sv un dm mps so"),
    ("multiplexer", "sv un"),
    ("barrier delay", "sv un dm mps st so"),
    ("measure", "sv un dm mps st"),
    ("reset", "sv dm mps st so"),
    ("kraus", "sv dm mps so"),
    ("superop", "dm so"),
    ("roerror", "sv dm mps st"),
    ("initialize", "sv mps"),
    ("store", "sv mps st"),
    ("if_else for_loop while_loop switch_case break_loop continue_loop", "sv dm mps st"),
    ("save_state", "sv un dm mps st so"),
    ("save_statevector", "sv mps"),
    ("save_statevector_dict", "sv"),
    ("save_density_matrix", "sv dm mps"),
    ("save_probabilities save_probabilities_dict save_expval save_expval_var", "sv dm mps st"),
    ("save_amplitudes", "sv mps"),
    ("save_amplitudes_sq", "sv dm mps st"),
    ("save_matrix_product_state", "mps"),
    ("save_stabilizer save_clifford", "st"),
    ("save_unitary", "un"),
    ("save_superop", "so"),
    ("set_statevector", "sv"),
    ("set_density_matrix", "dm"),
    ("set_unitary", "un"),
    ("set_superop", "so"),
];

fn methods(words: &str) -> Vec<Method> {
    let method = |word: &str| match word {
        "sv" => Method::Statevector,
        "un" => Method::Unitary,
        "dm" => Method::DensityMatrix,
        "mps" => Method::MatrixProductState,
        "st" => Method::Stabilizer,
        "so" => Method::Superop,
        word => panic!("no method `{word}`"),
    };
    words.split_whitespace().map(method).collect()
}

/// The gate of this name. Quarter turns, so that all methods can take it that take the gate at all.
fn gate(name: &str) -> Circuit {
    let spelling = Spelling::by_name(name).unwrap();
    let controls = match spelling.controls {
        Controls::Exactly(n) => n,
        Controls::Any => 2,
    };
    let info = spelling.gate.info();
    let params = vec![std::f64::consts::FRAC_PI_2; info.n_params as usize];
    let qubits: Vec<u32> = (0..u32::from(controls) + info.n_qubits).collect();
    Circuit::new(4, 1).gate(spelling.gate, controls, &params, &qubits)
}

fn x(circuit: &mut Circuit) {
    circuit.push(Op::Gate(GateOp::new(Gate::X, 0)), &[Qubit(0)], &[], &[]).unwrap();
}

/// A circuit of one qubit with this instruction.
fn other(name: &str) -> Circuit {
    let mut circuit = Circuit::new(1, 1);
    let state = vec![Complex64::ONE, Complex64::ZERO];
    let identity = |n_qubits| Matrix::identity(n_qubits);
    let mut pure = vec![Complex64::ZERO; 4];
    pure[0] = Complex64::ONE;
    let term = || PauliTerm { pauli: "Z".to_owned(), coefficient: Complex64::ONE };
    let zero = || vec![BitString::zeros(1)];
    let save = |kind: SaveKind| {
        let key = kind.default_key().to_owned();
        Op::Save(Box::new(Save { kind, key, subtype: SaveSubtype::Single }))
    };
    let damping = Channel::amplitude_damping(0.1).unwrap();
    let misread = ReadoutError::of_bit(0.1, 0.2).unwrap();
    let literal = |circuit: &mut Circuit, value| {
        circuit.add_expr(Expr::Literal(Value::Uint(BitString::from_u64(1, value))))
    };
    let op = match name {
        "pauli" => Op::Pauli("Y".into()),
        "unitary" => Op::Unitary(Box::new(Labelled { label: None, value: identity(1) })),
        "diagonal" => Op::Diagonal(vec![Complex64::ONE, Complex64::I].into()),
        "multiplexer" => {
            let mut circuit = Circuit::new(2, 0);
            let op = Op::Multiplexer(vec![identity(1), Gate::X.matrix(&[])].into());
            circuit.push(op, &[Qubit(0), Qubit(1)], &[], &[]).unwrap();
            return circuit;
        }
        "barrier" => Op::Barrier,
        "delay" => return circuit.delay(1.0, TimeUnit::Nanosecond, 0),
        "measure" => return circuit.measure(0, 0),
        "reset" => Op::Reset,
        "kraus" => Op::Kraus(damping.kraus().to_vec().into()),
        "superop" => Op::Superop(Box::new(damping.superop())),
        "roerror" => {
            let mut circuit = circuit.measure(0, 0);
            let op = misread.to_op();
            circuit.push(op, &[], &[Clbit(0)], &[]).unwrap();
            return circuit;
        }
        "initialize" => Op::Initialize(Box::new(Initialize::Amplitudes(state))),
        "store" => {
            let var = circuit.add_variable("v", VarType::Bool);
            let value = literal(&mut circuit, 1);
            circuit.push(Op::Store { var, value }, &[], &[], &[]).unwrap();
            return circuit;
        }
        "if_else" => return circuit.measure(0, 0).if_equal(0, 1, |inside| inside.x(0)),
        "while_loop" | "break_loop" | "continue_loop" => {
            let condition = circuit.register_equals(0, 1, 1);
            let place = circuit.len();
            circuit.push_unchecked(Op::End, &[], &[], &[]);
            let body = circuit.push_block(|inside| {
                x(inside);
                let jump = if name == "continue_loop" { Op::Continue } else { Op::Break };
                inside.push(jump, &[], &[], &[]).unwrap();
            });
            circuit.set_op(place, Op::While { condition, body });
            return circuit;
        }
        "for_loop" => {
            let var = circuit.add_variable("i", VarType::Int(64));
            let values = ForValues::List(vec![literal(&mut circuit, 1)]);
            let place = circuit.len();
            circuit.push_unchecked(Op::End, &[], &[], &[]);
            let body: BlockId = circuit.push_block(x);
            circuit.set_op(place, Op::For(Box::new(For { var, values, body })));
            return circuit;
        }
        "switch_case" => {
            let target = circuit.register_equals(0, 1, 1);
            let place = circuit.len();
            circuit.push_unchecked(Op::End, &[], &[], &[]);
            let body = circuit.push_block(x);
            let cases = vec![ketch_interface::circuit::Case { values: vec![], body }];
            circuit.set_op(place, Op::Switch(Box::new(Switch { target, cases })));
            return circuit;
        }
        "save_state" => save(SaveKind::State),
        "save_statevector" => save(SaveKind::Statevector),
        "save_statevector_dict" => save(SaveKind::StatevectorDict),
        "save_density_matrix" => save(SaveKind::DensityMatrix),
        "save_probabilities" => save(SaveKind::Probabilities),
        "save_probabilities_dict" => save(SaveKind::ProbabilitiesDict),
        "save_expval" => save(SaveKind::ExpectationValue(vec![term()])),
        "save_expval_var" => save(SaveKind::ExpectationValueVariance(vec![term()])),
        "save_amplitudes" => save(SaveKind::Amplitudes(zero())),
        "save_amplitudes_sq" => save(SaveKind::AmplitudesSquared(zero())),
        "save_matrix_product_state" => save(SaveKind::MatrixProductState),
        "save_stabilizer" => save(SaveKind::Stabilizer),
        "save_clifford" => save(SaveKind::Clifford),
        "save_unitary" => save(SaveKind::Unitary),
        "save_superop" => save(SaveKind::Superop),
        "set_statevector" => Op::SetState(Box::new(SetState::Statevector(state))),
        "set_density_matrix" => {
            Op::SetState(Box::new(SetState::DensityMatrix(Matrix::new(2, pure).unwrap())))
        }
        "set_unitary" => Op::SetState(Box::new(SetState::Unitary(identity(1)))),
        "set_superop" => Op::SetState(Box::new(SetState::Superop(identity(2)))),
        name => panic!("no example of `{name}`"),
    };
    circuit.push(op, &[Qubit(0)], &[], &[] as &[Param]).unwrap();
    circuit
}

/// This version has an engine for the method.
fn exists(method: Method) -> bool {
    check(&Circuit::new(1, 0).x(0), method).is_ok()
}

/// What went wrong where the method does not run the circuit.
fn trouble(circuit: &Circuit, method: Method) -> Option<String> {
    let options = Options { method, shots: 3, threads: 1, ..Options::default() };
    let error = simulate(circuit, &options, &Cancel::new()).err()?;
    Some(format!("{method}: {error}"))
}

#[test]
fn each_method_takes_what_the_same_method_of_aer_takes() {
    let mut troubles = Vec::new();
    let mut taken = 0;
    let mut take = |circuit: Circuit, methods: Vec<Method>| {
        for method in methods.into_iter().filter(|&method| exists(method)) {
            troubles.extend(trouble(&circuit, method));
            taken += 1;
        }
    };
    for (names, words) in GATES {
        for name in names.split_whitespace() {
            take(gate(name), methods(&format!("sv un {words}")));
        }
    }
    for (names, words) in OTHERS {
        for name in names.split_whitespace() {
            take(other(name), methods(words));
        }
    }
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
    assert!(taken > 200, "{taken} pairs of method and instruction");
}

/// The sparse method takes what the state vector method takes.
#[test]
fn sparse_states_take_what_state_vectors_take() {
    let all = OTHERS.iter().filter(|(_, words)| words.split_whitespace().any(|w| w == "sv"));
    let others = all.flat_map(|(names, _)| names.split_whitespace()).map(other);
    let gates = GATES.iter().flat_map(|(names, _)| names.split_whitespace()).map(gate);
    let troubles: Vec<String> =
        gates.chain(others).filter_map(|circuit| trouble(&circuit, Method::Sparse)).collect();
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}
