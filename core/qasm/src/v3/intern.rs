//! Names of a program as numbers.

use std::collections::HashMap;

use crate::lexer::{Cursor, Word};

/// A name: its number, in the order of first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(pub(crate) u32);

/// All names of a program.
///
/// Words of a text go to a small cache first, which finds names of up to eight bytes by comparing
/// one number. The map behind it is keyed at random, so no choice of names makes it slow.
#[derive(Debug)]
pub(crate) struct Interner {
    cache: Box<[Cached; CACHE]>,
    by_name: HashMap<Box<str>, Name>,
    names: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Cached {
    key: u64,
    /// The length of the name; 0 marks an empty place.
    len: u32,
    name: Name,
}

const CACHE: usize = 256;

impl Default for Interner {
    fn default() -> Self {
        let empty = Cached { key: 0, len: 0, name: Name(0) };
        let (by_name, names) = (HashMap::new(), Vec::new());
        Self { cache: Box::new([empty; CACHE]), by_name, names }
    }
}

impl Interner {
    /// The name of a word of a text.
    #[inline]
    pub(crate) fn word(&mut self, cursor: &Cursor<'_>, word: Word) -> Name {
        let place = (word.key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        let cached = self.cache[place];
        if cached.key == word.key
            && cached.len as usize == word.len()
            && (word.len() <= 8 || *self.names[cached.name.0 as usize] == *cursor.name(word))
        {
            return cached.name;
        }
        let name = self.get(cursor.name(word));
        // Names longer than 2^32 bytes do not fit a program.
        self.cache[place] = Cached { key: word.key, len: word.len() as u32, name };
        name
    }

    /// The number of a name.
    pub(crate) fn get(&mut self, name: &str) -> Name {
        if let Some(&known) = self.by_name.get(name) {
            return known;
        }
        let new = Name(u32::try_from(self.names.len()).expect("fewer names than bytes"));
        self.names.push(name.into());
        self.by_name.insert(name.into(), new);
        new
    }

    /// The letters of a name.
    pub(crate) fn text(&self, name: Name) -> &str {
        &self.names[name.0 as usize]
    }
}
