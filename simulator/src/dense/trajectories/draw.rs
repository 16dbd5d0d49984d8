//! What goes wrong in a shot.

use super::circuit::{Circuit, Event, Step};
use crate::{dense::strings::Masks, noise::pick, rng::uniform};

/// A shot and what is left of its errors.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) shot: u64,
    /// In the order of the steps.
    pub(super) errors: Vec<Error>,
    /// The places whose value is the opposite of what the state says.
    pub(super) flips: usize,
}

/// An error that changes the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Error {
    /// The step that it stands in front of.
    pub(super) at: usize,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    String(Masks),
    /// One of the ways of a site.
    Other {
        site: usize,
        way: usize,
    },
    /// One of the rest of a site: the state decides, with the shot's random number.
    Rest {
        site: usize,
    },
}

impl Path {
    /// How often the state decides what happens.
    pub(super) fn n_looks(&self) -> usize {
        self.errors.iter().filter(|error| matches!(error.what, What::Rest { .. })).count()
    }

    /// Those that go on together stand together, whatever step they have got to: the next error of
    /// a path comes before the end of another.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.ended().cmp(other.ended()).then(self.shot.cmp(&other.shot))
    }

    /// The errors, and an end that is behind all errors.
    fn ended(&self) -> impl Iterator<Item = &Error> {
        const END: Error = Error { at: usize::MAX, what: What::String([0, 0]) };
        self.errors.iter().chain([&END])
    }

    /// The errors that stand in front of steps before `end`, without the first `done`; no further
    /// than to the first for which the state has to be looked at.
    pub(super) fn errors_to(&self, done: usize, end: usize) -> &[Error] {
        let left = &self.errors[done..];
        let left = &left[..left.partition_point(|error| error.at < end)];
        let looks = left.iter().position(|error| matches!(error.what, What::Rest { .. }));
        &left[..looks.map_or(left.len(), |at| at + 1)]
    }
}

impl Circuit {
    /// Draws a shot: site `i` has its random number `i`.
    pub(super) fn draw(&self, seed: u64, shot: u64) -> Path {
        let mut drawn = Vec::new();
        for (number, site) in (0..).zip(&self.sites) {
            let uniform = uniform(seed, shot, number);
            // The likeliest way, mostly; probabilities sum to 1 up to rounding.
            if uniform * site.total < site.ways[0].0 && site.is_quiet {
                continue;
            }
            let (way, _) = pick(site.ways.iter().map(|(weight, _)| *weight), uniform);
            drawn.push((site.at, number as usize, way));
        }
        drawn.sort_unstable();
        let (errors, flips) = self.moved(&drawn);
        Path { shot, errors, flips }
    }

    /// What is left of the ways of some sites, in the order of their steps, if strings are moved
    /// towards the end: errors, and the places that are flipped there.
    fn moved(&self, drawn: &[(usize, usize, usize)]) -> (Vec<Error>, usize) {
        let mut errors = Vec::new();
        let [mut x, mut z] = [0, 0];
        let mut drawn = drawn.iter().peekable();
        let mut at = 0;
        while at < self.steps.len() {
            if x | z == 0 {
                match drawn.peek() {
                    Some((next, ..)) => at = *next,
                    None => break,
                }
            }
            match &self.steps[at] {
                Step::Gate { passage, .. } if (x | z) & passage.mask() != 0 => {
                    let mask = passage.mask();
                    let string = [x & mask, z & mask];
                    let through = passage.through(string).unwrap_or_else(|| {
                        errors.push(Error { at, what: What::String(string) });
                        [0, 0]
                    });
                    [x, z] = [x & !mask | through[0], z & !mask | through[1]];
                }
                Step::Gate { .. } => {}
                Step::Site(_) => {
                    if let Some(&(_, site, way)) = drawn.next_if(|drawn| drawn.0 == at) {
                        match &self.sites[site].ways[way].1 {
                            Event::String(masks) => [x, z] = [x ^ masks[0], z ^ masks[1]],
                            event => {
                                let mask = self.sites[site].mask;
                                let string = [x & mask, z & mask];
                                if string != [0, 0] {
                                    errors.push(Error { at, what: What::String(string) });
                                    [x, z] = [x & !mask, z & !mask];
                                }
                                let what = match event {
                                    Event::Rest => What::Rest { site },
                                    _ => What::Other { site, way },
                                };
                                errors.push(Error { at, what });
                            }
                        }
                    }
                }
            }
            at += 1;
        }
        (errors, x)
    }
}
