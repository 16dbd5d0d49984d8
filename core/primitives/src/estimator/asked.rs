//! Which observables are asked for at which set of numbers.

use crate::{
    EstimatorOptions, EstimatorPub, Observable,
    array::{Broadcast, broadcast_shapes, shape_text, size},
    error::PubError,
    limits::{MAX_EXPERIMENTS, check_circuit},
    parameters::Bindings,
};

/// A pub that was checked: its observables and its sets of numbers, broadcast together.
#[derive(Debug)]
pub(crate) struct Asked<'p> {
    pub(crate) of: &'p EstimatorPub,
    pub(crate) precision: f64,
    pub(crate) bindings: Bindings<'p>,
    pub(crate) shape: Vec<usize>,
    pub(crate) n_places: usize,
    set_at: Broadcast,
    observable_at: Broadcast,
    /// Different choices of observables, each by their places and in ascending order.
    pub(crate) bundles: Vec<Vec<u32>>,
    /// For each set of numbers the choice that is asked for there.
    pub(crate) bundle_of: Vec<usize>,
}

impl<'p> Asked<'p> {
    pub(crate) fn new(of: &'p EstimatorPub, options: &EstimatorOptions) -> Result<Self, PubError> {
        check_circuit(&of.circuit)?;
        let precision = of.precision.unwrap_or(options.default_precision);
        if !(precision.is_finite() && precision >= 0.0) {
            return Err(PubError::Precision { found: precision });
        }
        let expected = of.circuit.n_qubits();
        let elements = of.observables.elements();
        if let Some(place) = elements.iter().position(|one| one.n_qubits() != expected) {
            let found = elements[place].n_qubits();
            return Err(PubError::Width { place, found, expected });
        }
        let bindings = of.parameter_values.bindings(&of.circuit)?;
        let shape = broadcast_shapes([&bindings.shape[..], of.observables.shape()])?;
        let n_places = size(&shape)?;
        if n_places == 0 {
            return Err(PubError::Empty { shape: shape_text(&shape) });
        }
        if bindings.n_places as u64 > MAX_EXPERIMENTS {
            let found = bindings.n_places as u64;
            return Err(PubError::TooManySets { found, limit: MAX_EXPERIMENTS });
        }
        let set_at = Broadcast::new(&bindings.shape, &shape);
        let observable_at = Broadcast::new(of.observables.shape(), &shape);
        let mut asked = vec![Vec::new(); bindings.n_places];
        for place in 0..n_places {
            asked[set_at.place(place)].push(observable_at.place(place) as u32);
        }
        let (bundles, bundle_of) = different(asked);
        let (of, bindings) = (of, bindings);
        Ok(Self {
            of,
            precision,
            bindings,
            shape,
            n_places,
            set_at,
            observable_at,
            bundles,
            bundle_of,
        })
    }

    /// The observables of a choice.
    pub(crate) fn observables(&self, bundle: usize) -> impl Iterator<Item = &'p Observable> + '_ {
        let elements = self.of.observables.elements();
        self.bundles[bundle].iter().map(|place| &elements[*place as usize])
    }

    /// What stands at each place of the shape, from what was found for each set of numbers: one
    /// value for each observable of its choice.
    pub(crate) fn spread<T: Copy>(&self, found: &[Vec<T>]) -> Vec<T> {
        let at = |place| {
            let (set, observable) = (self.set_at.place(place), self.observable_at.place(place));
            let bundle = &self.bundles[self.bundle_of[set]];
            let within = bundle.binary_search(&(observable as u32));
            found[set][within.expect("the choice was made of all that is asked for")]
        };
        (0..self.n_places).map(at).collect()
    }
}

/// The different lists, each sorted and without repetition, and for each list which it is.
fn different(lists: Vec<Vec<u32>>) -> (Vec<Vec<u32>>, Vec<usize>) {
    let mut known = std::collections::HashMap::new();
    let which = lists.into_iter().map(|mut list| {
        list.sort_unstable();
        list.dedup();
        let next = known.len();
        *known.entry(list).or_insert(next)
    });
    let which = which.collect();
    let mut all: Vec<(Vec<u32>, usize)> = known.into_iter().collect();
    all.sort_unstable_by_key(|(_, place)| *place);
    (all.into_iter().map(|(list, _)| list).collect(), which)
}
