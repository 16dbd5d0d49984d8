//! Large numeric data that is shared and never copied on its way.

use std::{fmt, ops::Deref, sync::Arc};

/// An immutable, shared slice whose memory may belong to anybody: a `Vec` of this program, an
/// engine's aligned buffer, or a plugin's allocation that is given back when the last clone is
/// dropped. Cloning is cheap and never copies elements.
pub struct Array<T: 'static> {
    owner: Arc<dyn AsRef<[T]> + Send + Sync>,
}

impl<T: Send + Sync> Array<T> {
    /// Shares what `owner` lends, keeping `owner` alive as long as needed.
    ///
    /// `owner` must lend the same slice every time.
    pub fn from_owner(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Self {
        Self { owner: Arc::new(owner) }
    }
}

impl<T> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        (*self.owner).as_ref()
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

impl<T: Send + Sync> From<Vec<T>> for Array<T> {
    fn from(elements: Vec<T>) -> Self {
        Self::from_owner(elements)
    }
}

impl<T: Send + Sync> FromIterator<T> for Array<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        elements.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T: Send + Sync> Default for Array<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: PartialEq> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Array<T> {
    /// At most eight elements: a state vector in a log helps nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self.iter().take(8));
        if self.len() > 8 { list.finish_non_exhaustive() } else { list.finish() }
    }
}
