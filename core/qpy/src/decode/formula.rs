//! Parameters, and numbers made of them: the calls that made the number, to be made again.

use std::collections::HashMap;

use super::{Decoder, Vectors};
use crate::{
    cursor::Cursor,
    error::{Decoded, malformed},
    model::{Formula, Function, Node, Operator, Symbol, Value},
};

/// The nodes of a formula that is being read, and those whose use is still to come.
#[derive(Default)]
struct Replay<'a> {
    nodes: Vec<Node<'a>>,
    stack: Vec<u32>,
}

impl<'a> Replay<'a> {
    fn node(&mut self, node: Node<'a>) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    fn push(&mut self, node: Node<'a>) {
        let place = self.node(node);
        self.stack.push(place);
    }

    fn pop(&mut self, at: usize) -> Decoded<u32> {
        match self.stack.pop() {
            Some(place) => Ok(place),
            None => malformed(at, "a formula that lacks an operand"),
        }
    }

    /// Another formula's nodes, and the place of its whole.
    fn import(&mut self, formula: &Formula<'a>) -> u32 {
        let base = self.nodes.len() as u32;
        self.nodes.extend(formula.nodes.iter().map(|node| match *node {
            Node::Unary(function, a) => Node::Unary(function, base + a),
            Node::Binary(operator, a, b) => Node::Binary(operator, base + a, base + b),
            other => other,
        }));
        self.nodes.len() as u32 - 1
    }

    /// The node with symbols replaced.
    fn substituted(&mut self, whole: u32, values: &HashMap<u128, u32>) -> u32 {
        let mut used = vec![false; whole as usize + 1];
        used[whole as usize] = true;
        for place in (0..=whole as usize).rev() {
            if used[place] {
                match self.nodes[place] {
                    Node::Unary(_, a) => used[a as usize] = true,
                    Node::Binary(_, a, b) => {
                        used[a as usize] = true;
                        used[b as usize] = true;
                    }
                    _ => {}
                }
            }
        }
        let mut moved: Vec<u32> = (0..=whole).collect();
        for place in (0..=whole as usize).filter(|&place| used[place]) {
            let to = |old: u32, moved: &[u32]| moved[old as usize];
            let new = match self.nodes[place] {
                Node::Symbol(symbol) => values.get(&symbol.uuid).copied(),
                Node::Unary(function, a) => {
                    let node = Node::Unary(function, to(a, &moved));
                    (to(a, &moved) != a).then(|| self.node(node))
                }
                Node::Binary(operator, a, b) => {
                    let (new_a, new_b) = (to(a, &moved), to(b, &moved));
                    let node = Node::Binary(operator, new_a, new_b);
                    ((new_a, new_b) != (a, b)).then(|| self.node(node))
                }
                Node::Number(_) | Node::Impossible(_) => None,
            };
            moved[place] = new.unwrap_or(place as u32);
        }
        moved[whole as usize]
    }
}

impl Decoder {
    /// A parameter, or an element of a vector of them.
    pub(super) fn symbol<'a>(
        &self,
        kind: u8,
        cursor: &mut Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<Symbol<'a>> {
        let at = cursor.at();
        if kind == b'p' {
            let name_size = cursor.u16()?;
            let uuid = cursor.u128()?;
            return Ok(Symbol { uuid, name: cursor.text(name_size)?, element: None });
        }
        if self.version >= 18 {
            let vector = cursor.u16()?;
            let index = cursor.u64()?;
            return match vectors.get(usize::from(vector)) {
                Some(vector) => {
                    let uuid = vector.uuid.wrapping_add(index.into());
                    Ok(Symbol { uuid, name: vector.name, element: Some(index) })
                }
                None => malformed(at, format!("parameter vector {vector} of {}", vectors.len())),
            };
        }
        let name_size = cursor.u16()?;
        let _vector_size = cursor.u64()?;
        let uuid = cursor.u128()?;
        let index = cursor.u64()?;
        Ok(Symbol { uuid, name: cursor.text(name_size)?, element: Some(index) })
    }

    pub(super) fn formula<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<Formula<'a>> {
        let at = cursor.at();
        let n_symbols = cursor.u64()?;
        let size = cursor.u64()?;
        let mut steps = cursor.part(size)?;
        let mut symbols = HashMap::new();
        for _ in 0..cursor.count(n_symbols, 20)? {
            if let Some(symbol) = self.table_entry(cursor, vectors)? {
                symbols.insert(symbol.uuid, symbol);
            }
        }
        let mut replay = Replay::default();
        while !steps.is_at_end() {
            self.step(&mut steps, &symbols, vectors, &mut replay)?;
        }
        let whole = replay.pop(at)?;
        replay.nodes.truncate(whole as usize + 1);
        Ok(Formula { nodes: replay.nodes })
    }

    /// An entry of the table of symbols. What stands for the symbol is the symbol itself.
    fn table_entry<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<Option<Symbol<'a>>> {
        let at = cursor.at();
        let kind = cursor.u8()?;
        let _value_kind = cursor.u8()?;
        let value_size = cursor.u64()?;
        let symbol = match kind {
            b'p' | b'v' => Some(self.symbol(kind, cursor, vectors)?),
            b'e' => {
                self.within(cursor, |decoder, cursor| decoder.formula(cursor, vectors))?;
                None
            }
            other => return malformed(at, format!("a symbol of type {other}")),
        };
        cursor.bytes(value_size)?;
        Ok(symbol)
    }

    /// One call.
    fn step<'a>(
        &mut self,
        steps: &mut Cursor<'a>,
        symbols: &HashMap<u128, Symbol<'a>>,
        vectors: &Vectors<'a>,
        replay: &mut Replay<'a>,
    ) -> Decoded<()> {
        let at = steps.at();
        let call = steps.u8()?;
        let mut values = None;
        for _side in 0..2 {
            let kind = steps.u8()?;
            let mut operand = steps.part(16)?;
            match kind {
                // Nothing; the beginning and the end of an operand that is a formula.
                b'n' | b's' | b'e' => {}
                b'p' => {
                    let uuid = operand.u128()?;
                    match symbols.get(&uuid) {
                        Some(symbol) => replay.push(Node::Symbol(*symbol)),
                        None => {
                            return malformed(at, "a formula of a symbol that it does not list");
                        }
                    }
                }
                b'f' => {
                    operand.u64()?;
                    replay.push(Node::Number(operand.f64()?));
                }
                b'i' => {
                    operand.u64()?;
                    replay.push(Node::Number(operand.i64()? as f64));
                }
                b'c' => {
                    let (re, im) = (operand.f64()?, operand.f64()?);
                    replay.push(match im == 0.0 {
                        true => Node::Number(re),
                        false => Node::Impossible("a complex number"),
                    });
                }
                b'u' => values = Some(operand.u64()?),
                other => return malformed(at, format!("an operand of type {other}")),
            }
        }
        if let Some(size) = values {
            let map = steps.part(size)?;
            return self.substitute(map, symbols, vectors, replay);
        }
        let function = match call {
            5 => Function::Sin,
            6 => Function::Cos,
            7 => Function::Tan,
            8 => Function::Asin,
            9 => Function::Acos,
            10 => Function::Exp,
            11 => Function::Ln,
            12 => Function::Sign,
            16 => Function::Abs,
            17 => Function::Atan,
            // Conjugating a real number; the beginning or end of an operand.
            14 | 255 => return Ok(()),
            13 => {
                replay.pop(at)?;
                replay.pop(at)?;
                replay.push(Node::Impossible("a derivative"));
                return Ok(());
            }
            0..=4 | 18..=20 => {
                let (right, left) = (replay.pop(at)?, replay.pop(at)?);
                let (operator, reversed) = match call {
                    0 => (Operator::Add, false),
                    1 => (Operator::Sub, false),
                    2 => (Operator::Mul, false),
                    3 => (Operator::Div, false),
                    4 => (Operator::Pow, false),
                    18 => (Operator::Sub, true),
                    19 => (Operator::Div, true),
                    _ => (Operator::Pow, true),
                };
                let (left, right) = if reversed { (right, left) } else { (left, right) };
                replay.push(Node::Binary(operator, left, right));
                return Ok(());
            }
            other => return malformed(at, format!("call {other} in a formula")),
        };
        let operand = replay.pop(at)?;
        replay.push(Node::Unary(function, operand));
        Ok(())
    }

    /// Replaces symbols of the formula so far by other formulas. Symbols are called by their names
    /// up to version 14, then by their identities.
    fn substitute<'a>(
        &mut self,
        mut map: Cursor<'a>,
        symbols: &HashMap<u128, Symbol<'a>>,
        vectors: &Vectors<'a>,
        replay: &mut Replay<'a>,
    ) -> Decoded<()> {
        let at = map.at();
        let whole = replay.pop(at)?;
        let mut values = HashMap::new();
        let number = map.u64()?;
        for _ in 0..map.count(number, 5)? {
            let key_size = map.u16()?;
            let kind = map.u8()?;
            let size = map.u16()?;
            let mut key = map.part(key_size.into())?;
            let part = map.part(size.into())?;
            let uuid = if self.version >= 15 {
                key.u128()?
            } else {
                self.charge(symbols.len() / 16, at)?;
                let name = key.text(u64::from(key_size))?;
                match symbols.values().find(|symbol| symbol.is_called(name)) {
                    Some(symbol) => symbol.uuid,
                    None => return malformed(at, "a substitution of an unknown symbol"),
                }
            };
            let value = self.within(&mut map, |decoder, _| decoder.value(kind, part, vectors))?;
            let place = match value {
                Value::Int(number) => replay.node(Node::Number(number as f64)),
                Value::Float(number) => replay.node(Node::Number(number)),
                Value::Complex(number) if number.im == 0.0 => replay.node(Node::Number(number.re)),
                Value::Formula(formula) => replay.import(&formula),
                _ => replay.node(Node::Impossible("a complex number")),
            };
            values.insert(uuid, place);
        }
        self.charge(whole as usize + 1, at)?;
        let place = replay.substituted(whole, &values);
        replay.stack.push(place);
        Ok(())
    }
}

impl Symbol<'_> {
    /// Its name, as users write it.
    pub(crate) fn full_name(&self) -> String {
        match self.element {
            Some(index) => format!("{}[{index}]", self.name),
            None => self.name.to_owned(),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        match self.element {
            None => name == self.name,
            Some(_) => name == self.full_name(),
        }
    }
}
