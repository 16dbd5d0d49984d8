//! A circuit in which all that is random is drawn ahead, cut into segments.

use std::ops::Range;

use super::draw::{Error, What};
use crate::{
    dense::{
        Apply, DenseOp, DenseProgram,
        apply::{bits, mask},
        strings::{Masks, Passage},
    },
    program::Step as ProgramStep,
};

/// A segment has at least so many gates for each place, if there are as many: an error costs its
/// segment once more, and each end of a segment cuts through gates that would be merged.
const GATES_PER_PLACE: usize = 2;

/// Gates and channels, in an order that the program's allows: by layers of gates on two places and
/// more.
#[derive(Debug)]
pub(in crate::dense) struct Circuit {
    pub(super) steps: Vec<Step>,
    pub(super) sites: Vec<Site>,
    /// The steps of each segment.
    pub(super) segments: Vec<Range<usize>>,
}

#[derive(Debug)]
pub(super) enum Step {
    Gate {
        apply: Apply<f64>,
        passage: Passage,
    },
    /// The site of this number.
    Site(usize),
}

/// Where something may go wrong.
#[derive(Debug)]
pub(super) struct Site {
    /// Its step.
    pub(super) at: usize,
    /// What may happen and how likely it is, the likeliest first.
    pub(super) ways: Vec<(f64, Event)>,
    /// The sum of all probabilities: 1 up to rounding.
    pub(super) total: f64,
    /// Nothing happens in the likeliest way.
    pub(super) is_quiet: bool,
    pub(super) places: usize,
}

/// What may happen at a site.
#[derive(Debug)]
pub(super) enum Event {
    String(Masks),
    Other(Apply<f64>),
}

impl Circuit {
    /// Of a program that has only gates, mixtures of unitaries, and what follows measurements;
    /// `None` for any other.
    pub(in crate::dense) fn of(program: &DenseProgram<'_, f64>) -> Option<Self> {
        let mut layered = Layered { depths: vec![0; program.layout.n_places()], steps: Vec::new() };
        let mut sites = Vec::new();
        for step in &program.steps {
            match step {
                ProgramStep::Quantum(DenseOp::Apply(apply)) if apply.mask() == 0 => {}
                ProgramStep::Quantum(DenseOp::Apply(apply)) => {
                    let gate = Step::Gate { apply: apply.clone(), passage: Passage::of(apply) };
                    let deeper = apply.mask().count_ones() > 1;
                    layered.push(gate, apply.mask(), deeper);
                }
                ProgramStep::Quantum(DenseOp::Noise(noise)) => {
                    let ways = noise.unitaries()?.iter().map(|unitary| {
                        let event = match (&unitary.apply, unitary.string) {
                            (None, _) => Event::String([0, 0]),
                            (_, Some(masks)) => Event::String(masks),
                            (Some(apply), None) => Event::Other(apply.clone()),
                        };
                        (unitary.probability, event)
                    });
                    let places = mask(noise.places());
                    let ways: Vec<_> = ways.collect();
                    let total = ways.iter().map(|(probability, _)| probability).sum();
                    let is_quiet = matches!(ways[0].1, Event::String([0, 0]));
                    layered.push(Step::Site(sites.len()), places, false);
                    sites.push(Site { at: 0, ways, total, is_quiet, places });
                }
                ProgramStep::Measure { .. } | ProgramStep::ReadoutError(_) => {}
                _ => return None,
            }
        }
        let (steps, segments) = layered.segments();
        for (at, step) in steps.iter().enumerate() {
            if let Step::Site(site) = step {
                sites[*site].at = at;
            }
        }
        Some(Self { steps, sites, segments })
    }

    /// The unitaries of a segment with these errors of it, in order.
    pub(super) fn run(&self, segment: usize, errors: &[Error]) -> Vec<Apply<f64>> {
        let mut errors = errors.iter().peekable();
        let mut run = Vec::new();
        for at in self.segments[segment].clone() {
            while let Some(error) = errors.next_if(|error| error.at == at) {
                run.push(match error.what {
                    What::String(masks) => Apply::of_string(masks),
                    What::Other { site, way } => match &self.sites[site].ways[way].1 {
                        Event::String(masks) => Apply::of_string(*masks),
                        Event::Other(apply) => apply.clone(),
                    },
                });
            }
            if let Step::Gate { apply, .. } = &self.steps[at] {
                run.push(apply.clone());
            }
        }
        run
    }
}

/// Steps with the layer that each belongs to.
struct Layered {
    /// The layer that each place has got to.
    depths: Vec<usize>,
    steps: Vec<(usize, Step)>,
}

impl Layered {
    fn push(&mut self, step: Step, places: usize, deeper: bool) {
        let depth = bits(places).map(|place| self.depths[place]).max().unwrap_or(0);
        let depth = depth + usize::from(deeper);
        bits(places).for_each(|place| self.depths[place] = depth);
        self.steps.push((depth, step));
    }

    /// The steps layer by layer, and the segments of several layers each.
    fn segments(mut self) -> (Vec<Step>, Vec<Range<usize>>) {
        // Of two steps on a place, the later is not in a lower layer, and so stays behind.
        self.steps.sort_by_key(|(depth, _)| *depth);
        let least = GATES_PER_PLACE * self.depths.len();
        let (mut segments, mut start, mut n_gates) = (Vec::new(), 0, 0);
        for (at, (depth, step)) in self.steps.iter().enumerate() {
            if n_gates >= least && self.steps[at - 1].0 != *depth {
                segments.push(start..at);
                (start, n_gates) = (at, 0);
            }
            n_gates += usize::from(matches!(step, Step::Gate { .. }));
        }
        segments.push(start..self.steps.len());
        (self.steps.into_iter().map(|(_, step)| step).collect(), segments)
    }
}
