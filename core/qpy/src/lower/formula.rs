//! Parameters, and numbers made of them.

use std::collections::{BTreeSet, HashSet};

use ketch_interface::circuit::{
    Binary, Expr, ExprId, Param, Unary, Value as Literal, VarId, VarType,
};

use super::{Lower, Lowerer, fail};
use crate::model::{Circuit, Formula, Function, Node, Operator, Symbol, Value};

/// What a symbol stands for within a loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    Number(f64),
    Variable(VarId),
}

/// A node that was given a meaning.
#[derive(Clone, Copy, Debug)]
enum Known {
    Number(f64),
    Expr(ExprId),
}

impl Formula<'_> {
    /// Which nodes the whole is made of.
    fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.nodes.len()];
        if let Some(whole) = used.last_mut() {
            *whole = true;
        }
        for place in (0..self.nodes.len()).rev().filter(|&place| self.nodes[place].has_operands()) {
            if used[place] {
                match self.nodes[place] {
                    Node::Unary(_, a) => used[a as usize] = true,
                    Node::Binary(_, a, b) => (used[a as usize], used[b as usize]) = (true, true),
                    _ => {}
                }
            }
        }
        used
    }
}

impl Node<'_> {
    fn has_operands(self) -> bool {
        matches!(self, Self::Unary(..) | Self::Binary(..))
    }
}

/// The names of the free parameters of a circuit, in Qiskit's order.
pub(super) fn parameters(circuit: &Circuit<'_>) -> Vec<String> {
    let (mut found, mut bound) = (Vec::new(), HashSet::new());
    collect(circuit, &mut found, &mut bound);
    let free = found.into_iter().filter(|symbol| !bound.contains(&symbol.uuid));
    // By name; elements of a vector by its name, then by their places.
    let ordered: BTreeSet<(&str, Option<u64>)> =
        free.map(|symbol| (symbol.name, symbol.element)).collect();
    let symbol = |(name, element)| Symbol { uuid: 0, name, element };
    ordered.into_iter().map(|known| symbol(known).full_name()).collect()
}

fn collect<'a>(circuit: &Circuit<'a>, found: &mut Vec<Symbol<'a>>, bound: &mut HashSet<u128>) {
    collect_value(&circuit.global_phase, found, bound);
    for instruction in &circuit.instructions {
        for (place, param) in instruction.params.iter().enumerate() {
            match param {
                Value::Formula(formula) if instruction.name == "ForLoopOp" && place == 1 => {
                    bound.extend(formula.symbol().map(|symbol| symbol.uuid));
                }
                param => collect_value(param, found, bound),
            }
        }
    }
}

fn collect_value<'a>(value: &Value<'a>, found: &mut Vec<Symbol<'a>>, bound: &mut HashSet<u128>) {
    match value {
        Value::Formula(formula) => {
            let used = formula.used();
            let nodes = formula.nodes.iter().zip(used).filter(|(_, used)| *used);
            found.extend(nodes.filter_map(|(node, _)| match node {
                Node::Symbol(symbol) => Some(*symbol),
                _ => None,
            }));
        }
        Value::Circuit(body) => collect(body, found, bound),
        Value::Tuple(items) => items.iter().for_each(|item| collect_value(item, found, bound)),
        _ => {}
    }
}

impl<'a> Formula<'a> {
    /// The symbol, if it is nothing else.
    pub(super) fn symbol(&self) -> Option<Symbol<'a>> {
        match self.nodes.last() {
            Some(Node::Symbol(symbol)) => Some(*symbol),
            _ => None,
        }
    }
}

impl<'m> Lowerer<'m> {
    /// A number for a gate, or what becomes one.
    pub(super) fn param(&mut self, value: &Value<'m>) -> Lower<Param> {
        let number = match value {
            Value::Int(number) => *number as f64,
            Value::Float(number) => *number,
            Value::Complex(number) if number.im == 0.0 => number.re,
            Value::Array(array) => match &array.entries[..] {
                [number] if number.im == 0.0 => number.re,
                _ => return fail("an array where a number is expected"),
            },
            Value::Formula(formula) => return self.formula(formula),
            _ => return fail("a parameter that is no number"),
        };
        finite(number).map(Param::Number)
    }

    pub(super) fn params(&mut self, values: &[Value<'m>]) -> Lower<Vec<Param>> {
        values.iter().map(|value| self.param(value)).collect()
    }

    fn formula(&mut self, formula: &Formula<'m>) -> Lower<Param> {
        self.step(formula.nodes.len() as u64)?;
        let used = formula.used();
        let mut known: Vec<Known> = Vec::with_capacity(formula.nodes.len());
        for (place, node) in formula.nodes.iter().enumerate() {
            known.push(match *node {
                _ if !used[place] => Known::Number(0.0),
                Node::Number(number) => Known::Number(number),
                Node::Symbol(symbol) => self.symbol(symbol),
                Node::Unary(function, a) => self.function(function, known[a as usize]),
                Node::Binary(operator, a, b) => {
                    self.operator(operator, known[a as usize], known[b as usize])
                }
                Node::Impossible(what) => return fail(format!("an angle that needs {what}")),
            });
        }
        match known.last() {
            Some(Known::Number(number)) => finite(*number).map(Param::Number),
            Some(Known::Expr(id)) => Ok(Param::Expr(*id)),
            None => fail("an empty formula"),
        }
    }

    fn symbol(&mut self, symbol: Symbol<'m>) -> Known {
        match self.bound.get(&symbol.uuid) {
            Some(Bound::Number(number)) => Known::Number(*number),
            Some(&Bound::Variable(variable)) => {
                let whole = self.circuit.add_expr(Expr::Var(variable));
                Known::Expr(self.circuit.add_expr(Expr::Cast(VarType::Float, whole)))
            }
            None => {
                let id = self.circuit.parameter(&symbol.full_name());
                Known::Expr(self.circuit.add_expr(Expr::Parameter(id)))
            }
        }
    }

    fn function(&mut self, function: Function, a: Known) -> Known {
        let unary = match function {
            Function::Sin => Unary::Sin,
            Function::Cos => Unary::Cos,
            Function::Tan => Unary::Tan,
            Function::Asin => Unary::Asin,
            Function::Acos => Unary::Acos,
            Function::Atan => Unary::Atan,
            Function::Exp => Unary::Exp,
            Function::Ln => Unary::Ln,
            Function::Abs => Unary::Abs,
            Function::Sign => return self.sign(a),
        };
        match a {
            Known::Number(number) => Known::Number(unary.of_number(number)),
            Known::Expr(id) => Known::Expr(self.circuit.add_expr(Expr::Unary(unary, id))),
        }
    }

    /// 1, 0 or -1: whether it is above 0, less whether it is below.
    fn sign(&mut self, a: Known) -> Known {
        let id = match a {
            Known::Number(0.0) => return a,
            Known::Number(number) => return Known::Number(number.signum()),
            Known::Expr(id) => id,
        };
        let zero = self.literal(0.0);
        let mut truth = |binary| {
            let truth = self.circuit.add_expr(Expr::Binary(binary, id, zero));
            self.circuit.add_expr(Expr::Cast(VarType::Float, truth))
        };
        let (above, below) = (truth(Binary::Greater), truth(Binary::Less));
        Known::Expr(self.circuit.add_expr(Expr::Binary(Binary::Sub, above, below)))
    }

    fn operator(&mut self, operator: Operator, a: Known, b: Known) -> Known {
        let binary = match operator {
            Operator::Add => Binary::Add,
            Operator::Sub => Binary::Sub,
            Operator::Mul => Binary::Mul,
            Operator::Div => Binary::Div,
            Operator::Pow => Binary::Pow,
        };
        if let (Known::Number(a), Known::Number(b)) = (a, b)
            && let Some(number) = binary.of_numbers(a, b)
        {
            return Known::Number(number);
        }
        let (a, b) = (self.node(a), self.node(b));
        Known::Expr(self.circuit.add_expr(Expr::Binary(binary, a, b)))
    }

    fn node(&mut self, known: Known) -> ExprId {
        match known {
            Known::Number(number) => self.literal(number),
            Known::Expr(id) => id,
        }
    }

    fn literal(&mut self, number: f64) -> ExprId {
        self.circuit.add_expr(Expr::Literal(Literal::Float(number)))
    }

    /// A parameter times a number.
    pub(super) fn scaled(&mut self, param: Param, factor: f64) -> Param {
        match param {
            Param::Number(number) => Param::Number(number * factor),
            param if factor == 1.0 => param,
            param => self.circuit.combine(Binary::Mul, param, Param::Number(factor)),
        }
    }
}

fn finite(number: f64) -> Lower<f64> {
    match number.is_finite() {
        true => Ok(number),
        false => fail(format!("an angle of {number}")),
    }
}
