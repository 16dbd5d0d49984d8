//! What a noise model puts into circuits.

use ketch_interface::{
    Circuit,
    circuit::{Clbit, Gate, Labelled, Op, Qubit, TimeUnit, VarType},
    noise::{Channel, NoiseModel, QuantumError, ReadoutError, Relaxation},
};

use super::insert;
use crate::noise::waits_for_parameters;

fn model() -> NoiseModel {
    let mut model = NoiseModel::new();
    let damping = Channel::amplitude_damping(0.1).unwrap();
    let cx = QuantumError::from(Channel::depolarizing(0.1, 2).unwrap()).then(damping.clone(), &[1]);
    model.add("cx", cx);
    model.add_on("x", &[1], damping.clone());
    model.add("measure", Channel::depolarizing(0.1, 1).unwrap());
    model.add("reset", damping);
    model.add_readout_on(1, ReadoutError::of_bit(0.1, 0.2).unwrap());
    model.add_relaxation(2, Relaxation { t1: 1e-5, t2: 1e-5, excited: 0.0 });
    model
}

fn listing(circuit: &Circuit) -> Vec<String> {
    circuit.validate().unwrap();
    let line = |i: ketch_interface::circuit::Instruction<'_>| {
        let qubits = i.qubits.iter().map(|q| format!(" q{}", q.0));
        let clbits = i.clbits.iter().map(|c| format!(" c{}", c.0));
        i.op.name() + &qubits.chain(clbits).collect::<String>()
    };
    circuit.instructions().map(line).collect()
}

#[test]
fn channels_stand_behind_gates_and_around_measurements() {
    let circuit = Circuit::new(3, 3).x(0).x(1).cx(2, 0).reset(2).measure_all();
    let expected = [
        "x q0",
        "x q1",
        "kraus q1",
        "cx q2 q0",
        "kraus q2 q0",
        "kraus q0",
        "reset q2",
        "kraus q2",
        "kraus q0",
        "measure q0 c0",
        "kraus q1",
        "measure q1 c1",
        "roerror c1",
        "kraus q2",
        "measure q2 c2",
    ];
    assert_eq!(listing(&insert(&circuit, &model())), expected);
}

#[test]
fn channels_stand_before_measurements_into_variables_too() {
    let mut circuit = Circuit::new(2, 0).x(1);
    let var = circuit.add_variable("seen", VarType::Uint(1));
    circuit.push(Op::MeasureVar { var, bit: 0 }, &[Qubit(1)], &[], &[]).unwrap();
    let noisy = insert(&circuit, &model());
    assert_eq!(listing(&noisy), ["x q1", "kraus q1", "kraus q1", "measure q1"]);
}

#[test]
fn labels_have_noise_of_their_own() {
    let mut model = NoiseModel::new();
    model.add("unitary", Channel::depolarizing(0.1, 1).unwrap());
    model.add("careful", Channel::phase_damping(0.1).unwrap());
    let labelled = |label: Option<&str>| {
        let value = ketch_interface::Matrix::identity(1);
        let label = label.map(str::to_owned);
        let op = Op::Unitary(Box::new(Labelled { label, value }));
        let mut circuit = Circuit::new(1, 0);
        circuit.push(op, &[Qubit(0)], &[], &[]).unwrap();
        let noisy = insert(&circuit, &model);
        let last = noisy.instructions().last().unwrap().op.clone();
        match last {
            Op::Kraus(kraus) => kraus.len(),
            _ => 0,
        }
    };
    assert_eq!([labelled(None), labelled(Some("careful")), labelled(Some("other"))], [4, 2, 0]);
}

#[test]
fn gates_reach_beyond_their_qubits() {
    let mut model = NoiseModel::new();
    let flip = Channel::pauli(&[("XX", 0.1), ("II", 0.9)]).unwrap();
    model.add_on("cx", &[0, 1], Channel::depolarizing(0.1, 2).unwrap());
    model.add_non_local("cx", &[0, 1], &[0, 3], flip);
    model.add_joint_readout(&[1, 0], ReadoutError::new(vec![vec![0.25; 4]; 4]).unwrap());
    let circuit = Circuit::new(2, 2).cx(1, 0).cx(0, 1);
    let mut both = circuit.clone();
    both.push(Op::Measure, &[Qubit(1), Qubit(0)], &[Clbit(0), Clbit(1)], &[]).unwrap();
    let noisy = insert(&both, &model);
    assert_eq!(noisy.n_qubits(), 4);
    let expected = [
        "cx q1 q0",
        "cx q0 q1",
        "kraus q0 q1",
        "kraus q0 q3",
        "measure q1 q0 c0 c1",
        "roerror c0 c1",
    ];
    assert_eq!(listing(&noisy), expected);
    assert_eq!(listing(&insert(&circuit.measure(0, 0), &model)).last().unwrap(), "measure q0 c0");
}

/// Without noise, what is made of pulses is the gate up to a phase.
#[test]
fn gates_are_made_of_pulses() {
    let mut model = NoiseModel::new();
    model.set_x90_gates(["u2", "u3", "x", "y", "h"].map(str::to_owned).into());
    let gates = || {
        Circuit::new(1, 0)
            .ry(0.4, 0)
            .h(0)
            .gate(Gate::U2, 0, &[0.3, 0.8], &[0])
            .x(0)
            .gate(Gate::U3, 0, &[0.2, -0.7, 1.3], &[0])
            .y(0)
            .gate(Gate::U2, 0, &[-1.0, 0.1], &[0])
    };
    let state = |circuit: &Circuit| super::density(circuit, crate::Precision::Double);
    let pulsed = insert(&gates(), &model);
    assert!(state(&pulsed).distance(&state(&gates())) < 1e-12);
    model.add("x90", Channel::depolarizing(0.1, 1).unwrap());
    let listed = listing(&insert(&Circuit::new(1, 0).x(0).h(0).z(0), &model));
    assert_eq!(listed.iter().filter(|line| *line == "kraus q0").count(), 3);
}

#[test]
fn delays_relax_by_the_clock() {
    let delay = |time: f64, unit, qubit| {
        let circuit = Circuit::new(3, 0).delay(time, unit, qubit);
        listing(&insert(&circuit, &model())).len() == 2
    };
    assert!(delay(1.0, TimeUnit::Nanosecond, 2));
    assert!(!delay(0.0, TimeUnit::Nanosecond, 2));
    assert!(!delay(1.0, TimeUnit::Nanosecond, 0));
    assert!(!delay(1.0, TimeUnit::Tick, 2));
    let backwards = Circuit::new(3, 0).delay(-1.0, TimeUnit::Second, 2);
    let refusal = crate::noise::insert(&backwards, &model()).unwrap_err().to_string();
    assert_eq!(refusal, "a delay of qubit 2, in seconds, is -1, expected 0 or more");
    let endless = |c: Circuit| c.delay(f64::INFINITY, TimeUnit::Second, 2);
    let within = Circuit::new(3, 1).if_equal(0, 1, endless);
    assert!(crate::noise::insert(&within, &model()).is_err());
}

#[test]
fn delays_of_parameters_have_to_be_bound_first() {
    let parametrised = |qubit| Circuit::new(3, 0).delay("t", TimeUnit::Second, qubit);
    assert!(waits_for_parameters(&parametrised(2), &model()));
    assert!(!waits_for_parameters(&parametrised(2).bind(&[1.0]).unwrap(), &model()));
    assert!(!waits_for_parameters(&parametrised(0), &model()));
    assert!(!waits_for_parameters(&Circuit::new(3, 0).rx("t", 2), &model()));
}

#[test]
fn blocks_registers_and_expressions_are_kept() {
    let circuit = Circuit::new(2, 2)
        .named("branching")
        .measure(0, 0)
        .if_equal(0, 1, |c| c.x(1).if_equal(0, 3, |c| c.cx(0, 1)))
        .rx("theta", 0)
        .measure(1, 1);
    let noisy = insert(&circuit, &model());
    let expected = [
        "kraus q0",
        "measure q0 c0",
        "if_else",
        "x q1",
        "kraus q1",
        "if_else",
        "cx q0 q1",
        "kraus q0 q1",
        "kraus q1",
        "rx q0",
        "kraus q1",
        "measure q1 c1",
        "roerror c1",
    ];
    assert_eq!(listing(&noisy), expected);
    assert_eq!((noisy.n_blocks(), noisy.name.as_str()), (3, "branching"));
    assert_eq!(noisy.parameters(), circuit.parameters());
    assert_eq!((noisy.qregs(), noisy.cregs()), (circuit.qregs(), circuit.cregs()));
    assert_eq!(insert(&circuit, &NoiseModel::new()), circuit);
}
