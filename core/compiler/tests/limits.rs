//! What is refused, in which words; what is kept; and that nothing depends on chance.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{BASES, Dice, assert_same, both, compiled, maps, random_circuit, target};
use ketch_compiler::{CompileError, Options, Target, check, compile};
use ketch_interface::{
    BackendConfiguration, Circuit,
    circuit::{Expr, GATES, Gate, GateOp, Op, Param, Qubit},
};

fn refusal(circuit: &Circuit, target: &Target) -> String {
    compile(circuit, target, &Options::default()).unwrap_err().to_string()
}

fn unchecked(circuit: &Circuit, target: &Target) -> String {
    check(circuit, target).unwrap_err().to_string()
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let small = target(2, BASES[1], Some(both(&[(0, 1)])));
    assert_eq!(
        refusal(&Circuit::new(3, 0).named("wide"), &small),
        "`device` has 2 qubits, the circuit `wide` needs 3"
    );
    let islands = target(4, BASES[1], Some(both(&[(0, 1), (2, 3)])));
    assert_eq!(
        refusal(&Circuit::new(3, 0).named("ring").cx(0, 1).cx(1, 2), &islands),
        "the circuit `ring` has 3 qubits that interact; the largest connected part of `device` has 2"
    );
    // Two pairs fit on two islands.
    assert_same(&Circuit::new(4, 0).cx(0, 2).cx(1, 3), &islands, &Options::default());

    let mut device = BackendConfiguration::simulator("device", "1.0.0", 3);
    device.coupling_map = Some(vec![vec![0, 7]]);
    assert_eq!(
        Target::new(&device).unwrap_err().to_string(),
        "the coupling map of `device` names qubit 7, but the backend has 3 qubits"
    );
    device.n_qubits = Some(1 << 20);
    assert!(matches!(Target::new(&device), Err(CompileError::DeviceTooLarge { .. })));
    device.coupling_map = Some(vec![(0..100_000).collect()]);
    assert!(matches!(Target::new(&device), Err(CompileError::Couplings { .. })));
}

#[test]
fn what_the_basis_cannot_make_is_refused() {
    let no_turns = target(2, &["x", "cx"], None);
    let message = refusal(&Circuit::new(1, 0).h(0), &no_turns);
    assert!(message.contains("it lacks rotations about two axes"), "{message}");
    let alone = target(2, &["u3"], None);
    let message = refusal(&Circuit::new(2, 0).cx(0, 1), &alone);
    assert!(message.contains("it lacks a gate that entangles two qubits"), "{message}");
    let device = target(2, BASES[1], None);
    let mut opaque = Circuit::new(2, 0);
    opaque.push(Op::Opaque("warp".into()), &[Qubit(1)], &[], &[]).unwrap();
    assert_eq!(
        refusal(&opaque, &device),
        "`warp` on qubit 1 cannot be translated for `device`: it is no gate, and not in the basis"
    );
    let message = refusal(&Circuit::new(1, 0).rx(f64::NAN, 0), &device);
    assert!(message.ends_with("an angle is not a finite number"), "{message}");
    let huge: Vec<u32> = (0..400).collect();
    let huge = Circuit::new(401, 0).mcx(&huge, 400);
    assert!(refusal(&huge, &target(500, BASES[1], None)).contains("becomes larger than"));
}

#[test]
fn check_names_gate_and_qubits() {
    let directed = target(3, &["u3", "cx"], Some(vec![(0, 1), (2, 1)]));
    let fits = Circuit::new(3, 3).u(0.1, 0.2, 0.3, 0).cx(0, 1).measure_all();
    assert_eq!(
        unchecked(&fits, &directed),
        "`u` on qubit 0 is not in the basis of `device` (u3, cx)"
    );
    assert!(check(&Circuit::new(3, 3).cx(0, 1).cx(2, 1).measure_all(), &directed).is_ok());
    assert_eq!(
        unchecked(&Circuit::new(3, 0).cx(0, 2), &directed),
        "`cx` on qubits 0, 2: `device` does not couple them"
    );
    assert_eq!(
        unchecked(&Circuit::new(3, 0).cx(1, 2), &directed),
        "`cx` on qubits 1, 2: `device` does not couple them in this order, only the other way round"
    );
    let inside = Circuit::new(2, 1).measure(0, 0).if_equal(0, 1, |c| c.h(1));
    assert!(unchecked(&inside, &directed).starts_with("`h` on qubit 1"));
    let symmetric = target(2, &["u3", "cz"], Some(vec![(0, 1)]));
    assert!(check(&Circuit::new(2, 0).cz(1, 0), &symmetric).is_ok());
}

#[test]
fn the_same_seed_gives_the_same_circuit() {
    let mut dice = Dice(11);
    for (_, n, map) in maps() {
        let circuit = random_circuit(5, 40, &mut dice);
        let target = target(n, BASES[1], Some(map));
        let mut options = Options::default();
        for seed in 0..3 {
            options.seed = seed;
            assert_eq!(
                compiled(&circuit, &target, &options),
                compiled(&circuit, &target, &options)
            );
        }
    }
}

#[test]
fn unbound_angles_stay_and_mean_the_same_once_bound() {
    let numbers = [0.7, -1.9, 0.4, 2.2];
    let names = ["a", "b", "c", "d"];
    for (place, basis) in BASES.iter().enumerate() {
        for info in GATES.iter().filter(|info| info.n_params > 0) {
            for controls in 0..=3_u16 {
                let n = info.n_qubits + u32::from(controls);
                if n == 0 || n > 4 || (controls > 1 && place > 2) {
                    continue;
                }
                let mut circuit = Circuit::new(n.max(2), 0).h(0).h(1);
                let params: Vec<Param> = (0..info.n_params as usize)
                    .map(|i| {
                        let id = circuit.parameter(names[i]);
                        Param::Expr(circuit.add_expr(Expr::Parameter(id)))
                    })
                    .collect();
                let qubits: Vec<Qubit> = (0..n).rev().map(Qubit).collect();
                let op = Op::Gate(GateOp::new(info.gate, controls));
                circuit.push(op, &qubits, &[], &params).unwrap();
                let line = both(&[(0, 1), (1, 2), (2, 3)]);
                let result = compiled(&circuit, &target(4, basis, Some(line)), &Options::default());
                assert_eq!(result.circuit.parameters(), circuit.parameters());
                let numbers = &numbers[..info.n_params as usize];
                let (original, bound) = (circuit.bind(numbers), result.circuit.bind(numbers));
                common::assert_equal_up_to_phase(&original.unwrap(), &bound.unwrap(), &result);
            }
        }
    }
}

#[test]
fn a_simulator_keeps_what_it_knows() {
    let mut device = BackendConfiguration::simulator("engine", "1.0.0", None);
    device.basis_gates =
        ["h", "cx", "ccx", "u3", "unitary"].iter().map(|&name| name.to_owned()).collect();
    let target = Target::new(&device).unwrap();
    let circuit = Circuit::new(3, 3).h(0).h(0).ccx(0, 1, 2).swap(0, 2).measure_all();
    let result = compiled(&circuit, &target, &Options::default());
    let names: Vec<String> = result.circuit.instructions().map(|i| i.op.name()).collect();
    assert_eq!(names, ["h", "h", "ccx", "cx", "cx", "cx", "measure"]);
    assert_eq!(result.summary(), "+0 SWAP, layout unchanged");
    assert_eq!(result.circuit.qregs(), circuit.qregs());
}

#[test]
fn neighbours_that_undo_each_other_vanish() {
    let device = target(3, BASES[1], Some(both(&[(0, 1), (1, 2)])));
    let gone = |circuit: Circuit| compiled(&circuit, &device, &Options::default()).after.all;
    assert_eq!(gone(Circuit::new(3, 0).h(0).h(0).cx(0, 1).cx(0, 1)), 0);
    // Both cx between commute with the outer two.
    let across = Circuit::new(3, 0).cx(0, 1).z(0).cx(2, 1).x(1).cx(0, 1).cx(2, 1);
    let result = compiled(&across, &device, &Options::default());
    assert_eq!(result.after.two_qubit, 0, "{:?}", result.circuit);
    let barrier = Circuit::new(3, 0).cx(0, 1).barrier().cx(0, 1);
    assert_eq!(compiled(&barrier, &device, &Options::default()).after.two_qubit, 2);
    let joined =
        Circuit::new(2, 0).cx(0, 1).rz(0.3, 1).cx(0, 1).swap(0, 1).rx(1.0, 0).cp(0.2, 0, 1);
    assert!(compiled(&joined, &device, &Options::default()).after.two_qubit <= 3);
}

#[test]
fn the_summary_says_what_moved() {
    let device = target(4, BASES[1], Some(both(&[(0, 1), (1, 2), (2, 3)])));
    let ring = Circuit::new(4, 0).cx(0, 1).cx(1, 2).cx(2, 3).cx(3, 0);
    let result = assert_same(&ring, &device, &Options::default());
    assert!(result.added_swaps > 0);
    let start = format!("+{} SWAP, layout ", result.added_swaps);
    assert!(result.summary().starts_with(&start), "{}", result.summary());
    let far = Circuit::new(4, 0).cx(0, 3);
    let result = assert_same(&far, &device, &Options::default());
    assert_eq!(result.added_swaps, 0);
    assert!(result.summary().contains('→'), "{}", result.summary());
}

#[test]
fn the_calibration_chooses_between_places() {
    let mut device = BackendConfiguration::simulator("device", "1.0.0", 4);
    device.simulator = false;
    device.basis_gates = ["u3", "cx"].map(String::from).to_vec();
    device.coupling_map = Some(vec![vec![0, 1], vec![1, 2], vec![2, 3]]);
    let gate = |(a, b, error): (u32, u32, f64)| {
        serde_json::json!({"gate": "cx", "qubits": [a, b], "parameters": [
            {"name": "gate_error", "value": error, "unit": "", "date": "2018-04-02"}
        ]})
    };
    let gates: Vec<_> = [(0, 1, 0.2), (1, 2, 0.1), (2, 3, 0.01)].map(gate).into();
    let document = serde_json::json!({
        "backend_name": "device", "backend_version": "1.0.0", "last_update_date": "2018-04-02",
        "qubits": [], "general": [], "gates": gates,
    });
    let properties = serde_json::from_value(document).unwrap();
    let target = Target::new(&device).unwrap().with_properties(&properties);
    let result = assert_same(&Circuit::new(2, 0).h(0).cx(0, 1), &target, &Options::default());
    let mut places = result.initial_layout.clone();
    places.sort_unstable();
    assert_eq!(places, [2, 3]);
}

#[test]
fn blocks_in_blocks_are_worked_on_as_deep_as_circuits_allow() {
    let device = target(3, BASES[1], Some(both(&[(0, 1), (1, 2)])));
    let nested = |depth: u32| {
        let mut circuit = Circuit::new(3, 1).measure(0, 0);
        let condition = circuit.register_equals(0, 1, 1);
        let open: Vec<_> = (0..depth).map(|_| circuit.open_if(condition)).collect();
        circuit = circuit.cx(2, 0).cx(0, 1).cx(1, 2);
        open.into_iter().rev().for_each(|block| circuit.close_block(block));
        circuit
    };
    compiled(&nested(250), &device, &Options::default());
    assert_eq!(refusal(&nested(50_000), &device), "the circuit is not valid");
}

#[test]
fn a_large_device_and_a_long_circuit_take_no_long_time() {
    // 1000 qubits in a ring, and pairs across it.
    let ring: Vec<_> = (0..1000).map(|q| (q, (q + 1) % 1000)).collect();
    let device = target(1000, BASES[1], Some(both(&ring)));
    let mut dice = Dice(5);
    let mut circuit = Circuit::new(30, 0);
    for _ in 0..3000 {
        let pair = dice.distinct(2, 30);
        circuit.push(Op::Gate(GateOp::new(Gate::X, 1)), &pair, &[], &[]).unwrap();
    }
    // A palindrome of gates of which only the innermost are neighbours.
    let circuit = circuit.inverse().map_or(circuit.clone(), |inverse| {
        let mut both = circuit.clone();
        for instruction in inverse.instructions() {
            both.push(instruction.op.clone(), instruction.qubits, &[], &[]).unwrap();
        }
        both
    });
    let result = compiled(&circuit, &device, &Options::seeded(1));
    assert_eq!(result.circuit.n_qubits(), 1000);
}
