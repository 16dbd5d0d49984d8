//! Just enough of Rust's lexical grammar to tell code from comments, strings and tests.

/// The source with the contents of comments, strings and character literals blanked out.
///
/// Line breaks stay, so line numbers are those of the original.
pub(crate) fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    // The character before `rest`: an `r` inside a name starts no raw string.
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let blank = match literal(rest, before) {
            0 => {
                code.push(first);
                before = first;
                rest = &rest[first.len_utf8()..];
                continue;
            }
            length => &rest[..length],
        };
        code.extend(blank.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        before = ' ';
        rest = &rest[blank.len()..];
    }
    code
}

/// How many lines are not part of an inline `#[cfg(test)] mod … { … }`.
///
/// Relies on formatted code: the module starts and ends in the first column.
pub(crate) fn lines_without_tests(source: &str) -> usize {
    let mut count = 0;
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        let opens =
            lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if line == "#[cfg(test)]" && opens {
            lines.by_ref().find(|line| *line == "}");
        } else {
            count += 1;
        }
    }
    count
}

/// Whether a word stands in the text on its own, not as part of a longer name.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length in bytes of the comment, string or character literal that `text` starts with; 0 if
/// it starts with code. What is not closed goes on to the end.
fn literal(text: &str, before: char) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    if text.starts_with('"') {
        return quoted(text, 1);
    }
    if text.starts_with('\'') {
        return character(text);
    }
    if is_name(before) {
        return 0;
    }
    // Prefixes are b, c, r, br and cr; only the raw ones take hashes.
    let prefix = text.len() - text.trim_start_matches(['b', 'c', 'r']).len();
    match &text[..prefix] {
        "b" if text[1..].starts_with('\'') => 1 + character(&text[1..]),
        "b" | "c" if text[1..].starts_with('"') => quoted(text, 2),
        "r" | "br" | "cr" => raw(text, prefix),
        _ => 0,
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// A string with escapes whose contents start at `from`.
fn quoted(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return from + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A raw string whose hashes, if any, start after the prefix.
fn raw(text: &str, prefix: usize) -> usize {
    let tail = &text[prefix..];
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let open = prefix + hashes + 1;
    if !tail[hashes..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    text[open..].find(&close).map_or(text.len(), |at| open + at + close.len())
}

/// `'x'` or `'\…'`; a lifetime or a label is code.
fn character(text: &str) -> usize {
    let mut inside = text[1..].char_indices();
    match inside.next() {
        Some((_, '\\')) => {
            let after_escape = 1 + inside.next().map_or(0, |(at, c)| at + c.len_utf8());
            text[after_escape..].find('\'').map_or(text.len(), |at| after_escape + at + 1)
        }
        Some((_, _)) => match inside.next() {
            Some((at, '\'')) => 1 + at + 1,
            _ => 0,
        },
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{code, has_word, lines_without_tests};

    #[test]
    fn comments_strings_and_characters_are_blank_and_code_is_not() {
        let check = |source: &str, expected: &str| {
            let code = code(source);
            let words: Vec<&str> = code.split_whitespace().collect();
            assert_eq!(words.join(" "), expected, "{source}");
            assert_eq!(code.chars().count(), source.chars().count(), "{source}");
        };
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check("a \"b\\\"c\" d", "a d");
        check("a b\"c\" c\"d\" e", "a e");
        check("a r#\"b\"c\"# d", "a d");
        check("a br##\"b\"#c\"## d", "a d");
        check("r#type + bar\"x\"", "r#type + bar");
        check("'a' '\\'' '\\u{41}' b'\\\\' x", "x");
        check("fn f<'a>(x: &'a str) 'b: loop", "fn f<'a>(x: &'a str) 'b: loop");
        check("'é' x", "x");
        assert_eq!(code("a \"b\nc\" d").lines().count(), 2);
    }

    #[test]
    fn what_is_never_closed_goes_on_to_the_end() {
        for source in ["/* a", "\"a", "\"a\\", "r#\"a\"", "'\\", "b'\\n"] {
            assert_eq!(code(source).trim(), "", "{source}");
        }
        assert_eq!(code("'"), "'");
    }

    #[test]
    fn words_stand_alone() {
        assert!(has_word("unsafe { }", "unsafe"));
        assert!(has_word("#[unsafe(no_mangle)]", "unsafe"));
        assert!(!has_word("#![forbid(unsafe_code)]", "unsafe"));
        assert!(!has_word("an_unsafe", "unsafe"));
    }

    #[test]
    fn inline_tests_are_not_counted() {
        let source = "a\nb\n\n#[cfg(test)]\nmod tests {\n    c\n}\nd\n#[cfg(test)]\nmod other;\n";
        assert_eq!(lines_without_tests(source), 6);
    }
}
