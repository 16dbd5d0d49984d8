//! The official examples of OpenQASM 3 give the distributions that the programs mean.
//!
//! What is expected is worked out from the text of each program, here or in the words beside it.
//! Those that are refused, and why, are in the tests of `ketch-qasm`.

use std::{collections::BTreeMap, f64::consts::PI, fs};

use crate::sandbox::{Sandbox, repository};

/// The probability of each outcome: the classical bits, the last one declared first.
type Distribution = BTreeMap<String, f64>;

const SHOTS: u32 = 4000;

/// How likely the count of one outcome is to stray as far as is allowed, in a right program.
///
/// There are fewer than 1000 outcomes here, so a new seed gives a false alarm in fewer than one
/// run of a million. The seed is fixed.
const FALSE_ALARM: f64 = 1e-9;

/// Runs an example with lines added to its end, and compares its counts.
#[track_caller]
fn check(name: &str, added: &str, arguments: &[&str], expected: &Distribution) {
    assert!((expected.values().sum::<f64>() - 1.0).abs() < 1e-12, "{name}: not a distribution");
    let folder = repository("tests/golden/openqasm3");
    let text = fs::read_to_string(folder.join(format!("{name}.qasm"))).unwrap();
    let sandbox = Sandbox::new();
    let file = format!("{name}.qasm");
    sandbox.write(&file, format!("{text}\n{added}"));
    let shots = SHOTS.to_string();
    let mut command = vec!["run", &file, "--shots", &shots, "--seed", "3", "--json"];
    command.extend(arguments);
    let document = sandbox.ketch(&command).json();

    let counts = document["experiments"][0]["counts"].as_object().unwrap();
    let counts: BTreeMap<String, u64> = counts
        .iter()
        .map(|(bits, count)| (bits.replace(' ', ""), count.as_u64().unwrap()))
        .collect();
    assert_eq!(counts.values().sum::<u64>(), u64::from(SHOTS), "{name}");
    for outcome in counts.keys() {
        let possible = expected.get(outcome).is_some_and(|p| *p > 1e-12);
        assert!(possible, "{name}: {outcome} is impossible");
    }
    for (outcome, p) in expected {
        let count = counts.get(outcome).copied().unwrap_or(0) as f64;
        let stray = (count - p * f64::from(SHOTS)).abs();
        assert!(stray <= allowed(*p), "{name}: {outcome} came {count} times, not {p} of {SHOTS}");
    }
}

/// How far a count may be off: the inequality of Bernstein, which holds for every probability.
fn allowed(p: f64) -> f64 {
    let logarithm = (2.0 / FALSE_ALARM).ln();
    let variance = f64::from(SHOTS) * p * (1.0 - p);
    logarithm / 3.0 + (logarithm * logarithm / 9.0 + 2.0 * logarithm * variance).sqrt()
}

fn always(outcome: &str) -> Distribution {
    Distribution::from([(outcome.to_owned(), 1.0)])
}

/// All values of so many bits, equally likely.
fn uniform(bits: usize) -> Distribution {
    let n = 1_usize << bits;
    (0..n).map(|value| (format!("{value:0bits$b}"), 1.0 / n as f64)).collect()
}

#[test]
fn sums_codes_and_sequences_come_out_as_they_must() {
    // 1 + 15, the carry on top.
    check("adder", "", &[], &always("10000"));
    // The error on qubit 0 shows in the first parity only, and is corrected.
    check("qec", "", &[], &always("01000"));
    // Qubit 1 stays in 0, so both cz do nothing, and H S S Z H is the identity.
    check("rb", "", &[], &always("00"));
    // One H between rotations that are empty.
    check("qpt", "", &[], &uniform(1));
}

#[test]
fn fourier_transforms() {
    // Of a basis state: every value is as likely as any other.
    check("qft", "", &[], &uniform(4));
    // The inverse, of the equal superposition, which is the transform of 0.
    check("inverseqft1", "", &[], &always("0000"));
    check("inverseqft2", "", &[], &always("0000"));
}

#[test]
fn states_are_teleported() {
    // The two outcomes of the Bell measurement are fair; the state keeps its polar angle of 0.3.
    let one = 0.15_f64.sin().powi(2);
    let teleported = uniform(3)
        .into_keys()
        .map(|bits| {
            let p = if bits.starts_with('1') { one } else { 1.0 - one };
            (bits, p / 4.0)
        })
        .collect();
    check("teleport", "", &[], &teleported);
    // `let io` in the loop's block is a name of that block: after the loop, `io` is the input
    // again, which has been measured; H makes it fair, whatever the comment hopes for.
    let method = ["-o", "method=matrix_product_state"];
    check("varteleport", "", &method, &uniform(1));
}

#[test]
fn what_is_repeated_until_success_succeeds() {
    // A success turns by θ + π, the last rotation by π − θ: together nothing, between two H.
    check("rus", "", &[], &always("000"));
}

#[test]
fn gates_beside_a_stretch_act() {
    // Qubit 0 never leaves 0, so the cx does nothing; qubit 2 is turned by π/4.
    let one = (PI / 8.0).sin().powi(2);
    let expected = Distribution::from([("000".to_owned(), 1.0 - one), ("100".to_owned(), one)]);
    check("alignment", "", &["--measure-all"], &expected);
}

/// The estimate of a phase, taken with powers 1, 2, 4, … in this order as the program does.
///
/// `c` has 10 bits that stand for 2π c / 1024. Each round measures 1 with the probability
/// sin²((2^k θ − 2π c / 1024) / 2), puts it into the lowest bit of `c` and shifts.
fn estimates(theta: f64) -> BTreeMap<u32, f64> {
    let mut estimates = BTreeMap::from([(0_u32, 1.0)]);
    for round in 0..10 {
        let mut next = BTreeMap::new();
        for (c, weight) in estimates {
            let phase = theta * f64::from(1 << round) - 2.0 * PI * f64::from(c) / 1024.0;
            let one = (phase / 2.0).sin().powi(2);
            *next.entry((c << 1) % 1024).or_default() += weight * (1.0 - one);
            *next.entry(((c | 1) << 1) % 1024).or_default() += weight * one;
        }
        estimates = next;
    }
    estimates
}

#[test]
fn iterative_phase_estimation() {
    // The target is 0 or 1 with probability 1/2 each, and keeps its value: nothing turns it but
    // controlled phases. In 0 there is no phase, in 1 it is 3π/8.
    let mut expected = Distribution::new();
    let mut estimate = Distribution::new();
    for (target, theta) in [(0, 0.0), (1, 3.0 * PI / 8.0)] {
        for (c, p) in estimates(theta) {
            *expected.entry(format!("{target}{c:010b}")).or_default() += p / 2.0;
            *estimate.entry(format!("{c:010b}")).or_default() += p / 2.0;
        }
    }
    // The program keeps its estimate in an angle, which the counts do not show.
    let shown = "bit[10] estimate; estimate = bit[10](c);";
    check("ipe", shown, &[], &estimate);
    check("ipe", &format!("{shown} bit target; target = measure r;"), &[], &expected);
}

#[test]
fn calibrations_alone_are_no_run() {
    let sandbox = Sandbox::new();
    let text = fs::read(repository("tests/golden/openqasm3/defcal.qasm")).unwrap();
    sandbox.write("defcal.qasm", text);
    let said = sandbox.ketch(&["run", "defcal.qasm"]).fails(9);
    assert!(said.contains("the circuit `defcal` measures nothing"), "{said}");
}
