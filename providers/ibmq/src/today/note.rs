//! What the service does not need and its results lack, in a comment at the end of each program.
//!
//! The service gives the programs of a job back to whoever finds it again, in whichever process and
//! on whichever machine; with their notes its result is the one that the submitter gets.

use std::ops::Range;

use ketch_core::circuit::Register;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::service::{Plan, Planned};

/// All registers of a circuit have at most this many bits together.
const MAX_WIDTH: u32 = 1 << 20;

/// What is noted once for a program, each of its experiments' results holds for itself: all of a
/// job together may take so many bytes. Otherwise a small comment could stand for more than there
/// is memory.
const MAX_REPEATED: usize = 1 << 28;

/// The beginning of the comment.
const MARK: &str = "// ketch ";

/// What is noted of the experiments that a program stands for.
#[derive(Serialize, Deserialize)]
struct Note {
    /// With the first program: the Qobj's id and header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qobj: Option<(String, Map<String, Value>)>,
    /// The name and the size in the circuit.
    registers: Vec<(String, u32)>,
    /// The names in the program.
    sent_as: Vec<String>,
    experiments: Vec<Noted>,
}

#[derive(Serialize, Deserialize)]
struct Noted {
    name: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    header: Map<String, Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    memory: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Note {
    /// The bytes of what each experiment holds for itself, in all of them.
    fn repeated(&self) -> usize {
        let registers = self.registers.iter().map(|(name, _)| size_of::<Register>() + name.len());
        let sent_as = self.sent_as.iter().map(|name| size_of::<String>() + name.len());
        registers.chain(sent_as).sum::<usize>().saturating_mul(self.experiments.len())
    }
}

/// The comment for a program that stands for these experiments of the plan, as a line.
pub(super) fn written(plan: &Plan, experiments: Range<usize>) -> String {
    let qobj = (experiments.start == 0).then(|| (plan.qobj_id.clone(), plan.header.clone()));
    let experiments = &plan.experiments[experiments];
    let first = &experiments[0];
    let noted = |planned: &Planned| {
        let Planned { name, header, memory, seed, .. } = planned.clone();
        Noted { name, header, memory, seed }
    };
    let note = Note {
        qobj,
        registers: first.registers.iter().map(|r| (r.name.clone(), r.size)).collect(),
        sent_as: first.sent_as.clone(),
        experiments: experiments.iter().map(noted).collect(),
    };
    let text = serde_json::to_string(&note).expect("its keys are texts");
    format!("{MARK}{}\n", in_ascii(&text))
}

/// The plan of a job that was sent with such notes; `None` if somebody else sent it, or nobody could
/// have because of its size.
pub(super) fn read(params: &Value) -> Option<Plan> {
    let (mut plan, mut repeated) = (Plan::default(), 0_usize);
    for one in params.get("pubs")?.as_array()? {
        let line = one.get(0)?.as_str()?.trim_end().lines().next_back()?;
        let note: Note = serde_json::from_str(line.strip_prefix(MARK)?).ok()?;
        repeated = note.repeated().checked_add(repeated).filter(|all| *all <= MAX_REPEATED)?;
        if let Some((id, header)) = note.qobj {
            (plan.qobj_id, plan.header) = (id, header);
        }
        let (mut registers, mut start) = (Vec::new(), 0_u32);
        for (name, size) in note.registers {
            registers.push(Register::new(name, start, size));
            start = start.checked_add(size).filter(|end| *end <= MAX_WIDTH)?;
        }
        plan.programs.push(note.experiments.len());
        plan.experiments.extend(note.experiments.into_iter().map(|noted| Planned {
            name: noted.name,
            header: noted.header,
            seed: noted.seed,
            memory: noted.memory,
            registers: registers.clone(),
            sent_as: note.sent_as.clone(),
        }));
    }
    plan.programs.iter().all(|places| *places > 0).then_some(plan)
}

/// JSON in which nothing but ASCII stands: who else reads the program need not agree on what else
/// ends a line.
fn in_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' => text.push(c),
            _ => {
                let units = c.encode_utf16(&mut [0; 2]).to_vec();
                text.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use ketch_core::{Circuit, Qobj, qobj::Program};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_noted_is_read_again() {
        let mut circuit = Circuit::new(2, 0).named("Zoë\u{2028} 量子\u{1F600}\n// ketch");
        circuit.add_creg("measure", 2);
        let mut qobj = Qobj::from_circuits(vec![circuit.measure(0, 1), Circuit::new(1, 1)]);
        qobj.qobj_id = "a \\ b".to_owned();
        qobj.header.insert("deep".to_owned(), json!([[{"a": null}]]));
        if let Program::Circuits { experiments, .. } = &mut qobj.program {
            experiments.insert(1, experiments[0].clone());
            experiments[1].config.memory = Some(true);
            experiments[1].header.insert("name".to_owned(), "twin".into());
        }
        assert_eq!(Plan::of(&qobj, false).programs, [1, 1, 1]);
        let plan = Plan::of(&qobj, true);
        assert_eq!(plan.programs, [2, 1]);
        let pubs = [0..2, 2..3].map(|experiments| {
            let note = written(&plan, experiments);
            assert!(note.is_ascii() && note.lines().count() == 1, "{note}");
            json!([format!("OPENQASM 3.0;\n{note}"), null, 10])
        });
        assert_eq!(read(&json!({ "pubs": pubs })), Some(plan));
    }

    #[test]
    fn a_note_that_stands_for_more_than_there_is_memory_is_none() {
        let note = |name: &str, n_registers: usize, n_experiments: usize| {
            let registers = vec![json!([name, 1]); n_registers];
            let experiments = vec![json!({"name": ""}); n_experiments];
            let note = json!({"registers": registers, "sent_as": [], "experiments": experiments});
            json!([format!("{MARK}{note}")])
        };
        let plan = |pubs: Vec<Value>| read(&json!({ "pubs": pubs }));
        assert_eq!(plan(vec![note("c", 40_000, 40_000)]), None);
        assert_eq!(plan(vec![note(&"c".repeat(1 << 20), 1, 1 << 10)]), None);
        // However they are divided among programs.
        assert_eq!(plan(vec![note("c", 2000, 200); 40]), None);
        assert_eq!(plan(vec![note("c", 100, 100); 2]).unwrap().experiments.len(), 200);
    }

    #[test]
    fn programs_of_others_have_none() {
        for program in [
            json!("OPENQASM 3.0;"),
            json!(""),
            json!("// ketch {\"name\": 5}"),
            json!(r#"// ketch {"registers":[],"sent_as":[],"experiments":[]}"#),
            json!({"__type__": "QuantumCircuit", "__value__": "eJw"}),
            json!(
                r#"// ketch {"name":"","header":{},"memory":false,"registers":[["a","a",4294967295],["b","b",2]]}"#
            ),
        ] {
            assert_eq!(read(&json!({"pubs": [[program]]})), None, "{program}");
        }
        assert_eq!(read(&json!({"pubs": 5})), None);
    }
}
