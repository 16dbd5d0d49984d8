//! Circuits and options that a device does not take.

use ketch_core::{
    Circuit, Error, Qobj, RunOptions,
    circuit::{Expr, Gate, Op, Param, Qubit},
    qobj::Program,
};
use serde_json::{Map, json};

use super::{backend, bell, bell_2018};

fn refusal(name: &str, qobj: Qobj) -> Error {
    match backend(name).run(qobj, RunOptions::default()) {
        Ok(_) => panic!("`{name}` accepted it"),
        Err(error) => error,
    }
}

fn reason(name: &str, circuit: Circuit) -> String {
    refusal(name, Qobj::from_circuit(circuit)).to_string()
}

#[test]
fn gates_outside_of_basis_or_map_are_named_with_their_qubits() {
    let h = Circuit::new(2, 2).named("it").h(1).measure_all();
    assert_eq!(
        reason("ibmqx4", h),
        "invalid Qobj: circuit `it`: `h` on qubit 1: the basis gates of `ibmqx4` are u1, u2, u3, \
         cx, id; compile the circuit for the device"
    );
    assert_eq!(
        reason("ibmqx4", bell_2018(5, 0, 4)),
        "invalid Qobj: circuit `bell`: `cx` on qubits 0 and 4: `ibmqx4` has no `cx` there; \
         compile the circuit for the device"
    );
    assert_eq!(
        reason("ibmqx4", bell_2018(5, 0, 1)),
        "invalid Qobj: circuit `bell`: `cx` on qubits 0 and 1: `ibmqx4` couples them the other \
         way only, from 1 to 0; compile the circuit for the device"
    );
    assert!(reason("synthetic_27", bell(27, 0, 2)).contains("`cx` on qubits 0 and 2"));
    let ccx = Circuit::new(3, 3).ccx(0, 1, 2);
    assert!(reason("synthetic_5", ccx).contains("`ccx` on qubits 0, 1 and 2"));
    let open = Circuit::new(2, 0).controlled(Gate::X, 0, &[], &[0], &[1]);
    assert!(reason("synthetic_5", open).contains("`cx_o0`"));
    let inside = Circuit::new(3, 3).measure(0, 0).if_equal(0, 1, |c| c.cx(0, 2));
    assert!(reason("synthetic_5", inside).contains("`cx` on qubits 0 and 2"));
}

#[test]
fn instructions_that_no_device_has_are_refused_by_name() {
    let initialize = Circuit::new(1, 1).initialize(vec![1.0.into(), 0.0.into()], &[0]);
    let found = refusal("synthetic_5", Qobj::from_circuit(initialize));
    assert_eq!(found.code(), "instruction.unsupported");
    let conditional = bell_2018(5, 1, 0).if_equal(0, 3, |c| c.cx(1, 0));
    assert!(reason("ibmqx4", conditional).contains("`if_else`"));
    assert!(reason("ibmqx4", Circuit::new(1, 1).reset(0)).contains("`reset`"));
    let mut pulse = Qobj::from_circuit(bell(5, 0, 1));
    pulse.program = Program::Pulse(Map::new());
    assert!(refusal("synthetic_5", pulse).to_string().contains("pulse"));
}

#[test]
fn sizes_have_limits() {
    match refusal("synthetic_5", Qobj::from_circuit(bell(6, 0, 1))) {
        Error::TooManyQubits { needed: 6, limit: 5, circuit, .. } => assert_eq!(circuit, "bell"),
        other => panic!("{other}"),
    }
    let shots = refusal("ibmqx4", Qobj::from_circuit(bell_2018(5, 1, 0)).with_shots(9000));
    assert!(shots.to_string().contains("9000 shots, expected 1 to 8192"), "{shots}");
    let coupling = backend("synthetic_27").configuration().unwrap().coupling().unwrap().unwrap();
    let all = (0..27).fold(Circuit::new(27, 27), |circuit, qubit| circuit.sx(qubit));
    let joined = coupling.edges().fold(all, |circuit, (control, target)| {
        circuit.cx(control, target).rz(0.3, target).sx(target)
    });
    let all = joined.measure_all();
    let little = RunOptions { memory: Some(1 << 20), ..RunOptions::default() };
    let found = backend("synthetic_27").run(Qobj::from_circuit(all), little).err().unwrap();
    assert_eq!(found.code(), "memory.insufficient");
}

#[test]
fn options_are_checked_with_the_nearest_name() {
    let with = |name: &str, value| {
        refusal("synthetic_5", Qobj::from_circuit(bell(5, 0, 1)).with_option(name, value))
    };
    let misspelt = with("metod", json!("automatic"));
    assert_eq!(misspelt.hint().unwrap(), "did you mean `method`?");
    assert!(with("method", json!("unitary")).to_string().contains("expected \"automatic\""));
    assert!(with("noise", json!("off")).to_string().contains("found \"off\", expected true"));
    assert!(with("shots", json!(0)).to_string().contains("found 0, expected 1 to 100000"));
}

#[test]
fn circuits_that_are_not_whole_are_refused() {
    let unbound = Circuit::new(1, 1).rz("theta", 0);
    assert!(reason("synthetic_5", unbound).contains("bind"));
    let mut dangling = Circuit::new(1, 1);
    let rz = ketch_core::circuit::GateOp::new(Gate::Rz, 0);
    dangling.push_unchecked(Op::Gate(rz), &[Qubit(7)], &[], &[Param::Number(0.1)]);
    assert_eq!(refusal("synthetic_5", Qobj::from_circuit(dangling)).code(), "qobj.invalid");
    let mut nowhere = Qobj::from_circuit(bell(5, 0, 1));
    nowhere.experiments_mut()[0].circuit = 7;
    assert!(refusal("synthetic_5", nowhere).to_string().contains("circuit 7"));
    let mut late = Circuit::new(1, 1);
    let bits = late.add_expr(Expr::Clbits { start: 0, size: 1 });
    late.push_unchecked(Op::Gate(rz), &[Qubit(0)], &[], &[Param::Expr(bits)]);
    assert!(backend("synthetic_5").run(Qobj::from_circuit(late), RunOptions::default()).is_ok());
}
