//! What a run of unitaries is taken apart into.

use ketch_kernels::Interaction;

use crate::dense::apply::Apply;

/// One part of a run of unitaries. Parts that touch different places commute, and so do parts that
/// are diagonal on the places that they share.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A real 2x2 matrix on a place.
    Turn { place: usize, matrix: [[f64; 2]; 2] },
    /// A real matrix on two places that mixes 00 with 11 and 01 with 10; the first of a pair is
    /// the one whose `places[0]` is 0.
    PairTurn { places: [usize; 2], even: [[f64; 2]; 2], odd: [[f64; 2]; 2] },
    /// A phase where the place is 1.
    Phase { place: usize, angle: f64 },
    /// A phase where both places are 1.
    PairPhase { places: [usize; 2], angle: f64 },
    /// X on the target, everywhere or where the control is 1.
    Flip { target: usize, control: Option<usize> },
    /// The exchange of two places.
    Swap { places: [usize; 2] },
    /// A unitary on two places in factors.
    Interaction { places: [usize; 2], interaction: Box<Interaction> },
    /// Any other unitary, by the kernel that does it.
    Whole(Box<Apply<f64>>),
}

/// Which parts can share a pass through a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Turns,
    Phases,
    Flips,
    Whole,
}

/// The places that a part acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Touch {
    /// Those whose basis states it mixes or moves: they must be local to a tile.
    pub(super) moved: usize,
    /// Those whose basis states it only looks at.
    pub(super) read: usize,
}

impl Part {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Turn { .. } | Self::PairTurn { .. } => Kind::Turns,
            Self::Phase { .. } | Self::PairPhase { .. } => Kind::Phases,
            Self::Flip { .. } | Self::Swap { .. } => Kind::Flips,
            Self::Interaction { .. } | Self::Whole(_) => Kind::Whole,
        }
    }

    pub(super) fn touch(&self) -> Touch {
        let bits = |places: &[usize]| places.iter().fold(0, |mask, place| mask | 1 << place);
        match self {
            Self::Turn { place, .. } => Touch { moved: 1 << place, read: 0 },
            Self::PairTurn { places, .. }
            | Self::Swap { places }
            | Self::Interaction { places, .. } => Touch { moved: bits(places), read: 0 },
            Self::Phase { place, .. } => Touch { moved: 0, read: 1 << place },
            Self::PairPhase { places, .. } => Touch { moved: 0, read: bits(places) },
            Self::Flip { target, control } => {
                Touch { moved: 1 << target, read: control.map_or(0, |control| 1 << control) }
            }
            Self::Whole(apply) => {
                let moved = apply.moved();
                Touch { moved, read: apply.mask() & !moved }
            }
        }
    }
}

impl Part {
    /// The same on other places.
    pub(super) fn mapped(self, to: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::Turn { place, matrix } => Self::Turn { place: to(place), matrix },
            Self::PairTurn { places, even, odd } => {
                Self::PairTurn { places: places.map(to), even, odd }
            }
            Self::Phase { place, angle } => Self::Phase { place: to(place), angle },
            Self::PairPhase { places, angle } => Self::PairPhase { places: places.map(to), angle },
            Self::Flip { target, control } => {
                Self::Flip { target: to(target), control: control.map(to) }
            }
            Self::Swap { places } => Self::Swap { places: places.map(to) },
            Self::Interaction { places, interaction } => {
                Self::Interaction { places: places.map(to), interaction }
            }
            Self::Whole(apply) => Self::Whole(Box::new(apply.mapped(to))),
        }
    }
}

/// What must stay in order behind parts that were put off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blocked {
    moved: usize,
    read: usize,
}

impl Blocked {
    /// Whether a part may overtake all that was put off.
    pub(super) fn lets_pass(self, touch: Touch) -> bool {
        touch.moved & (self.moved | self.read) == 0 && touch.read & self.moved == 0
    }

    /// Whether no part may overtake that moves any of these places.
    pub(super) fn covers(self, places: usize) -> bool {
        places & !(self.moved | self.read) == 0
    }

    /// Puts a part off.
    pub(super) fn add(&mut self, touch: Touch) {
        self.moved |= touch.moved;
        self.read |= touch.read;
    }
}
