//! Conditions, loops, variables.

use ketch_interface::{
    BitString, Circuit,
    circuit::{
        Binary, Case, Clbit, Expr, ExprId, For, ForValues, Gate, GateOp, Op, Param, Qubit, Switch,
        Value, VarType,
    },
};

use super::{counts, options, run, sampling::assert_distributed, state};
use crate::{Cancel, Error, Options, Precision, reference, simulate};

fn teleportation(theta: f64, phi: f64) -> Circuit {
    let mut circuit = Circuit::default();
    circuit.add_qreg("q", 3);
    for name in ["a", "b", "out"] {
        circuit.add_creg(name, 1);
    }
    circuit
        .u(theta, phi, 0.0, 0)
        .h(1)
        .cx(1, 2)
        .cx(0, 1)
        .h(0)
        .measure(0, 0)
        .measure(1, 1)
        .if_equal(1, 1, |inside| inside.x(2))
        .if_equal(0, 1, |inside| inside.z(2))
        // Back to |0> if and only if the state arrived.
        .u(-theta, 0.0, -phi, 2)
        .measure(2, 2)
}

#[test]
fn teleportation_brings_every_state_across() {
    for (theta, phi) in [(0.0, 0.0), (0.7, 1.9), (2.5, -0.4)] {
        let circuit = teleportation(theta, phi);
        let counts = counts(&circuit, 4000);
        assert!(counts.iter().all(|(outcome, _)| !outcome.get(2)), "{counts}");
        assert_distributed(&counts, &reference::distribution(&circuit));
    }
}

fn literal(circuit: &mut Circuit, value: u64) -> ExprId {
    circuit.add_expr(Expr::Literal(Value::Uint(BitString::from_u64(8, value))))
}

fn x(circuit: &mut Circuit, qubit: u32) {
    circuit.push(Op::Gate(GateOp::new(Gate::X, 0)), &[Qubit(qubit)], &[], &[]).unwrap();
}

#[test]
fn else_branches_run() {
    for bit in [0, 1] {
        let mut circuit = Circuit::new(2, 2);
        if bit == 1 {
            x(&mut circuit, 0);
        }
        circuit = circuit.measure(0, 0);
        let condition = circuit.add_expr(Expr::Clbit(Clbit(0)));
        circuit.push_if(condition, |_| {}, Some(&mut |c| x(c, 1)));
        let circuit = circuit.measure(1, 1);
        let expected = if bit == 1 { "01" } else { "10" };
        assert_eq!(counts(&circuit, 5).get(expected), 5);
    }
}

/// `for i in 1..=5 { if i == 3 continue; if i == 5 break; sum += i }`, sum into the clbits.
#[test]
fn loops_break_and_continue() {
    let mut circuit = Circuit::new(0, 8);
    let (i, sum) = (
        circuit.add_variable("i", VarType::Int(32)),
        circuit.add_variable("sum", VarType::Uint(8)),
    );
    let [start, three, five] = [1, 3, 5].map(|value| literal(&mut circuit, value));
    let (var_i, var_sum) = (circuit.add_expr(Expr::Var(i)), circuit.add_expr(Expr::Var(sum)));
    let is_three = circuit.add_expr(Expr::Binary(Binary::Equal, var_i, three));
    let is_five = circuit.add_expr(Expr::Binary(Binary::Equal, var_i, five));
    let more = circuit.add_expr(Expr::Binary(Binary::Add, var_sum, var_i));
    let place = circuit.len();
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|c| {
        c.push_if(is_three, |c| c.push(Op::Continue, &[], &[], &[]).unwrap(), None);
        c.push_if(is_five, |c| c.push(Op::Break, &[], &[], &[]).unwrap(), None);
        c.push(Op::Store { var: sum, value: more }, &[], &[], &[]).unwrap();
    });
    let values = ForValues::Range { start, step: start, stop: five };
    circuit.set_op(place, Op::For(Box::new(For { var: i, values, body })));
    let clbits: Vec<Clbit> = (0..8).map(Clbit).collect();
    circuit.push(Op::StoreClbits(var_sum), &[], &clbits, &[]).unwrap();
    // 1 + 2 + 4
    assert_eq!(counts(&circuit, 3).get("00000111"), 3);
}

#[test]
fn for_loops_run_over_lists_and_set_angles() {
    let mut circuit = Circuit::new(1, 0);
    let angle = circuit.add_variable("angle", VarType::Float);
    let values: Vec<ExprId> = [0.25, -1.0, 0.5]
        .map(|number| circuit.add_expr(Expr::Literal(Value::Float(number))))
        .to_vec();
    let var = circuit.add_expr(Expr::Var(angle));
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|c| {
        let ry = Op::Gate(GateOp::new(Gate::Ry, 0));
        c.push(ry, &[Qubit(0)], &[], &[Param::Expr(var)]).unwrap();
    });
    let each = For { var: angle, values: ForValues::List(values), body };
    circuit.set_op(0, Op::For(Box::new(each)));
    let expected = reference::state(&Circuit::new(1, 0).ry(-0.25, 0));
    assert!(super::distance(&state(&circuit, Precision::Double), &expected) < 1e-12);
}

/// Flips a coin until it shows 1: always ends, after different numbers of rounds.
#[test]
fn while_loops_repeat_until_success() {
    let mut circuit = Circuit::new(1, 1);
    let shown = circuit.add_expr(Expr::Clbit(Clbit(0)));
    let again = circuit.add_expr(Expr::Unary(ketch_interface::circuit::Unary::Not, shown));
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|c| {
        c.push(Op::Reset, &[Qubit(0)], &[], &[]).unwrap();
        c.push(Op::Gate(GateOp::new(Gate::H, 0)), &[Qubit(0)], &[], &[]).unwrap();
        c.push(Op::Measure, &[Qubit(0)], &[Clbit(0)], &[]).unwrap();
    });
    circuit.set_op(0, Op::While { condition: again, body });
    assert_eq!(counts(&circuit, 500).get("1"), 500);
}

#[test]
fn switches_take_the_first_case_that_fits() {
    for value in 0..4 {
        let mut circuit = Circuit::new(2, 4);
        for qubit in (0..2).filter(|qubit| value >> qubit & 1 == 1) {
            x(&mut circuit, qubit);
        }
        circuit = circuit.measure(0, 0).measure(1, 1);
        let target = circuit.add_expr(Expr::Clbits { start: 0, size: 2 });
        let [one, two, five] = [1, 2, 5].map(|value| literal(&mut circuit, value));
        let place = circuit.len();
        circuit.push(Op::End, &[], &[], &[]).unwrap();
        let store = |c: &mut Circuit, value| {
            let value = literal(c, value);
            c.push(Op::StoreClbits(value), &[], &[Clbit(2), Clbit(3)], &[]).unwrap();
        };
        let first = circuit.push_block(|c| store(c, 1));
        let second = circuit.push_block(|c| store(c, 2));
        let default = circuit.push_block(|c| store(c, 3));
        let cases = [(vec![five, one], first), (vec![one, two], second), (vec![], default)];
        let cases = cases.map(|(values, body)| Case { values, body }).to_vec();
        circuit.set_op(place, Op::Switch(Box::new(Switch { target, cases })));
        let taken = [3, 1, 2, 3][value as usize];
        let expected = format!("{taken:02b}{value:02b}");
        assert_eq!(counts(&circuit, 2).get(&expected), 2, "{value}");
    }
}

#[test]
fn end_ends_the_shot() {
    let mut circuit = Circuit::new(1, 1).h(0).measure(0, 0);
    let condition = circuit.add_expr(Expr::Clbit(Clbit(0)));
    circuit.push_if(condition, |c| c.push(Op::End, &[], &[], &[]).unwrap(), None);
    let zero = literal(&mut circuit, 0);
    let one = circuit.add_expr(Expr::Literal(Value::Bool(true)));
    let _ = zero;
    circuit.push(Op::StoreClbits(one), &[], &[Clbit(0)], &[]).unwrap();
    assert_eq!(counts(&circuit, 200).get("1"), 200);
}

#[test]
fn measurements_into_variables_steer_but_are_not_counted() {
    let mut circuit = Circuit::new(2, 1).x(0);
    let var = circuit.add_variable("hidden", VarType::Uint(3));
    circuit.push(Op::MeasureVar { var, bit: 2 }, &[Qubit(0)], &[], &[]).unwrap();
    let value = circuit.add_expr(Expr::Var(var));
    let four = literal(&mut circuit, 4);
    let condition = circuit.add_expr(Expr::Binary(Binary::Equal, value, four));
    circuit.push_if(condition, |c| x(c, 1), None);
    let circuit = circuit.measure(1, 0);
    let counts = counts(&circuit, 4);
    assert_eq!((counts.get("1"), counts.len()), (4, 1));
}

#[test]
fn an_endless_loop_is_cancelled() {
    let mut circuit = Circuit::new(1, 1);
    let forever = circuit.add_expr(Expr::Literal(Value::Bool(true)));
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|_| {});
    circuit.set_op(0, Op::While { condition: forever, body });
    let cancel = Cancel::new();
    let outcome = std::thread::scope(|scope| {
        let running = scope.spawn(|| simulate(&circuit, &options(), &cancel));
        cancel.cancel();
        running.join().unwrap()
    });
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

#[test]
fn a_step_of_zero_is_refused() {
    let mut circuit = Circuit::new(1, 1);
    let var = circuit.add_variable("i", VarType::Int(8));
    let zero = literal(&mut circuit, 0);
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|_| {});
    let values = ForValues::Range { start: zero, step: zero, stop: zero };
    circuit.set_op(0, Op::For(Box::new(For { var, values, body })));
    let outcome = simulate(&circuit, &options(), &Cancel::new());
    assert!(matches!(outcome, Err(Error::BadValue { .. })));
}

#[test]
fn the_state_of_a_dynamic_circuit_is_the_last_shots() {
    let circuit = Circuit::new(2, 1).x(0).measure(0, 0).if_equal(0, 1, |inside| inside.x(1));
    let found = state(&circuit, Precision::Double);
    assert!((found[3].norm() - 1.0).abs() < 1e-12);
    let outcome = run(&circuit, &Options { shots: 3, final_state: true, ..options() });
    assert_eq!(outcome.counts.unwrap().get("1"), 3);
}
