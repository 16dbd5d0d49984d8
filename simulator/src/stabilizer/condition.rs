//! Conditions on clbits, computed for all shots of a block at once.

use ketch_interface::circuit::{Binary, Circuit, Expr, ExprId, Unary, Value};
use ketch_kernels::{BitOp, FrameOp};

/// Steps that leave the truth of an expression in clbit `to`, with clbits above it for intermediate
/// values. Answers the clbit after the last one used; `None` if the expression is none of clbits
/// compared with numbers, `not`, `and` and `or`.
pub(super) fn condition(
    circuit: &Circuit,
    id: ExprId,
    to: u32,
    ops: &mut Vec<FrameOp>,
) -> Option<u32> {
    let mut bit = |op, to, from| ops.push(FrameOp::Bit { op, to, from });
    match circuit.expression(id) {
        Expr::Clbit(clbit) => bit(BitOp::Copy, to, clbit.0),
        Expr::Clbits { start, size } => {
            bit(BitOp::Clear, to, to);
            (*start..start + size).for_each(|clbit| bit(BitOp::Or, to, clbit));
        }
        Expr::Unary(Unary::Not, a) => {
            let end = condition(circuit, *a, to, ops)?;
            ops.push(FrameOp::Bit { op: BitOp::Not, to, from: to });
            return Some(end);
        }
        Expr::Binary(operator @ (Binary::And | Binary::Or), a, b) => {
            let first = condition(circuit, *a, to, ops)?;
            let second = condition(circuit, *b, to + 1, ops)?;
            let op = if *operator == Binary::And { BitOp::And } else { BitOp::Or };
            ops.push(FrameOp::Bit { op, to, from: to + 1 });
            return Some(first.max(second));
        }
        Expr::Binary(operator @ (Binary::Equal | Binary::NotEqual), a, b) => {
            let clbits = |id: &ExprId| match circuit.expression(*id) {
                Expr::Clbit(clbit) => Some((clbit.0, 1)),
                Expr::Clbits { start, size } => Some((*start, *size)),
                _ => None,
            };
            let number = |id: &ExprId| match circuit.expression(*id) {
                Expr::Literal(Value::Uint(bits)) => Some(bits.clone()),
                Expr::Literal(Value::Bool(value)) => {
                    Some(ketch_interface::BitString::from_u64(1, u64::from(*value)))
                }
                _ => None,
            };
            let (start, size, value) = match (clbits(a), number(b), number(a), clbits(b)) {
                (Some((start, size)), Some(value), ..) | (.., Some(value), Some((start, size))) => {
                    (start, size, value)
                }
                _ => return None,
            };
            // Collects where a clbit differs from the number.
            bit(BitOp::Clear, to, to);
            if (size..value.width()).any(|place| value.get(place)) {
                bit(BitOp::Not, to, to);
            }
            for place in 0..size {
                if value.get(place) {
                    bit(BitOp::Not, to + 1, start + place);
                } else {
                    bit(BitOp::Copy, to + 1, start + place);
                }
                bit(BitOp::Or, to, to + 1);
            }
            if *operator == Binary::Equal {
                bit(BitOp::Not, to, to);
            }
            return Some(to + 2);
        }
        _ => return None,
    }
    Some(to + 1)
}
