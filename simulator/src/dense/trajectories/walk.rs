//! The walk through the tree of shots: those with the same errors share a state.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ketch_interface::BitString;
use ketch_kernels::{Real, Threads};

use super::{
    alone::{Alone, From},
    circuit::Circuit,
    draw::{self, Path, What},
};
use crate::{
    Cancel, Error,
    dense::{Apply, State, ready::Ready},
    noise::{beyond, pick},
    progress::Unit,
    rng::uniform,
    run::{Measured, Register, SERIAL, misread, most_states},
    simulate::Work,
    stage::Plan,
};

/// Shots that look at their state more often than this do not run on their own to the end: each
/// look is a call within the last one.
const MOST_LOOKS: usize = 64;

/// Weighing one place to leave at takes about as long as running the same gates on so many
/// amplitudes, as a power of 2.
const TRY: u32 = 7;

/// What all shots of a run share.
pub(super) struct Walk<'w, 't, T: Real> {
    pub(super) circuit: &'w Circuit,
    measured: &'w Measured<'w>,
    pub(super) start: &'w State<'t, T>,
    /// The segments without errors.
    pub(super) ready: Vec<Ready<T>>,
    pub(super) plan: Plan,
    /// All threads.
    pub(super) threads: &'t Threads,
    pub(super) cancel: &'w Cancel,
    width: u32,
    pub(super) seed: u64,
    /// There is memory for each thread to run a state of its own, also where states are large.
    pub(super) has_room: bool,
    /// States that nobody needs at the moment.
    spare: Mutex<Vec<State<'t, T>>>,
}

/// What one walk collects.
pub(super) struct Walked<'p> {
    pub(super) most_states: usize,
    /// What shots read, in any order.
    pub(super) read: Mutex<Vec<(u64, BitString)>>,
    /// Shots for which there was no room, and the step at which they parted from others: they start
    /// again, on their own.
    again: Mutex<Vec<(Vec<&'p Path>, usize)>>,
}

/// Shots that had the same errors so far.
pub(super) struct Group<'p, 't, T: Real> {
    pub(super) state: State<'t, T>,
    /// In their order.
    pub(super) paths: Vec<&'p Path>,
    /// The next step.
    pub(super) at: usize,
    /// The errors that are in the state.
    pub(super) done: usize,
    /// The step at which the shots parted from others. One that starts again gets there as it did
    /// with those, so that it reads the same.
    pub(super) parted: usize,
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
        // What is left of a state that was read in part may be half of it, then a quarter.
        let bytes = 2 * threads.count() as u64 * size_of_val(start.amplitudes()) as u64;
        let has_room = most_states(options, bytes, 0) > 1;
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
            has_room,
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
        let again = Mutex::new(Vec::new());
        let walked = Walked { most_states, read: Mutex::new(Vec::new()), again };
        if self.leave_late(paths) {
            self.trunk(paths, &walked)?;
        } else {
            lock(&walked.again).push((paths.iter().collect(), 0));
        }
        loop {
            let Some((paths, parted)) = lock(&walked.again).pop() else { break };
            let state = self.copy(self.start, self.branch_threads())?;
            self.walk(Group { state, paths, at: 0, done: 0, parted }, 0, &walked)?;
        }
        Ok(walked.read.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether finding out where each of these shots best leaves the others is little beside running
    /// them: it tries the end of each segment, and weighs what is left once more for each look.
    fn leave_late(&self, paths: &[Path]) -> bool {
        let looks = paths.iter().map(Path::n_looks);
        let (most, all) = looks.fold((0, 0), |(most, all), looks| (looks.max(most), all + looks));
        let tries = self.circuit.segments.len() * (1 + all.div_ceil(paths.len().max(1)));
        let is_little = tries << TRY <= 1_usize << self.plan.n_places;
        self.plan.pays() && most <= MOST_LOOKS && is_little
    }

    /// Runs a group to the end, and what leaves it on the way. The group of all shots is at
    /// depth 0.
    pub(super) fn walk<'p>(
        &self,
        mut group: Group<'p, 't, T>,
        depth: usize,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        while group.at < self.circuit.steps.len() {
            let is_alone = self.plan.pays() && group.parted <= group.at && are_same(&group.paths);
            if is_alone && goes_alone(group.paths[0], group.paths.len()) {
                let Group { state, paths, at, done, .. } = group;
                let items = self.circuit.late(paths[0], done, at, at);
                let alone = Alone::new(paths, items, self.plan.n_places);
                return self.finish(alone, From::Owned(state), self.branch_threads(), walked);
            }
            let end = self.circuit.segments[self.circuit.segment_of(group.at)].end;
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
        self.give_back(group.state);
        Ok(())
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
                lock(&walked.again).push((paths.clone(), group.at));
                return Ok(());
            }
            let mut state = self.copy(&group.state, self.branch_threads())?;
            apply.iter().for_each(|apply| state.apply_unitary(apply));
            let Group { at, done, .. } = *group;
            let part = Group { state, paths: paths.clone(), at, done, parted: at };
            self.walk(part, depth + 1, walked)
        };
        if depth == 0 && self.side_by_side() {
            self.threads.map(parts.len(), branch).into_iter().collect::<Result<(), _>>()?;
        } else {
            (0..parts.len()).try_for_each(branch)?;
        }
        apply.iter().for_each(|apply| group.state.apply_unitary(apply));
        group.paths = paths;
        group.parted = group.parted.max(group.at);
        Ok(())
    }

    /// Runs the steps to `end`, with the errors that all shots of the group have there, or to
    /// where the state has to be looked at: to the site that is returned.
    fn advance(&self, group: &mut Group<'_, 't, T>, end: usize) -> Result<Option<usize>, Error> {
        let Group { state, paths, at, done, .. } = group;
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
    pub(super) fn read(&self, group: &Group<'_, 't, T>, walked: &Walked<'_>) -> Result<(), Error> {
        let drawn = self.drawn(&group.paths, 0, |all| group.state.sample_sorted(all))?;
        let read = drawn.into_iter().map(|(value, path)| self.clbits(path, value));
        lock(&walked.read).extend(read);
        self.cancel.did(Unit::Shots, group.paths.len() as u64);
        Ok(())
    }

    /// The basis states that shots draw in this reading of their state, where `sample` tells those
    /// that ascending random numbers fall on.
    pub(super) fn drawn<'p>(
        &self,
        paths: &[&'p Path],
        reading: u64,
        sample: impl FnOnce(&[f64]) -> Result<Vec<usize>, Error>,
    ) -> Result<Vec<(usize, &'p Path)>, Error> {
        // The numbers between belong to readout errors.
        let number = match reading {
            0 => self.first_reading(),
            later => self.first_reading() + self.measured.readout_errors.len() as u64 + later,
        };
        let mut drawn: Vec<(f64, &Path)> =
            paths.iter().map(|path| (uniform(self.seed, path.shot, number), *path)).collect();
        drawn.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let uniforms: Vec<f64> = drawn.iter().map(|(uniform, _)| *uniform).collect();
        let basis_states = sample(&uniforms)?;
        Ok(basis_states.into_iter().zip(drawn.into_iter().map(|(_, path)| path)).collect())
    }

    /// What a shot reads whose state is found to be this basis state.
    pub(super) fn clbits(&self, path: &Path, basis_state: usize) -> (u64, BitString) {
        let basis_state = basis_state ^ path.flips;
        let mut clbits = BitString::zeros(self.width);
        for (clbit, place) in &self.measured.bits {
            clbits.set(*clbit, place.is_some_and(|place| basis_state >> place & 1 == 1));
        }
        let sites = self.first_reading() + 1..;
        for (site, (bits, rows)) in sites.zip(&self.measured.readout_errors) {
            misread(&mut clbits, bits, rows, uniform(self.seed, path.shot, site));
        }
        (path.shot, clbits)
    }

    /// The random number of the first reading of a state: those before belong to sites.
    fn first_reading(&self) -> u64 {
        self.circuit.sites.len() as u64
    }

    /// The threads that one branch may use.
    pub(super) fn branch_threads(&self) -> &'t Threads {
        if self.side_by_side() { &SERIAL } else { self.threads }
    }

    /// A copy of a state of all places that works with these threads.
    pub(super) fn copy(
        &self,
        of: &State<'_, T>,
        threads: &'t Threads,
    ) -> Result<State<'t, T>, Error> {
        let mut kept = lock(&self.spare);
        let of_these = kept.iter().rposition(|state| std::ptr::eq(state.threads, threads));
        let spare = of_these.map(|at| kept.swap_remove(at));
        drop(kept);
        match spare {
            Some(mut state) => {
                state.copy_from(of);
                Ok(state)
            }
            None => of.copy(threads),
        }
    }

    /// Keeps a state that nobody needs any more.
    pub(super) fn give_back(&self, state: State<'t, T>) {
        if state.n_places() == self.plan.n_places {
            lock(&self.spare).push(state);
        }
    }
}

/// Whether so many shots with the same errors may go on by themselves. They part at looks, each part
/// but the largest with a copy of the state: one at a time, if none of these parts again.
pub(super) fn goes_alone(path: &Path, shots: usize) -> bool {
    match path.n_looks() {
        0 | 1 => true,
        looks => looks <= MOST_LOOKS && shots < 4,
    }
}

/// Whether sorted shots have the same errors to their end.
fn are_same(paths: &[&Path]) -> bool {
    paths[0].errors == paths[paths.len() - 1].errors
}

/// What is locked is whole at any time.
pub(super) fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
