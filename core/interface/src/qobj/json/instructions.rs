//! Reading instructions.

use std::collections::BTreeMap;

use super::{QobjJsonError, conditions::Condition, params};
use crate::{
    Circuit,
    circuit::{
        Clbit, ControlState, Controls, Expr, GATES, GateOp, Op, Param, Qubit, Spelling, VarId,
        VarType,
    },
    json::{Mistyped, Node},
};

/// Registers have numbers below this, which leaves room for those that a writer adds.
pub(super) const MAX_REGISTER: u32 = 1 << 31;

type Read<T> = Result<T, QobjJsonError>;

/// A circuit that grows, and what its document calls registers: bits that are not reported, here
/// variables.
pub(super) struct Reader {
    circuit: Circuit,
    registers: BTreeMap<u32, VarId>,
}

impl Reader {
    pub(super) fn new(circuit: Circuit) -> Self {
        Self { circuit, registers: BTreeMap::new() }
    }

    pub(super) fn read(mut self, instructions: &Node<'_, '_>) -> Read<Circuit> {
        let nodes: Vec<Node<'_, '_>> = instructions.items()?.collect();
        let uses = RegisterUses::count(&nodes)?;
        let mut next = 0;
        while let Some(node) = nodes.get(next) {
            let behind = &nodes[next + 1..];
            let run = uses.run_behind(node, behind)?;
            if run == 0 {
                self.conditioned(node)?;
            } else {
                let condition = Condition::from_bfunc(node)?.add_to(&mut self.circuit);
                let block = self.circuit.open_if(condition);
                behind[..run].iter().try_for_each(|node| self.plain(node))?;
                self.circuit.close_block(block);
            }
            next += 1 + run;
        }
        Ok(self.circuit)
    }

    /// An instruction and the condition beside it.
    fn conditioned(&mut self, node: &Node<'_, '_>) -> Read<()> {
        let Some(conditional) = node.get("conditional") else { return self.plain(node) };
        let condition = if conditional.value.is_object() {
            Condition::from_object(&conditional)?.add_to(&mut self.circuit)
        } else {
            let var = self.register(&conditional)?;
            self.circuit.add_expr(Expr::Var(var))
        };
        let block = self.circuit.open_if(condition);
        self.plain(node)?;
        self.circuit.close_block(block);
        Ok(())
    }

    /// An instruction without its condition.
    fn plain(&mut self, node: &Node<'_, '_>) -> Read<()> {
        let name = node.require("name")?;
        let name = name.text()?;
        match name {
            "measure" => return self.measure(node),
            "bfunc" => return self.bfunc(node),
            "copy" => return self.copy(node),
            _ => {}
        }
        let qubits: Vec<Qubit> =
            indices(node, &["qubits"], self.circuit.n_qubits(), "a qubit", Qubit)?;
        if let Some(gate) = gate(name, qubits.len()) {
            return self.push(node, Op::Gate(gate), &qubits, &[], &numbers(node, name)?);
        }
        let op = match name {
            "reset" => Op::Reset,
            "barrier" => Op::Barrier,
            _ => match params::read(name, node, qubits.len() as u32)? {
                Some(op) if !matches!(op, Op::Delay(_)) => {
                    return self.push(node, op, &qubits, &self.clbits(node)?, &[]);
                }
                Some(delay) => delay,
                None => Op::Opaque(name.into()),
            },
        };
        let (clbits, numbers) = (self.clbits(node)?, numbers(node, name)?);
        self.push(node, op, &qubits, &clbits, &numbers)
    }

    fn measure(&mut self, node: &Node<'_, '_>) -> Read<()> {
        let qubits: Vec<Qubit> =
            indices(node, &["qubits"], self.circuit.n_qubits(), "a qubit", Qubit)?;
        let clbits = self.clbits(node)?;
        let registers = match node.get("register") {
            Some(registers) => {
                let items = registers.items()?;
                items.map(|item| self.register(&item)).collect::<Read<Vec<VarId>>>()?
            }
            None => Vec::new(),
        };
        if !registers.is_empty() && registers.len() != qubits.len() {
            let expected = format!("one register for each of {} qubits", qubits.len());
            return Err(node.require("register")?.expected(expected).into());
        }
        if clbits.is_empty() && !registers.is_empty() {
            for (qubit, var) in qubits.iter().zip(registers) {
                self.push(node, Op::MeasureVar { var, bit: 0 }, &[*qubit], &[], &[])?;
            }
            return Ok(());
        }
        self.push(node, Op::Measure, &qubits, &clbits, &[])?;
        for (clbit, var) in clbits.iter().zip(registers) {
            let value = self.circuit.add_expr(Expr::Clbit(*clbit));
            self.push(node, Op::Store { var, value }, &[], &[], &[])?;
        }
        Ok(())
    }

    fn bfunc(&mut self, node: &Node<'_, '_>) -> Read<()> {
        let condition = Condition::from_bfunc(node)?.add_to(&mut self.circuit);
        let mut value = condition;
        if let Some(register) = node.get("register") {
            let var = self.register(&register)?;
            self.push(node, Op::Store { var, value }, &[], &[], &[])?;
            value = self.circuit.add_expr(Expr::Var(var));
        }
        if let Some(memory) = node.get("memory") {
            let clbit = Clbit(memory.below(self.circuit.n_clbits(), "a clbit")?);
            self.push(node, Op::StoreClbits(value), &[], &[clbit], &[])?;
        }
        Ok(())
    }

    fn copy(&mut self, node: &Node<'_, '_>) -> Read<()> {
        let from = self.register(&node.require("register_orig")?)?;
        let targets = node.require("register_copy")?;
        for target in targets.items()? {
            let var = self.register(&target)?;
            let value = self.circuit.add_expr(Expr::Var(from));
            self.push(node, Op::Store { var, value }, &[], &[], &[])?;
        }
        Ok(())
    }

    fn clbits(&self, node: &Node<'_, '_>) -> Read<Vec<Clbit>> {
        let n_clbits = self.circuit.n_clbits();
        Ok(indices(node, &["memory", "clbits"], n_clbits, "a clbit", Clbit)?)
    }

    /// The variable that stands for a register.
    fn register(&mut self, node: &Node<'_, '_>) -> Read<VarId> {
        let index = node.below(MAX_REGISTER, "a register")?;
        let circuit = &mut self.circuit;
        let add = || circuit.add_variable(format!("r{index}"), VarType::Bool);
        Ok(*self.registers.entry(index).or_insert_with(add))
    }

    fn push(
        &mut self,
        node: &Node<'_, '_>,
        op: Op,
        qubits: &[Qubit],
        clbits: &[Clbit],
        params: &[Param],
    ) -> Read<()> {
        let pushed = self.circuit.push(op, qubits, clbits, params);
        pushed.map_err(|source| QobjJsonError::Circuit { path: node.path(), source })
    }
}

/// How often each register is written and read in an experiment.
#[derive(Default)]
struct RegisterUses {
    writes: BTreeMap<u64, usize>,
    reads: BTreeMap<u64, usize>,
}

impl RegisterUses {
    fn count(nodes: &[Node<'_, '_>]) -> Result<Self, Mistyped> {
        let mut uses = Self::default();
        for node in nodes {
            node.object()?;
            uses.note(node)?;
        }
        Ok(uses)
    }

    fn note(&mut self, node: &Node<'_, '_>) -> Result<(), Mistyped> {
        if let Some(register) = conditional(node) {
            *self.reads.entry(register).or_default() += 1;
        }
        if let Some(register) = node.get("register_orig") {
            *self.reads.entry(register.whole()?).or_default() += 1;
        }
        for register in [node.get("register"), node.get("register_copy")].into_iter().flatten() {
            match register.value.as_u64() {
                Some(one) => *self.writes.entry(one).or_default() += 1,
                None => {
                    for one in register.items()? {
                        *self.writes.entry(one.whole()?).or_default() += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// For a plain `bfunc` whose register serves only the instructions right behind it: how many
    /// these are. They can have the condition itself, and need no register.
    fn run_behind(&self, node: &Node<'_, '_>, behind: &[Node<'_, '_>]) -> Result<usize, Mistyped> {
        let plain = node.value.get("name").and_then(|name| name.as_str()) == Some("bfunc")
            && node.get("memory").is_none()
            && node.get("conditional").is_none();
        let Some(register) = node.get("register").filter(|_| plain) else { return Ok(0) };
        let register = register.whole()?;
        let run = behind.iter().take_while(|next| conditional(next) == Some(register)).count();
        let sole =
            self.writes.get(&register) == Some(&1) && self.reads.get(&register) == Some(&run);
        Ok(if sole { run } else { 0 })
    }
}

/// The register beside an instruction.
fn conditional(node: &Node<'_, '_>) -> Option<u64> {
    node.value.get("conditional")?.as_u64()
}

/// The gate with this name on this many qubits: a spelling of the table, Qiskit's `_o` and pattern
/// behind it for open controls, or `c`, a number and a base gate.
pub(super) fn gate(name: &str, n_qubits: usize) -> Option<GateOp> {
    if let Some(spelling) = Spelling::by_name(name) {
        // A wrong number of qubits is for the circuit's check to name.
        let stated = match spelling.controls {
            Controls::Exactly(n) => n,
            Controls::Any => 1,
        };
        let controls = spelling.n_controls(n_qubits).unwrap_or(stated);
        return Some(GateOp::new(spelling.gate, controls));
    }
    if let Some((closed, pattern)) = name.rsplit_once("_o")
        && let Ok(pattern) = pattern.parse::<u64>()
    {
        let op = gate(closed, n_qubits).filter(|op| op.state.is_all())?;
        return Some(GateOp { state: ControlState::new(op.controls, pattern)?, ..op });
    }
    if let Some(base) = GATES.iter().find(|info| info.name == name) {
        return Some(GateOp::new(base.gate, 0));
    }
    let digits = name.strip_prefix('c')?;
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    let controls = digits[..end].parse().ok()?;
    let base = GATES.iter().find(|info| info.name == &digits[end..])?;
    Some(GateOp::new(base.gate, controls))
}

fn numbers(node: &Node<'_, '_>, name: &str) -> Result<Vec<Param>, Mistyped> {
    let Some(params) = node.get("params") else { return Ok(Vec::new()) };
    let number = |param: &Node<'_, '_>| {
        let number = param.number().ok();
        number.ok_or_else(|| param.expected(format!("a number, as a parameter of `{name}`")))
    };
    Ok(params.list(number)?.into_iter().map(Param::Number).collect())
}

fn indices<T>(
    node: &Node<'_, '_>,
    fields: &[&str],
    end: u32,
    what: &str,
    make: fn(u32) -> T,
) -> Result<Vec<T>, Mistyped> {
    let Some(list) = node.get_any(fields) else { return Ok(Vec::new()) };
    list.items()?.map(|index| index.below(end, what).map(make)).collect()
}
