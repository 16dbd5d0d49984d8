//! Arrays of values for a circuit's parameters.

use ketch_interface::Circuit;

use crate::{
    NdArray, ShapeError,
    array::{Broadcast, broadcast_shapes, size},
    error::PubError,
};

/// Values for a circuit's parameters: none, one set, or arrays of sets. The last axis of each array
/// goes over parameters, the others are the shape of the pub; several arrays are broadcast together.
///
/// ```
/// use ketch_primitives::{NdArray, ParameterValues};
/// // In the circuit's order: a sweep of three sets of two numbers.
/// let rows = vec![vec![0.0, 0.5], vec![0.1, 0.5], vec![0.2, 0.5]];
/// let sweep = ParameterValues::in_order(NdArray::from_rows(rows)?);
/// assert_eq!(sweep.shape()?, [3]);
/// // By name: a grid of 3 by 2.
/// let grid = ParameterValues::one("a", NdArray::new(vec![3, 1], vec![0.0, 0.1, 0.2])?)
///     .and_one("b", [0.5, 0.6]);
/// assert_eq!(grid.shape()?, [3, 2]);
/// # Ok::<(), ketch_primitives::ShapeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterValues {
    sets: Vec<Set>,
}

#[derive(Clone, Debug, PartialEq)]
struct Set {
    /// What the last axis goes over; `None`: the circuit's parameters in its order.
    names: Option<Vec<String>>,
    values: NdArray<f64>,
}

impl ParameterValues {
    /// For a circuit without parameters.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The last axis goes over the circuit's parameters, in the order of
    /// [`Circuit::parameters`]. (Qiskit's own order is by name: see [`named`](Self::named).)
    #[must_use]
    pub fn in_order(values: impl Into<NdArray<f64>>) -> Self {
        Self { sets: vec![Set { names: None, values: values.into() }] }
    }

    /// The last axis goes over these parameters.
    #[must_use]
    pub fn named(names: Vec<String>, values: impl Into<NdArray<f64>>) -> Self {
        Self::none().and_named(names, values)
    }

    /// One parameter; there is no axis for it.
    #[must_use]
    pub fn one(name: impl Into<String>, values: impl Into<NdArray<f64>>) -> Self {
        Self::none().and_one(name, values)
    }

    /// And an array whose last axis goes over these parameters.
    #[must_use]
    pub fn and_named(mut self, names: Vec<String>, values: impl Into<NdArray<f64>>) -> Self {
        self.sets.push(Set { names: Some(names), values: values.into() });
        self
    }

    /// And one more parameter; there is no axis for it.
    #[must_use]
    pub fn and_one(self, name: impl Into<String>, values: impl Into<NdArray<f64>>) -> Self {
        let values = values.into();
        let shape = values.shape().iter().copied().chain([1]).collect();
        self.and_named(vec![name.into()], NdArray::of(shape, values.into_elements()))
    }

    /// The shape of the sets: that of the arrays, without their last axes, broadcast together.
    ///
    /// # Errors
    /// If the arrays do not go together.
    pub fn shape(&self) -> Result<Vec<usize>, ShapeError> {
        broadcast_shapes(self.sets.iter().map(Set::outer))
    }

    /// The numbers for each set, checked against the circuit.
    pub(crate) fn bindings<'v>(&'v self, circuit: &Circuit) -> Result<Bindings<'v>, PubError> {
        let shape = self.shape()?;
        let n_places = size(&shape)?;
        let known = circuit.parameters();
        let mut columns: Vec<Option<Column<'v>>> = vec![None; known.len()];
        let mut rows = Vec::with_capacity(self.sets.len());
        for (set, Set { names, values }) in self.sets.iter().enumerate() {
            let names = names.as_deref().unwrap_or(known);
            let width = values.shape().last().copied();
            match width {
                Some(found) if found != names.len() => {
                    return Err(PubError::LastAxis { found, names: names.to_vec() });
                }
                None => return Err(PubError::NoLastAxis { names: names.to_vec() }),
                Some(_) => {}
            }
            for (offset, name) in names.iter().enumerate() {
                let Some(place) = known.iter().position(|known| known == name) else {
                    return Err(PubError::Unknown { name: name.clone(), known: known.to_vec() });
                };
                let column = Column { set, width: names.len(), offset, values: values.elements() };
                if columns[place].replace(column).is_some() {
                    return Err(PubError::Twice { name: name.clone() });
                }
            }
            let not_finite = values.elements().iter().position(|value| !value.is_finite());
            if let Some(element) = not_finite {
                return Err(PubError::NotFinite {
                    name: names[element % names.len()].clone(),
                    found: values.elements()[element],
                    place: element / names.len(),
                });
            }
            rows.push(Broadcast::new(self.sets[set].outer(), &shape));
        }
        let missing = columns.iter().position(Option::is_none);
        if let Some(place) = missing {
            return Err(PubError::Missing { name: known[place].clone() });
        }
        Ok(Bindings { shape, n_places, columns: columns.into_iter().flatten().collect(), rows })
    }
}

impl Set {
    /// The shape without the last axis.
    fn outer(&self) -> &[usize] {
        self.values.shape().split_last().map_or(&[], |(_, outer)| outer)
    }
}

/// Where the numbers of one parameter stand.
#[derive(Clone, Copy, Debug)]
struct Column<'v> {
    set: usize,
    width: usize,
    offset: usize,
    values: &'v [f64],
}

/// The numbers for a circuit's parameters, in its order, at each place of a shape.
#[derive(Debug)]
pub(crate) struct Bindings<'v> {
    pub(crate) shape: Vec<usize>,
    pub(crate) n_places: usize,
    columns: Vec<Column<'v>>,
    /// For each array: which of its rows stands at a place of the shape.
    rows: Vec<Broadcast>,
}

impl Bindings<'_> {
    /// The numbers at a place.
    pub(crate) fn at(&self, place: usize) -> Vec<f64> {
        let rows: Vec<usize> = self.rows.iter().map(|rows| rows.place(place)).collect();
        let number = |c: &Column<'_>| c.values[rows[c.set] * c.width + c.offset];
        self.columns.iter().map(number).collect()
    }
}

impl From<NdArray<f64>> for ParameterValues {
    /// [`in_order`](Self::in_order).
    fn from(values: NdArray<f64>) -> Self {
        Self::in_order(values)
    }
}

impl From<Vec<f64>> for ParameterValues {
    /// One set, in the circuit's order.
    fn from(values: Vec<f64>) -> Self {
        Self::in_order(values)
    }
}

impl<const N: usize> From<[f64; N]> for ParameterValues {
    /// One set, in the circuit's order.
    fn from(values: [f64; N]) -> Self {
        Self::in_order(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circuit() -> Circuit {
        Circuit::new(1, 0).rx("b", 0).rz("a", 0)
    }

    fn all(values: &ParameterValues) -> Vec<Vec<f64>> {
        let circuit = circuit();
        let bindings = values.bindings(&circuit).unwrap();
        (0..bindings.n_places).map(|place| bindings.at(place)).collect()
    }

    #[test]
    fn values_are_bound_in_order_and_by_name() {
        let rows = NdArray::from_rows(vec![vec![1.0, 2.0], vec![3.0, 4.0]]).unwrap();
        let in_order = all(&ParameterValues::in_order(rows.clone()));
        assert_eq!(in_order, [[1.0, 2.0], [3.0, 4.0]]);
        let names = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(all(&ParameterValues::named(names, rows)), [[2.0, 1.0], [4.0, 3.0]]);
        assert_eq!(all(&[5.0, 6.0].into()), [[5.0, 6.0]]);
    }

    #[test]
    fn arrays_are_broadcast_together() {
        let column = NdArray::new(vec![2, 1], vec![1.0, 2.0]).unwrap();
        let grid = ParameterValues::one("a", column).and_one("b", [7.0, 8.0]);
        assert_eq!(grid.shape().unwrap(), [2, 2]);
        assert_eq!(all(&grid), [[7.0, 1.0], [8.0, 1.0], [7.0, 2.0], [8.0, 2.0]]);
    }

    #[test]
    fn a_circuit_without_parameters_has_one_set_of_none() {
        let plain = Circuit::new(1, 0).h(0);
        // The second is what clients send.
        for values in [ParameterValues::none(), ParameterValues::in_order(Vec::new())] {
            let bindings = values.bindings(&plain).unwrap();
            assert_eq!((&bindings.shape[..], bindings.n_places), (&[][..], 1));
            assert!(bindings.at(0).is_empty());
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused_by_name() {
        let says = |values: ParameterValues| values.bindings(&circuit()).unwrap_err().to_string();
        assert_eq!(
            says([1.0].into()),
            "the last axis of the parameter values has 1 numbers, expected 2, for b, a"
        );
        assert_eq!(
            says(ParameterValues::in_order(NdArray::scalar(1.0))),
            "parameter values without axes, expected the last axis to be b, a"
        );
        assert_eq!(says(ParameterValues::one("a", 1.0)), "parameter `b` has no values");
        assert_eq!(says(ParameterValues::one("c", 1.0)), "no parameter `c`; the circuit has b, a");
        let twice = ParameterValues::in_order([1.0, 2.0]).and_one("a", 1.0);
        assert_eq!(says(twice), "parameter `a` has values twice");
        let rows = NdArray::from_rows(vec![vec![1.0, 2.0], vec![f64::NAN, 4.0]]).unwrap();
        assert_eq!(says(rows.into()), "parameter `b` is NaN at place 1, expected a finite number");
        let apart = ParameterValues::one("a", [1.0, 2.0]).and_one("b", [1.0, 2.0, 3.0]);
        assert!(says(apart).starts_with("shapes (2,) and (3,) do not go together"));
    }
}
