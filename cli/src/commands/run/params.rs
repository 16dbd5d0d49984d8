//! Numbers for the parameters of circuits.

use clap::Args;
use ketch::{Qobj, nearest, qobj::Program};

use super::values::{self, Numbers};
use crate::failure::Failure;

/// Where the numbers come from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ParamArgs {
    /// A number for a parameter of the circuit, such as theta=pi/2; or those of a JSON file, an
    /// object of names and numbers. What comes later wins
    #[arg(short, long = "param", value_name = "NAME=VALUE|@FILE", value_parser = values::numbers,
          allow_hyphen_values = true)]
    params: Vec<Numbers>,
}

impl ParamArgs {
    pub(crate) fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// The numbers, in the order in which they are given.
    pub(crate) fn numbers(&self) -> Vec<(String, f64)> {
        self.params.iter().flat_map(|numbers| numbers.0.iter().cloned()).collect()
    }

    /// Gives the parameters of every circuit their numbers; `inputs` have got theirs already. A
    /// name must be known to some circuit; a number in the document is replaced.
    ///
    /// # Errors
    /// If no circuit knows a name, or a parameter is left without a number.
    pub(crate) fn bind(&self, qobj: &mut Qobj, inputs: &[String]) -> Result<(), Failure> {
        let numbers: Vec<(String, f64)> =
            self.numbers().into_iter().filter(|(name, _)| !inputs.contains(name)).collect();
        let Program::Circuits { circuits, experiments } = &mut qobj.program else { return Ok(()) };
        let known = || circuits.iter().flat_map(|circuit| circuit.parameters()).map(String::as_str);
        if let Some((name, _)) = numbers.iter().find(|(name, _)| !known().any(|one| one == name)) {
            let failure = Failure::new("parameter.unknown", format!("no parameter `{name}`"));
            return Err(match nearest(name, known()) {
                Some(nearest) => failure.with_hint(format!("did you mean `{nearest}`?")),
                None if known().next().is_none() => {
                    failure.with_hint("the circuit has no parameters")
                }
                None => {
                    let known: Vec<&str> = known().collect();
                    failure.with_hint(format!("there are: {}", known.join(", ")))
                }
            });
        }
        for experiment in experiments {
            let parameters = circuits[experiment.circuit].parameters();
            let given = |name: &String| numbers.iter().rev().find(|(one, _)| one == name);
            let bound: Vec<Option<f64>> = parameters
                .iter()
                .enumerate()
                .map(|(place, name)| {
                    let own = experiment.bindings.get(place).copied();
                    given(name).map(|(_, number)| *number).or(own)
                })
                .collect();
            let missing: Vec<&str> = parameters
                .iter()
                .zip(&bound)
                .filter_map(|(name, number)| number.is_none().then_some(name.as_str()))
                .collect();
            if !missing.is_empty() {
                let message = format!("no numbers for the parameters {}", missing.join(", "));
                let hint = format!("-p {}=0.5 gives one", missing[0]);
                return Err(Failure::new("parameter.missing", message).with_hint(hint));
            }
            experiment.bindings = bound.into_iter().flatten().collect();
        }
        Ok(())
    }
}
