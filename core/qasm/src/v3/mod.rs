//! OpenQASM 3: read as specified in version 3.1 of the language, and written.

mod ast;
mod definitions;
mod emit;
mod expression;
mod intern;
mod lower;
mod names;
mod parse;
mod statement;
mod storage;
mod token;

use crate::{
    diagnostic::{Diagnostic, Error},
    lexer::Cursor,
    source::Source,
};

pub use emit::{EmitError, creg_names, emit_v3};
pub use lower::{
    Inputs, MAX_CALLS, MAX_DIMENSIONS, MAX_ELEMENTS, MAX_STEPS, MAX_UNROLLED,
    MAX_UNROLLED_TOGETHER, Program, parse,
};
pub use parse::MAX_DEPTH;

/// The most errors that one run reports.
pub const MAX_DIAGNOSTICS: usize = 20;

/// Passes over white space and comments of both kinds, as far as they are well formed.
pub(crate) fn skip_space(cursor: &mut Cursor<'_>) {
    // What is wrong with a comment is told when the program is read.
    let _ = token::skip_space(cursor);
}

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
