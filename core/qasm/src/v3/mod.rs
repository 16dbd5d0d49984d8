//! OpenQASM 3: read as specified in version 3.1 of the language, and written.

#[expect(dead_code, reason = "the tree is checked; its meaning follows")]
mod ast;
mod definitions;
mod emit;
mod expression;
#[expect(dead_code, reason = "the tree is checked; its meaning follows")]
mod intern;
mod names;
#[expect(dead_code, reason = "the tree is checked; its meaning follows")]
mod parse;
mod token;

use crate::{
    diagnostic::{Diagnostic, Error},
    lexer::Cursor,
    source::Source,
};

pub use emit::{EmitError, creg_names, emit_v3};
pub use parse::MAX_DEPTH;

/// The most errors that one run reports.
pub const MAX_DIAGNOSTICS: usize = 20;

/// Checks the grammar of a program, without giving it a meaning, and counts its statements.
///
/// # Errors
/// What is wrong with it, up to [`MAX_DIAGNOSTICS`] errors.
pub fn check_syntax(source: &Source) -> Result<usize, Error> {
    let mut names = intern::Interner::default();
    let mut parser = parse::Parser::new(Cursor::new(&source.text), &mut names);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut statements = 0;
    if let Err(failure) = parser.version() {
        diagnostics.push(failure.into_diagnostic(&source.name, &source.text));
    }
    while let Some(statement) = parser.next_statement() {
        match statement {
            Ok(_) => statements += 1,
            Err(failure) => {
                diagnostics.push(failure.into_diagnostic(&source.name, &source.text));
                if diagnostics.len() >= MAX_DIAGNOSTICS {
                    break;
                }
            }
        }
    }
    match diagnostics.is_empty() {
        true => Ok(statements),
        false => Err(Error::Invalid { diagnostics }),
    }
}
