//! Arrays of any number of axes, and NumPy's rules of broadcasting.
//!
//! Elements stand in row-major order: the last axis is the fastest. No axes at all is one element.

use std::iter::repeat_n;

/// An array has at most this many elements: what is larger is refused before memory is taken.
pub const MAX_ELEMENTS: usize = 1 << 24;

/// An array has at most this many axes.
pub const MAX_AXES: usize = 32;

/// Elements in row-major order, and how many there are along each axis.
///
/// ```
/// use ketch_primitives::NdArray;
/// let table = NdArray::new(vec![2, 3], vec![1, 2, 3, 4, 5, 6])?;
/// assert_eq!(table.get(&[1, 0]), Some(&4));
/// # Ok::<(), ketch_primitives::ShapeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NdArray<T> {
    shape: Vec<usize>,
    elements: Vec<T>,
}

/// A shape that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// Not as many elements as the shape has places.
    #[error("an array of shape {} has {expected} elements, found {found}", shape_text(shape))]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// How many places it has.
        expected: usize,
        /// How many elements there were.
        found: usize,
    },
    /// More elements than an array may have.
    #[error("an array of shape {} is too large: at most {limit} elements", shape_text(shape))]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
        /// The most elements.
        limit: usize,
    },
    /// More axes than an array may have.
    #[error("an array of {found} axes, at most {MAX_AXES} are allowed")]
    TooManyAxes {
        /// How many there were.
        found: usize,
    },
    /// Two shapes that do not go together.
    #[error(
        "shapes {} and {} do not go together: from the right, each axis must be as long in both, \
         or 1 in one of them",
        shape_text(left),
        shape_text(right)
    )]
    Mismatch {
        /// The one.
        left: Vec<usize>,
        /// The other.
        right: Vec<usize>,
    },
    /// Rows of different lengths.
    #[error("row {row} has {found} numbers, row 0 has {expected}")]
    Ragged {
        /// Which row.
        row: usize,
        /// Its length.
        found: usize,
        /// The first row's length.
        expected: usize,
    },
}

impl<T> NdArray<T> {
    /// The elements, in row-major order, in this shape.
    ///
    /// # Errors
    /// If the shape has more or fewer places, or too many axes.
    pub fn new(shape: Vec<usize>, elements: Vec<T>) -> Result<Self, ShapeError> {
        let expected = size(&shape)?;
        if elements.len() != expected {
            return Err(ShapeError::Length { shape, expected, found: elements.len() });
        }
        Ok(Self { shape, elements })
    }

    /// One element and no axes.
    #[must_use]
    pub fn scalar(element: T) -> Self {
        Self { shape: Vec::new(), elements: vec![element] }
    }

    /// A table of two axes.
    ///
    /// # Errors
    /// If the rows are not equally long, or there are too many elements.
    pub fn from_rows(rows: Vec<Vec<T>>) -> Result<Self, ShapeError> {
        let width = rows.first().map_or(0, Vec::len);
        if let Some((row, other)) = rows.iter().enumerate().find(|(_, row)| row.len() != width) {
            return Err(ShapeError::Ragged { row, found: other.len(), expected: width });
        }
        Self::new(vec![rows.len(), width], rows.into_iter().flatten().collect())
    }

    /// How many elements there are along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All elements, in row-major order.
    #[must_use]
    pub fn elements(&self) -> &[T] {
        &self.elements
    }

    /// The element at these indices, one for each axis; `None` if there is none.
    #[must_use]
    pub fn get(&self, indices: &[usize]) -> Option<&T> {
        if indices.len() != self.shape.len() {
            return None;
        }
        let mut place = 0;
        for (&index, &length) in indices.iter().zip(&self.shape) {
            if index >= length {
                return None;
            }
            place = place * length + index;
        }
        self.elements.get(place)
    }

    /// The elements, in row-major order, to keep.
    #[must_use]
    pub fn into_elements(self) -> Vec<T> {
        self.elements
    }

    /// A shape that was checked, and as many elements as it has places.
    pub(crate) fn of(shape: Vec<usize>, elements: Vec<T>) -> Self {
        debug_assert_eq!(size(&shape), Ok(elements.len()));
        Self { shape, elements }
    }
}

impl From<f64> for NdArray<f64> {
    fn from(element: f64) -> Self {
        Self::scalar(element)
    }
}

impl<T> From<Vec<T>> for NdArray<T> {
    /// One axis.
    fn from(elements: Vec<T>) -> Self {
        Self { shape: vec![elements.len()], elements }
    }
}

impl<T, const N: usize> From<[T; N]> for NdArray<T> {
    /// One axis.
    fn from(elements: [T; N]) -> Self {
        Self { shape: vec![N], elements: elements.into() }
    }
}

/// How many places a shape has.
///
/// # Errors
/// If there are more than [`MAX_ELEMENTS`], or more than [`MAX_AXES`] axes.
pub fn size(shape: &[usize]) -> Result<usize, ShapeError> {
    if shape.len() > MAX_AXES {
        return Err(ShapeError::TooManyAxes { found: shape.len() });
    }
    // An axis of length 0 excuses all others.
    if shape.contains(&0) {
        return Ok(0);
    }
    let size = shape.iter().try_fold(1_usize, |size, &length| size.checked_mul(length));
    size.filter(|&size| size <= MAX_ELEMENTS)
        .ok_or_else(|| ShapeError::TooLarge { shape: shape.to_vec(), limit: MAX_ELEMENTS })
}

/// The shape that arrays of these shapes have together, by NumPy's rules: shapes are aligned at
/// their last axes, and an axis of length 1, or one that is missing, is as long as the others say.
///
/// ```
/// use ketch_primitives::broadcast_shapes;
/// assert_eq!(broadcast_shapes([&[3, 1][..], &[100]])?, [3, 100]);
/// # Ok::<(), ketch_primitives::ShapeError>(())
/// ```
///
/// # Errors
/// If two axes are of different lengths, neither of them 1, or the whole is too large.
pub fn broadcast_shapes<'a>(
    shapes: impl IntoIterator<Item = &'a [usize]>,
) -> Result<Vec<usize>, ShapeError> {
    let mut together: Vec<usize> = Vec::new();
    for shape in shapes {
        if shape.len() > MAX_AXES {
            return Err(ShapeError::TooManyAxes { found: shape.len() });
        }
        let missing = shape.len().saturating_sub(together.len());
        let mut wider: Vec<usize> = repeat_n(1, missing).chain(together.iter().copied()).collect();
        for (length, &other) in wider.iter_mut().rev().zip(shape.iter().rev()) {
            match (*length, other) {
                (1, other) => *length = other,
                (length, other) if other == 1 || other == length => {}
                _ => {
                    return Err(ShapeError::Mismatch { left: together, right: shape.to_vec() });
                }
            }
        }
        together = wider;
    }
    size(&together)?;
    Ok(together)
}

/// Where the elements of a smaller array stand in a shape that it is broadcast to.
#[derive(Debug)]
pub(crate) struct Broadcast {
    /// For each axis of the shape, the last first: its length, and how far apart its elements stand
    /// in the array; 0 where one element stands for all.
    axes: Vec<(usize, usize)>,
}

impl Broadcast {
    /// An array of shape `from` in the shape `to`.
    ///
    /// # Panics
    /// Unless `to` is what [`broadcast_shapes`] made of `from` and others.
    pub(crate) fn new(from: &[usize], to: &[usize]) -> Self {
        assert!(from.len() <= to.len(), "broadcasting loses no axis");
        let mut stride = 1_usize;
        let lengths = from.iter().rev().copied().chain(std::iter::repeat(1));
        let axes = to.iter().rev().zip(lengths).map(|(&length, own)| {
            assert!(own == 1 || own == length, "an axis that cannot be broadcast");
            let here = if own == 1 { 0 } else { stride };
            // Where there are no places, no stride is needed, and none need fit.
            stride = stride.saturating_mul(own);
            (length, here)
        });
        Self { axes: axes.collect() }
    }

    /// The place in the array of what stands at a place of the shape.
    pub(crate) fn place(&self, mut place: usize) -> usize {
        let mut own = 0;
        for &(length, stride) in &self.axes {
            own += place % length * stride;
            place /= length;
        }
        own
    }
}

/// A shape as Python writes it: `(3, 100)`.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    match lengths.len() {
        1 => format!("({},)", lengths[0]),
        _ => format!("({})", lengths.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_found_by_their_indices() {
        let array = NdArray::new(vec![2, 1, 3], (0..6).collect()).unwrap();
        assert_eq!(array.get(&[1, 0, 2]), Some(&5));
        assert_eq!(array.get(&[1, 1, 2]), None);
        assert_eq!(array.get(&[1, 0]), None);
        assert_eq!(NdArray::scalar(7).get(&[]), Some(&7));
        assert_eq!(NdArray::from([1, 2]).shape(), [2]);
        let rows = NdArray::from_rows(vec![vec![1, 2], vec![3, 4], vec![5, 6]]).unwrap();
        assert_eq!((rows.shape(), rows.get(&[2, 1])), (&[3, 2][..], Some(&6)));
    }

    #[test]
    fn impossible_shapes_are_refused_with_what_was_found() {
        let says = |error: ShapeError| error.to_string();
        assert_eq!(
            says(NdArray::new(vec![3], vec![1, 2]).unwrap_err()),
            "an array of shape (3,) has 3 elements, found 2"
        );
        assert_eq!(
            says(NdArray::from_rows(vec![vec![1], vec![]]).unwrap_err()),
            "row 1 has 0 numbers, row 0 has 1"
        );
        let huge = [1 << 40, 1 << 40];
        assert!(says(size(&huge).unwrap_err()).starts_with("an array of shape (1099511627776, "));
        assert_eq!(size(&[1 << 40, 0]), Ok(0));
        assert!(matches!(size(&[1; 33]), Err(ShapeError::TooManyAxes { found: 33 })));
        // Each is small: only together they are too large.
        let tall: [&[usize]; 2] = [&[1 << 20, 1], &[1 << 20]];
        assert!(matches!(broadcast_shapes(tall), Err(ShapeError::TooLarge { .. })));
        assert_eq!(
            says(broadcast_shapes([&[2, 3][..], &[2]]).unwrap_err()),
            "shapes (2, 3) and (2,) do not go together: from the right, each axis must be as long \
             in both, or 1 in one of them"
        );
    }

    #[test]
    fn no_shapes_make_one_place() {
        assert_eq!(broadcast_shapes([]), Ok(vec![]));
        let one = Broadcast::new(&[], &[2, 2]);
        assert_eq!([0, 1, 2, 3].map(|place| one.place(place)), [0; 4]);
    }

    #[test]
    fn axes_without_places_may_have_others_of_any_length() {
        let shape = [0, 1 << 40, 1 << 40];
        assert_eq!(broadcast_shapes([&shape[..], &[1, 1 << 40]]), Ok(shape.to_vec()));
        Broadcast::new(&shape, &shape);
        let values = NdArray::new([&shape[..], &[1]].concat(), Vec::<f64>::new()).unwrap();
        let values = crate::ParameterValues::in_order(values);
        let circuit = ketch_interface::Circuit::new(1, 0).rx("a", 0);
        assert_eq!(values.bindings(&circuit).unwrap().n_places, 0);
    }

    /// The shape's indices in order, counted up one by one, and the array's element at each: the
    /// same indices, without the axes that it lacks, and 0 along those where it has one element.
    fn places_by_rule(from: &[usize], to: &[usize]) -> Vec<usize> {
        let numbered = NdArray::new(from.to_vec(), (0..size(from).unwrap()).collect()).unwrap();
        let mut all = vec![vec![]];
        for &length in to {
            let longer =
                |indices: Vec<usize>| (0..length).map(move |next| [&indices[..], &[next]].concat());
            all = all.into_iter().flat_map(longer).collect();
        }
        let element = |indices: Vec<usize>| {
            let own = indices[to.len() - from.len()..].iter().zip(from);
            let own: Vec<usize> =
                own.map(|(&i, &length)| if length == 1 { 0 } else { i }).collect();
            *numbered.get(&own).unwrap()
        };
        all.into_iter().map(element).collect()
    }

    fn shape_by_rule(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
        let axes = left.len().max(right.len());
        let length = |shape: &[usize], axis: usize| {
            (axis + shape.len()).checked_sub(axes).map_or(1, |axis| shape[axis])
        };
        (0..axes)
            .map(|axis| match (length(left, axis), length(right, axis)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect()
    }

    fn shapes() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(prop_oneof![Just(1_usize), Just(1), Just(2), Just(3), Just(0)], 0..5)
    }

    proptest! {
        #[test]
        fn broadcasting_follows_the_rule(left in shapes(), right in shapes()) {
            let together = broadcast_shapes([&left[..], &right]).ok();
            prop_assert_eq!(&together, &shape_by_rule(&left, &right));
            if let Some(together) = together {
                let total = size(&together).unwrap();
                for from in [&left, &right] {
                    let broadcast = Broadcast::new(from, &together);
                    let found: Vec<usize> = (0..total).map(|p| broadcast.place(p)).collect();
                    prop_assert_eq!(found, places_by_rule(from, &together));
                }
            }
        }
    }
}
