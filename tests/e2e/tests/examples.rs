//! The runnable examples, and the promises about their length.

use std::{fs, path::Path, process::Command};

use crate::sandbox::{built, finish, repository};

fn run(name: &str) -> String {
    let mut command = Command::new(built(&format!("examples/{name}")));
    finish(command.env_clear()).ok()
}

#[test]
fn they_find_the_plugin_and_print_what_they_promise() {
    let bell = run("bell");
    let counts: Vec<&str> = bell.trim().trim_matches(['{', '}']).split(", ").collect();
    assert!(counts.len() == 2 && counts[0].starts_with("00: ") && counts[1].starts_with("11: "));

    let polled = run("async_polling");
    assert!(polled.contains("submitted to") && polled.contains("\nDONE\n"), "{polled}");

    let jobs = run("many_jobs");
    assert_eq!(jobs.lines().count(), 7, "{jobs}");

    let swept = run("parameters");
    let rows: Vec<Vec<f64>> = swept
        .lines()
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .collect();
    assert_eq!(rows.len(), 17, "{swept}");
    for row in rows {
        // Six standard deviations of 1000 fair coins: a false alarm has a chance below 4e-8, and
        // the seed is fixed.
        assert!((row[1] - row[2]).abs() < 95.0, "{swept}");
    }
}

#[test]
fn they_are_as_short_as_promised() {
    let lines = |file: &Path| fs::read_to_string(file).unwrap().lines().count();
    let bell = lines(&repository("examples/bell.rs"));
    assert!(bell <= 12, "the Bell pair takes {bell} lines");

    let sources = fs::read_dir(repository("examples/provider-template/src")).unwrap();
    let template: usize = sources.map(|entry| lines(&entry.unwrap().path())).sum();
    assert!(template <= 120, "the provider takes {template} lines");
}
