//! Building circuits: by chaining methods, or by pushing instructions.

use std::sync::Arc;

use super::{
    BlockId, Circuit, Clbit, ControlState, Expr, ExprId, Gate, GateOp, Op, Param, ParamId, Qubit,
    Record, Register, VarId, VarType, Variable,
    operation::{Initialize, Labelled, TimeUnit},
    validate::CircuitError,
};
use crate::Matrix;

/// What a builder method takes as a parameter: a number, or the name of a parameter to be bound
/// later.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamArg {
    /// A number.
    Number(f64),
    /// A name.
    Named(String),
}

impl From<f64> for ParamArg {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for ParamArg {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// A state of a circuit that is being built; see [`Circuit::mark`].
#[derive(Clone, Debug)]
pub struct Mark {
    n_qubits: u32,
    n_clbits: u32,
    global_phase: f64,
    lengths: [usize; 10],
}

/// Instruction by instruction.
impl Circuit {
    /// Adds qubits as a register and returns the first one's number.
    ///
    /// # Panics
    /// If there would be 2³² qubits.
    pub fn add_qreg(&mut self, name: impl Into<String>, size: u32) -> Qubit {
        let start = self.n_qubits;
        self.n_qubits = start.checked_add(size).expect("fewer than 2^32 qubits");
        Arc::make_mut(&mut self.qregs).push(Register::new(name, start, size));
        Qubit(start)
    }

    /// Adds clbits as a register and returns the first one's number.
    ///
    /// # Panics
    /// If there would be 2³² clbits.
    pub fn add_creg(&mut self, name: impl Into<String>, size: u32) -> Clbit {
        let start = self.n_clbits;
        self.n_clbits = start.checked_add(size).expect("fewer than 2^32 clbits");
        Arc::make_mut(&mut self.cregs).push(Register::new(name, start, size));
        Clbit(start)
    }

    /// Adds a variable.
    pub fn add_variable(&mut self, name: impl Into<String>, ty: VarType) -> VarId {
        self.variables.push(Variable { name: name.into(), ty });
        VarId(self.variables.len() as u32 - 1)
    }

    /// The parameter of this name, added if it is new.
    pub fn parameter(&mut self, name: &str) -> ParamId {
        let place = self.parameters.place(name).unwrap_or_else(|| {
            self.parameters.push(name);
            self.parameters.len() - 1
        });
        ParamId(place as u32)
    }

    /// Adds a node to the expression arena. It may name only nodes that are there already.
    pub fn add_expr(&mut self, expr: Expr) -> ExprId {
        self.exprs.push(expr);
        ExprId(self.exprs.len() as u32 - 1)
    }

    /// Appends an instruction after checking it: operand counts, ranges, repeated qubits, the shape
    /// of matrices.
    ///
    /// # Errors
    /// What is wrong, naming the instruction; the circuit is unchanged then.
    pub fn push(
        &mut self,
        op: Op,
        qubits: &[Qubit],
        clbits: &[Clbit],
        params: &[Param],
    ) -> Result<(), CircuitError> {
        self.check(&op, qubits, clbits, params)?;
        self.push_unchecked(op, qubits, clbits, params);
        Ok(())
    }

    /// Appends an instruction that the caller has checked, as a parser has: the fast way.
    ///
    /// A wrong instruction is found by [`validate`](Self::validate), and by every codec and engine.
    pub fn push_unchecked(&mut self, op: Op, qubits: &[Qubit], clbits: &[Clbit], params: &[Param]) {
        self.records.push(Record {
            op,
            qubits: self.qubits.len() as u32,
            clbits: self.clbits.len() as u32,
            params: self.params.len() as u32,
        });
        self.qubits.extend_from_slice(qubits);
        self.clbits.extend_from_slice(clbits);
        self.params.extend_from_slice(params);
    }

    /// Appends an `If` and runs `then` to fill its block, and `otherwise` to fill the other.
    pub fn push_if(
        &mut self,
        condition: ExprId,
        then: impl FnOnce(&mut Self),
        otherwise: Option<&mut dyn FnMut(&mut Self)>,
    ) {
        let place = self.len();
        self.push_unchecked(Op::End, &[], &[], &[]);
        let then = self.push_block(then);
        let otherwise = otherwise.map(|fill| self.push_block(fill));
        self.records[place].op = Op::If { condition, then, otherwise };
    }

    /// Opens an `If` without an else branch; what is pushed until [`close_block`](Self::close_block)
    /// is its block. For parsers, which cannot nest closures.
    pub fn open_if(&mut self, condition: ExprId) -> BlockId {
        let place = self.len() as u32;
        self.blocks.push(place + 1..place + 1);
        let block = BlockId::new(self.blocks.len() as u32).expect("a block was just pushed");
        let op = Op::If { condition, then: block, otherwise: None };
        self.push_unchecked(op, &[], &[], &[]);
        block
    }

    /// Opens a block; what is pushed until [`close_block`](Self::close_block) is in it. The
    /// instruction that names it must stand right before it, or before the blocks that it names
    /// first.
    pub fn open_block(&mut self) -> BlockId {
        let start = self.records.len() as u32;
        self.blocks.push(start..start);
        BlockId::new(self.blocks.len() as u32).expect("a block was just pushed")
    }

    /// Where the circuit's arrays end now, to go back to.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            n_qubits: self.n_qubits,
            n_clbits: self.n_clbits,
            global_phase: self.global_phase,
            lengths: [
                self.qregs.len(),
                self.cregs.len(),
                self.variables.len(),
                self.parameters.len(),
                self.records.len(),
                self.qubits.len(),
                self.clbits.len(),
                self.params.len(),
                self.blocks.len(),
                self.exprs.len(),
            ],
        }
    }

    /// Takes back all that was added since a mark. Blocks that were open then must still be.
    pub fn rewind(&mut self, mark: &Mark) {
        let [qregs, cregs, variables, parameters, records, qubits, clbits, params, blocks, exprs] =
            mark.lengths;
        self.n_qubits = mark.n_qubits;
        self.n_clbits = mark.n_clbits;
        self.global_phase = mark.global_phase;
        for (registers, length) in [(&mut self.qregs, qregs), (&mut self.cregs, cregs)] {
            if registers.len() > length {
                Arc::make_mut(registers).truncate(length);
            }
        }
        self.variables.truncate(variables);
        self.parameters.truncate(parameters);
        self.records.truncate(records);
        self.qubits.truncate(qubits);
        self.clbits.truncate(clbits);
        self.params.truncate(params);
        self.blocks.truncate(blocks);
        self.exprs.truncate(exprs);
    }

    /// Ends a block that was opened: it holds all that was pushed since.
    pub fn close_block(&mut self, block: BlockId) {
        self.blocks[block.index() - 1].end = self.records.len() as u32;
    }

    /// Runs `fill`; what it pushes becomes a block. The instruction that names the block must stand
    /// right before it.
    pub fn push_block(&mut self, fill: impl FnOnce(&mut Self)) -> BlockId {
        let start = self.records.len() as u32;
        self.blocks.push(start..start);
        let block = BlockId::new(self.blocks.len() as u32).expect("a block was just pushed");
        fill(self);
        self.close_block(block);
        block
    }

    /// Replaces the operation at a place; for control flow whose blocks were pushed after it.
    pub fn set_op(&mut self, index: usize, op: Op) {
        self.records[index].op = op;
    }

    fn then(mut self, op: Op, qubits: &[u32], clbits: &[u32], params: &[ParamArg]) -> Self {
        let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
        let clbits: Vec<Clbit> = clbits.iter().copied().map(Clbit).collect();
        let params: Vec<Param> = params
            .iter()
            .map(|param| match param {
                ParamArg::Number(number) => Param::Number(*number),
                ParamArg::Named(name) => {
                    let id = self.parameter(name);
                    Param::Expr(self.add_expr(Expr::Parameter(id)))
                }
            })
            .collect();
        if let Err(error) = self.push(op, &qubits, &clbits, &params) {
            panic!("{error}");
        }
        self
    }
}

macro_rules! gate_methods {
    ($($(#[$doc:meta])* $name:ident($($qubit:ident),*; $($param:ident),*) = $gate:ident, $controls:literal;)*) => {
        /// Chained building. Angles are in radians; a parameter is a number, or the name of one that is
        /// bound later.
        ///
        /// # Panics
        /// Each method panics if a qubit or clbit is not in the circuit, or stands twice.
        impl Circuit {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(self, $($param: impl Into<ParamArg>,)* $($qubit: u32),*) -> Self {
                let op = Op::Gate(GateOp::new(Gate::$gate, $controls));
                self.then(op, &[$($qubit),*], &[], &[$($param.into()),*])
            })*
        }
    };
}

gate_methods! {
    /// Does nothing to the qubit, for the length of a gate.
    id(q;) = Id, 0;
    /// Pauli X: exchanges |0> and |1>.
    x(q;) = X, 0;
    /// Pauli Y.
    y(q;) = Y, 0;
    /// Pauli Z.
    z(q;) = Z, 0;
    /// Hadamard.
    h(q;) = H, 0;
    /// The square root of Z.
    s(q;) = S, 0;
    /// The inverse of `s`.
    sdg(q;) = Sdg, 0;
    /// The square root of `s`.
    t(q;) = T, 0;
    /// The inverse of `t`.
    tdg(q;) = Tdg, 0;
    /// The square root of X.
    sx(q;) = Sx, 0;
    /// The inverse of `sx`.
    sxdg(q;) = Sxdg, 0;
    /// Multiplies |1> by exp(iθ).
    p(q; theta) = P, 0;
    /// Any rotation, by Euler angles; Qiskit's `u`.
    u(q; theta, phi, lambda) = U, 0;
    /// exp(-iθ/2 (cos φ X + sin φ Y)).
    r(q; theta, phi) = R, 0;
    /// exp(-iθX/2).
    rx(q; theta) = Rx, 0;
    /// exp(-iθY/2).
    ry(q; theta) = Ry, 0;
    /// exp(-iθZ/2).
    rz(q; theta) = Rz, 0;
    /// Exchanges two qubits.
    swap(a, b;) = Swap, 0;
    /// Exchanges two qubits, with a factor i where they differ.
    iswap(a, b;) = Iswap, 0;
    /// `cx` from `a` to `b`, then from `b` to `a`.
    dcx(a, b;) = Dcx, 0;
    /// Echoed cross-resonance.
    ecr(a, b;) = Ecr, 0;
    /// exp(-iθXX/2).
    rxx(a, b; theta) = Rxx, 0;
    /// exp(-iθYY/2).
    ryy(a, b; theta) = Ryy, 0;
    /// exp(-iθZZ/2).
    rzz(a, b; theta) = Rzz, 0;
    /// exp(-iθ/2 Z⊗X), Z on `a`, X on `b`.
    rzx(a, b; theta) = Rzx, 0;
    /// Controlled X.
    cx(control, target;) = X, 1;
    /// Controlled Y.
    cy(control, target;) = Y, 1;
    /// Controlled Z.
    cz(control, target;) = Z, 1;
    /// Controlled Hadamard.
    ch(control, target;) = H, 1;
    /// Controlled `s`.
    cs(control, target;) = S, 1;
    /// Controlled inverse of `s`.
    csdg(control, target;) = Sdg, 1;
    /// Controlled `sx`.
    csx(control, target;) = Sx, 1;
    /// Controlled `p`.
    cp(control, target; theta) = P, 1;
    /// Controlled `rx`.
    crx(control, target; theta) = Rx, 1;
    /// Controlled `ry`.
    cry(control, target; theta) = Ry, 1;
    /// Controlled `rz`.
    crz(control, target; theta) = Rz, 1;
    /// Controlled `u` times exp(iγ).
    cu(control, target; theta, phi, lambda, gamma) = PhasedU, 1;
    /// Controlled exchange.
    cswap(control, a, b;) = Swap, 1;
    /// X with two controls.
    ccx(control1, control2, target;) = X, 2;
    /// Z with two controls.
    ccz(control1, control2, target;) = Z, 2;
}

/// Chained building, beyond fixed gates; panics as the gates do.
impl Circuit {
    /// Names the circuit.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// A gate of the table with any number of controls, which come first in `qubits`.
    #[must_use]
    pub fn gate(self, gate: Gate, controls: u16, params: &[f64], qubits: &[u32]) -> Self {
        let params: Vec<ParamArg> = params.iter().map(|&number| number.into()).collect();
        self.then(Op::Gate(GateOp::new(gate, controls)), qubits, &[], &params)
    }

    /// X with the given controls.
    #[must_use]
    pub fn mcx(self, controls: &[u32], target: u32) -> Self {
        let n_controls = u16::try_from(controls.len()).expect("fewer than 2^16 controls");
        self.gate(Gate::X, n_controls, &[], &[controls, &[target]].concat())
    }

    /// A gate that acts where the controls hold the bits of `state`, bit 0 for the first control.
    #[must_use]
    pub fn controlled(
        self,
        gate: Gate,
        state: u64,
        params: &[f64],
        controls: &[u32],
        targets: &[u32],
    ) -> Self {
        let n_controls = u16::try_from(controls.len()).expect("fewer than 2^16 controls");
        let state = ControlState::new(n_controls, state).expect("a pattern for these controls");
        let params: Vec<ParamArg> = params.iter().map(|&number| number.into()).collect();
        let op = Op::Gate(GateOp { gate, controls: n_controls, state });
        self.then(op, &[controls, targets].concat(), &[], &params)
    }

    /// A unitary by its matrix; the first qubit is the least significant bit of its indices.
    #[must_use]
    pub fn unitary(self, matrix: Matrix, qubits: &[u32]) -> Self {
        let unitary = Labelled { label: None, value: matrix };
        self.then(Op::Unitary(Box::new(unitary)), qubits, &[], &[])
    }

    /// Sets the qubits to the state with these amplitudes.
    #[must_use]
    pub fn initialize(self, amplitudes: Vec<num_complex::Complex64>, qubits: &[u32]) -> Self {
        let op = Op::Initialize(Box::new(Initialize::Amplitudes(amplitudes)));
        self.then(op, qubits, &[], &[])
    }

    /// Sets the qubit to |0>.
    #[must_use]
    pub fn reset(self, q: u32) -> Self {
        self.then(Op::Reset, &[q], &[], &[])
    }

    /// A barrier across all qubits.
    #[must_use]
    pub fn barrier(self) -> Self {
        let all: Vec<u32> = (0..self.n_qubits).collect();
        self.then(Op::Barrier, &all, &[], &[])
    }

    /// Waits.
    #[must_use]
    pub fn delay(self, duration: impl Into<ParamArg>, unit: TimeUnit, q: u32) -> Self {
        self.then(Op::Delay(unit), &[q], &[], &[duration.into()])
    }

    /// Measures a qubit into a clbit.
    #[must_use]
    pub fn measure(self, qubit: u32, clbit: u32) -> Self {
        self.then(Op::Measure, &[qubit], &[clbit], &[])
    }

    /// Measures every qubit into the clbit of the same number; adds clbits (as a register `meas`)
    /// if there are too few.
    #[must_use]
    pub fn measure_all(mut self) -> Self {
        if self.n_clbits < self.n_qubits {
            self.add_creg("meas", self.n_qubits - self.n_clbits);
        }
        let all: Vec<u32> = (0..self.n_qubits).collect();
        self.then(Op::Measure, &all, &all, &[])
    }

    /// Runs `body` where a classical register, by its place in [`cregs`](Self::cregs), holds
    /// `value`.
    ///
    /// ```
    /// # use ketch_interface::Circuit;
    /// let correct = Circuit::new(2, 1).measure(0, 0).if_equal(0, 1, |c| c.x(1));
    /// # assert!(correct.has_control_flow());
    /// ```
    #[must_use]
    pub fn if_equal(mut self, creg: usize, value: u64, body: impl FnOnce(Self) -> Self) -> Self {
        let register = &self.cregs[creg];
        let condition = self.register_equals(register.start, register.size, value);
        let block = self.open_if(condition);
        let mut circuit = body(self);
        circuit.close_block(block);
        circuit
    }

    /// Adds the expression "clbits `start .. start + size` equal `value`".
    pub fn register_equals(&mut self, start: u32, size: u32, value: u64) -> ExprId {
        use super::{Binary, Value};
        let bits = self.add_expr(Expr::Clbits { start, size });
        let width = size.max(64 - value.leading_zeros());
        let value = crate::BitString::from_u64(width, value);
        let value = self.add_expr(Expr::Literal(Value::Uint(value)));
        self.add_expr(Expr::Binary(Binary::Equal, bits, value))
    }
}
