//! Circuits that compute while they run, on every method that takes them: against exact answers and
//! against the reference, which follows every branch.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use ketch_interface::{
    BitString, Circuit,
    circuit::{
        Binary, Case, Clbit, EvaluateError, Expr, ExprId, For, ForValues, Gate, GateOp, Op, Param,
        Qubit, StoreElement, Switch, Unary, Value, VarId, VarType,
    },
};
use proptest::prelude::*;

use super::{options, sampling::assert_distributed};
use crate::{Cancel, Error, Method, Options, check, reference, simulate};

/// A circuit that is written from top to bottom.
struct Program(Circuit);

impl Program {
    fn new(n_qubits: u32, n_clbits: u32) -> Self {
        Self(Circuit::new(n_qubits, n_clbits))
    }

    fn expr(&mut self, expr: Expr) -> ExprId {
        self.0.add_expr(expr)
    }

    fn int(&mut self, value: i64) -> ExprId {
        self.expr(Expr::Literal(Value::Int(value)))
    }

    fn real(&mut self, value: f64) -> ExprId {
        self.expr(Expr::Literal(Value::Float(value)))
    }

    fn var(&mut self, var: VarId) -> ExprId {
        self.expr(Expr::Var(var))
    }

    fn binary(&mut self, operator: Binary, a: ExprId, b: ExprId) -> ExprId {
        self.expr(Expr::Binary(operator, a, b))
    }

    fn op(&mut self, op: Op, qubits: &[u32], clbits: &[u32], params: &[Param]) {
        let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
        let clbits: Vec<Clbit> = clbits.iter().copied().map(Clbit).collect();
        self.0.push(op, &qubits, &clbits, params).unwrap();
    }

    fn gate(&mut self, gate: Gate, controls: u16, qubits: &[u32]) {
        self.op(Op::Gate(GateOp::new(gate, controls)), qubits, &[], &[]);
    }

    fn measure(&mut self, qubit: u32, clbit: u32) {
        self.op(Op::Measure, &[qubit], &[clbit], &[]);
    }

    fn store(&mut self, var: VarId, value: ExprId) {
        self.op(Op::Store { var, value }, &[], &[], &[]);
    }

    fn when(&mut self, condition: ExprId, body: impl FnOnce(&mut Self)) {
        let place = self.0.len();
        self.op(Op::End, &[], &[], &[]);
        let then = self.block(body);
        self.0.set_op(place, Op::If { condition, then, otherwise: None });
    }

    fn repeat(&mut self, condition: ExprId, body: impl FnOnce(&mut Self)) {
        let place = self.0.len();
        self.op(Op::End, &[], &[], &[]);
        let body = self.block(body);
        self.0.set_op(place, Op::While { condition, body });
    }

    fn count(&mut self, var: VarId, from: i64, to: i64, body: impl FnOnce(&mut Self)) {
        let (start, step, stop) = (self.int(from), self.int(1), self.int(to));
        let place = self.0.len();
        self.op(Op::End, &[], &[], &[]);
        let body = self.block(body);
        let values = ForValues::Range { start, step, stop };
        self.0.set_op(place, Op::For(Box::new(For { var, values, body })));
    }

    fn block(&mut self, body: impl FnOnce(&mut Self)) -> ketch_interface::circuit::BlockId {
        let block = self.0.push_block(|_| {});
        body(self);
        self.0.close_block(block);
        block
    }
}

/// The counts of every method that runs the circuit.
fn counted(circuit: &Circuit, shots: u64) -> Vec<(Method, ketch_interface::Counts)> {
    circuit.validate().unwrap();
    let takes = |method: &Method| check(circuit, *method).is_ok();
    let counted = Method::ALL.into_iter().filter(takes).filter_map(|method| {
        let options = Options { method, shots, ..options() };
        match simulate(circuit, &options, &Cancel::new()) {
            Ok(outcome) => Some((method, outcome.counts?)),
            // An angle that was computed is no quarter turn.
            Err(Error::UnsupportedInstruction { method: Method::Stabilizer, .. }) => None,
            Err(error) => panic!("{method}: {error}"),
        }
    });
    let counted: Vec<_> = counted.collect();
    assert!(counted.len() >= 4, "{counted:?}");
    counted
}

fn assert_all_distributed(circuit: &Circuit, shots: u64) -> BTreeMap<BitString, f64> {
    let expected = reference::distribution(circuit);
    for (_, counts) in counted(circuit, shots) {
        assert_distributed(&counts, &expected);
    }
    expected
}

/// Repeats a circuit on two helpers until both read 0, which turns the third qubit about Z by the
/// angle whose cosine is 3/5, and leaves it alone otherwise (Nielsen and Chuang, exercise 4.41).
#[test]
fn repetition_until_success_turns_by_an_angle_that_no_gate_has() {
    let mut program = Program::new(3, 3);
    program.gate(Gate::H, 0, &[2]);
    let flags = program.expr(Expr::Clbits { start: 0, size: 2 });
    let forever = program.expr(Expr::Literal(Value::Bool(true)));
    let done = program.expr(Expr::Unary(Unary::Not, flags));
    program.repeat(forever, |inside| {
        inside.op(Op::Reset, &[0, 1], &[], &[]);
        for qubit in [0, 1] {
            inside.gate(Gate::H, 0, &[qubit]);
        }
        inside.gate(Gate::X, 2, &[0, 1, 2]);
        inside.gate(Gate::S, 0, &[2]);
        inside.gate(Gate::X, 2, &[0, 1, 2]);
        for qubit in [0, 1] {
            inside.gate(Gate::H, 0, &[qubit]);
            inside.measure(qubit, qubit);
        }
        inside.when(done, |inside| inside.op(Op::Break, &[], &[], &[]));
        inside.gate(Gate::Z, 0, &[2]);
    });
    program.gate(Gate::H, 0, &[2]);
    program.measure(2, 2);
    let expected = assert_all_distributed(&program.0, 4000);
    let one = expected.get(&BitString::from_u64(3, 0b100)).copied().unwrap_or_default();
    // The state is |+> turned by that angle, so 1 comes out with (1 - cos) / 2.
    assert!((one - 0.2).abs() < 1e-9, "{one}");
    assert_eq!(expected.len(), 2);
}

/// Phase estimation with one helper: each bit is read once, the later ones steer the angle of the
/// next (Griffiths and Niu, arXiv:quant-ph/9511007).
fn phase_estimation(phase: f64, n_bits: u32) -> Circuit {
    let mut program = Program::new(2, n_bits);
    let round = program.0.add_variable("round", VarType::Int(32));
    let found = program.0.add_variable("found", VarType::Uint(n_bits));
    program.gate(Gate::X, 0, &[1]);
    let (at, last) = (program.var(round), program.int(i64::from(n_bits) - 1));
    let place = program.binary(Binary::Sub, last, at);
    program.count(round, 0, i64::from(n_bits) - 1, |inside| {
        inside.op(Op::Reset, &[0], &[], &[]);
        inside.gate(Gate::H, 0, &[0]);
        // The phase times 2^place; less what the bits below have shown: found / 2^(round + 1).
        let (two, whole) = (inside.int(2), inside.real(TAU * phase));
        let power = inside.binary(Binary::Pow, two, place);
        let angle = inside.binary(Binary::Mul, whole, power);
        let p = |controls| Op::Gate(GateOp::new(Gate::P, controls));
        inside.op(p(1), &[0, 1], &[], &[Param::Expr(angle)]);
        // `found` holds those bits at their places from the top.
        let (known, scale) = (inside.var(found), inside.real(-TAU / f64::from(1 << n_bits)));
        let shown = inside.binary(Binary::Shl, known, place);
        let shown = inside.expr(Expr::Cast(VarType::Float, shown));
        let back = inside.binary(Binary::Mul, shown, scale);
        inside.op(p(0), &[0], &[], &[Param::Expr(back)]);
        inside.gate(Gate::H, 0, &[0]);
        let bit = inside.0.add_variable("bit", VarType::Uint(1));
        inside.op(Op::MeasureVar { var: bit, bit: 0 }, &[0], &[], &[]);
        let value = inside.var(bit);
        inside.op(Op::StoreBit { var: found, index: at, value }, &[], &[], &[]);
    });
    let value = program.var(found);
    let clbits: Vec<u32> = (0..n_bits).collect();
    program.op(Op::StoreClbits(value), &[], &clbits, &[]);
    program.0
}

#[test]
fn iterative_phase_estimation_finds_a_phase_of_few_bits() {
    for k in [0_u64, 1, 11, 13, 16, 31] {
        let circuit = phase_estimation(k as f64 / 32.0, 5);
        for (method, counts) in counted(&circuit, 50) {
            let expected = BitString::from_u64(5, k);
            assert_eq!(counts.of(&expected), 50, "{method}: {counts:?}");
        }
    }
    let other = phase_estimation(0.3, 3);
    let expected = assert_all_distributed(&other, 3000);
    for (outcome, found) in expected {
        // The distribution of phase estimation: the square of a sum of phases.
        let distance = 0.3 - outcome.to_u64().unwrap() as f64 / 8.0;
        let exact = ((8.0 * PI * distance).sin() / (8.0 * (PI * distance).sin())).powi(2);
        assert!((found - exact).abs() < 1e-10, "{outcome}: {found}, expected {exact}");
    }
}

/// A GHZ state of five qubits in constant depth: pairs are linked by parities, and what they show is
/// made up for by X on all qubits behind (compare Bäumer and others, arXiv:2308.13065).
#[test]
fn measured_parities_link_a_ghz_state() {
    let n = 5;
    let mut program = Program::new(2 * n - 1, n);
    let links = program.0.add_variable("links", VarType::Uint(n - 1));
    let flipped = program.0.add_variable("flipped", VarType::Bool);
    (0..n).for_each(|i| program.gate(Gate::H, 0, &[2 * i]));
    for i in 0..n - 1 {
        program.gate(Gate::X, 1, &[2 * i, 2 * i + 1]);
        program.gate(Gate::X, 1, &[2 * i + 2, 2 * i + 1]);
        program.op(Op::MeasureVar { var: links, bit: i }, &[2 * i + 1], &[], &[]);
    }
    for i in 0..n - 1 {
        let (all, at, before) = (program.var(links), program.int(i.into()), program.var(flipped));
        let link = program.expr(Expr::Index { of: all, index: at });
        let parity = program.binary(Binary::BitXor, before, link);
        program.store(flipped, parity);
        let now = program.var(flipped);
        program.when(now, |inside| inside.gate(Gate::X, 0, &[2 * i + 2]));
    }
    (0..n).for_each(|i| program.measure(2 * i, i));
    let expected = [("00000", 0.5), ("11111", 0.5)];
    let expected = expected.map(|(outcome, p)| (outcome.parse().unwrap(), p)).into();
    let counted = counted(&program.0, 1000);
    assert!(counted.iter().any(|(method, _)| *method == Method::Stabilizer));
    counted.iter().for_each(|(_, counts)| assert_distributed(counts, &expected));
}

/// Rounds of the repetition code of three qubits; one flip before each round is found and undone.
#[test]
fn a_repetition_code_undoes_one_flip_a_round() {
    let mut program = Program::new(5, 4);
    let round = program.0.add_variable("round", VarType::Int(8));
    let syndrome = program.0.add_variable("syndrome", VarType::Uint(2));
    let errors = program.0.add_variable("errors", VarType::Uint(4));
    program.gate(Gate::X, 0, &[0]);
    program.gate(Gate::X, 1, &[0, 1]);
    program.gate(Gate::X, 1, &[0, 2]);
    let (at, found) = (program.var(round), program.var(syndrome));
    program.count(round, 0, 3, |inside| {
        // Round 3 has no error.
        for flipped in 0..3_u32 {
            let number = inside.int(flipped.into());
            let now = inside.binary(Binary::Equal, at, number);
            inside.when(now, |inside| inside.gate(Gate::X, 0, &[flipped]));
        }
        for (bit, data) in [(0, [0, 1]), (1, [1, 2])] {
            inside.op(Op::Reset, &[3 + bit], &[], &[]);
            data.iter().for_each(|data| inside.gate(Gate::X, 1, &[*data, 3 + bit]));
            inside.op(Op::MeasureVar { var: syndrome, bit }, &[3 + bit], &[], &[]);
        }
        let flips =
            [(0b01, 0), (0b11, 1), (0b10, 2)].map(|(value, qubit)| (inside.int(value), qubit));
        let place = inside.0.len();
        inside.op(Op::End, &[], &[], &[]);
        let cases = flips.map(|(value, qubit)| Case {
            values: vec![value],
            body: inside.block(|inside| inside.gate(Gate::X, 0, &[qubit])),
        });
        let switch = Switch { target: found, cases: cases.to_vec() };
        inside.0.set_op(place, Op::Switch(Box::new(switch)));
        let some = inside.expr(Expr::Cast(VarType::Bool, found));
        inside.op(Op::StoreBit { var: errors, index: at, value: some }, &[], &[], &[]);
    });
    (0..3).for_each(|i| program.measure(i, i));
    let seen = program.var(errors);
    let seen = program.expr(Expr::Unary(Unary::Popcount, seen));
    let three = program.int(3);
    let all_seen = program.binary(Binary::Equal, seen, three);
    program.op(Op::StoreClbits(all_seen), &[], &[3], &[]);
    let counted = counted(&program.0, 20);
    assert!(counted.iter().any(|(method, _)| *method == Method::Stabilizer));
    for (method, counts) in counted {
        assert_eq!(counts.get("1111"), 20, "{method}: {counts:?}");
    }
}

/// Writes and reads of elements and bits by an index that is measured.
#[test]
fn arrays_and_registers_are_indexed_by_what_was_measured() {
    let mut program = Program::new(2, 6);
    let index = program.0.add_variable("index", VarType::Uint(2));
    let first = program.0.add_variable("a[0]", VarType::Int(8));
    for i in 1..4 {
        program.0.add_variable(format!("a[{i}]"), VarType::Int(8));
    }
    for qubit in [0, 1] {
        program.gate(Gate::H, 0, &[qubit]);
        program.op(Op::MeasureVar { var: index, bit: qubit }, &[qubit], &[], &[]);
    }
    let (at, five, one) = (program.var(index), program.int(5), program.int(1));
    let element = StoreElement { first, size: 4, index: at, value: five };
    program.op(Op::StoreElement(Box::new(element)), &[], &[], &[]);
    // The element behind, around the end.
    let minus = program.int(-1);
    let from_end = program.binary(Binary::Mul, minus, at);
    let last = program.expr(Expr::Element { first, size: 4, index: minus });
    program.op(Op::StoreClbit { index: at, value: one }, &[], &[0, 1, 2, 3], &[]);
    let is_five = program.binary(Binary::Equal, last, five);
    program.op(Op::StoreClbits(is_five), &[], &[4], &[]);
    let mirrored = program.expr(Expr::Element { first, size: 4, index: from_end });
    let is_five = program.binary(Binary::Equal, mirrored, five);
    program.op(Op::StoreClbits(is_five), &[], &[5], &[]);
    let expected = ["100001", "000010", "100100", "011000"];
    let distribution = assert_all_distributed(&program.0, 2000);
    let found: Vec<String> = distribution.keys().map(ToString::to_string).collect();
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn what_has_no_value_is_an_error_of_the_run() {
    let one_of = |make: fn(&mut Program, ExprId) -> ExprId| {
        let mut program = Program::new(1, 1);
        let var = program.0.add_variable("n", VarType::Int(8));
        let zero = program.var(var);
        let value = make(&mut program, zero);
        program.op(Op::StoreClbits(value), &[], &[0], &[]);
        match simulate(&program.0, &options(), &Cancel::new()) {
            Err(Error::Evaluate { source, .. }) => source,
            other => panic!("expected an error, found {other:?}"),
        }
    };
    let by_zero = one_of(|program, zero| {
        let one = program.int(1);
        program.binary(Binary::Div, one, zero)
    });
    assert_eq!(by_zero, EvaluateError::DivisionByZero { operator: Binary::Div });
    let beyond = one_of(|program, zero| {
        let bits = program.expr(Expr::Clbits { start: 0, size: 1 });
        let one = program.int(1);
        let index = program.binary(Binary::Add, zero, one);
        program.expr(Expr::Index { of: bits, index })
    });
    assert!(matches!(beyond, EvaluateError::IndexOutOfRange { size: 1, .. }));
    let infinite = one_of(|program, zero| {
        let (one, none) = (program.real(1.0), program.expr(Expr::Cast(VarType::Float, zero)));
        program.binary(Binary::Div, one, none)
    });
    assert!(matches!(infinite, EvaluateError::NotFinite { .. }));
}

#[test]
fn every_method_leaves_a_loop_without_end_when_it_is_told() {
    let mut program = Program::new(2, 1);
    let forever = program.expr(Expr::Literal(Value::Bool(true)));
    program.repeat(forever, |inside| {
        inside.gate(Gate::H, 0, &[0]);
        inside.gate(Gate::X, 1, &[0, 1]);
        inside.measure(1, 0);
    });
    let mut methods = 0;
    for method in Method::ALL {
        if check(&program.0, method).is_err() {
            continue;
        }
        methods += 1;
        let cancel = Cancel::new();
        let options = Options { method, shots: 1000, ..options() };
        let outcome = std::thread::scope(|scope| {
            let running = scope.spawn(|| simulate(&program.0, &options, &cancel));
            cancel.cancel();
            running.join().unwrap()
        });
        assert!(matches!(outcome, Err(Error::Cancelled)), "{method}");
    }
    assert!(methods >= 5);
}

/// A random circuit of gates, measurements, stores and control flow on three qubits.
pub(crate) fn random(numbers: &[u32], clifford: bool) -> Circuit {
    let mut numbers = numbers.iter().copied();
    let mut program = Program::new(3, 3);
    let memory = program.0.add_variable("memory", VarType::Uint(3));
    let round = program.0.add_variable("round", VarType::Int(8));
    statements(&mut program, &mut numbers, &[memory, round], clifford, 0);
    (0..3).for_each(|i| program.measure(i, i));
    program.0
}

fn statements(
    program: &mut Program,
    numbers: &mut dyn Iterator<Item = u32>,
    vars: &[VarId; 2],
    clifford: bool,
    depth: u32,
) {
    let [memory, round] = *vars;
    for _ in 0..if depth == 0 { 8 } else { 3 } {
        let Some(number) = numbers.next() else { return };
        let (kind, a, b) = (number % 16, number / 16 % 3, number / 64 % 2);
        let other = (a + 1 + b) % 3;
        let (held, bits) = (program.var(memory), program.expr(Expr::Clbits { start: 0, size: 3 }));
        match kind {
            0..=2 => program.gate([Gate::H, Gate::S, Gate::X][kind as usize], 0, &[a]),
            3 | 4 => program.gate([Gate::X, Gate::Z][kind as usize - 3], 1, &[a, other]),
            5 if clifford => program.gate(Gate::Y, 0, &[a]),
            5 => {
                let scale = program.real(0.4);
                let angle = program.binary(Binary::Mul, scale, held);
                let ry = Op::Gate(GateOp::new(Gate::Ry, 0));
                program.op(ry, &[a], &[], &[Param::Expr(angle)]);
            }
            6 => program.measure(a, other),
            7 => program.op(Op::MeasureVar { var: memory, bit: a }, &[other], &[], &[]),
            8 => program.op(Op::Reset, &[a], &[], &[]),
            9 => {
                let operator = [Binary::Add, Binary::BitXor, Binary::RotateLeft][a as usize];
                let value = program.binary(operator, held, bits);
                program.store(memory, value);
            }
            10 => {
                let (index, one) = (program.int(a.into()), program.int(b.into()));
                program.op(Op::StoreClbit { index, value: one }, &[], &[2, 0, 1], &[]);
            }
            11 | 12 if depth < 2 => {
                let number = program.int((a + 2 * b).into());
                let relation = [Binary::Less, Binary::Equal, Binary::NotEqual][a as usize];
                let condition =
                    program.binary(relation, if kind == 11 { held } else { bits }, number);
                program.when(condition, |inside| {
                    statements(inside, numbers, vars, clifford, depth + 1);
                });
            }
            13 if depth < 1 => program.count(round, 0, (1 + b).into(), |inside| {
                statements(inside, numbers, vars, clifford, depth + 1);
            }),
            14 if depth < 1 => {
                // Until a coin shows 0: ends with probability 1.
                let forever = program.expr(Expr::Literal(Value::Bool(true)));
                let shown = program.expr(Expr::Clbit(Clbit(a)));
                let done = program.expr(Expr::Unary(Unary::Not, shown));
                program.repeat(forever, |inside| {
                    inside.op(Op::Reset, &[a], &[], &[]);
                    inside.gate(Gate::H, 0, &[a]);
                    inside.measure(a, a);
                    inside.when(done, |inside| inside.op(Op::Break, &[], &[], &[]));
                });
            }
            _ => program.gate(Gate::Swap, 0, &[a, other]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_circuits_are_distributed_as_the_reference_says(
        numbers in prop::collection::vec(any::<u32>(), 4..24),
        clifford: bool,
    ) {
        let circuit = random(&numbers, clifford);
        assert_all_distributed(&circuit, 600);
    }
}
