//! The value of an expression.

use super::{
    Binary, Circuit, Expr, ExprId, Param, Value,
    arithmetic::{binary, meaningless, unary},
};
use crate::BitString;

/// What an expression is evaluated in.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The classical bits now.
    pub clbits: &'a BitString,
    /// The variables now, by [`VarId`](super::VarId).
    pub variables: &'a [Value],
    /// The numbers bound to the parameters, by [`ParamId`](super::ParamId).
    pub bindings: &'a [f64],
}

/// An expression without a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A parameter has no number yet.
    #[error("parameter `{name}` is not bound to a number")]
    Unbound {
        /// Its name.
        name: String,
    },
    /// An operator has no meaning for these values.
    #[error("{operator} has no meaning for {operands}")]
    Meaningless {
        /// The operator.
        operator: String,
        /// The values.
        operands: String,
    },
    /// An integer is divided by zero.
    #[error("division by zero: the right side of {operator:?} is 0")]
    DivisionByZero {
        /// Division or remainder.
        operator: Binary,
    },
    /// Nothing stands at an index.
    #[error("index {index} is out of range: there are {size}, expected -{size} to {size} - 1")]
    IndexOutOfRange {
        /// The index.
        index: String,
        /// How many things there are.
        size: u32,
    },
    /// Infinity, or what is not a number, shall become an integer.
    #[error("{number} cannot become an integer")]
    NotFinite {
        /// What it is.
        number: f64,
    },
    /// The operator would take too long on integers of this width.
    #[error("{operator:?} of {width} bits, at most {limit} are allowed")]
    TooWide {
        /// The operator.
        operator: Binary,
        /// The width of the wider operand.
        width: u32,
        /// The widest allowed.
        limit: u32,
    },
}

impl Circuit {
    /// The value of an expression.
    ///
    /// Operators follow the types of their operands:
    ///
    /// * With a real operand the result is real, as IEEE 754 has it.
    /// * Else, with a signed one it is signed, of 64 bits, and wraps around; a cast makes it wrap at
    ///   another width.
    /// * Else it is unsigned, as wide as the wider operand, and wraps around there.
    /// * Shifts and rotations have the type and width of their left operand; a shift by more than
    ///   the width leaves 0, or the sign.
    /// * Integer division rounds towards zero, the remainder has the sign of the dividend.
    /// * `And` and `Or` evaluate the right operand only where the left one does not decide.
    ///
    /// # Errors
    /// If a parameter is not bound, an operator has no meaning for its operands, an integer is
    /// divided by zero, or an index is out of range.
    ///
    /// # Panics
    /// If the circuit is not [valid](Self::validate), or the scope is smaller than the circuit.
    pub fn evaluate(&self, id: ExprId, scope: Scope<'_>) -> Result<Value, EvaluateError> {
        match self.expression(id) {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Parameter(param) => {
                let number = scope.bindings.get(param.0 as usize);
                number.copied().map(Value::Float).ok_or_else(|| EvaluateError::Unbound {
                    name: self.parameters()[param.0 as usize].clone(),
                })
            }
            Expr::Clbit(clbit) => Ok(Value::Bool(scope.clbits.get(clbit.0))),
            Expr::Clbits { start, size } => Ok(Value::Uint(scope.clbits.slice(*start, *size))),
            Expr::Var(var) => Ok(scope.variables[var.0 as usize].clone()),
            Expr::Unary(operator, a) => unary(*operator, self.evaluate(*a, scope)?),
            Expr::Binary(operator, a, b) => {
                let a = self.evaluate(*a, scope)?;
                match operator {
                    Binary::And if !a.is_true() => Ok(Value::Bool(false)),
                    Binary::Or if a.is_true() => Ok(Value::Bool(true)),
                    _ => binary(*operator, &a, &self.evaluate(*b, scope)?),
                }
            }
            Expr::Cast(ty, a) => self.evaluate(*a, scope)?.try_cast(*ty),
            Expr::Index { of, index } => {
                let index = self.evaluate(*index, scope)?;
                match self.evaluate(*of, scope)? {
                    Value::Bool(bit) => index.to_index(1).map(|_| Value::Bool(bit)),
                    Value::Uint(bits) => Ok(Value::Bool(bits.get(index.to_index(bits.width())?))),
                    other => Err(meaningless(&"an index", &[&other])),
                }
            }
            Expr::Element { first, size, index } => {
                let place = self.evaluate(*index, scope)?.to_index(*size)?;
                Ok(scope.variables[(first.0 + place) as usize].clone())
            }
        }
    }

    /// The number that a parameter stands for.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    ///
    /// # Panics
    /// As [`evaluate`](Self::evaluate).
    pub fn number(&self, param: Param, scope: Scope<'_>) -> Result<f64, EvaluateError> {
        match param {
            Param::Number(number) => Ok(number),
            Param::Expr(id) => Ok(self.evaluate(id, scope)?.to_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Clbit;

    fn value(circuit: &Circuit, id: ExprId, clbits: &str) -> Value {
        let clbits = clbits.parse().unwrap();
        let scope = Scope { clbits: &clbits, variables: &[], bindings: &[0.5] };
        circuit.evaluate(id, scope).unwrap()
    }

    #[test]
    fn registers_compare_as_numbers_of_any_width() {
        let mut circuit = Circuit::new(0, 70);
        let equal = circuit.register_equals(0, 70, 5);
        assert_eq!(value(&circuit, equal, &format!("{:070b}", 5)), Value::Bool(true));
        assert_eq!(value(&circuit, equal, &format!("1{:069b}", 5)), Value::Bool(false));
        let too_large = circuit.register_equals(0, 2, 4);
        assert_eq!(value(&circuit, too_large, "00"), Value::Bool(false));
    }

    #[test]
    fn operators_follow_the_types() {
        let mut circuit = Circuit::new(0, 4);
        circuit.parameter("theta");
        let mut literal = |value| circuit.add_expr(Expr::Literal(value));
        let three = literal(Value::Uint(BitString::from_u64(4, 3)));
        let minus = literal(Value::Int(-2));
        let half = literal(Value::Float(0.5));
        let bits = circuit.add_expr(Expr::Clbits { start: 0, size: 4 });
        let theta = circuit.add_expr(Expr::Parameter(crate::circuit::ParamId(0)));
        let bit = circuit.add_expr(Expr::Clbit(Clbit(1)));
        let mut check = |operator, a, b, expected| {
            let id = circuit.add_expr(Expr::Binary(operator, a, b));
            assert_eq!(value(&circuit, id, "1010"), expected, "{operator:?}");
        };
        let uint = |value| Value::Uint(BitString::from_u64(4, value));
        check(Binary::BitAnd, bits, three, uint(2));
        check(Binary::Sub, three, bits, uint(9));
        check(Binary::Shl, bits, three, uint(0));
        check(Binary::Shr, bits, three, uint(1));
        check(Binary::Add, minus, three, Value::Int(1));
        check(Binary::Mul, theta, half, Value::Float(0.25));
        check(Binary::Less, minus, three, Value::Bool(true));
        check(Binary::And, bit, three, Value::Bool(true));
        let zero = circuit.add_expr(Expr::Literal(Value::Int(0)));
        let by_zero = circuit.add_expr(Expr::Binary(Binary::Rem, three, zero));
        let scope = Scope { clbits: &BitString::zeros(4), variables: &[], bindings: &[] };
        assert!(circuit.evaluate(by_zero, scope).is_err());
        assert!(matches!(circuit.evaluate(theta, scope), Err(EvaluateError::Unbound { .. })));
    }
}
