//! Many experiments in one command: told while they run, stopped, and gone on with.

use std::{
    fs::{self, File},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    sandbox::{Sandbox, example, whole_machine},
    terminal::on_terminal,
};

/// A circuit that takes some tens of milliseconds: each shot goes a way of its own.
fn circuit(angle: f64) -> String {
    let mut text = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[12];\ncreg c[12];\n".to_owned();
    for _ in 0..2 {
        text.push_str(&format!("u3({angle},0.2,0.1) q;\ncx q[0],q[1];\nmeasure q -> c;\n"));
    }
    text
}

/// Writes a Qobj of so many experiments; its name.
fn sweep(sandbox: &Sandbox, count: usize) -> &'static str {
    sandbox.write("one.qasm", circuit(0.3));
    let mut sweep = sandbox.ketch(&["convert", "one.qasm", "--to", "qobj"]).json();
    let one = sweep["experiments"][0].clone();
    let experiments = (0..count).map(|number| {
        let mut experiment = one.clone();
        experiment["header"]["name"] = format!("e{number}").into();
        experiment
    });
    sweep["experiments"] = experiments.collect();
    sandbox.write("sweep.json", sweep.to_string());
    "sweep.json"
}

/// The whole lines of a file of results.
fn lines(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.path("work").join(name)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Without what differs from run to run: the job, and how it was run.
fn same(mut document: Value) -> Value {
    for name in ["job_id", "time_taken", "metadata"] {
        document.as_object_mut().unwrap().remove(name);
    }
    document
}

/// Starts a run, and waits until more than so many lines of its results are there.
fn begun(sandbox: &Sandbox, arguments: &[&str], more_than: usize) -> Child {
    let mut command = sandbox.command(arguments);
    let talk = File::create(sandbox.path("talk")).unwrap();
    let mut child = command.stdout(Stdio::null()).stderr(talk).spawn().unwrap();
    let start = Instant::now();
    while lines(sandbox, "r.jsonl").len() <= more_than {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
        assert!(start.elapsed() < Duration::from_secs(60), "no results");
        thread::yield_now();
    }
    child
}

/// Presses Ctrl-C; what the command says.
fn interrupt(sandbox: &Sandbox, mut child: Child) -> String {
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    fs::read_to_string(sandbox.path("talk")).unwrap()
}

#[test]
fn a_batch_that_is_stopped_and_killed_goes_on_and_repeats_nothing() {
    let _machine = whole_machine();
    let sandbox = Sandbox::new();
    let count = 90;
    let file = sweep(&sandbox, count);
    let how = ["run", file, "-s", "100", "--json", "-O"];
    let seeded = |output| [&how[..], &[output, "--seed", "5"]].concat();
    let whole = sandbox.ketch(&seeded("whole.jsonl")).json();
    assert_eq!(whole["experiments"].as_array().unwrap().len(), count);

    let arguments = seeded("r.jsonl");
    let said = interrupt(&sandbox, begun(&sandbox, &arguments, 0));
    let first = lines(&sandbox, "r.jsonl");
    let kept = format!("{} of {count} experiments are finished and kept", first.len());
    assert!(said.contains(&kept) && said.contains("--resume"), "{said}");
    let stopped = sandbox.ketch(&["job", "@1", "--json"]).json();
    let completed = (&stopped["status"], &stopped["completed"]);
    assert_eq!(completed, (&"CANCELLED".into(), &first.len().into()));

    let resuming = [&arguments[..], &["--resume"]].concat();
    let mut killed = begun(&sandbox, &resuming, first.len());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let second = lines(&sandbox, "r.jsonl");
    assert!(first.len() < second.len() && second.len() < count);
    // As if the system had not got around to writing the whole of the last line.
    let text = sandbox.read("r.jsonl");
    sandbox.write("r.jsonl", &text[..text.len() - 20]);

    let run = sandbox.ketch(&resuming);
    assert!(run.stderr.contains("experiments were finished earlier"), "{}", run.stderr);
    let resumed = run.json();
    let experiments = |document: &Value| -> Vec<Value> {
        document["experiments"].as_array().unwrap().iter().cloned().map(same).collect()
    };
    assert_eq!(experiments(&resumed), experiments(&whole));
    let last = lines(&sandbox, "r.jsonl");
    let all = |lines: &[Value]| lines.iter().cloned().map(same).collect::<Vec<_>>();
    assert_eq!(all(&last), all(&lines(&sandbox, "whole.jsonl")));
    // How long an experiment took shows that it is the same run of it.
    let times = |lines: &[Value]| -> Vec<Value> {
        lines.iter().map(|line| line["time_taken"].clone()).collect()
    };
    assert_eq!(times(&last)[..second.len()], times(&second));
    assert_eq!(times(&second)[..first.len()], times(&first));
    for (index, line) in last.iter().enumerate() {
        assert_eq!(line["schema"], "ketch.experiment/1");
        assert_eq!((&line["file"], &line["index"]), (&file.into(), &index.into()));
        assert_eq!(line["job_id"], resumed["job_id"]);
    }

    // Nothing is left to run: the results are those of the last job.
    let again = sandbox.ketch(&resuming).json();
    assert_eq!(again, resumed);
    assert_eq!(sandbox.ketch(&["jobs", "--json"]).json()["jobs"].as_array().unwrap().len(), 4);
    // Another question is another job.
    let other = sandbox.ketch(&["run", file, "-s", "1", "--seed", "5", "--resume"]);
    assert!(other.stderr.contains("nothing to go on with"), "{}", other.stderr);
    other.ok();
}

#[test]
fn many_files_go_on_where_they_were_stopped() {
    let _machine = whole_machine();
    let sandbox = Sandbox::new();
    let count = 40;
    let files: Vec<String> = (0..count).map(|number| format!("{number}.qasm")).collect();
    for (number, file) in files.iter().enumerate() {
        sandbox.write(file, circuit(number as f64 / 10.0));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    // No seed: those that were drawn by chance are kept as well.
    let arguments = [&["run", "-s", "200", "-O", "r.jsonl", "--json"], files.as_slice()].concat();
    interrupt(&sandbox, begun(&sandbox, &arguments, 3));
    let first = lines(&sandbox, "r.jsonl");
    let run = sandbox.ketch(&[&arguments[..], &["--resume"]].concat());
    assert!(run.stderr.contains("of 40 experiments were finished earlier"), "{}", run.stderr);
    assert_eq!(run.ok().lines().count(), count);
    let last = lines(&sandbox, "r.jsonl");
    assert_eq!(last.len(), count);
    for line in &first {
        assert!(last.contains(line), "{line} was run again");
    }
    let jobs = sandbox.ketch(&["jobs", "--json", "--limit", "1000"]).json();
    let done = jobs["jobs"].as_array().unwrap().iter().filter(|job| job["status"] == "DONE");
    assert_eq!(done.count(), count, "a job for each file");
}

#[test]
fn a_file_that_is_named_twice_is_run_twice() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    let arguments = ["run", &bell, &bell, "--json", "--resume"];
    let seeds = |run: String| -> Vec<Value> {
        let documents = run.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut seeds: Vec<Value> =
            documents.map(|one| one["experiments"][0]["seed"].clone()).collect();
        seeds.sort_by_key(Value::to_string);
        seeds
    };
    let first = seeds(sandbox.ketch(&arguments).ok());
    assert_ne!(first[0], first[1]);
    assert_eq!(seeds(sandbox.ketch(&arguments).ok()), first);
    // Without the flag everything is run.
    assert_ne!(seeds(sandbox.ketch(&arguments[..4]).ok()), first);
}

#[test]
fn a_job_that_runs_elsewhere_is_not_run_a_second_time() {
    let sandbox = Sandbox::new();
    let file = sweep(&sandbox, 1000);
    let arguments = ["run", file, "-O", "r.jsonl"];
    let child = begun(&sandbox, &arguments, 0);
    let mut second = sandbox.command(&["run", file, "--resume"]);
    let said = crate::sandbox::finish(&mut second).fails(1);
    assert!(said.contains("of the same command is running"), "{said}");
    interrupt(&sandbox, child);
}

#[test]
fn a_terminal_shows_how_far_a_batch_is() {
    let sandbox = Sandbox::new();
    let file = sweep(&sandbox, 100);
    // The bar has a rate once something has taken a while: as much is run as this machine needs.
    let line = [100, 400, 1_600, 6_400].iter().find_map(|shots| {
        let shots = shots.to_string();
        let mut command = sandbox.command(&["run", file, "-s", &shots, "-O", "r.json"]);
        let shown = on_terminal(&mut command, None);
        let has_rate = |line: &&str| line.contains("running…") && line.contains("/s");
        shown.split('\r').rfind(has_rate).map(str::to_owned)
    });
    let line = line.expect("no bar with a rate");
    assert!(line.contains("/100, ") && line.contains('█'), "{line}");
}
