//! Types.

use crate::{
    diagnostic::{Failure, Parsed},
    lexer::shown,
};

use super::super::ast::{Access, Expr, Shape, Type, TypeKind};
use super::Parser;

impl Parser<'_, '_> {
    /// `[expression]`, if it comes next.
    pub(super) fn designator(&mut self) -> Parsed<Option<Expr>> {
        if !self.eat("[") {
            return Ok(None);
        }
        let expr = self.expression()?;
        self.expect("]")?;
        Ok(Some(expr))
    }

    /// A type of classical values.
    pub(super) fn classical_type(&mut self) -> Parsed<Type> {
        let ty = self.any_type()?;
        match ty.kind {
            TypeKind::Qubit(_) => {
                Err(Failure::new(ty.span.range(), "expected a classical type, found `qubit`"))
            }
            _ => Ok(ty),
        }
    }

    /// Any type.
    pub(super) fn any_type(&mut self) -> Parsed<Type> {
        self.deeper(Self::type_here)
    }

    fn type_here(&mut self) -> Parsed<Type> {
        let start = self.here();
        let word = match self.word_is_reserved() {
            true => self.text(start),
            false => "",
        };
        let kind = match word {
            "bit" | "creg" => self.sized(TypeKind::Bit)?,
            "int" => self.sized(TypeKind::Int)?,
            "uint" => self.sized(TypeKind::Uint)?,
            "float" => self.sized(TypeKind::Float)?,
            "angle" => self.sized(TypeKind::Angle)?,
            "qubit" | "qreg" => self.sized(TypeKind::Qubit)?,
            "bool" => self.plain(TypeKind::Bool),
            "duration" => self.plain(TypeKind::Duration),
            "stretch" => self.plain(TypeKind::Stretch),
            "complex" => {
                self.bump();
                if self.eat("[") {
                    // All numbers are doubles here; the type of the parts is only read.
                    self.any_type()?;
                    self.expect("]")?;
                }
                TypeKind::Complex
            }
            "array" => self.array(Access::Owned)?,
            "readonly" | "mutable" => {
                let access = if word == "mutable" { Access::Mutable } else { Access::Readonly };
                self.bump();
                self.array(access)?
            }
            _ => {
                let found = shown(self.text(start));
                let help = ketch_interface::nearest(&found, TYPES);
                let help = help.map(|name| format!("did you mean `{name}`?"));
                return Err(self.expected("a type").with_help(help));
            }
        };
        Ok(Type { span: self.since(start), kind })
    }

    fn plain(&mut self, kind: TypeKind) -> TypeKind {
        self.bump();
        kind
    }

    fn sized(&mut self, kind: fn(Option<Expr>) -> TypeKind) -> Parsed<TypeKind> {
        self.bump();
        Ok(kind(self.designator()?))
    }

    /// `array[type, sizes]`
    fn array(&mut self, access: Access) -> Parsed<TypeKind> {
        self.expect_word("array")?;
        self.expect("[")?;
        let element = Box::new(self.classical_type()?);
        self.expect(",")?;
        if self.token.kind == super::Kind::Hash {
            self.bump();
            self.expect_word("dim")?;
            self.expect("=")?;
            let dimensions = self.expression()?;
            self.expect("]")?;
            let shape = Shape::Dimensions(dimensions);
            return Ok(TypeKind::Array { element, shape, access });
        }
        let shape = Shape::Sizes(self.list("]", Self::expression)?);
        Ok(TypeKind::Array { element, shape, access })
    }
}

const TYPES: [&str; 11] = [
    "bit", "int", "uint", "float", "angle", "bool", "duration", "stretch", "complex", "array",
    "qubit",
];
