//! `ketch backend`: everything about one backend.

use std::{collections::BTreeSet, io::Write, path::PathBuf};

use clap::Args;
use ketch::{BackendConfiguration, BackendProperties, BackendStatus, QualifiedBackend};
use serde_json::json;

use super::{
    backends::{qubits, state, yes_or_no},
    run::values::plot_file,
};
use crate::{
    context::{Context, no_plugin},
    exit::Exit,
    failure::Failure,
    output::{
        coupling::Device,
        file::PendingFile,
        number,
        table::{Table, one_line},
        terminal::{Terminal, say},
    },
};

/// The arguments of `ketch backend`.
#[derive(Debug, Args)]
#[command(after_help = "Example: ketch backend local/qasm_simulator")]
pub(crate) struct BackendArgs {
    /// provider/backend, or the backend alone while only one provider has it
    name: String,
    /// Print a document for programs (schema ketch.backend/1)
    #[arg(long)]
    pub(crate) json: bool,
    /// Also draw the coupling map with its error rates into an .svg file
    #[arg(long, value_name = "FILE", value_parser = plot_file,
          value_hint = clap::ValueHint::FilePath)]
    svg: Option<PathBuf>,
}

pub(crate) fn execute(
    args: &BackendArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let registry = context.registry();
    if let Some(failure) = no_plugin(&registry) {
        return Err(failure);
    }
    let backend = registry.get_backend(&args.name)?;
    let configuration = backend.configuration()?;
    let properties = backend.properties()?;
    let status = backend.status();
    let device = || Device::new(&configuration, properties.as_deref());
    if let Some(path) = &args.svg {
        let device = device().ok_or_else(|| {
            let message = format!("`{}` has no coupling map that could be drawn", backend.name);
            Failure::new("output.nothing_to_write", message)
        })?;
        let svg = device.svg(&backend.name);
        PendingFile::create(path)?.finish(|out| out.write_all(svg.as_bytes()))?;
        say(format_args!("wrote {}", path.display()));
    }
    if args.json {
        let document = json!({
            "schema": "ketch.backend/1",
            "name": backend.name,
            "provider": backend.provider,
            "configuration": &*configuration,
            "properties": properties.as_deref(),
            "status": status.as_ref().ok(),
        });
        serde_json::to_writer(&mut *out, &document)?;
        writeln!(out)?;
        return Ok(Exit::Ok);
    }
    if let Some(note) = &backend.note {
        say(format_args!("note: {note}"));
    }
    let words = match &status {
        Ok(status) => state_of(status),
        Err(error) => format!("unknown: {error}"),
    };
    write_head(out, &backend, &configuration, &words, context.terminal)?;
    write_coupling(out, &configuration, device().as_ref(), context.terminal)?;
    match properties {
        Some(properties) => write_properties(out, &properties, context.terminal)?,
        None => writeln!(out, "\nno calibration")?,
    }
    Ok(Exit::Ok)
}

fn state_of(status: &BackendStatus) -> String {
    format!("{}, {} in the queue", state(status), status.pending_jobs)
}

fn write_head(
    out: &mut dyn Write,
    backend: &QualifiedBackend,
    configuration: &BackendConfiguration,
    state: &str,
    terminal: Terminal,
) -> Result<(), Failure> {
    writeln!(out, "{}", terminal.bold(&one_line(&backend.name)))?;
    if let Some(description) = &configuration.description {
        writeln!(out, "{}", one_line(description))?;
    }
    writeln!(out)?;
    let limit = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |n| n.to_string());
    let instructions = configuration.supported_instructions.as_deref().unwrap_or_default();
    let gates: BTreeSet<&str> = configuration.basis_gates.iter().map(String::as_str).collect();
    let others = instructions.iter().map(String::as_str).filter(|name| !gates.contains(name));
    let rows = [
        ("status", state.to_owned()),
        ("version", configuration.backend_version.clone()),
        ("qubits", qubits(configuration)),
        ("simulator", yes_or_no(configuration.simulator)),
        ("local", yes_or_no(configuration.local)),
        ("conditional", yes_or_no(configuration.conditional)),
        ("memory", yes_or_no(configuration.memory)),
        ("max. shots", limit(configuration.max_shots)),
        ("max. experiments", limit(configuration.max_experiments)),
        ("basis gates", configuration.basis_gates.join(" ")),
        ("instructions", others.collect::<Vec<_>>().join(" ")),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        write_field(out, name, &one_line(value), terminal)?;
    }
    Ok(())
}

/// How wide the names of fields are.
const NAME: usize = 16;

/// Writes a field; a terminal gets long values in several lines.
fn write_field(
    out: &mut dyn Write,
    name: &str,
    value: &str,
    terminal: Terminal,
) -> std::io::Result<()> {
    let room = terminal.width.unwrap_or(usize::MAX).saturating_sub(NAME + 2).max(20);
    let mut line = String::new();
    let mut label = name;
    for word in value.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            writeln!(out, "{label:<NAME$}  {line}")?;
            (label, line) = ("", String::new());
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{label:<NAME$}  {line}")
}

fn write_coupling(
    out: &mut dyn Write,
    configuration: &BackendConfiguration,
    device: Option<&Device>,
    terminal: Terminal,
) -> Result<(), Failure> {
    if let Some(device) = device.filter(|device| device.n_couplings() > 0) {
        let couplings = number::count_of(device.n_couplings() as u64, "pair");
        write_field(out, "couplings", &couplings, terminal)?;
        writeln!(out)?;
        for line in device.text(terminal.width.map(|width| width.saturating_sub(2))).lines() {
            writeln!(out, "  {line}")?;
        }
        return Ok(());
    }
    let couplings = match &configuration.coupling_map {
        None => "all qubits with each other".to_owned(),
        Some(groups) => {
            let group = |group: &Vec<u32>| {
                group.iter().map(ToString::to_string).collect::<Vec<_>>().join("→")
            };
            groups.iter().map(group).collect::<Vec<_>>().join(" ")
        }
    };
    Ok(write_field(out, "couplings", &couplings, terminal)?)
}

fn write_properties(
    out: &mut dyn Write,
    properties: &BackendProperties,
    terminal: Terminal,
) -> Result<(), Failure> {
    writeln!(out, "\ncalibration of {}", one_line(&properties.last_update_date))?;
    let number = |value: Option<f64>, scale: f64, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{:.digits$}", value * scale))
    };
    let mut table =
        Table::new(&[">QUBIT", ">T1 (µs)", ">T2 (µs)", ">FREQUENCY (GHz)", ">READOUT ERROR"]);
    for qubit in (0..).take(properties.qubits.len()) {
        table.push([
            qubit.to_string(),
            number(properties.t1(qubit), 1e6, 1),
            number(properties.t2(qubit), 1e6, 1),
            number(properties.frequency(qubit), 1e-9, 3),
            number(properties.readout_error(qubit), 1.0, 4),
        ]);
    }
    if !table.is_empty() {
        writeln!(out)?;
        table.write(out, terminal)?;
    }
    let mut table = Table::new(&["GATE", "QUBITS", ">ERROR", ">LENGTH (ns)"]);
    for gate in &properties.gates {
        let on: Vec<String> = gate.qubits.iter().map(ToString::to_string).collect();
        table.push([
            gate.gate.clone(),
            on.join(" "),
            number(properties.gate_error(&gate.gate, &gate.qubits), 1.0, 5),
            number(properties.gate_length(&gate.gate, &gate.qubits), 1e9, 1),
        ]);
    }
    if !table.is_empty() {
        writeln!(out)?;
        table.write(out, terminal)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> String {
        let mut text = Vec::new();
        write(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn calibrations_are_shown_in_the_units_of_the_headings() {
        let date = "2018-04-02T15:00:00Z";
        let one = |name: &str, value: f64, unit: &str| json!({ "date": date, "name": name, "unit": unit, "value": value });
        let properties: BackendProperties = serde_json::from_value(json!({
            "backend_name": "b",
            "backend_version": "1.0.0",
            "last_update_date": date,
            "qubits": [[one("T1", 0.0000713, "s"), one("frequency", 5286.0, "MHz")]],
            "gates": [{
                "qubits": [1, 0],
                "gate": "cx",
                "parameters": [one("gate_error", 0.02, ""), one("gate_length", 0.3, "us")],
            }],
            "general": [],
        }))
        .unwrap();
        let text = written(|out| write_properties(out, &properties, Terminal::NONE));
        let expected = "
calibration of 2018-04-02T15:00:00Z

QUBIT  T1 (µs)  T2 (µs)  FREQUENCY (GHz)  READOUT ERROR
    0     71.3        -            5.286              -

GATE  QUBITS    ERROR  LENGTH (ns)
cx    1 0     0.02000        300.0
";
        assert_eq!(text, expected);
    }

    #[test]
    fn long_fields_are_broken_on_a_terminal_only() {
        let field = |width| {
            let terminal = Terminal { width, colour: false };
            written(|out| Ok(write_field(out, "gates", "u1 u2 u3 cx swap ccx h", terminal)?))
        };
        assert_eq!(field(None).lines().count(), 1);
        let lines = field(Some(10));
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines, ["gates             u1 u2 u3 cx swap ccx", "                  h"]);
    }
}
