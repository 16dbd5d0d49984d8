//! Expectation values and standard errors from the result of a plan.

use ketch_interface::{
    RunResult,
    result::{Data, ExperimentResult},
};
use serde_json::Map;

use super::{
    EstimatorOptions, EstimatorPub,
    asked::Asked,
    group::{Budget, Grouped},
    means::{Estimate, estimates},
    noise,
    plan::key,
};
use crate::{Error, EstimatorPubResult, NdArray, PrimitiveResult, PubError, Result};

/// The values of these pubs, from the result of what was [planned](super::plan()) for them.
///
/// The same result gives the same values: the noise of a precision above 0 is drawn from the seeds
/// in the result, or if there are none from the seed of the options or the job's id, for each
/// experiment anew.
///
/// # Errors
/// An experiment that failed, with the reason, or a result that is not that of these pubs.
pub fn collect(
    pubs: &[EstimatorPub],
    options: &EstimatorOptions,
    result: &RunResult,
) -> Result<PrimitiveResult<EstimatorPubResult>> {
    // For experiments of backends that tell no seeds. Other jobs have other noise.
    let seed = options.seed.unwrap_or_else(|| noise::seed_of(&result.job_id));
    let mut budget = Budget::default();
    let mut left = Left { all: &result.experiments, next: 0 };
    let mut collected = Vec::with_capacity(pubs.len());
    for (index, one) in pubs.iter().enumerate() {
        let in_pub = Error::of_pub(index);
        let asked = Asked::new(one, options).map_err(&in_pub)?;
        let first = left.first()?;
        if !first.success {
            left.take().map_err(&in_pub)?;
        }
        let of_pub = match first.data.contains_key(&key(0)) {
            true => by_expectation_values(&asked, seed, &mut left, &in_pub)?,
            false => by_measurement(&asked, &mut left, &mut budget, &in_pub)?,
        };
        collected.push(of_pub);
    }
    if left.next != result.experiments.len() {
        let (found, expected) = (result.experiments.len(), left.next);
        return Err(Error::OtherResult { found, expected });
    }
    Ok(PrimitiveResult::new(collected))
}

/// The experiments that nobody has looked at yet.
struct Left<'r> {
    all: &'r [ExperimentResult],
    next: usize,
}

impl<'r> Left<'r> {
    fn first(&self) -> Result<&'r ExperimentResult> {
        let (found, expected) = (self.all.len(), self.next + 1);
        self.all.get(self.next).ok_or(Error::OtherResult { found, expected })
    }

    /// The next experiment and its number, if it succeeded.
    fn take(&mut self) -> Result<(usize, &'r ExperimentResult), PubError> {
        let experiment = self.next;
        let result = self.all.get(experiment).ok_or(PubError::NoExperiment { experiment })?;
        self.next += 1;
        if !result.success {
            return Err(PubError::Failed { experiment, status: result.status.clone() });
        }
        Ok((experiment, result))
    }
}

fn by_expectation_values(
    asked: &Asked<'_>,
    seed: u64,
    left: &mut Left<'_>,
    in_pub: &dyn Fn(PubError) -> Error,
) -> Result<EstimatorPubResult> {
    let precision = asked.precision;
    let mut found = Vec::with_capacity(asked.bundle_of.len());
    for bundle in &asked.bundle_of {
        let (experiment, result) = left.take().map_err(in_pub)?;
        let seed = result.seed.unwrap_or(seed);
        let value = |place: usize| match result.data.get(&key(place)) {
            Some(Data::Number(number)) => {
                let noise = precision * noise::normal(seed, experiment as u64, place as u64);
                Ok(Estimate { value: number + noise, variance: precision * precision })
            }
            _ => {
                let what = format!("expectation value `{}`", key(place));
                Err(in_pub(PubError::Lacks { experiment, what }))
            }
        };
        let values: Result<Vec<Estimate>> = (0..asked.bundles[*bundle].len()).map(value).collect();
        found.push(values?);
    }
    Ok(pub_result(asked, &found, "expectation_values", None))
}

fn by_measurement(
    asked: &Asked<'_>,
    left: &mut Left<'_>,
    budget: &mut Budget,
    in_pub: &dyn Fn(PubError) -> Error,
) -> Result<EstimatorPubResult> {
    let grouped = |bundle| Grouped::new(asked.observables(bundle), budget);
    let all: Result<Vec<Grouped<'_>>, PubError> = (0..asked.bundles.len()).map(grouped).collect();
    let all = all.map_err(in_pub)?;
    let mut found = Vec::with_capacity(asked.bundle_of.len());
    let mut shots = None;
    for bundle in &asked.bundle_of {
        let grouped = &all[*bundle];
        let constant = |&(value, _): &(f64, _)| Estimate { value, variance: 0.0 };
        let mut values: Vec<Estimate> = grouped.sums.iter().map(constant).collect();
        for group in &grouped.groups {
            let (experiment, result) = left.take().map_err(in_pub)?;
            let Some(counts) = &result.counts else {
                let what = "counts".to_owned();
                return Err(in_pub(PubError::Lacks { experiment, what }));
            };
            let first_bit = asked.of.circuit.n_clbits();
            let expected = u64::from(first_bit) + group.basis.len() as u64;
            let widths = counts.iter().map(|(outcome, _)| u64::from(outcome.width()));
            if let Some(found) = { widths }.find(|width| *width != expected) {
                let what = "clbits";
                return Err(in_pub(PubError::Differs { experiment, what, found, expected }));
            }
            let (ran, expected) = (counts.total(), *shots.get_or_insert(counts.total()));
            if ran != expected || ran == 0 {
                let (found, what) = (ran, "shots");
                return Err(in_pub(PubError::Differs { experiment, what, found, expected }));
            }
            for (value, part) in values.iter_mut().zip(estimates(grouped, group, counts, first_bit))
            {
                value.value += part.value;
                value.variance += part.variance;
            }
        }
        found.push(values);
    }
    Ok(pub_result(asked, &found, "measurement", shots))
}

fn pub_result(
    asked: &Asked<'_>,
    found: &[Vec<Estimate>],
    by: &str,
    shots: Option<u64>,
) -> EstimatorPubResult {
    let all = asked.spread(found);
    let array = |of: &dyn Fn(&Estimate) -> f64| {
        NdArray::of(asked.shape.clone(), all.iter().map(of).collect())
    };
    let stds = array(&|estimate| estimate.variance.sqrt());
    let mut metadata = Map::new();
    metadata.insert("target_precision".to_owned(), asked.precision.into());
    metadata.insert("by".to_owned(), by.into());
    if let Some(shots) = shots {
        metadata.insert("shots".to_owned(), shots.into());
    }
    EstimatorPubResult {
        evs: array(&|estimate| estimate.value),
        ensemble_standard_error: stds.clone(),
        stds,
        metadata,
    }
}
