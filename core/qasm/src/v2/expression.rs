//! Parameter expressions.
//!
//! Operators bind as in mathematics: `^` (to the right), then the sign, then `*` and `/`, then `+`
//! and `-`. At a call the value is computed while reading; in a gate's body, code for a stack
//! machine is written that computes it at each use.

use ketch_interface::circuit::{Binary, Unary};

use super::names::PI;
use crate::{
    diagnostic::{Failure, Parsed},
    lexer::{Cursor, Word, shown},
};

/// How deep parentheses, signs and powers may nest.
pub const MAX_EXPRESSION_DEPTH: u32 = 200;

/// What is made of the parts of an expression.
pub(super) trait Build {
    /// What an expression becomes.
    type Value;

    fn number(&mut self, number: f64) -> Self::Value;
    /// A name that is neither `pi` nor a function.
    fn name(&mut self, name: &str) -> Option<Self::Value>;
    fn unary(&mut self, operator: Unary, a: Self::Value) -> Result<Self::Value, &'static str>;
    fn binary(
        &mut self,
        operator: Binary,
        a: Self::Value,
        b: Self::Value,
    ) -> Result<Self::Value, &'static str>;
    /// The known name that an unknown one resembles.
    fn nearest(&self, name: &str) -> Option<String>;
}

/// Computes at once.
pub(super) struct Now;

impl Build for Now {
    type Value = f64;

    #[inline]
    fn number(&mut self, number: f64) -> f64 {
        number
    }

    fn name(&mut self, _name: &str) -> Option<f64> {
        None
    }

    #[inline]
    fn unary(&mut self, operator: Unary, a: f64) -> Result<f64, &'static str> {
        unary(operator, a)
    }

    #[inline]
    fn binary(&mut self, operator: Binary, a: f64, b: f64) -> Result<f64, &'static str> {
        binary(operator, a, b)
    }

    fn nearest(&self, name: &str) -> Option<String> {
        nearest(name, [])
    }
}

/// One step of the stack machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Code {
    /// Pushes a number.
    Number(f64),
    /// Pushes the gate's parameter at this place.
    Parameter(u32),
    /// Replaces the top.
    Unary(Unary),
    /// Replaces the two on top.
    Binary(Binary),
}

/// Writes code; what does not depend on parameters is computed at once.
pub(super) struct Later<'a, F> {
    pub(super) codes: &'a mut Vec<Code>,
    /// The place of the parameter with this name.
    pub(super) parameter: F,
    /// The names of all parameters.
    pub(super) parameters: &'a [&'a str],
}

impl<F: Fn(&str) -> Option<u32>> Build for Later<'_, F> {
    type Value = ();

    fn number(&mut self, number: f64) {
        self.codes.push(Code::Number(number));
    }

    fn name(&mut self, name: &str) -> Option<()> {
        let place = (self.parameter)(name)?;
        self.codes.push(Code::Parameter(place));
        Some(())
    }

    fn unary(&mut self, operator: Unary, (): ()) -> Result<(), &'static str> {
        match self.codes[..] {
            [.., Code::Number(a)] => {
                self.codes.pop();
                self.codes.push(Code::Number(unary(operator, a)?));
            }
            _ => self.codes.push(Code::Unary(operator)),
        }
        Ok(())
    }

    fn binary(&mut self, operator: Binary, (): (), (): ()) -> Result<(), &'static str> {
        // In this order of code, two numbers on top are the two operands.
        match self.codes[..] {
            [.., Code::Number(a), Code::Number(b)] => {
                self.codes.truncate(self.codes.len() - 2);
                self.codes.push(Code::Number(binary(operator, a, b)?));
            }
            _ => self.codes.push(Code::Binary(operator)),
        }
        Ok(())
    }

    fn nearest(&self, name: &str) -> Option<String> {
        nearest(name, self.parameters.iter().copied().take(1024).filter(|known| known.len() <= 64))
    }
}

/// Runs code; `parameters` lie in `stack` from `first` on, and the results are pushed.
pub(super) fn run(codes: &[Code], stack: &mut Vec<f64>, first: usize) -> Result<(), &'static str> {
    let operand = "operands are pushed before their operator";
    for code in codes {
        let value = match *code {
            Code::Number(number) => number,
            Code::Parameter(place) => stack[first + place as usize],
            Code::Unary(operator) => unary(operator, stack.pop().expect(operand))?,
            Code::Binary(operator) => {
                let b = stack.pop().expect(operand);
                binary(operator, stack.pop().expect(operand), b)?
            }
        };
        stack.push(value);
    }
    Ok(())
}

#[inline]
fn unary(operator: Unary, a: f64) -> Result<f64, &'static str> {
    finite(operator.of_number(a))
}

#[inline]
fn binary(operator: Binary, a: f64, b: f64) -> Result<f64, &'static str> {
    if operator == Binary::Div && b == 0.0 {
        return Err("division by zero");
    }
    finite(operator.of_numbers(a, b).expect("the operators of OpenQASM 2 act on numbers"))
}

fn finite(value: f64) -> Result<f64, &'static str> {
    match value {
        _ if value.is_finite() => Ok(value),
        _ if value.is_nan() => Err("the value is not a number"),
        _ => Err("the value is too large for double precision"),
    }
}

const FUNCTIONS: &[(&str, Unary)] = &[
    ("sin", Unary::Sin),
    ("cos", Unary::Cos),
    ("tan", Unary::Tan),
    ("exp", Unary::Exp),
    ("ln", Unary::Ln),
    ("sqrt", Unary::Sqrt),
    // Not in the specification; Qiskit reads them.
    ("asin", Unary::Asin),
    ("acos", Unary::Acos),
    ("atan", Unary::Atan),
];

/// The name is that of a function.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, _)| *known == name)
}

fn nearest<'a>(name: &str, parameters: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known = FUNCTIONS.iter().map(|(known, _)| *known).chain(["pi"]).chain(parameters);
    let nearest = if name.len() <= 64 { ketch_interface::nearest(name, known) } else { None };
    nearest.map(|known| format!("did you mean `{known}`?"))
}

/// How strongly operators bind.
mod power {
    pub(super) const SUM: u8 = 1;
    pub(super) const PRODUCT: u8 = 2;
    pub(super) const SIGN: u8 = 3;
    pub(super) const POWER: u8 = 4;
}

/// Reads one expression.
#[inline]
pub(super) fn expression<B: Build>(cursor: &mut Cursor<'_>, build: &mut B) -> Parsed<B::Value> {
    binary_expression(cursor, build, power::SUM, 0)
}

/// Reads operands and the operators between them that bind at least as strongly as `least`.
fn binary_expression<B: Build>(
    cursor: &mut Cursor<'_>,
    build: &mut B,
    least: u8,
    depth: u32,
) -> Parsed<B::Value> {
    let mut value = operand(cursor, build, depth)?;
    loop {
        cursor.skip_space();
        let (operator, binds, right) = match cursor.peek() {
            b'+' => (Binary::Add, power::SUM, power::PRODUCT),
            b'-' => (Binary::Sub, power::SUM, power::PRODUCT),
            b'*' => (Binary::Mul, power::PRODUCT, power::SIGN),
            b'/' => (Binary::Div, power::PRODUCT, power::SIGN),
            b'^' => (Binary::Pow, power::POWER, power::POWER),
            _ => return Ok(value),
        };
        if binds < least {
            return Ok(value);
        }
        let start = cursor.at();
        cursor.eat(cursor.peek());
        // Only powers nest to the right; the others' right sides cannot hold the same operator.
        let b = binary_expression(cursor, build, right, depth + 1)?;
        value = build
            .binary(operator, value, b)
            .map_err(|reason| Failure::new(start..start + 1, reason))?;
    }
}

fn operand<B: Build>(cursor: &mut Cursor<'_>, build: &mut B, depth: u32) -> Parsed<B::Value> {
    cursor.skip_space();
    let start = cursor.at();
    if depth > MAX_EXPRESSION_DEPTH {
        let message = format!("the expression nests more than {MAX_EXPRESSION_DEPTH} deep");
        return Err(Failure::new(start..start + 1, message));
    }
    if let Some(number) = cursor.number() {
        return match number.is_finite() {
            true => Ok(build.number(number)),
            false => {
                let message = "the number is too large for double precision";
                Err(Failure::new(start..cursor.at(), message))
            }
        };
    }
    if let Some(word) = cursor.word() {
        return named(cursor, build, word, depth);
    }
    if cursor.eat(b'-') {
        let value = binary_expression(cursor, build, power::SIGN, depth + 1)?;
        return build
            .unary(Unary::Negate, value)
            .map_err(|reason| Failure::new(start..start + 1, reason));
    }
    if cursor.eat(b'+') {
        return binary_expression(cursor, build, power::SIGN, depth + 1);
    }
    if cursor.eat(b'(') {
        return parenthesised(cursor, build, depth);
    }
    Err(cursor.expected("an expression"))
}

fn named<B: Build>(
    cursor: &mut Cursor<'_>,
    build: &mut B,
    word: Word,
    depth: u32,
) -> Parsed<B::Value> {
    if word.key == PI && word.len() == 2 {
        return Ok(build.number(std::f64::consts::PI));
    }
    let name = cursor.name(word);
    let span = word.start..word.end;
    // A parameter of the name of a function is meant where no parenthesis follows.
    if let Some(&(_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name)
        && cursor.eat(b'(')
    {
        let value = parenthesised(cursor, build, depth)?;
        return build.unary(function, value).map_err(|reason| Failure::new(span, reason));
    }
    build.name(name).ok_or_else(|| {
        let message = format!("unknown name `{}` in an expression", shown(name));
        Failure::new(span, message).with_help(build.nearest(name))
    })
}

/// The rest of an expression behind its opening parenthesis.
fn parenthesised<B: Build>(cursor: &mut Cursor<'_>, build: &mut B, depth: u32) -> Parsed<B::Value> {
    let value = binary_expression(cursor, build, power::SUM, depth + 1)?;
    cursor.expect(b')')?;
    Ok(value)
}
