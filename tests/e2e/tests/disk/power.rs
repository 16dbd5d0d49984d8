//! Losses of power: a record of all that commands and workers did to the disk is cut, and the disk
//! rebuilt as it would be found.
//!
//! What was synced before the cut is there: bytes by a sync of their file, names by a sync of their
//! directory. Of the rest nothing is there, or some of it, sector by sector.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use ketch::{
    JobStatus,
    jobs::{JobFilter, Store},
};

use super::{
    put_below,
    record::{self, Entry, What},
};
use crate::{
    crash::Dice,
    sandbox::{Run, Sandbox, example, finish},
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A record of which is known what each entry is about.
struct Replay {
    root: PathBuf,
    entries: Vec<Entry>,
    /// The number of the file that an entry is about: files keep theirs under other names.
    files: Vec<Option<usize>>,
    /// The sync that made the change of an entry durable; past the end if none did.
    durable: Vec<usize>,
}

impl Replay {
    fn new(root: &Path, entries: Vec<Entry>) -> Self {
        let mut names: BTreeMap<&Path, usize> = BTreeMap::new();
        let mut count = 0;
        let files: Vec<Option<usize>> = entries
            .iter()
            .map(|entry| match &entry.what {
                What::Create { path } => {
                    count += 1;
                    names.insert(path, count - 1);
                    Some(count - 1)
                }
                What::Rename { from, to } => {
                    let file = names.remove(&**from)?;
                    names.insert(to, file);
                    Some(file)
                }
                What::Unlink { path } => names.remove(&**path),
                What::Write { path, .. } | What::Truncate { path, .. } | What::Sync { path } => {
                    names.get(&**path).copied()
                }
                What::Directory { .. } | What::Fault | What::Said(_) => None,
            })
            .collect();
        // From the end, so that the next sync of each file and directory is at hand.
        let (mut of_file, mut of_directory) = (BTreeMap::new(), BTreeMap::<&Path, usize>::new());
        let mut durable = vec![usize::MAX; entries.len()];
        for (place, entry) in entries.iter().enumerate().rev() {
            let named = |path: &Path| of_directory.get(path.parent()?).copied();
            let next = match &entry.what {
                What::Sync { path } => {
                    match files[place] {
                        Some(file) => drop(of_file.insert(file, place)),
                        None => drop(of_directory.insert(path, place)),
                    }
                    Some(place)
                }
                What::Write { .. } | What::Truncate { .. } => {
                    files[place].and_then(|file| of_file.get(&file).copied())
                }
                What::Create { path }
                | What::Unlink { path }
                | What::Directory { path }
                | What::Rename { to: path, .. } => named(path),
                What::Fault | What::Said(_) => None,
            };
            durable[place] = next.unwrap_or(usize::MAX);
        }
        Self { root: root.to_owned(), entries, files, durable }
    }

    /// Makes the directory as it is found after a loss of power before the entry `cut`;
    /// `survives` is asked about everything that was not synced.
    fn rebuild(&self, cut: usize, mut survives: impl FnMut() -> bool, into: &Path) {
        let mut names: BTreeMap<&Path, usize> = BTreeMap::new();
        let mut directories = BTreeSet::from([&*self.root]);
        let mut contents: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (place, entry) in self.entries[..cut].iter().enumerate() {
            let is_durable = self.durable[place] < cut;
            let mut is_there = || is_durable || survives();
            match (&entry.what, self.files[place]) {
                (What::Write { offset, bytes, .. }, Some(file)) => {
                    let content = contents.entry(file).or_default();
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        if is_there() {
                            let start = offset + number * SECTOR;
                            let end = start + sector.len();
                            content.resize(content.len().max(end), 0);
                            content[start..end].copy_from_slice(sector);
                        }
                    }
                }
                (What::Truncate { length, .. }, Some(file)) if is_there() => {
                    contents.entry(file).or_default().resize(*length, 0);
                }
                (What::Create { path }, Some(file)) if is_there() => {
                    names.insert(path, file);
                }
                (What::Rename { from, to }, Some(file)) if is_there() => {
                    names.remove(&**from);
                    names.insert(to, file);
                }
                (What::Unlink { path }, Some(_)) if is_there() => {
                    names.remove(&**path);
                }
                (What::Directory { path }, _) if is_there() => {
                    directories.insert(path);
                }
                _ => {}
            }
        }
        let is_there = |path: &Path| {
            path.ancestors()
                .take_while(|one| *one != self.root)
                .all(|one| directories.contains(one))
        };
        let place = |path: &Path| into.join(path.strip_prefix(&self.root).unwrap());
        for directory in directories.iter().filter(|path| is_there(path)) {
            fs::create_dir_all(place(directory)).unwrap();
        }
        for (path, file) in names {
            if path.parent().is_some_and(is_there) {
                let content = contents.get(&file).map_or(&[][..], Vec::as_slice);
                fs::write(place(path), content).unwrap();
            }
        }
    }

    /// Of the jobs of which anybody was told before the entry, whether they were said to be DONE.
    fn told(&self, cut: usize) -> BTreeMap<&str, bool> {
        let mut told = BTreeMap::new();
        for entry in &self.entries[..cut] {
            let What::Said(text) = &entry.what else { continue };
            for line in text.lines() {
                let mut words = line.split_whitespace();
                if let Some(id) = words.next().filter(|word| is_id(word)) {
                    *told.entry(id).or_insert(false) |= words.any(|word| word == "DONE");
                }
            }
        }
        told
    }
}

fn is_id(word: &str) -> bool {
    word.len() == 26 && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Jobs of all kinds through commands and workers, on a disk that holds nothing at first, and how
/// long the record was when the last command began, which deletes a job.
struct Day {
    replay: Replay,
    deleted: String,
    deleting: usize,
}

/// The store in it.
const STORE: &str = "share/ketch/jobs";

fn day() -> Day {
    let sandbox = Sandbox::new();
    let (root, note) = (sandbox.path("disk"), sandbox.path("record"));
    fs::create_dir(&root).unwrap();
    let ketch = |words: &[&str]| {
        let mut command = sandbox.command(words);
        command.env("XDG_DATA_HOME", root.join("share"));
        put_below(&mut command, &root, &note);
        finish(&mut command)
    };
    let ids = |run: Run| run.ok().lines().map(str::to_owned).collect::<Vec<String>>();
    let bell = example("bell.qasm");
    let wide = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[13];\nh q;\n";
    sandbox.write("wide.qasm", wide);
    let qobj = sandbox.ketch(&["convert", &bell, "--to", "qobj"]).json();
    let mut sweep = qobj.clone();
    sweep["experiments"] = vec![qobj["experiments"][0].clone(); 400].into();
    sandbox.write("sweep.json", sweep.to_string());

    // Both documents of the one are files, and the results of the other are several.
    let large = ids(ketch(&["submit", "wide.qasm", "--save", "statevector"])).remove(0);
    ketch(&["result", &large, "--timeout", "60s", "-O", "wide.json"]).ok();
    let sweep = ids(ketch(&["submit", "sweep.json"])).remove(0);
    ketch(&["watch", &large, &sweep]).ok();
    ketch(&["run", &bell]).ok();
    ketch(&["run", "wide.qasm", "--save", "statevector"]).ok();
    let long = ids(ketch(&["submit", "sweep.json", "-s", "1000000"])).remove(0);
    ketch(&["cancel", &long]).ok();
    ketch(&["watch", &long]);
    // So many that SQLite moves its log into the database, and begins a new one.
    let many = ids(ketch(&[&["submit"][..], &[bell.as_str(); 30]].concat()));
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    ketch(&[&["watch"], &many[..]].concat()).ok();
    let deleting = record::read(&note).len();
    ketch(&["delete", &large]).ok();
    let replay = Replay::new(&root, record::read(&note));
    Day { replay, deleted: large, deleting }
}

impl Day {
    /// Looks at the store as it is found after a loss of power before the entry `cut`.
    #[track_caller]
    fn survives(&self, cut: usize, chance: impl FnMut() -> bool) {
        let place = tempfile::tempdir().unwrap();
        self.replay.rebuild(cut, chance, place.path());
        let mut told = self.replay.told(cut);
        if cut > self.deleting {
            told.remove(self.deleted.as_str());
        }
        if told.is_empty() && !place.path().join(STORE).exists() {
            return;
        }
        let store = Store::open(&place.path().join(STORE)).unwrap();
        assert_eq!(store.check().unwrap(), [], "before entry {cut}");
        for (id, is_done) in told {
            let job = store.job(id).unwrap_or_else(|error| panic!("before entry {cut}: {error}"));
            assert!(!is_done || job.state == JobStatus::Done, "before entry {cut}: {job:?}");
        }
        for job in store.jobs(&JobFilter::default()).unwrap() {
            assert_eq!(store.qobj(&job.id).unwrap().experiments().len() as u64, job.experiments);
            let result = store.result(&job.id).unwrap();
            let kept = result.as_ref().map_or(0, |result| result.experiments.len() as u64);
            assert_eq!(kept, job.completed, "before entry {cut}: {job:?}");
            assert!(job.state != JobStatus::Done || kept == job.experiments, "{job:?}");
        }
    }
}

#[test]
fn what_was_told_is_there_after_a_loss_of_power() {
    let day = day();
    let entries = &day.replay.entries;
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut cuts = 0;
    for (place, entry) in entries.iter().enumerate() {
        match &entry.what {
            // All that is not synced yet is in danger; and what was, is safe from now on.
            What::Sync { .. } => {
                day.survives(place, || dice.roll(2) == 0);
                day.survives(place + 1, || false);
            }
            What::Said(_) => day.survives(place + 1, || false),
            _ => continue,
        }
        cuts += 1;
    }
    day.survives(entries.len(), || true);
    assert!(cuts > 100, "{cuts} cuts");
    let told = day.replay.told(entries.len());
    assert!(told.len() >= 33 && told.values().filter(|done| **done).count() >= 32, "{told:?}");
}

#[test]
fn who_prints_an_id_has_synced_all_that_the_job_needs() {
    let day = day();
    let Replay { entries, durable, .. } = &day.replay;
    let store = day.replay.root.join(STORE);
    let is_log = |path: &Path| path.extension().is_some_and(|end| end == "db-wal");
    let log = entries.iter().position(
        |one| matches!(&one.what, What::Write { path, .. } if path.starts_with(&store) && is_log(path)),
    );
    assert!(log.is_some(), "nothing is written to a log");
    let mut told = 0;
    for (said, entry) in entries.iter().enumerate() {
        let What::Said(text) = &entry.what else { continue };
        told += text.lines().filter(|line| is_id(line)).count();
        let own =
            entries[..said].iter().enumerate().filter(|(_, one)| one.process == entry.process);
        for (place, change) in own {
            let (What::Write { path, .. }
            | What::Truncate { path, .. }
            | What::Create { path }
            | What::Rename { to: path, .. }
            | What::Directory { path }) = &change.what
            else {
                continue;
            };
            // The index of the log is made anew, and a lock is only locked. Once there is a log, what
            // comes into the database itself is in the log, which is not emptied before the database
            // is synced; another thread may be carrying it over just now.
            let counts = store.starts_with(path) || path.starts_with(&store);
            let is_carried = log.is_some_and(|log| log < place);
            let is_needed =
                |end: &OsStr| end != "db-shm" && end != "lock" && !(end == "db" && is_carried);
            if counts && path.extension().is_none_or(is_needed) {
                assert!(durable[place] < said, "{text:?} was said before {path:?} was synced");
            }
        }
    }
    assert!(told >= 33, "{told} ids");
}
