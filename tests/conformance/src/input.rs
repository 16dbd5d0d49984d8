//! Checks of input that nobody should send: whatever it is, there is an answer, it is no panic, and
//! what comes afterwards runs as before.

use std::time::{Duration, UNIX_EPOCH};

use ketch_core::{Backend, Circuit, Error, Qobj, RunOptions, qobj::Program};
use serde_json::{Value, json};

use crate::{
    Gates, Outcome,
    report::{Check, require},
    results::{LONG, measured, mostly, shots},
};

/// What is called large here: a header, a name, an option.
const MEGABYTE: usize = 1 << 20;

/// A long circuit.
const MANY_GATES: usize = 100_000;

/// The provider itself broke, or the way to it.
pub(crate) fn is_broken(error: &Error) -> bool {
    let code = error.code();
    code == "provider.panicked" || code.starts_with("plugin.") || code == "job.timeout"
}

/// A refusal, a failed job and a result are answers; a panic, a death or no answer at all are not.
/// Then something ordinary must still run.
fn is_answered(backend: &dyn Backend, qobj: Qobj, options: RunOptions) -> Check {
    let answer = backend.run(qobj, options).and_then(|job| job.result(Some(LONG)));
    if let Err(error) = answer {
        require!(!is_broken(&error), "{error} ({})", error.code());
        require!(!error.to_string().is_empty(), "the refusal has no words");
    }
    let circuit = Gates::of(backend)?.one("afterwards")?;
    // So many that noise does not outvote the rest by chance.
    let qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, 100)?);
    let job = measured(backend.run(qobj, RunOptions::default()))?;
    mostly(job.result(Some(LONG))?.experiment(0)?, "01")
}

/// A small good Qobj, to be spoilt.
fn good(backend: &dyn Backend) -> Result<Qobj, Outcome> {
    Ok(Qobj::from_circuit(Gates::of(backend)?.one("odd")?).with_shots(shots(backend, 10)?))
}

/// Checks that spoil a good Qobj or the options of its run, one each.
macro_rules! odd {
    ($($(#[$doc:meta])* $name:ident |$backend:ident, $qobj:ident, $options:ident| $spoil:block)*) => {
        $($(#[$doc])*
        pub fn $name(backend: &dyn Backend) -> Check {
            #[allow(unused_variables, reason = "each check spoils one of them")]
            fn spoil(
                $backend: &dyn Backend,
                $qobj: &mut Qobj,
                $options: &mut RunOptions,
            ) -> Check {
                $spoil
                Ok(())
            }
            let (mut qobj, mut options) = (good(backend)?, RunOptions::default());
            spoil(backend, &mut qobj, &mut options)?;
            // The default may be more than the backend runs, which would be all that it says.
            qobj.config.shots.get_or_insert(shots(backend, 10)?);
            is_answered(backend, qobj, options)
        })*
    };
}

odd! {
    /// No experiment at all.
    no_experiments |backend, qobj, options| {
        if let Program::Circuits { experiments, .. } = &mut qobj.program {
            experiments.clear();
        }
    }

    /// An experiment of a circuit that there is not.
    a_circuit_that_there_is_not |backend, qobj, options| {
        qobj.experiments_mut()[0].circuit = usize::MAX >> 1;
    }

    /// A circuit without instructions.
    a_circuit_without_instructions |backend, qobj, options| {
        *qobj = Qobj::from_circuit(Circuit::new(1, 1).named("empty"));
    }

    /// A circuit without qubits and clbits.
    a_circuit_without_qubits |backend, qobj, options| {
        *qobj = Qobj::from_circuit(Circuit::new(0, 0).named("nothing"));
    }

    /// A circuit that measures nothing.
    a_circuit_without_clbits |backend, qobj, options| {
        let gates = Gates::of(backend)?;
        let circuit = Circuit::new(gates.circuit("").n_qubits(), 0).named("unread");
        *qobj = Qobj::from_circuit(gates.x(circuit, gates.first)?);
    }

    /// More numbers than the circuit has parameters.
    too_many_bindings |backend, qobj, options| {
        qobj.experiments_mut()[0].bindings = vec![0.5; 1000];
    }

    /// A parameter without a number.
    too_few_bindings |backend, qobj, options| {
        let gates = Gates::of(backend)?;
        *qobj = Qobj::from_circuit(gates.rotation(gates.circuit("unbound"), "angle")?);
    }

    /// An angle that is no number.
    an_angle_that_is_no_number |backend, qobj, options| {
        let gates = Gates::of(backend)?;
        *qobj = Qobj::from_circuit(gates.rotation(gates.circuit("nan"), "angle")?);
        qobj.experiments_mut()[0].bindings = vec![f64::NAN];
    }

    /// An angle that is not finite.
    an_infinite_angle |backend, qobj, options| {
        let gates = Gates::of(backend)?;
        *qobj = Qobj::from_circuit(gates.rotation(gates.circuit("infinite"), "angle")?);
        qobj.experiments_mut()[0].bindings = vec![f64::INFINITY];
    }

    /// An angle so large that its sine means nothing.
    a_huge_angle |backend, qobj, options| {
        let gates = Gates::of(backend)?;
        *qobj = Qobj::from_circuit(gates.measure(gates.rotation(gates.circuit("huge"), "angle")?));
        qobj.experiments_mut()[0].bindings = vec![1e300];
    }

    /// No shots.
    no_shots |backend, qobj, options| {
        qobj.config.shots = Some(0);
    }

    /// More shots than anybody can count.
    endless_shots |backend, qobj, options| {
        if backend.configuration()?.max_shots.is_none() {
            return Err(Outcome::not_applicable("it has no limit of shots"));
        }
        qobj.config.shots = Some(u64::MAX);
    }

    /// The largest seed.
    the_largest_seed |backend, qobj, options| {
        qobj.config.seed = Some(u64::MAX);
    }

    /// A header of a megabyte.
    a_large_header |backend, qobj, options| {
        qobj.header.insert("large".to_owned(), Value::String("h".repeat(MEGABYTE)));
    }

    /// A header of lists within lists.
    a_deep_header |backend, qobj, options| {
        let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
        qobj.header.insert("deep".to_owned(), deep);
    }

    /// A name of a megabyte.
    a_large_name |backend, qobj, options| {
        let name = "n".repeat(MEGABYTE);
        *qobj = Qobj::from_circuit(Gates::of(backend)?.one(&name)?).with_shots(shots(backend, 10)?);
    }

    /// An option that a program forgot to give a value.
    an_option_without_a_value |backend, qobj, options| {
        qobj.config.options.insert("method".to_owned(), Value::Null);
    }

    /// An option of another kind than it is.
    an_option_of_another_kind |backend, qobj, options| {
        qobj.config.options.insert("method".to_owned(), json!({"a": [7]}));
    }

    /// An option whose value is a megabyte.
    a_large_option |backend, qobj, options| {
        qobj.config.options.insert("method".to_owned(), json!("m".repeat(MEGABYTE)));
    }

    /// A hundred thousand gates.
    a_long_circuit |backend, qobj, options| {
        let gates = Gates::of(backend)?;
        let mut circuit = gates.circuit("long");
        for _ in 0..MANY_GATES {
            circuit = gates.x(circuit, gates.first)?;
        }
        *qobj = Qobj::from_circuit(gates.measure(circuit)).with_shots(1);
    }

    /// No thread to work with.
    no_threads |backend, qobj, options| {
        options.threads = Some(0);
    }

    /// More threads than any machine has.
    endless_threads |backend, qobj, options| {
        options.threads = Some(u32::MAX);
    }

    /// No memory to work in.
    no_memory |backend, qobj, options| {
        options.memory = Some(0);
    }

    /// A deadline that is long over.
    a_deadline_in_the_past |backend, qobj, options| {
        options.deadline = Some(UNIX_EPOCH + Duration::from_secs(1));
    }

    /// A key of strange characters.
    a_strange_job_key |backend, qobj, options| {
        options.job_key = Some("../\0\u{1b}[2J 量".to_owned());
    }

    /// A thousand tags.
    a_thousand_tags |backend, qobj, options| {
        options.tags = (0..1000).map(|number| format!("tag {number}")).collect();
    }
}

/// An id that is empty, long or strange is no job's. Not applicable where none is retrieved.
pub fn strange_job_ids_are_refused(backend: &dyn Backend) -> Check {
    for id in [String::new(), "i".repeat(MEGABYTE), "../../x\0'; --".to_owned()] {
        match backend.retrieve_job(&id) {
            Err(Error::JobNotFound { .. }) => {}
            Err(Error::NotSupported { .. }) => {
                return Err(Outcome::not_applicable("it does not retrieve jobs"));
            }
            Err(error) => {
                require!(false, "expected job.not_found, found {}: {error}", error.code());
            }
            Ok(job) => require!(false, "found a job `{}`", job.job_id()),
        }
    }
    Ok(())
}
