//! Conditions: a mask, a value and a relation on the classical memory, as an expression and back.
//!
//! There are two forms. In Qiskit 0.6 a condition stands beside the instruction, and the masked
//! bits are moved down before they are compared: mask `0x6` and value `0x1` mean that clbit 1 is
//! set and clbit 2 is not. A `bfunc` (Qobj specification, arXiv:1809.03452, section 4) compares
//! them where they are: the same condition has the value `0x2`.

use serde_json::{Value as Json, json};

use crate::{
    BitString, Circuit,
    circuit::{Binary, Expr, ExprId, MAX_QUBITS, Unary, Value},
    json::{Mistyped, Node},
};

/// `(clbits & mask) relation value`, nothing moved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) mask: BitString,
    pub(super) relation: Binary,
    pub(super) value: BitString,
}

const RELATIONS: [(&str, Binary); 6] = [
    ("==", Binary::Equal),
    ("!=", Binary::NotEqual),
    ("<", Binary::Less),
    ("<=", Binary::LessEqual),
    (">", Binary::Greater),
    (">=", Binary::GreaterEqual),
];

impl Condition {
    /// Reads the `mask`, `relation` and `val` of a `bfunc`.
    pub(super) fn from_bfunc(node: &Node<'_, '_>) -> Result<Self, Mistyped> {
        let relation = node.require("relation")?;
        let word = relation.text()?;
        let known = RELATIONS.iter().find(|(name, _)| *name == word);
        let (_, relation) = *known.ok_or_else(|| relation.expected("== != < <= > or >="))?;
        let (mask, value) = (hex(&node.require("mask")?)?, hex(&node.require("val")?)?);
        Ok(Self { mask, relation, value })
    }

    /// Reads the object that Qiskit 0.6 puts beside an instruction.
    pub(super) fn from_object(node: &Node<'_, '_>) -> Result<Self, Mistyped> {
        if let Some(kind) = node.get("type")
            && kind.text()? != "equals"
        {
            return Err(kind.expected("\"equals\""));
        }
        let (mask, value) = (hex(&node.require("mask")?)?, hex(&node.require("val")?)?);
        if length(&mask) == 0 {
            // Qiskit 0.6 took an empty mask for no condition.
            let value = BitString::zeros(1);
            return Ok(Self { mask, relation: Binary::Equal, value });
        }
        let value = shift_up(&value, first_bit(&mask));
        Ok(Self { mask, relation: Binary::Equal, value })
    }

    /// Adds the condition to a circuit: as a comparison of a run of clbits where that says the
    /// same, else of all clbits and the mask.
    pub(super) fn add_to(&self, circuit: &mut Circuit) -> ExprId {
        let n_clbits = circuit.n_clbits();
        let mask = self.mask.slice(0, n_clbits);
        let (start, end) = (first_bit(&mask), length(&mask));
        let one_run = end > start && (start..end).all(|bit| mask.get(bit));
        let (left, value) = if one_run && clear_below(&self.value, start) {
            let value = self.value.slice(start, self.value.width().saturating_sub(start));
            (circuit.add_expr(Expr::Clbits { start, size: end - start }), value)
        } else {
            let clbits = circuit.add_expr(Expr::Clbits { start: 0, size: n_clbits });
            let mask = circuit.add_expr(Expr::Literal(Value::Uint(mask)));
            let masked = circuit.add_expr(Expr::Binary(Binary::BitAnd, clbits, mask));
            (masked, self.value.clone())
        };
        let width = length(&value).max(if one_run { end - start } else { n_clbits });
        let value = circuit.add_expr(Expr::Literal(Value::Uint(value.slice(0, width))));
        circuit.add_expr(Expr::Binary(self.relation, left, value))
    }

    /// The condition that an expression is, if it is one.
    pub(super) fn of(circuit: &Circuit, id: ExprId) -> Option<Self> {
        match circuit.expression(id) {
            Expr::Clbit(clbit) => {
                let bit = shift_up(&BitString::from_u64(1, 1), clbit.0);
                Some(Self { mask: bit.clone(), relation: Binary::Equal, value: bit })
            }
            Expr::Clbits { start, size } => {
                let (mask, value) = (run(*start, *size), BitString::zeros(1));
                Some(Self { mask, relation: Binary::NotEqual, value })
            }
            Expr::Unary(Unary::Not, inner) => Some(Self::of(circuit, *inner)?.negated()),
            Expr::Binary(relation, left, right) => {
                let known = RELATIONS.iter().any(|(_, known)| known == relation);
                let Expr::Literal(value) = circuit.expression(*right) else { return None };
                let value = bits_of(value)?;
                let (mask, start) = masked(circuit, *left)?;
                known.then(|| Self { mask, relation: *relation, value: shift_up(&value, start) })
            }
            _ => None,
        }
    }

    /// Holds where this one does not.
    pub(super) fn negated(self) -> Self {
        let relation = match self.relation {
            Binary::Equal => Binary::NotEqual,
            Binary::NotEqual => Binary::Equal,
            Binary::Less => Binary::GreaterEqual,
            Binary::LessEqual => Binary::Greater,
            Binary::Greater => Binary::LessEqual,
            _ => Binary::Less,
        };
        Self { relation, ..self }
    }

    /// The fields of a `bfunc`, without its targets.
    pub(super) fn to_bfunc(&self) -> Json {
        let relation = RELATIONS.iter().find(|(_, relation)| *relation == self.relation);
        let relation = relation.map_or("==", |(name, _)| name);
        let (mask, val) = (self.mask.to_hex(), self.value.to_hex());
        json!({"name": "bfunc", "mask": mask, "relation": relation, "val": val})
    }

    /// The object of Qiskit 0.6, which knows only equality.
    pub(super) fn to_object(&self) -> Option<Json> {
        let empty = length(&self.mask) == 0 && length(&self.value) == 0;
        let start = if empty { 0 } else { first_bit(&self.mask) };
        let exact = self.relation == Binary::Equal
            && (empty || length(&self.mask) > 0)
            && clear_below(&self.value, start);
        exact.then(|| {
            let value = self.value.slice(start, self.value.width().saturating_sub(start));
            json!({"type": "equals", "mask": self.mask.to_hex(), "val": value.to_hex()})
        })
    }
}

/// The clbits that an operand reads as a mask, and how far down it moves them.
fn masked(circuit: &Circuit, id: ExprId) -> Option<(BitString, u32)> {
    match circuit.expression(id) {
        Expr::Clbit(clbit) => Some((run(clbit.0, 1), clbit.0)),
        Expr::Clbits { start, size } => Some((run(*start, *size), *start)),
        Expr::Binary(Binary::BitAnd, left, right) => {
            let Expr::Clbits { start, size } = circuit.expression(*left) else { return None };
            let Expr::Literal(mask) = circuit.expression(*right) else { return None };
            let mask = bits_of(mask)?;
            Some((shift_up(&mask.slice(0, *size), *start), *start))
        }
        _ => None,
    }
}

fn bits_of(value: &Value) -> Option<BitString> {
    match value {
        Value::Bool(value) => Some(BitString::from_u64(1, u64::from(*value))),
        Value::Uint(bits) => Some(bits.clone()),
        Value::Int(value) => Some(BitString::from_u64(64, u64::try_from(*value).ok()?)),
        _ => None,
    }
}

fn run(start: u32, size: u32) -> BitString {
    let mut bits = BitString::zeros(start + size);
    (start..start + size).for_each(|bit| bits.set(bit, true));
    bits
}

fn shift_up(bits: &BitString, by: u32) -> BitString {
    let mut moved = BitString::zeros(bits.width() + by);
    (0..bits.width()).filter(|&bit| bits.get(bit)).for_each(|bit| moved.set(bit + by, true));
    moved
}

/// The lowest bit that is set; the width if there is none.
fn first_bit(bits: &BitString) -> u32 {
    (0..bits.width()).find(|&bit| bits.get(bit)).unwrap_or(bits.width())
}

fn clear_below(bits: &BitString, end: u32) -> bool {
    (0..end.min(bits.width())).all(|bit| !bits.get(bit))
}

/// One more than the highest bit that is set.
fn length(bits: &BitString) -> u32 {
    (0..bits.width()).rev().find(|&bit| bits.get(bit)).map_or(0, |bit| bit + 1)
}

/// A number as `0x…` text, or as a number.
fn hex(node: &Node<'_, '_>) -> Result<BitString, Mistyped> {
    if let Some(value) = node.value.as_u64() {
        return Ok(BitString::from_u64(64 - value.leading_zeros(), value));
    }
    let wrong = || node.expected("a number such as \"0x1f\"");
    let text = node.text()?;
    let width = u32::try_from(text.len()).ok().and_then(|n| n.checked_mul(4)).ok_or_else(wrong)?;
    if width > MAX_QUBITS + 8 {
        return Err(node.expected(format!("a number of at most {MAX_QUBITS} bits")));
    }
    let bits = BitString::from_hex(width, text).map_err(|_| wrong())?;
    Ok(bits.slice(0, length(&bits)))
}
