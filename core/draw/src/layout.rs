//! Where everything goes: rows are qubits, then classical registers, then one row for variables;
//! columns are moments. An instruction stands in the first column in which all rows that it touches
//! or crosses are free.

use ketch_interface::{
    Circuit,
    circuit::{BlockId, Clbit, ForValues, Gate, GateOp, Instruction, Op, Qubit, VarId},
};

use crate::{
    DrawError, Drawing, MAX_INSTRUCTIONS, MAX_ROWS,
    expression::{self, text},
    labels::{self, cut},
};

/// A row of the picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) label: String,
    pub(crate) is_classical: bool,
}

/// Something in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) column: usize,
    /// The first and the last row that it touches or crosses.
    pub(crate) top: usize,
    pub(crate) bottom: usize,
    pub(crate) shape: Shape,
}

/// What it looks like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A box around these rows, in the order of the operands, and dots for controls.
    Gate { label: String, rows: Vec<usize>, controls: Vec<Control> },
    /// Crosses on these rows, and dots for controls.
    Swap { rows: Vec<usize>, controls: Vec<Control> },
    /// A box whose outcome goes down to a classical row.
    Measure { row: usize, into: usize, bit: String },
    /// A line across these rows.
    Barrier { rows: Vec<usize> },
    /// Where a block begins or ends, across all its rows.
    Frame { label: String },
}

/// A dot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Control {
    pub(crate) row: usize,
    /// It acts where the qubit is 1, else where it is 0.
    pub(crate) closed: bool,
}

/// Rows from the first to the last.
type Span = (usize, usize);

pub(crate) fn laid_out(circuit: &Circuit) -> Result<Drawing, DrawError> {
    let wires = wires(circuit)?;
    let n_quantum = circuit.n_qubits() as usize;
    let cregs = circuit.cregs().iter().filter(|register| register.size > 0);
    let mut layout = Layout {
        circuit,
        free: vec![0; wires.len()],
        items: Vec::new(),
        n_quantum,
        cregs: cregs.map(|register| register.start).collect(),
        left: MAX_INSTRUCTIONS,
    };
    if !wires.is_empty() {
        layout.block(None, (0, wires.len() - 1));
    }
    let mut notes = Vec::new();
    if circuit.global_phase != 0.0 {
        notes.push(format!("global phase: {}", labels::number(circuit.global_phase)));
    }
    let n_drawn = MAX_INSTRUCTIONS - layout.left;
    if n_drawn < circuit.len() {
        notes.push(format!(
            "the first {n_drawn} instructions of {}; the others are not drawn",
            circuit.len()
        ));
    }
    let mut items = layout.items;
    items.sort_by_key(|item| item.column);
    Ok(Drawing { wires, items, notes })
}

fn wires(circuit: &Circuit) -> Result<Vec<Wire>, DrawError> {
    let cregs = circuit.cregs().iter().filter(|register| register.size > 0);
    let has_variables = usize::from(!circuit.variables().is_empty());
    let rows = circuit.n_qubits() as usize + cregs.clone().count() + has_variables;
    if rows > MAX_ROWS {
        return Err(DrawError::TooWide { rows });
    }
    let mut wires = Vec::with_capacity(rows);
    for register in circuit.qregs() {
        wires.extend((0..register.size).map(|index| Wire {
            label: cut(match register.size {
                1 => register.name.clone(),
                _ => format!("{}[{index}]", register.name),
            }),
            is_classical: false,
        }));
    }
    wires.extend(cregs.map(|register| Wire {
        label: cut(match register.size {
            1 => register.name.clone(),
            size => format!("{}: {size}", register.name),
        }),
        is_classical: true,
    }));
    if has_variables == 1 {
        wires.push(Wire { label: "variables".to_owned(), is_classical: true });
    }
    Ok(wires)
}

struct Layout<'c> {
    circuit: &'c Circuit,
    /// The first free column of each row.
    free: Vec<usize>,
    items: Vec<Item>,
    n_quantum: usize,
    /// The first clbit of each classical row.
    cregs: Vec<u32>,
    /// How many instructions may still be drawn.
    left: usize,
}

impl Layout<'_> {
    /// Draws a block that goes across these rows.
    fn block(&mut self, block: Option<BlockId>, span: Span) {
        let circuit = self.circuit;
        for (place, instruction) in circuit.block(block) {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            self.instruction(place, instruction, span);
        }
    }

    fn instruction(&mut self, place: usize, instruction: Instruction<'_>, span: Span) {
        let circuit = self.circuit;
        let rows: Vec<usize> = instruction.qubits.iter().map(|qubit| row(*qubit)).collect();
        match instruction.op {
            Op::Gate(op) => self.gate(*op, instruction, &rows),
            Op::Measure => {
                for (&row, &clbit) in rows.iter().zip(instruction.clbits) {
                    let into = self.creg_row(clbit);
                    let bit = clbit.0 - self.cregs[into - self.n_quantum];
                    self.put((row, into), Shape::Measure { row, into, bit: bit.to_string() });
                }
            }
            Op::MeasureVar { var, bit } => {
                let (row, into) = (rows[0], self.free.len() - 1);
                let bit = cut(format!("{}[{bit}]", self.name(*var)));
                self.put((row, into), Shape::Measure { row, into, bit });
            }
            Op::Reset | Op::Delay(_) => {
                let label = labels::instruction(circuit, instruction);
                rows.iter().for_each(|row| self.boxed(label.clone(), vec![*row], Vec::new()));
            }
            Op::Barrier if rows.is_empty() => {}
            Op::Barrier => {
                let span = span_of(&rows);
                self.put(span, Shape::Barrier { rows });
            }
            op if op.is_store() => {
                let (target, value, row) = self.stored(instruction);
                self.boxed(cut(format!("{target} = {value}")), vec![row], Vec::new());
            }
            Op::If { condition, then, otherwise } => {
                let span = self.span(place);
                self.frame(span, format!("if {}", text(circuit, *condition)));
                self.block(Some(*then), span);
                if let Some(otherwise) = otherwise {
                    self.frame(span, "else".to_owned());
                    self.block(Some(*otherwise), span);
                }
                self.frame(span, "end".to_owned());
            }
            Op::While { condition, body } => {
                let head = format!("while {}", text(circuit, *condition));
                self.looped(place, head, *body);
            }
            Op::For(each) => {
                let values = match &each.values {
                    ForValues::Range { start, step, stop } => {
                        let part = |id| text(circuit, id);
                        format!("[{}:{}:{}]", part(*start), part(*step), part(*stop))
                    }
                    ForValues::List(values) => {
                        let values: Vec<String> =
                            values.iter().take(9).map(|id| text(circuit, *id)).collect();
                        format!("{{{}}}", values.join(", "))
                    }
                };
                let head = format!("for {} in {values}", self.name(each.var));
                self.looped(place, head, each.body);
            }
            Op::Switch(switch) => {
                let span = self.span(place);
                self.frame(span, format!("switch {}", text(circuit, switch.target)));
                for case in &switch.cases {
                    let values: Vec<String> =
                        case.values.iter().take(9).map(|id| text(circuit, *id)).collect();
                    let head = match values.is_empty() {
                        true => "default".to_owned(),
                        false => format!("case {}", values.join(", ")),
                    };
                    self.frame(span, head);
                    self.block(Some(case.body), span);
                }
                self.frame(span, "end".to_owned());
            }
            Op::Break => self.frame(span, "break".to_owned()),
            Op::Continue => self.frame(span, "continue".to_owned()),
            Op::End => self.frame(span, "end of shot".to_owned()),
            Op::ReadoutError(_) => {
                let rows = instruction.clbits.iter().map(|clbit| self.creg_row(*clbit)).collect();
                self.boxed("roerror".to_owned(), rows, Vec::new());
            }
            _ if rows.is_empty() => {
                let label = labels::instruction(circuit, instruction);
                self.frame((0, self.n_quantum.max(1) - 1), label);
            }
            _ => {
                let label = labels::instruction(circuit, instruction);
                self.boxed(label, rows, Vec::new());
            }
        }
    }

    fn gate(&mut self, op: GateOp, instruction: Instruction<'_>, rows: &[usize]) {
        let n_controls = usize::from(op.controls);
        let (controls, targets) = rows.split_at(n_controls);
        let pattern = op.state.bits(op.controls);
        let closed = |place: usize| op.state.is_all() || place >= 64 || pattern >> place & 1 == 1;
        let dot = |(place, row): (usize, &usize)| Control { row: *row, closed: closed(place) };
        let mut controls: Vec<Control> = controls.iter().enumerate().map(dot).collect();
        let label = labels::gate(self.circuit, op, instruction.params);
        match op.gate {
            _ if rows.is_empty() => self.frame((0, self.n_quantum.max(1) - 1), label),
            Gate::Swap => {
                let shape = Shape::Swap { rows: targets.to_vec(), controls };
                self.put(span_of(rows), shape);
            }
            Gate::Z if n_controls > 0 => {
                controls.push(Control { row: targets[0], closed: true });
                self.boxed(label, Vec::new(), controls);
            }
            _ => self.boxed(label, targets.to_vec(), controls),
        }
    }

    fn boxed(&mut self, label: String, rows: Vec<usize>, controls: Vec<Control>) {
        let all: Vec<usize> =
            rows.iter().copied().chain(controls.iter().map(|control| control.row)).collect();
        self.put(span_of(&all), Shape::Gate { label, rows, controls });
    }

    fn looped(&mut self, place: usize, head: String, body: BlockId) {
        let span = self.span(place);
        self.frame(span, head);
        self.block(Some(body), span);
        self.frame(span, "end".to_owned());
    }

    /// A border of a block. Whatever is classical waits for it, and it for what is classical.
    fn frame(&mut self, span: Span, label: String) {
        let n_quantum = self.n_quantum.min(self.free.len());
        let classical = self.free[n_quantum..].iter().copied().max().unwrap_or(0);
        let column = self.first_free(span).max(classical);
        self.occupy(span, column);
        self.free[n_quantum..].iter_mut().for_each(|free| *free = (*free).max(column + 1));
        let (top, bottom) = span;
        self.items.push(Item { column, top, bottom, shape: Shape::Frame { label: cut(label) } });
    }

    fn put(&mut self, span: Span, shape: Shape) {
        let column = self.first_free(span);
        self.occupy(span, column);
        let (top, bottom) = span;
        self.items.push(Item { column, top, bottom, shape });
    }

    fn first_free(&self, (top, bottom): Span) -> usize {
        self.free[top..=bottom].iter().copied().max().unwrap_or(0)
    }

    fn occupy(&mut self, (top, bottom): Span, column: usize) {
        self.free[top..=bottom].fill(column + 1);
    }

    /// The rows of the qubits inside an instruction's blocks; of what is classical if there are no
    /// qubits.
    fn span(&self, place: usize) -> Span {
        let circuit = self.circuit;
        let inside = (place..circuit.end_of(place)).map(|place| circuit.instruction(place));
        let qubits = inside.flat_map(|instruction| instruction.qubits.iter().map(|q| row(*q)));
        let (first, last) = qubits.fold((usize::MAX, 0), |(a, b), row| (a.min(row), b.max(row)));
        match first <= last {
            true => (first, last),
            false => (self.n_quantum.min(self.free.len() - 1), self.free.len() - 1),
        }
    }

    /// What a store writes, the value, and the row that it is drawn on.
    fn stored(&self, instruction: Instruction<'_>) -> (String, String, usize) {
        let circuit = self.circuit;
        let variables = self.free.len() - 1;
        let creg = || instruction.clbits.first().map_or(variables, |clbit| self.creg_row(*clbit));
        match instruction.op {
            Op::Store { var, value } => (self.name(*var), text(circuit, *value), variables),
            Op::StoreBit { var, index, value } => {
                let target = format!("{}[{}]", self.name(*var), text(circuit, *index));
                (target, text(circuit, *value), variables)
            }
            Op::StoreElement(element) => {
                let name = self.name(element.first);
                let array = name.split('[').next().unwrap_or_default();
                let target = format!("{array}[{}]", text(circuit, element.index));
                (target, text(circuit, element.value), variables)
            }
            Op::StoreClbit { index, value } => {
                let name = |clbit: &Clbit| self.creg_name(*clbit);
                let register = instruction.clbits.first().map(name).unwrap_or_default();
                (format!("{register}[{}]", text(circuit, *index)), text(circuit, *value), creg())
            }
            Op::StoreClbits(value) => {
                let clbits: Vec<u32> = instruction.clbits.iter().map(|clbit| clbit.0).collect();
                let in_a_row = clbits.windows(2).all(|pair| pair[1] == pair[0] + 1);
                let target = match clbits.first() {
                    None => String::new(),
                    Some(first) if in_a_row => {
                        expression::clbits(circuit, *first, clbits.len() as u32)
                    }
                    Some(_) => {
                        let each = clbits.iter().map(|clbit| expression::clbit(circuit, *clbit));
                        each.collect::<Vec<_>>().join(", ")
                    }
                };
                (target, text(circuit, *value), creg())
            }
            op => unreachable!("`{}` stores nothing", op.name()),
        }
    }

    fn name(&self, var: VarId) -> String {
        self.circuit.variables()[var.0 as usize].name.clone()
    }

    fn creg_row(&self, clbit: Clbit) -> usize {
        self.n_quantum + self.cregs.partition_point(|start| *start <= clbit.0) - 1
    }

    fn creg_name(&self, clbit: Clbit) -> String {
        let registers = self.circuit.cregs();
        let holds = registers.iter().find(|register| register.bits().contains(&clbit.0));
        holds.map(|register| register.name.clone()).unwrap_or_default()
    }
}

fn row(qubit: Qubit) -> usize {
    qubit.0 as usize
}

fn span_of(rows: &[usize]) -> Span {
    let first = rows.iter().copied().min().unwrap_or(0);
    (first, rows.iter().copied().max().unwrap_or(0))
}
