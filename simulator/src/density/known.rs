//! Matrices that were made before.

/// The matrices of the last few keys, for circuits repeat themselves.
#[derive(Debug)]
pub(super) struct Known<K> {
    entries: Vec<(K, Vec<f64>)>,
    /// The entry that is given up next.
    next: usize,
}

/// How many are kept: to look through them is little beside making one.
const KEPT: usize = 16;

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), next: 0 }
    }
}

impl<K> Known<K> {
    /// The matrix of a key, if it is known.
    pub(super) fn find<Q: ?Sized>(&self, key: &Q) -> Option<Vec<f64>>
    where
        K: PartialEq<Q>,
    {
        let known = self.entries.iter().find(|(known, _)| known == key);
        known.map(|(_, matrix)| matrix.clone())
    }

    /// Keeps a matrix, and gives it back.
    pub(super) fn keep(&mut self, key: K, matrix: Vec<f64>) -> Vec<f64> {
        let entry = (key, matrix.clone());
        if self.entries.len() < KEPT {
            self.entries.push(entry);
        } else {
            self.entries[self.next] = entry;
            self.next = (self.next + 1) % KEPT;
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_few_are_known() {
        let mut known = Known::default();
        for key in 0..40_u32 {
            assert_eq!(known.find(&key), None);
            assert_eq!(known.keep(key, vec![f64::from(key)]), [f64::from(key)]);
            assert_eq!(known.find(&key), Some(vec![f64::from(key)]));
        }
        assert!((24..40).all(|key| known.find(&key).is_some()));
        assert_eq!(known.find(&23), None);
    }
}
