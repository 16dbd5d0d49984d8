//! Pictures of a dozen circuits, as they are recorded in `tests/golden/draw`: text, text in ASCII,
//! and SVG. `UPDATE_EXPECT=1` writes them anew; look at them then.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::{f64::consts::PI, fs, path::Path};

use ketch_draw::{DrawError, MAX_INSTRUCTIONS, TextOptions, draw};
use ketch_interface::{
    Circuit, Matrix,
    circuit::{
        Binary, Case, Clbit, Expr, For, ForValues, Gate, GateOp, Op, Param, Qubit, Switch,
        TimeUnit, Unary, Value, VarType,
    },
};

/// Compares with what is recorded.
fn check(name: &str, circuit: &Circuit, width: usize) {
    circuit.validate().unwrap();
    let drawing = draw(circuit).unwrap();
    let of = |ascii| drawing.to_text(TextOptions { width: Some(width), ascii });
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/draw");
    let texts = [("txt", of(false)), ("ascii.txt", of(true)), ("svg", drawing.to_svg())];
    for (ending, text) in texts {
        let file = directory.join(format!("{name}.{ending}"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&directory).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let recorded = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(text, recorded, "{}: UPDATE_EXPECT=1 records it", file.display());
        if ending != "svg" {
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(longest <= width, "a line of {longest} characters");
            assert!(ending == "txt" || text.is_ascii());
        }
    }
}

fn qft(n: u32) -> Circuit {
    let mut circuit = Circuit::new(n, 0);
    for target in (0..n).rev() {
        circuit = circuit.h(target);
        for control in (0..target).rev() {
            circuit = circuit.cp(PI / f64::from(1 << (target - control)), control, target);
        }
    }
    (0..n / 2).fold(circuit, |circuit, q| circuit.swap(q, n - 1 - q))
}

#[test]
fn a_bell_pair() {
    check("bell", &Circuit::new(2, 2).h(0).cx(0, 1).measure_all(), 80);
}

#[test]
fn a_fourier_transform_is_folded() {
    check("qft5", &qft(5), 80);
}

#[test]
fn teleportation_has_conditions() {
    let mut circuit = Circuit::default();
    circuit.add_qreg("alice", 2);
    circuit.add_qreg("bob", 1);
    circuit.add_creg("z", 1);
    circuit.add_creg("x", 1);
    circuit.add_creg("out", 1);
    let circuit = circuit
        .u(0.3, 0.2, 0.1, 0)
        .h(1)
        .cx(1, 2)
        .barrier()
        .cx(0, 1)
        .h(0)
        .measure(0, 0)
        .measure(1, 1)
        .if_equal(1, 1, |inside| inside.x(2))
        .if_equal(0, 1, |inside| inside.z(2))
        .measure(2, 2);
    check("teleportation", &circuit, 100);
}

#[test]
fn a_wide_circuit() {
    let mut circuit = Circuit::new(30, 30).h(0);
    for qubit in 1..30 {
        circuit = circuit.cx(qubit - 1, qubit);
    }
    check("wide", &circuit.measure_all(), 120);
}

#[test]
fn loops_stand_in_loops() {
    let mut circuit = Circuit::new(3, 2);
    let i = circuit.add_variable("i", VarType::Int(32));
    let angle = circuit.add_variable("angle", VarType::Float);
    let number = |circuit: &mut Circuit, value| circuit.add_expr(Expr::Literal(Value::Int(value)));
    let [zero, one, four] = [0, 1, 4].map(|value| number(&mut circuit, value));
    let at = circuit.add_expr(Expr::Var(i));
    let held = circuit.add_expr(Expr::Var(angle));
    let half = circuit.add_expr(Expr::Literal(Value::Float(PI / 2.0)));
    let as_real = circuit.add_expr(Expr::Cast(VarType::Float, at));
    let turned = circuit.add_expr(Expr::Binary(Binary::Mul, as_real, half));
    let bit = circuit.add_expr(Expr::Clbit(Clbit(0)));
    let not = circuit.add_expr(Expr::Unary(Unary::Not, bit));
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|c| {
        c.push(Op::Store { var: angle, value: turned }, &[], &[], &[]).unwrap();
        let rz = Op::Gate(GateOp::new(Gate::Rz, 0));
        c.push(rz, &[Qubit(1)], &[], &[Param::Expr(held)]).unwrap();
        let place = c.len();
        c.push(Op::End, &[], &[], &[]).unwrap();
        let inner = c.push_block(|c| {
            let h = Op::Gate(GateOp::new(Gate::H, 0));
            c.push(h, &[Qubit(0)], &[], &[]).unwrap();
            c.push(Op::Measure, &[Qubit(0)], &[Clbit(0)], &[]).unwrap();
            c.push_if(
                bit,
                |c| c.push(Op::Break, &[], &[], &[]).unwrap(),
                Some(&mut |c| {
                    let x = Op::Gate(GateOp::new(Gate::X, 1));
                    c.push(x, &[Qubit(0), Qubit(2)], &[], &[]).unwrap();
                }),
            );
        });
        c.set_op(place, Op::While { condition: not, body: inner });
    });
    let values = ForValues::Range { start: zero, step: one, stop: four };
    circuit.set_op(0, Op::For(Box::new(For { var: i, values, body })));
    check("loops", &circuit.measure(2, 1), 140);
}

#[test]
fn switches_and_stores() {
    let mut circuit = Circuit::new(2, 3);
    circuit.add_creg("flag", 1);
    let register = circuit.add_expr(Expr::Clbits { start: 0, size: 2 });
    let number = |circuit: &mut Circuit, value| circuit.add_expr(Expr::Literal(Value::Int(value)));
    let [one, two] = [1, 2].map(|value| number(&mut circuit, value));
    let mut circuit = circuit.h(0).measure(0, 0).measure(1, 1);
    let place = circuit.len();
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let gate = |c: &mut Circuit, gate| {
        c.push(Op::Gate(GateOp::new(gate, 0)), &[Qubit(1)], &[], &[]).unwrap();
    };
    let first = circuit.push_block(|c| gate(c, Gate::X));
    let other = circuit.push_block(|c| gate(c, Gate::Y));
    let cases =
        vec![Case { values: vec![one, two], body: first }, Case { values: vec![], body: other }];
    circuit.set_op(place, Op::Switch(Box::new(Switch { target: register, cases })));
    let less = circuit.add_expr(Expr::Binary(Binary::Less, register, two));
    circuit.push(Op::StoreClbits(less), &[], &[Clbit(3)], &[]).unwrap();
    check("switch", &circuit, 120);
}

#[test]
fn controls_of_all_kinds() {
    let circuit = Circuit::new(5, 0)
        .ccx(0, 2, 4)
        .cz(1, 3)
        .cswap(0, 3, 1)
        .controlled(Gate::H, 0b01, &[], &[4, 0], &[2])
        .rzz(PI / 8.0, 0, 3)
        .gate(Gate::Iswap, 1, &[], &[2, 1, 3])
        .mcx(&[0, 1, 3, 4], 2);
    check("controls", &circuit, 80);
}

#[test]
fn instructions_that_are_no_gates() {
    let mut circuit = Circuit::new(3, 0)
        .reset(0)
        .delay(100.0, TimeUnit::Nanosecond, 1)
        .unitary(Matrix::identity(2), &[2, 0])
        .initialize(vec![0.6.into(), 0.8.into()], &[1])
        .sdg(0)
        .t(1)
        .tdg(2)
        .barrier();
    circuit.global_phase = PI / 4.0;
    circuit.push(Op::Pauli("XYZ".into()), &[0, 1, 2].map(Qubit), &[], &[]).unwrap();
    circuit.push(Op::Barrier, &[Qubit(0), Qubit(2)], &[], &[]).unwrap();
    check("others", &circuit, 80);
}

#[test]
fn parameters_are_named_or_short() {
    let circuit = Circuit::new(2, 0)
        .rx("theta", 0)
        .ry(1.234_567_8, 1)
        .u(PI / 2.0, -PI, 3.0 * PI / 4.0, 0)
        .p(1e-9, 1)
        .cp("phi", 1, 0);
    check("parameters", &circuit, 60);
}

#[test]
fn registers_of_one_bit_and_many() {
    let mut circuit = Circuit::default();
    circuit.add_qreg("a", 1);
    circuit.add_qreg("data", 2);
    circuit.add_creg("m", 1);
    circuit.add_creg("results", 12);
    check("registers", &circuit.x(0).measure(0, 0).measure(1, 12).measure(2, 3), 80);
}

#[test]
fn a_circuit_of_nothing() {
    check("empty", &Circuit::new(0, 0), 80);
    check("idle", &Circuit::new(2, 1), 80);
}

#[test]
fn of_a_huge_circuit_the_first_instructions_are_drawn() {
    let mut circuit = Circuit::new(2, 0);
    for _ in 0..500_000 {
        for (gate, controls, qubits) in
            [(Gate::H, 0, vec![Qubit(0)]), (Gate::X, 1, vec![Qubit(0), Qubit(1)])]
        {
            circuit.push_unchecked(Op::Gate(GateOp::new(gate, controls)), &qubits, &[], &[]);
        }
    }
    let text = draw(&circuit).unwrap().to_text(TextOptions { width: Some(80), ascii: false });
    let last = text.lines().last().unwrap();
    let note = "the first 4000 instructions of 1000000; the others are not drawn";
    assert_eq!((last, MAX_INSTRUCTIONS), (note, 4000));
}

#[test]
fn too_many_rows_are_refused() {
    let error = draw(&Circuit::new(1000, 1)).unwrap_err();
    assert_eq!(error, DrawError::TooWide { rows: 1001 });
}

#[test]
fn names_from_anywhere_do_no_harm() {
    let mut circuit = Circuit::default();
    circuit.add_qreg("<b>\n\u{1b}[31m", 1);
    circuit.push(Op::Opaque("a\u{7}&\"".into()), &[Qubit(0)], &[], &[]).unwrap();
    let drawing = draw(&circuit).unwrap();
    let text = drawing.to_text(TextOptions::default());
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
    let svg = drawing.to_svg();
    assert!(svg.contains("&lt;b&gt;??[31m") && svg.contains("a?&amp;&quot;"), "{svg}");
}
