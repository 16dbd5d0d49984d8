//! Definitions of gates: `gate` and `opaque`.

use std::collections::HashMap;

use super::{
    apply::wrong_count,
    expression::{Later, expression},
    inline::{Action, Call, Cost, Definition, MAX_NESTING},
    names::{Callee, Keyword, Signature, Symbol},
    parser::Parser,
};
use crate::{
    diagnostic::{Failure, Parsed},
    lexer::{Cursor, Word, shown},
};

/// The parameters and qubits of a gate.
#[derive(Default)]
struct Locals<'a> {
    params: Vec<&'a str>,
    n_qubits: u32,
    by_name: HashMap<&'a str, Local>,
}

#[derive(Clone, Copy)]
enum Local {
    Param(u32),
    Qubit(u32),
}

impl<'a> Locals<'a> {
    /// Reads `name(params) qubits`; the name was read already.
    fn read(cursor: &mut Cursor<'a>) -> Parsed<Self> {
        let mut locals = Self::default();
        if cursor.eat(b'(') && !cursor.eat(b')') {
            loop {
                let word = cursor.expect_word("the name of a parameter")?;
                locals.add(cursor, word, Local::Param(locals.params.len() as u32))?;
                locals.params.push(cursor.name(word));
                if !cursor.eat(b',') {
                    break;
                }
            }
            if !cursor.eat(b')') {
                return Err(cursor.expected("`,` or `)`"));
            }
        }
        loop {
            let word = cursor.expect_word("the name of a qubit")?;
            locals.add(cursor, word, Local::Qubit(locals.n_qubits))?;
            locals.n_qubits += 1;
            if !cursor.eat(b',') {
                return Ok(locals);
            }
        }
    }

    fn add(&mut self, cursor: &Cursor<'a>, word: Word, local: Local) -> Parsed<()> {
        let name = cursor.name(word);
        match self.by_name.insert(name, local) {
            None if name != "pi" => Ok(()),
            None => Err(Failure::new(word.start..word.end, "`pi` is a number")),
            Some(_) => {
                let message = format!("`{}` stands twice", shown(name));
                Err(Failure::new(word.start..word.end, message))
            }
        }
    }
}

impl Parser<'_> {
    /// The rest of an `opaque` statement.
    pub(super) fn declare_opaque(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let word = cursor.expect_word("the name of a gate")?;
        self.check_new(cursor, word)?;
        let locals = Locals::read(cursor)?;
        cursor.expect(b';')?;
        let name = cursor.name(word);
        // The symbol's number is known once it has one.
        let mut signature = signature(Callee::Opaque(0), &locals);
        let id = self.names.set(name, Symbol::Gate(signature));
        signature.gate = Callee::Opaque(id);
        self.names.set(name, Symbol::Gate(signature));
        Ok(())
    }

    /// The rest of a `gate` statement.
    pub(super) fn define_gate(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let word = cursor.expect_word("the name of a gate")?;
        self.check_new(cursor, word)?;
        let locals = Locals::read(cursor)?;
        cursor.expect(b'{')?;
        let first = self.gates.calls.len();
        let (mut cost, mut depth) = (Cost::default(), 0);
        while !cursor.eat(b'}') {
            let called = self.body_statement(cursor, &locals, cursor.name(word))?;
            cost.add(called.cost);
            depth = depth.max(called.depth);
        }
        if depth >= MAX_NESTING {
            let name = shown(cursor.name(word));
            let message = format!("`{name}` builds on more than {MAX_NESTING} gates in a row");
            return Err(Failure::new(word.start..word.end, message));
        }
        let definition =
            Definition { calls: first..self.gates.calls.len(), cost, depth: depth + 1 };
        let id = u32::try_from(self.gates.definitions.len()).expect("fewer gates than bytes");
        self.gates.definitions.push(definition);
        let symbol = Symbol::Gate(signature(Callee::Defined(id), &locals));
        self.names.set(cursor.name(word), symbol);
        Ok(())
    }

    fn body_statement(
        &mut self,
        cursor: &mut Cursor<'_>,
        locals: &Locals<'_>,
        own_name: &str,
    ) -> Parsed<Called> {
        let word = cursor.expect_word("a gate, `barrier` or `}`")?;
        let span = word.start..word.end;
        let found = self.names.find(cursor, word).map(|(_, symbol)| symbol);
        if cursor.name(word) == own_name {
            let message = format!("`{}` is used in its own definition", shown(own_name));
            return Err(Failure::new(span, message));
        }
        let codes = self.gates.codes.len();
        let (action, signature) = match found {
            Some(Symbol::Keyword(Keyword::Barrier)) => (Action::Barrier, None),
            Some(Symbol::Gate(gate)) => {
                let n_params = self.body_params(cursor, locals)?;
                if n_params != gate.n_params as usize {
                    return Err(wrong_count(cursor, word, "parameter", gate.n_params, n_params));
                }
                let action = match gate.gate {
                    Callee::Table(op) => Action::Table(op),
                    Callee::Defined(definition) => Action::Defined(definition),
                    Callee::Opaque(id) => Action::Opaque(id),
                };
                (action, Some(gate))
            }
            Some(Symbol::Keyword(_)) => {
                let message = format!(
                    "the body of a gate holds gates and barriers, found `{}`",
                    cursor.name(word)
                );
                return Err(Failure::new(span, message));
            }
            other => return Err(self.not_a_gate(cursor, word, other)),
        };
        let qubits = self.gates.qubits.len();
        self.body_qubits(cursor, locals)?;
        let n_qubits = self.gates.qubits.len() - qubits;
        if let Some(gate) = signature.filter(|gate| gate.n_qubits as usize != n_qubits) {
            return Err(wrong_count(cursor, word, "qubit", gate.n_qubits, n_qubits));
        }
        let call = Call {
            action,
            codes: codes..self.gates.codes.len(),
            qubits: qubits..self.gates.qubits.len(),
        };
        let steps = 1 + (call.codes.len() + n_qubits) as u64;
        let mut called = Called { cost: Cost { operands: 0, steps }, depth: 0 };
        match action {
            Action::Defined(inner) => {
                let inner = &self.gates.definitions[inner as usize];
                called.cost.add(inner.cost);
                called.depth = inner.depth;
            }
            _ => {
                let gate = signature.map(|gate| self.memory_of(gate));
                called.cost.operands = gate.unwrap_or(n_qubits as u64);
            }
        }
        self.gates.calls.push(call);
        Ok(called)
    }

    /// Writes the code of the parameters in parentheses, if there are any; returns their number.
    fn body_params(&mut self, cursor: &mut Cursor<'_>, locals: &Locals<'_>) -> Parsed<usize> {
        if !cursor.eat(b'(') || cursor.eat(b')') {
            return Ok(0);
        }
        let parameter = |name: &str| match locals.by_name.get(name) {
            Some(Local::Param(place)) => Some(*place),
            _ => None,
        };
        let mut build =
            Later { codes: &mut self.gates.codes, parameter, parameters: &locals.params };
        let mut n_params = 0;
        loop {
            expression(cursor, &mut build)?;
            n_params += 1;
            if !cursor.eat(b',') {
                break;
            }
        }
        match cursor.eat(b')') {
            true => Ok(n_params),
            false => Err(cursor.expected("an operator, `,` or `)`")),
        }
    }

    /// The qubits of a statement of a body, up to its semicolon.
    fn body_qubits(&mut self, cursor: &mut Cursor<'_>, locals: &Locals<'_>) -> Parsed<()> {
        let first = self.gates.qubits.len();
        let start = cursor.at();
        loop {
            let word = cursor.expect_word("a qubit of the gate")?;
            let name = cursor.name(word);
            let place = match locals.by_name.get(name) {
                Some(Local::Qubit(place)) => *place,
                other => {
                    let is = if other.is_some() { "a parameter" } else { "not a qubit" };
                    let message = format!("`{}` is {is} of the gate", shown(name));
                    return Err(Failure::new(word.start..word.end, message));
                }
            };
            self.gates.qubits.push(place);
            if !cursor.eat(b',') {
                break;
            }
        }
        if cursor.peek() == b'[' {
            let message = "the body of a gate names its qubits, not bits of registers";
            return Err(Failure::new(cursor.at()..cursor.at() + 1, message));
        }
        let end = cursor.at();
        if !cursor.eat(b';') {
            return Err(cursor.expected("`,` or `;`"));
        }
        let mut sorted = self.gates.qubits[first..].to_vec();
        sorted.sort_unstable();
        match sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(Failure::new(start..end, "a qubit stands twice")),
            false => Ok(()),
        }
    }
}

/// What a statement of a body adds to its gate.
struct Called {
    cost: Cost,
    depth: u32,
}

fn signature(gate: Callee, locals: &Locals<'_>) -> Signature {
    let n_params = locals.params.len() as u32;
    Signature { gate, n_params, n_qubits: locals.n_qubits, replaceable: false }
}
