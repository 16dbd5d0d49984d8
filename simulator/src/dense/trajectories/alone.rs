//! Shots that nothing parts any more, from a state that others left to their end.
//!
//! All that is wanted of such a state is one reading for each of its few shots, which takes less
//! than the whole state. A place can be read as soon as nothing more is done to it, and then half
//! of the state is left; so what reaches the first places that are read is run on all of it, and
//! what is left on little (`cut`). And a shot need not leave the others where its errors begin: with
//! U what all of them run, and V the same with its errors, V U† brings the state behind U to what
//! it would be; all of it cancels but what the errors reach, see [`Circuit::late`].

use ketch_kernels::{Real, Threads};

use super::{
    circuit::Circuit,
    cut::{self, Cut, Reach},
    draw::{Path, What},
    walk::{Walk, Walked, lock},
};
use crate::{
    Error,
    dense::{
        Apply, State,
        apply::{bits, mask},
        ready::Ready,
    },
    noise::{beyond, pick},
    progress::Unit,
    rng::uniform,
    run::SERIAL,
    stage::Plan,
};

/// Places below which one thread runs what is left of a state, whatever threads there are.
const SERIAL_BELOW: usize = 18;

/// Something that is still to be done to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The gate of a step.
    Gate(usize),
    /// The inverse of the gate of a step.
    Inverse(usize),
    /// The error of this number; at one of a rest, the state is looked at.
    Error(usize),
    /// An operator that was chosen at a look.
    Chosen(usize),
}

/// Shots with the same errors, and what is left to be done to their state.
#[derive(Clone, Debug)]
pub(super) struct Alone<'p> {
    pub(super) paths: Vec<&'p Path>,
    pub(super) items: Vec<Item>,
    chosen: Vec<Apply<f64>>,
    /// The places that are not read yet, as a mask: those of the state, in order.
    places: usize,
    /// The values of the others.
    known: usize,
    /// How often the state was read.
    n_read: u64,
}

impl<'p> Alone<'p> {
    pub(super) fn new(paths: Vec<&'p Path>, items: Vec<Item>, n_places: usize) -> Self {
        let places = mask(&(0..n_places).collect::<Vec<_>>());
        Self { paths, items, chosen: Vec::new(), places, known: 0, n_read: 0 }
    }

    /// The places of an item, and what it takes.
    fn reach(&self, circuit: &Circuit, item: Item) -> Reach {
        match item {
            Item::Chosen(number) => Reach::of(&self.chosen[number]),
            item => circuit.reach(self.paths[0], item),
        }
    }

    fn apply(&self, circuit: &Circuit, item: Item) -> Apply<f64> {
        match item {
            Item::Chosen(number) => self.chosen[number].clone(),
            item => circuit.apply(self.paths[0], item),
        }
    }
}

impl Circuit {
    /// What is left of a path behind `to`, the end of a segment, for a state without those of its
    /// errors from `at` on: what they reach up to there is undone, and done with them.
    pub(super) fn late(&self, path: &Path, done: usize, at: usize, to: usize) -> Vec<Item> {
        let mut errors = (done..path.errors.len()).peekable();
        let (mut reached, mut again, mut undone) = (0, Vec::new(), Vec::new());
        let mut next_error = |step: usize, items: &mut Vec<Item>| {
            let number = errors.next_if(|&number| path.errors[number].at <= step)?;
            items.push(Item::Error(number));
            Some(self.reach(path, Item::Error(number)).places)
        };
        for step in at..to {
            while let Some(places) = next_error(step, &mut again) {
                reached |= places;
            }
            let Some(gate) = self.gate(step) else { continue };
            if gate.mask() & reached != 0 {
                reached |= gate.mask();
                again.push(Item::Gate(step));
                undone.push(Item::Inverse(step));
            }
        }
        let mut items = undone;
        items.reverse();
        items.append(&mut again);
        for step in to..self.steps.len() {
            while next_error(step, &mut items).is_some() {}
            if self.gate(step).is_some() {
                items.push(Item::Gate(step));
            }
        }
        while next_error(usize::MAX, &mut items).is_some() {}
        items
    }

    /// The places of an item other than one that was chosen, and what it takes.
    fn reach(&self, path: &Path, item: Item) -> Reach {
        match item {
            Item::Gate(step) | Item::Inverse(step) => {
                Reach::of(self.gate(step).expect("an item is made from a gate"))
            }
            Item::Error(number) => match path.errors[number].what {
                What::String([x, z]) => Reach::mixing(x | z, false),
                What::Other { site, .. } => Reach::mixing(self.sites[site].mask, false),
                What::Rest { site } => Reach::mixing(self.sites[site].mask, true),
            },
            Item::Chosen(_) => unreachable!("nothing is chosen yet"),
        }
    }

    /// What is done for an item other than one that was chosen.
    pub(super) fn apply(&self, path: &Path, item: Item) -> Apply<f64> {
        let gate = |step: usize| self.gate(step).expect("an item is made from a gate");
        match item {
            Item::Gate(step) => gate(step).clone(),
            Item::Inverse(step) => gate(step).adjoint(),
            Item::Error(number) => self.unitary(&path.errors[number]),
            Item::Chosen(_) => unreachable!("nothing is chosen yet"),
        }
    }

    /// What is left of a path without the errors from `done` on, from the state at which it takes
    /// least: where that state is, one of the ends of segments behind `at` or `at` itself.
    pub(super) fn latest(
        &self,
        paths: &[&Path],
        done: usize,
        at: usize,
        n_places: usize,
    ) -> (usize, Vec<Item>) {
        let ends = self.segments.iter().map(|segment| segment.end).filter(|end| *end > at);
        let from = |to: usize| {
            let items = self.late(paths[0], done, at, to);
            let reaches: Vec<Reach> =
                items.iter().map(|item| self.reach(paths[0], *item)).collect();
            (cut::cost(&reaches, n_places, paths.len(), true), to, items)
        };
        let ways = [at].into_iter().chain(ends).map(from);
        let best = ways.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there is `at`");
        (best.1, best.2)
    }
}

/// The state that shots go on from.
pub(super) enum From<'s, 't, T: Real> {
    /// One of their own.
    Owned(State<'t, T>),
    /// One that others need too: it is copied before anything is done to it. With the weights of its
    /// blocks, if somebody has found them for all.
    Shared(&'s State<'t, T>, Option<&'s [f64]>),
}

impl<'t, T: Real> From<'_, 't, T> {
    fn state(&self) -> &State<'t, T> {
        match self {
            Self::Owned(state) => state,
            Self::Shared(state, _) => state,
        }
    }
}

impl<'t, T: Real> Walk<'_, 't, T> {
    /// Reads shots that have a state to themselves, or may copy one.
    pub(super) fn finish<'p>(
        &self,
        alone: Alone<'p>,
        from: From<'_, 't, T>,
        threads: &'t Threads,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        let reaches: Vec<Reach> =
            alone.items.iter().map(|item| alone.reach(self.circuit, *item)).collect();
        let n_places = alone.places.count_ones() as usize;
        // Waking others for so little takes longer than the work.
        let is_little = n_places < SERIAL_BELOW;
        let threads = if is_little { &SERIAL } else { threads };
        let is_weighed = matches!(from, From::Shared(_, Some(_)));
        let cut = Cut::of(&reaches, alone.places, alone.paths.len(), is_weighed);
        let mut run = Vec::with_capacity(alone.items.len());
        let mut left = Vec::with_capacity(alone.items.len());
        let local = |place: usize| (alone.places & ((1 << place) - 1)).count_ones() as usize;
        for (number, item) in alone.items.iter().enumerate() {
            if cut.is_first(number) {
                run.push(alone.apply(self.circuit, *item).mapped(local));
            } else if cut.look != Some(number) {
                left.push(*item);
            }
        }
        let mut from = from;
        if !run.is_empty() {
            let mut state = self.owned(from, threads)?;
            let plan = Plan { n_places, alone: is_little, ..self.plan.clone() };
            Ready::new(&run, &plan).run(&mut state, self.cancel)?;
            from = From::Owned(state);
        }
        match cut.look {
            Some(number) => {
                let Item::Error(number) = alone.items[number] else {
                    unreachable!("only errors look")
                };
                self.look(Alone { items: left, ..alone }, number, from, threads, walked)
            }
            None => self.part_read(Alone { items: left, ..alone }, cut.read, from, threads, walked),
        }
    }

    /// Goes on with each of the rest of a site that happens.
    fn look<'p>(
        &self,
        alone: Alone<'p>,
        number: usize,
        from: From<'_, 't, T>,
        threads: &'t Threads,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        let What::Rest { site } = alone.paths[0].errors[number].what else {
            unreachable!("only at one of a rest the state is looked at")
        };
        let rest = self.circuit.sites[site].rest.as_ref().expect("one of the rest was drawn");
        let local = |place: &usize| (alone.places & ((1 << place) - 1)).count_ones() as usize;
        let places: Vec<usize> = rest.places.iter().map(local).collect();
        let weights = rest.effects.weights(from.state(), &places)?;
        let mut parts: Vec<(usize, f64, Vec<&Path>)> = Vec::new();
        for path in &alone.paths {
            let uniform = beyond(uniform(self.seed, path.shot, site as u64), rest.free);
            let (operator, weight) = pick(weights.iter().copied(), uniform);
            match parts.iter_mut().find(|(known, ..)| *known == operator) {
                Some((.., paths)) => paths.push(path),
                None => parts.push((operator, weight, vec![path])),
            }
        }
        // The largest part takes over the state. Any other has a copy, and parts no more: see `goes_alone`.
        let largest = (0..parts.len()).max_by_key(|&part| parts[part].2.len());
        let largest = parts.remove(largest.expect("there are shots"));
        parts.push(largest);
        let mut from = Some(from);
        let last = parts.len() - 1;
        for (part, (operator, weight, paths)) in parts.into_iter().enumerate() {
            let mut alone = Alone { paths, ..alone.clone() };
            if let Some(apply) = rest.effects.operator(operator, weight, &rest.places) {
                alone.items.insert(0, Item::Chosen(alone.chosen.len()));
                alone.chosen.push(apply);
            }
            let state = from.as_ref().expect("the last part takes it").state();
            let from =
                if part < last { From::Shared(state, None) } else { from.take().expect("as said") };
            self.finish(alone, from, threads, walked)?;
        }
        Ok(())
    }

    /// Reads these places, and goes on with what is left of the state.
    fn part_read<'p>(
        &self,
        alone: Alone<'p>,
        places: usize,
        from: From<'_, 't, T>,
        threads: &'t Threads,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        let drawn = match from {
            From::Shared(state, Some(blocks)) => {
                self.drawn(&alone.paths, alone.n_read, |all| state.sample_in_blocks(blocks, all))?
            }
            _ => self.drawn(&alone.paths, alone.n_read, |all| from.state().sample_sorted(all))?,
        };
        let spread = |value: usize| {
            let places = bits(alone.places).enumerate();
            places.fold(0, |spread, (bit, place)| spread | (value >> bit & 1) << place)
        };
        let mut drawn: Vec<(usize, &Path)> =
            drawn.into_iter().map(|(value, path)| (spread(value) & places, path)).collect();
        if places == alone.places {
            let read =
                drawn.into_iter().map(|(value, path)| self.clbits(path, alone.known | value));
            lock(&walked.read).extend(read);
            self.cancel.did(Unit::Shots, alone.paths.len() as u64);
            self.done(from);
            return Ok(());
        }
        drawn.sort_unstable_by_key(|(value, path)| (*value, path.shot));
        let local = |place: usize| (alone.places & ((1 << place) - 1)).count_ones() as usize;
        let gathered =
            |mask: usize| bits(mask).fold(0, |local_mask, place| local_mask | 1 << local(place));
        for same in drawn.chunk_by(|a, b| a.0 == b.0) {
            let value = same[0].0;
            let state = from.state().part(gathered(places), gathered(value), threads)?;
            let rest = Alone {
                paths: same.iter().map(|(_, path)| *path).collect(),
                places: alone.places & !places,
                known: alone.known | value,
                n_read: alone.n_read + 1,
                ..alone.clone()
            };
            self.finish(rest, From::Owned(state), threads, walked)?;
        }
        self.done(from);
        Ok(())
    }

    fn owned(&self, from: From<'_, 't, T>, threads: &'t Threads) -> Result<State<'t, T>, Error> {
        match from {
            From::Owned(state) => Ok(state),
            From::Shared(state, _) if state.n_places() == self.plan.n_places => {
                self.copy(state, threads)
            }
            From::Shared(state, _) => state.copy(threads),
        }
    }

    fn done(&self, from: From<'_, 't, T>) {
        if let From::Owned(state) = from {
            self.give_back(state);
        }
    }
}
