//! The trunk of the tree of shots: the state in which nothing went wrong, and when shots leave it.

use ketch_kernels::{Real, Threads};

use super::{
    alone::{Alone, From},
    draw::Path,
    walk::{Group, Walk, Walked, goes_alone},
};
use crate::{Error, dense::State, run::SERIAL};

/// Shots that leave together go on together if they have more than so many different errors
/// later: fewer take less one by one.
const FEW: usize = 4;

impl<'t, T: Real> Walk<'_, 't, T> {
    /// Runs sorted shots, those with errors from the latest state that does for them.
    pub(super) fn trunk<'p>(&self, paths: &'p [Path], walked: &Walked<'p>) -> Result<(), Error> {
        let circuit = self.circuit;
        let mut state = self.copy(self.start, self.threads)?;
        let mut left = paths;
        // Shots that leave before each segment, and behind the last.
        let mut leaving: Vec<Vec<Alone<'_>>> = vec![Vec::new(); circuit.segments.len() + 1];
        for (number, segment) in circuit.segments.iter().enumerate() {
            let is_wrong = |path: &Path| path.errors.first().is_some_and(|e| e.at < segment.end);
            let (wrong, right) = left.split_at(left.partition_point(is_wrong));
            left = right;
            let (mut together, mut kinds) = (Vec::new(), Vec::new());
            let same =
                |a: &Path, b: &Path| a.errors_to(0, segment.end) == b.errors_to(0, segment.end);
            for part in wrong.chunk_by(same) {
                let all = part.chunk_by(|a, b| a.errors == b.errors);
                let together_only = |kind: &[Path]| !goes_alone(&kind[0], kind.len());
                match all.clone().count() > FEW || all.clone().any(together_only) {
                    true => together.push(part.iter().collect()),
                    false => kinds.extend(all.map(|kind| kind.iter().collect::<Vec<_>>())),
                }
            }
            let latest = |kind: usize| {
                self.cancel.poll()?;
                Ok(circuit.latest(&kinds[kind], 0, segment.start, self.plan.n_places))
            };
            let latest: Vec<Result<_, Error>> = self.threads.map(kinds.len(), latest);
            for (kind, latest) in kinds.into_iter().zip(latest) {
                let (from, items) = latest?;
                let at = circuit.segments.partition_point(|segment| segment.start < from);
                leaving[at].push(Alone::new(kind, items, self.plan.n_places));
            }
            self.leave(std::mem::take(&mut leaving[number]), &state, walked)?;
            self.branches(together, &state, segment.start, walked)?;
            if left.is_empty() && leaving.iter().all(Vec::is_empty) {
                return Ok(());
            }
            self.ready[number].run(&mut state, self.cancel)?;
        }
        let last = leaving.pop().expect("there is an end");
        self.leave(last, &state, walked)?;
        if !left.is_empty() {
            let (paths, at) = (left.iter().collect(), circuit.steps.len());
            self.read(&Group { state, paths, at, done: 0, parted: 0 }, walked)?;
        }
        Ok(())
    }

    /// Reads shots that leave the trunk, which is in this state.
    fn leave<'p>(
        &self,
        leaving: Vec<Alone<'p>>,
        state: &State<'t, T>,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        if leaving.is_empty() {
            return Ok(());
        }
        let blocks = state.block_weights();
        let finish = |alone: Alone<'p>, threads: &'t Threads| {
            self.finish(alone, From::Shared(state, Some(&blocks)), threads, walked)
        };
        if !self.has_room && !self.side_by_side() {
            return leaving.into_iter().try_for_each(|alone| finish(alone, self.threads));
        }
        let finished = self.threads.map(leaving.len(), |at| finish(leaving[at].clone(), &SERIAL));
        finished.into_iter().collect()
    }

    /// Runs shots that leave the trunk at a step, many together.
    fn branches<'p>(
        &self,
        together: Vec<Vec<&'p Path>>,
        state: &State<'t, T>,
        at: usize,
        walked: &Walked<'p>,
    ) -> Result<(), Error> {
        let branch = |paths: Vec<&'p Path>| {
            let state = self.copy(state, self.branch_threads())?;
            self.walk(Group { state, paths, at, done: 0, parted: at }, 1, walked)
        };
        if self.side_by_side() {
            let walked = self.threads.map(together.len(), |part| branch(together[part].clone()));
            return walked.into_iter().collect();
        }
        together.into_iter().try_for_each(branch)
    }
}
