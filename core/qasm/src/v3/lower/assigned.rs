//! What statements may change, found without lowering them.

use super::super::{
    ast::{Block, Expr, ExprKind, ForValues, IndexItem, Span, Stmt, StmtKind},
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
        let mut names = Vec::new();
        for block in blocks {
            block.iter().for_each(|statement| names_in(statement, &mut names));
        }
        self.charge(span, 0, names.len() as u64 / 4)?;
        names.sort_unstable_by_key(|name| name.0);
        names.dedup();
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
pub(super) fn assigned_names(body: &Block) -> Vec<Name> {
    let mut names = Vec::new();
    body.iter().for_each(|statement| names_in(statement, &mut names));
    names
}

fn base(target: &Expr) -> Option<Name> {
    match &target.kind {
        ExprKind::Name(name) => Some(*name),
        ExprKind::Index(inner, _) => base(inner),
        _ => None,
    }
}

fn names_in(statement: &Stmt, names: &mut Vec<Name>) {
    let all = |block: &Block, names: &mut Vec<Name>| {
        block.iter().for_each(|statement| names_in(statement, names));
    };
    match &statement.kind {
        StmtKind::Assign { target, value, .. } => {
            names.extend(base(target));
            calls_in(value, names);
        }
        StmtKind::Measure { value, target } => {
            names.extend(target.as_ref().and_then(base));
            calls_in(value, names);
        }
        StmtKind::Declare { value: Some(value), .. } | StmtKind::Return(Some(value)) => {
            calls_in(value, names);
        }
        StmtKind::Expr(value) => calls_in(value, names),
        StmtKind::Call(call) => {
            // Subroutines may change the arrays that are handed to them.
            names.extend(call.params.iter().chain(&call.operands).filter_map(base));
        }
        StmtKind::Scope(block) | StmtKind::Box(_, block) => all(block, names),
        StmtKind::If { condition, then, otherwise } => {
            calls_in(condition, names);
            all(then, names);
            otherwise.iter().for_each(|block| all(block, names));
        }
        StmtKind::While { condition, body } => {
            calls_in(condition, names);
            all(body, names);
        }
        StmtKind::For { values, body, .. } => {
            if let ForValues::Of(expr) = values {
                calls_in(expr, names);
            }
            all(body, names);
        }
        StmtKind::Switch { target, cases } => {
            calls_in(target, names);
            cases.iter().for_each(|case| all(&case.body, names));
        }
        _ => {}
    }
}

/// The names that are handed to subroutines within an expression.
fn calls_in(expr: &Expr, names: &mut Vec<Name>) {
    match &expr.kind {
        ExprKind::Call(_, args) => {
            names.extend(args.iter().filter_map(base));
            args.iter().for_each(|arg| calls_in(arg, names));
        }
        ExprKind::QuantumCall(_, args, operands) => {
            names.extend(args.iter().chain(operands).filter_map(base));
            args.iter().for_each(|arg| calls_in(arg, names));
        }
        ExprKind::Unary(_, inner) | ExprKind::Cast(_, inner) => calls_in(inner, names),
        ExprKind::Chain(first, rest) => {
            calls_in(first, names);
            rest.iter().for_each(|(_, operand)| calls_in(operand, names));
        }
        ExprKind::Index(inner, indices) => {
            calls_in(inner, names);
            let items = indices.iter().flat_map(|index| &index.items);
            for item in items {
                if let IndexItem::At(expr) = item {
                    calls_in(expr, names);
                }
            }
        }
        ExprKind::Concat(parts) | ExprKind::Braces(parts) => {
            parts.iter().for_each(|part| calls_in(part, names));
        }
        _ => {}
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
