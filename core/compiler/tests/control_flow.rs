//! Circuits with measurements and control flow give the same distribution of the clbits.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{BASES, Dice, apply, both, compiled, maps, target};
use ketch_compiler::Options;
use ketch_interface::{
    BitString, Circuit, Complex64,
    circuit::{
        Clbit, Expr, For, ForValues, Gate, GateOp, Instruction, Op, Qubit, Scope, Switch, Value,
        VarType,
    },
};

/// The exact probability of each value of the clbits.
fn distribution(circuit: &Circuit) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut outcomes = Vec::new();
    loop {
        let mut run = Run::new(circuit, &outcomes);
        run.block(0..circuit.len());
        let (taken, probability) = (run.taken, run.probability);
        *found.entry(run.clbits.to_string()).or_insert(0.0) += probability;
        // The next sequence of outcomes, as a counter whose last digit runs fastest.
        outcomes = taken;
        while outcomes.last() == Some(&true) {
            outcomes.pop();
        }
        match outcomes.last_mut() {
            Some(last) => *last = true,
            None => return found.into_iter().filter(|(_, p)| *p > 1e-9).collect(),
        }
    }
}

/// One walk through the program, its outcomes given as far as they go, then 0 where there are two.
struct Run<'a> {
    circuit: &'a Circuit,
    state: Vec<Complex64>,
    clbits: BitString,
    variables: Vec<Value>,
    outcomes: &'a [bool],
    taken: Vec<bool>,
    probability: f64,
}

#[derive(PartialEq)]
enum Exit {
    Next,
    Break,
    Continue,
    End,
}

impl<'a> Run<'a> {
    fn new(circuit: &'a Circuit, outcomes: &'a [bool]) -> Self {
        let mut state = vec![Complex64::ZERO; 1 << circuit.n_qubits()];
        state[0] = Complex64::ONE;
        let variables = circuit.variables().iter().map(|v| Value::zero(v.ty)).collect();
        let clbits = BitString::zeros(circuit.n_clbits());
        Self { circuit, state, clbits, variables, outcomes, taken: vec![], probability: 1.0 }
    }

    fn value(&self, id: ketch_interface::circuit::ExprId) -> Value {
        let scope = Scope { clbits: &self.clbits, variables: &self.variables, bindings: &[] };
        self.circuit.evaluate(id, scope).unwrap()
    }

    fn measure(&mut self, qubit: u32) -> bool {
        let weight =
            |(i, a): (usize, &Complex64)| if i >> qubit & 1 == 1 { a.norm_sqr() } else { 0.0 };
        let one: f64 = self.state.iter().enumerate().map(weight).sum();
        let outcome = if !(1e-9..=1.0 - 1e-9).contains(&one) {
            one > 0.5
        } else {
            let outcome = self.outcomes.get(self.taken.len()).copied().unwrap_or(false);
            self.taken.push(outcome);
            outcome
        };
        let chance = if outcome { one } else { 1.0 - one };
        self.probability *= chance;
        for (i, amplitude) in self.state.iter_mut().enumerate() {
            let agrees = (i >> qubit & 1 == 1) == outcome;
            *amplitude = if agrees { *amplitude / chance.sqrt() } else { Complex64::ZERO };
        }
        outcome
    }

    fn block(&mut self, range: std::ops::Range<usize>) -> Exit {
        let mut at = range.start;
        while at < range.end {
            let exit = self.instruction(self.circuit.instruction(at));
            if exit != Exit::Next {
                return exit;
            }
            at = self.circuit.end_of(at);
        }
        Exit::Next
    }

    fn instruction(&mut self, instruction: Instruction<'_>) -> Exit {
        let range = |block| self.circuit.block_range(Some(block));
        let qubits: Vec<u32> = instruction.qubits.iter().map(|q| q.0).collect();
        match instruction.op {
            Op::Gate(op) => {
                let params: Vec<f64> =
                    instruction.params.iter().map(|p| p.as_number().unwrap()).collect();
                apply(&op.matrix(&params), &qubits, &mut self.state);
            }
            Op::Measure => {
                for (q, c) in qubits.iter().zip(instruction.clbits) {
                    let outcome = self.measure(*q);
                    self.clbits.set(c.0, outcome);
                }
            }
            Op::Reset => {
                for q in qubits {
                    if self.measure(q) {
                        apply(&Gate::X.matrix(&[]), &[q], &mut self.state);
                    }
                }
            }
            Op::If { condition, then, otherwise } => {
                let block = if self.value(*condition).is_true() { Some(*then) } else { *otherwise };
                if let Some(block) = block {
                    return self.block(range(block));
                }
            }
            Op::While { condition, body } => {
                let body = range(*body);
                while self.value(*condition).is_true() {
                    match self.block(body.clone()) {
                        Exit::Break => break,
                        Exit::End => return Exit::End,
                        Exit::Next | Exit::Continue => {}
                    }
                }
            }
            Op::For(each) => {
                let ForValues::List(values) = &each.values else { panic!("ranges are not used") };
                for value in values {
                    self.variables[each.var.0 as usize] = self.value(*value);
                    match self.block(range(each.body)) {
                        Exit::Break => break,
                        Exit::End => return Exit::End,
                        Exit::Next | Exit::Continue => {}
                    }
                }
            }
            Op::Switch(switch) => {
                let target = self.value(switch.target);
                let fits = |id| self.value(id) == target;
                let case = switch
                    .cases
                    .iter()
                    .find(|case| case.values.is_empty() || case.values.iter().any(|&id| fits(id)));
                if let Some(case) = case {
                    return self.block(range(case.body));
                }
            }
            Op::Break => return Exit::Break,
            Op::Continue => return Exit::Continue,
            Op::End => return Exit::End,
            Op::Barrier => {}
            op => panic!("{} is not simulated here", op.name()),
        }
        Exit::Next
    }
}

fn assert_same_distribution(circuit: &Circuit, target: &ketch_compiler::Target, seed: u64) {
    let mut options = Options::default();
    options.seed = seed;
    let result = compiled(circuit, target, &options);
    let (expected, found) = (distribution(circuit), distribution(&result.circuit));
    let near = expected.len() == found.len()
        && expected.iter().zip(&found).all(|((a, p), (b, q))| a == b && (p - q).abs() < 1e-7);
    assert!(near, "{expected:?}\n{found:?}\n{circuit:?}\n{:?}", result.circuit);
}

fn gate(circuit: &mut Circuit, gate: Gate, controls: u16, qubits: &[u32]) {
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    circuit.push(Op::Gate(GateOp::new(gate, controls)), &qubits, &[], &[]).unwrap();
}

#[test]
fn teleportation_corrects_by_what_was_measured() {
    let mut circuit = Circuit::new(5, 0);
    ["a", "b", "out"].iter().for_each(|name| {
        circuit.add_creg(*name, 1);
    });
    // From qubit 0 to qubit 4 by way of 2: neighbours nowhere on a line.
    let circuit = circuit
        .u(0.7, 0.3, 0.1, 0)
        .h(2)
        .cx(2, 4)
        .cx(0, 2)
        .h(0)
        .measure(0, 0)
        .measure(2, 1)
        .if_equal(1, 1, |c| c.cx(3, 1).x(4))
        .if_equal(0, 1, |c| c.z(4))
        .u(-0.7, -0.1, -0.3, 4)
        .measure(4, 2);
    for (_, n, map) in maps() {
        for basis in BASES {
            assert_same_distribution(&circuit, &target(n, basis, Some(map.clone())), 1);
        }
    }
    let all = distribution(&circuit);
    assert!(all.keys().all(|key| key.starts_with('0')), "qubit 4 ends in 0: {all:?}");
}

/// Random gates, measurements and nested control flow.
fn fill(circuit: &mut Circuit, dice: &mut Dice, depth: usize, in_loop: bool, measured: &mut u32) {
    for _ in 0..2 + dice.below(5) {
        match dice.below(if depth == 0 { 6 } else { 10 }) {
            0..=3 => {
                let pair = dice.distinct(2, circuit.n_qubits());
                circuit.push(Op::Gate(GateOp::new(Gate::X, 1)), &pair, &[], &[]).unwrap();
            }
            4 => {
                let q = dice.below(circuit.n_qubits() as usize) as u32;
                gate(circuit, Gate::H, 0, &[q]);
            }
            5 if *measured < 4 => {
                *measured += 1;
                let q = dice.distinct(1, circuit.n_qubits());
                let c = Clbit(dice.below(3) as u32);
                circuit.push(Op::Measure, &q, &[c], &[]).unwrap();
            }
            5 => {}
            6 | 7 => {
                let condition = circuit.add_expr(Expr::Clbit(Clbit(dice.below(3) as u32)));
                let place = circuit.len();
                circuit.push_unchecked(Op::End, &[], &[], &[]);
                let mut branch = |circuit: &mut Circuit, jump: usize| {
                    circuit.push_block(|c| {
                        fill(c, dice, depth - 1, in_loop, measured);
                        match jump {
                            0 if in_loop => c.push_unchecked(Op::Break, &[], &[], &[]),
                            1 if in_loop => c.push_unchecked(Op::Continue, &[], &[], &[]),
                            2 => c.push_unchecked(Op::End, &[], &[], &[]),
                            _ => {}
                        }
                    })
                };
                let then = branch(circuit, place % 5);
                let otherwise = place.is_multiple_of(2).then(|| branch(circuit, 4));
                circuit.set_op(place, Op::If { condition, then, otherwise });
            }
            8 => {
                let var = circuit.add_variable(format!("i{}", circuit.len()), VarType::Int(8));
                let values = (0..2).map(|i| circuit.add_expr(Expr::Literal(Value::Int(i))));
                let values = ForValues::List(values.collect());
                let place = circuit.len();
                circuit.push_unchecked(Op::End, &[], &[], &[]);
                let body = circuit.push_block(|c| fill(c, dice, depth - 1, true, measured));
                circuit.set_op(place, Op::For(Box::new(For { var, values, body })));
            }
            _ => {
                let target = circuit.add_expr(Expr::Clbits { start: 0, size: 2 });
                let two = Value::Uint(BitString::from_u64(2, 2));
                let two = circuit.add_expr(Expr::Literal(two));
                let place = circuit.len();
                circuit.push_unchecked(Op::End, &[], &[], &[]);
                let cases = [vec![two], vec![]].map(|values| {
                    let body = circuit.push_block(|c| fill(c, dice, depth - 1, in_loop, measured));
                    ketch_interface::circuit::Case { values, body }
                });
                let switch = Switch { target, cases: cases.into() };
                circuit.set_op(place, Op::Switch(Box::new(switch)));
            }
        }
    }
}

#[test]
fn random_programs_keep_their_distribution() {
    for round in 0..100 {
        let mut dice = Dice(round);
        let mut circuit = Circuit::new(4, 3);
        fill(&mut circuit, &mut dice, 2, false, &mut 0);
        let circuit = circuit.measure(0, 0).measure(2, 1).measure(3, 2);
        let maps = maps();
        let (_, n, map) = &maps[round as usize % maps.len()];
        let basis = BASES[round as usize % 4];
        assert_same_distribution(&circuit, &target(*n, basis, Some(map.clone())), round);
    }
}

#[test]
fn a_loop_until_success_is_left_with_every_qubit_in_its_place() {
    let mut circuit = Circuit::new(5, 4).x(3).x(0);
    let always = circuit.add_expr(Expr::Literal(Value::Bool(true)));
    let done = circuit.add_expr(Expr::Clbit(Clbit(0)));
    let place = circuit.len();
    circuit.push_unchecked(Op::End, &[], &[], &[]);
    let body = circuit.push_block(|c| {
        gate(c, Gate::X, 1, &[0, 4]);
        gate(c, Gate::X, 1, &[4, 2]);
        c.push_unchecked(Op::Measure, &[Qubit(2)], &[Clbit(0)], &[]);
        c.push_if(
            done,
            |c| {
                gate(c, Gate::X, 1, &[0, 3]);
                gate(c, Gate::X, 1, &[3, 1]);
                c.push_unchecked(Op::Break, &[], &[], &[]);
            },
            None,
        );
        gate(c, Gate::X, 1, &[1, 4]);
        gate(c, Gate::X, 0, &[0]);
    });
    circuit.set_op(place, Op::While { condition: always, body });
    let circuit = circuit.measure(0, 1).measure(3, 2).measure(4, 3);
    for (_, n, map) in maps() {
        for seed in 0..5 {
            assert_same_distribution(&circuit, &target(n, BASES[1], Some(map.clone())), seed);
        }
    }
}

#[test]
fn states_are_prepared_whatever_was_there() {
    let r = 0.5;
    let amplitudes = vec![
        Complex64::new(r, 0.0),
        Complex64::new(0.0, r),
        Complex64::new(-r, 0.0),
        Complex64::new(0.3, 0.4),
    ];
    let line = both(&[(0, 1), (1, 2), (2, 3)]);
    let device = target(4, BASES[0], Some(line));
    let circuit = Circuit::new(4, 4)
        .x(0)
        .x(3)
        .initialize(amplitudes.clone(), &[3, 0])
        .measure(0, 0)
        .h(3)
        .measure(3, 1);
    let result = compiled(&circuit, &device, &Options::default());
    // By hand: the state of qubits 3 (low) and 0 (high), H on qubit 3.
    let mut state = amplitudes;
    apply(&Gate::H.matrix(&[]), &[0], &mut state);
    let found = distribution(&result.circuit);
    for (i, amplitude) in state.iter().enumerate() {
        let key = format!("00{}{}", i & 1, i >> 1);
        let probability = found.get(&key).copied().unwrap_or(0.0);
        assert!((probability - amplitude.norm_sqr()).abs() < 1e-9, "{key} {found:?}");
    }
}
