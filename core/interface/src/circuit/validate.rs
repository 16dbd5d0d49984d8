//! What makes a circuit well formed.

use super::{
    Circuit, Clbit, Expr, ExprId, Initialize, Instruction, Op, Param, Qubit, VarId, VarType,
};
use crate::Matrix;

/// No circuit has more qubits or clbits than this, whatever a file says.
pub const MAX_QUBITS: u32 = 1 << 20;

/// No expression is nested deeper: evaluating one is recursive.
const MAX_EXPRESSION_DEPTH: u32 = 1000;

/// No expression has more nodes, those that it shares with itself counted each time.
const MAX_EXPRESSION_NODES: u32 = 1 << 20;

/// Blocks are nested at most this deep: most work on circuits is recursive.
const MAX_BLOCK_DEPTH: usize = 256;

/// A circuit that cannot mean anything.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum CircuitError {
    #[error("`{op}` names qubit {qubit}, the circuit has {n_qubits}")]
    NoSuchQubit { op: String, qubit: u32, n_qubits: u32 },
    #[error("`{op}` names clbit {clbit}, the circuit has {n_clbits}")]
    NoSuchClbit { op: String, clbit: u32, n_clbits: u32 },
    #[error("`{op}` names qubit {qubit} twice")]
    RepeatedQubit { op: String, qubit: u32 },
    #[error("`{op}` takes {expected} {what}, found {found}")]
    WrongCount { op: String, what: &'static str, expected: usize, found: usize },
    #[error("`{op}`: {reason}")]
    BadData { op: String, reason: String },
    #[error("`{op}` names expression {expr} before it stands in the circuit")]
    NoSuchExpression { op: String, expr: u32 },
    #[error("`{op}` names variable {variable}, the circuit has {n_variables}")]
    NoSuchVariable { op: String, variable: u32, n_variables: usize },
    #[error("block {block} of `{op}` does not lie right behind the instruction")]
    MisplacedBlock { op: String, block: usize },
    #[error(
        "expression {expr} is too large: at most {MAX_EXPRESSION_DEPTH} deep, {MAX_EXPRESSION_NODES} nodes"
    )]
    ExpressionTooLarge { expr: usize },
    #[error("`{op}` is nested in more than {MAX_BLOCK_DEPTH} blocks")]
    TooDeep { op: String },
    #[error("a circuit of {found} {what}: at most {} are allowed", MAX_QUBITS)]
    TooLarge { what: &'static str, found: u32 },
}

impl Circuit {
    /// Checks everything that [`push_unchecked`](Self::push_unchecked) did not.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), CircuitError> {
        for (what, found) in [("qubits", self.n_qubits), ("clbits", self.n_clbits)] {
            if found > MAX_QUBITS {
                return Err(CircuitError::TooLarge { what, found });
            }
        }
        self.exprs.iter().enumerate().try_for_each(|(i, expr)| self.check_expr(i, expr))?;
        self.check_expression_sizes()?;
        // The ends of the blocks around an instruction, and how deep it then is.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (index, instruction) in self.instructions().enumerate() {
            let Instruction { op, qubits, clbits, params } = instruction;
            if self.is_plain_gate(instruction) && open.is_empty() {
                continue;
            }
            self.check(op, qubits, clbits, params)?;
            while open.last().is_some_and(|&(end, _)| index >= end) {
                open.pop();
            }
            let (within, depth) = open.last().copied().unwrap_or((self.len(), 0));
            if depth > MAX_BLOCK_DEPTH {
                return Err(CircuitError::TooDeep { op: op.name() });
            }
            let mut next = index + 1;
            for block in op.blocks() {
                let misplaced =
                    || CircuitError::MisplacedBlock { op: op.name(), block: block.index() };
                let range = self.blocks.get(block.index() - 1).ok_or_else(misplaced)?;
                let (start, end) = (range.start as usize, range.end as usize);
                if start != next || end < start || end > within {
                    return Err(misplaced());
                }
                next = end;
            }
            if next > index + 1 {
                // Blocks of one instruction follow each other: only their outer end matters to
                // what comes behind, and each one's own end to what is inside.
                let ends: Vec<(usize, usize)> = op
                    .blocks()
                    .map(|block| (self.blocks[block.index() - 1].end as usize, depth + 1))
                    .collect();
                open.extend(ends.into_iter().rev());
            }
        }
        Ok(())
    }

    /// A gate of the table on one or two qubits in which nothing can be wrong: most instructions are,
    /// so they are seen through before anything is looked at closely.
    #[inline]
    fn is_plain_gate(&self, instruction: Instruction<'_>) -> bool {
        let Op::Gate(gate) = instruction.op else { return false };
        let distinct = match *instruction.qubits {
            [a] => a.0 < self.n_qubits,
            [a, b] => a.0 < self.n_qubits && b.0 < self.n_qubits && a != b,
            _ => false,
        };
        distinct
            && instruction.qubits.len() == gate.n_qubits()
            && instruction.clbits.is_empty()
            && instruction.params.len() == gate.gate.info().n_params as usize
            && instruction.params.iter().all(|param| matches!(param, Param::Number(_)))
    }

    /// Evaluating any expression ends in time and on the stack.
    fn check_expression_sizes(&self) -> Result<(), CircuitError> {
        let mut sizes: Vec<(u32, u32)> = Vec::with_capacity(self.exprs.len());
        for (index, expr) in self.exprs.iter().enumerate() {
            let (mut depth, mut nodes) = (0_u32, 0_u32);
            for operand in expr.operands() {
                let (operand_depth, operand_nodes) = sizes[operand.0 as usize];
                depth = depth.max(operand_depth);
                nodes = nodes.saturating_add(operand_nodes);
            }
            let (depth, nodes) = (depth + 1, nodes.saturating_add(1));
            if depth > MAX_EXPRESSION_DEPTH || nodes > MAX_EXPRESSION_NODES {
                return Err(CircuitError::ExpressionTooLarge { expr: index });
            }
            sizes.push((depth, nodes));
        }
        Ok(())
    }

    pub(super) fn check(
        &self,
        op: &Op,
        qubits: &[Qubit],
        clbits: &[Clbit],
        params: &[Param],
    ) -> Result<(), CircuitError> {
        self.check_bits(op, qubits, clbits)?;
        for param in params {
            if let Param::Expr(expr) = param {
                self.check_known(op, *expr)?;
            }
        }
        let (n_qubits, n_clbits, n_params) = (qubits.len(), clbits.len(), params.len());
        let count = |what, found: usize, expected: usize| {
            let wrong = || CircuitError::WrongCount { op: op.name(), what, expected, found };
            if found == expected { Ok(()) } else { Err(wrong()) }
        };
        let counts = |q: usize, c: usize, p: usize| {
            count("qubits", n_qubits, q)?;
            count("clbits", n_clbits, c)?;
            count("parameters", n_params, p)
        };
        match op {
            Op::Gate(gate) => {
                counts(gate.n_qubits(), 0, gate.gate.info().n_params as usize)?;
            }
            Op::Measure => counts(n_qubits, n_qubits, 0)?,
            Op::MeasureVar { var, .. } => {
                self.check_variable(op, *var)?;
                counts(1, 0, 0)?;
            }
            Op::Reset | Op::Barrier => counts(n_qubits, 0, 0)?,
            Op::Delay(_) => counts(n_qubits, 0, 1)?,
            Op::Unitary(unitary) => {
                check_matrix(op, &unitary.value, n_qubits, 1)?;
                counts(n_qubits, 0, 0)?;
            }
            Op::Diagonal(diagonal) => check_length(op, diagonal.len(), n_qubits)?,
            Op::Multiplexer(matrices) => check_multiplexer(op, matrices, n_qubits)?,
            Op::Pauli(letters) => {
                check_letters(op, letters, "IXYZ")?;
                counts(letters.len(), 0, 0)?;
            }
            Op::Initialize(state) => match &**state {
                Initialize::Amplitudes(amplitudes) => {
                    check_length(op, amplitudes.len(), n_qubits)?;
                    check_norm(op, amplitudes)?;
                }
                Initialize::Labels(labels) => {
                    check_letters(op, labels, "01+-rl")?;
                    counts(labels.len(), 0, 0)?;
                }
            },
            Op::Kraus(matrices) => {
                matrices.iter().try_for_each(|matrix| check_matrix(op, matrix, n_qubits, 1))?;
            }
            Op::Superop(matrix) => check_matrix(op, matrix, n_qubits, 2)?,
            Op::ReadoutError(rows) => {
                check_length(op, rows.len(), n_clbits)?;
                rows.iter().try_for_each(|row| check_length(op, row.len(), n_clbits))?;
            }
            Op::Store { var, value } => {
                self.check_variable(op, *var)?;
                self.check_known(op, *value)?;
            }
            Op::StoreClbits(value) => self.check_known(op, *value)?,
            Op::StoreBit { var, index, value } => {
                self.check_variable(op, *var)?;
                self.check_holds_bits(op, *var)?;
                self.check_known(op, *index)?;
                self.check_known(op, *value)?;
            }
            Op::StoreClbit { index, value } => {
                self.check_known(op, *index)?;
                self.check_known(op, *value)?;
            }
            Op::StoreElement(element) => {
                self.check_variables(|| op.name(), element.first, element.size)?;
                self.check_known(op, element.index)?;
                self.check_known(op, element.value)?;
            }
            Op::If { condition, .. } | Op::While { condition, .. } => {
                self.check_known(op, *condition)?;
            }
            Op::For(each) => {
                self.check_variable(op, each.var)?;
                let values = match &each.values {
                    super::ForValues::Range { start, step, stop } => vec![*start, *step, *stop],
                    super::ForValues::List(values) => values.clone(),
                };
                values.into_iter().try_for_each(|value| self.check_known(op, value))?;
            }
            Op::Switch(switch) => {
                self.check_known(op, switch.target)?;
                let mut values = switch.cases.iter().flat_map(|case| &case.values);
                values.try_for_each(|value| self.check_known(op, *value))?;
            }
            Op::Save(_) | Op::Snapshot(_) | Op::SetState(_) => {}
            Op::Break | Op::Continue | Op::End | Op::Opaque(_) => {}
        }
        Ok(())
    }

    fn check_bits(&self, op: &Op, qubits: &[Qubit], clbits: &[Clbit]) -> Result<(), CircuitError> {
        if let Some(q) = qubits.iter().find(|q| q.0 >= self.n_qubits) {
            let (qubit, n_qubits) = (q.0, self.n_qubits);
            return Err(CircuitError::NoSuchQubit { op: op.name(), qubit, n_qubits });
        }
        if let Some(c) = clbits.iter().find(|c| c.0 >= self.n_clbits) {
            let (clbit, n_clbits) = (c.0, self.n_clbits);
            return Err(CircuitError::NoSuchClbit { op: op.name(), clbit, n_clbits });
        }
        match first_repeated(qubits) {
            Some(Qubit(qubit)) => Err(CircuitError::RepeatedQubit { op: op.name(), qubit }),
            None => Ok(()),
        }
    }

    fn check_known(&self, op: &Op, expr: ExprId) -> Result<(), CircuitError> {
        match (expr.0 as usize) < self.exprs.len() {
            true => Ok(()),
            false => Err(CircuitError::NoSuchExpression { op: op.name(), expr: expr.0 }),
        }
    }

    fn check_variable(&self, op: &Op, var: VarId) -> Result<(), CircuitError> {
        self.check_variables(|| op.name(), var, 1)
    }

    /// The circuit has variables `first .. first + size`.
    fn check_variables(
        &self,
        op: impl Fn() -> String,
        first: VarId,
        size: u32,
    ) -> Result<(), CircuitError> {
        let n_variables = self.variables.len();
        let end = u64::from(first.0) + u64::from(size);
        match end <= n_variables as u64 {
            true => Ok(()),
            false => {
                let variable = u32::try_from(end - 1).unwrap_or(u32::MAX);
                Err(CircuitError::NoSuchVariable { op: op(), variable, n_variables })
            }
        }
    }

    fn check_holds_bits(&self, op: &Op, var: VarId) -> Result<(), CircuitError> {
        match self.variables[var.0 as usize].ty {
            VarType::Float => {
                let reason = format!("variable {} is a real number, which has no bits", var.0);
                Err(bad(op, reason))
            }
            _ => Ok(()),
        }
    }

    fn check_expr(&self, index: usize, expr: &Expr) -> Result<(), CircuitError> {
        let op = || format!("expression {index}");
        let earlier = |id: &ExprId| match (id.0 as usize) < index {
            true => Ok(()),
            false => Err(CircuitError::NoSuchExpression { op: op(), expr: id.0 }),
        };
        let clbits = |end: u64| match end <= u64::from(self.n_clbits) {
            true => Ok(()),
            false => {
                let clbit = u32::try_from(end - 1).unwrap_or(u32::MAX);
                Err(CircuitError::NoSuchClbit { op: op(), clbit, n_clbits: self.n_clbits })
            }
        };
        match expr {
            Expr::Literal(_) => Ok(()),
            Expr::Parameter(id) if (id.0 as usize) < self.parameters.len() => Ok(()),
            Expr::Parameter(id) => {
                let reason = format!("parameter {} of {}", id.0, self.parameters.len());
                Err(CircuitError::BadData { op: op(), reason })
            }
            Expr::Clbit(clbit) => clbits(u64::from(clbit.0) + 1),
            Expr::Clbits { start, size } => clbits(u64::from(*start) + u64::from(*size)),
            Expr::Var(var) => self.check_variables(op, *var, 1),
            Expr::Element { first, size, index } => {
                self.check_variables(op, *first, *size)?;
                earlier(index)
            }
            Expr::Unary(..) | Expr::Binary(..) | Expr::Cast(..) | Expr::Index { .. } => {
                expr.operands().try_for_each(|operand| earlier(&operand))
            }
        }
    }
}

/// A qubit that stands twice, which no instruction allows.
#[inline]
#[must_use]
pub fn first_repeated(qubits: &[Qubit]) -> Option<Qubit> {
    // Quadratic for the few operands that gates have.
    if qubits.len() <= 16 {
        let twice = |&(i, q): &(usize, &Qubit)| qubits[..i].contains(q);
        return qubits.iter().enumerate().find(twice).map(|(_, q)| *q);
    }
    let mut sorted = qubits.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

fn bad(op: &Op, reason: String) -> CircuitError {
    CircuitError::BadData { op: op.name(), reason }
}

fn check_matrix(op: &Op, matrix: &Matrix, n_qubits: usize, sides: u32) -> Result<(), CircuitError> {
    let expected = u32::try_from(n_qubits).ok().and_then(|n| 1_usize.checked_shl(n * sides));
    if expected == Some(matrix.dim()) {
        return Ok(());
    }
    let dim = matrix.dim();
    Err(bad(op, format!("a matrix of dimension {dim} on {n_qubits} qubits")))
}

fn check_multiplexer(op: &Op, matrices: &[Matrix], n_qubits: usize) -> Result<(), CircuitError> {
    let targets = matrices.first().and_then(Matrix::n_qubits).unwrap_or(0) as usize;
    if targets == 0 || targets > n_qubits {
        return Err(bad(op, format!("no matrix for {n_qubits} qubits")));
    }
    check_length(op, matrices.len(), n_qubits - targets)?;
    matrices.iter().try_for_each(|matrix| check_matrix(op, matrix, targets, 1))
}

/// `2^n_bits` of something are needed.
fn check_length(op: &Op, found: usize, n_bits: usize) -> Result<(), CircuitError> {
    match u32::try_from(n_bits).ok().and_then(|n| 1_usize.checked_shl(n)) {
        Some(expected) if expected == found => Ok(()),
        _ => Err(bad(op, format!("expected 2^{n_bits} entries, found {found}"))),
    }
}

fn check_letters(op: &Op, text: &str, allowed: &str) -> Result<(), CircuitError> {
    match text.chars().find(|&letter| !allowed.contains(letter)) {
        Some(letter) => Err(bad(op, format!("`{letter}` in `{text}`, expected one of {allowed}"))),
        None => Ok(()),
    }
}

fn check_norm(op: &Op, amplitudes: &[num_complex::Complex64]) -> Result<(), CircuitError> {
    let norm: f64 = amplitudes.iter().map(num_complex::Complex64::norm_sqr).sum();
    match (norm - 1.0).abs() < 1e-8 {
        true => Ok(()),
        false => Err(bad(op, format!("the squared amplitudes sum to {norm}, expected 1"))),
    }
}
