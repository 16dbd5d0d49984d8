//! Circuits made of random numbers: every gate of the table and every operation.

use ketch_interface::circuit::{
    Binary, BlockId, Case, Clbit, ControlState, Expr, ExprId, For, ForValues, GATES, GateOp,
    Initialize, Labelled, Op, Param, ParamId, PauliTerm, Qubit, Save, SaveKind, SaveSubtype,
    SetState, Snapshot, StoreElement, Switch, TimeUnit, Unary, Value, VarId, VarType,
};
use ketch_interface::{BitString, Circuit, Complex64, Matrix};

/// Numbers that decide what is made; zeros when they are used up, so that shorter tapes make
/// simpler circuits.
pub(crate) struct Tape<'t> {
    pub(crate) rest: &'t [u64],
    /// Operations of every kind; else only what a Qobj document can express, in the words that it
    /// is read with.
    pub(crate) all: bool,
}

impl Tape<'_> {
    fn next(&mut self) -> u64 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end.max(1))) as u32
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize].clone()
    }

    fn real(&mut self) -> f64 {
        let number = f64::from_bits(self.next());
        if number.is_nan() || !(self.all || number.is_finite()) { 0.1 } else { number }
    }

    fn complex(&mut self) -> Complex64 {
        Complex64::new(self.real(), self.real())
    }

    fn matrix(&mut self, n_qubits: usize) -> Matrix {
        let dim = 1 << n_qubits;
        Matrix::new(dim, (0..dim * dim).map(|_| self.complex()).collect()).unwrap()
    }

    fn text(&mut self) -> String {
        self.pick(&["", "label", "ψ \"quoted\"\n"]).to_owned()
    }

    fn qubits(&mut self, circuit: &Circuit, n: usize) -> Vec<Qubit> {
        let mut all: Vec<Qubit> = (0..circuit.n_qubits()).map(Qubit).collect();
        (0..n).map(|_| all.remove(self.below(all.len() as u32) as usize)).collect()
    }

    fn expr(&mut self, circuit: &Circuit) -> ExprId {
        ExprId(self.below(circuit.expressions().len() as u32))
    }

    fn terms(&mut self) -> Vec<PauliTerm> {
        let n_terms = self.below(3);
        let term = |tape: &mut Self| PauliTerm {
            pauli: tape.pick(&["X", "Z"]).to_owned(),
            coefficient: if tape.all { tape.complex() } else { tape.real().into() },
        };
        (0..n_terms).map(|_| term(self)).collect()
    }
}

/// A valid circuit.
pub(crate) fn circuit(tape: &mut Tape<'_>) -> Circuit {
    let mut circuit = Circuit::default().named(tape.text());
    circuit.add_qreg("q", 1 + tape.below(3));
    circuit.add_qreg("r", 1 + tape.below(3));
    circuit.add_creg("c", 1 + tape.below(3));
    circuit.add_creg("m", 1 + tape.below(70));
    if tape.all {
        circuit.global_phase = tape.real();
        let width = 1 + tape.below(100);
        for ty in [VarType::Bool, VarType::Uint(width), VarType::Int(7), VarType::Float] {
            circuit.add_variable(format!("v{width}"), ty);
        }
        circuit.parameter("a");
        circuit.parameter("b");
        for _ in 0..=tape.below(12) {
            expression(tape, &mut circuit);
        }
    }
    let n_instructions = tape.below(25);
    for _ in 0..n_instructions {
        instruction(tape, &mut circuit, 0);
    }
    circuit.validate().unwrap();
    circuit
}

const UNARY: [Unary; 6] =
    [Unary::Negate, Unary::Sin, Unary::Abs, Unary::Floor, Unary::Ceiling, Unary::Popcount];

const BINARY: [Binary; 5] =
    [Binary::Add, Binary::GreaterEqual, Binary::Shr, Binary::RotateLeft, Binary::RotateRight];

fn expression(tape: &mut Tape<'_>, circuit: &mut Circuit) {
    let n_exprs = circuit.expressions().len() as u32;
    let kind = tape.below(if n_exprs == 0 { 8 } else { 13 });
    let id = ExprId(tape.below(n_exprs));
    let other = ExprId(tape.below(n_exprs));
    let width = tape.below(130);
    circuit.add_expr(match kind {
        0 => Expr::Literal(Value::Float(tape.real())),
        1 => Expr::Literal(Value::Bool(tape.below(2) == 1)),
        2 => Expr::Literal(Value::Int(tape.next() as i64)),
        3 => Expr::Literal(Value::Uint(BitString::from_words(width, &[tape.next(), tape.next()]))),
        4 => Expr::Parameter(ParamId(tape.below(2))),
        5 => Expr::Clbit(Clbit(tape.below(circuit.n_clbits()))),
        6 => Expr::Clbits { start: 0, size: tape.below(circuit.n_clbits()) },
        7 => Expr::Var(VarId(tape.below(4))),
        8 => Expr::Unary(tape.pick(&UNARY), id),
        9 => Expr::Binary(tape.pick(&BINARY), id, other),
        11 => Expr::Index { of: id, index: other },
        12 => Expr::Element { first: VarId(tape.below(2)), size: 2, index: id },
        _ => Expr::Cast(tape.pick(&[VarType::Bool, VarType::Uint(3), VarType::Float]), id),
    });
}

/// Appends one instruction and what is inside it.
fn instruction(tape: &mut Tape<'_>, circuit: &mut Circuit, depth: u32) {
    let n_kinds = if tape.all { 28 } else { 21 };
    match tape.below(n_kinds) {
        0..=5 => gate(tape, circuit),
        kind @ 6..=19 => other(tape, circuit, kind),
        20 if !tape.all => document_if(tape, circuit, depth),
        20..=26 if depth < 3 && circuit.len() < 60 => control_flow(tape, circuit, depth),
        _ => circuit.push(tape.pick(&[Op::Break, Op::Continue, Op::End]), &[], &[], &[]).unwrap(),
    }
}

fn gate(tape: &mut Tape<'_>, circuit: &mut Circuit) {
    let info = tape.pick(&GATES.iter().collect::<Vec<_>>());
    let Some(free) = circuit.n_qubits().checked_sub(info.n_qubits) else { return };
    let controls = tape.below(free + 1) as u16;
    let state = ControlState::new(controls, tape.next() & ((1 << controls) - 1)).unwrap();
    let op = GateOp { gate: info.gate, controls, state };
    let qubits = tape.qubits(circuit, op.n_qubits());
    let params: Vec<Param> = (0..info.n_params)
        .map(|_| match tape.all && tape.below(3) == 0 {
            true => Param::Expr(tape.expr(circuit)),
            false => Param::Number(tape.real()),
        })
        .collect();
    circuit.push(Op::Gate(op), &qubits, &[], &params).unwrap();
}

fn other(tape: &mut Tape<'_>, circuit: &mut Circuit, kind: u32) {
    let n = 1 + tape.below(2) as usize;
    let mut params = Vec::new();
    let mut clbits = Vec::new();
    let mut qubits = tape.qubits(circuit, n);
    let states = |tape: &mut Tape<'_>| vec![BitString::from_u64(n as u32, tape.next()); 2];
    let op = match kind {
        6 => {
            clbits = (0..n as u32).map(Clbit).collect();
            clbits.truncate(circuit.n_clbits() as usize);
            qubits.truncate(clbits.len());
            Op::Measure
        }
        7 => {
            qubits.truncate(1);
            Op::Reset
        }
        8 => Op::Barrier,
        9 => {
            params.push(Param::Number(tape.real()));
            Op::Delay(tape.pick(&[TimeUnit::Tick, TimeUnit::Nanosecond, TimeUnit::Second]))
        }
        10 => {
            let label = (tape.below(2) == 1).then(|| tape.text());
            Op::Unitary(Box::new(Labelled { label, value: tape.matrix(n) }))
        }
        11 => Op::Diagonal((0..1 << n).map(|_| tape.complex()).collect()),
        12 => {
            qubits = tape.qubits(circuit, 2);
            Op::Multiplexer([tape.matrix(1), tape.matrix(1)].into())
        }
        13 => Op::Pauli("XZ"[..n].into()),
        14 => match tape.below(2) {
            0 => Op::Initialize(Box::new(Initialize::Labels("+1"[..n].to_owned()))),
            _ => {
                let mut amplitudes = vec![Complex64::ZERO; 1 << n];
                amplitudes[0] = Complex64::I;
                Op::Initialize(Box::new(Initialize::Amplitudes(amplitudes)))
            }
        },
        15 => match tape.below(2) {
            0 => Op::Kraus([tape.matrix(n), tape.matrix(n)].into()),
            _ => Op::Superop(Box::new(tape.matrix(2 * n))),
        },
        16 => {
            clbits = vec![Clbit(0)];
            Op::ReadoutError([vec![tape.real(), tape.real()], vec![0.25, 0.75]].into())
        }
        17 => {
            let kind = match tape.below(15) {
                0 => SaveKind::State,
                1 => SaveKind::Statevector,
                2 => SaveKind::StatevectorDict,
                3 => SaveKind::DensityMatrix,
                4 => SaveKind::Probabilities,
                5 => SaveKind::ProbabilitiesDict,
                6 => SaveKind::ExpectationValue(tape.terms()),
                7 => SaveKind::ExpectationValueVariance(tape.terms()),
                8 => SaveKind::Amplitudes(states(tape)),
                9 => SaveKind::AmplitudesSquared(states(tape)),
                10 => SaveKind::MatrixProductState,
                11 => SaveKind::Stabilizer,
                12 => SaveKind::Clifford,
                13 => SaveKind::Unitary,
                _ => SaveKind::Superop,
            };
            let subtype = tape.pick(&[SaveSubtype::Single, SaveSubtype::CAverage]);
            Op::Save(Box::new(Save { kind, key: tape.text(), subtype }))
        }
        18 => {
            let kind = "expectation_value_pauli".to_owned();
            Op::Snapshot(Box::new(Snapshot { kind, label: tape.text(), paulis: tape.terms() }))
        }
        _ => match tape.below(5) {
            0 => Op::SetState(Box::new(SetState::Statevector(vec![tape.complex(); 1 << n]))),
            1 => Op::SetState(Box::new(SetState::DensityMatrix(tape.matrix(n)))),
            2 => Op::SetState(Box::new(SetState::Unitary(tape.matrix(n)))),
            3 => Op::SetState(Box::new(SetState::Superop(tape.matrix(2 * n)))),
            _ => {
                params = vec![Param::Number(tape.real()); tape.below(3) as usize];
                Op::Opaque("wait".into())
            }
        },
    };
    circuit.push(op, &qubits, &clbits, &params).unwrap();
}

/// An `If` such as documents have: a register's value, and no other `If` inside.
fn document_if(tape: &mut Tape<'_>, circuit: &mut Circuit, depth: u32) {
    if depth > 0 {
        return;
    }
    let register = tape.pick(circuit.cregs());
    let width = register.size.min(60);
    let value = tape.next() & ((1 << width) - 1);
    let condition = circuit.register_equals(register.start, register.size, value);
    let block = circuit.open_if(condition);
    gate(tape, circuit);
    // A block without instructions is not written, and one of several is read as several.
    if circuit.block_range(Some(block)).start == circuit.len() {
        circuit.push(Op::Reset, &[Qubit(0)], &[], &[]).unwrap();
    }
    circuit.close_block(block);
}

fn control_flow(tape: &mut Tape<'_>, circuit: &mut Circuit, depth: u32) {
    let place = circuit.len();
    let expr = tape.expr(circuit);
    let (var, bit) = (VarId(tape.below(4)), tape.below(5));
    let kind = tape.below(10);
    if !(3..7).contains(&kind) {
        let bits = VarId(var.0 % 3);
        let (op, n_qubits, clbits) = match kind {
            7 => (Op::StoreBit { var: bits, index: expr, value: expr }, 0, vec![]),
            8 => (Op::StoreClbit { index: expr, value: expr }, 0, vec![Clbit(0)]),
            9 => {
                let element = StoreElement { first: bits, size: 2, index: expr, value: expr };
                (Op::StoreElement(Box::new(element)), 0, vec![])
            }
            0 => (Op::MeasureVar { var, bit }, 1, vec![]),
            1 => (Op::Store { var, value: expr }, 0, vec![]),
            _ => (Op::StoreClbits(expr), 0, vec![Clbit(0)]),
        };
        let qubits = tape.qubits(circuit, n_qubits);
        return circuit.push(op, &qubits, &clbits, &[]).unwrap();
    }
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let mut fill = |circuit: &mut Circuit| -> BlockId {
        circuit.push_block(|circuit| {
            for _ in 0..tape.below(3) {
                instruction(tape, circuit, depth + 1);
            }
        })
    };
    let first = fill(circuit);
    let op = match kind {
        3 => Op::If { condition: expr, then: first, otherwise: Some(fill(circuit)) },
        4 => Op::While { condition: expr, body: first },
        5 => {
            let values = match bit {
                0 | 1 => ForValues::Range { start: expr, step: expr, stop: ExprId(0) },
                _ => ForValues::List(vec![expr, ExprId(0)]),
            };
            Op::For(Box::new(For { var, values, body: first }))
        }
        _ => {
            let cases = vec![
                Case { values: vec![expr], body: first },
                Case { values: vec![], body: fill(circuit) },
            ];
            Op::Switch(Box::new(Switch { target: expr, cases }))
        }
    };
    circuit.set_op(place, op);
}
