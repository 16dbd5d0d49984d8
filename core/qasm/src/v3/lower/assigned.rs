//! What statements may change, found without lowering them.

use std::collections::HashSet;

use super::super::{
    ast::{
        Block, Expr, ExprKind, ForValues, IndexItem, ModifierKind, RangeExpr, Shape, Span, Stmt,
        StmtKind, Type, TypeKind,
    },
    intern::Name,
};
use super::{
    Lower, Lowerer,
    scope::{Found, Symbol},
};

/// The jumps that leave a loop's body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Jumps {
    pub(super) breaks: bool,
    pub(super) continues: bool,
}

impl Lowerer<'_> {
    /// The variables that blocks may change, of those that are visible here.
    pub(super) fn written(&mut self, blocks: &[&Block], span: Span) -> Lower<Vec<usize>> {
        let mut changes = Changes::default();
        blocks.iter().for_each(|block| changes.block(block));
        self.changed(changes, span)
    }

    /// The variables that the rounds of a loop may change.
    pub(super) fn written_in_rounds(
        &mut self,
        condition: &Expr,
        body: &Block,
        span: Span,
    ) -> Lower<Vec<usize>> {
        let mut changes = Changes::default();
        changes.expr(condition);
        changes.block(body);
        self.changed(changes, span)
    }

    /// Some array may change where an expression is evaluated: nothing else that is visible can.
    pub(super) fn changes_arrays(&self, expr: &Expr) -> bool {
        let mut changes = Changes::default();
        changes.expr(expr);
        let is_open = |name: &Name| match self.scopes.find(*name) {
            Found::Symbol(Symbol::Array(array)) => !array.readonly,
            _ => false,
        };
        changes.names.iter().any(is_open)
    }

    /// A block may change something that is visible here.
    pub(super) fn changes_anything(&self, block: &Block) -> bool {
        let is_open = |name: &Name| match self.scopes.find(*name) {
            Found::Symbol(Symbol::Array(array)) => !array.readonly,
            Found::Symbol(symbol) => matches!(symbol, Symbol::Var(_) | Symbol::Bits(_)),
            _ => false,
        };
        assigned_names(block).iter().any(is_open)
    }

    fn changed(&mut self, changes: Changes, span: Span) -> Lower<Vec<usize>> {
        let mut names: Vec<Name> = changes.all().into_iter().collect();
        self.charge(span, 0, names.len() as u64 / 4)?;
        names.sort_unstable_by_key(|name| name.0);
        let mut vars = Vec::new();
        for name in names {
            match self.scopes.find(name) {
                Found::Symbol(Symbol::Var(var)) => vars.push(var),
                Found::Symbol(Symbol::Array(array)) if !array.readonly => {
                    self.charge(span, 0, array.vars.len() as u64 / 16)?;
                    vars.extend_from_slice(&array.vars);
                }
                _ => {}
            }
        }
        vars.sort_unstable();
        vars.dedup();
        Ok(vars)
    }
}

/// The names that a body assigns to.
pub(super) fn assigned_names(body: &Block) -> HashSet<Name> {
    let mut changes = Changes::default();
    changes.block(body);
    changes.all()
}

fn base(target: &Expr) -> Option<Name> {
    match &target.kind {
        ExprKind::Name(name) => Some(*name),
        ExprKind::Index(inner, _) => base(inner),
        _ => None,
    }
}

/// What trees may change. All kinds of statements and expressions are named, so that none can be
/// forgotten: a subroutine may be called, and change the arrays that it gets, wherever a value is
/// asked for.
#[derive(Default)]
struct Changes {
    names: HashSet<Name>,
    /// The names of `let`, and those that they stand for, in the program's order.
    aliases: Vec<(Name, Name)>,
}

impl Changes {
    /// The names that may change, and those behind the aliases among them.
    fn all(mut self) -> HashSet<Name> {
        for (alias, of) in self.aliases.into_iter().rev() {
            if self.names.contains(&alias) {
                self.names.insert(of);
            }
        }
        self.names
    }

    fn block(&mut self, block: &Block) {
        block.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Declare { ty, value, name: _, constant: _ } => {
                self.ty(ty);
                self.each(value);
            }
            StmtKind::Io { ty, name: _, input: _ } => self.ty(ty),
            StmtKind::Alias(name, value) => {
                self.aliases.extend(base(value).map(|of| (name.name, of)));
                self.expr(value);
            }
            StmtKind::Assign { target, value, operator: _ } => {
                self.assigned(target);
                self.expr(value);
            }
            StmtKind::Measure { value, target } => {
                target.iter().for_each(|target| self.assigned(target));
                self.expr(value);
            }
            StmtKind::Call(call) => {
                for modifier in &call.modifiers {
                    match &modifier.kind {
                        ModifierKind::Inv => {}
                        ModifierKind::Pow(exponent) => self.expr(exponent),
                        ModifierKind::Ctrl { count, open: _ } => self.each(count),
                    }
                }
                self.handed(call.params.iter().chain(&call.operands));
            }
            StmtKind::Reset(value) | StmtKind::Expr(value) => self.expr(value),
            StmtKind::Barrier(operands) => self.each(operands),
            StmtKind::Delay(duration, operands) => {
                self.expr(duration);
                self.each(operands);
            }
            StmtKind::Return(value) => self.each(value),
            StmtKind::Scope(block) => self.block(block),
            StmtKind::Box(duration, block) => {
                self.each(duration);
                self.block(block);
            }
            StmtKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.block(then);
                otherwise.iter().for_each(|block| self.block(block));
            }
            StmtKind::While { condition, body } => {
                self.expr(condition);
                self.block(body);
            }
            StmtKind::For { ty, values, body, name: _ } => {
                self.ty(ty);
                match values {
                    ForValues::Range(range) => self.range(range),
                    ForValues::Set(items) => self.each(items),
                    ForValues::Of(expr) => self.expr(expr),
                }
                self.block(body);
            }
            StmtKind::Switch { target, cases } => {
                self.expr(target);
                for case in cases {
                    self.each(&case.values);
                    self.block(&case.body);
                }
            }
            // Definitions stand outside of blocks, and their bodies see nothing that changes.
            StmtKind::Gate(_) | StmtKind::Def(_) | StmtKind::Extern(_) => {}
            StmtKind::Include(_) | StmtKind::Nop | StmtKind::Noted => {}
            StmtKind::Break | StmtKind::Continue | StmtKind::End => {}
            StmtKind::Cal | StmtKind::DefCal(_) => {}
        }
    }

    fn assigned(&mut self, target: &Expr) {
        self.names.extend(base(target));
        self.expr(target);
    }

    /// Subroutines may change the arrays that are handed to them.
    fn handed<'e>(&mut self, args: impl IntoIterator<Item = &'e Expr>) {
        for arg in args {
            self.names.extend(base(arg));
            self.expr(arg);
        }
    }

    fn each<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        exprs.into_iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call(_, args) => self.handed(args),
            ExprKind::QuantumCall(_, args, operands) => self.handed(args.iter().chain(operands)),
            ExprKind::Unary(_, inner) | ExprKind::Measure(inner) => self.expr(inner),
            ExprKind::Cast(ty, inner) => {
                self.ty(ty);
                self.expr(inner);
            }
            ExprKind::Chain(first, rest) => {
                self.expr(first);
                self.each(rest.iter().map(|(_, operand)| operand));
            }
            ExprKind::Index(inner, indices) => {
                self.expr(inner);
                for item in indices.iter().flat_map(|index| &index.items) {
                    match item {
                        IndexItem::At(at) => self.expr(at),
                        IndexItem::Range(range) => self.range(range),
                    }
                }
            }
            ExprKind::Concat(parts) | ExprKind::Braces(parts) => self.each(parts),
            // Its statements are not run.
            ExprKind::DurationOf(_) => {}
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_) => {}
            ExprKind::Bool(_) | ExprKind::Bits(_) | ExprKind::Time(..) => {}
            ExprKind::Name(_) | ExprKind::Physical(_) => {}
        }
    }

    fn range(&mut self, range: &RangeExpr) {
        let ends = [&range.start, &range.step, &range.stop];
        ends.into_iter().flatten().for_each(|end| self.expr(end));
    }

    fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            TypeKind::Bit(size)
            | TypeKind::Int(size)
            | TypeKind::Uint(size)
            | TypeKind::Float(size)
            | TypeKind::Angle(size)
            | TypeKind::Qubit(size) => self.each(size),
            TypeKind::Array { element, shape, access: _ } => {
                self.ty(element);
                match shape {
                    Shape::Sizes(sizes) => self.each(sizes),
                    Shape::Dimensions(count) => self.expr(count),
                }
            }
            TypeKind::Bool | TypeKind::Duration | TypeKind::Stretch | TypeKind::Complex => {}
        }
    }
}

/// The jumps in a loop's body that leave this loop, not one within it.
pub(super) fn jumps_of(body: &Block) -> Jumps {
    let mut jumps = Jumps::default();
    body.iter().for_each(|statement| find_jumps(statement, &mut jumps));
    jumps
}

fn find_jumps(statement: &Stmt, jumps: &mut Jumps) {
    let mut all = |block: &Block| block.iter().for_each(|statement| find_jumps(statement, jumps));
    match &statement.kind {
        StmtKind::Break => jumps.breaks = true,
        StmtKind::Continue => jumps.continues = true,
        StmtKind::Scope(block) | StmtKind::Box(_, block) => all(block),
        StmtKind::If { then, otherwise, .. } => {
            all(then);
            otherwise.iter().for_each(all);
        }
        StmtKind::Switch { cases, .. } => cases.iter().for_each(|case| all(&case.body)),
        _ => {}
    }
}

/// A body may be left before its end.
pub(super) fn returns_early(body: &Block) -> bool {
    fn inside(statement: &Stmt) -> bool {
        let any = |block: &Block| {
            block.iter().any(|s| matches!(s.kind, StmtKind::Return(_)) || inside(s))
        };
        match &statement.kind {
            StmtKind::Scope(block) | StmtKind::Box(_, block) => any(block),
            StmtKind::If { then, otherwise, .. } => any(then) || otherwise.iter().any(any),
            StmtKind::While { body, .. } | StmtKind::For { body, .. } => any(body),
            StmtKind::Switch { cases, .. } => cases.iter().any(|case| any(&case.body)),
            _ => false,
        }
    }
    body.iter().any(inside)
}
