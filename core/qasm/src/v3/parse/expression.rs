//! Expressions, by the precedence of their operators.

use ketch_interface::{BitString, circuit::TimeUnit};

use crate::diagnostic::{Failure, Parsed};

use super::super::{
    ast::{BinaryOp, Expr, ExprKind, Index, IndexItem, RangeExpr, Span, Type, UnaryOp},
    token::{Kind, sign},
};
use super::Parser;

/// Operators of two operands by level, those that bind least first; all but `**` go from left to
/// right.
const LEVELS: [&[(&str, BinaryOp)]; 10] = [
    &[("||", BinaryOp::Or)],
    &[("&&", BinaryOp::And)],
    &[("|", BinaryOp::BitOr)],
    &[("^", BinaryOp::BitXor)],
    &[("&", BinaryOp::BitAnd)],
    &[("==", BinaryOp::Equal), ("!=", BinaryOp::NotEqual)],
    &[
        ("<", BinaryOp::Less),
        ("<=", BinaryOp::LessEqual),
        (">", BinaryOp::Greater),
        (">=", BinaryOp::GreaterEqual),
    ],
    &[("<<", BinaryOp::Shl), (">>", BinaryOp::Shr)],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Sub)],
    &[("*", BinaryOp::Mul), ("/", BinaryOp::Div), ("%", BinaryOp::Rem)],
];

/// Units of time, with their names.
const UNITS: [(&str, TimeUnit); 6] = [
    ("dt", TimeUnit::Tick),
    ("ns", TimeUnit::Nanosecond),
    ("us", TimeUnit::Microsecond),
    ("µs", TimeUnit::Microsecond),
    ("ms", TimeUnit::Millisecond),
    ("s", TimeUnit::Second),
];

impl Parser<'_, '_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            let first = parser.unary()?;
            parser.operators(first, 0)
        })
    }

    /// The operators behind an operand that was read.
    pub(super) fn continue_expression(&mut self, first: Expr) -> Parsed<Expr> {
        self.operators(first, 0)
    }

    /// The level of the operator that comes next.
    fn next_operator(&self) -> Option<(usize, BinaryOp)> {
        if !matches!(self.token.kind, Kind::Sign(_)) {
            return None;
        }
        LEVELS.iter().enumerate().find_map(|(level, operators)| {
            let found = operators.iter().find(|(text, _)| self.next_is(text))?;
            Some((level, found.1))
        })
    }

    /// What `first` and the operators behind it make that bind at least as `lowest`.
    fn operators(&mut self, first: Expr, lowest: usize) -> Parsed<Expr> {
        let mut left = first;
        while let Some((level, _)) = self.next_operator().filter(|(level, _)| *level >= lowest) {
            let start = left.span;
            let mut rest = Vec::new();
            while let Some((_, operator)) = self.next_operator().filter(|(at, _)| *at == level) {
                self.bump();
                let operand = self.unary()?;
                rest.push((operator, self.operators(operand, level + 1)?));
            }
            let kind = ExprKind::Chain(Box::new(left), rest);
            left = Expr { span: self.since(start), kind };
        }
        Ok(left)
    }

    /// An operand with its signs: they bind less than `**`.
    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let operator = match self.token.kind {
            kind if kind == sign("-") => UnaryOp::Negate,
            kind if kind == sign("!") => UnaryOp::Not,
            kind if kind == sign("~") => UnaryOp::BitNot,
            _ => return self.power(),
        };
        self.bump();
        let operand = self.deeper(Self::unary)?;
        let kind = ExprKind::Unary(operator, Box::new(operand));
        Ok(Expr { span: self.since(start), kind })
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if !self.eat("**") {
            return Ok(base);
        }
        let start = base.span;
        let exponent = self.deeper(Self::unary)?;
        let kind = ExprKind::Chain(Box::new(base), vec![(BinaryOp::Pow, exponent)]);
        Ok(Expr { span: self.since(start), kind })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let primary = self.primary()?;
        if !self.next_is("[") {
            return Ok(primary);
        }
        let start = primary.span;
        let mut indices = Vec::new();
        while self.next_is("[") {
            indices.push(self.index()?);
        }
        let kind = ExprKind::Index(Box::new(primary), indices);
        Ok(Expr { span: self.since(start), kind })
    }

    /// `[items]`, or the older `[{items}]`.
    pub(super) fn index(&mut self) -> Parsed<Index> {
        let start = self.here();
        self.expect("[")?;
        let items = self.list("]", Self::index_item)?;
        let span = self.since(start);
        match items.is_empty() {
            true => Err(Failure::new(span.range(), "expected an index between the brackets")),
            false => Ok(Index { span, items }),
        }
    }

    fn index_item(&mut self) -> Parsed<IndexItem> {
        let start = self.here();
        if self.eat("{") {
            let items = self.list("}", Self::expression)?;
            let kind = ExprKind::Braces(items);
            return Ok(IndexItem::At(Expr { span: self.since(start), kind }));
        }
        let first = if self.next_is(":") { None } else { Some(self.expression()?) };
        if !self.eat(":") {
            return first.map(IndexItem::At).ok_or_else(|| self.expected("an index"));
        }
        let part = |parser: &mut Self| match parser.next_is("]")
            || parser.next_is(",")
            || parser.next_is(":")
        {
            true => Ok(None),
            false => parser.expression().map(|part| Some(Box::new(part))),
        };
        let second = part(self)?;
        let (step, stop) = if self.eat(":") { (second, part(self)?) } else { (None, second) };
        let start_value = first.map(Box::new);
        Ok(IndexItem::Range(RangeExpr { span: self.since(start), start: start_value, step, stop }))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let Kind::Word(_) = self.token.kind else { return self.literal() };
        let start = self.here();
        let kind = match self.text(start) {
            "true" => self.literal_word(ExprKind::Bool(true)),
            "false" => self.literal_word(ExprKind::Bool(false)),
            "durationof" => {
                self.bump();
                self.expect("(")?;
                let block = self.block()?;
                self.expect(")")?;
                ExprKind::DurationOf(block)
            }
            "measure" => {
                self.bump();
                ExprKind::Measure(Box::new(self.operand()?))
            }
            "bit" | "int" | "uint" | "float" | "angle" | "bool" | "complex" | "duration"
            | "array" | "stretch" => {
                let ty = self.any_type()?;
                return self.cast(start, ty);
            }
            _ => {
                let name = self.ident("an expression")?;
                if self.eat("(") {
                    ExprKind::Call(name, self.list(")", Self::expression)?)
                } else {
                    ExprKind::Name(name.name)
                }
            }
        };
        Ok(Expr { span: self.since(start), kind })
    }

    fn literal_word(&mut self, kind: ExprKind) -> ExprKind {
        self.bump();
        kind
    }

    /// `(expression)` behind a type.
    pub(super) fn cast(&mut self, start: Span, ty: Type) -> Parsed<Expr> {
        self.expect("(")?;
        let value = self.expression()?;
        self.expect(")")?;
        let kind = ExprKind::Cast(Box::new(ty), Box::new(value));
        Ok(Expr { span: self.since(start), kind })
    }

    fn literal(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let kind = match self.token.kind {
            Kind::Int(value) => {
                self.bump();
                let number = value as f64;
                match self.unit() {
                    Some(unit) => unit(number),
                    None => ExprKind::Int(i128::try_from(value).map_err(|_| {
                        Failure::new(start.range(), "a whole number of more than 127 bits")
                    })?),
                }
            }
            Kind::Float(value) => {
                self.bump();
                self.unit().map_or(ExprKind::Float(value), |unit| unit(value))
            }
            Kind::Physical(number) => {
                self.bump();
                ExprKind::Physical(number)
            }
            Kind::Text => {
                let text = self.text(start);
                let bits: String = text[1..text.len() - 1].chars().filter(|&c| c != '_').collect();
                let wrong = || Failure::new(start.range(), "expected bits such as `\"0110\"`");
                let bits: BitString = match bits.is_empty() {
                    true => return Err(wrong()),
                    false => bits.parse().map_err(|_| wrong())?,
                };
                self.bump();
                ExprKind::Bits(bits)
            }
            kind if kind == sign("(") => {
                self.bump();
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(Expr { span: self.since(start), kind: inner.kind });
            }
            kind if kind == sign("{") => {
                self.bump();
                let items = self.deeper(|parser| parser.list("}", Self::expression))?;
                ExprKind::Braces(items)
            }
            _ => return Err(self.expected("an expression")),
        };
        Ok(Expr { span: self.since(start), kind })
    }

    /// What the unit behind a number makes of it, if there is one.
    fn unit(&mut self) -> Option<impl Fn(f64) -> ExprKind + use<>> {
        let Kind::Word(_) = self.token.kind else { return None };
        let span = self.token.span;
        // A unit stands on the number's line.
        if self.cursor.slice(self.behind, span.start).contains('\n') {
            return None;
        }
        let text = self.text(span);
        let unit = UNITS.iter().find(|(name, _)| *name == text).map(|(_, unit)| *unit);
        if unit.is_none() && text != "im" {
            return None;
        }
        self.bump();
        Some(move |number| match unit {
            Some(unit) => ExprKind::Time(number, unit),
            None => ExprKind::Imaginary(number),
        })
    }

    /// What stands behind `=`, `return` and in `let`: an expression, a measurement, a call with
    /// qubits, or parts that are joined by `++`.
    pub(super) fn value(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let first = self.expression()?;
        if self.begins_operand() {
            let (name, params) = self.callee(first)?;
            let mut operands = vec![self.operand()?];
            while self.eat(",") {
                operands.push(self.operand()?);
            }
            let kind = ExprKind::QuantumCall(name, params, operands);
            return Ok(Expr { span: self.since(start), kind });
        }
        if !self.next_is("++") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.eat("++") {
            parts.push(self.expression()?);
        }
        Ok(Expr { span: self.since(start), kind: ExprKind::Concat(parts) })
    }

    /// A name or physical qubit comes next.
    pub(super) fn begins_operand(&self) -> bool {
        match self.token.kind {
            Kind::Physical(_) => true,
            Kind::Word(_) => !self.word_is_reserved(),
            _ => false,
        }
    }

    /// A qubit, a register, or a part of one.
    pub(super) fn operand(&mut self) -> Parsed<Expr> {
        let start = self.here();
        if !self.begins_operand() {
            return Err(self.expected("a qubit or register"));
        }
        let base = match self.token.kind {
            Kind::Physical(number) => {
                self.bump();
                ExprKind::Physical(number)
            }
            _ => ExprKind::Name(self.ident("a qubit or register")?.name),
        };
        let base = Expr { span: self.since(start), kind: base };
        if !self.next_is("[") {
            return Ok(base);
        }
        let mut indices = Vec::new();
        while self.next_is("[") {
            indices.push(self.index()?);
        }
        let kind = ExprKind::Index(Box::new(base), indices);
        Ok(Expr { span: self.since(start), kind })
    }
}
