//! Jobs on their way to a service: whatever dies, none is lost and none is sent twice.
//!
//! The service is the replay server, which keeps each job that it takes in a file before it answers.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Read,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use ketch::jobs::drill::STEPS;
use serde_json::Value;

use super::{Dice, spawn};
use crate::{
    sandbox::{Run, Sandbox, example, finish},
    service::{EARLY_KEY, KEY, ReplayServer, save, without_secrets},
};

/// The backends of both APIs.
const BACKENDS: [&str; 2] = ["ibmq@today/fake_lima", "ibmq@early/ibmq_qasm_simulator"];

/// A user with accounts at a service that keeps what it takes.
struct Lab {
    sandbox: Sandbox,
    server: ReplayServer,
    directory: PathBuf,
}

impl Lab {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let directory = sandbox.path("service");
        fs::create_dir(&directory).unwrap();
        let server = ReplayServer::keeping(&directory);
        save(&sandbox, "today", &server.url(), KEY);
        save(&sandbox, "early", &server.early_url(), EARLY_KEY);
        Self { sandbox, server, directory }
    }

    /// How the next submission fails.
    fn break_with(&self, fault: &str) {
        let unfinished = self.sandbox.path("next fault");
        fs::write(&unfinished, fault).unwrap();
        fs::rename(unfinished, self.directory.join("fault")).unwrap();
    }

    /// The keys of the jobs that the service has taken: what `ketch` calls them.
    fn taken(&self) -> Vec<String> {
        let files = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
        let jobs = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
        let key = |path: PathBuf| {
            let kept: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let tag = match kept["is_early"] == true {
                true => kept["body"]["qasms"][0]["metadata"]["ketch_job_key"].clone(),
                false => kept["body"]["tags"][0].clone(),
            };
            tag.as_str().unwrap().strip_prefix("ketch-").unwrap().to_owned()
        };
        jobs.map(key).collect()
    }

    fn ketch(&self, arguments: &[&str]) -> Run {
        without_secrets(self.sandbox.ketch(arguments))
    }

    /// What the store knows of its one job, after asking the service.
    #[track_caller]
    fn only_job(&self) -> Value {
        let listed = self.ketch(&["jobs", "--json"]).json();
        let [only] = listed["jobs"].as_array().unwrap().as_slice() else { panic!("{listed}") };
        self.ketch(&["job", only["job_id"].as_str().unwrap(), "--json"]).json()
    }

    /// The job comes to its end, and the service has it once.
    #[track_caller]
    fn ends_well(&self, what: &str) {
        let result = self.ketch(&["result", "@1", "--timeout", "60s", "--json"]).json();
        assert_eq!(result["status"], "DONE", "{what}");
        assert_eq!(self.taken().len(), 1, "{what}");
    }
}

#[test]
fn a_command_that_dies_while_it_sends_loses_no_job_and_sends_none_twice() {
    let steps = STEPS.into_iter().filter(|step| step.starts_with("send"));
    for (step, backend) in steps.flat_map(|step| BACKENDS.map(|backend| (step, backend))) {
        let what = format!("{step} on {backend}");
        let lab = Lab::new();
        let marker = lab.sandbox.path("die");
        fs::write(&marker, "").unwrap();
        let mut command = lab.sandbox.command(&["submit", &example("bell.qasm"), "-b", backend]);
        command.env("KETCH_DIE_AT", format!("{step}:{}", marker.display()));
        let run = finish(&mut command);
        assert_eq!((run.exit, run.stdout.as_str()), (None, ""), "{what}: {run:?}");
        assert!(!marker.exists(), "{what} was never reached");

        // The next commands: they look for the job, and send nothing.
        let job = lab.only_job();
        let arrived = step != "send.before";
        assert_eq!(job["service_id"].is_string(), arrived, "{what}: {job}");
        assert_eq!(lab.taken().len(), usize::from(arrived), "{what}");
        if arrived {
            assert_eq!(lab.taken(), [job["job_id"].as_str().unwrap()], "{what}");
            if job["status"] != "DONE" {
                // Nobody sends it again while it goes on.
                let said = lab.ketch(&["retry", "@1"]).fails(1);
                assert!(said.contains("`ketch cancel"), "{what}: {said}");
            }
        } else {
            assert_eq!(job["status"], "INITIALIZING", "{what}");
            assert_eq!(job["error"]["code"], "job.unknown_outcome", "{what}");
            let said = lab.ketch(&["result", "@1"]).stderr;
            assert!(said.contains("ketch retry"), "{what}: {said}");
            assert_eq!(lab.taken().len(), 0, "{what}: looking sends nothing");
            lab.ketch(&["retry", "@1"]).ok();
        }
        lab.ends_well(&what);
    }
}

#[test]
fn a_command_killed_on_the_wire_finds_its_job_again() {
    for backend in BACKENDS {
        let lab = Lab::new();
        lab.break_with("silent");
        let arguments = ["submit", &example("bell.qasm"), "-b", backend];
        let mut command = spawn(&mut lab.sandbox.command(&arguments));
        let start = Instant::now();
        while lab.taken().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "{backend}: nothing was sent");
            thread::yield_now();
        }
        // The service has it, and the answer is on its way for ever.
        let id = lab.taken().remove(0);
        let sending = lab.ketch(&["job", &id, "--json"]).json();
        assert_eq!(sending["status"], "INITIALIZING", "{backend}: {sending}");
        assert_eq!(sending["process"], command.id(), "{backend}: it is the sender's");
        command.kill().unwrap();
        command.wait().unwrap();
        assert!(lab.only_job()["service_id"].is_string(), "{backend}");
        lab.ends_well(backend);
    }
}

#[test]
fn an_answer_that_is_lost_costs_no_job_and_makes_no_second_one() {
    for fault in ["unheard", "unheard-503", "lost", "lost-502"] {
        for backend in BACKENDS {
            let lab = Lab::new();
            lab.break_with(fault);
            lab.ketch(&["submit", &example("bell.qasm"), "-b", backend]).ok();
            lab.ends_well(&format!("{fault} on {backend}"));
        }
    }
}

#[test]
fn a_service_that_dies_with_the_job_and_comes_back_has_it_once() {
    for backend in BACKENDS {
        let mut lab = Lab::new();
        lab.break_with("dead");
        let run = lab.ketch(&["submit", &example("bell.qasm"), "-b", backend]);
        // Nobody can say whether it arrived, and nobody pretends to.
        assert!(run.exit.is_some_and(|exit| exit != 0) && run.stdout.is_empty(), "{run:?}");
        assert_eq!(lab.taken().len(), 1, "{backend}");
        let listed = lab.ketch(&["jobs", "--json"]).json();
        assert_eq!(listed["jobs"][0]["status"], "INITIALIZING", "{backend}: {listed}");
        assert_eq!(listed["jobs"][0]["error"]["code"], "job.submission_unknown", "{backend}");

        lab.server.restart(&lab.directory);
        lab.ends_well(backend);
    }
}

#[test]
fn commands_killed_at_random_moments_send_no_job_twice() {
    // A tenth of the drill's processes: each of them talks to a service first.
    let kills = env::var("KETCH_KILLS").map_or(300, |text| text.parse().unwrap()) / 10;
    let lab = Lab::new();
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut told = Vec::new();
    for number in 0..kills {
        let arguments = ["submit", &example("bell.qasm"), "-b", BACKENDS[number % 2]];
        let mut command = spawn(&mut lab.sandbox.command(&arguments));
        // The moment at which the knife falls is what the drill is about.
        thread::sleep(Duration::from_micros(dice.roll(150_000)));
        command.kill().unwrap();
        let mut id = String::new();
        command.stdout.take().unwrap().read_to_string(&mut id).unwrap();
        command.wait().unwrap();
        if id.ends_with('\n') {
            told.push(id.trim().to_owned());
        }
    }
    let listed = lab.ketch(&["jobs", "--json", "--limit", "100000"]).json();
    let jobs = listed["jobs"].as_array().unwrap();
    let taken = lab.taken();
    let keys: BTreeSet<&String> = taken.iter().collect();
    assert_eq!(keys.len(), taken.len(), "sent twice: {taken:?}");
    for id in &told {
        assert!(keys.contains(id), "{id} was told and is lost");
    }
    let known: BTreeSet<&str> = jobs.iter().filter_map(|job| job["job_id"].as_str()).collect();
    assert!(taken.iter().all(|key| known.contains(key.as_str())), "{taken:?}, but {known:?}");
    // The next command about each of them finds those that arrived, and no others.
    for id in known {
        let job = lab.ketch(&["job", id, "--json"]).json();
        assert_eq!(job["service_id"].is_string(), taken.iter().any(|key| key == id), "{job}");
    }
    assert_eq!(lab.taken().len(), taken.len(), "nothing is sent by looking");
}
