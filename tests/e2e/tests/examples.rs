//! The runnable examples, and the promises about their length.

use std::{fs, path::Path, process::Command};

use crate::{
    sandbox::{Sandbox, built, finish, repository},
    service::{KEY, ReplayServer, save, without_secrets},
};

/// An example, as a user runs it who has the accounts of a sandbox.
fn run_as(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(built(&format!("examples/{name}")));
    command.args(arguments).env_clear();
    for (name, value) in sandbox.command::<&str>(&[]).get_envs() {
        command.env(name, value.unwrap());
    }
    without_secrets(finish(&mut command)).ok()
}

fn run(name: &str) -> String {
    run_as(&Sandbox::new(), name, &[])
}

#[test]
fn they_find_the_plugin_and_print_what_they_promise() {
    let bell = run("bell");
    let counts: Vec<&str> = bell.trim().trim_matches(['{', '}']).split(", ").collect();
    assert!(counts.len() == 2 && counts[0].starts_with("00: ") && counts[1].starts_with("11: "));

    let polled = run("async_polling");
    assert!(polled.contains("submitted to") && polled.contains("\nDONE\n"), "{polled}");

    let jobs = run("many_jobs");
    let of = |backend: &str| jobs.lines().filter(|line| line.starts_with(backend)).count();
    assert_eq!((of("local/qasm_simulator"), of("noisy/ibmqx4")), (7, 2), "{jobs}");

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

    let energies = run("energy");
    let rows: Vec<Vec<f64>> = energies
        .lines()
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .collect();
    assert_eq!(rows.len(), 17, "{energies}");
    for row in rows {
        let [theta, exact, device, error] = row[..] else { panic!("{energies}") };
        // Printed with three and four digits.
        assert!((exact - theta.cos() - theta.sin()).abs() < 2e-3, "{energies}");
        // The device's noise draws the energy, at most 1.5, towards 0.
        assert!((device - exact).abs() < 0.45 && error < 0.03, "{energies}");
    }
}

#[test]
fn a_remote_job_is_watched_in_its_queue() {
    let server = ReplayServer::start();
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &server.url(), KEY);
    let polled = run_as(&sandbox, "async_polling", &["ibmq/fake_lima"]);
    let lines: Vec<&str> = polled.lines().collect();
    assert!(lines[0].starts_with("compiled chain: "), "{polled}");
    assert!(lines[1].starts_with("submitted to ibmq/fake_lima: job "), "{polled}");
    assert!(lines[2].ends_with("in the queue"), "{polled}");
    assert!(polled.contains("\nRUNNING\nDONE\n"), "{polled}");
    // The outcomes are the server's: zeros and ones by turns.
    assert_eq!(lines.last(), Some(&"{00000: 2048, 11111: 2048}"), "{polled}");
}

#[test]
fn jobs_of_all_three_providers_run_side_by_side() {
    let server = ReplayServer::start();
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &server.url(), KEY);
    let names = ["ibmq/fake_lima", "noisy/ibmqx4", "local/qasm_simulator"];
    let jobs = run_as(&sandbox, "many_jobs", &names);
    for (name, expected) in names.into_iter().zip([2, 2, 7]) {
        let lines = jobs.lines().filter(|line| line.starts_with(name));
        assert_eq!(lines.count(), expected, "{name}: {jobs}");
    }
    // The device was asked first, and its results came when they were there: its queue is long.
    let last = jobs.lines().last().unwrap();
    assert!(last.starts_with("ibmq/fake_lima"), "{jobs}");
}

#[test]
fn they_are_as_short_as_promised() {
    let lines = |file: &Path| fs::read_to_string(file).unwrap().lines().count();
    let bell = lines(&repository("examples/bell.rs"));
    assert!(bell <= 12, "the Bell pair takes {bell} lines");

    for template in ["provider-template", "provider-template-remote"] {
        let sources = fs::read_dir(repository(&format!("examples/{template}/src"))).unwrap();
        let taken: usize = sources.map(|entry| lines(&entry.unwrap().path())).sum();
        assert!(taken <= 120, "the provider of {template} takes {taken} lines");
    }
}
