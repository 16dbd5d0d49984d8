//! Two thousand copies of a good plugin with one bit flipped in each. Whatever it does, it is
//! refused, contained or works, within seconds, and the process that asked lives on.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use ketch::{BackendExt, Circuit, Qobj, Registry, SearchPath, State};

use super::{Elf, good, impatient};
use crate::sandbox::{local_plugin, whole_machine};

const FLIPS: usize = 2000;

/// Where most bits matter; the last is the whole file.
const PARTS: [&str; 10] = [
    ".dynamic",
    ".dynsym",
    ".dynstr",
    ".gnu.hash",
    ".rela.dyn",
    ".ketch.manifest",
    ".text",
    ".data.rel.ro",
    ".got",
    "",
];

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Refused,
    Failed,
    Worked,
}

/// Numbers that look random, the same ones each time: Steele, Lea and Flood, Fast Splittable
/// Pseudorandom Number Generators, 2014, SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as usize % limit
    }
}

/// The copy of this number.
fn flipped(good: &Elf, number: usize) -> (usize, Elf) {
    let mut numbers = Numbers(number as u64);
    let part = PARTS[number % PARTS.len()];
    let range = match part {
        "" if number % 20 == 9 => 0..1024,
        "" => 0..good.bytes.len(),
        part => good.data(good.section(part)),
    };
    let bit = range.start * 8 + numbers.below(8 * range.len());
    let mut copy = good.clone();
    copy.bytes[bit / 8] ^= 1 << (bit % 8);
    (bit, copy)
}

/// Uses the plugin of a directory as a program would.
fn fate(directory: &Path) -> (Fate, String) {
    let registry = impatient(directory);
    let candidate = &registry.candidates()[0];
    if let State::Refused(refusal) = &candidate.state {
        return (Fate::Refused, refusal.to_string());
    }
    let id = candidate.manifest.as_ref().unwrap().id.clone();
    let backend = match registry.get_backend(&format!("{id}/basis_simulator")) {
        Ok(backend) => backend,
        Err(error) => return (Fate::Failed, line(&error.to_string())),
    };
    let circuit = Circuit::new(2, 2).x(0).cx(0, 1).measure_all();
    let qobj = Qobj::from_circuit(circuit).with_shots(5);
    let result = backend.run_and_wait(qobj, Some(Duration::from_secs(2)));
    let counts = result.and_then(|result| Ok(result.counts(0)?.total()));
    match counts {
        Ok(_) => (Fate::Worked, String::new()),
        Err(error) => (Fate::Failed, line(&error.to_string())),
    }
}

/// A plugin's own words as the command line prints them: a panic's may take several lines.
fn line(said: &str) -> String {
    said.replace(char::is_control, " ")
}

#[test]
fn a_bit_that_flips_harms_nobody() {
    let _alone = whole_machine();
    let good = good();
    let next = AtomicUsize::new(0);
    let tally = thread::scope(|scope| {
        let worker = || {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("plugin.so");
            let mut tally = [0; 3];
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= FLIPS {
                    return tally;
                }
                let (bit, copy) = flipped(&good, number);
                copy.write(&path);
                let start = Instant::now();
                let (fate, said) = fate(directory.path());
                let context = format!("copy {number}, bit {bit}: {fate:?}: {said}");
                assert!(start.elapsed() < Duration::from_secs(20), "{context}");
                assert_eq!(fate == Fate::Worked, said.is_empty(), "{context}");
                assert!(said.lines().count() <= 1 && said.len() < 2000, "{context}");
                tally[fate as usize] += 1;
                fs::remove_file(&path).unwrap();
            }
        };
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        let tallies = workers.map(|worker| worker.join().unwrap());
        [0, 1, 2].map(|fate| tallies[0][fate] + tallies[1][fate])
    });
    let [refused, failed, worked] = tally;
    assert_eq!(refused + failed + worked, FLIPS);
    // Bits were flipped that matter, and others.
    assert!(refused > FLIPS / 10 && worked > FLIPS / 10 && failed > 0, "{tally:?}");
    a_good_one_works();
}

/// This very process still runs circuits, on a plugin that it loads into itself.
fn a_good_one_works() {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(local_plugin(), directory.path().join("local.so")).unwrap();
    let registry = Registry::discover(&SearchPath::only([directory.path().to_owned()]));
    let backend = registry.get_backend("local/qasm_simulator").unwrap();
    let bell = Qobj::from_circuit(Circuit::new(2, 2).h(0).cx(0, 1).measure_all()).with_shots(100);
    assert_eq!(backend.run_and_wait(bell, None).unwrap().counts(0).unwrap().total(), 100);
}
