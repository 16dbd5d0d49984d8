//! The names of a circuit's parameters, and the place of each.

use std::{collections::HashMap, ops::Deref};

/// Names in the order in which they were added.
#[derive(Clone, Default)]
pub(super) struct Names {
    names: Vec<String>,
    /// The first place of each name once there are more than [`FEW`], else nothing: a circuit of a
    /// few parameters is copied each time it is bound.
    places: HashMap<String, u32>,
}

/// So many names are looked through one after the other.
const FEW: usize = 32;

impl Names {
    /// Adds a name at the next place, also one that is there already.
    pub(super) fn push(&mut self, name: &str) {
        self.names.push(name.to_owned());
        let not_noted = match self.names.len() {
            ..=FEW => return,
            len if self.places.is_empty() => 0..len,
            len => len - 1..len,
        };
        for place in not_noted {
            self.places.entry(self.names[place].clone()).or_insert(place as u32);
        }
    }

    /// The first place of a name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        match self.places.is_empty() {
            true => self.names.iter().position(|known| known == name),
            false => self.places.get(name).map(|place| *place as usize),
        }
    }

    /// Takes back all names but the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        if len >= self.names.len() {
            return;
        }
        self.names.truncate(len);
        match len {
            ..=FEW => self.places.clear(),
            _ => self.places.retain(|_, place| (*place as usize) < len),
        }
    }
}

impl Deref for Names {
    type Target = Vec<String>;

    fn deref(&self) -> &Vec<String> {
        &self.names
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_of_a_name_is_found_among_few_and_among_many() {
        let mut names = Names::default();
        for place in 0..3 * FEW {
            names.push(&format!("p{}", place % 50));
            for asked in 0..=place {
                let first = asked % 50;
                assert_eq!(names.place(&format!("p{first}")), Some(first), "of {}", place + 1);
            }
            assert_eq!(names.place("q"), None);
        }
        for len in (0..3 * FEW).rev() {
            names.truncate(len);
            let last = len.min(50);
            assert_eq!(names.place(&format!("p{last}")), None, "of {len}");
            assert_eq!(names.place("p0"), (len > 0).then_some(0));
            assert_eq!(names.len(), len);
        }
        names.push("again");
        assert_eq!(names.place("again"), Some(0));
    }
}
