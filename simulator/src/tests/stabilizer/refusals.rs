//! What the method refuses, and what it says then.

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{Op, Qubit, SaveKind},
    noise::Channel,
};

use super::{save, stabilizer};
use crate::{Cancel, Error, Method, Options, check, simulate};

fn refusal(circuit: &Circuit) -> String {
    let checked = check(circuit, Method::Stabilizer).unwrap_err().to_string();
    let run = simulate(circuit, &stabilizer(10), &Cancel::new()).unwrap_err();
    assert_eq!(run.to_string(), checked);
    checked
}

#[test]
fn what_is_not_clifford_is_named_with_its_angle() {
    let said = refusal(&Circuit::new(2, 0).h(0).t(1));
    let expected = "the stabilizer method does not run `t`: it is not a Clifford gate; use the \
                    statevector method";
    assert_eq!(said, expected);
    assert!(refusal(&Circuit::new(1, 0).rz(0.3, 0)).contains("`rz(0.3)`"));
    assert!(refusal(&Circuit::new(3, 0).ccx(0, 1, 2)).contains("`ccx`"));
    let many: Vec<u32> = (0..9).collect();
    assert!(refusal(&Circuit::new(10, 0).mcx(&many, 9)).contains("`mcx`"));
    let t = Matrix::diagonal(&[Complex64::ONE, Complex64::cis(0.1)]);
    assert!(refusal(&Circuit::new(1, 0).unitary(t, &[0])).contains("its matrix is not Clifford"));
    let third = (1.0_f64 / 3.0).sqrt();
    let amplitudes = vec![Complex64::new(third, 0.0), Complex64::new((2.0_f64 / 3.0).sqrt(), 0.0)];
    let said = refusal(&Circuit::new(1, 0).initialize(amplitudes, &[0]));
    assert!(said.contains("neither a basis state"), "{said}");
}

#[test]
fn noise_that_no_stabilizer_state_follows_is_refused() {
    let mut circuit = Circuit::new(1, 0);
    let damping = Channel::amplitude_damping(0.3).unwrap();
    circuit.push(damping.to_op(), &[Qubit(0)], &[], &[]).unwrap();
    let said = refusal(&circuit);
    assert!(said.contains("no mixture of Pauli strings, Clifford gates and resets"), "{said}");
}

#[test]
fn saves_that_need_amplitudes_are_refused() {
    for kind in [SaveKind::Statevector, SaveKind::DensityMatrix, SaveKind::Unitary] {
        let said = refusal(&save(Circuit::new(1, 0).h(0), kind, "s", &[0]));
        assert!(said.contains("use the"), "{said}");
    }
    let wide = Circuit::new(60, 0);
    let wide = (0..60).fold(wide, |circuit, q| circuit.h(q));
    let all: Vec<u32> = (0..60).collect();
    let wide = save(wide, SaveKind::ProbabilitiesDict, "p", &all);
    let refused = simulate(&wide, &stabilizer(1), &Cancel::new()).unwrap_err();
    assert!(matches!(refused, Error::InsufficientMemory { .. }), "{refused}");
}

#[test]
fn memory_is_asked_for_before_it_is_taken() {
    let circuit = Circuit::new(3000, 3000).h(0).measure_all();
    let options = Options { max_memory: Some(1 << 20), ..stabilizer(1000) };
    let refused = simulate(&circuit, &options, &Cancel::new()).unwrap_err();
    assert!(matches!(refused, Error::InsufficientMemory { .. }), "{refused}");
    let cancel = Cancel::new();
    cancel.cancel();
    let cancelled = simulate(&circuit, &stabilizer(1000), &cancel).unwrap_err();
    assert!(matches!(cancelled, Error::Cancelled));
}

#[test]
fn parameters_that_are_known_late_are_looked_at_when_they_are_known() {
    use ketch_interface::circuit::{Expr, Gate, GateOp, Param, VarType};
    let mut circuit = Circuit::new(1, 1).h(0).measure(0, 0);
    let angle = circuit.add_variable("angle", VarType::Float);
    let pi = circuit
        .add_expr(Expr::Literal(ketch_interface::circuit::Value::Float(std::f64::consts::PI)));
    circuit.push(Op::Store { var: angle, value: pi }, &[], &[], &[]).unwrap();
    let param = Param::Expr(circuit.add_expr(Expr::Var(angle)));
    circuit.push(Op::Gate(GateOp::new(Gate::Rx, 0)), &[Qubit(0)], &[], &[param]).unwrap();
    let circuit = circuit.reset(0).x(0).measure(0, 0);
    let outcome = simulate(&circuit, &stabilizer(20), &Cancel::new()).unwrap();
    assert_eq!(outcome.counts.unwrap().get("1"), 20);
}
