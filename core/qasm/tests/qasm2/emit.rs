//! Circuits as programs.

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{
        Binary, Controls, Expr, GATES, Gate, GateOp, Op, Param, Qubit, SPELLINGS, TimeUnit, Value,
    },
};
use ketch_qasm::{emit_v2, parse_str};

use crate::unitary::{distance, unitary};

fn parse(text: &str) -> Circuit {
    parse_str(text, "emitted").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Checks the text behind the version line and `include`.
fn check(circuit: &Circuit, expected: &str) {
    let text = emit_v2(circuit).unwrap();
    let rest = text.strip_prefix("OPENQASM 2.0;\ninclude \"qelib1.inc\";\n").unwrap();
    assert_eq!(rest.trim_end(), expected);
    parse(&text);
}

fn refused(circuit: &Circuit) -> String {
    emit_v2(circuit).unwrap_err().to_string()
}

#[test]
fn programs_look_like_programs() {
    let circuit = Circuit::new(2, 2)
        .h(0)
        .cx(0, 1)
        .rx(0.1 + 0.2, 1)
        .u(1.0, -1e-7, 1e300, 0)
        .barrier()
        .reset(1)
        .measure(1, 0)
        .measure_all();
    check(
        &circuit,
        "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nrx(0.30000000000000004) q[1];\n\
         u(1.0,-1.0e-7,1.0e300) q[0];\nbarrier q;\nreset q[1];\nmeasure q[1] -> c[0];\n\
         measure q -> c;",
    );
}

#[test]
fn later_gates_are_defined() {
    check(
        &Circuit::new(2, 0).iswap(0, 1).iswap(1, 0).ryy(0.5, 0, 1),
        "gate iswap a,b { s a; s b; h a; cx a,b; cx b,a; h b; }\n\
         gate ryy(theta) a,b { rx(pi/2) a; rx(pi/2) b; cx a,b; rz(theta) b; cx a,b; \
         rx(-pi/2) a; rx(-pi/2) b; }\n\
         qreg q[2];\niswap q[0],q[1];\niswap q[1],q[0];\nryy(0.5) q[0],q[1];",
    );
}

#[test]
fn conditions_are_written() {
    let circuit = Circuit::new(2, 2).if_equal(0, 2, |c| c.x(0).measure(0, 1));
    check(&circuit, "qreg q[2];\ncreg c[2];\nif(c==2) x q[0];\nif(c==2) measure q[0] -> c[1];");
    let changes = Circuit::new(2, 2).if_equal(0, 2, |c| c.measure(0, 1).x(0));
    assert_eq!(
        refused(&changes),
        "cannot write `if_else` in OpenQASM 2: its block changes the register that the condition is about"
    );
    let barrier = Circuit::new(2, 2).if_equal(0, 2, Circuit::barrier);
    assert!(refused(&barrier).contains("`if` cannot hold a barrier"));
    let nested = Circuit::new(2, 2).if_equal(0, 2, |c| c.if_equal(0, 1, |c| c.x(0)));
    assert!(refused(&nested).contains("`if` cannot be nested"));

    let mut other = Circuit::new(1, 2);
    let condition = other.add_expr(Expr::Clbit(ketch_interface::circuit::Clbit(0)));
    other.push_if(condition, |c| c.push_unchecked(Op::Reset, &[Qubit(0)], &[], &[]), None);
    assert!(refused(&other).contains("must compare a classical register with a number"));
}

#[test]
fn wide_conditions_survive() {
    let digits = "1267650600228229401496703205375";
    let program = format!("OPENQASM 2.0; qreg q[1]; creg c[100]; if(c=={digits}) U(0,0,0) q[0];");
    let text = emit_v2(&parse(&program)).unwrap();
    assert!(text.contains(&format!("if(c=={digits}) u(0.0,0.0,0.0) q[0];")), "{text}");

    let mut circuit = Circuit::new(1, 3);
    let bits = circuit.add_expr(Expr::Clbits { start: 0, size: 3 });
    let value = circuit.add_expr(Expr::Literal(Value::Uint(BitString::from_u64(2, 3))));
    let condition = circuit.add_expr(Expr::Binary(Binary::Equal, value, bits));
    circuit.push_if(condition, |c| c.push_unchecked(Op::Reset, &[Qubit(0)], &[], &[]), None);
    check(&circuit, "qreg q[1];\ncreg c[3];\nif(c==3) reset q[0];");
}

#[test]
fn register_names_become_legal_and_unique() {
    let mut circuit = Circuit::default();
    for name in ["Q", "q", "größe", "h", "0", "", "pi", "measure", "_x", "sin"] {
        circuit.add_qreg(name, 1);
    }
    circuit.add_creg("q", 1);
    circuit.add_creg("iswap", 1);
    let names = "q q_2 gr__e h_2 q0 q_3 pi_2 measure_2 q_x sin_2 q_4 iswap_2";
    let text = emit_v2(&circuit).unwrap();
    let found: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("qreg ").or(line.strip_prefix("creg ")))
        .map(|rest| rest.trim_end_matches("[1];"))
        .collect();
    assert_eq!(found.join(" "), names);
    assert_eq!(parse(&text).n_qubits(), 10);
}

#[test]
fn opaque_gates_are_declared() {
    let program = "OPENQASM 2.0; opaque magic(a) x,y; qreg q[2]; magic(0.5) q[1],q[0];";
    let circuit = parse(program);
    check(&circuit, "opaque magic(p0) q0,q1;\nqreg q[2];\nmagic(0.5) q[1],q[0];");
    assert_eq!(parse(&emit_v2(&circuit).unwrap()), circuit);
}

#[test]
fn what_the_language_lacks_is_refused_by_name() {
    let unbound = Circuit::new(1, 0).rx("theta", 0);
    let expected = "cannot write `rx` in OpenQASM 2: parameter `theta` has no value";
    assert_eq!(refused(&unbound), expected);
    let delay = Circuit::new(1, 0).delay(1.0, TimeUnit::Second, 0);
    let expected = "cannot write `delay` in OpenQASM 2: the language has no such instruction";
    assert_eq!(refused(&delay), expected);
    let large = Circuit::new(2, 0).unitary(Matrix::identity(2), &[0, 1]);
    assert!(refused(&large).contains("only unitaries of one qubit"));
    let infinite = Circuit::new(1, 0).rx(f64::INFINITY, 0);
    assert!(refused(&infinite).contains("not finite"));
    let controls: Vec<u32> = (0..40).collect();
    assert!(refused(&Circuit::new(41, 0).mcx(&controls, 40)).contains("more than 32 controls"));
}

#[test]
fn numbers_without_parameters_are_computed() {
    let mut circuit = Circuit::new(1, 0);
    let two = circuit.add_expr(Expr::Literal(Value::Float(2.0)));
    let four = circuit.add_expr(Expr::Binary(Binary::Mul, two, two));
    let rx = Op::Gate(GateOp::new(Gate::Rx, 0));
    circuit.push(rx, &[Qubit(0)], &[], &[Param::Expr(four)]).unwrap();
    check(&circuit, "qreg q[1];\nrx(4.0) q[0];");
}

/// Writes, reads and compares the unitaries.
fn check_unitary(circuit: &Circuit) {
    let text = emit_v2(circuit).unwrap();
    let distance = distance(&unitary(circuit), &unitary(&parse(&text)));
    assert!(distance < 1e-10, "off by {distance}: {circuit:?}\n{text}");
}

const ANGLES: [f64; 4] = [0.7, -1.1, 2.3, 0.4];

#[test]
fn every_gate_with_up_to_four_controls_is_written_rightly() {
    for info in GATES {
        for controls in 0..=4_u16 {
            let n_qubits = u32::from(controls) + info.n_qubits;
            if n_qubits > 0 && n_qubits <= 7 {
                let qubits: Vec<u32> = (0..n_qubits).rev().collect();
                let params = &ANGLES[..info.n_params as usize];
                check_unitary(
                    &Circuit::new(n_qubits, 0).gate(info.gate, controls, params, &qubits),
                );
            }
        }
    }
}

#[test]
fn every_spelling_is_written_rightly() {
    for spelling in SPELLINGS {
        let controls = match spelling.controls {
            Controls::Exactly(controls) => controls,
            Controls::Any => 3,
        };
        let info = spelling.gate.info();
        let n_qubits = u32::from(controls) + info.n_qubits;
        if n_qubits > 0 {
            let qubits: Vec<u32> = (0..n_qubits).collect();
            let params = &ANGLES[..info.n_params as usize];
            let circuit = Circuit::new(n_qubits, 0);
            check_unitary(&circuit.gate(spelling.gate, controls, params, &qubits));
        }
    }
}

#[test]
fn many_controls_are_written_rightly() {
    for n_controls in 5..=7_u32 {
        let controls: Vec<u32> = (0..n_controls).collect();
        check_unitary(&Circuit::new(n_controls + 1, 0).mcx(&controls, n_controls));
    }
    let qubits: Vec<u32> = (0..=32).collect();
    let text = emit_v2(&Circuit::new(33, 0).gate(Gate::H, 32, &[], &qubits)).unwrap();
    // In proportion to the square of the number of controls.
    assert!(parse(&text).len() < 60_000, "{}", parse(&text).len());
}

#[test]
fn open_controls_are_written_rightly() {
    for state in 0..8 {
        check_unitary(&Circuit::new(4, 0).controlled(Gate::Y, state, &[], &[3, 1, 0], &[2]));
        check_unitary(&Circuit::new(4, 0).controlled(Gate::X, state & 3, &[], &[3, 1], &[2]));
    }
}

#[test]
fn unitaries_of_one_qubit_and_pauli_strings_are_written_rightly() {
    for gate in [Gate::H, Gate::X, Gate::Y, Gate::S, Gate::Id, Gate::Sx, Gate::Tdg] {
        check_unitary(&Circuit::new(2, 0).unitary(gate.matrix(&[]), &[1]));
    }
    let phase = Complex64::cis(0.3);
    let turned = Gate::U.matrix(&ANGLES[..3]).entries().iter().map(|entry| entry * phase).collect();
    check_unitary(&Circuit::new(1, 0).unitary(Matrix::new(2, turned).unwrap(), &[0]));

    let mut circuit = Circuit::new(3, 0);
    let qubits = [Qubit(0), Qubit(1), Qubit(2)];
    circuit.push(Op::Pauli("XIZ".into()), &qubits, &[], &[]).unwrap();
    check(&circuit, "qreg q[3];\nz q[0];\nx q[2];");
}
