//! Gates, subroutines and their calls.

use std::rc::Rc;

use crate::diagnostic::{Failure, Parsed};

use super::super::{
    ast::{Expr, ExprKind, GateCall, GateDef, Ident, Modifier, ModifierKind, StmtKind, Sub, Type},
    token::Kind,
};
use super::Parser;

impl Parser<'_, '_> {
    pub(super) fn gate_definition(&mut self) -> Parsed<StmtKind> {
        self.bump();
        let name = self.ident("the name of a gate")?;
        let mut params = Vec::new();
        if self.eat("(") {
            params = self.list(")", |parser| parser.ident("the name of a parameter"))?;
        }
        let qubits = self.list_to_brace(|parser| parser.ident("the name of a qubit"))?;
        for (place, one) in params.iter().chain(&qubits).enumerate() {
            if params.iter().chain(&qubits).take(place).any(|other| other.name == one.name) {
                let text = crate::lexer::shown(self.text(one.span));
                return Err(Failure::new(one.span.range(), format!("`{text}` stands twice")));
            }
        }
        let body = self.block()?;
        Ok(StmtKind::Gate(Rc::new(GateDef { name, params, qubits, body })))
    }

    /// Items separated by commas up to a brace, which is not passed over.
    fn list_to_brace<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        while !self.next_is("{") {
            items.push(item(self)?);
            if !self.eat(",") && !self.next_is("{") {
                return Err(self.expected("`,` or `{`"));
            }
        }
        Ok(items)
    }

    pub(super) fn subroutine(&mut self) -> Parsed<StmtKind> {
        self.bump();
        let name = self.ident("the name of a subroutine")?;
        self.expect("(")?;
        let args = self.list(")", |parser| {
            let ty = parser.any_type()?;
            let name = parser.ident("the name of an argument")?;
            // `creg c[4]` and `qreg q[4]` have their size behind the name.
            let ty = match (ty.kind, parser.designator()?) {
                (kind, None) => Type { kind, ..ty },
                (super::super::ast::TypeKind::Bit(None), size) => {
                    Type { kind: super::super::ast::TypeKind::Bit(size), ..ty }
                }
                (super::super::ast::TypeKind::Qubit(None), size) => {
                    Type { kind: super::super::ast::TypeKind::Qubit(size), ..ty }
                }
                (_, Some(size)) => {
                    return Err(Failure::new(size.span.range(), "the size stands in the type"));
                }
            };
            Ok((ty, name))
        })?;
        let returns = self.return_type()?;
        let body = self.block()?;
        Ok(StmtKind::Def(Rc::new(Sub { name, args, returns, body })))
    }

    fn return_type(&mut self) -> Parsed<Option<Type>> {
        match self.eat("->") {
            true if self.eat_word("void") => Ok(None),
            true => self.classical_type().map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn external(&mut self) -> Parsed<StmtKind> {
        self.bump();
        let name = self.ident("the name of an external function")?;
        self.expect("(")?;
        self.list(")", |parser| {
            let ty = parser.any_type()?;
            // Some programs name the arguments.
            if matches!(parser.token.kind, Kind::Word(_)) {
                parser.ident("the name of an argument")?;
            }
            Ok(ty)
        })?;
        self.return_type()?;
        self.expect(";")?;
        Ok(StmtKind::Extern(name))
    }

    /// `defcal name(arguments) qubits -> type { … }`
    pub(super) fn defcal(&mut self) -> Parsed<StmtKind> {
        self.bump();
        if !matches!(self.token.kind, Kind::Word(_)) {
            return Err(self.expected("the name of a gate, `measure`, `reset` or `delay`"));
        }
        // `measure`, `reset` and `delay` are no names.
        let name = if self.word_is_reserved() { None } else { Some(self.ident("a gate")?.name) };
        if name.is_none() {
            self.bump();
        }
        if self.eat("(") {
            self.list(")", |parser| {
                if !parser.word_is_reserved() || parser.is("true") || parser.is("false") {
                    parser.expression()?;
                    return Ok(());
                }
                parser.any_type()?;
                if matches!(parser.token.kind, Kind::Word(_)) {
                    parser.ident("the name of an argument")?;
                }
                Ok(())
            })?;
        }
        while !self.next_is("{") && !self.next_is("->") {
            match self.token.kind {
                Kind::Physical(_) => {
                    self.bump();
                }
                _ => {
                    self.ident("a qubit such as `$0` or `q`")?;
                }
            }
            if !self.eat(",") && !self.next_is("{") && !self.next_is("->") {
                return Err(self.expected("`,` or `{`"));
            }
        }
        self.return_type()?;
        self.calibration()?;
        Ok(StmtKind::DefCal(name))
    }

    /// `pow` begins a modifier, not a call of the function of that name.
    pub(super) fn is_modifier(&self) -> bool {
        // `pow(2) @ x q;`: the sign stands behind the parentheses, which hold no semicolon.
        let rest = self.cursor.rest();
        let statement = &rest[..rest.find([';', '{', '}']).unwrap_or(rest.len())];
        statement.contains('@')
    }

    /// `ctrl @ inv @ gate(params) operands;`
    pub(super) fn modified_call(&mut self) -> Parsed<StmtKind> {
        let mut modifiers = Vec::new();
        loop {
            let start = self.here();
            let kind = if self.eat_word("inv") {
                ModifierKind::Inv
            } else if self.next_word_is("pow") {
                self.bump();
                self.expect("(")?;
                let exponent = self.expression()?;
                self.expect(")")?;
                ModifierKind::Pow(exponent)
            } else if self.is("ctrl") || self.is("negctrl") {
                let open = self.is("negctrl");
                self.bump();
                let mut count = None;
                if self.eat("(") {
                    count = Some(self.expression()?);
                    self.expect(")")?;
                }
                ModifierKind::Ctrl { count, open }
            } else {
                break;
            };
            let span = self.since(start);
            self.expect("@")?;
            modifiers.push(Modifier { span, kind });
        }
        let name = self.ident("the name of a gate")?;
        let mut params = Vec::new();
        if self.eat("(") {
            params = self.list(")", Self::expression)?;
        }
        let operands = self.list(";", Self::operand)?;
        Ok(StmtKind::Call(Box::new(GateCall { modifiers, name, params, operands })))
    }

    /// The operands of a call whose name and parameters were read.
    pub(super) fn call(&mut self, callee: Expr) -> Parsed<StmtKind> {
        let (name, params) = self.callee(callee)?;
        let operands = self.list(";", Self::operand)?;
        Ok(StmtKind::Call(Box::new(GateCall { modifiers: Vec::new(), name, params, operands })))
    }

    /// The name and parameters of what is called.
    pub(super) fn callee(&mut self, callee: Expr) -> Parsed<(Ident, Vec<Expr>)> {
        match callee.kind {
            ExprKind::Name(name) => Ok((Ident { name, span: callee.span }, Vec::new())),
            ExprKind::Call(name, params) => Ok((name, params)),
            // `gate(params)[duration] operands`: gates take no time of their own here.
            ExprKind::Index(inner, indices) if indices.len() == 1 => self.callee(*inner),
            _ => Err(self.expected("an operator or `;`")),
        }
    }
}
