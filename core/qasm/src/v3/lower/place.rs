//! Parts of what names stand for: read, assigned to, measured into.

use std::rc::Rc;

use ketch_interface::circuit::{Binary, Clbit, Expr as Node, Op, Qubit, VarType};

use super::super::ast::{BinaryOp, Expr, ExprKind, Index, IndexItem, RangeExpr, Span};
use super::{
    Lower, Lowerer, fail,
    scope::{Array, Bits},
    value::{Const, Ty, Value, bits_of},
};

/// The most cases that an index makes which is known only while the program runs.
pub(super) const MAX_CASES: usize = 4096;

/// A part of what a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Value(Value),
    Clbits(Bits),
    Var(usize),
    /// Bits of a variable.
    VarBits {
        var: usize,
        bits: Rc<[u32]>,
        register: bool,
    },
    Array(Array),
    Qubits(Bits),
    /// One of these, as an index says while the program runs.
    Choice {
        parts: Vec<Self>,
        index: Value,
    },
}

/// What an index chooses from a row of things.
pub(super) enum Chosen {
    One(usize),
    Many(Vec<usize>),
    /// Known while the program runs.
    Later(Value),
}

impl Lowerer<'_> {
    /// What an expression of a name and indices stands for.
    pub(super) fn part(&mut self, expr: &Expr) -> Lower<Part> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let symbol = self.symbol(*name, expr.span)?;
                self.named(symbol, expr.span)
            }
            ExprKind::Physical(number) => {
                let qubit = self.physical_qubit(*number, expr.span)?;
                Ok(Part::Qubits(Bits { bits: Rc::new([qubit]), register: false }))
            }
            ExprKind::Index(base, indices) => {
                let mut part = self.part(base)?;
                for index in indices {
                    part = self.index(part, index)?;
                }
                Ok(part)
            }
            ExprKind::Concat(parts) => self.concatenated(parts, expr.span),
            _ => self.eval(expr).map(Part::Value),
        }
    }

    /// The parts of an alias, one after the other.
    fn concatenated(&mut self, exprs: &[Expr], span: Span) -> Lower<Part> {
        let (mut bits, mut quantum) = (Vec::new(), None);
        for expr in exprs {
            let (part_bits, is_quantum) = match self.part(expr)? {
                Part::Qubits(part) => (part.bits, true),
                Part::Clbits(part) => (part.bits, false),
                _ => return self.joined(exprs, span).map(Part::Value),
            };
            if quantum.is_some_and(|quantum| quantum != is_quantum) {
                return fail(span, "`++` of qubits and bits");
            }
            quantum = Some(is_quantum);
            self.charge(span, part_bits.len() as u64, 0)?;
            bits.extend_from_slice(&part_bits);
        }
        let bits = Bits { bits: bits.into(), register: true };
        Ok(if quantum == Some(true) { Part::Qubits(bits) } else { Part::Clbits(bits) })
    }

    /// A part of a part.
    fn index(&mut self, part: Part, index: &Index) -> Lower<Part> {
        let mut part = part;
        if let Part::Array(array) = &part
            && array.sizes.len() > 1
        {
            let array = array.clone();
            return self.index_array(&array, &index.items, index.span);
        }
        for item in &index.items {
            if let (Part::Value(value), IndexItem::At(at)) = (&mut part, item) {
                *value = self.kept_before(value.clone(), at)?;
            }
            if let IndexItem::At(at) = item {
                self.keep_choice(&mut part, at)?;
            }
            part = self.index_once(part, item, index.span)?;
        }
        Ok(part)
    }

    fn index_once(&mut self, part: Part, item: &IndexItem, span: Span) -> Lower<Part> {
        match part {
            Part::Array(array) => self.index_array(&array, std::slice::from_ref(item), span),
            Part::Qubits(bits) => {
                let chosen = self.choose_bits(&bits, item, span)?;
                Ok(self.chosen_bits(&bits, chosen, Part::Qubits))
            }
            Part::Clbits(bits) => {
                let chosen = self.choose_bits(&bits, item, span)?;
                Ok(self.chosen_bits(&bits, chosen, Part::Clbits))
            }
            Part::Var(var) => {
                let ty = self.vars[var].ty;
                let size = self.size_in_bits(ty, span)?;
                let places: Rc<[u32]> = (0..size).collect();
                let bits = Bits { bits: places, register: true };
                let chosen = self.choose(size as usize, item, span)?;
                Ok(self.chosen_bits(&bits, chosen, |chosen| Part::VarBits {
                    var,
                    bits: chosen.bits,
                    register: chosen.register,
                }))
            }
            Part::VarBits { var, bits, register: true } => {
                let bits = Bits { bits, register: true };
                let chosen = self.choose(bits.bits.len(), item, span)?;
                Ok(self.chosen_bits(&bits, chosen, |chosen| Part::VarBits {
                    var,
                    bits: chosen.bits,
                    register: chosen.register,
                }))
            }
            Part::Value(value) => {
                let size = self.size_in_bits(value.ty, span)?;
                match self.choose(size as usize, item, span)? {
                    Chosen::One(bit) => {
                        self.bits_at(&value, &[bit as u32], false, span).map(Part::Value)
                    }
                    Chosen::Many(bits) => {
                        let bits: Vec<u32> = bits.into_iter().map(|bit| bit as u32).collect();
                        self.bits_at(&value, &bits, true, span).map(Part::Value)
                    }
                    Chosen::Later(index) => {
                        let index = self.convert(&index, Ty::Uint(64), span)?;
                        let shifted = self.binary(BinaryOp::Shr, &value, &index, span)?;
                        self.bits_at(&shifted, &[0], false, span).map(Part::Value)
                    }
                }
            }
            Part::VarBits { .. } => fail(span, "one bit has no parts"),
            Part::Choice { parts, index } => {
                let parts = parts
                    .into_iter()
                    .map(|part| self.index_once(part, item, span))
                    .collect::<Lower<Vec<Part>>>()?;
                Ok(Part::Choice { parts, index })
            }
        }
    }

    fn size_in_bits(&self, ty: Ty, span: Span) -> Lower<u32> {
        match ty {
            Ty::Bits(n) | Ty::Int(n) | Ty::Uint(n) | Ty::Angle(n) => Ok(n),
            Ty::Literal => Ok(super::value::INT_WIDTH),
            _ => fail(span, format!("a `{ty}` has no parts")),
        }
    }

    fn choose_bits(&mut self, bits: &Bits, item: &IndexItem, span: Span) -> Lower<Chosen> {
        match bits.register {
            true => self.choose(bits.bits.len(), item, span),
            false => fail(span, "one bit has no parts"),
        }
    }

    fn chosen_bits(&self, bits: &Bits, chosen: Chosen, part: impl Fn(Bits) -> Part) -> Part {
        let one = |place: usize| part(Bits { bits: Rc::new([bits.bits[place]]), register: false });
        match chosen {
            Chosen::One(place) => one(place),
            Chosen::Many(places) => {
                let bits = places.into_iter().map(|place| bits.bits[place]).collect();
                part(Bits { bits, register: true })
            }
            Chosen::Later(index) => {
                Part::Choice { parts: (0..bits.bits.len()).map(one).collect(), index }
            }
        }
    }

    /// What an index chooses of `size` things.
    pub(super) fn choose(&mut self, size: usize, item: &IndexItem, span: Span) -> Lower<Chosen> {
        match item {
            IndexItem::At(Expr { kind: ExprKind::Braces(items), .. }) => {
                let mut places = Vec::with_capacity(items.len());
                for item in items {
                    let at = self.known_int(item, "an index of a set")?;
                    places.push(place_of(at, size, item.span)?);
                }
                match places.is_empty() {
                    true => fail(span, "a set of no indices"),
                    false => Ok(Chosen::Many(places)),
                }
            }
            IndexItem::At(expr) => {
                let value = self.eval(expr)?;
                if let Some(at) = value.as_int() {
                    return place_of(at, size, expr.span).map(Chosen::One);
                }
                if value.as_known().is_some()
                    || !(value.ty.is_integer()
                        || matches!(value.ty, Ty::Bits(_) | Ty::Bit | Ty::Bool))
                {
                    return fail(
                        expr.span,
                        format!("an index is a whole number, found a `{}`", value.ty),
                    );
                }
                if size > MAX_CASES {
                    let message = format!(
                        "an index that is known only while the program runs, into {size} things: \
                         at most {MAX_CASES} are allowed"
                    );
                    return fail(expr.span, message);
                }
                self.charge(expr.span, 0, size as u64 / 2)?;
                self.counted_from_start(value, size, expr.span).map(Chosen::Later)
            }
            IndexItem::Range(range) => self.range_of(range, size).map(Chosen::Many),
        }
    }

    /// An index as one that counts from the start, as far as its type can be negative.
    fn counted_from_start(&mut self, index: Value, size: usize, span: Span) -> Lower<Value> {
        if !matches!(index.ty, Ty::Int(_) | Ty::Literal) {
            return Ok(index);
        }
        let ty = Ty::Int(64);
        let index = self.convert(&index, ty, span)?;
        let below = self.binary(BinaryOp::Less, &index, &Value::literal(0), span)?;
        let below = self.convert(&below, ty, span)?;
        let added = self.binary(BinaryOp::Mul, &below, &Value::literal(size as i128), span)?;
        self.binary(BinaryOp::Add, &index, &added, span)
    }

    /// The places that a range chooses of `size` things.
    fn range_of(&mut self, range: &RangeExpr, size: usize) -> Lower<Vec<usize>> {
        let mut part = |expr: &Option<Box<Expr>>| match expr {
            Some(expr) => {
                self.known_int(expr, "the end of a range").map(|at| Some((at, expr.span)))
            }
            None => Ok(None),
        };
        let (start, step, stop) = (part(&range.start)?, part(&range.step)?, part(&range.stop)?);
        let step = step.map_or(1, |(step, _)| step);
        if step == 0 {
            return fail(range.span, "a range whose step is 0");
        }
        let last = size as i128 - 1;
        let (first_default, last_default) = if step > 0 { (0, last) } else { (last, 0) };
        let end = |given: Option<(i128, Span)>, default: i128| match given {
            Some((at, span)) => place_of(at, size, span).map(|at| at as i128),
            None => Ok(default),
        };
        let (start, stop) = (end(start, first_default)?, end(stop, last_default)?);
        let mut places = Vec::new();
        let mut at = start;
        while if step > 0 { at <= stop } else { at >= stop } {
            places.push(at as usize);
            at = at.saturating_add(step);
        }
        self.charge(range.span, places.len() as u64 / 8, 0)?;
        match places.is_empty() {
            true => fail(range.span, "a range of nothing"),
            false => Ok(places),
        }
    }

    /// Writes a value to a place.
    pub(super) fn assign(&mut self, place: &Part, value: &Value, span: Span) -> Lower<()> {
        match place {
            Part::Clbits(bits) => {
                let ty = match bits.register {
                    true => Ty::Bits(bits.bits.len() as u32),
                    false => Ty::Bit,
                };
                let value = self.converted_bits(value, ty, span)?;
                let node = self.stored_node(&value, span)?;
                self.charge(span, bits.bits.len() as u64, 1)?;
                let clbits: Vec<Clbit> = bits.bits.iter().copied().map(Clbit).collect();
                self.circuit.push_unchecked(Op::StoreClbits(node), &[], &clbits, &[]);
                Ok(())
            }
            Part::Var(var) => {
                let value = self.converted_bits(value, self.vars[*var].ty, span)?;
                self.write_var(*var, &value, span)
            }
            Part::VarBits { var, bits, register } => {
                self.assign_bits(*var, bits, *register, value, span)
            }
            Part::Choice { parts, index } => {
                let written = vars_of(parts);
                self.switch_on(index, parts.len(), &written, span, |lower, k| {
                    lower.assign(&parts[k], value, span)
                })
            }
            Part::Array(_) => fail(span, "an array is assigned an array"),
            Part::Value(_) => fail(span, "a constant is not assigned to"),
            Part::Qubits(_) => fail(span, "a qubit is not assigned to"),
        }
    }

    /// A value as the type of a place; registers of bits take only as many bits as they have.
    fn converted_bits(&mut self, value: &Value, ty: Ty, span: Span) -> Lower<Value> {
        match (ty, value.ty) {
            (Ty::Bits(n), Ty::Bits(m)) if n != m => {
                fail(span, format!("{m} bits are assigned to {n}"))
            }
            (Ty::Bit, Ty::Bits(m)) if m > 1 => fail(span, format!("{m} bits are assigned to one")),
            _ => self.convert(value, ty, span),
        }
    }

    fn assign_bits(
        &mut self,
        var: usize,
        places: &[u32],
        register: bool,
        value: &Value,
        span: Span,
    ) -> Lower<()> {
        let ty = self.vars[var].ty;
        let width = ty.width().expect("a variable with bits");
        let count = places.len() as u32;
        let value =
            self.converted_bits(value, if register { Ty::Bits(count) } else { Ty::Bit }, span)?;
        if let (Some(known), Some(new)) = (&self.vars[var].known, value.as_known()) {
            let mut bits = match known {
                Const::Bits(bits) => bits.clone(),
                Const::Int(value) => bits_of(*value, width),
                _ => return fail(span, format!("a `{ty}` has no bits")),
            };
            for (from, &to) in places.iter().enumerate() {
                let bit = match new {
                    Const::Bits(new) => new.get(from as u32),
                    new => *new == Const::Bool(true),
                };
                bits.set(to, bit);
            }
            let known = match ty {
                Ty::Bits(_) => Const::Bits(bits),
                _ => {
                    let unsigned = bits.to_u64().map_or(0, i128::from);
                    Const::Int(ty.wrap(unsigned))
                }
            };
            return self.write_var(var, &Value::known(ty, known), span);
        }
        self.charge(span, u64::from(width / 16), u64::from(width / 16))?;
        let whole = self.read_var(var, span)?;
        let mut node = self.convert_bits(&whole, width, span)?;
        let mut mask = ketch_interface::BitString::zeros(width);
        (0..width).for_each(|place| mask.set(place, true));
        places.iter().for_each(|&place| mask.set(place, false));
        let mask = self.node(Node::Literal(ketch_interface::circuit::Value::Uint(mask)));
        node = self.node(Node::Binary(Binary::BitAnd, node, mask));
        for (from, &to) in places.iter().enumerate() {
            let bit = match register {
                true => self.bits_at(&value, &[from as u32], false, span)?,
                false => value.clone(),
            };
            let bit = self.run_node(&bit, span)?;
            let wide = self.node(Node::Cast(VarType::Uint(width), bit));
            let by = self.uint(32, u64::from(to));
            let shifted = self.node(Node::Binary(Binary::Shl, wide, by));
            node = self.node(Node::Binary(Binary::BitOr, node, shifted));
        }
        if let Ty::Int(n) = ty {
            node = self.node(Node::Cast(VarType::Int(n), node));
        }
        self.write_var(var, &Value::run(ty, node), span)
    }

    /// Measures qubits into a place.
    pub(super) fn measure_into(&mut self, qubits: &Bits, place: &Part, span: Span) -> Lower<()> {
        let count = qubits.bits.len();
        let check = |found: usize| match found == count {
            true => Ok(()),
            false => fail(span, format!("`measure` of {count} qubits into {found} bits")),
        };
        match place {
            Part::Clbits(bits) => {
                check(bits.bits.len())?;
                if count > 1 || self.expansion > 0 {
                    self.charge(span, count as u64, 1)?;
                }
                self.distinct(&qubits.bits, span)?;
                let clbits: Vec<Clbit> = bits.bits.iter().copied().map(Clbit).collect();
                let qubits: Vec<Qubit> = qubits.bits.iter().copied().map(Qubit).collect();
                self.circuit.push_unchecked(Op::Measure, &qubits, &clbits, &[]);
                Ok(())
            }
            Part::Var(var) => match self.vars[*var].ty {
                Ty::Bit => {
                    check(1)?;
                    self.measure_bits(qubits, *var, &[0], span)
                }
                Ty::Bits(n) => {
                    check(n as usize)?;
                    let places: Vec<u32> = (0..n).collect();
                    self.measure_bits(qubits, *var, &places, span)
                }
                _ => {
                    let value = self.measured_value(qubits, span)?;
                    self.assign(place, &value, span)
                }
            },
            Part::VarBits { var, bits, .. } => {
                check(bits.len())?;
                self.store(*var, span)?;
                self.measure_bits(qubits, *var, bits, span)
            }
            Part::Choice { parts, index } => {
                let written = vars_of(parts);
                self.switch_on(index, parts.len(), &written, span, |lower, k| {
                    lower.measure_into(qubits, &parts[k], span)
                })
            }
            Part::Array(_) | Part::Value(_) | Part::Qubits(_) => {
                fail(span, "a measurement goes into bits")
            }
        }
    }

    fn measure_bits(&mut self, qubits: &Bits, var: usize, places: &[u32], span: Span) -> Lower<()> {
        self.distinct(&qubits.bits, span)?;
        let id = self.var_id(var, span)?;
        self.charge(span, places.len() as u64, 1)?;
        for (&qubit, &bit) in qubits.bits.iter().zip(places) {
            self.circuit.push_unchecked(Op::MeasureVar { var: id, bit }, &[Qubit(qubit)], &[], &[]);
        }
        self.forget(var);
        Ok(())
    }

    /// Measures qubits into a variable that has no name.
    pub(super) fn measured_value(&mut self, qubits: &Bits, span: Span) -> Lower<Value> {
        let ty = if qubits.register { Ty::Bits(qubits.bits.len() as u32) } else { Ty::Bit };
        let var = self.unnamed_var(ty);
        self.measure_into(qubits, &Part::Var(var), span)?;
        self.read_var(var, span)
    }

    /// A variable that the program has no name for.
    pub(super) fn unnamed_var(&mut self, ty: Ty) -> usize {
        let name = self.names.get("_");
        self.new_var(name, ty)
    }

    /// The value of a measurement within an expression.
    pub(super) fn measured(&mut self, operand: &Expr, span: Span) -> Lower<Value> {
        match self.part(operand)? {
            Part::Qubits(qubits) => self.measured_value(&qubits, span),
            Part::Choice { parts, index } => {
                let var = self.unnamed_var(Ty::Bit);
                self.switch_on(&index, parts.len(), &[var], span, |lower, k| match &parts[k] {
                    Part::Qubits(qubits) => lower.measure_into(qubits, &Part::Var(var), span),
                    _ => fail(span, "only qubits are measured"),
                })?;
                self.read_var(var, span)
            }
            _ => fail(operand.span, "only qubits are measured"),
        }
    }

    /// The value of the part that an index chooses while the program runs.
    pub(super) fn read_choice(
        &mut self,
        parts: &[Part],
        index: &Value,
        span: Span,
    ) -> Lower<Value> {
        if let Some(Part::VarBits { var, .. }) = parts.first() {
            // The bits of one variable: shift it.
            let bits: Option<Vec<u32>> = parts
                .iter()
                .map(|part| match part {
                    Part::VarBits { bits, register: false, .. } => Some(bits[0]),
                    _ => None,
                })
                .collect();
            if bits.is_some_and(|bits| bits.iter().copied().eq(0..bits.len() as u32)) {
                let whole = self.read_var(*var, span)?;
                let shifted = self.shifted_right(&whole, index, span)?;
                return self.bits_at(&shifted, &[0], false, span);
            }
        }
        if parts.iter().all(|part| matches!(part, Part::Clbits(_))) {
            let bits: Vec<u32> = parts
                .iter()
                .filter_map(|part| match part {
                    Part::Clbits(bits) => Some(bits.bits[0]),
                    _ => None,
                })
                .collect();
            let part = Part::Clbits(Bits { bits: bits.into(), register: true });
            let whole = self.read(&part, span)?;
            let shifted = self.shifted_right(&whole, index, span)?;
            return self.bits_at(&shifted, &[0], false, span);
        }
        let first = self.read(&parts[0], span)?;
        let ty = match first.ty {
            Ty::Literal => Ty::Int(super::value::INT_WIDTH),
            ty => ty,
        };
        let var = self.unnamed_var(ty);
        self.switch_on(index, parts.len(), &[var], span, |lower, k| {
            let value = lower.read(&parts[k], span)?;
            lower.assign(&Part::Var(var), &value, span)
        })?;
        self.read_var(var, span)
    }

    fn shifted_right(&mut self, value: &Value, by: &Value, span: Span) -> Lower<Value> {
        let bits = match value.ty {
            Ty::Bit | Ty::Bool => Ty::Uint(1),
            Ty::Int(n) => Ty::Uint(n),
            ty => ty,
        };
        let value = self.convert(value, bits, span)?;
        self.binary(BinaryOp::Shr, &value, by, span)
    }
}

/// The variables that writing to one of these parts may change.
pub(super) fn vars_of(parts: &[Part]) -> Vec<usize> {
    let mut vars = Vec::new();
    for part in parts {
        match part {
            Part::Var(var) | Part::VarBits { var, .. } => vars.push(*var),
            Part::Choice { parts, .. } => vars.extend(vars_of(parts)),
            Part::Value(_) | Part::Clbits(_) | Part::Array(_) | Part::Qubits(_) => {}
        }
    }
    vars.sort_unstable();
    vars.dedup();
    vars
}

/// The place that an index means: negative ones count from the end.
fn place_of(at: i128, size: usize, span: Span) -> Lower<usize> {
    let place = if at < 0 { at + size as i128 } else { at };
    match usize::try_from(place) {
        Ok(place) if place < size => Ok(place),
        _ => fail(
            span,
            format!(
                "index {at} of {size} things: expected {} to {}",
                -(size as i128),
                size as i128 - 1
            ),
        ),
    }
}
