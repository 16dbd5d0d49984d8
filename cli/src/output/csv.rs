//! Results as comma-separated values (RFC 4180): counts, or else what was saved.

use std::io::{self, Write};

use ketch::{
    BitString, RunResult,
    result::{Data, ExperimentResult},
};

/// Writes the counts of every experiment. Where no experiment has any, writes the first array of
/// each. False, and nothing but the heading written, if there is neither.
pub(crate) fn write(out: &mut dyn Write, result: &RunResult) -> io::Result<bool> {
    if result.experiments.iter().any(|experiment| experiment.counts.is_some()) {
        write_counts(out, result)?;
        return Ok(true);
    }
    let arrays: Vec<(&ExperimentResult, &str, &Data)> = result
        .experiments
        .iter()
        .filter_map(|experiment| {
            let (key, data) = experiment.data.iter().find(|(_, data)| is_tabular(data))?;
            Some((experiment, key.as_str(), data))
        })
        .collect();
    writeln!(out, "experiment,key,row,column,re,im")?;
    for (experiment, key, data) in &arrays {
        write_data(out, &field(&experiment.name), &field(key), data)?;
    }
    Ok(!arrays.is_empty())
}

fn is_tabular(data: &Data) -> bool {
    matches!(data, Data::Number(_)) || super::npy::is_array(data)
}

fn write_counts(out: &mut dyn Write, result: &RunResult) -> io::Result<()> {
    writeln!(out, "experiment,outcome,count,probability")?;
    for experiment in &result.experiments {
        let Some(counts) = &experiment.counts else { continue };
        let (name, total) = (field(&experiment.name), counts.total().max(1) as f64);
        for (outcome, count) in counts.labelled() {
            writeln!(out, "{name},{outcome},{count},{}", count as f64 / total)?;
        }
    }
    Ok(())
}

/// Rows and columns are basis states, qubit 0 rightmost; what has one axis only leaves the column
/// empty, and a real number its imaginary part.
fn write_data(out: &mut dyn Write, name: &str, key: &str, data: &Data) -> io::Result<()> {
    let label = |dim: usize, index: usize| BitString::from_u64(dim.ilog2(), index as u64);
    match data {
        Data::Number(number) => writeln!(out, "{name},{key},,,{number},"),
        Data::Reals(numbers) => numbers.iter().enumerate().try_for_each(|(index, number)| {
            writeln!(out, "{name},{key},{},,{number},", label(numbers.len(), index))
        }),
        Data::Vector(amplitudes) => {
            amplitudes.iter().enumerate().try_for_each(|(index, amplitude)| {
                let row = label(amplitudes.len(), index);
                writeln!(out, "{name},{key},{row},,{},{}", amplitude.re, amplitude.im)
            })
        }
        Data::Matrix { dim, entries } => entries.iter().enumerate().try_for_each(|(i, entry)| {
            let (row, column) = (label(*dim, i / dim), label(*dim, i % dim));
            writeln!(out, "{name},{key},{row},{column},{},{}", entry.re, entry.im)
        }),
        _ => Ok(()),
    }
}

/// A field, in quotes where it needs them.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use ketch::Complex64;

    use super::*;
    use crate::output::counts::tests::bell;

    fn check(experiment: ExperimentResult, any: bool, expected: &str) {
        let result = RunResult { experiments: vec![experiment], ..RunResult::default() };
        let mut text = Vec::new();
        assert_eq!(write(&mut text, &result).unwrap(), any);
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn counts_come_first() {
        let expected = "\
experiment,outcome,count,probability
\"a,\"\"b\"\"\",00,510,0.498046875
\"a,\"\"b\"\"\",11,514,0.501953125
";
        check(ExperimentResult { name: "a,\"b\"".to_owned(), ..bell() }, true, expected);
    }

    #[test]
    fn a_state_is_written_where_nothing_was_counted() {
        let mut experiment = ExperimentResult { name: "s".to_owned(), ..Default::default() };
        let state = vec![Complex64::ONE, Complex64::new(0.0, -0.5)];
        experiment.data.insert("statevector".to_owned(), Data::Vector(state.into()));
        let expected = "\
experiment,key,row,column,re,im
s,statevector,0,,1,0
s,statevector,1,,0,-0.5
";
        check(experiment, true, expected);
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        check(ExperimentResult::default(), false, "experiment,key,row,column,re,im\n");
    }
}
