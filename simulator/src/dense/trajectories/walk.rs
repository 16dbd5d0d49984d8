//! The walk through the tree of shots: those with the same errors share a state.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ketch_interface::BitString;
use ketch_kernels::{Real, Threads};

use super::{
    circuit::Circuit,
    draw::{self, Path, What},
};
use crate::{
    Cancel, Error,
    dense::{Apply, State, ready::Ready},
    noise::{beyond, pick},
    progress::Unit,
    rng::uniform,
    run::{Measured, Register, SERIAL, misread},
    simulate::Work,
    stage::Plan,
};

/// What all shots of a run share.
pub(super) struct Walk<'w, 't, T: Real> {
    circuit: &'w Circuit,
    measured: &'w Measured<'w>,
    start: &'w State<'t, T>,
    /// The segments without errors.
    ready: Vec<Ready<T>>,
    plan: Plan,
    /// All threads.
    threads: &'t Threads,
    cancel: &'w Cancel,
    width: u32,
    seed: u64,
    /// States that nobody needs at the moment.
    spare: Mutex<Vec<State<'t, T>>>,
}

/// What one walk collects.
struct Walked<'p> {
    most_states: usize,
    /// What shots read, in any order.
    read: Mutex<Vec<(u64, BitString)>>,
    /// Shots for which there was no room: they start again, on their own.
    again: Mutex<Vec<Vec<&'p Path>>>,
}

/// Shots that had the same errors so far.
struct Group<'p, 't, T: Real> {
    state: State<'t, T>,
    /// In their order.
    paths: Vec<&'p Path>,
    /// The next step.
    at: usize,
    /// The errors that are in the state.
    done: usize,
}

/// Some shots of a group, and what is done to their state first.
type Part<'p, T> = (Option<Apply<T>>, Vec<&'p Path>);

impl<'w, 't, T: Real> Walk<'w, 't, T> {
    pub(super) fn new(
        work: Work<'t>,
        circuit: &'w Circuit,
        plan: Plan,
        measured: &'w Measured<'w>,
        start: &'w State<'t, T>,
    ) -> Self
    where
        't: 'w,
    {
        let Work { threads, options, cancel, .. } = work;
        let segments = circuit.segments.iter();
        let ready =
            segments.map(|steps| Ready::new(&circuit.run(steps.clone(), &[]), &plan)).collect();
        Self {
            circuit,
            measured,
            start,
            ready,
            plan,
            threads,
            cancel,
            width: work.circuit.n_clbits(),
            seed: options.seed,
            spare: Mutex::new(Vec::new()),
        }
    }

    /// How often a shot without errors goes over the state.
    pub(super) fn n_passes(&self) -> usize {
        self.ready.iter().map(Ready::n_passes).sum()
    }

    /// Branches are run side by side, each on one thread.
    pub(super) fn side_by_side(&self) -> bool {
        self.start.shots_side_by_side()
    }

    /// What sorted shots read, in any order. Each thread, or all together, may hold this many
    /// states beside two.
    pub(super) fn outcomes(
        &self,
        paths: &[Path],
        most_states: usize,
    ) -> Result<Vec<(u64, BitString)>, Error> {
        let again = Mutex::new(vec![paths.iter().collect()]);
        let walked = Walked { most_states, read: Mutex::new(Vec::new()), again };
        loop {
            let Some(paths) = lock(&walked.again).pop() else { break };
            let group = Group { state: self.copy(self.start)?, paths, at: 0, done: 0 };
            self.walk(group, 0, &walked)?;
        }
        Ok(walked.read.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a group to the end, and what leaves it on the way. The group of all shots is at
    /// depth 0.
    fn walk<'p>(
        &self,
        mut group: Group<'p, 't, T>,
        depth: usize,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        while group.at < self.circuit.steps.len() {
            let end = self.end_of_run(&group, depth);
            let done = group.done;
            let same = |a: &&Path, b: &&Path| a.errors_to(done, end) == b.errors_to(done, end);
            // They are sorted, so the first and the last show whether any differ.
            if !same(&group.paths[0], &group.paths[group.paths.len() - 1]) {
                let parts = group.paths.chunk_by(same).map(|part| (None, part.to_vec())).collect();
                self.part(&mut group, parts, depth, walked)?;
            }
            if let Some(site) = self.advance(&mut group, end)? {
                let parts = self.chosen(&group, site)?;
                self.part(&mut group, parts, depth, walked)?;
            }
        }
        self.read(&group, walked)?;
        lock(&self.spare).push(group.state);
        Ok(())
    }

    /// Where the group's next run ends if nothing stops it: behind the segment that it is in. On a
    /// large state, shots that nothing will part run to the end: that has fewer passes than the
    /// segments, which is more than it takes to plan it.
    fn end_of_run(&self, group: &Group<'_, 't, T>, depth: usize) -> usize {
        let Group { paths, at, .. } = group;
        // They are sorted.
        let are_same = || paths[0].errors == paths[paths.len() - 1].errors;
        match depth > 0 && !self.side_by_side() && are_same() {
            true => self.circuit.steps.len(),
            false => self.circuit.segments[self.circuit.segment_of(*at)].end,
        }
    }

    /// Keeps the largest part of a group, and runs the others to the end.
    fn part<'p>(
        &self,
        group: &mut Group<'p, 't, T>,
        mut parts: Vec<Part<'p, T>>,
        depth: usize,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        // The largest part takes over the state, so any other has at most half of the shots.
        let largest = (0..parts.len()).max_by_key(|&part| parts[part].1.len());
        let (apply, paths) = parts.swap_remove(largest.expect("a group has shots"));
        let branch = |part: usize| {
            let (apply, paths) = &parts[part];
            if depth + 1 > walked.most_states {
                lock(&walked.again).push(paths.clone());
                return Ok(());
            }
            let mut state = self.copy(&group.state)?;
            apply.iter().for_each(|apply| state.apply_unitary(apply));
            let part = Group { state, paths: paths.clone(), at: group.at, done: group.done };
            self.walk(part, depth + 1, walked)
        };
        if depth == 0 && self.side_by_side() {
            self.threads.map(parts.len(), branch).into_iter().collect::<Result<(), _>>()?;
        } else {
            (0..parts.len()).try_for_each(branch)?;
        }
        apply.iter().for_each(|apply| group.state.apply_unitary(apply));
        group.paths = paths;
        Ok(())
    }

    /// Runs the steps to `end`, with the errors that all shots of the group have there, or to
    /// where the state has to be looked at: to the site that is returned.
    fn advance(&self, group: &mut Group<'_, 't, T>, end: usize) -> Result<Option<usize>, Error> {
        let Group { state, paths, at, done } = group;
        let errors = paths[0].errors_to(*done, end);
        *done += errors.len();
        let (errors, end, site) = match errors {
            [errors @ .., draw::Error { at, what: What::Rest { site } }] => {
                (errors, *at, Some(*site))
            }
            errors => (errors, end, None),
        };
        let segment = self.circuit.segment_of(*at);
        if errors.is_empty() && self.circuit.segments[segment] == (*at..end) {
            self.ready[segment].run(state, self.cancel)?;
        } else {
            let run = self.circuit.run(*at..end, errors);
            Ready::new(&run, &self.plan).run(state, self.cancel)?;
        }
        *at = end;
        Ok(site)
    }

    /// The shots of a group by which of the rest of a site happens to them.
    fn chosen<'p>(
        &self,
        group: &Group<'p, 't, T>,
        number: usize,
    ) -> Result<Vec<Part<'p, T>>, Error> {
        let rest = self.circuit.sites[number].rest.as_ref().expect("one of the rest was drawn");
        let weights = rest.effects.weights(&group.state, &rest.places)?;
        let mut parts: Vec<(usize, Part<'p, T>)> = Vec::new();
        for path in &group.paths {
            let uniform = beyond(uniform(self.seed, path.shot, number as u64), rest.free);
            let (operator, weight) = pick(weights.iter().copied(), uniform);
            match parts.iter_mut().find(|(known, _)| *known == operator) {
                Some((_, (_, paths))) => paths.push(path),
                None => {
                    let apply = rest.effects.operator(operator, weight, &rest.places);
                    parts.push((operator, (apply.map(|apply| apply.cast()), vec![path])));
                }
            }
        }
        Ok(parts.into_iter().map(|(_, part)| part).collect())
    }

    /// What the shots of a group read at the end.
    fn read(&self, group: &Group<'_, 't, T>, walked: &Walked<'_>) -> Result<(), Error> {
        let site = self.circuit.sites.len() as u64;
        let mut drawn: Vec<(f64, &Path)> =
            group.paths.iter().map(|path| (uniform(self.seed, path.shot, site), *path)).collect();
        drawn.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let uniforms: Vec<f64> = drawn.iter().map(|(uniform, _)| *uniform).collect();
        let basis_states = group.state.sample_sorted(&uniforms)?;
        let read = drawn.iter().zip(basis_states).map(|((_, path), basis_state)| {
            let basis_state = basis_state ^ path.flips;
            let mut clbits = BitString::zeros(self.width);
            for (clbit, place) in &self.measured.bits {
                clbits.set(*clbit, place.is_some_and(|place| basis_state >> place & 1 == 1));
            }
            for (site, (bits, rows)) in (site + 1..).zip(&self.measured.readout_errors) {
                misread(&mut clbits, bits, rows, uniform(self.seed, path.shot, site));
            }
            (path.shot, clbits)
        });
        lock(&walked.read).extend(read);
        self.cancel.did(Unit::Shots, group.paths.len() as u64);
        Ok(())
    }

    fn copy(&self, of: &State<'t, T>) -> Result<State<'t, T>, Error> {
        let spare = lock(&self.spare).pop();
        match spare {
            Some(mut state) => {
                state.copy_from(of);
                Ok(state)
            }
            None => of.copy(if self.side_by_side() { &SERIAL } else { self.threads }),
        }
    }
}

/// What is locked is whole at any time.
fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
