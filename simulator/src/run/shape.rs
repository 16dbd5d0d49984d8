//! How the tree of shots is walked: in how many walks, with how many states.

use crate::{Options, memory};

/// Fewer shots than these are not worth a walk of their own.
const SHOTS_PER_WALK: u64 = 128;

/// Walks that are side by side at least, if there are as many shots: for as many threads.
const LEAST_WALKS: u64 = 8;

/// Walks for each thread where walks make no difference: so that threads end at about one time.
const WALKS_PER_THREAD: u64 = 4;

/// The most shots of a walk: bounds the memory for their outcomes.
const MOST_SHOTS_PER_WALK: u64 = 1 << 14;

/// What states take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// Each of them so many bytes.
    Fixed(u64),
    /// What they need, each of them so many bytes at most.
    Growing(u64),
}

/// How the tree is walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The shots of one walk. Depends on the shots only where how shots are put together may change
    /// the last digit of a probability: that must not depend on the threads.
    pub(crate) per_walk: u64,
    /// The most states of a walk beside the one that all walks start from; at least one.
    pub(crate) most_states: usize,
    /// The bytes that states which grow may take together, beside the one that each walk is at:
    /// the one that all walks start from, and those that wait.
    pub(crate) room: u64,
}

impl Shape {
    /// Walks for this many shots: several if they are side by side.
    pub(crate) fn new(shots: u64, side_by_side: bool, most_states: usize) -> Self {
        let walks = match side_by_side {
            true => (shots / SHOTS_PER_WALK).max(shots.min(LEAST_WALKS)).max(1),
            false => 1,
        };
        let per_walk = shots.div_ceil(walks).clamp(1, MOST_SHOTS_PER_WALK);
        Self { per_walk, most_states, room: u64::MAX }
    }

    /// Walks of shots that come out the same however they are put together: the fewer there are,
    /// the more the shots of each share.
    pub(super) fn of_few_walks(shots: u64, n_threads: u64, most_states: usize) -> Self {
        let per_walk = shots.div_ceil(WALKS_PER_THREAD * n_threads);
        let per_walk = per_walk.clamp(1, MOST_SHOTS_PER_WALK);
        Self { per_walk, most_states, room: u64::MAX }
    }
}

/// The most states that a walk needs.
pub(super) fn enough_states(options: &Options) -> usize {
    options.shots.max(1).ilog2() as usize + 2
}

/// The states that each walk may hold, if one for each walk takes this many bytes, and what else
/// there is so many.
pub(crate) fn most_states(options: &Options, bytes: u64, others: u64) -> usize {
    let wanted = enough_states(options);
    if options.max_memory.is_none() && u128::from(bytes) * wanted as u128 <= memory::SMALL {
        return wanted;
    }
    // Half of what there is: the rest is for outcomes, and for others.
    let allowed = memory::allowance(options.max_memory).saturating_sub(others) / 2 / bytes;
    wanted.min(usize::try_from(allowed).unwrap_or(usize::MAX)).max(1)
}
