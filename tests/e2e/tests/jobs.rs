//! Jobs that outlive the command that submitted them, asked about by other commands.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    sandbox::{Sandbox, built, example, whole_machine},
    service::{KEY, ReplayServer, save},
};

/// What to run for a job that takes many minutes: each shot goes a way of its own.
const LONG: [&str; 3] = ["long.qasm", "-s", "1000000"];

/// A user with that circuit.
fn user() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut text = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[16];\ncreg c[16];\n".to_owned();
    for _ in 0..4 {
        text.push_str("u3(0.3,0.2,0.1) q;\n");
        (1..16).for_each(|qubit| text.push_str(&format!("cx q[{}],q[{qubit}];\n", qubit - 1)));
        text.push_str("u3(0.4,0.5,0.6) q;\nmeasure q -> c;\n");
    }
    sandbox.write("long.qasm", text);
    sandbox
}

/// Hands a job over; its id.
#[track_caller]
fn submit(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.ketch(&[&["submit"], arguments].concat()).ok().trim().to_owned()
}

/// What `ketch job` says.
#[track_caller]
fn job(sandbox: &Sandbox, id: &str) -> Value {
    let document = sandbox.ketch(&["job", id, "--json"]).json();
    assert_eq!(document["schema"], "ketch.job/1");
    document
}

/// Waits until a job is as it should be; a minute at most.
#[track_caller]
fn wait_until(sandbox: &Sandbox, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let document = job(sandbox, id);
        if holds(&document) {
            return document;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{document}");
        thread::yield_now();
    }
}

#[track_caller]
fn wait_for(sandbox: &Sandbox, id: &str, status: &str) -> Value {
    wait_until(sandbox, id, |document| document["status"] == status)
}

/// Stops a job, and sees that it stopped.
#[track_caller]
fn stop(sandbox: &Sandbox, id: &str) {
    sandbox.ketch(&["cancel", id]).ok();
    wait_for(sandbox, id, "CANCELLED");
}

/// The counts in a `ketch.run/1` document.
fn counts(document: &Value) -> &Value {
    &document["experiments"][0]["counts"]
}

/// Kills a process without asking it, and waits until it is gone.
fn kill(process: &Value) {
    let pid = Pid::from_raw(i32::try_from(process.as_u64().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    // It is nobody's child here that could be waited for; its own parent buries it.
    let (start, program) = (Instant::now(), format!("/proc/{}/exe", pid.as_raw_nonzero()));
    // One that nobody has buried yet has no program any more.
    while fs::read_link(&program).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(60), "{program} is still there");
        thread::yield_now();
    }
}

#[test]
fn a_detached_job_is_read_back_by_other_commands() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    let waited = sandbox.ketch(&["run", &bell, "--seed", "5", "--json"]).json();
    let id = submit(&sandbox, &[&bell, "--seed", "5", "--label", "mine", "--tag", "sweep"]);
    assert_eq!(id.len(), 26, "{id}");
    let result = sandbox.ketch(&["result", &id, "--timeout", "60s", "--json"]).json();
    assert_eq!((&result["schema"], &result["status"]), (&"ketch.run/1".into(), &"DONE".into()));
    assert_eq!(result["job_id"], id.as_str());
    assert_eq!(counts(&result), counts(&waited), "the same seed, whoever runs it");

    let known = job(&sandbox, &id);
    assert_eq!((&known["status"], &known["label"]), (&"DONE".into(), &"mine".into()));
    assert_eq!((&known["runner"], &known["completed"]), (&"worker".into(), &1.into()));
    let text = sandbox.ketch(&["job", "@1"]).ok();
    assert!(text.contains(&id) && text.contains("sweep") && text.contains("took"), "{text}");
    let text = sandbox.ketch(&["result", &id[..20]]).ok();
    assert!(text.contains("mine on local/qasm_simulator: 1024 shots, seed 5"), "{text}");
    sandbox.ketch(&["result", "@1", "-O", "counts.csv", "--plot", "plot.svg"]).ok();
    assert!(sandbox.read("counts.csv").contains("11"));
    let qiskits = sandbox.ketch(&["result", "@1", "--format", "result"]).json();
    assert_eq!(qiskits["success"], true);

    // What was waited for is kept as well.
    let kept = sandbox.ketch(&["result", "@2", "--json"]).json();
    assert_eq!(kept["experiments"], waited["experiments"]);
    assert_eq!(kept["job_id"], waited["job_id"]);
}

#[test]
fn jobs_are_listed_filtered_and_paged() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    assert!(sandbox.ketch(&["jobs"]).stderr.contains("no jobs"));
    for (label, tag) in [("a", "x"), ("b", "x"), ("c", "y")] {
        sandbox.ketch(&["run", &bell, "--label", label, "--tag", tag]).ok();
    }
    sandbox.ketch(&["run", &bell, "-b", "noisy/ibmqx4"]).ok();
    let labels = |arguments: &[&str]| -> Vec<Value> {
        let document = sandbox.ketch(&[&["jobs", "--json"], arguments].concat()).json();
        assert_eq!(document["schema"], "ketch.jobs/1");
        let jobs = document["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["label"].clone()).collect()
    };
    assert_eq!(labels(&[]), [Value::Null, "c".into(), "b".into(), "a".into()]);
    assert_eq!(labels(&["--label", "x"]), ["b", "a"]);
    assert_eq!(labels(&["--label", "c"]), ["c"]);
    assert_eq!(labels(&["-b", "local", "--limit", "1"]), ["c"]);
    assert_eq!(labels(&["-b", "noisy/ibmqx4"]), [Value::Null]);
    assert_eq!(labels(&["--before", "@2"]), ["b", "a"]);
    assert_eq!(labels(&["--state", "running,QUEUED"]), [Value::Null; 0]);
    assert_eq!(labels(&["--state", "done"]).len(), 4);
    sandbox.ketch(&["jobs", "--state", "lost"]).fails(2);
    let run = sandbox.ketch(&["jobs", "--limit", "2"]);
    assert!(run.stderr.contains("--before"), "{run:?}");
    assert_eq!(run.ok().lines().count(), 3);
    assert!(sandbox.ketch(&["jobs", "--check"]).ok().contains("4 jobs, all is well"));
    sandbox.ketch(&["jobs", "--compact"]).ok();
    assert!(sandbox.ketch(&["delete", "@1", "@2"]).ok().contains("deleted"));
    assert_eq!(labels(&[]), ["b", "a"]);
}

#[test]
fn ids_that_nobody_knows_are_not_found() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        sandbox.ketch(&["run", &example("bell.qasm")]).ok();
    }
    for command in ["job", "result", "watch", "cancel", "retry", "delete"] {
        for id in ["nothing", "@3", "@0", "01"] {
            let said = sandbox.ketch(&[command, id]).fails(3);
            assert!(said.contains(id), "{said}");
        }
    }
    let said = sandbox.ketch(&["job", "01"]).fails(3);
    assert!(said.contains("several jobs begin with"), "{said}");
}

#[test]
fn what_waits_and_what_runs_is_cancelled() {
    let sandbox = user();
    let running = submit(&sandbox, &LONG);
    let waiting = submit(&sandbox, &[&example("bell.qasm")]);
    wait_for(&sandbox, &running, "RUNNING");
    let queued = job(&sandbox, &waiting);
    assert_eq!((&queued["status"], &queued["queue_position"]), (&"QUEUED".into(), &1.into()));

    let said = sandbox.ketch(&["result", &running, "--timeout", "100ms"]).fails(7);
    assert!(said.contains("the job goes on"), "{said}");
    assert_eq!(job(&sandbox, &running)["status"], "RUNNING");
    let said = sandbox.ketch(&["delete", &running]).fails(1);
    assert!(said.contains("ketch cancel"), "{said}");
    sandbox.ketch(&["retry", &running]).fails(1);

    let said = sandbox.ketch(&["cancel", &waiting]).ok();
    assert!(said.contains("CANCELLED"), "{said}");
    stop(&sandbox, &running);
    let said = sandbox.ketch(&["cancel", &running]).ok();
    assert!(said.contains("CANCELLED already"), "{said}");
    sandbox.ketch(&["result", &running]).fails(6);
    let watched = sandbox.ketch(&["watch", &running, &waiting]);
    assert_eq!(watched.stdout.matches("CANCELLED").count(), 2, "{watched:?}");
    watched.fails(6);
}

#[test]
fn a_running_job_that_is_cancelled_gives_its_memory_back() {
    // A state of 256 MiB, and work for minutes.
    const STATE: u64 = 256 << 20;
    let _machine = whole_machine();
    let sandbox = Sandbox::new();
    let mut text = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[24];\ncreg c[24];\n".to_owned();
    for _ in 0..300 {
        text.push_str("u3(0.3,0.2,0.1) q;\n");
        (1..24).for_each(|qubit| text.push_str(&format!("cx q[{}],q[{qubit}];\n", qubit - 1)));
    }
    sandbox.write("large.qasm", text + "measure q -> c;\n");
    let id = submit(&sandbox, &["large.qasm"]);
    let running = wait_for(&sandbox, &id, "RUNNING");
    let process = running["process"].as_u64().unwrap();
    let resident = || {
        let statm = fs::read_to_string(format!("/proc/{process}/statm")).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    };
    let begun = Instant::now();
    while resident() < STATE {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} bytes", resident());
        thread::yield_now();
    }
    sandbox.ketch(&["cancel", &id]).ok();
    // The worker stays: what is gone is what the job had. 100 ms are promised, on a machine that
    // does nothing else; the job itself would go on for minutes.
    let asked = Instant::now();
    while resident() > STATE / 2 {
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(10), "{} bytes {took:?} after the cancel", resident());
        thread::yield_now();
    }
    wait_for(&sandbox, &id, "CANCELLED");
}

#[test]
fn several_jobs_run_within_the_budget() {
    let sandbox = user();
    let all = thread::available_parallelism().unwrap().get();
    let half = (all / 2).max(1).to_string();
    let halves: Vec<String> =
        (0..2).map(|_| submit(&sandbox, &[&LONG[..], &["--threads", &half]].concat())).collect();
    let last = submit(&sandbox, &[&LONG[..], &["--threads", &all.to_string()]].concat());
    for id in halves.iter().take(all.min(2)) {
        wait_for(&sandbox, id, "RUNNING");
    }
    assert_eq!(job(&sandbox, &last)["status"], "QUEUED");
    sandbox.ketch(&["cancel", &last, &halves[0], &halves[1]]).ok();
    for id in [&last, &halves[0], &halves[1]] {
        wait_for(&sandbox, id, "CANCELLED");
    }
}

#[test]
fn a_killed_worker_gives_its_job_to_another_but_not_for_ever() {
    let sandbox = user();
    let id = submit(&sandbox, &LONG);
    let mut last = Value::Null;
    for attempt in 1..=3 {
        let now = wait_until(&sandbox, &id, |document| {
            document["status"] == "RUNNING" && document["process"] != last
        });
        assert_eq!(now["attempts"], attempt);
        last = now["process"].clone();
        kill(&last);
    }
    let parked = wait_for(&sandbox, &id, "ERROR");
    assert_eq!(parked["error"]["code"], "job.poisoned");
    let said = sandbox.ketch(&["result", &id]).fails(6);
    assert!(said.contains("3 workers died") && said.contains("ketch retry"), "{said}");
    let again = sandbox.ketch(&["retry", &id]).ok().trim().to_owned();
    assert_eq!(wait_for(&sandbox, &again, "RUNNING")["retry_of"], id.as_str());
    stop(&sandbox, &again);
}

#[test]
fn a_worker_that_is_told_to_go_gives_its_job_back() {
    let sandbox = user();
    let id = submit(&sandbox, &LONG);
    let mut last = Value::Null;
    // More often than a job is taken that kills its workers.
    for _ in 0..4 {
        let now = wait_until(&sandbox, &id, |document| {
            document["status"] == "RUNNING" && document["process"] != last
        });
        assert_eq!(now["attempts"], 1, "what is given back was no attempt");
        last = now["process"].clone();
        let pid = Pid::from_raw(i32::try_from(last.as_u64().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }
    stop(&sandbox, &id);
}

#[test]
fn watching_tells_programs_of_each_change() {
    let sandbox = user();
    let running = submit(&sandbox, &LONG);
    let waiting = submit(&sandbox, &[&example("bell.qasm")]);
    let mut watch = spawned(&mut sandbox.command(&["watch", &running, &waiting, "--json"]));
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let mut states: Vec<(Value, Value)> = Vec::new();
    while !states.iter().any(|(id, state)| *id == running.as_str() && state == "RUNNING") {
        let document = next();
        assert_eq!(document["schema"], "ketch.job/1");
        states.push((document["job_id"].clone(), document["status"].clone()));
    }
    sandbox.ketch(&["cancel", &running]).ok();
    while states.iter().filter(|(_, state)| state == "CANCELLED" || state == "DONE").count() < 2 {
        let document = next();
        states.push((document["job_id"].clone(), document["status"].clone()));
    }
    assert!(states.contains(&(running.as_str().into(), "CANCELLED".into())), "{states:?}");
    assert!(states.contains(&(waiting.as_str().into(), "DONE".into())), "{states:?}");
    assert_eq!(watch.wait().unwrap().code(), Some(6));
    let unknown = sandbox.ketch(&["watch", "nothing", "--json"]);
    let document: Value = serde_json::from_str(&unknown.stdout).unwrap();
    assert_eq!(document["schema"], "ketch.error/1");
}

#[test]
fn what_is_kept_of_old_jobs_is_the_users_choice() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    sandbox.ketch(&["run", &bell]).ok();
    sandbox.ketch(&["run", &bell]).ok();
    let set = sandbox.ketch(&["jobs", "--keep-days", "30"]);
    let expected = "kept for 30 days after their end, 10.0 GiB of them at most; forgot 0 jobs";
    assert!(set.stderr.contains(expected), "{set:?}");
    let set = sandbox.ketch(&["jobs", "--keep-size", "1B"]);
    assert!(set.stderr.contains("30 days") && set.stderr.contains("forgot 2 jobs"), "{set:?}");
    let checked = sandbox.ketch(&["jobs", "--check"]).ok();
    assert!(checked.contains("0 jobs, all is well; jobs are kept for 30 days"), "{checked}");
    sandbox.ketch(&["jobs", "--keep-size", "much"]).fails(2);
    sandbox.ketch(&["jobs", "--keep-days", "0"]).fails(2);
}

#[test]
fn a_worker_that_dies_before_it_notes_a_result_costs_nothing_else() {
    let sandbox = Sandbox::new();
    let (bell, trigger) = (example("bell.qasm"), sandbox.path("trigger"));
    fs::write(&trigger, "").unwrap();
    let mut command = sandbox.command(&["submit", &bell, "--seed", "5"]);
    command.env("KETCH_DIE_AT", format!("part.written:{}", trigger.display()));
    let id = crate::sandbox::finish(&mut command).ok().trim().to_owned();
    // Whoever waits sees the worker die, and starts another one.
    let result = sandbox.ketch(&["result", &id, "--timeout", "60s", "--json"]).json();
    let waited = sandbox.ketch(&["run", &bell, "--seed", "5", "--json"]).json();
    assert_eq!(counts(&result), counts(&waited));
    assert!(!trigger.exists(), "a worker died");
    assert_eq!(job(&sandbox, &id)["attempts"], 2);
}

/// A command that is about to be killed.
fn spawned(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_killed_run_leaves_a_job_that_can_be_run_again() {
    let sandbox = user();
    let mut run = spawned(&mut sandbox.command(&[&["run"], &LONG[..]].concat()));
    let start = Instant::now();
    while sandbox.ketch(&["job", "@1"]).exit != Some(0) {
        assert!(start.elapsed() < Duration::from_secs(60), "it never began");
    }
    let begun = job(&sandbox, "@1");
    assert_eq!((&begun["runner"], &begun["status"]), (&"program".into(), &"RUNNING".into()));
    assert_eq!(begun["process"], run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    let found = sandbox.ketch(&["job", "@1", "--json"]);
    assert!(found.stderr.contains("the program that ran it is gone"), "{found:?}");
    let found = found.json();
    assert_eq!(found["error"]["code"], "job.abandoned");
    assert_eq!((&found["status"], &found["job_id"]), (&"ERROR".into(), &begun["job_id"]));
    let again = sandbox.ketch(&["retry", "@1"]).ok().trim().to_owned();
    assert_eq!(wait_for(&sandbox, &again, "RUNNING")["retry_of"], begun["job_id"]);
    stop(&sandbox, &again);
}

#[test]
fn a_run_in_another_process_is_cancelled() {
    let sandbox = user();
    let mut run = spawned(&mut sandbox.command(&[&["run"], &LONG[..]].concat()));
    let start = Instant::now();
    while sandbox.ketch(&["job", "@1"]).exit != Some(0) {
        assert!(start.elapsed() < Duration::from_secs(60), "it never began");
    }
    stop(&sandbox, "@1");
    assert_eq!(run.wait().unwrap().code(), Some(6));
}

#[test]
fn an_id_is_printed_only_when_the_job_is_on_disk() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    for _ in 0..5 {
        let mut command = sandbox.command(&["submit", &bell, &bell, &bell]);
        let mut process = spawned(&mut command);
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        sandbox.ketch(&["result", line.trim(), "--timeout", "60s"]).ok();
    }
    let trigger = sandbox.path("trigger");
    for (step, on_disk) in [("submit.written", false), ("submit.committed", true)] {
        let newest = job(&sandbox, "@1");
        fs::write(&trigger, "").unwrap();
        let mut command = sandbox.command(&["submit", &bell]);
        command.env("KETCH_DIE_AT", format!("{step}:{}", trigger.display()));
        let died = crate::sandbox::finish(&mut command);
        assert_eq!((died.exit, died.stdout.as_str()), (None, ""), "{step}");
        let known = job(&sandbox, "@1")["job_id"] != newest["job_id"];
        assert_eq!(known, on_disk, "{step}");
    }
}

#[test]
fn a_failed_job_says_why() {
    let sandbox = Sandbox::new();
    let id = submit(&sandbox, &[&example("bell.qasm"), "-o", "methd=statevector"]);
    let said = sandbox.ketch(&["result", &id, "--timeout", "60s"]).fails(6);
    assert!(said.contains("did you mean `method`?"), "{said}");
    let run = sandbox.ketch(&["result", &id, "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["error"]["code"], "option.invalid");
    let watched = sandbox.ketch(&["watch", &id]);
    assert!(watched.stdout.contains("methd"), "{watched:?}");
    watched.fails(6);
    // The same at once, where the job is waited for: then it never was one.
    sandbox.ketch(&["run", &example("bell.qasm"), "-o", "methd=statevector"]).fails(2);
    assert_eq!(job(&sandbox, "@1")["job_id"], id.as_str());
}

#[test]
fn whoever_runs_a_job_finds_the_plugins_that_it_was_submitted_with() {
    let sandbox = Sandbox::without_plugins();
    for (directory, provider) in [("one", "local"), ("two", "noisy")] {
        let file = format!("libketch_provider_{provider}.so");
        fs::create_dir(sandbox.path("work").join(directory)).unwrap();
        fs::copy(built(&file), sandbox.path("work").join(directory).join(file)).unwrap();
    }
    sandbox.write("bell.qasm", fs::read(example("bell.qasm")).unwrap());
    let first = submit(&sandbox, &["bell.qasm", "--plugin-dir", "one"]);
    // Its worker knows the first directory only, and waits for more when the job is done.
    wait_for(&sandbox, &first, "DONE");
    let second = submit(&sandbox, &["bell.qasm", "-b", "noisy/ibmqx4", "--plugin-dir", "two"]);
    wait_for(&sandbox, &second, "DONE");
    // Also a job that is tried again, and one that the environment told where to look.
    let again = sandbox.ketch(&["retry", &second]).ok().trim().to_owned();
    wait_for(&sandbox, &again, "DONE");
    let unknown = sandbox.ketch(&["run", "bell.qasm", "-b", "noisy/ibmqx4"]);
    assert_ne!(unknown.exit, Some(0), "{unknown:?}");

    let third = sandbox.path("three");
    fs::create_dir(&third).unwrap();
    fs::copy(built("examples/libtwin_a.so"), third.join("libtwin_a.so")).unwrap();
    let mut command = sandbox.command(&["submit", "bell.qasm", "-b", "twin_a/common"]);
    let run = crate::sandbox::finish(command.env("KETCH_PLUGIN_PATH", &third));
    let id = run.ok().trim().to_owned();
    let found = wait_until(&sandbox, &id, |job| job["ended"] != Value::Null);
    // The plugin refuses to run anything, but it was found.
    assert_eq!(found["error"]["code"], "not_supported", "{found}");
}

#[test]
fn large_results_are_kept_on_request() {
    let sandbox = Sandbox::new();
    let circuit =
        |qubits: u32| format!("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[{qubits}];\nh q;\n");
    // Files of 2 MiB and 16 MiB, and a little more for what else there is.
    sandbox.write("small.qasm", circuit(17));
    sandbox.write("large.qasm", circuit(20));
    let run = sandbox.ketch(&["run", "large.qasm", "--save", "statevector"]);
    assert!(run.stderr.contains("larger than 16.0 MiB and was not kept"), "{}", run.stderr);
    let said = sandbox.ketch(&["result", "@1"]).fails(3);
    assert!(said.contains("too large to be kept"), "{said}");
    for (file, arguments, length) in [
        ("small.qasm", &["run"][..], 16 << 17),
        ("large.qasm", &["run", "--keep"], 16 << 20),
        ("large.qasm", &["submit"], 16 << 20),
    ] {
        let run = sandbox.ketch(&[arguments, &[file, "--save", "statevector"]].concat());
        assert!(!run.stderr.contains("not kept"), "{}", run.stderr);
        sandbox.ketch(&["result", "@1", "--timeout", "60s", "-O", "state.npy"]).ok();
        let bytes = fs::read(sandbox.path("work/state.npy")).unwrap().len();
        assert!((length..length + 1024).contains(&bytes), "{file}: {bytes}");
    }
    assert!(sandbox.ketch(&["jobs", "--check"]).ok().contains("all is well"));
}

#[test]
fn without_a_store_jobs_run_but_cannot_be_handed_over() {
    let sandbox = Sandbox::new();
    sandbox.write("a_file", "");
    let bell = example("bell.qasm");
    let elsewhere = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        crate::sandbox::finish(command.env("XDG_DATA_HOME", sandbox.path("work/a_file")))
    };
    let run = elsewhere(&["run", &bell, "--json"]);
    assert!(run.stderr.contains("warning: jobs are not kept"), "{run:?}");
    assert_eq!(run.json()["status"], "DONE");
    let run = elsewhere(&["submit", &bell]);
    assert_eq!(run.stdout, "");
    let said = run.fails(1);
    assert!(said.contains("a_file"), "{said}");
}

#[test]
fn documents_of_detached_jobs() {
    let sandbox = Sandbox::new();
    let files = [&example("bell.qasm"), "broken.qasm", &example("ghz.qasm")];
    sandbox.write("broken.qasm", "OPENQASM 2.0;\nqreg q[1]\n");
    let run = sandbox.ketch(&[&["run", "--detach", "--json"], files.as_slice()].concat());
    let lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let schemas: Vec<&Value> = lines.iter().map(|line| &line["schema"]).collect();
    assert_eq!(schemas, ["ketch.error/1", "ketch.submitted/1", "ketch.submitted/1"], "{run:?}");
    assert_eq!(lines[1]["file"], files[0]);
    assert_eq!(lines[1]["backend"], "local/qasm_simulator");
    run.fails(9);
    let id = lines[2]["job_id"].as_str().unwrap();
    let watched = sandbox.ketch(&["watch", "@2", "@1"]).ok();
    assert!(watched.lines().any(|line| line.contains(id) && line.contains("DONE")), "{watched}");
    sandbox.ketch(&["result", id]).ok();
}

#[test]
fn a_job_at_a_service_needs_nobody_here() {
    let server = ReplayServer::start();
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &server.url(), KEY);
    let id = submit(&sandbox, &[&example("bell.qasm"), "-b", "ibmq/fake_lima", "-s", "500"]);
    let sent = job(&sandbox, &id);
    assert_eq!(sent["runner"], "service");
    let service_id = sent["service_id"].as_str().unwrap();
    let result = sandbox.ketch(&["result", service_id, "--timeout", "60s", "--json"]).json();
    assert_eq!((&counts(&result)["00"], &counts(&result)["11"]), (&250.into(), &250.into()));
    assert_eq!(result["job_id"], id.as_str());
    // From now on the service is not needed.
    drop(server);
    assert_eq!(sandbox.ketch(&["result", &id, "--json"]).json(), result);
    assert_eq!(job(&sandbox, &id)["status"], "DONE");
}
