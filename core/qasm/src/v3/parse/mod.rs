//! From text to trees: recursive descent, an operator table for expressions, one token ahead.
//!
//! After an error the parser goes on behind the statement, so that one run finds several errors.

mod expression;
mod gate;
mod statement;
mod types;

use crate::{
    diagnostic::{Failure, Parsed},
    lexer::Cursor,
    version::{self, Version},
};

use super::{
    ast::{Block, Ident, Span, Stmt},
    intern::Interner,
    token::{self, Kind, Token, sign},
};

/// How deep parentheses, signs, powers and blocks may nest.
pub const MAX_DEPTH: u32 = 100;

/// The parser of one file.
pub(crate) struct Parser<'a, 'n> {
    cursor: Cursor<'a>,
    names: &'n mut Interner,
    /// The token that comes next.
    token: Token,
    /// Why it is bad, if it is.
    bad: Option<Box<Failure>>,
    /// The end of the token before.
    behind: usize,
    depth: u32,
}

/// Words that are no names.
const RESERVED: &str = "OPENQASM include defcalgrammar def cal defcal gate extern box let break \
    continue if else end return for while in switch case default nop pragma input output const \
    readonly mutable qreg qubit creg bool bit int uint float angle complex array void duration \
    stretch inv ctrl negctrl durationof delay reset measure barrier true false im";

impl<'a, 'n> Parser<'a, 'n> {
    /// At a place of a file.
    pub(crate) fn new(cursor: Cursor<'a>, names: &'n mut Interner) -> Self {
        let behind = cursor.at();
        let token = Token { kind: Kind::End, span: Span::default() };
        let mut parser = Self { cursor, names, token, bad: None, behind, depth: 0 };
        parser.bump();
        parser
    }

    /// Where reading goes on: the cursor at the token that comes next.
    pub(crate) fn into_cursor(mut self) -> Cursor<'a> {
        self.cursor.back_to(self.token.span.start);
        self.cursor
    }

    /// The version line, if there is one. One that is wrong is passed over.
    pub(crate) fn version(&mut self) -> Parsed<()> {
        let start = self.token.span.start;
        let version = self.read_version();
        if version.is_err() {
            self.recover(start);
        }
        version
    }

    fn read_version(&mut self) -> Parsed<()> {
        if !self.is("OPENQASM") {
            return Ok(());
        }
        self.cursor.back_to(self.token.span.end);
        token::skip_space(&mut self.cursor)?;
        let start = self.cursor.at();
        match version::read_version(&mut self.cursor) {
            None => return Err(self.cursor.expected("a version such as `3.0`")),
            Some(Version { major: 3, minor: 0 | 1 }) => {}
            Some(version) => {
                let message = format!("there is no OpenQASM {version}, expected 2.0, 3.0 or 3.1");
                return Err(Failure::new(start..self.cursor.at(), message));
            }
        }
        self.bump();
        self.expect(";")
    }

    /// The next statement of the file; `None` at its end.
    pub(crate) fn next_statement(&mut self) -> Option<Parsed<Stmt>> {
        if self.token.kind == Kind::End {
            return None;
        }
        self.depth = 0;
        let start = self.token.span.start;
        let statement = self.statement();
        if statement.is_err() {
            self.recover(start);
        }
        Some(statement)
    }

    /// Goes to the end of a statement that is wrong: behind its semicolon, or behind its braces.
    fn recover(&mut self, start: usize) {
        // The braces that were opened before the error are closed after it.
        let read = self.cursor.slice(start, self.token.span.start);
        let count = |brace| read.bytes().filter(|&byte| byte == brace).count();
        let mut depth = count(b'{').saturating_sub(count(b'}'));
        loop {
            let kind = self.token.kind;
            if kind == Kind::End {
                return;
            }
            self.bad = None;
            self.bump();
            match kind {
                _ if kind == sign("{") => depth += 1,
                _ if kind == sign("}") && depth <= 1 => return,
                _ if kind == sign("}") => depth -= 1,
                _ if kind == sign(";") && depth == 0 => return,
                _ => {}
            }
        }
    }

    /// Passes over the token.
    fn bump(&mut self) -> Token {
        let passed = self.token;
        self.behind = passed.span.end;
        let start = self.cursor.at();
        self.token = token::next(&mut self.cursor).unwrap_or_else(|failure| {
            self.bad = Some(failure);
            // Whatever it was, reading goes on behind it.
            if self.cursor.at() == start {
                let length = self.cursor.rest().chars().next().map_or(0, char::len_utf8);
                self.cursor.advance(length);
            }
            Token { kind: Kind::Bad, span: Span { start, end: self.cursor.at() } }
        });
        passed
    }

    fn text(&self, span: Span) -> &'a str {
        self.cursor.slice(span.start, span.end)
    }

    /// This keyword comes next.
    fn is(&self, word: &str) -> bool {
        matches!(self.token.kind, Kind::Word(_)) && self.text(self.token.span) == word
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.bump();
        }
        found
    }

    fn next_is(&self, text: &str) -> bool {
        self.token.kind == sign(text)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.next_is(text);
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        match self.eat(text) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{text}`"))),
        }
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        match self.eat_word(word) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{word}`"))),
        }
    }

    /// From a place to the end of what was read last.
    fn since(&self, start: Span) -> Span {
        Span { start: start.start, end: self.behind.max(start.start) }
    }

    /// The failure that something else comes next.
    #[cold]
    fn expected(&mut self, what: &str) -> Box<Failure> {
        if let Some(failure) = self.bad.take() {
            return failure;
        }
        let (span, mut place) = (self.token.span, self.token.span.range());
        let found = match self.token.kind {
            Kind::End => "the end of the program".to_owned(),
            _ => format!("`{}`", crate::lexer::shown(self.text(span))),
        };
        // A sign that is missing at the end of a line is shown there, not where the next one starts.
        if what.starts_with('`') && self.cursor.slice(self.behind, span.start).contains('\n') {
            place = self.behind..self.behind;
        }
        Failure::new(place, format!("expected {what}, found {found}"))
    }

    /// Runs `read` one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("the program nests more than {MAX_DEPTH} deep");
            return Err(Failure::new(self.token.span.range(), message));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn word_is_reserved(&self) -> bool {
        let text = self.text(self.token.span);
        RESERVED.split_ascii_whitespace().any(|word| word == text)
    }

    /// A name that must come next.
    fn ident(&mut self, what: &str) -> Parsed<Ident> {
        if !matches!(self.token.kind, Kind::Word(_)) {
            return Err(self.expected(what));
        }
        if self.word_is_reserved() {
            let word = self.text(self.token.span);
            let message = format!("expected {what}, found `{word}`, a word of the language");
            return Err(Failure::new(self.token.span.range(), message));
        }
        let span = self.bump().span;
        let word = self.cursor.word_between(span.start, span.end);
        Ok(Ident { name: self.names.word(&self.cursor, word), span })
    }

    /// `item, item, …` up to `end`, with or without a comma behind the last.
    fn list<T>(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(item(self)?);
            if !self.eat(",") && !self.next_is(end) {
                return Err(self.expected(&format!("`,` or `{end}`")));
            }
        }
        Ok(items)
    }

    /// `{ statements }`; the brace comes next.
    fn block(&mut self) -> Parsed<Block> {
        self.expect("{")?;
        self.deeper(|parser| {
            let mut statements = Vec::new();
            while !parser.eat("}") {
                if parser.token.kind == Kind::End {
                    return Err(parser.expected("`}`"));
                }
                statements.push(parser.statement()?);
            }
            Ok(statements)
        })
    }

    /// A block, or one statement.
    fn body(&mut self) -> Parsed<Block> {
        match self.next_is("{") {
            true => self.block(),
            false => self.deeper(|parser| Ok(vec![parser.statement()?])),
        }
    }
}
