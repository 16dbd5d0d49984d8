//! How the variables of a circuit are declared: on their own, as elements of arrays, or by the loop
//! that alone uses them.

use std::collections::{BTreeMap, BTreeSet};

use ketch_interface::{
    Circuit,
    circuit::{Expr, ExprId, ForValues, Instruction, Op, Param, VarId},
};

use super::{
    expression::{Type, type_of},
    names::Names,
};

/// The names and types of all variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage {
    names: Vec<String>,
    types: Vec<Type>,
    /// Arrays by their first variable: the name and how many elements there are.
    arrays: BTreeMap<u32, (String, u32)>,
    /// Declared by the loop at this place.
    loops: BTreeMap<u32, usize>,
}

impl Storage {
    /// Finds names for all variables of a circuit.
    ///
    /// # Errors
    /// If arrays overlap, or have elements of several types.
    pub(super) fn new(circuit: &Circuit, names: &mut Names) -> Result<Self, String> {
        let mut storage = Self { loops: loop_variables(circuit), ..Self::default() };
        let arrays = arrays(circuit)?;
        for (number, variable) in (0..).zip(circuit.variables()) {
            let array = arrays.range(..=number).next_back();
            let array = array.filter(|(first, size)| number < **first + **size);
            let Some((&first, &size)) = array else {
                storage.names.push(names.unique(&variable.name, "v"));
                storage.types.push(type_of(variable.ty)?);
                continue;
            };
            if first == number {
                let stem = variable.name.split('[').next().unwrap_or_default();
                storage.arrays.insert(first, (names.unique(stem, "a"), size));
            }
            if circuit.variables()[first as usize].ty != variable.ty {
                return Err("an array has elements of several types".to_owned());
            }
            storage.names.push(format!("{}[{}]", storage.arrays[&first].0, number - first));
            storage.types.push(type_of(variable.ty)?);
        }
        Ok(storage)
    }

    pub(super) fn name(&self, var: VarId) -> String {
        self.names[var.0 as usize].clone()
    }

    pub(super) fn ty(&self, var: VarId) -> Type {
        self.types[var.0 as usize]
    }

    /// The name of the array that begins with this variable.
    pub(super) fn array(&self, first: VarId) -> Result<&str, String> {
        let array = self.arrays.get(&first.0);
        array.map(|(name, _)| name.as_str()).ok_or_else(|| "it uses no known array".to_owned())
    }

    /// The loop at this place declares its variable.
    pub(super) fn is_declared_by(&self, var: VarId, place: usize) -> bool {
        self.loops.get(&var.0) == Some(&place)
    }

    /// The statements that declare the variables, which begin as 0.
    pub(super) fn declarations(&self) -> String {
        let mut text = String::new();
        for (number, (name, ty)) in (0..).zip(self.names.iter().zip(&self.types)) {
            let (word, zero) = (word(*ty), zero(*ty));
            if let Some((array, size)) = self.arrays.get(&number) {
                let zeros = vec![zero; *size as usize].join(", ");
                text.push_str(&format!("array[{word}, {size}] {array} = {{{zeros}}};\n"));
            } else if !name.ends_with(']') && !self.loops.contains_key(&number) {
                text.push_str(&format!("{word} {name} = {zero};\n"));
            }
        }
        text
    }
}

/// A type as it is written.
pub(super) fn word(ty: Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::Bits(width) => format!("bit[{width}]"),
        Type::Uint(width) => format!("uint[{width}]"),
        Type::Int(width) => format!("int[{width}]"),
        Type::Digits => "int[64]".to_owned(),
        Type::Float => "float[64]".to_owned(),
    }
}

fn zero(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "false",
        Type::Float => "0.0",
        _ => "0",
    }
}

/// The variables that are reached by an index: the first of each array, and how many there are.
fn arrays(circuit: &Circuit) -> Result<BTreeMap<u32, u32>, String> {
    let read = circuit.expressions().iter().filter_map(|expr| match expr {
        Expr::Element { first, size, .. } => Some((first.0, *size)),
        _ => None,
    });
    let written = circuit.instructions().filter_map(|instruction| match instruction.op {
        Op::StoreElement(element) => Some((element.first.0, element.size)),
        _ => None,
    });
    let mut arrays = BTreeMap::new();
    for (first, size) in read.chain(written) {
        if arrays.insert(first, size).is_some_and(|known| known != size) || size == 0 {
            return Err("an array is used with several sizes".to_owned());
        }
    }
    let starts: Vec<(u32, u32)> = arrays.iter().map(|(first, size)| (*first, *size)).collect();
    match starts.windows(2).any(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
        true => Err("two arrays share elements".to_owned()),
        false => Ok(arrays),
    }
}

/// The variables that nothing uses but the body of one loop, which only reads them, by the place of
/// that loop.
fn loop_variables(circuit: &Circuit) -> BTreeMap<u32, usize> {
    let mut loops: BTreeMap<u32, usize> = BTreeMap::new();
    let mut spoilt: Vec<u32> = Vec::new();
    for (place, instruction) in circuit.instructions().enumerate() {
        if let Op::For(each) = instruction.op
            && loops.insert(each.var.0, place).is_some()
        {
            spoilt.push(each.var.0);
        }
    }
    for (place, instruction) in circuit.instructions().enumerate() {
        match instruction.op {
            Op::Store { var, .. } | Op::StoreBit { var, .. } | Op::MeasureVar { var, .. } => {
                spoilt.push(var.0);
            }
            Op::StoreElement(element) => {
                spoilt.extend(element.first.0..element.first.0 + element.size);
            }
            _ => {}
        }
        let (mut open, mut seen) = (expressions(instruction), BTreeSet::new());
        while let Some(id) = open.pop() {
            if !seen.insert(id.0) {
                continue;
            }
            let used = match circuit.expression(id) {
                Expr::Var(var) => var.0..var.0 + 1,
                Expr::Element { first, size, .. } => first.0..first.0 + size,
                _ => 0..0,
            };
            for var in used {
                let inside = |at: &usize| place > *at && place < circuit.end_of(*at);
                if !loops.get(&var).is_some_and(inside) {
                    spoilt.push(var);
                }
            }
            open.extend(circuit.expression(id).operands());
        }
    }
    loops.retain(|var, _| !spoilt.contains(var));
    loops
}

/// The expressions that an instruction names.
fn expressions(instruction: Instruction<'_>) -> Vec<ExprId> {
    let params = instruction.params.iter().filter_map(|param| match param {
        Param::Expr(id) => Some(*id),
        Param::Number(_) => None,
    });
    let mut ids: Vec<ExprId> = params.collect();
    match instruction.op {
        Op::If { condition: id, .. } | Op::While { condition: id, .. } => ids.push(*id),
        Op::Store { value, .. } | Op::StoreClbits(value) => ids.push(*value),
        Op::StoreBit { index, value, .. } | Op::StoreClbit { index, value } => {
            ids.extend([*index, *value]);
        }
        Op::StoreElement(element) => ids.extend([element.index, element.value]),
        Op::For(each) => match &each.values {
            ForValues::Range { start, step, stop } => ids.extend([*start, *step, *stop]),
            ForValues::List(values) => ids.extend(values),
        },
        Op::Switch(switch) => {
            ids.push(switch.target);
            ids.extend(switch.cases.iter().flat_map(|case| &case.values));
        }
        _ => {}
    }
    ids
}
