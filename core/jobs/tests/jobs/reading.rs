//! Many who read at a time, and jobs that are forgotten meanwhile.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use ketch_core::JobStatus;
use ketch_jobs::{Budget, Error, Store};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::common::{LONG, Scratch, experiments, large_result};

const BUDGET: Budget = Budget { threads: 2, memory: 1 << 30 };

/// A job that is DONE, with a result of about so many bytes.
fn done(scratch: &Scratch, bytes: usize) -> String {
    scratch.submit("lab/bench", &experiments(1));
    let claim = scratch.store.claim(BUDGET).unwrap().unwrap();
    let id = claim.record.id.clone();
    claim.finish_with(&large_result(bytes), None).unwrap();
    id
}

#[test]
fn nobody_waits_for_somebody_whose_file_does_not_come() {
    let scratch = Scratch::new();
    let id = done(&scratch, 100_000);
    let mut documents = fs::read_dir(scratch.directory.path().join("documents")).unwrap();
    let file = documents.next().unwrap().unwrap().path();
    let bytes = fs::read(&file).unwrap();
    // From now on the file says nothing until somebody writes into it.
    fs::remove_file(&file).unwrap();
    mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();

    let store = Store::open(scratch.directory.path()).unwrap().with_readers(1).unwrap();
    let store = Arc::new(store);
    let (reading, asked) = (Arc::clone(&store), id.clone());
    let slow = thread::spawn(move || reading.result(&asked).unwrap().unwrap());
    // It has begun to read the file once this can be opened for writing.
    let mut other_end = fs::OpenOptions::new().write(true).open(&file).unwrap();
    let (tell, told) = mpsc::channel();
    let (reading, asked) = (Arc::clone(&store), id);
    thread::spawn(move || tell.send(reading.job(&asked).unwrap().state));
    assert_eq!(told.recv_timeout(LONG.unwrap()), Ok(JobStatus::Done));
    std::io::Write::write_all(&mut other_end, &bytes).unwrap();
    drop(other_end);
    assert!(slow.join().unwrap().success);
}

#[test]
fn a_job_that_is_forgotten_meanwhile_is_not_found_and_never_half_of_one() {
    let scratch = Scratch::new();
    // Some results are in rows, others in files.
    for bytes in [64, 100_000] {
        for _ in 0..40 {
            let id = done(&scratch, bytes);
            let (gone, begun) = (AtomicBool::new(false), AtomicBool::new(false));
            let other = scratch.other();
            thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    while !gone.load(Ordering::Acquire) {
                        match other.result(&id) {
                            Ok(Some(result)) => assert!(result.success),
                            Ok(None) => panic!("a job that is DONE has a result"),
                            Err(Error::NotFound { .. }) => return,
                            Err(error) => {
                                panic!("{error}: {:?}", std::error::Error::source(&error))
                            }
                        }
                        begun.store(true, Ordering::Release);
                    }
                });
                while !begun.load(Ordering::Acquire) && !reader.is_finished() {
                    thread::yield_now();
                }
                scratch.store.delete(&id).unwrap();
                gone.store(true, Ordering::Release);
            });
        }
    }
}
