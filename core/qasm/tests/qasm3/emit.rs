//! Circuits as OpenQASM 3 programs.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Binary, Clbit, Expr, GATES, Gate, GateOp, Op, Param, Qubit, TimeUnit, Value},
};
use ketch_qasm::{emit_v3, parse_str, v3::creg_names};

use crate::unitary::{distance, unitary};

/// Checks the text behind the version line and `include`.
fn check(circuit: &Circuit, expected: &str) {
    let text = emit_v3(circuit).unwrap();
    let rest = text.strip_prefix("OPENQASM 3.0;\ninclude \"stdgates.inc\";\n").unwrap();
    assert_eq!(rest.trim_end(), expected);
}

fn refused(circuit: &Circuit) -> String {
    emit_v3(circuit).unwrap_err().to_string()
}

#[test]
fn programs_look_like_programs() {
    let circuit = Circuit::new(2, 2)
        .h(0)
        .cx(0, 1)
        .rx(0.1 + 0.2, 1)
        .barrier()
        .reset(1)
        .measure(1, 0)
        .measure_all();
    check(
        &circuit,
        "bit[2] c;\nqubit[2] q;\nh q[0];\ncx q[0], q[1];\nrx(0.30000000000000004) q[1];\n\
         barrier q;\nreset q[1];\nc[0] = measure q[1];\nc = measure q;",
    );
}

#[test]
fn controls_are_names_or_modifiers() {
    let circuit = Circuit::new(4, 0)
        .ccx(0, 1, 2)
        .mcx(&[0, 1, 2], 3)
        .cs(0, 1)
        .cu(0.1, 0.2, 0.3, 0.4, 1, 0)
        .gate(Gate::U, 1, &[0.1, 0.2, 0.3], &[0, 1])
        .controlled(Gate::X, 0b01, &[], &[0, 1], &[2]);
    check(
        &circuit,
        "qubit[4] q;\nccx q[0], q[1], q[2];\nctrl(3) @ x q[0], q[1], q[2], q[3];\n\
         ctrl @ s q[0], q[1];\ncu(0.1, 0.2, 0.3, 0.4) q[1], q[0];\n\
         cu(0.1, 0.2, 0.3, 0.0) q[0], q[1];\nctrl @ negctrl @ x q[0], q[1], q[2];",
    );
}

#[test]
fn other_gates_are_defined_once() {
    check(
        &Circuit::new(2, 0).ecr(0, 1).rzx(0.5, 0, 1).ecr(1, 0).sxdg(0),
        "gate rzx(p0) a, b { h b; cx a, b; rz(p0) b; cx a, b; h b; }\n\
         gate ecr a, b { rzx(pi/4) a, b; x a; rzx(-pi/4) a, b; }\n\
         gate sxdg a { inv @ sx a; }\n\
         qubit[2] q;\necr q[0], q[1];\nrzx(0.5) q[0], q[1];\necr q[1], q[0];\nsxdg q[0];",
    );
}

#[test]
fn phases_are_written() {
    let mut circuit = Circuit::new(1, 0).gate(Gate::GlobalPhase, 0, &[0.5], &[]);
    circuit.global_phase = -1.0;
    let circuit = circuit.gate(Gate::GlobalPhase, 1, &[0.25], &[0]);
    check(&circuit, "qubit[1] q;\ngphase(-1.0);\ngphase(0.5);\nctrl @ gphase(0.25) q[0];");
}

#[test]
fn parameters_become_inputs() {
    let mut circuit = Circuit::new(1, 0).rx("θ", 0).rz("pi", 0);
    let theta = circuit.parameter("θ");
    let theta = circuit.add_expr(Expr::Parameter(theta));
    let half = circuit.add_expr(Expr::Literal(Value::Float(-0.5)));
    let product = circuit.add_expr(Expr::Binary(Binary::Mul, theta, half));
    let rz = Op::Gate(GateOp::new(Gate::Rz, 0));
    circuit.push(rz, &[Qubit(0)], &[], &[Param::Expr(product)]).unwrap();
    check(
        &circuit,
        "input float[64] p_;\ninput float[64] pi_2;\nqubit[1] q;\nrx(p_) q[0];\nrz(pi_2) q[0];\n\
         rz(p_ * (-0.5)) q[0];",
    );
}

#[test]
fn conditions_and_loops_are_blocks() {
    let mut circuit =
        Circuit::new(2, 2).measure(0, 0).if_equal(0, 2, |c| c.x(0).if_equal(0, 1, |c| c.y(1)));
    let bit = circuit.add_expr(Expr::Clbit(Clbit(1)));
    circuit.push_if(
        bit,
        |c| c.push_unchecked(Op::Reset, &[Qubit(0)], &[], &[]),
        Some(&mut |c: &mut Circuit| c.push_unchecked(Op::Reset, &[Qubit(1)], &[], &[])),
    );
    check(
        &circuit,
        "bit[2] c;\nqubit[2] q;\nc[0] = measure q[0];\nif (c == 2) {\n  x q[0];\n  \
         if (c == 1) {\n    y q[1];\n  }\n}\nif (c[1]) {\n  reset q[0];\n} else {\n  \
         reset q[1];\n}",
    );
}

#[test]
fn wide_registers_compare_in_hexadecimal() {
    let mut circuit = Circuit::new(1, 100);
    let bits = circuit.add_expr(Expr::Clbits { start: 0, size: 100 });
    let mut value = BitString::zeros(100);
    value.set(99, true);
    let value = circuit.add_expr(Expr::Literal(Value::Uint(value)));
    let condition = circuit.add_expr(Expr::Binary(Binary::Equal, bits, value));
    circuit.push_if(condition, |c| c.push_unchecked(Op::Reset, &[Qubit(0)], &[], &[]), None);
    let text = emit_v3(&circuit).unwrap();
    assert!(text.contains("if (c == 0x8000000000000000000000000) {"), "{text}");
}

#[test]
fn delays_have_units() {
    let circuit = Circuit::new(2, 0)
        .delay(100.0, TimeUnit::Tick, 0)
        .delay(1.5, TimeUnit::Microsecond, 0)
        .delay(2500.0, TimeUnit::Picosecond, 0)
        .delay("wait", TimeUnit::Nanosecond, 0);
    check(
        &circuit,
        "input float[64] wait;\nqubit[2] q;\ndelay[100dt] q[0];\ndelay[1.5us] q[0];\n\
         delay[2.5ns] q[0];\ndelay[(wait) * 1ns] q[0];",
    );
}

#[test]
fn register_names_become_legal_and_unique() {
    let mut circuit = Circuit::default();
    for name in ["Q", "q", "größe", "h", "0", "", "ecr", "measure"] {
        circuit.add_qreg(name, 1);
    }
    circuit.add_creg("q", 1);
    circuit.add_creg("meas", 2);
    let text = emit_v3(&circuit).unwrap();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("qubit[1] "))
        .map(|name| name.trim_end_matches(';'))
        .collect();
    assert_eq!(names, ["Q", "q", "gr__e", "h_2", "q0", "q_2", "ecr_2", "measure_2"]);
    assert_eq!(creg_names(&circuit), ["q_3", "meas"]);
}

#[test]
fn every_gate_of_the_table_is_written_with_any_controls() {
    for info in GATES {
        for controls in 0..4_u16 {
            let n_qubits = u32::from(controls) + info.n_qubits;
            let qubits: Vec<u32> = (0..n_qubits).collect();
            let params = &[0.7, -1.1, 2.3, 0.4][..info.n_params as usize];
            let circuit = Circuit::new(n_qubits.max(1), 0);
            let text = emit_v3(&circuit.gate(info.gate, controls, params, &qubits)).unwrap();
            let last = text.lines().last().unwrap();
            let operands = last.matches("q[").count();
            assert_eq!(operands, n_qubits as usize, "{last}");
        }
    }
}

/// A program of plain gates in the older language, for the reader that there is. The phase of the
/// whole is lost.
fn as_v2(text: &str) -> String {
    let text = text.replace("OPENQASM 3.0", "OPENQASM 2.0").replace("stdgates", "qelib1");
    let text = text.replace("inv @ sx a", "h a; sdg a; h a").replace("qubit[", "qreg q[");
    text.replace("] q;\n", "];\n")
}

#[test]
fn definitions_and_names_mean_the_gates_of_the_table() {
    for info in GATES.iter().filter(|info| info.n_qubits > 0) {
        let qubits: Vec<u32> = (0..info.n_qubits).rev().collect();
        let params = &[0.7, -1.1, 2.3, 0.4][..info.n_params as usize];
        let circuit = Circuit::new(info.n_qubits, 0).gate(info.gate, 0, params, &qubits);
        let text = as_v2(&emit_v3(&circuit).unwrap());
        let read = parse_str(&text, info.name).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let distance = distance(&unitary(&circuit), &unitary(&read));
        assert!(distance < 1e-10, "off by {distance}:\n{text}");
    }
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let initialize = Circuit::new(1, 0).initialize(vec![1.0.into(), 0.0.into()], &[0]);
    let expected =
        "cannot write `initialize` in OpenQASM 3: it has no counterpart that can be written";
    assert_eq!(refused(&initialize), expected);
    let infinite = Circuit::new(1, 0).rx(f64::INFINITY, 0);
    assert_eq!(refused(&infinite), "cannot write `rx` in OpenQASM 3: a number is not finite");
}
