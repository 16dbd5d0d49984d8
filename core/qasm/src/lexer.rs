//! Reading characters: white space, words, numbers and strings, for every version of OpenQASM.
//!
//! There are no token objects: a parser asks the cursor for what it expects next. Positions are
//! byte offsets into the text; diagnostics turn them into lines and columns.

use crate::diagnostic::{Failure, Parsed};

/// A place in a text, moving forward.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A name or keyword in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// Its first byte.
    pub(crate) start: usize,
    /// The byte behind it.
    pub(crate) end: usize,
    /// Up to eight bytes: the bytes themselves, so that equal keys mean equal words. More: a hash.
    pub(crate) key: u64,
}

impl Word {
    /// The number of bytes.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

/// The key of a word, as [`Cursor::word`] makes it.
pub(crate) const fn key_of(word: &str) -> u64 {
    let bytes = word.as_bytes();
    let mut key = 0;
    let mut i = 0;
    while i < bytes.len() {
        key = extend_key(key, i, bytes[i]);
        i += 1;
    }
    key
}

const fn extend_key(key: u64, place: usize, byte: u8) -> u64 {
    match place {
        0..8 => key | (byte as u64) << (8 * place),
        _ => (key.rotate_left(5) ^ byte as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}

const IN_WORD: u8 = 1;
const STARTS_WORD: u8 = 2;

/// What each byte may be part of.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => IN_WORD | STARTS_WORD,
            b'0'..=b'9' => IN_WORD,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Powers of ten that doubles hold exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

impl<'a> Cursor<'a> {
    /// At the start of a text, behind a byte order mark.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } }
    }

    /// The byte offset.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The text between two offsets.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        &self.text[start..end]
    }

    /// The letters of a word.
    pub(crate) fn name(&self, word: Word) -> &'a str {
        &self.text[word.start..word.end]
    }

    /// The next byte; 0 at the end.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// The text that is left.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// These bytes come next.
    pub(crate) fn starts_with(&self, symbol: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(symbol.as_bytes())
    }

    /// Passes over this many bytes, which end at a character's end.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Goes back to a place that was passed.
    pub(crate) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The word between two offsets.
    pub(crate) fn word_between(&self, start: usize, end: usize) -> Word {
        Word { start, end, key: key_of(&self.text[start..end]) }
    }

    /// Nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Passes over white space and `//` comments.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                b'/' if self.byte(self.at + 1) == b'/' => {
                    let rest = &self.text.as_bytes()[self.at..];
                    let line = rest.iter().position(|&byte| byte == b'\n');
                    self.at += line.unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Passes over this byte if it comes next, behind white space.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() != byte {
            self.skip_space();
        }
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// Passes over these bytes if they come next, behind white space.
    pub(crate) fn eat_all(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let found = self.text[self.at..].starts_with(symbol);
        self.at += if found { symbol.len() } else { 0 };
        found
    }

    /// Passes over this byte, which must come next.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Parsed<()> {
        match self.eat(byte) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{}`", char::from(byte)))),
        }
    }

    /// The next word, if one comes next.
    #[inline]
    pub(crate) fn word(&mut self) -> Option<Word> {
        self.skip_space();
        let start = self.at;
        if CLASSES[usize::from(self.peek())] & STARTS_WORD == 0 {
            return None;
        }
        let mut key = 0;
        loop {
            let byte = self.peek();
            if CLASSES[usize::from(byte)] & IN_WORD == 0 {
                return Some(Word { start, end: self.at, key });
            }
            key = extend_key(key, self.at - start, byte);
            self.at += 1;
        }
    }

    /// The next word, which must come next; `what` says what it is to be.
    pub(crate) fn expect_word(&mut self, what: &str) -> Parsed<Word> {
        self.word().ok_or_else(|| self.expected(what))
    }

    /// The digits that come next; empty if none do.
    pub(crate) fn digits(&mut self) -> &'a str {
        self.skip_space();
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// A whole number that must come next; too large ones become `u64::MAX`.
    #[inline]
    pub(crate) fn integer(&mut self, what: &str) -> Parsed<u64> {
        self.skip_space();
        let start = self.at;
        let mut value: u64 = 0;
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.saturating_mul(10).saturating_add(u64::from(digit));
            self.at += 1;
        }
        if self.at == start { Err(self.expected(what)) } else { Ok(value) }
    }

    /// A number with or without fraction and exponent, if one comes next: the nearest double.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.skip_space();
        let start = self.at;
        let mut mantissa: u64 = 0;
        self.add_digits(&mut mantissa);
        let mut n_digits = self.at - start;
        let mut exponent = 0;
        if self.peek() == b'.' {
            self.at += 1;
            let fraction = self.at;
            self.add_digits(&mut mantissa);
            let places = self.at - fraction;
            n_digits += places;
            exponent = -i64::try_from(places).expect("texts are shorter than 2^63 bytes");
        }
        if n_digits == 0 {
            self.at = start;
            return None;
        }
        exponent = exponent.saturating_add(self.exponent());
        // Both are exact in double precision, so one rounding gives the nearest double (Clinger,
        // "How to read floating point numbers accurately", 1990).
        if n_digits <= 19 && mantissa <= 1 << 53 && (-22..=22).contains(&exponent) {
            let power = POWERS[exponent.unsigned_abs() as usize];
            let mantissa = mantissa as f64;
            return Some(if exponent < 0 { mantissa / power } else { mantissa * power });
        }
        Some(self.text[start..self.at].parse().expect("digits, point and exponent were seen"))
    }

    #[inline]
    fn add_digits(&mut self, mantissa: &mut u64) {
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                return;
            }
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
    }

    /// The exponent that comes next, or 0; an `e` that no digits follow is left alone.
    #[inline]
    fn exponent(&mut self) -> i64 {
        if !matches!(self.peek(), b'e' | b'E') {
            return 0;
        }
        let sign = usize::from(matches!(self.byte(self.at + 1), b'+' | b'-'));
        let mut at = self.at + 1 + sign;
        if !self.byte(at).is_ascii_digit() {
            return 0;
        }
        let mut value: i64 = 0;
        while self.byte(at).is_ascii_digit() {
            value = value.saturating_mul(10).saturating_add(i64::from(self.byte(at) - b'0'));
            at += 1;
        }
        let negative = self.byte(self.at + 1) == b'-';
        self.at = at;
        if negative { -value } else { value }
    }

    /// A string in double quotes that must come next, on one line.
    pub(crate) fn expect_string(&mut self, what: &str) -> Parsed<&'a str> {
        self.skip_space();
        let start = self.at + 1;
        let end = self.text[self.at..]
            .strip_prefix('"')
            .and_then(|rest| rest.find(['"', '\n']))
            .map(|length| start + length)
            .filter(|&end| self.byte(end) == b'"')
            .ok_or_else(|| self.expected(what))?;
        self.at = end + 1;
        Ok(&self.text[start..end])
    }

    /// The failure that something else comes next than `what`.
    #[cold]
    pub(crate) fn expected(&mut self, what: &str) -> Box<Failure> {
        let before = self.text[..self.at].trim_end().len();
        self.skip_space();
        let (end, found) = self.next_token();
        // A sign that is missing at the end of a line is shown there, not where the next one starts.
        let missing = what.starts_with('`') && self.text[before..self.at].contains('\n');
        let span = if missing { before..before } else { self.at..end };
        Failure::new(span, format!("expected {what}, found {found}"))
    }

    fn next_token(&mut self) -> (usize, String) {
        let start = self.at;
        let Some(first) = self.text[start..].chars().next() else {
            return (start, "the end of the program".to_owned());
        };
        if self.word().is_none() && self.number().is_none() {
            self.at += first.len_utf8();
        }
        let end = std::mem::replace(&mut self.at, start);
        (end, format!("`{}`", shown(&self.text[start..end])))
    }
}

/// A name as messages show it: cut where it is longer than any sensible one.
pub(crate) fn shown(name: &str) -> String {
    let cut = name.chars().nth(60).map_or("", |_| "…");
    name.chars().take(60).map(printable).chain(cut.chars()).collect()
}

/// A character that a terminal shows as itself; what would move its cursor or turn the direction of
/// writing is replaced.
pub(crate) fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_nearest_doubles() {
        for text in [
            "0",
            "1",
            "1.",
            ".5",
            "3.141592653589793",
            "1e3",
            "1.5E-7",
            "2.5e+2",
            "123456789012",
            "9007199254740993",
            "0.1000000000000000055511151231257827",
            "1e23",
            "4.9e-324",
            "179769313486231570000",
            "1e400",
            "00012.50",
            "1e-400",
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!(cursor.number(), Some(text.parse().unwrap()), "{text}");
            assert!(cursor.is_at_end(), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_left_alone() {
        for (text, rest) in [(".", "."), ("e5", "e5"), ("-1", "-1"), ("2e", "e"), ("1.5.2", ".2")] {
            let mut cursor = Cursor::new(text);
            cursor.number();
            assert_eq!(&text[cursor.at()..], rest);
        }
    }

    #[test]
    fn words_know_their_keys() {
        for text in ["h", "q0", "OPENQASM", "xx_plus_yy", "_"] {
            let word = Cursor::new(text).word().unwrap();
            assert_eq!((word.key, word.len()), (key_of(text), text.len()));
        }
        assert!(Cursor::new("2q").word().is_none());
        assert_ne!(key_of("xx_plus_yy"), key_of("xx_plus_yz"));
    }
}
