//! Jumps: `break`, `continue`, `return` and `end`.
//!
//! A jump that is certain to be made ends the lowering of what it jumps out of. One that depends on
//! what happens while the program runs needs something in the circuit to leave: a loop, or, around
//! unrolled code, a loop of one round. That is found out by trying: first without it.

use ketch_interface::{
    BitString,
    circuit::{Expr as Node, For, ForValues, Op, Value as Literal, VarId, VarType},
};

use super::super::ast::Span;
use super::{Lower, Lowerer, Stop, fail};

/// How the lowering of statements ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Behind the last one.
    Next,
    Break,
    Continue,
    Return,
    End,
    /// The circuit has left this place: nothing behind it is reached.
    Dead,
}

/// What can be jumped out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A loop of the circuit.
    Loop,
    /// A loop that is unrolled.
    Unrolled,
    /// A round of one.
    Round,
    /// The body of a subroutine.
    Body,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) kind: Kind,
    /// How many blocks that may not be run are around its statements.
    pub(super) region: u32,
    /// How many loops of the circuit.
    pub(super) loops: u32,
    /// There is a loop of one round around it.
    wrapped: bool,
    /// Tells the loops within it that they are left for it.
    flag: Option<VarId>,
}

impl Lowerer<'_> {
    pub(super) fn open_target(&mut self, kind: Kind, wrapped: bool) {
        let (region, loops) = (self.region, self.loops);
        self.targets.push(Target { kind, region, loops, wrapped, flag: None });
    }

    /// Jumps, if there is where to.
    pub(super) fn jump(&mut self, flow: Flow, span: Span) -> Lower<Flow> {
        if flow == Flow::End {
            if self.region == 0 {
                return Ok(flow);
            }
            self.circuit.push_unchecked(Op::End, &[], &[], &[]);
            return Ok(Flow::Dead);
        }
        let fits = |target: &Target| match flow {
            Flow::Break => matches!(target.kind, Kind::Loop | Kind::Unrolled),
            Flow::Continue => matches!(target.kind, Kind::Loop | Kind::Round),
            _ => target.kind == Kind::Body,
        };
        let body = self.targets.iter().rposition(|target| target.kind == Kind::Body);
        let Some(place) = self
            .targets
            .iter()
            .rposition(fits)
            .filter(|&place| flow == Flow::Return || body.is_none_or(|body| body < place))
        else {
            return match flow {
                Flow::Break => fail(span, "`break` stands in no loop"),
                Flow::Continue => fail(span, "`continue` stands in no loop"),
                _ => fail(span, "`return` stands in no subroutine"),
            };
        };
        let target = self.targets[place];
        if target.region == self.region {
            return Ok(flow);
        }
        self.store_for_jump(span)?;
        if target.kind == Kind::Loop {
            let op = if flow == Flow::Break { Op::Break } else { Op::Continue };
            self.circuit.push_unchecked(op, &[], &[], &[]);
            return Ok(Flow::Dead);
        }
        if !target.wrapped {
            return Err(Stop::Retry(place));
        }
        if target.loops < self.loops {
            let flag = match target.flag {
                Some(flag) => flag,
                None => self.circuit.add_variable("_", VarType::Bool),
            };
            self.targets[place].flag = Some(flag);
            self.set_flag(flag, true);
        }
        self.circuit.push_unchecked(Op::Break, &[], &[], &[]);
        Ok(Flow::Dead)
    }

    /// Writes what is known into the circuit before it leaves this place. What does not leave goes
    /// on as it was.
    pub(super) fn store_for_jump(&mut self, span: Span) -> Lower<()> {
        self.charge(span, 0, self.vars.len() as u64 / 16)?;
        for var in 0..self.vars.len() {
            if !self.vars[var].stored && self.vars[var].ty.stored().is_some() {
                self.store(var, span)?;
                self.vars[var].stored = false;
            }
        }
        Ok(())
    }

    fn set_flag(&mut self, flag: VarId, value: bool) {
        let value = self.node(Node::Literal(Literal::Bool(value)));
        self.circuit.push_unchecked(Op::Store { var: flag, value }, &[], &[], &[]);
    }

    /// Behind a loop of the circuit: goes on to leave what is around it, if that is why it was left.
    pub(super) fn behind_loop(&mut self) {
        let flags: Vec<VarId> = self
            .targets
            .iter()
            .filter(|target| target.wrapped && target.loops <= self.loops)
            .filter_map(|target| target.flag)
            .collect();
        for flag in flags {
            let condition = self.node(Node::Var(flag));
            let block = self.circuit.open_if(condition);
            self.circuit.push_unchecked(Op::Break, &[], &[], &[]);
            self.circuit.close_block(block);
        }
    }

    /// Lowers what may be jumped out of; `written` are the variables that it may change.
    pub(super) fn leaving(
        &mut self,
        kind: Kind,
        written: &[usize],
        span: Span,
        mut body: impl FnMut(&mut Self) -> Lower<Flow>,
    ) -> Lower<Flow> {
        self.charge(span, 0, self.vars.len() as u64 / 8)?;
        let (point, place) = (self.checkpoint(), self.targets.len());
        self.open_target(kind, false);
        match body(self) {
            Err(Stop::Retry(target)) if target == place => self.rewind(point),
            other => {
                self.targets.truncate(place);
                return other;
            }
        }
        for &var in written {
            self.store(var, span)?;
        }
        let var = self.circuit.add_variable("_", VarType::Uint(1));
        let once = self.node(Node::Literal(Literal::Uint(BitString::zeros(1))));
        let instruction = self.circuit.len();
        self.circuit.push_unchecked(Op::End, &[], &[], &[]);
        let before = self.knowledge(written);
        let block = self.circuit.open_block();
        self.region += 1;
        self.loops += 1;
        self.open_target(kind, true);
        let flow = body(self)?;
        let target = self.targets.pop().expect("the target that was opened");
        if flow != Flow::Dead {
            for &var in written {
                self.store(var, span)?;
            }
        }
        self.region -= 1;
        self.loops -= 1;
        self.circuit.close_block(block);
        let each = For { var, values: ForValues::List(vec![once]), body: block };
        self.circuit.set_op(instruction, Op::For(Box::new(each)));
        self.know(before);
        for &var in written {
            self.forget(var);
        }
        if let Some(flag) = target.flag {
            self.set_flag(flag, false);
        }
        self.behind_loop();
        Ok(Flow::Next)
    }
}
