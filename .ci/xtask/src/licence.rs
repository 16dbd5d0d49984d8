//! Licence expressions: may we use a package under what its manifest says?
//!
//! The grammar is SPDX's (specification 2.3, annex D) as manifests use it: identifiers, `WITH`,
//! `AND`, `OR`, parentheses, `AND` binding tighter; and the older `A/B`, which means `A OR B`.

/// Whether the licences in `allowed` are enough for the expression.
///
/// `X WITH Y` counts as one licence, and is looked up as these three words.
///
/// # Errors
///
/// Says what was expected and found if the text is not a licence expression.
pub(crate) fn permits(expression: &str, allowed: &[&str]) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    let permitted = parser.any()?;
    match parser.next() {
        None => Ok(permitted),
        Some(word) => Err(format!("expected AND, OR or the end, found `{word}`")),
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a [&'a str],
}

impl Parser<'_> {
    fn any(&mut self) -> Result<bool, String> {
        let mut permitted = self.all()?;
        while self.take("OR") {
            permitted |= self.all()?;
        }
        Ok(permitted)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut permitted = self.one()?;
        while self.take("AND") {
            permitted &= self.one()?;
        }
        Ok(permitted)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let permitted = self.any()?;
            return if self.take(")") { Ok(permitted) } else { Err("expected `)`".to_owned()) };
        }
        let mut licence = self.identifier()?.to_owned();
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.identifier()?);
        }
        Ok(self.allowed.contains(&licence.as_str()))
    }

    fn identifier(&mut self) -> Result<&str, String> {
        match self.next() {
            Some(word) if !["AND", "OR", "WITH", "(", ")"].contains(&word) => Ok(word),
            Some(word) => Err(format!("expected a licence, found `{word}`")),
            None => Err("expected a licence, found the end".to_owned()),
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn next(&mut self) -> Option<&str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::permits;

    const ALLOWED: &[&str] = &["MIT", "Apache-2.0", "Unicode-3.0", "Zlib WITH Kindness"];

    #[test]
    fn one_side_of_or_is_enough_and_both_sides_of_and_are_needed() {
        let check = |expression: &str, expected: bool| {
            assert_eq!(permits(expression, ALLOWED), Ok(expected), "{expression}");
        };
        check("MIT", true);
        check("GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT", true);
        check("GPL-3.0-only/MIT", true);
        check("GPL-3.0-only AND MIT", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("(MIT OR Apache-2.0) AND GPL-3.0-only", false);
        // AND binds tighter: this is MIT OR (GPL AND Apache).
        check("MIT OR GPL-3.0-only AND Apache-2.0", true);
        check("Zlib", false);
        check("Zlib WITH Kindness", true);
        check("MIT WITH Kindness", false);
    }

    #[test]
    fn broken_expressions_are_named() {
        let check = |expression: &str, expected: &str| {
            assert_eq!(permits(expression, ALLOWED), Err(expected.to_owned()), "{expression}");
        };
        check("", "expected a licence, found the end");
        check("MIT OR", "expected a licence, found the end");
        check("OR MIT", "expected a licence, found `OR`");
        check("(MIT", "expected `)`");
        check("MIT Apache-2.0", "expected AND, OR or the end, found `Apache-2.0`");
    }
}
