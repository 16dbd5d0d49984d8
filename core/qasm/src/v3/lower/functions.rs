//! Functions of the language.

use ketch_interface::{
    BitString,
    circuit::{Binary, Expr as Node, Unary, VarType},
};

use crate::lexer::shown;

use super::super::ast::{BinaryOp, Expr, ExprKind, Ident, Span};
use super::{
    Found, Lower, Lowerer,
    constant::{large, radians},
    expression::bits_value,
    fail,
    place::Part,
    value::{Const, Ty, Value},
};

/// Functions of one number.
const OF_NUMBER: &[(&str, Unary)] = &[
    ("arccos", Unary::Acos),
    ("arcsin", Unary::Asin),
    ("arctan", Unary::Atan),
    ("acos", Unary::Acos),
    ("asin", Unary::Asin),
    ("atan", Unary::Atan),
    ("cos", Unary::Cos),
    ("exp", Unary::Exp),
    ("log", Unary::Ln),
    ("ln", Unary::Ln),
    ("sin", Unary::Sin),
    ("sqrt", Unary::Sqrt),
    ("tan", Unary::Tan),
];

/// The other functions, and how many arguments they take.
const OTHERS: &[(&str, usize, usize)] = &[
    ("abs", 1, 1),
    ("ceiling", 1, 1),
    ("floor", 1, 1),
    ("imag", 1, 1),
    ("mod", 2, 2),
    ("popcount", 1, 1),
    ("pow", 2, 2),
    ("real", 1, 1),
    ("rotl", 2, 2),
    ("rotr", 2, 2),
    ("sizeof", 1, 2),
];

impl Lowerer<'_> {
    /// A call that gives a value.
    pub(super) fn call_function(
        &mut self,
        name: Ident,
        args: &[Expr],
        qubits: &[Expr],
        span: Span,
    ) -> Lower<Value> {
        if let Found::Nothing = self.scopes.find(name.name) {
            if !qubits.is_empty() {
                return self.unknown(name.name, name.span, "subroutine", |symbol| {
                    matches!(symbol, super::Symbol::Sub(_))
                });
            }
            return self.built_in_function(name, args, span);
        }
        let all: Vec<&Expr> = args.iter().chain(qubits).collect();
        match self.call_sub(name, &all, span)? {
            Some(value) => Ok(value),
            None => {
                let text = shown(self.names.text(name.name));
                fail(span, format!("`{text}` gives nothing back"))
            }
        }
    }

    /// An expression whose value nobody asks for.
    pub(super) fn call_or_value(&mut self, expr: &Expr) -> Lower<()> {
        let (name, args, qubits) = match &expr.kind {
            ExprKind::Call(name, args) => (*name, args, &[][..]),
            ExprKind::QuantumCall(name, args, qubits) => (*name, args, &qubits[..]),
            _ => return self.eval(expr).map(|_| ()),
        };
        if let Found::Nothing = self.scopes.find(name.name) {
            return self.eval(expr).map(|_| ());
        }
        let all: Vec<&Expr> = args.iter().chain(qubits).collect();
        self.call_sub(name, &all, expr.span).map(|_| ())
    }

    fn built_in_function(&mut self, name: Ident, args: &[Expr], span: Span) -> Lower<Value> {
        let text = self.names.text(name.name).to_owned();
        if let Some((_, function)) = OF_NUMBER.iter().find(|(known, _)| *known == text) {
            self.check_args(&text, args, 1, 1, span)?;
            let value = self.eval(&args[0])?;
            return self.of_number(*function, &value, args[0].span);
        }
        let Some(&(function, least, most)) = OTHERS.iter().find(|(known, ..)| *known == text)
        else {
            let known = OF_NUMBER.iter().map(|(known, _)| *known);
            let known = known.chain(OTHERS.iter().map(|(known, ..)| *known));
            let near = ketch_interface::nearest(&text, known);
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("unknown function or subroutine `{}`", shown(&text));
            return super::fail_with_help(name.span, message, help);
        };
        self.check_args(&text, args, least, most, span)?;
        if function == "sizeof" {
            return self.size_of(args);
        }
        let values = self.eval_each(args)?;
        let a = values[0].clone();
        match function {
            "mod" | "pow" => {
                let operator = if function == "mod" { BinaryOp::Rem } else { BinaryOp::Pow };
                self.binary(operator, &a, &values[1], span)
            }
            "rotl" | "rotr" => self.rotated(&a, &values[1], function == "rotl", span),
            "popcount" => self.popcount(&a, span),
            "real" | "imag" => {
                let complex = self.convert(&a, Ty::Complex, span)?;
                match complex.as_known() {
                    Some(Const::Complex(z)) if function == "real" => Ok(Value::float(z.re)),
                    Some(Const::Complex(z)) => Ok(Value::float(z.im)),
                    _ => fail(span, "complex numbers must be known before the program runs"),
                }
            }
            "abs" => self.absolute(&a, span),
            _ => self.rounded(&a, function == "ceiling", span),
        }
    }

    fn check_args(
        &self,
        name: &str,
        args: &[Expr],
        least: usize,
        most: usize,
        span: Span,
    ) -> Lower<()> {
        if (least..=most).contains(&args.len()) {
            return Ok(());
        }
        let expected = if least == most { least.to_string() } else { format!("{least} or {most}") };
        let plural = if most == 1 { "" } else { "s" };
        fail(span, format!("`{name}` takes {expected} argument{plural}, found {}", args.len()))
    }

    fn of_number(&mut self, function: Unary, value: &Value, span: Span) -> Lower<Value> {
        if let Some(Const::Complex(z)) = value.as_known() {
            let result = match function {
                Unary::Exp => z.exp(),
                Unary::Ln => z.ln(),
                Unary::Sqrt => z.sqrt(),
                Unary::Sin => z.sin(),
                Unary::Cos => z.cos(),
                Unary::Tan => z.tan(),
                _ => return fail(span, "the function of a complex number is not known here"),
            };
            return Ok(Value::known(Ty::Complex, Const::Complex(result)));
        }
        if value.as_known().is_some() {
            let Some(number) = radians(value) else {
                return fail(span, format!("a function of numbers, of a `{}`", value.ty));
            };
            let result = function.of_number(number);
            return match result.is_finite() {
                true => Ok(Value::float(result)),
                false => fail(span, format!("the function has no value at {number}")),
            };
        }
        let number = self.convert(value, Ty::Float, span)?;
        let node = self.run_node(&number, span)?;
        Ok(Value::run(Ty::Float, self.node(Node::Unary(function, node))))
    }

    fn size_of(&mut self, args: &[Expr]) -> Lower<Value> {
        let part = self.part(&args[0])?;
        let sizes: Vec<usize> = match &part {
            Part::Array(array) => array.sizes.to_vec(),
            Part::Qubits(bits) | Part::Clbits(bits) if bits.register => vec![bits.bits.len()],
            Part::Var(var) if matches!(self.vars[*var].ty, Ty::Bits(_)) => {
                vec![self.vars[*var].ty.width().unwrap_or(0) as usize]
            }
            _ => return fail(args[0].span, "`sizeof` of what is no array or register"),
        };
        let dimension = match args.get(1) {
            None => 0,
            Some(dimension) => self.known_int(dimension, "the dimension")?,
        };
        match usize::try_from(dimension).ok().and_then(|dimension| sizes.get(dimension)) {
            Some(&size) => Ok(Value::known(Ty::Uint(64), Const::Int(size as i128))),
            None => fail(args[0].span, format!("dimension {dimension} of {}", sizes.len())),
        }
    }

    /// Bits moved round within their width.
    fn rotated(&mut self, value: &Value, by: &Value, left: bool, span: Span) -> Lower<Value> {
        let Some(width) = value.ty.width() else {
            return fail(span, format!("a rotation of a `{}`", value.ty));
        };
        let ty = value.ty;
        if let (Some(known), Some(by)) = (value.as_known(), by.as_int()) {
            let by = by.rem_euclid(i128::from(width)) as u32;
            let by = if left { by } else { width - by };
            let bits = match known {
                Const::Bits(bits) => bits.clone(),
                Const::Int(value) => super::value::bits_of(*value, width),
                _ => return Ok(value.clone()),
            };
            let mut turned = BitString::zeros(width);
            (0..width).for_each(|from| turned.set((from + by) % width, bits.get(from)));
            return match ty {
                Ty::Bits(_) => Ok(bits_value(turned)),
                _ => {
                    let value = i128::from(turned.to_u64().unwrap_or(0));
                    Ok(Value::known(ty, Const::Int(ty.wrap(value))))
                }
            };
        }
        let bits = self.convert_bits(value, width, span)?;
        let by = match by.ty.is_integer() {
            true => by.clone(),
            false => self.convert(by, Ty::Uint(64), span)?,
        };
        let by = self.run_node(&by, span)?;
        let operator = if left { Binary::RotateLeft } else { Binary::RotateRight };
        let node = self.node(Node::Binary(operator, bits, by));
        match ty.stored() {
            Some(stored @ VarType::Int(_)) => {
                Ok(Value::run(ty, self.node(Node::Cast(stored, node))))
            }
            _ => Ok(Value::run(ty, node)),
        }
    }

    fn popcount(&mut self, value: &Value, span: Span) -> Lower<Value> {
        let Some(width) = value.ty.width() else {
            return fail(span, format!("`popcount` of a `{}`", value.ty));
        };
        if let Some(known) = value.as_known() {
            let bits = match known {
                Const::Bits(bits) => bits.clone(),
                Const::Int(value) => super::value::bits_of(*value, width),
                Const::Bool(bit) => BitString::from_u64(1, u64::from(*bit)),
                _ => return fail(span, format!("`popcount` of a `{}`", value.ty)),
            };
            let count: u32 = bits.words().map(u64::count_ones).sum();
            return Ok(Value::known(Ty::Uint(64), Const::Int(i128::from(count))));
        }
        self.charge(span, 0, u64::from(width))?;
        let bits = self.convert_bits(value, width, span)?;
        let mut sum = self.uint(64, 0);
        for place in 0..width.min(MAX_COUNTED) {
            let by = self.uint(32, u64::from(place));
            let shifted = self.node(Node::Binary(Binary::Shr, bits, by));
            let bit = self.node(Node::Cast(VarType::Uint(1), shifted));
            let wide = self.node(Node::Cast(VarType::Uint(64), bit));
            sum = self.node(Node::Binary(Binary::Add, sum, wide));
        }
        match width > MAX_COUNTED {
            true => fail(span, format!("`popcount` of more than {MAX_COUNTED} bits")),
            false => Ok(Value::run(Ty::Uint(64), sum)),
        }
    }

    fn absolute(&mut self, value: &Value, span: Span) -> Lower<Value> {
        match (value.ty, value.as_known()) {
            (_, Some(Const::Complex(z))) => Ok(Value::float(z.norm())),
            (ty, Some(Const::Int(x))) if ty.is_integer() => {
                let positive = x.checked_abs().map_or_else(|| fail(span, large()), Ok)?;
                Ok(Value::known(ty, Const::Int(ty.wrap(positive))))
            }
            (Ty::Int(_), None) => {
                // x * (1 - 2 (x < 0))
                let below = self.binary(BinaryOp::Less, value, &Value::literal(0), span)?;
                let below = self.convert(&below, value.ty, span)?;
                let twice = self.binary(BinaryOp::Mul, &below, &Value::literal(2), span)?;
                let sign = self.binary(BinaryOp::Sub, &Value::literal(1), &twice, span)?;
                self.binary(BinaryOp::Mul, value, &sign, span)
            }
            (Ty::Uint(_), None) => Ok(value.clone()),
            _ => self.of_number(Unary::Abs, value, span),
        }
    }

    fn rounded(&mut self, value: &Value, up: bool, span: Span) -> Lower<Value> {
        if value.ty.is_integer() {
            return Ok(value.clone());
        }
        self.of_number(if up { Unary::Ceiling } else { Unary::Floor }, value, span)
    }
}

/// The most bits that are counted while the program runs.
const MAX_COUNTED: u32 = 512;

#[cfg(test)]
mod tests {
    use crate::v3::lower::value::angle_of;

    #[test]
    fn angles_are_rounded_to_their_width() {
        let pi = std::f64::consts::PI;
        assert_eq!(angle_of(9.0 * pi / 8.0, 4), 9);
        assert_eq!(angle_of(-pi / 4.0, 4), 14);
        assert_eq!(angle_of(2.0 * pi, 4), 0);
    }
}
