//! A token, from the file where its owner keeps it to the server and back: it is found nowhere else,
//! in no form.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{Client, Server, submit::long, token};
use crate::{
    sandbox::{Sandbox, example},
    service::save,
};

const BACKEND: &str = "ibmq@lab/local_qasm_simulator";

/// A secret in all the forms that somebody may have given it.
struct Planted(Vec<String>);

impl Planted {
    fn new(secret: &str) -> Self {
        let percent = |upper: bool| {
            let byte = |byte| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
            secret.bytes().map(byte).collect::<String>()
        };
        let mut forms = vec![secret.to_owned(), percent(true), percent(false)];
        forms.extend(secret.strip_prefix("ketch-").map(str::to_owned));
        for before in 0..3 {
            let encoded = base64(&[&[0; 2][..before], secret.as_bytes()].concat());
            // What does not depend on what stands around it.
            let inside = &encoded[[0, 2, 3][before]..encoded.len() - 3];
            forms.extend([inside.to_owned(), inside.replace('+', "-").replace('/', "_")]);
        }
        Self(forms)
    }

    /// What is there besides is nobody's business, and is not said.
    #[track_caller]
    fn is_not_in(&self, bytes: &[u8], place: &str) {
        let text = String::from_utf8_lossy(bytes);
        for form in &self.0 {
            let found = text.find(form);
            assert_eq!(found, None, "`{form}` is at that byte of {place}");
        }
    }
}

/// Base64 (RFC 4648, section 4), without what fills up the end.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0, |group, byte| group << 8 | usize::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        let digit = |place: usize| char::from(DIGITS[group >> (18 - 6 * place) & 63]);
        text.extend((0..=chunk.len()).map(digit));
    }
    text
}

#[test]
fn every_form_is_recognised() {
    assert_eq!(base64(b"ketch-0"), "a2V0Y2gtMA");
    let planted = Planted::new("ketch-0123456789abcdef");
    for before in ["", "a", "ab", "abc"] {
        let text = base64(format!("{before}ketch-0123456789abcdef and so on").as_bytes());
        assert!(planted.0.iter().any(|form| text.contains(form)), "{before}: {text}");
    }
}

/// All files below the directory, of which some may be gone already.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Looks at what everybody can see of all processes, and returns which of the sandboxes' are there.
/// What is `common` to many tokens is looked for in the sandboxes' processes only: others may have
/// tokens of their own.
fn look_at_processes(
    planted: &[Planted],
    common: &Planted,
    sandboxes: [(&'static str, &Sandbox); 2],
) -> BTreeSet<(&'static str, &'static str)> {
    let homes = sandboxes.map(|(whose, sandbox)| {
        (whose, format!("XDG_DATA_HOME={}\0", sandbox.path("data").display()))
    });
    let mut seen = BTreeSet::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        let (words, environment) = (read("cmdline"), read("environ"));
        let is_not_there = |planted: &Planted| {
            let process = process.path();
            planted.is_not_in(&words, &format!("the words of {}", process.display()));
            planted.is_not_in(&environment, &format!("the environment of {}", process.display()));
        };
        planted.iter().for_each(is_not_there);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (arguments, variables) = (text(&words), text(&environment));
        for (whose, _) in homes.iter().filter(|(_, home)| variables.contains(home)) {
            is_not_there(common);
            let roles = ["worker", "plugin-host", "serve", "run"];
            let role = roles.iter().find(|role| arguments.contains(&format!("{role}\0")));
            seen.extend(role.map(|role| (*whose, *role)));
        }
    }
    seen
}

#[test]
fn a_planted_token_is_found_where_its_owner_keeps_it_and_nowhere_else() {
    let (near, far) = (Sandbox::new(), Sandbox::new());
    let server = Server::with(&near, &["--isolation", "always"]);
    let secret = token(&near, &["new", "ada"]);
    let url = format!("http://127.0.0.1:{}", server.port);
    let client = Client::new(server.port, &secret);
    let exchange = format!("apikey={secret}");
    let exchanged = client.send("POST", "/identity/token", exchange.as_bytes()).ok();
    let access = exchanged["access_token"].as_str().unwrap().to_owned();
    // All access tokens begin in the same way, also those that the provider is given.
    let (beginning, _) = access.split_once('.').unwrap();
    let common = Planted::new(&format!("{beginning}."));
    let planted = [&secret, &access].map(|form| Planted::new(form));

    save(&far, "lab", &url, &secret);
    save(&far, "wrong", &url, &format!("{secret}0"));
    let mut told = String::new();
    let mut ketch = |arguments: &[&str]| {
        let run = far.ketch(arguments);
        told += &format!("{arguments:?}: {}\n{}\n", run.stdout, run.stderr);
        run.exit
    };
    let bell = example("bell.qasm");
    assert_eq!(ketch(&["run", &bell, "-b", BACKEND, "--seed", "7"]), Some(0));
    assert_eq!(ketch(&["--isolation", "always", "submit", &bell, "-b", BACKEND]), Some(0));
    assert_eq!(ketch(&["result", "@1", "--json"]), Some(0));
    for arguments in [
        &["backends", "--json"][..],
        &["backend", BACKEND, "--json"],
        &["account", "list", "--json"],
        &["jobs", "--json"],
        &["job", "@1", "--json"],
        &["doctor"],
        // And what fails.
        &["run", &bell, "-b", "ibmq@wrong/local_qasm_simulator"],
        &["run", &bell, "-b", "ibmq@lab/nothing"],
        &["run", &bell, "-b", BACKEND, "--shots", "0"],
        &["run", &bell, "-b", "ibmq@lab/noisy_ibmqx4", "-o", "no=5", "--json"],
    ] {
        ketch(arguments);
    }

    // While a job runs there, for which somebody waits here.
    far.write("long.qasm", long());
    let arguments = ["--isolation", "always", "run", "long.qasm", "-b", BACKEND];
    let mut waiting = far.command(&arguments);
    let mut waiting = waiting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let expected = [
        ("far", "plugin-host"),
        ("far", "run"),
        ("near", "plugin-host"),
        ("near", "serve"),
        ("near", "worker"),
    ];
    let (start, mut seen, mut runs) = (Instant::now(), BTreeSet::new(), false);
    while !(runs && expected.iter().all(|one| seen.contains(one))) {
        assert!(start.elapsed() < Duration::from_secs(120), "seen are {seen:?}; it runs: {runs}");
        thread::sleep(Duration::from_millis(20));
        let there = client.get("/api/v1/jobs?pending=true").ok();
        runs = there["jobs"].as_array().unwrap().iter().any(|job| job["status"] == "Running");
        seen.extend(look_at_processes(&planted, &common, [("near", &near), ("far", &far)]));
    }
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let left = client.get("/api/v1/jobs?pending=true").ok();
    for job in left["jobs"].as_array().unwrap() {
        let path = format!("/api/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
        client.send("POST", &path, b"").done();
    }

    let metrics = client.get("/metrics").text();
    let said = server.end().1;
    // Nobody is there any more.
    assert_ne!(ketch(&["run", &bell, "-b", BACKEND]), Some(0));
    assert!(told.contains("\"00\"") && told.contains("is refused"), "little was said: {told}");
    let everywhere = || planted.iter().chain([&common]);
    for planted in everywhere() {
        planted.is_not_in(told.as_bytes(), "what was said");
        planted.is_not_in(said.as_bytes(), "what the server said");
        planted.is_not_in(metrics.as_bytes(), "the metrics");
    }
    let kept = far.path("config/ketch/accounts.json");
    assert!(fs::read_to_string(&kept).unwrap().contains(&secret), "it is kept");
    for path in [&near, &far].into_iter().flat_map(|sandbox| files(&sandbox.path(""))) {
        let Ok(bytes) = fs::read(&path) else { continue };
        if path != kept {
            everywhere().for_each(|one| one.is_not_in(&bytes, path.to_str().unwrap()));
        }
    }
}
