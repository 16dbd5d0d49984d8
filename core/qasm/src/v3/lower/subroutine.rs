//! Subroutines: their bodies are put where they are called.

use super::super::ast::{Access, Expr, Ident, Shape, Span, Sub, Type, TypeKind};
use super::{
    Lower, Lowerer, Stop,
    assigned::{assigned_names, returns_early},
    fail,
    jump::{Flow, Kind},
    place::Part,
    scope::{Defined, Symbol},
    value::{Of, Ty, Value},
};
use crate::lexer::shown;

/// What a subroutine gives back.
#[derive(Clone, Debug)]
pub(super) struct Returned {
    ty: Option<Ty>,
    /// The variable that holds it, where it may depend on what happens.
    var: Option<usize>,
    value: Option<Value>,
}

/// An argument: its type, its name in the body and what it stands for there.
type Bound<'t> = (&'t Type, Ident, Symbol);

impl Lowerer<'_> {
    /// Calls a subroutine; `None`: it gives nothing back.
    pub(super) fn call_sub(
        &mut self,
        name: Ident,
        args: &[&Expr],
        span: Span,
    ) -> Lower<Option<Value>> {
        let sub = match self.symbol(name.name, name.span)? {
            Symbol::Sub(sub) => sub,
            Symbol::Extern => {
                let text = shown(self.names.text(name.name));
                return fail(
                    name.span,
                    format!("`{text}` is `extern`: nothing here provides the function"),
                );
            }
            _ => {
                let text = shown(self.names.text(name.name));
                return fail(name.span, format!("`{text}` is no subroutine"));
            }
        };
        let tree = &sub.tree;
        if tree.args.len() != args.len() {
            let (text, expected) = (shown(self.names.text(name.name)), tree.args.len());
            let plural = if expected == 1 { "" } else { "s" };
            let found = args.len();
            return fail(
                name.span,
                format!("`{text}` takes {expected} argument{plural}, found {found}"),
            );
        }
        self.enter(name, span)?;
        let (outer, outer_file) = (self.scopes.frame(), self.file);
        let mut bound = Vec::with_capacity(args.len());
        let mut written = Vec::new();
        for ((ty, formal), arg) in tree.args.iter().zip(args) {
            if self.changes_arrays(arg) {
                self.keep_values(&mut bound, arg.span)?;
            }
            let symbol = self.argument(&ty.kind, arg)?;
            if let Symbol::Array(array) = &symbol
                && !array.readonly
            {
                written.extend_from_slice(&array.vars);
            }
            bound.push((ty, *formal, symbol));
        }
        if !written.is_empty() {
            self.keep_values(&mut bound, span)?;
        }
        self.file = sub.file;
        let result = self.sub_body(&sub, bound, written, outer, span);
        self.leave(outer_file, result)
    }

    /// Keeps what is handed over by its value, where the body or another argument may change what
    /// it is read from.
    fn keep_values(&mut self, bound: &mut [Bound<'_>], span: Span) -> Lower<()> {
        for (_, _, symbol) in bound {
            if let Symbol::Value(value) = symbol {
                *value = self.kept(value, span)?;
            }
        }
        Ok(())
    }

    fn sub_body(
        &mut self,
        sub: &Defined<Sub>,
        bound: Vec<Bound<'_>>,
        mut written: Vec<usize>,
        outer: u32,
        span: Span,
    ) -> Lower<Option<Value>> {
        let tree = &sub.tree;
        let early = returns_early(&tree.body);
        let ty = match &tree.returns {
            Some(ty) => Some(self.scalar(ty)?),
            None => None,
        };
        let result = match (early, ty) {
            (true, Some(ty)) => {
                let var = self.unnamed_var(ty);
                written.push(var);
                Some(var)
            }
            _ => None,
        };
        let place = self.returns.len();
        let changed = assigned_names(&tree.body);
        let mut once = |lower: &mut Self| {
            lower.returns.push(Returned { ty, var: result, value: None });
            lower.frames += 1;
            lower.scopes.open_frame(lower.frames, lower.vars.len());
            for (ty, name, symbol) in &bound {
                let symbol = match symbol {
                    Symbol::Value(value) => {
                        let scalar = lower.scalar(ty)?;
                        let value = lower.convert(value, scalar, span)?;
                        match changed.contains(&name.name) || matches!(value.of, Of::Known(_)) {
                            // It is a variable of the body's own.
                            true => {
                                let var = lower.new_var(name.name, scalar);
                                lower.write_var(var, &value, span)?;
                                Symbol::Var(var)
                            }
                            false => Symbol::Value(value),
                        }
                    }
                    Symbol::Qubits(bits) => {
                        lower.check_qubits(ty, bits.bits.len(), bits.register, *name)?;
                        symbol.clone()
                    }
                    symbol => symbol.clone(),
                };
                lower.declare(*name, symbol)?;
            }
            let flow = lower.statements(&tree.body)?;
            let vars = lower.scopes.close_frame(outer);
            lower.vars.truncate(vars);
            match (flow, ty) {
                (Flow::Next, Some(ty)) => {
                    let name = shown(lower.names.text(tree.name.name));
                    fail(tree.name.span, format!("`{name}` returns no `{ty}` at its end"))
                }
                (Flow::Return, _) => Ok(Flow::Next),
                (flow, _) => Ok(flow),
            }
        };
        let flow = match early {
            true => self.leaving(Kind::Body, &written, span, &mut once)?,
            false => {
                let targets = self.targets.len();
                self.open_target(Kind::Body, false);
                let flow = once(self)?;
                self.targets.truncate(targets);
                flow
            }
        };
        let returned = self.returns.pop().expect("the call's own");
        self.returns.truncate(place);
        if flow == Flow::End {
            return Err(Stop::End);
        }
        match (returned.ty, returned.var, returned.value) {
            (None, ..) => Ok(None),
            (Some(_), Some(var), _) => self.read_var(var, span).map(Some),
            (Some(_), None, Some(value)) => Ok(Some(value)),
            // The program never comes back from here.
            (Some(ty), None, None) => Ok(Some(Value::known(ty, ty.zero()))),
        }
    }

    /// What an argument stands for.
    fn argument(&mut self, ty: &TypeKind, arg: &Expr) -> Lower<Symbol> {
        match ty {
            TypeKind::Qubit(_) => match self.part(arg)? {
                Part::Qubits(bits) => Ok(Symbol::Qubits(bits)),
                Part::Choice { .. } => fail(
                    arg.span,
                    "which qubit is handed over must be known before the program runs",
                ),
                _ => fail(arg.span, "the argument is a qubit or register"),
            },
            TypeKind::Array { element, shape, access } => {
                let Part::Array(mut array) = self.part(arg)? else {
                    return fail(arg.span, "the argument is an array");
                };
                let element = self.scalar(element)?;
                if element != array.element {
                    let found = array.element;
                    return fail(arg.span, format!("an array of `{found}`, expected `{element}`"));
                }
                let fits = match shape {
                    Shape::Sizes(sizes) => self.sizes(sizes, arg.span)? == *array.sizes,
                    Shape::Dimensions(count) => {
                        let count = self.known_int(count, "the number of dimensions")?;
                        count == array.sizes.len() as i128
                    }
                };
                if !fits {
                    let found = &array.sizes;
                    return fail(
                        arg.span,
                        format!("an array of shape {found:?}, which is not the argument's"),
                    );
                }
                if *access == Access::Mutable && array.readonly {
                    return fail(arg.span, "a `readonly` array is handed over as `mutable`");
                }
                array.readonly = *access != Access::Mutable;
                Ok(Symbol::Array(array))
            }
            _ => self.eval(arg).map(Symbol::Value),
        }
    }

    fn check_qubits(&mut self, ty: &Type, found: usize, register: bool, name: Ident) -> Lower<()> {
        let TypeKind::Qubit(size) = &ty.kind else { return Ok(()) };
        let expected = match size {
            None if !register || found == 1 => return Ok(()),
            None => 1,
            Some(size) => self.known_int(size, "the size of a register")?,
        };
        if expected == found as i128 {
            return Ok(());
        }
        let name = shown(self.names.text(name.name));
        fail(ty.span, format!("the argument `{name}` has {expected} qubits, found {found}"))
    }

    /// Keeps what `return` gives back.
    pub(super) fn returned(&mut self, value: Option<&Expr>, span: Span) -> Lower<()> {
        let Some(Returned { ty, var, .. }) = self.returns.last().cloned() else {
            return fail(span, "`return` stands in no subroutine");
        };
        match (ty, value) {
            (None, None) => Ok(()),
            (None, Some(value)) => fail(value.span, "the subroutine gives nothing back"),
            (Some(ty), None) => fail(span, format!("`return` without a `{ty}`")),
            (Some(ty), Some(expr)) => {
                let value = self.eval(expr)?;
                if let (Ty::Bits(n), Ty::Bits(m)) = (ty, value.ty)
                    && n != m
                {
                    return fail(expr.span, format!("{m} bits are returned as {n}"));
                }
                let value = self.convert(&value, ty, expr.span)?;
                match var {
                    Some(var) => self.write_var(var, &value, span),
                    None => {
                        let last = self.returns.last_mut().expect("seen above");
                        last.value = Some(value);
                        Ok(())
                    }
                }
            }
        }
    }
}
