//! The tokens of OpenQASM 3, read from the cursor that both versions share.

use crate::{
    diagnostic::{Failure, Parsed},
    lexer::{Cursor, Word},
};

use super::ast::Span;

/// What a token is. Words are kept as they are: most keywords are names in other places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    End,
    /// Characters that are no token.
    Bad,
    /// A name or keyword, by its key.
    Word(u64),
    /// A whole number.
    Int(u128),
    Float(f64),
    /// A string with its quotes.
    Text,
    /// `$0`
    Physical(u32),
    /// `#pragma`, `#dim`
    Hash,
    /// An operator or a sign, by its bytes, the first lowest.
    Sign(u32),
}

/// The sign with these letters.
pub(crate) const fn sign(text: &str) -> Kind {
    let bytes = text.as_bytes();
    let (mut value, mut i) = (0, 0);
    while i < bytes.len() {
        value |= (bytes[i] as u32) << (8 * i);
        i += 1;
    }
    Kind::Sign(value)
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// Signs of several letters; longer ones before those that they begin with.
const SIGNS: [&str; 23] = [
    "**=", "<<=", ">>=", "**", "<<", ">>", "->", "++", "&&", "||", "==", "!=", "<=", ">=", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "~=",
];

/// Reads the next token.
///
/// # Errors
/// If a comment or string has no end, a number no value, or a character no meaning.
pub(crate) fn next(cursor: &mut Cursor<'_>) -> Parsed<Token> {
    skip_space(cursor)?;
    let start = cursor.at();
    let kind = kind(cursor)?;
    Ok(Token { kind, span: Span { start, end: cursor.at() } })
}

/// Passes over white space, `//` and `/* */` comments.
pub(crate) fn skip_space(cursor: &mut Cursor<'_>) -> Parsed<()> {
    loop {
        cursor.skip_space();
        if !cursor.starts_with("/*") {
            return Ok(());
        }
        let start = cursor.at();
        match cursor.rest()[2..].find("*/") {
            Some(length) => cursor.advance(length + 4),
            None => return Err(Failure::new(start..start + 2, "a comment without an end")),
        }
    }
}

fn kind(cursor: &mut Cursor<'_>) -> Parsed<Kind> {
    if let Some(word) = word(cursor) {
        return Ok(Kind::Word(word.key));
    }
    let start = cursor.at();
    let rest = cursor.rest();
    let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
    let second = rest.as_bytes().get(1).copied().unwrap_or(0);
    match first {
        '0'..='9' => return number(cursor),
        '.' if second.is_ascii_digit() => return number(cursor),
        '"' | '\'' => {
            let end = rest[1..].find([first, '\n']).map_or(rest.len(), |at| at + 1);
            if rest.as_bytes().get(end) != Some(&(first as u8)) {
                return Err(Failure::new(start..start + 1, "a string without an end"));
            }
            cursor.advance(end + 1);
            return Ok(Kind::Text);
        }
        '$' if second.is_ascii_digit() => {
            cursor.advance(1);
            let digits = cursor.digits();
            let number = digits.parse().unwrap_or(u32::MAX);
            return Ok(Kind::Physical(number));
        }
        '#' => {
            cursor.advance(1);
            return Ok(Kind::Hash);
        }
        _ => {}
    }
    if let Some(found) = SIGNS.iter().find(|found| rest.starts_with(**found)) {
        cursor.advance(found.len());
        return Ok(sign(found));
    }
    if first.is_ascii_punctuation() {
        cursor.advance(1);
        return Ok(Kind::Sign(u32::from(first)));
    }
    let end = start + first.len_utf8();
    cursor.advance(first.len_utf8());
    let shown = crate::lexer::shown(&rest[..first.len_utf8()]);
    Err(Failure::new(start..end, format!("`{shown}` begins nothing of the language")))
}

/// A word; beyond ASCII, letters of any script.
fn word(cursor: &mut Cursor<'_>) -> Option<Word> {
    let start = cursor.at();
    let ascii = cursor.word();
    let behind = cursor.peek();
    if behind < 0x80 {
        return ascii;
    }
    if ascii.is_none() && !cursor.rest().starts_with(char::is_alphabetic) {
        return None;
    }
    let rest = cursor.rest();
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
    if length == 0 {
        return ascii;
    }
    cursor.advance(length);
    Some(cursor.word_between(start, cursor.at()))
}

/// A number that begins with a digit or a point, without its unit.
fn number(cursor: &mut Cursor<'_>) -> Parsed<Kind> {
    let start = cursor.at();
    let bytes = cursor.rest().as_bytes();
    let radix = match bytes.get(1) {
        Some(b'x' | b'X') if bytes[0] == b'0' => 16,
        Some(b'o' | b'O') if bytes[0] == b'0' => 8,
        Some(b'b' | b'B') if bytes[0] == b'0' => 2,
        _ => 10,
    };
    let run = |from: usize, radix: u32| {
        let digit = |&byte: &u8| char::from(byte).is_digit(radix) || byte == b'_';
        from + bytes[from..].iter().take_while(|byte| digit(byte)).count()
    };
    let mut end = if radix == 10 { run(0, 10) } else { run(2, radix) };
    let mut whole = true;
    if radix == 10 {
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
            whole = false;
            end = run(end + 1, 10);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                whole = false;
                end = run(end + 1 + sign, 10);
            }
        }
    }
    cursor.advance(end);
    let text = cursor.slice(start, start + end);
    let digits: std::borrow::Cow<'_, str> =
        if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if !whole {
        let wrong = |_| Failure::new(start..start + end, "a number that has no value");
        return Ok(Kind::Float(digits.parse().map_err(wrong)?));
    }
    let digits = if radix == 10 { &*digits } else { &digits[2..] };
    u128::from_str_radix(digits, radix).map(Kind::Int).map_err(|_| {
        let message = match digits.is_empty() {
            true => "a number without digits",
            false => "a whole number of more than 128 bits",
        };
        Failure::new(start..start + end, message)
    })
}
