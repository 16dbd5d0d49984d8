//! Processes that are killed: no job whose id was told is lost, none comes to two results, and none
//! is left without an owner.
//!
//! `KETCH_KILLS` is the number of processes killed at random moments, 300 without it; `cargo xtask
//! crash-drill` kills 10,000.

use std::{
    env, fs,
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ketch::jobs::drill::STEPS;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::sandbox::{Run, Sandbox, finish, whole_machine};

mod ledger;

/// Several experiments, so that there are several parts.
fn sweep(sandbox: &Sandbox) -> String {
    let circuit = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[3];\ncreg c[3];\nh q;\n\
                   cx q[0],q[1];\nmeasure q -> c;\n";
    sandbox.write("one.qasm", circuit);
    let qobj = sandbox.ketch(&["convert", "one.qasm", "--to", "qobj"]).json();
    let mut sweep = qobj.clone();
    sweep["experiments"] = vec![qobj["experiments"][0].clone(); 40].into();
    sandbox.write("sweep.json", sweep.to_string());
    "sweep.json".to_owned()
}

/// Waits until every job has come to its end, as the next commands of a user would find them.
#[track_caller]
fn settled(sandbox: &Sandbox) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let document = sandbox.ketch(&["jobs", "--json", "--limit", "100000"]).json();
        let jobs = document["jobs"].as_array().unwrap().clone();
        let final_states = ["DONE", "ERROR", "CANCELLED"];
        let left =
            jobs.iter().find(|job| !final_states.iter().any(|state| job["status"] == *state));
        let Some(left) = left else { return jobs };
        assert!(start.elapsed() < Duration::from_secs(120), "never came to its end: {left}");
        thread::yield_now();
    }
}

/// The counts of all experiments of a job.
#[track_caller]
fn counts(run: Run) -> Vec<Value> {
    let document = run.json();
    let experiments = document["experiments"].as_array().unwrap().iter();
    experiments.map(|one| one["counts"].clone()).collect()
}

#[test]
fn a_process_killed_at_any_step_loses_nothing() {
    let _machine = whole_machine();
    for step in STEPS.into_iter().filter(|step| !step.starts_with("send")) {
        let sandbox = Sandbox::new();
        let file = sweep(&sandbox);
        let expected = counts(sandbox.ketch(&["run", &file, "--seed", "7", "--json"]));
        sandbox.ketch(&["delete", "@1"]).ok();

        let marker = sandbox.path("die");
        fs::write(&marker, "").unwrap();
        let mut command = sandbox.command(&["submit", &file, "--seed", "7"]);
        command.env("KETCH_DIE_AT", format!("{step}:{}", marker.display()));
        let run = finish(&mut command);
        let told = run.stdout.trim().to_owned();
        let by_signal = step.starts_with("submit");
        assert_eq!(
            (run.exit, told.is_empty()),
            (if by_signal { None } else { Some(0) }, by_signal)
        );

        let jobs = settled(&sandbox);
        assert!(!marker.exists(), "{step} was never reached");
        if step == "submit.written" {
            assert!(jobs.is_empty(), "{step}: {jobs:?}");
            continue;
        }
        let [only] = jobs.as_slice() else { panic!("{step}: {jobs:?}") };
        assert_eq!(only["status"], "DONE", "{step}: {only}");
        assert!(told.is_empty() || only["job_id"] == told.as_str());
        assert_eq!(counts(sandbox.ketch(&["result", "@1", "--json"])), expected, "{step}");
        assert!(sandbox.ketch(&["jobs", "--check"]).ok().contains("all is well"));
    }
}

/// The workers of this sandbox and no others, by what the system knows of every process.
fn workers(sandbox: &Sandbox) -> Vec<Pid> {
    let home = sandbox.path("data");
    let is_ours = |process: &PathBuf| {
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let words = read("cmdline");
        let ours = format!("XDG_DATA_HOME={}", home.display());
        words.split(|byte| *byte == 0).any(|word| word == b"worker")
            && read("environ").split(|byte| *byte == 0).any(|entry| entry == ours.as_bytes())
    };
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let ours = processes.filter(is_ours);
    ours.filter_map(|path| Pid::from_raw(path.file_name()?.to_str()?.parse().ok()?)).collect()
}

/// A number that looks random.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`, the same ones in every run (Marsaglia's xorshift64).
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn processes_killed_at_random_moments_lose_nothing() {
    let _machine = whole_machine();
    let kills: u32 = env::var("KETCH_KILLS").map_or(300, |text| text.parse().unwrap());
    let sandbox = Sandbox::new();
    let file = sweep(&sandbox);
    let seeds = ["1", "2", "3"];
    let expected = seeds.map(|seed| {
        counts(sandbox.ketch(&["run", &file, "--seed", seed, "--threads", "1", "--json"]))
    });
    let before = settled(&sandbox).len();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut told: Vec<(String, usize)> = Vec::new();
    let mut killed = 0;
    while killed < kills {
        let place = usize::try_from(dice.roll(3)).unwrap();
        let arguments = ["submit", &file, "--seed", seeds[place], "--threads", "1"];
        let mut command = spawn(&mut sandbox.command(&arguments));
        // The moment at which the knife falls is what the drill is about.
        thread::sleep(Duration::from_micros(dice.roll(60_000)));
        if dice.roll(2) == 0 {
            command.kill().unwrap();
            killed += 1;
        }
        let mut id = String::new();
        command.stdout.take().unwrap().read_to_string(&mut id).unwrap();
        command.wait().unwrap();
        if id.ends_with('\n') {
            told.push((id.trim().to_owned(), place));
        }
        for worker in workers(&sandbox) {
            if dice.roll(2) == 0 && kill_process(worker, Signal::KILL).is_ok() {
                killed += 1;
            }
        }
    }
    let jobs = settled(&sandbox);
    assert!(jobs.len() >= before + told.len());
    let mut done = 0;
    for (id, place) in &told {
        let job = jobs.iter().find(|job| job["job_id"] == id.as_str());
        let job = job.unwrap_or_else(|| panic!("{id} was told and is lost"));
        if job["status"] == "ERROR" {
            // Three workers were killed while they ran it.
            assert_eq!(job["error"]["code"], "job.poisoned", "{job}");
            continue;
        }
        assert_eq!(job["status"], "DONE", "{job}");
        let found = counts(sandbox.ketch(&["result", id, "--json"]));
        assert_eq!(found, expected[*place], "{id}");
        done += 1;
    }
    assert!(done > 0, "nothing was left alive long enough to show anything");
    assert!(sandbox.ketch(&["jobs", "--check"]).ok().contains("all is well"));
}
