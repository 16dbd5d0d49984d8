//! Names of a program that stand for one thing each.

use std::collections::HashMap;

/// The names that a program has, and by which number the next thing of each name goes.
#[derive(Debug, Default)]
pub(crate) struct UniqueNames(HashMap<String, u32>);

impl UniqueNames {
    /// Takes a name as it is.
    pub(crate) fn insert(&mut self, name: String) {
        self.0.entry(name).or_insert(2);
    }

    /// Takes `name`, or with a number behind it if something has that name or the language does.
    ///
    /// Numbers are never tried twice, so that as many things of one name as a file can hold take
    /// no longer than as many names.
    pub(crate) fn take(&mut self, name: String, is_reserved: impl Fn(&str) -> bool) -> String {
        let is_free = |names: &HashMap<String, u32>, name: &str| {
            !names.contains_key(name) && !is_reserved(name)
        };
        if is_free(&self.0, &name) {
            self.insert(name.clone());
            return name;
        }
        let mut number = self.0.get(&name).copied().unwrap_or(2);
        loop {
            let numbered = format!("{name}_{number}");
            number += 1;
            if is_free(&self.0, &numbered) {
                self.0.insert(name, number);
                self.insert(numbered.clone());
                return numbered;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_one_thing() {
        let mut names = UniqueNames::default();
        let mut take = |name: &str| names.take(name.to_owned(), |name| name == "gate");
        assert_eq!(
            ["a", "a_2", "a", "a", "gate", "gate"].map(&mut take),
            ["a", "a_2", "a_3", "a_4", "gate_2", "gate_3"]
        );
    }

    #[test]
    fn things_of_one_name_take_no_longer_than_names() {
        let mut names = UniqueNames::default();
        // Where each tries all numbers anew, these are 2 * 10^10 tries.
        for _ in 0..200_000 {
            names.take("c".to_owned(), |_| false);
        }
        assert_eq!(names.take("c".to_owned(), |_| false), "c_200001");
    }
}
