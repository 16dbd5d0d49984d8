//! The walk through the tree of shots: those with the same errors share a state.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ketch_interface::BitString;
use ketch_kernels::{Real, Threads};

use super::{circuit::Circuit, draw::Path};
use crate::{
    Cancel, Error,
    dense::{State, ready::Ready},
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
    again: Mutex<Vec<&'p [Path]>>,
}

/// Shots that had the same errors so far.
struct Group<'p, 't, T: Real> {
    state: State<'t, T>,
    paths: &'p [Path],
    /// The next segment.
    segment: usize,
    /// The errors that are in the state.
    done: usize,
}

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
        let segments = 0..circuit.segments.len();
        let ready = segments
            .map(|segment| Ready::new(&circuit.run(segment..segment + 1, &[]), &plan))
            .collect();
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
        let walked =
            Walked { most_states, read: Mutex::new(Vec::new()), again: Mutex::new(vec![paths]) };
        loop {
            let Some(paths) = lock(&walked.again).pop() else { break };
            let group = Group { state: self.copy(self.start)?, paths, segment: 0, done: 0 };
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
        while group.segment < self.ready.len() {
            let end = self.circuit.segments[group.segment].end;
            let done = group.done;
            let mut parts: Vec<&[Path]> = group
                .paths
                .chunk_by(|a, b| a.errors_to(done, end) == b.errors_to(done, end))
                .collect();
            // The largest part takes over the state, so any other has at most half of the shots.
            let largest = (0..parts.len()).max_by_key(|&part| parts[part].len());
            let last = parts.swap_remove(largest.expect("a group has shots"));
            let branch = |part: usize| self.branch(&group, parts[part], depth + 1, walked);
            if depth == 0 && self.side_by_side() {
                self.threads.map(parts.len(), branch).into_iter().collect::<Result<(), _>>()?;
            } else {
                (0..parts.len()).try_for_each(branch)?;
            }
            group.paths = last;
            self.advance(&mut group)?;
        }
        self.read(&group, walked)?;
        lock(&self.spare).push(group.state);
        Ok(())
    }

    /// Runs a part of a group to the end.
    fn branch<'p>(
        &self,
        group: &Group<'p, 't, T>,
        paths: &'p [Path],
        depth: usize,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        if depth > walked.most_states {
            lock(&walked.again).push(paths);
            return Ok(());
        }
        let state = self.copy(&group.state)?;
        let mut part = Group { state, paths, segment: group.segment, done: group.done };
        if !self.side_by_side() && paths[0].errors == paths[paths.len() - 1].errors {
            // They are sorted, so nothing will part them. On a large state, one run to the end has
            // fewer passes than its segments, which is more than it takes to plan it.
            let errors = &paths[0].errors[part.done..];
            let rest = part.segment..self.ready.len();
            Ready::new(&self.circuit.run(rest, errors), &self.plan)
                .run(&mut part.state, self.cancel)?;
            part.segment = self.ready.len();
        } else {
            self.advance(&mut part)?;
        }
        self.walk(part, depth, walked)
    }

    /// Runs a segment with the errors that all shots of the group have there.
    fn advance(&self, group: &mut Group<'_, 't, T>) -> Result<(), Error> {
        let Group { state, paths, segment, done } = group;
        let errors = paths[0].errors_to(*done, self.circuit.segments[*segment].end);
        if errors.is_empty() {
            self.ready[*segment].run(state, self.cancel)?;
        } else {
            let run = self.circuit.run(*segment..*segment + 1, errors);
            Ready::new(&run, &self.plan).run(state, self.cancel)?;
        }
        *segment += 1;
        *done += errors.len();
        Ok(())
    }

    /// What the shots of a group read at the end.
    fn read(&self, group: &Group<'_, 't, T>, walked: &Walked<'_>) -> Result<(), Error> {
        let site = self.circuit.sites.len() as u64;
        let mut drawn: Vec<(f64, &Path)> =
            group.paths.iter().map(|path| (uniform(self.seed, path.shot, site), path)).collect();
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
