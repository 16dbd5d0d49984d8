//! Declarations: registers, variables, constants, arrays, inputs, aliases.

use std::{collections::HashSet, rc::Rc};

use ketch_interface::circuit::{Expr as Node, MAX_QUBITS};

use crate::lexer::shown;

use super::super::ast::{Access, Expr, ExprKind, Ident, IndexItem, Shape, Span, Type, TypeKind};
use super::{
    Lower, Lowerer, fail, fail_with_help,
    place::{Chosen, Part},
    scope::{Array, Bits, Symbol},
    value::{ANGLE_WIDTH, Const, INT_WIDTH, Time, Ty, Value},
};

/// The most dimensions of an array.
pub const MAX_DIMENSIONS: usize = 7;

/// The most elements of an array.
pub const MAX_ELEMENTS: usize = 1 << 16;

impl Lowerer<'_> {
    /// The type of a classical value.
    pub(super) fn scalar(&mut self, ty: &Type) -> Lower<Ty> {
        let mut width = |size: &Option<Expr>, default: u32, most: u32| match size {
            None => Ok(default),
            Some(expr) => match self.known_int(expr, "the size of a type")? {
                size if size < 1 => fail(expr.span, format!("a size of {size}")),
                size if size > i128::from(most) => {
                    fail(expr.span, format!("a size of {size} bits: at most {most} are supported"))
                }
                size => Ok(size as u32),
            },
        };
        Ok(match &ty.kind {
            TypeKind::Bit(None) => Ty::Bit,
            TypeKind::Bit(size) => Ty::Bits(width(size, 1, MAX_QUBITS)?),
            TypeKind::Int(size) => Ty::Int(width(size, INT_WIDTH, 64)?),
            TypeKind::Uint(size) => Ty::Uint(width(size, INT_WIDTH, 64)?),
            TypeKind::Float(size) => {
                width(size, 64, 64)?;
                Ty::Float
            }
            TypeKind::Angle(size) => Ty::Angle(width(size, ANGLE_WIDTH, 63)?),
            TypeKind::Bool => Ty::Bool,
            TypeKind::Duration | TypeKind::Stretch => Ty::Duration,
            TypeKind::Complex => Ty::Complex,
            TypeKind::Qubit(_) => return fail(ty.span, "a qubit is no classical value"),
            TypeKind::Array { .. } => return fail(ty.span, "an array is no single value"),
        })
    }

    pub(super) fn declaration(
        &mut self,
        ty: &Type,
        name: Ident,
        value: Option<&Expr>,
        constant: bool,
        span: Span,
    ) -> Lower<()> {
        match &ty.kind {
            TypeKind::Qubit(size) => return self.qubits(size.as_ref(), name, span),
            TypeKind::Array { element, shape, access } => {
                if constant || *access != Access::Owned {
                    return fail(ty.span, "an array is declared without `const` or `mutable`");
                }
                return self.array(element, shape, name, value, span);
            }
            TypeKind::Stretch => {
                let time = Time { stretch: true, ..Time::ZERO };
                let value = Value::known(Ty::Duration, Const::Time(time));
                return self.declare(name, Symbol::Value(value));
            }
            _ => {}
        }
        let scalar = self.scalar(ty)?;
        if !constant
            && self.scopes.is_global()
            && let Ty::Bit | Ty::Bits(_) = scalar
        {
            return self.register(scalar, name, value, span);
        }
        if let (false, Some(Expr { kind: ExprKind::Measure(_), .. })) = (constant, value) {
            let var = self.new_var(name.name, scalar);
            let value = value.expect("a measurement");
            let ExprKind::Measure(operand) = &value.kind else { unreachable!("just seen") };
            match self.part(operand)? {
                Part::Qubits(qubits) => self.measure_into(&qubits, &Part::Var(var), span)?,
                _ => {
                    let measured = self.measured(operand, value.span)?;
                    self.assign(&Part::Var(var), &measured, span)?;
                }
            }
            return self.declare(name, Symbol::Var(var));
        }
        let value = match value {
            None => Value::known(scalar, scalar.zero()),
            Some(expr) => {
                let value = self.eval(expr)?;
                if let (Ty::Bits(n), Ty::Bits(m)) = (scalar, value.ty)
                    && n != m
                {
                    return fail(expr.span, format!("{m} bits for a register of {n}"));
                }
                self.convert(&value, scalar, expr.span)?
            }
        };
        if constant {
            if value.as_known().is_none() {
                let name = shown(self.names.text(name.name));
                let message =
                    format!("the constant `{name}` must be known before the program runs");
                return fail(span, message);
            }
            return self.declare(name, Symbol::Value(value));
        }
        let var = self.new_var(name.name, scalar);
        self.write_var(var, &value, span)?;
        self.declare(name, Symbol::Var(var))
    }

    /// The size of a register.
    fn size(&mut self, size: &Expr, used: u32, what: &str) -> Lower<u32> {
        let wanted = self.known_int(size, "the size of a register")?;
        match u32::try_from(wanted) {
            Ok(0) => fail(size.span, "a register of no bits"),
            Ok(wanted) if wanted <= MAX_QUBITS - used => Ok(wanted),
            _ if wanted < 0 => fail(size.span, format!("a register of {wanted} {what}")),
            _ if used == 0 => {
                let message =
                    format!("a register of {wanted} {what}: at most {MAX_QUBITS} are allowed");
                fail(size.span, message)
            }
            _ => {
                let all = "a program may have at most";
                fail(size.span, format!("{wanted} {what} more than {used}: {all} {MAX_QUBITS}"))
            }
        }
    }

    fn qubits(&mut self, size: Option<&Expr>, name: Ident, span: Span) -> Lower<()> {
        if !self.scopes.is_global() {
            return fail(span, "qubits are declared outside of all blocks");
        }
        let used = self.circuit.n_qubits();
        let count = match size {
            None if used < MAX_QUBITS => 1,
            None => return fail(span, format!("more than {MAX_QUBITS} qubits")),
            Some(size) => self.size(size, used, "qubits")?,
        };
        let bits = Bits { bits: (used..used + count).collect(), register: size.is_some() };
        self.declare(name, Symbol::Qubits(bits))?;
        self.circuit.add_qreg(self.names.text(name.name), count);
        Ok(())
    }

    fn register(&mut self, ty: Ty, name: Ident, value: Option<&Expr>, span: Span) -> Lower<()> {
        let used = self.circuit.n_clbits();
        let (count, register) = match ty {
            Ty::Bits(n) => (n, true),
            _ => (1, false),
        };
        if count > MAX_QUBITS - used {
            let all = "a program may have at most";
            return fail(span, format!("{count} bits more than {used}: {all} {MAX_QUBITS}"));
        }
        let bits = Bits { bits: (used..used + count).collect(), register };
        self.declare(name, Symbol::Bits(bits.clone()))?;
        self.circuit.add_creg(self.names.text(name.name), count);
        let Some(expr) = value else { return Ok(()) };
        let place = Part::Clbits(bits);
        if let ExprKind::Measure(operand) = &expr.kind
            && let Part::Qubits(qubits) = self.part(operand)?
        {
            return self.measure_into(&qubits, &place, span);
        }
        let value = self.eval(expr)?;
        // Bits begin as 0.
        if value.as_truth() == Some(false) && value.ty.width().is_some() {
            return match (ty, value.ty) {
                (Ty::Bits(n), Ty::Bits(m)) if n != m => {
                    fail(expr.span, format!("{m} bits for a register of {n}"))
                }
                _ => Ok(()),
            };
        }
        self.assign(&place, &value, expr.span)
    }

    /// `input` and `output`.
    pub(super) fn io(&mut self, ty: &Type, name: Ident, input: bool, span: Span) -> Lower<()> {
        if !self.scopes.is_global() {
            return fail(span, "`input` and `output` stand outside of all blocks");
        }
        if !input {
            return self.declaration(ty, name, None, false, span);
        }
        let scalar = self.scalar(ty)?;
        let text = self.names.text(name.name).to_owned();
        if let Some(&number) = self.inputs.get(&text) {
            let number = match number {
                number if number.fract() == 0.0 && number.abs() < 9e15 => {
                    Value::literal(number as i128)
                }
                number => Value::float(number),
            };
            let value = match scalar {
                Ty::Duration => {
                    let amount = number.as_number().expect("a number");
                    Value::known(scalar, Const::Time(Time { amount, ..Time::ZERO }))
                }
                _ => self.convert(&number, scalar, span)?,
            };
            self.used.push(text);
            return self.declare(name, Symbol::Value(value));
        }
        match scalar {
            Ty::Float | Ty::Angle(_) => {
                let id = self.circuit.parameter(&text);
                let node = self.node(Node::Parameter(id));
                // An angle that is only known later keeps its full precision.
                self.declare(name, Symbol::Value(Value::run(Ty::Float, node)))
            }
            ty => {
                let name = shown(&text);
                let message = format!("the input `{name}` of type `{ty}` has no value");
                fail_with_help(span, message, Some(format!("give it one: `-p {name}=1`")))
            }
        }
    }

    pub(super) fn alias(&mut self, name: Ident, value: &Expr) -> Lower<()> {
        let symbol = match self.part(value)? {
            Part::Qubits(bits) => Symbol::Qubits(bits),
            Part::Clbits(bits) => Symbol::Bits(bits),
            Part::Array(array) => Symbol::Array(array),
            Part::Choice { .. } => {
                return fail(value.span, "an alias must be known before the program runs");
            }
            Part::Var(_) | Part::VarBits { .. } | Part::Value(_) => {
                return fail(value.span, "an alias stands for qubits, or for bits of a register");
            }
        };
        self.declare(name, symbol)
    }

    fn array(
        &mut self,
        element: &Type,
        shape: &Shape,
        name: Ident,
        value: Option<&Expr>,
        span: Span,
    ) -> Lower<()> {
        let element = self.scalar(element)?;
        let Shape::Sizes(sizes) = shape else {
            return fail(span, "`#dim` is for the arguments of subroutines");
        };
        let sizes = self.sizes(sizes, span)?;
        let count = sizes.iter().product();
        self.charge(span, count as u64, count as u64)?;
        let vars = (0..count).map(|_| self.new_var(name.name, element)).collect();
        let array = Array { element, sizes: sizes.into(), vars, readonly: false };
        if let Some(value) = value {
            self.fill_array(&array, value, &HashSet::new())?;
        }
        self.declare(name, Symbol::Array(array))
    }

    /// The sizes of an array's dimensions.
    pub(super) fn sizes(&mut self, sizes: &[Expr], span: Span) -> Lower<Vec<usize>> {
        if sizes.is_empty() || sizes.len() > MAX_DIMENSIONS {
            let found = sizes.len();
            return fail(span, format!("an array of {found} dimensions: 1 to {MAX_DIMENSIONS}"));
        }
        let mut all = Vec::with_capacity(sizes.len());
        let mut count: usize = 1;
        for size in sizes {
            let wanted = self.known_int(size, "the size of a dimension")?;
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            count = count.saturating_mul(wanted);
            if wanted == 0 || count > MAX_ELEMENTS {
                let message = format!("an array of 1 to {MAX_ELEMENTS} elements is expected");
                return fail(size.span, message);
            }
            all.push(wanted);
        }
        Ok(all)
    }

    /// Copies a value of the same shape into an array.
    pub(super) fn assign_array(&mut self, array: &Array, value: &Expr) -> Lower<()> {
        if array.readonly {
            return fail(value.span, "the array is `readonly`");
        }
        self.charge(value.span, 0, array.vars.len() as u64)?;
        self.fill_array(array, value, &array.vars.iter().copied().collect())
    }

    /// Writes an array's elements, once all of them are read. `old` are the variables among those
    /// written that the value may name.
    fn fill_array(&mut self, array: &Array, value: &Expr, old: &HashSet<usize>) -> Lower<()> {
        let mut elements = Vec::with_capacity(array.vars.len());
        let calls = self.changes_arrays(value);
        self.elements(array, value, calls, old, &mut elements)?;
        for (var, value, span) in elements {
            self.assign(&Part::Var(var), &value, span)?;
        }
        Ok(())
    }

    /// The values of an array's elements, each behind the variable that it is for.
    fn elements(
        &mut self,
        array: &Array,
        value: &Expr,
        calls: bool,
        old: &HashSet<usize>,
        elements: &mut Vec<(usize, Value, Span)>,
    ) -> Lower<()> {
        if let ExprKind::Braces(items) = &value.kind {
            if items.len() != array.sizes[0] {
                let (found, expected) = (items.len(), array.sizes[0]);
                return fail(value.span, format!("{found} elements, expected {expected}"));
            }
            for (place, item) in items.iter().enumerate() {
                match array.at(place) {
                    Ok(row) => self.elements(&row, item, calls, old, elements)?,
                    Err(var) => {
                        let mut value = self.eval(item)?;
                        if calls || !old.is_empty() {
                            value = self.kept(&value, item.span)?;
                        }
                        elements.push((var, value, item.span));
                    }
                }
            }
            return Ok(());
        }
        let Part::Array(from) = self.part(value)? else {
            return fail(value.span, "an array is assigned an array of the same shape");
        };
        if from.sizes != array.sizes {
            let (from, to) = (&from.sizes, &array.sizes);
            return fail(value.span, format!("an array of shape {from:?} is assigned to {to:?}"));
        }
        self.charge(value.span, 0, from.vars.len() as u64)?;
        let keep = calls || from.vars.iter().any(|var| old.contains(var));
        for (&var, &read) in array.vars.iter().zip(from.vars.iter()) {
            let mut read = self.read_var(read, value.span)?;
            if keep {
                read = self.kept(&read, value.span)?;
            }
            elements.push((var, read, value.span));
        }
        Ok(())
    }

    /// A part of an array.
    pub(super) fn index_array(
        &mut self,
        array: &Array,
        items: &[IndexItem],
        span: Span,
    ) -> Lower<Part> {
        if items.len() > array.sizes.len() {
            let (found, sizes) = (items.len(), array.sizes.len());
            return fail(span, format!("{found} indices into an array of {sizes} dimensions"));
        }
        // The places that are chosen so far, in elements of what is left of the shape.
        let mut places: Vec<usize> = vec![0];
        let mut sizes = Vec::new();
        let mut later: Option<Value> = None;
        let mut choices = 1_usize;
        for (item, &size) in items.iter().zip(array.sizes.iter()) {
            if let (Some(before), IndexItem::At(at)) = (&mut later, item) {
                *before = self.kept_before(before.clone(), at)?;
            }
            let chosen = self.choose(size, item, span)?;
            self.charge(span, 0, (places.len() * size) as u64 / 16)?;
            match chosen {
                Chosen::One(at) => places.iter_mut().for_each(|place| *place = *place * size + at),
                Chosen::Many(ats) => {
                    if later.is_some() {
                        return fail(span, "a range behind an index that is not known");
                    }
                    sizes.push(ats.len());
                    let each = |place: &usize| {
                        ats.iter().map(move |at| place * size + at).collect::<Vec<_>>()
                    };
                    places = places.iter().flat_map(each).collect();
                }
                Chosen::Later(index) => {
                    if !sizes.is_empty() {
                        return fail(span, "a range before an index that is not known");
                    }
                    let index = self.convert(&index, Ty::Int(64), span)?;
                    choices *= size;
                    later = Some(match later {
                        None => index,
                        Some(before) => {
                            let factor = Value::literal(size as i128);
                            let scaled = self.binary(
                                super::super::ast::BinaryOp::Mul,
                                &before,
                                &factor,
                                span,
                            )?;
                            self.binary(super::super::ast::BinaryOp::Add, &scaled, &index, span)?
                        }
                    });
                    places = places
                        .iter()
                        .flat_map(|place| (0..size).map(move |at| place * size + at))
                        .collect();
                }
            }
        }
        sizes.extend_from_slice(&array.sizes[items.len()..]);
        let inner: usize = array.sizes[items.len()..].iter().product();
        let readonly = array.readonly;
        let vars_of = |places: &[usize]| -> Rc<[usize]> {
            let all = places.iter().flat_map(|place| place * inner..(place + 1) * inner);
            all.map(|place| array.vars[place]).collect()
        };
        let part = |vars: Rc<[usize]>, sizes: &[usize]| match sizes.is_empty() {
            true => Part::Var(vars[0]),
            false => {
                Part::Array(Array { element: array.element, sizes: sizes.into(), vars, readonly })
            }
        };
        let Some(index) = later else {
            if readonly && sizes.is_empty() {
                let var = vars_of(&places)[0];
                return self.read_var(var, span).map(Part::Value);
            }
            return Ok(part(vars_of(&places), &sizes));
        };
        if choices > super::place::MAX_CASES {
            let most = super::place::MAX_CASES;
            return fail(
                span,
                format!("indices that are not known into {choices} elements: at most {most}"),
            );
        }
        let chosen: Vec<Part> = match readonly && sizes.is_empty() {
            true => places
                .iter()
                .map(|&place| self.read_var(vars_of(&[place])[0], span).map(Part::Value))
                .collect::<Lower<Vec<Part>>>()?,
            false => places.iter().map(|&place| part(vars_of(&[place]), &sizes)).collect(),
        };
        Ok(Part::Choice { parts: chosen, index })
    }
}

impl Array {
    /// The row at this place, or the element's variable.
    fn at(&self, place: usize) -> Result<Self, usize> {
        if self.sizes.len() == 1 {
            return Err(self.vars[place]);
        }
        let length = self.vars.len() / self.sizes[0];
        let vars = self.vars[place * length..(place + 1) * length].into();
        Ok(Self {
            element: self.element,
            sizes: self.sizes[1..].into(),
            vars,
            readonly: self.readonly,
        })
    }
}
