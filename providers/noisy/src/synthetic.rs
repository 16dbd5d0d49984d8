//! Made-up devices: the couplings of common lattices, and numbers such as today's devices have.

use ketch_core::{
    BackendConfiguration, BackendProperties,
    device::{GateConfig, GateProperties, Nduv},
};

use crate::document::Device;

/// One made-up device.
struct Row {
    name: &'static str,
    n_qubits: u32,
    about: &'static str,
    /// Each coupling once; gates go both ways.
    couplings: fn() -> Vec<(u32, u32)>,
    /// How long T2 may be, in T1. At most 1, relaxation is a mixture of Z and resets, which the
    /// stabilizer method runs; at most 2 is what nature allows.
    longest_t2: f64,
}

static DEVICES: &[Row] = &[
    Row {
        name: "synthetic_5",
        n_qubits: 5,
        about: "A line of 5 qubits",
        couplings: || grid(1, 5),
        longest_t2: 2.0,
    },
    Row {
        name: "synthetic_16",
        n_qubits: 16,
        about: "A square of 4 by 4 qubits",
        couplings: || grid(4, 4),
        longest_t2: 2.0,
    },
    Row {
        name: "synthetic_20",
        n_qubits: 20,
        about: "A grid of 4 by 5 qubits",
        couplings: || grid(4, 5),
        longest_t2: 2.0,
    },
    Row {
        name: "synthetic_27",
        n_qubits: 27,
        about: "A heavy-hexagonal lattice of 27 qubits",
        couplings: || HEAVY_HEX_27.to_vec(),
        longest_t2: 2.0,
    },
    Row {
        name: "synthetic_127",
        n_qubits: 127,
        about: "A heavy-hexagonal lattice of 127 qubits",
        couplings: heavy_hex_127,
        longest_t2: 1.0,
    },
];

/// Two hexagons with a qubit on each side and corner, and stubs: the lattice of IBM's devices of 27
/// qubits (Chamberland et al., arXiv:1907.09528).
#[rustfmt::skip]
const HEAVY_HEX_27: &[(u32, u32)] = &[
    (0, 1), (1, 2), (1, 4), (2, 3), (3, 5), (4, 7), (5, 8), (6, 7), (7, 10), (8, 9), (8, 11),
    (10, 12), (11, 14), (12, 13), (12, 15), (13, 14), (14, 16), (15, 18), (16, 19), (17, 18),
    (18, 21), (19, 20), (19, 22), (21, 23), (22, 25), (23, 24), (24, 25), (25, 26),
];

/// Seven rows of 14 or 15 qubits, and between two rows four qubits that join them, two columns
/// further at every second gap: the lattice of IBM's devices of 127 qubits (Kim et al., Nature 618,
/// 500, 2023), numbered row by row.
fn heavy_hex_127() -> Vec<(u32, u32)> {
    const ROWS: u32 = 7;
    // The first row has no last column, the last row no first one.
    let columns = |row: u32| match row {
        0 => 0..14,
        6 => 1..15,
        _ => 0..15,
    };
    // Above a row are the rows and joining qubits before it: 14 and 4, then 15 and 4 each time.
    let qubit = |row: u32, column: u32| (19 * row).saturating_sub(1) + column - columns(row).start;
    let mut couplings = Vec::new();
    for row in 0..ROWS {
        let columns = columns(row);
        for column in columns.start..columns.end - 1 {
            couplings.push((qubit(row, column), qubit(row, column + 1)));
        }
        if row + 1 < ROWS {
            for (joint, column) in (0..4).map(|n| (n, 4 * n + 2 * (row % 2))) {
                let joining = qubit(row, columns.end - 1) + 1 + joint;
                couplings.push((qubit(row, column), joining));
                couplings.push((joining, qubit(row + 1, column)));
            }
        }
    }
    couplings
}

/// The range of one calibrated number.
struct Range {
    name: &'static str,
    unit: &'static str,
    from: f64,
    to: f64,
}

const fn range(name: &'static str, unit: &'static str, from: f64, to: f64) -> Range {
    Range { name, unit, from, to }
}

/// What each qubit has.
const QUBIT: &[Range] = &[
    range("T1", "us", 80.0, 160.0),
    range("T2", "us", 50.0, 150.0),
    range("frequency", "GHz", 4.8, 5.2),
    range("prob_meas1_prep0", "", 0.005, 0.015),
    range("prob_meas0_prep1", "", 0.01, 0.035),
];

const ONE_QUBIT_ERROR: Range = range("gate_error", "", 2e-4, 5e-4);
const ONE_QUBIT_LENGTH: f64 = 36.0;
const TWO_QUBIT_ERROR: Range = range("gate_error", "", 6e-3, 1.4e-2);
const TWO_QUBIT_LENGTH: Range = range("gate_length", "ns", 250.0, 450.0);

/// Name, parameters, definition, and whether it is a pulse and not a change of frame.
#[rustfmt::skip]
const ONE_QUBIT_GATES: &[(&str, &[&str], &str, bool)] = &[
    ("id", &[], "gate id q { U(0, 0, 0) q; }", true),
    ("rz", &["phi"], "gate rz(phi) q { U(0, 0, phi) q; }", false),
    ("sx", &[], "gate sx q { U(pi/2, -pi/2, pi/2) q; }", true),
    ("x", &[], "gate x q { U(pi, 0, pi) q; }", true),
];

const DATE: &str = "2026-01-01T00:00:00Z";

pub(crate) fn devices() -> Vec<Device> {
    let device = |row: &Row| {
        let (configuration, properties) = documents(row);
        Device::new(configuration, properties, [row.name, row.name])
    };
    let devices = DEVICES.iter().map(device).collect::<Result<_, _>>();
    devices.expect("made-up devices are valid: a test makes them")
}

fn documents(row: &Row) -> (BackendConfiguration, BackendProperties) {
    let couplings = (row.couplings)();
    let both_ways = couplings.iter().flat_map(|&(a, b)| [vec![a, b], vec![b, a]]);
    let groups: Vec<Vec<u32>> = both_ways.collect();
    let mut configuration = BackendConfiguration::simulator(row.name, "1.0.0", row.n_qubits);
    configuration.description = Some(row.about.to_owned());
    configuration.max_shots = Some(100_000);
    for (name, parameters, definition, _) in ONE_QUBIT_GATES {
        configuration.gates.push(GateConfig::new(*name, parameters, *definition));
    }
    let mut cx = GateConfig::new("cx", &[], "gate cx c, t { CX c, t; }");
    cx.coupling_map = Some(groups.clone());
    configuration.gates.push(cx);
    configuration.basis_gates = configuration.gates.iter().map(|gate| gate.name.clone()).collect();
    configuration.coupling_map = Some(groups);

    // The number of qubits is the seed, so a device is the same on every machine.
    let mut numbers = Numbers(u64::from(row.n_qubits));
    let qubits: Vec<Vec<Nduv>> =
        (0..row.n_qubits).map(|_| qubit(&mut numbers, row.longest_t2)).collect();
    let mut gates = Vec::new();
    for qubit in 0..row.n_qubits {
        let error = numbers.within(&ONE_QUBIT_ERROR);
        for (name, .., is_pulse) in ONE_QUBIT_GATES {
            let (error, length) = if *is_pulse { (error, ONE_QUBIT_LENGTH) } else { (0.0, 0.0) };
            gates.push(gate(name, vec![qubit], error, length));
        }
    }
    for (a, b) in couplings {
        let error = numbers.within(&TWO_QUBIT_ERROR);
        let length = numbers.within(&TWO_QUBIT_LENGTH);
        for qubits in [vec![a, b], vec![b, a]] {
            gates.push(gate("cx", qubits, error, length));
        }
    }
    let properties = BackendProperties {
        backend_name: row.name.to_owned(),
        backend_version: "1.0.0".to_owned(),
        last_update_date: DATE.to_owned(),
        qubits,
        gates,
        general: Vec::new(),
        extra: serde_json::Map::new(),
    };
    (configuration, properties)
}

fn qubit(numbers: &mut Numbers, longest_t2: f64) -> Vec<Nduv> {
    let number = |range: &Range| Nduv::new(range.name, numbers.within(range), range.unit, DATE);
    let mut all: Vec<Nduv> = QUBIT.iter().map(number).collect();
    all[1].value = all[1].value.min(longest_t2 * all[0].value);
    let mean = (all[3].value + all[4].value) / 2.0;
    all.push(Nduv::new("readout_error", round(mean), "", DATE));
    all
}

fn gate(name: &str, qubits: Vec<u32>, error: f64, length: f64) -> GateProperties {
    let places: Vec<String> = qubits.iter().map(u32::to_string).collect();
    GateProperties {
        gate: name.to_owned(),
        parameters: vec![
            Nduv::new("gate_error", error, "", DATE),
            Nduv::new("gate_length", length, "ns", DATE),
        ],
        name: Some(format!("{name}{}", places.join("_"))),
        qubits,
        extra: serde_json::Map::new(),
    }
}

/// The couplings of a grid, row by row.
fn grid(rows: u32, columns: u32) -> Vec<(u32, u32)> {
    let mut couplings = Vec::new();
    for qubit in 0..rows * columns {
        if qubit % columns + 1 < columns {
            couplings.push((qubit, qubit + 1));
        }
        if qubit + columns < rows * columns {
            couplings.push((qubit, qubit + columns));
        }
    }
    couplings
}

/// The splitmix64 sequence (Steele, Lea and Flood, OOPSLA 2014).
struct Numbers(u64);

impl Numbers {
    fn within(&mut self, range: &Range) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64;
        round(range.from + (range.to - range.from) * uniform)
    }
}

/// To four digits: a calibration knows no more.
fn round(number: f64) -> f64 {
    let digits = 3 - number.abs().log10().floor() as i32;
    (number * 10_f64.powi(digits)).round() / 10_f64.powi(digits)
}
