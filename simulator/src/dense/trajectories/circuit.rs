//! A circuit in which all that is random is drawn ahead, cut into segments.

use std::ops::Range;

use super::{
    draw::{Error, What},
    layers::Steps,
};
use crate::{
    dense::{
        Apply, DenseOp, DenseProgram,
        apply::mask,
        channel::Effects,
        strings::{Masks, Passage},
    },
    program::Step as ProgramStep,
    stage::Plan,
};

/// Gates and channels, in an order that the program's allows.
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

impl Step {
    pub(super) fn gate(apply: Apply<f64>) -> Self {
        let passage = Passage::of(&apply);
        Self::Gate { apply, passage }
    }
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
    pub(super) mask: usize,
    /// What happens in none of these ways.
    pub(super) rest: Option<Rest>,
}

/// What the state has to be looked at for.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) effects: Effects,
    pub(super) places: Box<[usize]>,
    /// The probability that it does not come to this.
    pub(super) free: f64,
}

/// What may happen at a site.
#[derive(Debug)]
pub(super) enum Event {
    String(Masks),
    Other(Apply<f64>),
    /// One of the rest, the last of a site's ways.
    Rest,
}

impl Circuit {
    /// Of a program that has only gates, channels that mostly are mixtures of unitaries, and
    /// measurements at the end; `None` for any other.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub(in crate::dense) fn of(
        program: &DenseProgram<'_, f64>,
        plan: &Plan,
    ) -> Result<Option<Self>, crate::Error> {
        let mut steps = Steps::default();
        let mut sites = Vec::new();
        for step in &program.steps {
            plan.cancel.poll()?;
            match step {
                ProgramStep::Quantum(DenseOp::Apply(apply)) if apply.mask() == 0 => {}
                ProgramStep::Quantum(DenseOp::Apply(apply)) => steps.gate(apply, plan.pays()),
                ProgramStep::Quantum(DenseOp::Noise(noise)) => {
                    let Some((unitaries, rest)) = noise.unitaries() else { return Ok(None) };
                    let ways = unitaries.iter().map(|unitary| {
                        let event = match (&unitary.apply, unitary.string) {
                            (None, _) => Event::String([0, 0]),
                            (_, Some(masks)) => Event::String(masks),
                            (Some(apply), None) => Event::Other(apply.clone()),
                        };
                        (unitary.probability, event)
                    });
                    let mut ways: Vec<_> = ways.collect();
                    let free = ways.iter().map(|(probability, _)| probability).sum();
                    let is_quiet = matches!(ways[0].1, Event::String([0, 0]));
                    let places = noise.places();
                    let rest = rest.map(|effects| {
                        ways.push((1.0 - free, Event::Rest));
                        Rest { effects: effects.clone(), places: places.into(), free }
                    });
                    let total = if rest.is_some() { 1.0 } else { free };
                    steps.site(sites.len(), places);
                    let mask = mask(places);
                    sites.push(Site { at: 0, ways, total, is_quiet, mask, rest });
                }
                ProgramStep::Measure { .. } | ProgramStep::ReadoutError(_) => {}
                _ => return Ok(None),
            }
        }
        let is_other = |way: &(f64, Event)| !matches!(way.1, Event::String(_));
        let steps = steps.without_last_phases(|site| sites[site].ways.iter().any(is_other));
        let (steps, segments) = steps.in_segments(plan.n_places);
        for (at, step) in steps.iter().enumerate() {
            if let Step::Site(site) = step {
                sites[*site].at = at;
            }
        }
        Ok(Some(Self { steps, sites, segments }))
    }

    /// The unitaries of some steps with these errors, which stand in front of them or behind the
    /// last, in order.
    pub(super) fn run(&self, steps: Range<usize>, errors: &[Error]) -> Vec<Apply<f64>> {
        let mut errors = errors.iter().peekable();
        let mut run = Vec::new();
        for at in steps {
            while let Some(error) = errors.next_if(|error| error.at == at) {
                run.push(self.unitary(error));
            }
            if let Step::Gate { apply, .. } = &self.steps[at] {
                run.push(apply.clone());
            }
        }
        run.extend(errors.map(|error| self.unitary(error)));
        run
    }

    /// The gate of a step; `None` for a site.
    pub(super) fn gate(&self, step: usize) -> Option<&Apply<f64>> {
        match &self.steps[step] {
            Step::Gate { apply, .. } => Some(apply),
            Step::Site(_) => None,
        }
    }

    pub(super) fn unitary(&self, error: &Error) -> Apply<f64> {
        match error.what {
            What::String(masks) => Apply::of_string(masks),
            What::Other { site, way } => match &self.sites[site].ways[way].1 {
                Event::String(masks) => Apply::of_string(*masks),
                Event::Other(apply) => apply.clone(),
                Event::Rest => unreachable!("a rest is no unitary"),
            },
            What::Rest { .. } => unreachable!("runs end where the state has to be looked at"),
        }
    }

    /// The segment that a step belongs to.
    pub(super) fn segment_of(&self, step: usize) -> usize {
        self.segments.partition_point(|segment| segment.end <= step)
    }
}
