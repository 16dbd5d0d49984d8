//! The version line that programs begin with.

use crate::lexer::{Cursor, key_of};

/// A version of OpenQASM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// 2 or 3, of those that exist.
    pub major: u32,
    /// The number behind the point; 0 if there is none.
    pub minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The version that a program's first line names; `None` if it does not begin with `OPENQASM` and
/// a number.
///
/// ```
/// let version = ketch_qasm::version_of("// Bell\nOPENQASM 2.0;\n");
/// assert_eq!(version.unwrap().major, 2);
/// ```
#[must_use]
pub fn version_of(text: &str) -> Option<Version> {
    let mut cursor = Cursor::new(text);
    crate::v3::skip_space(&mut cursor);
    let word = cursor.word()?;
    if word.key != KEYWORD {
        return None;
    }
    read_version(&mut cursor)
}

/// `OPENQASM`.
pub(crate) const KEYWORD: u64 = key_of("OPENQASM");

/// The number behind the keyword; the cursor moves behind it.
pub(crate) fn read_version(cursor: &mut Cursor<'_>) -> Option<Version> {
    let major = cursor.digits().parse().ok()?;
    if cursor.peek() != b'.' {
        return Some(Version { major, minor: 0 });
    }
    cursor.eat(b'.');
    let minor = cursor.digits().parse().ok()?;
    Some(Version { major, minor })
}
