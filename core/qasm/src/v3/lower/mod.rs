//! From trees to a circuit: the meaning of a program.
//!
//! Statement by statement, as they are read. What is known is computed: constants, variables as
//! long as nothing that happens while the circuit runs decides about them, loops over known values.
//! The rest becomes variables, expressions and blocks of the circuit.

mod assigned;
mod constant;
mod control;
mod declare;
mod duration;
mod expression;
mod functions;
mod gate;
mod jump;
mod kept;
mod modifier;
mod place;
mod plain;
mod power;
mod scope;
mod standard;
mod statement;
mod subroutine;
mod value;

use std::{
    collections::{BTreeMap, HashSet},
    rc::Rc,
};

use ketch_interface::{
    Circuit,
    circuit::{Expr as Node, ExprId, Mark, Op, VarId},
};

use crate::{
    diagnostic::{Diagnostic, Error, Failure, Parsed},
    lexer::{Cursor, shown},
    source::{Includes, MAX_INCLUDED, Source},
    v2::{MAX_EXPANSION, MAX_INCLUDE_DEPTH, MAX_INCLUDES},
};

use super::{
    MAX_DIAGNOSTICS,
    ast::{Ident, Span, Stmt, StmtKind},
    intern::{Interner, Name},
    parse::Parser,
    token,
};
pub use control::{MAX_UNROLLED, MAX_UNROLLED_TOGETHER};
pub use declare::{MAX_DIMENSIONS, MAX_ELEMENTS};
use jump::{Flow, Target};
use scope::{Found, ScopeMark, Scopes, Symbol, Var};
use subroutine::Returned;
use value::{Of, Ty, Value};

/// The numbers that a program's `input`s get, by name.
pub type Inputs = BTreeMap<String, f64>;

/// What a program is.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Its circuit.
    pub circuit: Circuit,
    /// The `input`s that got a value.
    pub inputs: Vec<String>,
}

/// How many statements, parts of expressions and gates may be looked at inside bodies and loops.
pub const MAX_STEPS: u64 = 1 << 22;

/// How deep subroutines and gates may call each other.
pub const MAX_CALLS: u32 = 64;

/// Why lowering stopped.
#[derive(Debug)]
pub(super) enum Stop {
    Failure(Box<Failure>),
    /// The program has ended for certain, within an expression or a subroutine. No block of the
    /// circuit is open.
    End,
    /// A jump out of unrolled code needs a block around it: that of the target with this number.
    Retry(usize),
}

impl From<Box<Failure>> for Stop {
    fn from(failure: Box<Failure>) -> Self {
        Self::Failure(failure)
    }
}

type Lower<T> = Result<T, Stop>;

/// The failure with this message.
#[cold]
fn fail<T>(span: Span, message: impl Into<String>) -> Lower<T> {
    Err(Stop::Failure(Failure::new(span.range(), message)))
}

#[cold]
fn fail_with_help<T>(span: Span, message: impl Into<String>, help: Option<String>) -> Lower<T> {
    Err(Stop::Failure(Failure::new(span.range(), message).with_help(help)))
}

/// Reads a program.
///
/// # Errors
/// What is wrong with it, up to [`MAX_DIAGNOSTICS`] errors.
pub fn parse(source: &Source, includes: &dyn Includes, inputs: &Inputs) -> Result<Program, Error> {
    let mut lowerer = Lowerer {
        circuit: Circuit::default(),
        names: Interner::default(),
        scopes: Scopes::default(),
        vars: Vec::new(),
        files: Vec::new(),
        file: 0,
        open_files: Vec::new(),
        included_bytes: 0,
        includes,
        inputs,
        used: Vec::new(),
        diagnostics: Vec::new(),
        broken: false,
        ended: false,
        expansion: 0,
        operands: 0,
        steps: 0,
        region: 0,
        loops: 0,
        rounds: 1,
        targets: Vec::new(),
        returns: Vec::new(),
        frames: 0,
        calls: 0,
        physical: Vec::new(),
        standard: false,
        calibrated: HashSet::new(),
        scratch: plain::Scratch::default(),
    };
    lowerer.built_in();
    lowerer.file(Rc::new(Text { name: source.name.clone(), lent: Some(&source.text), own: None }));
    lowerer.finish(source)
}

/// A file's text.
struct Text<'a> {
    name: String,
    lent: Option<&'a str>,
    own: Option<Source>,
}

impl Text<'_> {
    fn text(&self) -> &str {
        match &self.own {
            Some(source) => &source.text,
            None => self.lent.unwrap_or(""),
        }
    }
}

/// A program being read.
pub(super) struct Lowerer<'p> {
    circuit: Circuit,
    names: Interner,
    scopes: Scopes,
    vars: Vec<Var>,
    /// All files, the program first.
    files: Vec<Rc<Text<'p>>>,
    /// The file that is being lowered.
    file: usize,
    /// The identities of the included files being read.
    open_files: Vec<String>,
    included_bytes: u64,
    includes: &'p dyn Includes,
    inputs: &'p Inputs,
    /// Those of them that the program has.
    used: Vec<String>,
    diagnostics: Vec<Diagnostic>,
    /// The grammar was wrong somewhere: only more such errors are looked for.
    broken: bool,
    /// The program has ended for certain.
    ended: bool,
    /// How many bodies and loops are around, whose cost is counted.
    expansion: u32,
    operands: u64,
    steps: u64,
    /// How many blocks of the circuit are around that may not be run.
    region: u32,
    /// How many of them are loops.
    loops: u32,
    /// The product of the rounds of the unrolled loops around.
    rounds: u64,
    /// What can be jumped out of.
    targets: Vec<Target>,
    /// What the subroutines around give back.
    returns: Vec<Returned>,
    /// The number of bodies that were opened.
    frames: u32,
    calls: u32,
    /// The qubits of `$0`, `$1`, ….
    physical: Vec<u32>,
    /// The standard library was included.
    standard: bool,
    /// The gates that a `defcal` says how to play.
    calibrated: HashSet<Name>,
    scratch: plain::Scratch,
}

/// All that trying something out may change.
struct Checkpoint {
    circuit: Mark,
    scopes: ScopeMark,
    vars: Vec<Var>,
    region: u32,
    loops: u32,
    rounds: u64,
    /// As they were: a jump may have marked those that are still open.
    targets: Vec<Target>,
    returns: usize,
    physical: usize,
    expansion: u32,
    calls: u32,
    file: usize,
}

impl<'p> Lowerer<'p> {
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            circuit: self.circuit.mark(),
            scopes: self.scopes.mark(),
            vars: self.vars.clone(),
            region: self.region,
            loops: self.loops,
            rounds: self.rounds,
            targets: self.targets.clone(),
            returns: self.returns.len(),
            physical: self.physical.len(),
            expansion: self.expansion,
            calls: self.calls,
            file: self.file,
        }
    }

    fn rewind(&mut self, point: Checkpoint) {
        self.circuit.rewind(&point.circuit);
        self.scopes.rewind(point.scopes);
        self.vars = point.vars;
        self.region = point.region;
        self.loops = point.loops;
        self.rounds = point.rounds;
        self.targets = point.targets;
        self.returns.truncate(point.returns);
        self.physical.truncate(point.physical);
        self.expansion = point.expansion;
        self.calls = point.calls;
        self.file = point.file;
    }

    /// All statements of one file.
    fn file(&mut self, text: Rc<Text<'p>>) {
        let (outer, number) = (self.file, self.files.len());
        self.files.push(Rc::clone(&text));
        self.file = number;
        let mut cursor = Cursor::new(text.text());
        if number == 0 {
            let mut parser = Parser::new(cursor, &mut self.names);
            let version = parser.version();
            cursor = parser.into_cursor();
            if let Err(failure) = version {
                self.report(failure);
                self.broken = true;
            }
        }
        loop {
            if self.diagnostics.len() >= MAX_DIAGNOSTICS {
                break;
            }
            if !self.broken && !self.ended {
                self.plain_lines(&mut cursor);
            }
            if token::skip_space(&mut cursor).is_ok() && cursor.is_at_end() {
                break;
            }
            let mut parser = Parser::new(cursor, &mut self.names);
            let statement = parser.next_statement();
            cursor = parser.into_cursor();
            match statement {
                None => break,
                Some(Err(failure)) => {
                    self.report(failure);
                    self.broken = true;
                }
                Some(Ok(_)) if self.broken || self.ended => {}
                Some(Ok(statement)) => self.top_level(statement),
            }
        }
        self.file = outer;
    }

    fn top_level(&mut self, statement: Stmt) {
        if let StmtKind::Include(name) = &statement.kind {
            if let Err(failure) = self.include(name, statement.span) {
                self.report(failure);
            }
            return;
        }
        let (scopes, file) = (self.scopes.mark(), self.file);
        match self.statement(&statement) {
            Ok(Flow::End) => self.ended = true,
            Ok(_) => {}
            Err(Stop::End) => {
                self.ended = true;
                self.file = file;
                self.leave_all(scopes);
            }
            Err(Stop::Retry(_)) => unreachable!("retried where the target was opened"),
            Err(Stop::Failure(failure)) => {
                self.file = file;
                self.report(failure);
                self.after_failure(&statement, scopes);
            }
        }
    }

    /// Makes what is around an error as it was before, and the names that were to be declared
    /// known, so that no more is said about them.
    fn after_failure(&mut self, statement: &Stmt, scopes: ScopeMark) {
        let mut names = Vec::new();
        match &statement.kind {
            StmtKind::Declare { name, .. } | StmtKind::Io { name, .. } => names.push(name.name),
            StmtKind::Alias(name, _) | StmtKind::Extern(name) => names.push(name.name),
            _ => {}
        }
        self.leave_all(scopes);
        for name in names {
            if self.scopes.is_taken(name).is_none() {
                self.scopes.set(name, Symbol::Broken);
            }
        }
    }

    /// Leaves all blocks and bodies, wherever in them the lowering stopped.
    fn leave_all(&mut self, scopes: ScopeMark) {
        self.scopes.close_to(scopes);
        (self.region, self.loops, self.rounds, self.expansion, self.calls) = (0, 0, 1, 0, 0);
        self.targets.clear();
        self.returns.clear();
    }

    #[cold]
    #[expect(clippy::boxed_local, reason = "failures are boxed from where they are found")]
    fn report(&mut self, failure: Box<Failure>) {
        let text = &self.files[self.file];
        let diagnostic = failure.into_diagnostic(&text.name, text.text());
        // An error in a body that is used often is one error.
        if diagnostic.message.is_empty() || self.diagnostics.contains(&diagnostic) {
            return;
        }
        self.diagnostics.push(diagnostic);
    }

    fn finish(mut self, source: &Source) -> Result<Program, Error> {
        self.diagnostics.truncate(MAX_DIAGNOSTICS);
        if !self.diagnostics.is_empty() {
            return Err(Error::Invalid { diagnostics: self.diagnostics });
        }
        let plain = self.circuit.expressions().is_empty() && !self.circuit.has_control_flow();
        if !plain && let Err(error) = self.circuit.validate() {
            let message = format!("the program makes no circuit that can be run: {error}");
            let diagnostic = Diagnostic::new(&source.name, &source.text, 0..0, message);
            return Err(Error::Invalid { diagnostics: vec![diagnostic] });
        }
        Ok(Program { circuit: self.circuit, inputs: self.used })
    }

    fn include(&mut self, name: &str, span: Span) -> Parsed<()> {
        if name == "stdgates.inc" || name == "qelib1.inc" {
            return self.include_standard(span);
        }
        let refused = |reason: &str| {
            let message = format!("cannot include `{}`: {reason}", shown(name));
            Failure::new(span.range(), message)
        };
        let from = self.files[self.file].name.clone();
        let source = self.includes.open(&from, name).map_err(|reason| refused(&reason))?;
        self.included_bytes += source.text.len() as u64;
        if self.open_files.contains(&source.identity) {
            return Err(refused("it includes itself"));
        }
        if self.open_files.len() >= MAX_INCLUDE_DEPTH {
            let reason = format!("files include each other more than {MAX_INCLUDE_DEPTH} deep");
            return Err(refused(&reason));
        }
        if self.files.len() > MAX_INCLUDES {
            return Err(refused(&format!("the program includes more than {MAX_INCLUDES} files")));
        }
        if self.included_bytes > MAX_INCLUDED {
            return Err(refused(&format!("the program includes more than {MAX_INCLUDED} bytes")));
        }
        self.open_files.push(source.identity.clone());
        self.file(Rc::new(Text { name: source.name.clone(), lent: None, own: Some(source) }));
        self.open_files.pop();
        Ok(())
    }

    /// Counts work that the program does not spell out.
    fn charge(&mut self, span: Span, operands: u64, steps: u64) -> Lower<()> {
        self.operands = self.operands.saturating_add(operands);
        self.steps = self.steps.saturating_add(steps);
        if self.operands > MAX_EXPANSION {
            let message =
                format!("bodies, loops and whole registers name more than {MAX_EXPANSION} qubits");
            return fail(span, message);
        }
        if self.steps > MAX_STEPS {
            return fail(span, format!("bodies and loops take more than {MAX_STEPS} steps"));
        }
        Ok(())
    }

    /// One step, if it is in a body or loop.
    fn step(&mut self, span: Span) -> Lower<()> {
        match self.expansion {
            0 => Ok(()),
            _ => self.charge(span, 0, 1),
        }
    }

    /// What a name means; that it means nothing is an error.
    fn symbol(&self, name: Name, span: Span) -> Lower<Symbol> {
        match self.scopes.find(name) {
            Found::Symbol(Symbol::Broken) => fail(span, ""),
            Found::Symbol(symbol) => Ok(symbol),
            Found::Hidden => {
                let name = shown(self.names.text(name));
                let message =
                    format!("`{name}` is not visible in the body of a gate or subroutine");
                let help = "bodies see global constants and what is handed to them";
                fail_with_help(span, message, Some(help.to_owned()))
            }
            Found::Nothing => self.unknown(name, span, "name", |_| true),
        }
    }

    /// The failure that a name is unknown, with what may have been meant.
    #[cold]
    fn unknown<T>(
        &self,
        name: Name,
        span: Span,
        what: &str,
        fits: fn(&Symbol) -> bool,
    ) -> Lower<T> {
        let text = self.names.text(name);
        let known: Vec<&str> = self
            .scopes
            .visible()
            .filter(|(_, symbol)| fits(symbol))
            .map(|(known, _)| self.names.text(known))
            .filter(|known| known.is_ascii() && known.len() <= LONGEST_COMPARED)
            .take(MOST_COMPARED)
            .collect();
        let near = match (2..=LONGEST_COMPARED).contains(&text.len()) {
            true => ketch_interface::nearest(text, known),
            false => None,
        };
        let help = match near {
            _ if self.calibrated.contains(&name) => Some(
                "it has only a `defcal`: pulses are not played here, define it by `gate` too"
                    .to_owned(),
            ),
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if !self.standard && standard::is_in_library(text) => {
                Some("include \"stdgates.inc\" first".to_owned())
            }
            None => None,
        };
        fail_with_help(span, format!("unknown {what} `{}`", shown(text)), help)
    }

    /// Declares a name in the innermost scope.
    fn declare(&mut self, ident: Ident, symbol: Symbol) -> Lower<()> {
        match self.scopes.is_taken(ident.name) {
            None => {}
            Some(Symbol::Standard(standard)) if standard.replaceable => {}
            Some(Symbol::Broken) => {}
            Some(taken) => {
                let text = self.names.text(ident.name);
                let included =
                    matches!(taken, Symbol::Standard(_)) && standard::is_in_library(text);
                let help = included.then(|| {
                    "it is a gate of \"stdgates.inc\"; gates, variables and registers share their \
                     names, choose another"
                        .to_owned()
                });
                let name = shown(text);
                let message = format!("`{name}` has a meaning here already");
                return fail_with_help(ident.span, message, help);
            }
        }
        self.scopes.set(ident.name, symbol);
        Ok(())
    }

    /// Adds a variable, which is 0.
    fn new_var(&mut self, name: Name, ty: Ty) -> usize {
        let known = Some(ty.zero());
        self.vars.push(Var { name, ty, id: None, known, stored: false });
        self.vars.len() - 1
    }

    /// The circuit's variable.
    fn var_id(&mut self, var: usize, span: Span) -> Lower<VarId> {
        if let Some(id) = self.vars[var].id {
            return Ok(id);
        }
        let Var { name, ty, .. } = self.vars[var];
        let Some(stored) = ty.stored() else {
            let name = shown(self.names.text(name));
            let message =
                format!("`{name}` is a `{ty}`, which must be known before the program runs");
            return fail(span, message);
        };
        self.charge(span, 4, 0)?;
        let id = self.circuit.add_variable(self.names.text(name), stored);
        self.vars[var].id = Some(id);
        Ok(id)
    }

    /// Writes what is known of a variable into the circuit, if it is not there.
    fn store(&mut self, var: usize, span: Span) -> Lower<()> {
        let Var { ty, known, stored, .. } = &self.vars[var];
        if *stored {
            return Ok(());
        }
        let Some(known) = known.clone() else { return Ok(()) };
        let value = Value::known(*ty, known);
        let id = self.var_id(var, span)?;
        let value = self.stored_node(&value, span)?;
        self.charge(span, 1, 1)?;
        self.circuit.push_unchecked(Op::Store { var: id, value }, &[], &[], &[]);
        self.vars[var].stored = true;
        Ok(())
    }

    /// From here on it is only known while the circuit runs what a variable holds.
    fn forget(&mut self, var: usize) {
        self.vars[var].known = None;
        self.vars[var].stored = true;
    }

    fn node(&mut self, node: Node) -> ExprId {
        self.circuit.add_expr(node)
    }

    /// A variable's value.
    fn read_var(&mut self, var: usize, span: Span) -> Lower<Value> {
        let Var { ty, known, .. } = &self.vars[var];
        let ty = *ty;
        if let Some(known) = known {
            return Ok(Value::known(ty, known.clone()));
        }
        let id = self.var_id(var, span)?;
        let node = self.node(Node::Var(id));
        Ok(match ty {
            Ty::Bit => {
                let truth = ketch_interface::circuit::VarType::Bool;
                Value::run(ty, self.node(Node::Cast(truth, node)))
            }
            Ty::Literal => Value::run(Ty::Int(value::INT_WIDTH), node),
            ty => Value::run(ty, node),
        })
    }

    /// Writes a value of the variable's own type.
    fn write_var(&mut self, var: usize, value: &Value, span: Span) -> Lower<()> {
        match &value.of {
            Of::Known(known) => {
                self.vars[var].known = Some(known.clone());
                self.vars[var].stored = false;
            }
            Of::Run(_) => {
                let id = self.var_id(var, span)?;
                let value = self.stored_node(value, span)?;
                self.charge(span, 1, 1)?;
                self.circuit.push_unchecked(Op::Store { var: id, value }, &[], &[], &[]);
                self.forget(var);
            }
        }
        Ok(())
    }
}

/// Comparing takes time; a suggestion from very many or very long names would help nobody.
const LONGEST_COMPARED: usize = 64;
const MOST_COMPARED: usize = 4096;
