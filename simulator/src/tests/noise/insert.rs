//! What a noise model puts into circuits.

use ketch_interface::{
    Circuit,
    circuit::TimeUnit,
    noise::{Channel, NoiseModel, QuantumError, ReadoutError, Relaxation},
};

use crate::noise::insert;

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
fn delays_relax_by_the_clock() {
    let delay = |time: f64, unit, qubit| {
        let circuit = Circuit::new(3, 0).delay(time, unit, qubit);
        listing(&insert(&circuit, &model())).len() == 2
    };
    assert!(delay(1.0, TimeUnit::Nanosecond, 2));
    assert!(!delay(0.0, TimeUnit::Nanosecond, 2));
    assert!(!delay(1.0, TimeUnit::Nanosecond, 0));
    assert!(!delay(1.0, TimeUnit::Tick, 2));
    assert!(!delay(-1.0, TimeUnit::Second, 2));
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
