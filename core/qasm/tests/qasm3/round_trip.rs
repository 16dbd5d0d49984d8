//! What is written means, when it is read, what the circuit does.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Binary, Clbit, Expr, ExprId, Gate, GateOp, Op, Param, Qubit, Unary, Value, VarType},
};
use ketch_qasm::{emit_v3, parse_str};
use proptest::prelude::*;

use crate::trace::trace;

const OUTCOMES: [u64; 4] = [0, u64::MAX, 0x9e37_79b9_7f4a_7c15, 0x0123_4567_89ab_cdef];

/// Writes, reads and runs; the text.
#[track_caller]
fn check(circuit: &Circuit) -> String {
    let text = emit_v3(circuit).unwrap();
    let read = parse_str(&text, "t").unwrap_or_else(|error| panic!("{error}\n{text}"));
    for outcomes in OUTCOMES {
        assert_eq!(trace(&read, outcomes), trace(circuit, outcomes), "{text}");
    }
    text
}

#[test]
fn programs_are_written_as_they_were_meant() {
    let programs = [
        "qubit[3] q; bit[3] c; int[8] i = 100; uint[4] n = 3;
         while (n > 0) { i = i + i; n = n - 1; rx(pi * i / 128) q[0]; }
         c[0] = measure q[0]; if (c[0] && i < 0) { x q[1]; } else { y q[2]; }",
        "qubit[2] q; bit[4] c; uint[8] k = 1;
         for int[32] j in [0:3] { c[j] = measure q[0]; if (c[j]) { k = k << 2; } else { k += 7; } }
         switch (k & 3) { case 0 { x q[0]; } case 1, 2 { y q[0]; } default { z q[1]; } }",
        "qubit q; bit[3] c; array[int[8], 4] a = {1, -2, 3, 4}; uint[2] at;
         c[0] = measure q; c[1] = measure q; at = uint[2](c[0:1]);
         a[at] = 7; rz(float[64](a[3 - at])) q; if (a[at] == 7) { x q; }",
        "qubit q; bit[2] c; uint[32] rounds = 0;
         while (true) { c[0] = measure q; rounds += 1; if (c[0] || rounds > 5) { break; } h q; }
         rx(rounds * 0.5) q; if (rounds == 6) { end; } x q; c[1] = measure q;",
        "qubit q; bit[8] c; bool flag = false; float[64] f = 0.5; angle[6] a = pi / 4;
         c[3] = measure q; flag = c[3]; if (!flag) { f = f * 2.0 ** 3; a += a; }
         rx(f) q; rz(a) q; c[0:2] = \"101\"; uint[8] u = uint[8](c); ry(popcount(c)) q;
         c = bit[8](rotl(u, 3)) ^ c;",
    ];
    for program in programs {
        let text = format!("include \"stdgates.inc\";\n{program}");
        let circuit = parse_str(&text, "t").unwrap_or_else(|error| panic!("{error}"));
        // What was written is written the same again, or at least means the same.
        let written = check(&circuit);
        check(&parse_str(&written, "t").unwrap());
    }
}

/// A circuit that computes: typed variables, a register, expressions of every kind.
fn computing(numbers: &[u32]) -> Circuit {
    let mut circuit = Circuit::new(1, 4);
    circuit.add_creg("d", 64);
    let types =
        [VarType::Bool, VarType::Uint(5), VarType::Int(8), VarType::Int(64), VarType::Float];
    let vars = types.map(|ty| circuit.add_variable("v", ty));
    for clbit in 0..4 {
        circuit.push(Op::Measure, &[Qubit(0)], &[Clbit(clbit)], &[]).unwrap();
    }
    circuit.push(Op::MeasureVar { var: vars[1], bit: 3 }, &[Qubit(0)], &[], &[]).unwrap();
    let mut ids = vec![circuit.add_expr(Expr::Clbits { start: 0, size: 4 })];
    ids.extend(vars.map(|var| circuit.add_expr(Expr::Var(var))));
    ids.push(circuit.add_expr(Expr::Clbit(Clbit(2))));
    const UNARY: [Unary; 8] = [
        Unary::Negate,
        Unary::Not,
        Unary::BitNot,
        Unary::Sin,
        Unary::Sqrt,
        Unary::Floor,
        Unary::Ceiling,
        Unary::Popcount,
    ];
    const BINARY: [Binary; 18] = [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Div,
        Binary::Rem,
        Binary::And,
        Binary::Or,
        Binary::BitAnd,
        Binary::BitOr,
        Binary::BitXor,
        Binary::Shl,
        Binary::Shr,
        Binary::Equal,
        Binary::NotEqual,
        Binary::Less,
        Binary::GreaterEqual,
        Binary::RotateLeft,
        Binary::RotateRight,
    ];
    for (place, number) in numbers.iter().map(|number| *number as usize).enumerate() {
        let (a, b) = (ids[number / 16 % ids.len()], ids[number / 512 % ids.len()]);
        let which = number / 16384;
        let expr = match number % 8 {
            0 => Expr::Literal(Value::Int(which as i64 % 7 - 2)),
            1 => Expr::Literal(Value::Uint(BitString::from_u64(3, which as u64))),
            2 => Expr::Unary(UNARY[which % UNARY.len()], a),
            3 => {
                let casts = [VarType::Bool, VarType::Uint(3), VarType::Int(4), VarType::Float];
                Expr::Cast(casts[which % casts.len()], a)
            }
            4 => Expr::Literal(Value::Float(which as f64 % 5.0 - 1.5)),
            _ => Expr::Binary(BINARY[which % BINARY.len()], a, b),
        };
        let id = circuit.add_expr(expr);
        ids.push(id);
        if place % 3 == 0 {
            let op = Op::Store { var: vars[which % vars.len()], value: id };
            circuit.push(op, &[], &[], &[]).unwrap();
        }
    }
    shown(&mut circuit, &ids);
    circuit
}

/// Shows the variables and the last expression: as an angle, and in the clbits.
fn shown(circuit: &mut Circuit, ids: &[ExprId]) {
    for id in ids[1..6].iter().chain(ids.last()) {
        let rx = Op::Gate(GateOp::new(Gate::Rx, 0));
        circuit.push(rx, &[Qubit(0)], &[], &[Param::Expr(*id)]).unwrap();
    }
    let clbits: Vec<Clbit> = (4..68).map(Clbit).collect();
    if let Some(last) = ids.last() {
        circuit.push(Op::StoreClbits(*last), &[], &clbits, &[]).unwrap();
    }
}

/// What the reader says of constants without a value.
const MISTAKES: [&str; 2] = ["division by 0", "the function has no value at"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn expressions_keep_their_values(numbers in prop::collection::vec(any::<u32>(), 1..12)) {
        let circuit = computing(&numbers);
        circuit.validate().unwrap();
        // What has no counterpart is refused, which is tested elsewhere.
        if let Ok(text) = emit_v3(&circuit) {
            let read = match parse_str(&text, "t") {
                Ok(read) => read,
                // The reader takes 0 / 0 and the root of -1 for mistakes where it sees them.
                Err(error) if MISTAKES.iter().any(|what| error.to_string().contains(what)) => {
                    return Ok(());
                }
                // What must fail when it runs may be refused before.
                Err(error) => {
                    let fails = |outcomes| trace(&circuit, outcomes).pop().unwrap() == "an error";
                    prop_assert!(OUTCOMES.into_iter().all(fails), "{}\n{}", error, text);
                    return Ok(());
                }
            };
            for outcomes in OUTCOMES {
                let (found, expected) = (trace(&read, outcomes), trace(&circuit, outcomes));
                // The reader gives a shift by a negative distance a meaning, the circuit does not.
                if expected.last().unwrap() != "an error" {
                    prop_assert_eq!(found, expected, "{}", text);
                }
            }
        }
    }
}
