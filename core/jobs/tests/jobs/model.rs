//! The table of states against threads of several processes that all do what they like.

use std::{
    collections::HashMap,
    env,
    process::{Child, Command, Stdio},
};

use ketch_core::JobStatus;
use ketch_jobs::{JobFilter, state};

use crate::common::{Scratch, experiments};

const PROCESSES: u32 = 3;
const STEPS: u32 = 80;

/// One of the processes; cargo builds examples before tests.
fn process(scratch: &Scratch, number: u32) -> Child {
    let test = env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/states");
    let mut command = Command::new(program);
    command.arg(scratch.directory.path()).args([number.to_string(), STEPS.to_string()]);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Whether the table leads from a state to another one, in as many steps as it takes: between two
/// looks a job may have gone through several.
fn leads(from: &JobStatus, to: &JobStatus) -> bool {
    let mut known = vec![from.clone()];
    let mut place = 0;
    while place < known.len() {
        for (_, before, after) in &state::CHANGES {
            if *before == known[place] && !known.contains(after) {
                known.push(after.clone());
            }
        }
        place += 1;
    }
    known.contains(to)
}

#[test]
fn no_process_sees_a_change_that_the_table_does_not_have() {
    let scratch = Scratch::new();
    // The others come from the processes.
    scratch.submit("lab/bench", &experiments(1));
    let processes: Vec<Child> = (0..PROCESSES).map(|one| process(&scratch, one)).collect();
    let mut ended: HashMap<String, JobStatus> = HashMap::new();
    let mut looks = 0;
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let mut last: HashMap<String, JobStatus> = HashMap::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let [what, id, state] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let state = JobStatus::from(state);
            if what == "ended" {
                let before = ended.insert(id.to_owned(), state.clone());
                assert_eq!(before, None, "{id} came to two ends, the second {state}");
                continue;
            }
            looks += 1;
            if let Some(before) = last.insert(id.to_owned(), state.clone()) {
                assert!(leads(&before, &state), "{id} went from {before} to {state}");
            }
        }
    }
    assert!(looks > 50, "{looks} looks");
    assert!(ended.len() > 5, "{ended:?}");
    // The processes are gone, and so are the owners of what they had taken.
    scratch.store.recover().unwrap();
    assert_eq!(scratch.store.check().unwrap(), []);
    for job in scratch.store.jobs(&JobFilter::default()).unwrap() {
        assert_ne!(job.state, JobStatus::Running, "{job:?}");
        if let Some(told) = ended.get(&job.id) {
            assert_eq!(job.state, *told, "{job:?}");
        }
        let has_result = scratch.store.result(&job.id).unwrap().is_some_and(|one| one.success);
        assert_eq!(has_result, job.state == JobStatus::Done, "{job:?}");
    }
}
