//! The order of parts: stages whose parts move few places, layers of parts that share a pass.

use super::part::{Blocked, Kind, Part, Touch};
use crate::dense::apply::bits;

/// What can be done while one tile after the other is in the cache.
#[derive(Debug)]
pub(super) enum Stage {
    /// Parts that move only places of the mask `local`.
    Tiles { local: usize, layers: Vec<Layer> },
    /// A part that moves more places than a tile has.
    Whole(Part),
}

/// Parts of one kind, in order.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) kind: Kind,
    pub(super) parts: Vec<Part>,
}

/// The size of the state and of its tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) n_places: usize,
    /// The places of a tile: two more than are in every tile, or all.
    pub(super) n_local: usize,
    /// The lowest places are in every tile, so that tiles are read in runs.
    pub(super) n_low: usize,
}

/// The places that can be mixed in one passage of a tile through the registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// These, as a mask: the lowest.
    pub(super) lanes: usize,
    /// And as many others.
    pub(super) n_slots: usize,
}

/// How many parts are passed over in search of one: bounds the time of planning.
const WINDOW: usize = 2048;

/// Puts parts into stages, keeping the order of those that do not commute.
pub(super) fn stages(parts: Vec<Part>, shape: Shape, reach: Reach) -> Vec<Stage> {
    let mut queue = Queue::new(parts, reach);
    let mut stages = Vec::new();
    while let Some(first) = queue.first() {
        let low = ones(shape.n_low);
        if (queue.touches[first].moved | low).count_ones() as usize > shape.n_local {
            stages.push(Stage::Whole(queue.remove(queue.root(), first)));
            continue;
        }
        let local = queue.choose_local(shape);
        let mut layers = Vec::new();
        while let Some(layer) = queue.layer(local) {
            layers.push(layer);
        }
        if layers.is_empty() {
            // Phases that only a part waits for that no tile can hold.
            layers.push(Layer { kind: Kind::Phases, parts: queue.take(Kind::Phases, local) });
        }
        stages.push(Stage::Tiles { local, layers });
    }
    stages
}

/// Parts that are left, in order: a list of indices.
struct Queue {
    parts: Vec<Option<Part>>,
    touches: Vec<Touch>,
    kinds: Vec<Kind>,
    /// The next part that is left; the last entry is for the first part.
    next: Vec<usize>,
    /// Parts that are left other than phases.
    n_moving: usize,
    reach: Reach,
}

impl Queue {
    fn new(parts: Vec<Part>, reach: Reach) -> Self {
        let touches: Vec<Touch> = parts.iter().map(Part::touch).collect();
        let kinds: Vec<Kind> = parts.iter().map(Part::kind).collect();
        let mut next: Vec<usize> = (1..=parts.len()).collect();
        next.push(0);
        let n_moving = kinds.iter().filter(|kind| **kind != Kind::Phases).count();
        let parts = parts.into_iter().map(Some).collect();
        Self { parts, touches, kinds, next, n_moving, reach }
    }

    /// What stands in front of the first part.
    fn root(&self) -> usize {
        self.parts.len()
    }

    fn first(&self) -> Option<usize> {
        self.behind(self.root())
    }

    fn behind(&self, at: usize) -> Option<usize> {
        Some(self.next[at]).filter(|&next| next < self.parts.len())
    }

    /// Takes out the part `at`, which stands behind `before`.
    fn remove(&mut self, before: usize, at: usize) -> Part {
        self.next[before] = self.next[at];
        self.n_moving -= usize::from(self.kinds[at] != Kind::Phases);
        self.parts[at].take().expect("a part that is left")
    }

    /// The next layer of a stage; `None` if it is over.
    fn layer(&mut self, local: usize) -> Option<Layer> {
        let turns = self.find(Kind::Turns, local);
        let round = self.round(local);
        // Where phases stand between turns, those between few places go with them.
        let n_turns =
            |found: &[usize]| found.iter().filter(|at| self.kinds[**at] == Kind::Turns).count();
        let more = n_turns(&round) > turns.len();
        let turns = if more { round } else { turns };
        if !turns.is_empty() {
            return Some(Layer { kind: Kind::Turns, parts: self.remove_all(&turns) });
        }
        // Phases wait for the next stage unless something here waits for them.
        if self.n_moving == 0 || self.waits_for_phases(local) {
            let phases = self.take(Kind::Phases, local);
            if !phases.is_empty() {
                return Some(Layer { kind: Kind::Phases, parts: phases });
            }
        }
        [Kind::Flips, Kind::Whole].into_iter().find_map(|kind| {
            let parts = self.take(kind, local);
            (!parts.is_empty()).then_some(Layer { kind, parts })
        })
    }

    /// Takes all parts of a kind that may be done now and move only local places.
    fn take(&mut self, kind: Kind, local: usize) -> Vec<Part> {
        let found = self.find(kind, local);
        self.remove_all(&found)
    }

    /// Finds all parts of a kind that may be done now and move only local places.
    fn find(&self, kind: Kind, local: usize) -> Vec<usize> {
        let needs = match kind {
            Kind::Turns | Kind::Flips => local,
            Kind::Phases | Kind::Whole => usize::MAX,
        };
        self.find_all(needs, |at, touch| self.kinds[at] == kind && touch.moved & !local == 0)
    }

    /// Finds turns on places that fit into one passage through the registers, and the phases
    /// between those places that stand between the turns.
    fn round(&self, local: usize) -> Vec<usize> {
        let Reach { lanes, n_slots } = self.reach;
        let (mut places, mut n_phases) = (lanes & local, 0);
        // As if all phases could be done at once.
        self.find_all(local, |at, touch| match self.kinds[at] {
            Kind::Phases => {
                n_phases += 1;
                n_phases <= WINDOW
            }
            Kind::Turns => {
                let with = places | touch.moved;
                let fits =
                    touch.moved & !local == 0 && (with & !lanes).count_ones() as usize <= n_slots;
                places = if fits { with } else { places };
                fits
            }
            _ => false,
        });
        let mut found = self.find_all(places, |at, touch| {
            matches!(self.kinds[at], Kind::Turns | Kind::Phases)
                && (touch.moved | touch.read) & !places == 0
        });
        let is_turn = |at: &usize| self.kinds[*at] == Kind::Turns;
        found.truncate(found.iter().rposition(is_turn).map_or(0, |last| last + 1));
        found
    }

    /// Finds the parts that fit and that none which does not stands in front of. Each wanted one
    /// moves one of the places `needs`: when all of those are taken, nothing more is looked for.
    fn find_all(&self, needs: usize, mut fits: impl FnMut(usize, Touch) -> bool) -> Vec<usize> {
        let (mut blocked, mut skipped, mut found) = (Blocked::default(), 0, Vec::new());
        let mut before = self.root();
        while let Some(at) = self.behind(before)
            && skipped < WINDOW
            && !blocked.covers(needs)
        {
            let touch = self.touches[at];
            if blocked.lets_pass(touch) && fits(at, touch) {
                found.push(at);
            } else {
                blocked.add(touch);
                skipped += 1;
            }
            before = at;
        }
        found
    }

    /// Takes out parts, in order.
    fn remove_all(&mut self, found: &[usize]) -> Vec<Part> {
        let mut before = self.root();
        let mut taken = Vec::with_capacity(found.len());
        for &at in found {
            while self.next[before] != at {
                before = self.next[before];
            }
            taken.push(self.remove(before, at));
        }
        taken
    }

    /// Whether a part of another kind could be done here once all phases are done that may be.
    fn waits_for_phases(&self, local: usize) -> bool {
        let (mut blocked, mut at) = (Blocked::default(), self.root());
        for _ in 0..WINDOW {
            let Some(next) = self.behind(at) else { break };
            let touch = self.touches[next];
            let passes = blocked.lets_pass(touch) && touch.moved & !local == 0;
            if passes && self.kinds[next] != Kind::Phases {
                return true;
            }
            if !passes {
                blocked.add(touch);
            }
            at = next;
        }
        false
    }

    /// The local places of the next stage: those of the first parts, or the run of places with
    /// which more can be done.
    fn choose_local(&self, shape: Shape) -> usize {
        if shape.n_local >= shape.n_places {
            return ones(shape.n_places);
        }
        let n_free = shape.n_local - shape.n_low;
        let windows = (shape.n_low..=shape.n_places - n_free)
            .map(|from| (ones(n_free) << from) | ones(shape.n_low));
        let (mut best, mut local) = self.reach(ones(shape.n_low), shape);
        for window in windows {
            let (reach, window) = self.reach(window, shape);
            if reach > best {
                (best, local) = (reach, window);
            }
        }
        // Places that nothing needs fill up the tile, the lowest first.
        for place in 0..shape.n_places {
            if local.count_ones() as usize == shape.n_local {
                break;
            }
            local |= 1 << place;
        }
        local
    }

    /// How many parts can be done that move something, if places are added to the local ones as
    /// they come, and the local places then.
    fn reach(&self, local: usize, shape: Shape) -> (usize, usize) {
        let (mut blocked, mut at, mut local) = (Blocked::default(), self.root(), local);
        let (mut reach, mut skipped) = (0, 0);
        while let Some(next) = self.behind(at)
            && skipped < WINDOW
        {
            let touch = self.touches[next];
            let with = local | touch.moved;
            if blocked.lets_pass(touch) && with.count_ones() as usize <= shape.n_local {
                local = with;
                reach += usize::from(touch.moved != 0);
            } else {
                blocked.add(touch);
                skipped += 1;
            }
            at = next;
        }
        (reach, local)
    }
}

/// A mask of the lowest `n` places.
pub(super) fn ones(n: usize) -> usize {
    1_usize.checked_shl(n as u32).map_or(usize::MAX, |bit| bit - 1)
}

/// The places of a mask, in ascending order.
pub(super) fn places(mask: usize) -> Vec<usize> {
    bits(mask).collect()
}
