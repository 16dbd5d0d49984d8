//! What a finished job answers: outcomes as a histogram or one by one, and a state vector.

use ketch_core::{BitString, Complex64};

use crate::{
    abi::result,
    answer::{Answer, Failure},
    ticket::Ticket,
};

/// Real and imaginary parts in turns.
pub(crate) fn amplitudes(state: &Answer) -> Vec<Complex64> {
    let mut reals = state.reals();
    let mut amplitudes = Vec::with_capacity(reals.len() / 2);
    while let (Some(re), Some(im)) = (reals.next(), reals.next()) {
        amplitudes.push(Complex64::new(re, im));
    }
    amplitudes
}

/// How often each outcome was seen: from the histogram, else from the single shots; `None` if the
/// device tells neither.
pub(crate) fn outcomes(ticket: &Ticket) -> Result<Option<Vec<(BitString, u64)>>, String> {
    let Some(keys) = texts(ticket, result::KEYS)? else {
        let Some(shots) = texts(ticket, result::SHOTS)? else { return Ok(None) };
        return shots.iter().map(|shot| Ok((parsed(shot)?, 1))).collect::<Result<_, _>>().map(Some);
    };
    let values = ticket.result(result::VALUES).map_err(|failure| told("the histogram", failure))?;
    let values = values.map(|answer| answer.numbers()).unwrap_or_default();
    if keys.len() != values.len() {
        let (keys, values) = (keys.len(), values.len());
        return Err(format!("the device tells {keys} outcomes and {values} counts"));
    }
    let pairs = keys.iter().zip(values).map(|(key, count)| Ok((parsed(key)?, count)));
    pairs.collect::<Result<_, _>>().map(Some)
}

fn told(what: &str, failure: Failure) -> String {
    format!("the device does not tell {what} of its job: {failure}")
}

/// Texts with commas between.
pub(crate) fn texts(ticket: &Ticket, which: i32) -> Result<Option<Vec<String>>, String> {
    let answer = ticket.result(which).map_err(|failure| told("the outcomes", failure))?;
    Ok(answer.map(|answer| {
        let text = answer.text();
        text.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }))
}

pub(crate) fn parsed(outcome: &str) -> Result<BitString, String> {
    outcome.trim().parse().map_err(|error| format!("the device tells an outcome: {error}"))
}
