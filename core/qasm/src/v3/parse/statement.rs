//! Statements.

use crate::{
    diagnostic::{Failure, Parsed},
    lexer::key_of,
};

use super::super::{
    ast::{
        BinaryOp, Expr, ExprKind, ForValues, GateCall, Span, Stmt, StmtKind, SwitchCase, Type,
        TypeKind,
    },
    token::{Kind, sign},
};
use super::Parser;

/// `gphase`: the one gate whose call may look like a function's.
const GPHASE: &str = "gphase";

impl Parser<'_, '_> {
    pub(super) fn statement(&mut self) -> Parsed<Stmt> {
        let start = self.token.span;
        let kind = self.statement_kind()?;
        Ok(Stmt { span: self.since(start), kind })
    }

    fn statement_kind(&mut self) -> Parsed<StmtKind> {
        match self.token.kind {
            Kind::Word(_) => {}
            Kind::Hash => {
                self.bump();
                return self.pragma();
            }
            kind if kind == sign("@") => return self.annotation(),
            kind if kind == sign("{") => return Ok(StmtKind::Scope(self.block()?)),
            kind if kind == sign(";") => {
                self.bump();
                return Ok(StmtKind::Nop);
            }
            kind if kind == sign("}") => return Err(self.expected("a statement")),
            _ => return self.expression_statement(),
        }
        let first = self.token.span;
        match self.text(first) {
            "include" => {
                self.bump();
                let name = self.string("a file name in quotes")?;
                self.expect(";")?;
                Ok(StmtKind::Include(name))
            }
            "OPENQASM" => {
                let message = "the version stands once, at the beginning of the program";
                Err(Failure::new(first.range(), message))
            }
            "pragma" => self.pragma(),
            "gate" => self.gate_definition(),
            "def" => self.subroutine(),
            "extern" => self.external(),
            "defcalgrammar" => {
                self.bump();
                self.string("the name of a grammar in quotes")?;
                self.expect(";")?;
                Ok(StmtKind::Noted)
            }
            "cal" => {
                self.bump();
                self.calibration()?;
                Ok(StmtKind::Cal)
            }
            "defcal" => self.defcal(),
            "const" => {
                self.bump();
                let ty = self.classical_type()?;
                self.declaration(ty, true)
            }
            "input" => self.io(true),
            "output" => self.io(false),
            "qreg" | "creg" => self.old_register(),
            "bit" | "int" | "uint" | "float" | "angle" | "bool" | "duration" | "stretch"
            | "complex" | "array" | "qubit" => self.typed(),
            "let" => {
                self.bump();
                let name = self.ident("the name of an alias")?;
                self.expect("=")?;
                let value = self.value()?;
                self.expect(";")?;
                Ok(StmtKind::Alias(name, value))
            }
            "if" => self.conditional(),
            "for" => self.for_loop(),
            "while" => {
                self.bump();
                self.expect("(")?;
                let condition = self.expression()?;
                self.expect(")")?;
                Ok(StmtKind::While { condition, body: self.body()? })
            }
            "switch" => self.switch(),
            "box" => {
                self.bump();
                let duration = self.designator()?;
                Ok(StmtKind::Box(duration, self.block()?))
            }
            "break" => self.alone(StmtKind::Break),
            "continue" => self.alone(StmtKind::Continue),
            "end" => self.alone(StmtKind::End),
            "return" => {
                self.bump();
                let value = if self.next_is(";") { None } else { Some(self.value()?) };
                self.expect(";")?;
                Ok(StmtKind::Return(value))
            }
            "measure" => {
                let value = self.value()?;
                let target = if self.eat("->") { Some(self.expression()?) } else { None };
                self.expect(";")?;
                Ok(StmtKind::Measure { value, target })
            }
            "reset" => {
                self.bump();
                let operand = self.operand()?;
                self.expect(";")?;
                Ok(StmtKind::Reset(operand))
            }
            "barrier" => {
                self.bump();
                Ok(StmtKind::Barrier(self.operands_to_end()?))
            }
            "nop" => {
                self.bump();
                self.operands_to_end()?;
                Ok(StmtKind::Nop)
            }
            "delay" => {
                self.bump();
                let Some(duration) = self.designator()? else {
                    return Err(self.expected("a duration such as `[100ns]`"));
                };
                Ok(StmtKind::Delay(duration, self.operands_to_end()?))
            }
            "inv" | "ctrl" | "negctrl" => self.modified_call(),
            "pow" if self.is_modifier() => self.modified_call(),
            _ => self.expression_statement(),
        }
    }

    fn alone(&mut self, kind: StmtKind) -> Parsed<StmtKind> {
        self.bump();
        self.expect(";")?;
        Ok(kind)
    }

    /// Operands up to the semicolon; none are allowed.
    fn operands_to_end(&mut self) -> Parsed<Vec<Expr>> {
        self.list(";", Self::operand)
    }

    /// The rest of the line, which means nothing here.
    fn pragma(&mut self) -> Parsed<StmtKind> {
        if !self.is("pragma") {
            return Err(self.expected("`pragma`"));
        }
        self.skip_line(self.token.span.end);
        Ok(StmtKind::Noted)
    }

    fn annotation(&mut self) -> Parsed<StmtKind> {
        self.bump();
        if !matches!(self.token.kind, Kind::Word(_)) {
            return Err(self.expected("the name of an annotation"));
        }
        self.skip_line(self.token.span.start);
        Ok(StmtKind::Noted)
    }

    fn skip_line(&mut self, from: usize) {
        self.cursor.back_to(from);
        let line = self.cursor.rest().find('\n');
        self.cursor.advance(line.unwrap_or(self.cursor.rest().len()));
        self.bad = None;
        self.bump();
    }

    /// The text of a string.
    fn string(&mut self, what: &str) -> Parsed<String> {
        if self.token.kind != Kind::Text {
            return Err(self.expected(what));
        }
        let span = self.bump().span;
        Ok(self.cursor.slice(span.start + 1, span.end - 1).to_owned())
    }

    /// `type name …`, or a cast that begins an expression.
    fn typed(&mut self) -> Parsed<StmtKind> {
        let start = self.token.span;
        let ty = self.any_type()?;
        if self.next_is("(") {
            let cast = self.cast(start, ty)?;
            let expr = self.continue_expression(cast)?;
            self.expect(";")?;
            return Ok(StmtKind::Expr(expr));
        }
        self.declaration(ty, false)
    }

    fn declaration(&mut self, ty: Type, constant: bool) -> Parsed<StmtKind> {
        let name = self.ident("a name")?;
        let quantum = matches!(ty.kind, TypeKind::Qubit(_));
        let value = if !quantum && self.eat("=") { Some(self.value()?) } else { None };
        if constant && value.is_none() {
            return Err(self.expected("`=` and the value of the constant"));
        }
        if !self.eat(";") {
            let or = if value.is_some() || quantum { "`;`" } else { "`=` or `;`" };
            return Err(self.expected(or));
        }
        Ok(StmtKind::Declare { ty, name, value, constant })
    }

    fn io(&mut self, input: bool) -> Parsed<StmtKind> {
        self.bump();
        let ty = self.classical_type()?;
        let name = self.ident("a name")?;
        self.expect(";")?;
        Ok(StmtKind::Io { ty, name, input })
    }

    /// `qreg name[size];`
    fn old_register(&mut self) -> Parsed<StmtKind> {
        let quantum = self.is("qreg");
        let start = self.bump().span;
        let name = self.ident("the name of a register")?;
        let size = self.designator()?;
        let kind = if quantum { TypeKind::Qubit(size) } else { TypeKind::Bit(size) };
        let ty = Type { span: self.since(start), kind };
        let value = if !quantum && self.eat("=") { Some(self.value()?) } else { None };
        self.expect(";")?;
        Ok(StmtKind::Declare { ty, name, value, constant: false })
    }

    fn conditional(&mut self) -> Parsed<StmtKind> {
        self.bump();
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        let then = self.body()?;
        let otherwise = if self.eat_word("else") { Some(self.body()?) } else { None };
        Ok(StmtKind::If { condition, then, otherwise })
    }

    fn for_loop(&mut self) -> Parsed<StmtKind> {
        self.bump();
        // Older programs leave the type out.
        let typed = self.word_is_reserved();
        let start = self.token.span;
        let ty = match typed {
            true => self.classical_type()?,
            false => Type { span: start, kind: TypeKind::Int(None) },
        };
        let name = self.ident("the name of the loop's variable")?;
        self.expect_word("in")?;
        let values = if self.next_is("[") {
            let index = self.index()?;
            let span = index.span;
            match <[_; 1]>::try_from(index.items) {
                Ok([super::super::ast::IndexItem::Range(range)]) => ForValues::Range(range),
                _ => {
                    let message = "expected a range such as `[0:9]`";
                    return Err(Failure::new(span.range(), message));
                }
            }
        } else if self.eat("{") {
            ForValues::Set(self.list("}", Self::expression)?)
        } else {
            ForValues::Of(self.expression()?)
        };
        Ok(StmtKind::For { ty, name, values, body: self.body()? })
    }

    fn switch(&mut self) -> Parsed<StmtKind> {
        self.bump();
        self.expect("(")?;
        let target = self.expression()?;
        self.expect(")")?;
        self.expect("{")?;
        let mut cases: Vec<SwitchCase> = Vec::new();
        while !self.eat("}") {
            let start = self.token.span;
            let values = if self.eat_word("default") {
                // The first drafts of the language had a colon.
                self.eat(":");
                Vec::new()
            } else if self.eat_word("case") {
                let mut values = vec![self.expression()?];
                while self.eat(",") && !self.next_is("{") {
                    values.push(self.expression()?);
                }
                self.eat(":");
                values
            } else {
                return Err(self.expected("`case`, `default` or `}`"));
            };
            if cases.last().is_some_and(|case| case.values.is_empty()) {
                return Err(Failure::new(start.range(), "`default` stands behind all cases"));
            }
            cases.push(SwitchCase { values, body: self.block()? });
        }
        Ok(StmtKind::Switch { target, cases })
    }

    /// A statement that begins with an expression: an assignment, a call of a gate or subroutine.
    fn expression_statement(&mut self) -> Parsed<StmtKind> {
        let start = self.token.span;
        let expr = self.expression()?;
        let operator = self.assignment_operator();
        if operator.is_some() || self.next_is("=") {
            self.bump();
            if !matches!(expr.kind, ExprKind::Name(_) | ExprKind::Index(..)) {
                let message = "only a name, or a part of what it names, is assigned to";
                return Err(Failure::new(expr.span.range(), message));
            }
            let value = self.value()?;
            self.expect(";")?;
            return Ok(StmtKind::Assign { target: expr, operator, value });
        }
        if self.begins_operand() {
            return self.call(expr);
        }
        if self.eat("->") {
            let target = self.expression()?;
            self.expect(";")?;
            return Ok(StmtKind::Measure { value: expr, target: Some(target) });
        }
        if !self.eat(";") {
            let call = matches!(expr.kind, ExprKind::Name(_) | ExprKind::Call(..));
            return Err(self.expected(if call { "an operand, `=` or `;`" } else { "`;`" }));
        }
        match expr.kind {
            ExprKind::Call(name, params) if self.text(name.span) == GPHASE => {
                let call = GateCall { modifiers: Vec::new(), name, params, operands: Vec::new() };
                Ok(StmtKind::Call(Box::new(call)))
            }
            kind => Ok(StmtKind::Expr(Expr { span: self.since(start), kind })),
        }
    }

    /// The operator of `+=` and its like, if such a sign comes next.
    fn assignment_operator(&self) -> Option<BinaryOp> {
        const SIGNS: [(&str, BinaryOp); 11] = [
            ("+=", BinaryOp::Add),
            ("-=", BinaryOp::Sub),
            ("*=", BinaryOp::Mul),
            ("/=", BinaryOp::Div),
            ("%=", BinaryOp::Rem),
            ("**=", BinaryOp::Pow),
            ("&=", BinaryOp::BitAnd),
            ("|=", BinaryOp::BitOr),
            ("^=", BinaryOp::BitXor),
            ("<<=", BinaryOp::Shl),
            (">>=", BinaryOp::Shr),
        ];
        SIGNS.iter().find(|(text, _)| self.next_is(text)).map(|(_, operator)| *operator)
    }

    /// `{ … }` in the language of calibrations, of which only the braces matter.
    pub(super) fn calibration(&mut self) -> Parsed<()> {
        if !self.next_is("{") {
            return Err(self.expected("`{`"));
        }
        let open = self.token.span;
        self.cursor.back_to(open.end);
        let mut depth = 1_usize;
        let end = self.cursor.rest().bytes().position(|byte| {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let Some(end) = end else {
            return Err(Failure::new(open.range(), "a brace that is never closed"));
        };
        self.cursor.advance(end);
        self.bad = None;
        self.bump();
        self.expect("}")
    }

    /// The span of what comes next.
    pub(super) fn here(&self) -> Span {
        self.token.span
    }

    /// The key of the word that comes next.
    pub(super) fn next_word_is(&self, word: &str) -> bool {
        self.token.kind == Kind::Word(key_of(word)) && self.is(word)
    }
}
